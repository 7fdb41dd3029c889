"""Largest errors over a ball of pairs or over a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import _core
from .._arguments import MAX_UINT64, Float64Array, integer, integers, matrices
from .._estimator import Estimator
from .._threads import get_num_threads
from ._intervals import mean_interval, quantile_interval
from ._provenance import Clock, Progress, table

Search: TypeAlias = Literal["auto", "certified", "ascents"]

QUANTILES = {"q05": 0.05, "median": 0.5, "q95": 0.95}


def uniform(
    estimator: Estimator,
    radius: float | None = None,
    dim: int | None = None,
    *,
    m: int | Sequence[int],
    trials: int,
    seed: int = 0,
    X: npt.ArrayLike | None = None,
    Y: npt.ArrayLike | None = None,
    attention: bool = False,
    search: Search = "auto",
    tolerance: float = 0.01,
    starts: int = 64,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure the largest error |K^(x, y) - K(x, y)| over a ball of pairs or over a data set.

    Parameters
    ----------
    estimator : Estimator
    radius : float, optional
    dim : int, optional
        The ball: all pairs x, y in R^dim with |x|, |y| <= radius. An error that depends on x - y
        alone, that of a shift-invariant kernel with trigonometric features, then takes all its
        values with |x - y| <= 2 radius.
    m : int or sequence of int
    trials : int
        At least 2. Trial t draws ``estimator.draw(dim, m, seed, trial=t)`` for each m.
    seed : int, default 0
        From 0 to 2^64 - 1.
    X : array_like, shape (n, d), optional
    Y : array_like, shape (k, d), optional
        A data set instead of the ball: the largest error of all n k pairs (X_i, Y_j), exactly. Y is
        X by default.
    attention : bool, default False
        Measure the attention matrix exp(q.k / sqrt(d)) and not exp(q.k): the points are queries and
        keys, which attention multiplies by d^(-1/4). The ball, `radius` too, is that of the queries
        and keys before this.
    search : {"auto", "certified", "ascents"}
        How the supremum over a ball is found. "certified" brackets it between `found` and
        `certified` by a grid and the Lipschitz constants of this very draw, for d = 1 and 2:
        trigonometric features of kernels whose frequencies have a second moment, positive and
        hyperbolic ones of those that have all moments. "ascents" takes the best of many gradient
        ascents, a lower bound that worsens with d. "auto" certifies where that is possible.
    tolerance : float, default 0.01
        Certified brackets are at most this wide, relatively.
    starts : int, default 64
        Ascents a draw.
    progress : callable, optional
        Called as ``progress(done, total)`` about every 50 ms.

    Returns
    -------
    DataFrame
        A row for each m: `m`, `p` (features), `trials`; `search` ("certified", "ascents" or "all
        pairs"); of the largest error that was found in each draw

        * `mean` with Student's 95 % interval `mean_low`, `mean_high`;
        * `q05`, `median`, `q95`, each with the 95 % interval `_low`, `_high` of order statistics,
          which holds for any distribution; infinite where there are too few draws;
        * `certified_ratio`: the largest upper bound over found value of all draws; infinite for
          ascents, 1 for a data set;
        * `best_of_1`, `best_of_2`, ...: the mean over draws of what 1, 2, 4, ... ascents find, where
          there are ascents. A curve that still rises at its end says that `found` is too low.

        Machine, time, version and settings are in `attrs`.

    Raises
    ------
    TypeError, ValueError
        For wrong types, shapes and sizes; for anything but either `radius` and `dim` or `X`; where
        "certified" is asked for and is not possible.
    KeyboardInterrupt
        On Ctrl-C.

    Notes
    -----
    Bounds to lay beside are in `bochner.bounds`. The interval of the mean rests on the central limit
    theorem: errors of trigonometric features are bounded, those of positive ones have heavy tails,
    where only the quantiles are to be read [Bochner, 12].
    """
    measured = _measure(
        "experiments.uniform",
        estimator,
        radius,
        dim,
        m,
        trials,
        seed,
        X,
        Y,
        attention,
        search,
        tolerance,
        starts,
        progress,
    )
    rows: list[dict[str, Any]] = []
    for k, size in enumerate(measured.sizes):
        found = measured.found[k]
        row: dict[str, Any] = {
            "m": size,
            "p": estimator.draw(measured.dim, size).features,
            "trials": measured.settings["trials"],
            "search": measured.search,
        }
        row |= dict(zip(("mean", "mean_low", "mean_high"), mean_interval(found), strict=True))
        for name, level in QUANTILES.items():
            row[name] = float(np.quantile(found, level, method="inverted_cdf"))
            row[f"{name}_low"], row[f"{name}_high"] = quantile_interval(found, level)
        row["certified_ratio"] = float((measured.certified[k] / np.maximum(found, 1e-300)).max())
        rows.append(row | best_of(measured.maxima[k]))
    return table({column: [row[column] for row in rows] for column in rows[0]}, measured.clock, **measured.settings)


