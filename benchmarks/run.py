"""Speed as ratios, both sides taken in turn in the same run: `make bench`.

A row says what was measured, the median ratio over the rounds with its range, the bar it should reach and whether it
does. Machines differ and drift, so only ratios are printed as results.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

# Before NumPy is imported: both sides of every ratio run on the threads that the row states.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np
import numpy_pointwise
from rich.console import Console
from rich.table import Table

import bochner

ROUNDS = 9
DIM, M, PAIRS = 16, 64, 64


@dataclass(frozen=True)
class Ratio:
    """How many times faster `ours` is than `peer`, and the bar."""

    name: str
    peer: Callable[[], object]
    ours: Callable[[], object]
    bar: float


def seconds(call: Callable[[], object]) -> float:
    """The wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(ratio: Ratio) -> list[float]:
    """The ratios of ROUNDS rounds, peer and ours in turn, after a warm-up of both."""
    ratio.peer()
    ratio.ours()
    return [seconds(ratio.peer) / seconds(ratio.ours) for _ in range(ROUNDS)]


def pointwise_ratios() -> list[Ratio]:
    """A pointwise trial against NumPy, and two threads against one."""
    rng = np.random.default_rng(0)
    x = 0.3 * rng.standard_normal((PAIRS, DIM))
    y = 0.3 * rng.standard_normal((PAIRS, DIM))

    def ours(coupling: str, trials: int, threads: int) -> Callable[[], object]:
        estimator = bochner.Estimator("softmax", "positive", coupling)

        def run() -> object:
            bochner.set_num_threads(threads)
            return bochner.experiments.pointwise(estimator, x, y, m=[M], trials=trials, sampler="plain")

        return run

    def peer(coupling: str, trials: int) -> Callable[[], object]:
        return lambda: numpy_pointwise.pointwise(coupling, x, y, M, trials, seed=0)

    setting = f"d = {DIM}, m = {M}, {PAIRS} pairs, positive, double"
    ratios = [
        Ratio(
            f"pointwise trial, {coupling}, {setting}: over NumPy, one thread each",
            peer(coupling, 2000),
            ours(coupling, 2000, 1),
            bar,
        )
        for coupling, bar in (("iid", 2.0), ("orthogonal", 3.0))
    ]
    if (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1) >= 2:
        ratios.append(
            Ratio(
                f"pointwise, orthogonal, {setting}: two threads over one",
                ours("orthogonal", 20000, 1),
                ours("orthogonal", 20000, 2),
                1.8,
            )
        )
    return ratios


def main() -> int:
    """Measure all ratios and print them; the exit code is the number of bars that were missed."""
    table = Table("work", "ratio", "range", "bar", "", title=f"bochner {bochner.__version__}")
    missed = 0
    for ratio in pointwise_ratios():
        values = measure(ratio)
        reached = median(values) >= ratio.bar
        missed += not reached
        table.add_row(
            ratio.name,
            f"{median(values):.2f}",
            f"{min(values):.2f} .. {max(values):.2f}",
            f"{ratio.bar:g}",
            "reached" if reached else "MISSED",
        )
    Console(width=140).print(table)
    return missed


if __name__ == "__main__":
    sys.exit(main())
