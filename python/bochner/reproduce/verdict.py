"""Verdicts: a claim of the paper, the measured value with its interval, and an outcome."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

HOLDS = "holds"
FAILS = "does not hold"
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Verdict:
    """What became of one claim.

    `value` lies in the interval [`low`, `high`]; `measured` says in words what it is. The
    outcome is one of `HOLDS`, `FAILS` and `UNDECIDED`.
    """

    claim: str
    statement: str
    measured: str
    value: float
    low: float
    high: float
    outcome: str
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Fields by name, as they stand in verdicts.json."""
        return asdict(self)


def below(low: float, high: float, bound: float) -> str:
    """Outcome of the claim "the value is less than `bound`", known to lie in [low, high]."""
    if high < bound:
        return HOLDS
    # A comparison with NaN is false, so an unknown interval decides nothing.
    return FAILS if low >= bound else UNDECIDED


def above(low: float, high: float, bound: float) -> str:
    """Outcome of the claim "the value is greater than `bound`", known to lie in [low, high]."""
    return below(-high, -low, -bound)


def inside(low: float, high: float, at_least: float, at_most: float) -> str:
    """Outcome of the claim "the value lies in [at_least, at_most]", known to lie in [low, high]."""
    if at_least <= low and high <= at_most:
        return HOLDS
    return FAILS if high < at_least or at_most < low else UNDECIDED


def all_of(outcomes: list[str]) -> str:
    """Outcome of a claim that is made of several: it fails with one and holds with all."""
    if FAILS in outcomes:
        return FAILS
    return HOLDS if outcomes and set(outcomes) == {HOLDS} else UNDECIDED


def consistent(p_value: float) -> str:
    """Outcome of the claim "the measurements follow the law" from the p-value of a test.

    The levels are fixed before any run: rejected below 1e-4, doubtful below 1e-2.
    """
    if p_value < 1e-4:
        return FAILS
    return HOLDS if p_value >= 1e-2 else UNDECIDED
