"""Speed as ratios, both sides taken in turn in the same run: `make bench`.

A row says what was measured, the median over the rounds with its range, the bar it should reach and whether it does.
Machines differ and drift, so only ratios are printed as results. Words as arguments select the rows that hold one of
them.
"""

import importlib
import os
import sys
from statistics import median

# Before NumPy is imported: both sides of every ratio run on the threads that the row states, and OpenBLAS on the
# kernels that it chooses for this machine.
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
CHOSEN = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
if any(os.environ.get(key) != value for key, value in THREADS.items()) or any(key in os.environ for key in CHOSEN):
    kept = {key: value for key, value in os.environ.items() if key not in CHOSEN}
    os.execve(sys.executable, [sys.executable, *sys.argv], kept | THREADS)

import conformance
import pointwise
from ratios import Row
from rich.console import Console
from rich.table import Table

import bochner


def rows() -> list[Row]:
    """All rows; those with peers where these are installed."""
    found: list[Row] = pointwise.rows() + conformance.rows()
    for name in ("structured", "attention"):
        try:
            found += importlib.import_module(name).rows()
        except ImportError as error:
            print(f"{name} is not measured: {error}; `make bench` installs its peers", file=sys.stderr)
    words = sys.argv[1:]
    return [row for row in found if not words or any(word in row.name for word in words)]


def main() -> int:
    """Measure all rows and print them; the exit code is the number of bars that were missed."""
    table = Table("work", "ratio", "range", "bar", "", title=f"bochner {bochner.__version__}")
    missed = 0
    for row in rows():
        values = row.measure()
        reached = median(values) >= row.bar
        missed += not reached
        table.add_row(
            row.name,
            f"{median(values):.2f}",
            f"{min(values):.2f} .. {max(values):.2f}",
            f"{row.bar:.3g}",
            "reached" if reached else "MISSED",
        )
    Console(width=140).print(table)
    return missed


if __name__ == "__main__":
    sys.exit(main())
