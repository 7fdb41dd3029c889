"""Seeds, intervals and tests that several figures share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bochner.experiments import _intervals
from bochner.experiments._intervals import NORMAL_95

__all__ = [
    "NORMAL_95",
    "Interval",
    "largest_p_value",
    "mean_interval",
    "normal_p_value",
    "paired_ratio",
    "seed_of",
    "share_interval",
]


def seed_of(seed: int, *axes: object) -> int:
    """Seed of one cell of a figure: a hash of the run's seed and of the axes it may depend on.

    Different cells get independent streams; the order in which they are computed has no part in
    it.
    """
    text = "/".join(str(axis) for axis in (seed, *axes))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class Interval:
    """A value and its 95 % interval; the upper end is infinite where too few samples give none."""

    value: float
    low: float
    high: float

    def __format__(self, digits: str) -> str:
        """Text for people: each number in this format, by default of three digits, the interval in brackets or words."""
        digits = digits or ".3g"
        if np.isposinf(self.high):
            return f"{self.value:{digits}} (too few for an interval)"
        return f"{self.value:{digits}} [{self.low:{digits}}, {self.high:{digits}}]"

    def __str__(self) -> str:
        """Text for people."""
        return format(self)


def mean_interval(values: ArrayLike) -> Interval:
    """Mean of independent values with its Student interval; an infinite one for fewer than two."""
    array = np.asarray(values, dtype=float)
    if array.size < 2:
        return Interval(float(array.mean()), -np.inf, np.inf)
    return Interval(*_intervals.mean_interval(array))


def paired_ratio(first: ArrayLike, second: ArrayLike) -> Interval:
    """Geometric mean of first/second over pairs, with the Student interval of its logarithm."""
    logs = np.log(np.asarray(first, dtype=float)) - np.log(np.asarray(second, dtype=float))
    log = mean_interval(logs)
    return Interval(float(np.exp(log.value)), float(np.exp(log.low)), float(np.exp(log.high)))


def share_interval(successes: int, trials: int) -> Interval:
    """Share of successes with its Clopper-Pearson interval."""
    return Interval(successes / trials, *_intervals.binomial_interval(successes, trials))


def normal_p_value(z: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov p-value of independent z-scores against the standard normal law."""
    return float(stats.kstest(z, "norm").pvalue)


def largest_p_value(z: NDArray[np.float64]) -> float:
    """Probability that the largest of as many independent |z| is at least the one seen."""
    tail = 2 * stats.norm.sf(np.abs(z).max())
    return float(-np.expm1(z.size * np.log1p(-min(tail, 1 - 1e-16))))


def pareto_k(weights: ArrayLike) -> float:
    """Shape k of the generalized Pareto law of the upper tail of positive weights.

    The tail is the largest min(S/5, 3 sqrt S) of S weights; k is Zhang and Stephens' estimate,
    drawn slightly towards 1/2 as for importance weights. Above 0.7 their mean is not to be
    trusted [Vehtari24, Section 3.2]. NaN where fewer than five make the tail, or all are equal.

    Notes
    -----
    The profile likelihood of theta = k/sigma is averaged over a grid of quantiles of its prior
    [ZhangStephens09, Section 2].
    """
    ordered = np.sort(np.asarray(weights, dtype=float))
    count = int(min(ordered.size / 5, 3 * np.sqrt(ordered.size)))
    if count < 5:
        return float("nan")
    excess = ordered[-count:] - ordered[-count - 1]
    quartile = excess[int(count / 4 + 0.5) - 1]
    if quartile <= 0:
        return float("nan")
    grid = 30 + int(np.sqrt(count))
    steps = np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
    theta = 1 / excess[-1] + (1 - steps) / (3 * quartile)
    shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
    profile = count * (np.log(-theta / shapes) - shapes - 1)
    likelihood = np.exp(profile - profile.max())
    best = float(theta @ likelihood / likelihood.sum())
    k = float(np.log1p(-best * excess).mean())
    return (count * k + 10 * 0.5) / (count + 10)
