"""The page: one file that needs neither the network nor scripts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from bochner.reproduce.store import Store
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED

#: Shape and name of the style of an outcome; the word itself stands beside them.
MARKS = {HOLDS: ("✓", "holds"), FAILS: ("✗", "fails"), UNDECIDED: ("?", "undecided")}


def render(records: Mapping[str, Mapping[str, Any]], *, store: Store, size: str, seed: int) -> str:
    """HTML of the records, with the pictures that lie in the store inside it."""
    environment = Environment(
        loader=PackageLoader("bochner.reproduce", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    verdicts = [{**verdict, "figure": name} for name, record in records.items() for verdict in record["verdicts"]]
    outcomes = [verdict["outcome"] for verdict in verdicts]
    return environment.get_template("index.html.jinja").render(
        records=list(records.values()),
        verdicts=verdicts,
        counts=[(outcome, outcomes.count(outcome)) for outcome in MARKS],
        marks=MARKS,
        pictures={
            picture["name"]: _embedded(store.read_bytes(f"{picture['name']}.svg"))
            for record in records.values()
            for picture in record["pictures"]
        },
        size=size,
        seed=seed,
        flag={"quick": " --quick", "default": "", "full": " --full"}[size],
    )


def _embedded(picture: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture).decode()
