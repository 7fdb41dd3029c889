"""Errors of estimates at given pairs of points."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import _core
from .._arguments import MAX_UINT64, Float64Array, integer, integers, matrices
from .._estimator import Estimator
from .._threads import get_num_threads
from ._intervals import binomial_interval
from ._provenance import Clock, Progress, table

Sampler: TypeAlias = Literal["auto", "plain", "tilted"]


@dataclass(frozen=True)
class _Plan:
    """All that determines the numbers of a run."""

    estimator: Estimator
    X: Float64Array
    Y: Float64Array
    m: tuple[int, ...]
    trials: int
    seed: int
    sampler: Sampler
    single_precision: bool

    @classmethod
    def of(
        cls,
        function: str,
        estimator: Estimator,
        X: npt.ArrayLike,
        Y: npt.ArrayLike,
        m: int | Sequence[int],
        trials: int,
        seed: int,
        sampler: Sampler,
    ) -> "_Plan":
        if not isinstance(estimator, Estimator):
            got = type(estimator).__name__
            raise TypeError(f"{function}: estimator is a {got}; expected a bochner.Estimator")
        x, y = matrices(function, X=X, Y=Y)
        return cls(
            estimator=estimator,
            X=x.astype(np.float64),
            Y=y.astype(np.float64),
            m=tuple(integers(function, "m", m, 1)),
            trials=integer(function, "trials", trials, 2),
            seed=integer(function, "seed", seed, 0, MAX_UINT64),
            sampler=sampler,
            single_precision=x.dtype == np.float32,
        )

    def core(self) -> _core.Pointwise:
        return _core.Pointwise(
            self.estimator._compiled,
            self.X,
            self.Y,
            list(self.m),
            self.trials,
            self.seed,
            self.sampler,
            self.single_precision,
        )

    def settings(self) -> dict[str, Any]:
        return {
            "estimator": repr(self.estimator),
            "points": len(self.X),
            "dim": self.X.shape[1],
            "m": list(self.m),
            "trials": self.trials,
            "seed": self.seed,
            "sampler": self.sampler,
            "dtype": "float32" if self.single_precision else "float64",
        }

    def same_as(self, other: "_Plan") -> bool:
        points = ((self.X, other.X), (self.Y, other.Y))
        return (
            self.estimator == other.estimator
            and self.settings() == other.settings()
            and all(a.tobytes() == b.tobytes() for a, b in points)
        )


@dataclass(frozen=True, eq=False)
class PointwiseShard:
    """The measured trials [begin, end) of a `pointwise` run; picklable.

    `pointwise_shard` makes it and `merge` joins the shards of a run.

    Attributes
    ----------
    begin, end : int
        The trials of the run that were measured.
    trials : int
        Those of the whole run.
    """

    begin: int
    end: int
    _plan: _Plan = field(repr=False)
    _numbers: Float64Array = field(repr=False)

    @property
    def trials(self) -> int:
        """Trials of the whole run."""
        return self._plan.trials


def pointwise(
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    m: int | Sequence[int],
    trials: int,
    seed: int = 0,
    sampler: Sampler = "auto",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure bias and mean squared error of K^(X_i, Y_i), beside the exact law.

    The plain sampler draws feature maps: trial t is ``estimator.draw(dim, m, seed, trial=t)``,
    shared by all points and, where prefixes of a draw are draws, by all m. Its intervals of the
    mean squared error fail where the tail of one estimate is heavy: at |x + y|^2 = 4 the 95 %
    interval of 10,000 trials of positive features with m = 16 covers 60 % of the time. The tilted
    sampler draws from a mixture that visits the tail, and weighs; it is unbiased and has streams
    of its own for each cell [Bochner, 12.2].

    Parameters
    ----------
    estimator : Estimator
    X, Y : array_like, shape (n, d)
        The pairs. If both are float32, estimates are made in single precision.
    m : int or sequence of int
    trials : int
        From 2 to 2^40.
    seed : int, default 0
        From 0 to 2^64 - 1.
    sampler : {"auto", "plain", "tilted"}, default "auto"
        "auto" is tilted where that exists and (kurtosis of an estimate - 1) / sqrt(trials), known
        from the law, is above 0.08; column `sampler` says what was used.
    progress : callable, optional
        Called as ``progress(done, total)`` about every 50 ms, in blocks of trials.

    Returns
    -------
    DataFrame
        A row for each point and m: `point`, `m`, `trials`, `sampler`, `truth` (K), `mean` and
        `bias` of the estimates, `bias_se`, `mse` with the 95 % interval `mse_low`, `mse_high`,
        `law_mse`, and the z-scores `z_mean`, `z_mse` of mean and mse against the law, NaN where no
        law is known. Machine, time, version and settings are in `attrs`.

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        For wrong shapes and sizes, NaN and infinity, an exact value beyond double, and a tilted
        sampler where none exists; the message says what lacks it.
    KeyboardInterrupt
        On Ctrl-C, within a tenth of a second.

    Notes
    -----
    Bit-identical for any number of threads and any cut into shards (`pointwise_shard`). Points of
    one plain run share draws, so their z-scores are dependent. Cost of a trial: a draw and O(n m d)
    for each m; tilted: a draw for each cell.
    """
    clock = Clock()
    plan = _Plan.of("pointwise", estimator, X, Y, m, trials, seed, sampler)
    core = plan.core()
    numbers = core.run(0, plan.trials, get_num_threads(), progress)
    return table(core.rows([numbers]), clock, **plan.settings())


