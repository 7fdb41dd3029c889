"""The names of parts that are written in Python, those of installed packages too."""

import warnings
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

ENTRY_POINTS = "bochner.plugins"


class Named(NamedTuple):
    """A class with the name that it was given."""

    part: Callable[..., Any]
    summary: str


_NAMED: dict[str, dict[str, Named]] = {}
_loaded = False


def give(kind: str, name: str, named: Named) -> None:
    """Give a part of a kind, such as "kernel", this name."""
    _NAMED.setdefault(kind, {})[name] = named


def known(kind: str) -> dict[str, Named]:
    """Return the names of a kind; entry points are loaded when this is first asked."""
    global _loaded
    if not _loaded:
        _loaded = True
        from ._plugins import register

        for entry in metadata.entry_points(group=ENTRY_POINTS):
            try:
                register(entry.name, entry.load())
            except Exception as error:
                text = f"the plug-in {entry.name!r} ({entry.value}) was not loaded: {error}"
                warnings.warn(text, stacklevel=2)
    return _NAMED.get(kind, {})
