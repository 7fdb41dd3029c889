"""The command `bochner`: `reproduce` makes the figures, `list` tells what there is, `audit` checks other packages."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

import bochner

app = typer.Typer(
    name="bochner",
    help="Random features measured against the kernels they approximate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_COLOURS = {"holds": "green", "does not hold": "red", "undecided": "yellow"}


def _fail(message: str, code: int = 2) -> typer.Exit:
    """Tell what is wrong, in one line and unstyled, on the error stream."""
    typer.echo(f"bochner: {message}", err=True)
    return typer.Exit(code)


def _chosen(names: list[str], known: list[str]) -> list[str]:
    """Figures in the order of the registry; all of them when none is named."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise _fail(f"there is no figure {name!r}{hint} The figures are {', '.join(known)}.")
    return [name for name in known if not names or name in names]


@app.command()
def reproduce(
    figures: Annotated[list[str] | None, typer.Argument(metavar="[FIGURE]...", help="All figures by default.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under a minute, rough.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The paper's sizes; takes long.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Names all random draws.")] = 0,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="All cores by default; changes no number.")
    ] = None,
) -> None:
    """Make the paper's approximation-error figures, their data, verdicts and a page.

    A run that was stopped goes on from what it has when it is started again.
    """
    # Here, so that `bochner --help` and `bochner list` do not wait for Matplotlib.
    from bochner.reproduce import FIGURES
    from bochner.reproduce.runner import run
    from bochner.reproduce.store import StoreError

    if quick and full:
        raise _fail("--quick and --full exclude each other")
    names = _chosen(figures or [], [figure.name for figure in FIGURES])
    if threads is not None:
        bochner.set_num_threads(threads)
    console = Console()
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console,
    )
    try:
        with progress:
            records = run(
                [figure for figure in FIGURES if figure.name in names],
                folder=out,
                size="quick" if quick else "full" if full else "default",
                seed=seed,
                progress=progress,
                order=[figure.name for figure in FIGURES],
            )
    except StoreError as error:
        raise _fail(str(error)) from None
    except KeyboardInterrupt:
        again = "start the same command again and it goes on from what it has"
        raise _fail(f"stopped; {again}", code=130) from None
    console.print(_summary(records))
    console.print(f"The page is {out / 'index.html'}", soft_wrap=True, highlight=False)


def _summary(records: dict[str, dict[str, Any]]) -> Table:
    table = Table("figure", "claim", "measured", "outcome", box=None, pad_edge=False)
    for name, record in records.items():
        if record["skipped"]:
            table.add_row(name, "", record["skipped"], "skipped")
        for verdict in record["verdicts"]:
            colour = _COLOURS[verdict["outcome"]]
            table.add_row(name, verdict["claim"], verdict["measured"], f"[{colour}]{verdict['outcome']}[/]")
    return table


@app.command(name="list")
def list_all(
    laws: Annotated[bool, typer.Option("--laws", help="Which combination has an exact law instead.")] = False,
) -> None:
    """Tell which kernels, features, couplings, radial laws, figures and claims there are.

    With --laws, what is known of every combination of kernel, features and coupling.
    """
    if laws:
        Console().print(_laws())
        return
    from bochner.reproduce import FIGURES

    listed = {
        "kernels": bochner.list_kernels(),
        "features": bochner.list_features(),
        "couplings": bochner.list_couplings(),
        "radial laws": bochner.list_radial_laws(),
    }
    rows = {title: [(entry.name, entry.summary) for entry in own] for title, own in listed.items()}
    rows["figures"] = [(figure.name, figure.title) for figure in FIGURES]
    claims: dict[str, list[str]] = {}
    for figure in FIGURES:
        for claim in figure.claims:
            claims.setdefault(claim, []).append(figure.name)
    rows["claims"] = [(claim, f"answered by {', '.join(own)}") for claim, own in claims.items()]
    width = max(len(name) for own in rows.values() for name, _ in own)
    for title, own in rows.items():
        typer.echo(title)
        for name, text in own:
            typer.echo(f"  {name:<{width}}  {text}")


def _laws() -> Table:
    """What is known of every combination: the couplings by what is known, for each kernel and its features.

    Features of which the same is known share a row; a coupling that is missing there makes no such estimator.
    """
    from bochner.testing import combinations

    known = ("exact", "bound", "measured")
    made = [one for one in combinations() if one.known != "refused"]
    columns = [Column(title, overflow="fold") for title in ("kernel", "features", *known)]
    table = Table(*columns, box=box.SIMPLE, pad_edge=False)
    for kernel, of_kernel in groupby(made, lambda one: one.kernel):
        rows: dict[tuple[str, ...], list[str]] = {}
        for features, alike in groupby(of_kernel, lambda one: one.features):
            own = list(alike)
            cells = tuple(", ".join(one.coupling for one in own if one.known == word) for word in known)
            rows.setdefault(cells, []).append(features)
        for number, (cells, names) in enumerate(rows.items()):
            table.add_row("" if number else kernel, ", ".join(names), *cells)
        table.add_section()
    counts = Counter[str](one.known for one in made)
    table.caption = (
        ", ".join(f"{counts[word]} {word}" for word in known)
        + ". Bound: the mean is known and the variance at most that of one frequency."
    )
    table.caption_justify = "left"
    return table


_AUDITED = {"clean": "green", "biased by design": "yellow", "undecided": "yellow", "not installed": "dim"}


@app.command()
def audit(
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Names all random draws.")] = 0,
    details: Annotated[bool, typer.Option("--details", help="All checks of each, not the summary alone.")] = False,
) -> None:
    """Run the feature maps of other installed packages through our conformance test: about half a minute."""
    from bochner.audit import audit as run_audit

    console = Console()
    with console.status("") as status:
        rows = run_audit(seed, lambda name: status.update(f"measuring {name}"))
    table = Table("feature map", "package", "outcome", "mean / exact", "trials", box=None, pad_edge=False)
    table.add_column("z", justify="right")
    for row in rows:
        cells = [row.peer.name, row.peer.package, f"[{_AUDITED.get(row.outcome, 'red')}]{row.outcome}[/]"]
        if row.report is not None and row.report.measured is not None:
            low, high = row.ratio
            z = "" if math.isnan(row.z) else f"{row.z:+.1f}"
            cells += [f"{low:.4f} to {high:.4f}", f"{row.report.measured['trials'].max():,}", z]
        table.add_row(*cells)
    console.print(table)
    for row in rows:
        if row.report is None:
            console.print(f"{row.peer.name}: pip install {row.peer.package}", soft_wrap=True, highlight=False)
        elif details or row.outcome == "fails":
            console.print(str(row.report), markup=False, highlight=False, soft_wrap=True)
