"""What a conformance test found."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Outcome: TypeAlias = Literal["passed", "failed", "undecided", "skipped"]


class Failed(Exception):
    """A property that does not hold."""


class Skipped(Exception):
    """A property that nothing declares."""


class Undecided(Exception):
    """A property that the trials do not tell."""


@dataclass(frozen=True)
class Check:
    """One property and what came out.

    Attributes
    ----------
    name : str
    outcome : {"passed", "failed", "undecided", "skipped"}
        "undecided" where a z-score would mean nothing or tell too little, "skipped" where the
        estimator declares nothing to check.
    detail : str
        With the reason.
    """

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What `check_estimator` found; prints as a table.

    Attributes
    ----------
    estimator : str
    checks : list of Check
    measured : DataFrame or None
        The errors at the points, as `experiments.pointwise` returns them.
    """

    estimator: str
    checks: list[Check] = field(default_factory=list)
    measured: pd.DataFrame | None = field(default=None, repr=False)

    @property
    def failures(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.outcome == "failed"]

    @property
    def passed(self) -> bool:
        """Whether none failed."""
        return not self.failures

    def __getitem__(self, name: str) -> Check:
        """Return the check of this name."""
        return next(check for check in self.checks if check.name == name)

    def __str__(self) -> str:
        """Return a line for each check."""
        width = max(len(check.name) for check in self.checks)
        lines = [f"  {check.name:<{width}}  {check.outcome:<9}  {check.detail}".rstrip() for check in self.checks]
        return "\n".join([self.estimator, *lines])


def require(holds: Any, text: str) -> None:
    """Fail with this text unless it holds."""
    if not holds:
        raise Failed(text)


def require_close(a: npt.NDArray[Any], b: npt.NDArray[Any], tolerance: float, what: str) -> None:
    """Fail unless two arrays agree, relative to the largest entry."""
    require(a.shape == b.shape, f"{what} have shapes {a.shape} and {b.shape}")
    error = np.abs(np.asarray(a, np.float64) - b).max() / (np.abs(b).max() or 1.0)
    require(error <= tolerance, f"{what} differ by {error:.2g} of the largest")
