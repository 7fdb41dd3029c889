"""Errors of a whole Gram matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .. import _core
from .._arguments import MAX_UINT64, FloatArray, integer, integers, matrices
from .._estimator import Estimator
from .._feature_map import FeatureMap
from .._threads import get_num_threads
from ._intervals import mean_interval, standard_error
from ._provenance import Clock, Progress, table

# Rows of the Gram matrix that are held at a time.
_ROWS = 512


def gram(
    estimator: Estimator,
    X: npt.ArrayLike,
    m: int | Sequence[int],
    trials: int,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure the error of the estimated Gram matrix of X, beside the exact law.

    The error of a draw is the mean of (phi(X_i).phi(X_j) - K(X_i, X_j))^2 over all ordered pairs,
    i = j too; its mean over draws is the law's mse averaged over the pairs.

    Parameters
    ----------
    estimator : Estimator
    X : array_like, shape (n, d)
    m : int or sequence of int
    trials : int
        At least 2. Trial t draws ``estimator.draw(d, m, seed, trial=t)`` for each m.
    seed : int, default 0
        From 0 to 2^64 - 1.
    progress : callable, optional
        Called as ``progress(done, total)`` after each draw.

    Returns
    -------
    DataFrame
        A row for each m: `m`, `p` (features), `trials`, `mse` with the 95 % interval `mse_low`,
        `mse_high` (Student's, over draws), `law_mse`, `z` of the two, both NaN where no law is
        known, and `kernel_rms`, the root mean square of the exact matrix. Machine, time, version
        and settings are in `attrs`.

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        For wrong shapes and sizes, NaN and infinity.
    KeyboardInterrupt
        On Ctrl-C.

    Notes
    -----
    Products are NumPy's, so numbers agree between machines and numbers of BLAS threads to rounding
    only. Memory: O(n^2) for the exact matrix. Cost of a draw: O(n m d + n^2 p); the law costs
    n (n + 1) / 2 special functions for each m.
    """
    clock = Clock()
    if not isinstance(estimator, Estimator):
        got = type(estimator).__name__
        raise TypeError(f"experiments.gram: estimator is a {got}; expected a bochner.Estimator")
    (x,) = matrices("experiments.gram", X=X)
    _core.check_points("experiments.gram", x, x)
    sizes = integers("experiments.gram", "m", m, 1)
    trials = integer("experiments.gram", "trials", trials, 2)
    seed = integer("experiments.gram", "seed", seed, 0, MAX_UINT64)

    exact = estimator.kernel.gram(x)
    features = []
    errors = []
    for k, size in enumerate(sizes):
        own = []
        for trial in range(trials):
            feature_map = estimator.draw(x.shape[1], size, seed, trial)
            own.append(_error(feature_map, x, exact))
            if progress is not None:
                progress(k * trials + trial + 1, len(sizes) * trials)
        features.append(feature_map.features)
        errors.append(np.array(own))
    columns: dict[str, Any] = {"m": sizes, "p": features, "trials": trials}
    intervals = [mean_interval(row) for row in errors]
    for name, values in zip(("mse", "mse_low", "mse_high"), zip(*intervals, strict=True), strict=True):
        columns[name] = np.maximum(values, 0)
    columns["law_mse"] = _law(estimator, x, sizes)
    columns["z"] = (columns["mse"] - columns["law_mse"]) / [standard_error(row) for row in errors]
    columns["kernel_rms"] = np.sqrt(np.mean(np.square(exact, dtype=np.float64)))
    settings = {
        "estimator": repr(estimator),
        "points": len(x),
        "dim": x.shape[1],
        "m": sizes,
        "trials": trials,
        "seed": seed,
        "dtype": str(x.dtype),
    }
    return table(columns, clock, **settings)


def _error(feature_map: FeatureMap, x: FloatArray, exact: FloatArray) -> float:
    queries = feature_map.transform(x, side="query")
    keys = queries if feature_map._compiled.symmetric else feature_map.transform(x, side="key")
    total = 0.0
    for start in range(0, len(x), _ROWS):
        rows = slice(start, start + _ROWS)
        difference = queries[rows] @ keys.T
        difference -= exact[rows]
        total += float(np.einsum("ij,ij->", difference, difference, dtype=np.float64))
    return total / exact.size


def _law(estimator: Estimator, x: FloatArray, sizes: list[int]) -> npt.NDArray[np.float64]:
    try:
        law = _core.gram_law_mse(estimator._compiled, x.astype(np.float64, copy=False), sizes, get_num_threads())
    except _core.NoLawError:
        return np.full(len(sizes), np.nan)
    return np.array(law)