def pointwise_shard(
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    m: int | Sequence[int],
    trials: int,
    begin: int,
    end: int,
    seed: int = 0,
    sampler: Sampler = "auto",
    progress: Progress | None = None,
) -> PointwiseShard:
    """Measure the trials [begin, end) of a `pointwise` run, on this machine or another.

    Parameters
    ----------
    estimator, X, Y, m, trials, seed, sampler, progress
        Those of the whole run, as `pointwise` has them.
    begin, end : int
        Multiples of the block length, `end` also `trials`; `shard_bounds` gives such.

    Returns
    -------
    PointwiseShard
        For `merge`.

    Raises
    ------
    TypeError, ValueError, KeyboardInterrupt
        As `pointwise` does, and ValueError for other bounds.

    Examples
    --------
    >>> import bochner, numpy as np
    >>> run = dict(estimator=bochner.Estimator(), X=np.eye(2), Y=np.eye(2), m=4, trials=1000)
    >>> bounds = bochner.experiments.shard_bounds(1000, shards=3)
    >>> parts = [bochner.experiments.pointwise_shard(**run, begin=a, end=b) for a, b in bounds]
    >>> bochner.experiments.merge(parts).equals(bochner.experiments.pointwise(**run))
    True
    """
    plan = _Plan.of("pointwise_shard", estimator, X, Y, m, trials, seed, sampler)
    begin = integer("pointwise_shard", "begin", begin, 0)
    end = integer("pointwise_shard", "end", end, 1)
    numbers = plan.core().run(begin, end, get_num_threads(), progress)
    return PointwiseShard(begin, end, plan, numbers)


def merge(shards: Iterable[PointwiseShard]) -> pd.DataFrame:
    """Join the shards of a run: bit-identical with `pointwise` in one piece.

    Parameters
    ----------
    shards : iterable of PointwiseShard
        In any order. They must cover a range of trials without gap or overlap; trials that are
        missing at either end are not waited for, and column `trials` says how many there are.

    Returns
    -------
    DataFrame
        As `pointwise` returns it.

    Raises
    ------
    TypeError
        If something is not a shard.
    ValueError
        If there is none, if they belong to different runs, or for a gap or an overlap.
    """
    clock = Clock()
    ordered = list(shards)
    for shard in ordered:
        if not isinstance(shard, PointwiseShard):
            got = type(shard).__name__
            raise TypeError(f"merge: shards holds a {got}; expected PointwiseShard")
    if not ordered:
        raise ValueError("merge: shards is empty; expected at least one")
    ordered.sort(key=lambda shard: shard.begin)
    plan = ordered[0]._plan
    for shard in ordered[1:]:
        if not plan.same_as(shard._plan):
            ours, other = plan.settings(), shard._plan.settings()
            differing = [key for key in ours if ours[key] != other[key]] or ["X or Y"]
            raise ValueError(f"merge: shards are of different runs: {', '.join(differing)}; expected one run")
    rows = plan.core().rows([shard._numbers for shard in ordered])
    return table(rows, clock, **plan.settings())


def shard_bounds(trials: int, shards: int) -> list[tuple[int, int]]:
    """Cut a run into shards of almost equal size.

    Parameters
    ----------
    trials : int
        Those of the whole run.
    shards : int
        How many are wanted, at least 1. There may be fewer, for a run has at most 128 blocks.

    Returns
    -------
    list of tuple of int
        The bounds (begin, end) of `pointwise_shard`.

    Raises
    ------
    TypeError
        If a number is not an integer.
    ValueError
        If a number is below 1.
    """
    trials = integer("shard_bounds", "trials", trials, 1)
    shards = integer("shard_bounds", "shards", shards, 1)
    length = _core.block_length(trials)
    blocks = -(-trials // length)
    shards = min(shards, blocks)
    cuts = [length * (blocks * i // shards) for i in range(shards)] + [trials]
    return list(itertools.pairwise(cuts))


def coverage(
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    m: int | Sequence[int],
    trials: int,
    repeats: int,
    seed: int = 0,
    sampler: Sampler = "auto",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Repeat a `pointwise` experiment and count how often its 95 % interval holds the exact mse.

    Parameters
    ----------
    estimator, X, Y, m, trials, seed, sampler
        As `pointwise` has them. Repeat r has trials of its own, those from r `trials` on of the
        seed.
    repeats : int
        10,000 of them tell the coverage to 0.5 %, 1,000 to 1.35 %.
    progress : callable, optional
        Called as ``progress(done, total)`` about every 50 ms, in repeats.

    Returns
    -------
    DataFrame
        A row for each point and m: `point`, `m`, `sampler`, `repeats`, `covered`; `below` and
        `above`, the intervals that end below or begin above the exact mse; `median_ratio` of
        measured and exact mse; `coverage` with its exact 95 % interval `coverage_low`,
        `coverage_high`.

    Raises
    ------
    NoLawError
        If no exact law is known of this combination.
    TypeError, ValueError, KeyboardInterrupt
        As `pointwise` does, and ValueError where the exact mse is 0.

    Notes
    -----
    The interval of the coverage is that of a binomial share [ClopperPearson34]. Cost: `repeats`
    times that of `pointwise`.
    """
    clock = Clock()
    plan = _Plan.of("coverage", estimator, X, Y, m, trials, seed, sampler)
    repeats = integer("coverage", "repeats", repeats, 1)
    columns: dict[str, Any] = plan.core().coverage(repeats, get_num_threads(), progress)
    covered = np.array(columns["covered"])
    columns["coverage"] = covered / repeats
    intervals = [binomial_interval(int(successes), repeats) for successes in covered]
    columns["coverage_low"], columns["coverage_high"] = zip(*intervals, strict=True)
    return table(columns, clock, **plan.settings(), repeats=repeats)
