"""Runs figures into a results folder: compute the missing parts, draw, judge, bind the page."""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pandas as pd
from rich.progress import Progress, TaskID

import bochner
from bochner.experiments._provenance import machine
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.page import render
from bochner.reproduce.store import Store

Facts = dict[str, Any]


def run(
    figures: Sequence[type[Figure]],
    *,
    folder: Path,
    size: str,
    seed: int,
    progress: Progress,
    order: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Make the figures; return the records of all finished figures in the folder, by name.

    The page shows every finished figure of the folder, in the order of `order`.

    Raises
    ------
    StoreError
        If the folder cannot be used or written.
    """
    store = Store(folder, version=bochner.__version__, seed=seed, size=size)
    records = store.records()
    made = [figure(size, seed) for figure in figures]
    parts = {figure.name: [] if figure.skip() else figure.parts() for figure in made}
    kept = {
        figure.name: {part.name: store.read_part(figure.name, part.name, figure.setting) for part in parts[figure.name]}
        for figure in made
    }
    weights = {name: sum(part.weight for part in own) for name, own in parts.items()}
    overall = progress.add_task("all figures", total=sum(weights.values()))
    bars = {name: progress.add_task(name, total=weight) for name, weight in weights.items()}
    for figure in made:
        rows = _complete(figure, parts[figure.name], kept[figure.name], store, progress, (bars[figure.name], overall))
        records[figure.name] = _finish(figure, parts[figure.name], rows, store)
        ordered = {name: records[name] for name in order if name in records}
        store.write_text("verdicts.json", json.dumps(_verdicts(ordered), indent=2, allow_nan=False) + "\n")
        store.write_text("index.html", render(ordered, store=store, size=size, seed=seed))
    return {name: records[name] for name in order if name in records}


def _complete(
    figure: Figure,
    parts: Sequence[Part],
    kept: Mapping[str, tuple[pd.DataFrame, Facts] | None],
    store: Store,
    progress: Progress,
    bars: tuple[TaskID, ...],
) -> dict[str, tuple[pd.DataFrame, Facts]]:
    """Rows and facts of all parts; those that are missing are computed and kept."""
    rows = {}
    for part in parts:
        found = kept[part.name]
        if found is None:
            start = time.perf_counter()
            frame = part.compute()
            # Machine, time and version go into the facts, once.
            frame.attrs = {}
            facts = _facts(figure, time.perf_counter() - start)
            store.write_part(figure.name, part.name, frame, facts)
            found = frame, facts
        rows[part.name] = found
        for bar in bars:
            progress.advance(bar, part.weight)
    return rows


def _facts(figure: Figure, seconds: float) -> Facts:
    return {
        "figure": figure.name,
        "size": figure.size,
        "seed": figure.seed,
        "setting": dict(figure.setting),
        "version": bochner.__version__,
        "machine": machine(),
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }


def _finish(
    figure: Figure,
    parts: Sequence[Part],
    rows: Mapping[str, tuple[pd.DataFrame, Facts]],
    store: Store,
) -> dict[str, Any]:
    """Write the data sets and pictures of a computed figure and its record."""
    record: dict[str, Any] = {
        "name": figure.name,
        "title": figure.title,
        "claims": list(figure.claims),
        "setting": dict(figure.setting),
        "skipped": figure.skip(),
        "datasets": [],
        "pictures": [],
        "verdicts": [],
        "caption": "",
    }
    if record["skipped"] is None:
        facts = _facts(figure, sum(facts["seconds"] for _, facts in rows.values()))
        # Those of the computing, not of the drawing.
        facts["time"] = max(facts["time"] for _, facts in rows.values())
        facts["machine"] = max(rows.values(), key=lambda row: row[1]["time"])[1]["machine"]
        data = _data(parts, rows)
        for name, frame in data.items():
            store.write_frame(f"{name}.parquet", frame, facts)
        with style.styled():
            drawings = figure.draw(data)
            for drawing in drawings:
                _save(drawing, store)
        record["facts"] = facts
        record["datasets"] = list(data)
        record["pictures"] = [{"name": item.name, "alt": item.alt} for item in drawings]
        record["verdicts"] = [verdict.as_dict() for verdict in figure.verdicts(data)]
        record["caption"] = figure.caption(data)
    store.write_record(figure.name, record)
    return record


def _data(parts: Sequence[Part], rows: Mapping[str, tuple[pd.DataFrame, Facts]]) -> Data:
    frames: dict[str, list[pd.DataFrame]] = {}
    for part in parts:
        frames.setdefault(part.dataset, []).append(rows[part.name][0])
    return {name: pd.concat(own, ignore_index=True) for name, own in frames.items()}


def _save(drawing: Drawing, store: Store) -> None:
    # The layout once: each format would have it made anew, which takes longer than the drawing.
    drawing.canvas.draw_without_rendering()
    drawing.canvas.set_layout_engine("none")
    for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
        buffer = io.BytesIO()
        drawing.canvas.savefig(buffer, format=kind, metadata=metadata)
        store.write_bytes(f"{drawing.name}.{kind}", buffer.getvalue())


def _verdicts(records: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Verdicts as rows; JSON has no number for an end that is unknown or infinite, so that it is null."""

    def known(value: object) -> object:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return [
        {"figure": name} | {key: known(value) for key, value in verdict.items()}
        for name, record in records.items()
        for verdict in record["verdicts"]
    ]
