"""What a table carries beside its columns: machine, time, version and settings."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from .. import _core
from .._threads import get_num_threads

Progress: TypeAlias = Callable[[int, int], object]


class Clock:
    """The time that a run takes, from the making of this object on."""

    def __init__(self) -> None:
        self._started = datetime.now(timezone.utc)
        self._origin = time.perf_counter()

    def times(self) -> dict[str, Any]:
        """Return the start in UTC and the seconds until now."""
        return {
            "started": self._started.isoformat(timespec="seconds"),
            "seconds": time.perf_counter() - self._origin,
        }


def table(columns: Mapping[str, Any], clock: Clock, **settings: Any) -> pd.DataFrame:
    """Make a table with its provenance in `attrs`, which is plain enough for JSON and Parquet."""
    frame = pd.DataFrame(dict(columns))
    frame.attrs = {
        "machine": dict(machine(), threads=get_num_threads()),
        "time": clock.times(),
        "version": _core.__version__,
        "settings": settings,
    }
    return frame


@cache
def machine() -> dict[str, Any]:
    """Return what describes this machine: system, processor, instruction sets and versions."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "instruction_sets": _core.instruction_sets(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