def uniform_draws(
    estimator: Estimator,
    radius: float | None = None,
    dim: int | None = None,
    *,
    m: int | Sequence[int],
    trials: int,
    seed: int = 0,
    X: npt.ArrayLike | None = None,
    Y: npt.ArrayLike | None = None,
    attention: bool = False,
    search: Search = "auto",
    tolerance: float = 0.01,
    starts: int = 64,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure the largest errors of each draw, for those who fit or bootstrap.

    Parameters
    ----------
    estimator, radius, dim, m, trials, seed, X, Y, attention, search, tolerance, starts, progress
        As `uniform` has them.

    Returns
    -------
    DataFrame
        A row for each m and draw: `m`, `trial`, `found`, `certified`, and `best_of_1`, ... as
        `uniform` has them. Machine, time, version and settings are in `attrs`.

    Raises
    ------
    TypeError, ValueError, KeyboardInterrupt
        As `uniform` does.

    Notes
    -----
    Draws of different trials are independent; where prefixes of a draw are draws, those of one trial
    at several m share frequencies.
    """
    name = "experiments.uniform_draws"
    measured = _measure(
        name, estimator, radius, dim, m, trials, seed, X, Y, attention, search, tolerance, starts, progress
    )
    rows = [
        {
            "m": size,
            "trial": trial,
            "found": measured.found[k, trial],
            "certified": measured.certified[k, trial],
            **best_of(measured.maxima[k, trial : trial + 1]),
        }
        for k, size in enumerate(measured.sizes)
        for trial in range(measured.found.shape[1])
    ]
    return table({column: [row[column] for row in rows] for column in rows[0]}, measured.clock, **measured.settings)


def best_of(maxima: Float64Array) -> dict[str, float]:
    """Mean of the best of k starts chosen without replacement, for k = 1, 2, 4, ..., and over draws.

    Of S ordered maxima, number i (from 1) is the best of k in C(i - 1, k - 1) of C(S, k) choices.
    """
    from scipy.special import gammaln

    starts = maxima.shape[1]
    if starts == 0:
        return {}
    ordered = np.sort(maxima, axis=1)
    place = np.arange(1, starts + 1)
    means = {}
    for k in (1 << np.arange(starts.bit_length())).tolist():
        own = place >= k
        upper = place[own] - 1.0
        logs = gammaln(upper + 1) - gammaln(k) - gammaln(upper - k + 2)
        logs -= gammaln(starts + 1) - gammaln(k + 1) - gammaln(starts - k + 1)
        means[f"best_of_{k}"] = float((ordered[:, own] @ np.exp(logs)).mean())
    return means


@dataclass(frozen=True)
class _Measured:
    """What the compiled part found: (m, trials) and (m, trials, starts)."""

    sizes: list[int]
    dim: int
    search: str
    found: Float64Array
    certified: Float64Array
    maxima: Float64Array
    clock: Clock
    settings: dict[str, Any]


def _measure(
    function: str,
    estimator: Estimator,
    radius: float | None,
    dim: int | None,
    m: int | Sequence[int],
    trials: int,
    seed: int,
    X: npt.ArrayLike | None,
    Y: npt.ArrayLike | None,
    attention: bool,
    search: Search,
    tolerance: float,
    starts: int,
    progress: Progress | None,
) -> _Measured:
    clock = Clock()
    if not isinstance(estimator, Estimator):
        got = type(estimator).__name__
        raise TypeError(f"{function}: estimator is a {got}; expected a bochner.Estimator")
    sizes = integers(function, "m", m, 1)
    trials = integer(function, "trials", trials, 2)
    seed = integer(function, "seed", seed, 0, MAX_UINT64)
    settings: dict[str, Any] = {"estimator": repr(estimator), "m": sizes, "trials": trials, "seed": seed}
    settings["attention"] = bool(attention)
    run: dict[str, Any] = {
        "m": sizes,
        "trials": trials,
        "seed": seed,
        "threads": get_num_threads(),
        "progress": progress,
    }
    ball = radius is not None and dim is not None
    if ball == (X is not None) or (radius is None) != (dim is None) or (ball and Y is not None):
        raise ValueError(f"{function}: expected either radius and dim, the ball, or X, the data set")
    if X is not None:
        x, y = (a.astype(np.float64) for a in matrices(function, X=X, Y=X if Y is None else Y))
        columns = x.shape[1]
        scale = max(1, columns) ** -0.25 if attention else 1.0
        measured = _core.uniform_errors_of(estimator._compiled, scale * x, scale * y, **run)
        settings |= {"X": list(x.shape), "Y": list(y.shape)}
        how = "all pairs"
    else:
        assert radius is not None and dim is not None
        columns = integer(function, "dim", dim, 1)
        starts = integer(function, "starts", starts, 1)
        scale = columns**-0.25 if attention else 1.0
        measured = _core.uniform_errors(
            estimator._compiled,
            radius=scale * float(radius),
            dim=columns,
            search=search,
            tolerance=float(tolerance),
            starts=starts,
            **run,
        )
        ascents = measured["maxima"].shape[2] > 0
        how = "ascents" if ascents else "certified"
        settings |= {"radius": float(radius), "dim": columns}
        settings |= {"starts": starts} if ascents else {"tolerance": float(tolerance)}
    return _Measured(sizes, columns, how, measured["found"], measured["certified"], measured["maxima"], clock, settings)
