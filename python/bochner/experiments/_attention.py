"""Errors of attention by random features on given inputs."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import _core
from .._arguments import MAX_UINT64, integer, integers
from .._attention import Empty, leading_names, prepare
from .._estimator import Estimator
from .._threads import get_num_threads
from ._intervals import mean_interval, score_interval
from ._provenance import Clock, Progress, table

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}


def attention(
    estimator: Estimator,
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    m: int | Sequence[int],
    trials: int = 15,
    seed: int = 0,
    causal: bool = False,
    key_mask: npt.ArrayLike | None = None,
    scale: float | None = None,
    empty: Empty = "error",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure the error of attention by random features against exact softmax attention.

    The inputs are fixed; trial t draws one map for each m, ``estimator.draw(d, m, seed, trial=t)``,
    for all heads. The error of a draw is the mean of (out - exact)^2 over all entries of a head.

    Parameters
    ----------
    estimator : Estimator
    Q : array_like, shape (..., Lq, d)
    K : array_like, shape (..., Lk, d)
    V : array_like, shape (..., Lk, dv)
        As `bochner.attention` has them, grouped heads too.
    m : int or sequence of int
    trials : int, default 15
        At least 2.
    seed : int, default 0
        From 0 to 2^64 - 1.
    causal, key_mask, scale, empty
        As `bochner.attention` has them.
    progress : callable, optional
        Called as ``progress(done, total)`` about every 50 ms.

    Returns
    -------
    DataFrame
        A row for each leading index (columns `batch`, `head`, as far as there are such axes) and m:

        * `m`, `p` (features), `trials`;
        * `q05`, `q25`, `median`, `q75`, `q95`: quantiles over draws of the error of a draw;
        * `mse` with its 95 % interval `mse_low`, `mse_high`: the mean over draws and Student's
          interval, NaN where the mean does not exist;
        * `p_nonpositive` with `p_nonpositive_low`, `p_nonpositive_high`: the share of denominators
          that are not positive;
        * `uniform_mse`: the error of averaging the values, which any approximation should beat;
        * `exact_rms`: the root mean square of the exact output.

        Machine, time, version and settings are in `attrs`.

    Raises
    ------
    TypeError, ValueError
        As `bochner.attention` does, and for m, trials and seed.
    KeyboardInterrupt
        On Ctrl-C.

    Notes
    -----
    The denominator of features that may be negative, such as trigonometric ones, has a density at
    0, so its output has no mean at any m and `mse` is NaN: read the quantiles and `p_nonpositive`.
    Outputs of positive features are convex combinations of the values [Bochner, 11].

    Denominators of one draw share its map, so the draw is the unit of `p_nonpositive`: its interval
    is that of a binomial share of `trials` [Wilson27], too wide rather than too narrow, and [0, 0]
    for exponential features, which cannot have such. Cost: `trials` times that of attention with
    each m, and exact attention once in double.
    """
    clock = Clock()
    name = "experiments.attention"
    if not isinstance(estimator, Estimator):
        got = type(estimator).__name__
        raise TypeError(f"{name}: estimator is a {got}; expected a bochner.Estimator")
    call = prepare(name, Q, K, V, causal, key_mask, scale, empty)
    sizes = integers(name, "m", m, 1)
    trials = integer(name, "trials", trials, 2)
    seed = integer(name, "seed", seed, 0, MAX_UINT64)
    measured = _core.attention_errors(
        estimator._compiled,
        *call.arrays,
        **call.options,
        m=sizes,
        trials=trials,
        seed=seed,
        threads=get_num_threads(),
        progress=progress,
    )
    leading = call.shape[:-2]
    queries = call.shape[-2]
    names = leading_names(len(leading), call.batched)
    maps = [estimator.draw(call.arrays[0].shape[-1], size)._compiled for size in sizes]
    rows: list[dict[str, Any]] = []
    for head, index in enumerate(itertools.product(*map(range, leading))):
        for k, (size, feature_map) in enumerate(zip(sizes, maps, strict=True)):
            rows.append(
                {
                    **dict(zip(names, index, strict=True)),
                    "m": size,
                    "p": feature_map.features,
                    "trials": trials,
                    **_summary(
                        measured["mse"][head, k],
                        measured["nonpositive"][head, k] / queries,
                        feature_map.exponential,
                    ),
                    "uniform_mse": measured["uniform_mse"][head],
                    "exact_rms": measured["exact_rms"][head],
                }
            )
    settings = {
        "estimator": repr(estimator),
        "Q": [*call.shape[:-1], call.arrays[0].shape[-1]],
        "key_heads": call.arrays[1].shape[1],
        "keys": call.arrays[1].shape[2],
        "causal": bool(causal),
        "masked": key_mask is not None,
        "scale": scale,
        "m": sizes,
        "trials": trials,
        "seed": seed,
        "dtype": str(call.arrays[0].dtype),
    }
    columns = {column: [row[column] for row in rows] for column in rows[0]}
    return table(columns, clock, **settings)


def _summary(errors: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], exponential: bool) -> dict[str, float]:
    """Summarise the draws of one head and m."""
    # "linear" would make infinity - infinity of infinite errors.
    values = np.quantile(errors, list(QUANTILES.values()), method="inverted_cdf")
    summary = dict(zip(QUANTILES, map(float, values), strict=True))
    mean, low, high = mean_interval(errors) if exponential else (np.nan,) * 3
    summary |= {"mse": mean, "mse_low": max(0.0, low) if exponential else low, "mse_high": high}
    share = float(shares.mean())
    bounds = (0.0, 0.0) if exponential else score_interval(share, len(shares))
    return summary | {
        "p_nonpositive": share,
        "p_nonpositive_low": bounds[0],
        "p_nonpositive_high": bounds[1],
    }
