"""A conformance test for estimators, ours and yours."""

import warnings
import zlib
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

from ._accuracy import Accuracy
from ._arguments import Float64Array, double_matrices, integer
from ._combinations import Combination, combinations
from ._components import Kernel
from ._estimator import Estimator, LosingCombinationWarning
from ._properties import Properties, defined
from ._report import Check, Failed, Report, Skipped, Undecided

__all__ = ["Check", "Combination", "Report", "check_estimator", "combinations", "default_points", "walk"]


def default_points(dim: int, seed: int = 0, kernel: Kernel | None = None) -> tuple[Float64Array, Float64Array]:
    """Return pairs on which estimates of every family have light tails: |x + y| = 0.4 for all, |x - y| from 0.5 to 1.

    The first two have x + y along (1, ..., 1) and against it, where QR without signs shows.

    Parameters
    ----------
    dim : int
    seed : int, default 0
    kernel : Kernel, optional
        One that is not defined for entries below 0 gets their moduli.

    Returns
    -------
    X, Y : ndarray, shape (4, dim)

    Raises
    ------
    ValueError
        For a negative seed or dimension.
    """
    sums, differences = np.random.default_rng(seed).standard_normal((2, 4, dim))
    sums[0] = differences[0] = differences[2] = 1
    sums[1] = differences[1] = -1
    sums *= 0.4 / np.linalg.norm(sums, axis=1, keepdims=True)
    differences *= np.array([[1.0], [0.7], [0.5], [1.0]]) / np.linalg.norm(differences, axis=1, keepdims=True)
    X, Y = (sums + differences) / 2, (sums - differences) / 2
    # A hundred times as long they are to be in its range too.
    if kernel is not None and any((defined(kernel, 100 * points) < 0).sum() < (points < 0).sum() for points in (X, Y)):
        return np.abs(X), np.abs(Y)
    return X, Y


def check_estimator(
    estimator: Estimator,
    dim: int = 4,
    m: int = 6,
    X: npt.ArrayLike | None = None,
    Y: npt.ArrayLike | None = None,
    trials: int = 2048,
    max_trials: int = 524_288,
    seed: int = 0,
    raises: bool = True,
    mean_error: float = 0.01,
    mse_error: float = 0.03,
) -> Report:
    """Check that an estimator is what it says it is.

    The mean of its estimates is K(x, y), or K plus the bias that its law declares; the mean squared error is
    that of the law; trials are independent of one another; the same name is the same draw, for any number of
    threads, after pickling too; the first rows of a draw are a draw where the coupling declares it; shapes
    and types are right; `gram`, `paired`, `transform` and `transform_scaled` agree; rows do not depend on one
    another; nothing becomes NaN at rows a hundred times as long.

    Parameters
    ----------
    estimator : Estimator
        Of our parts, yours, or both.
    dim, m : int, default 4, 6
        `dim` is ignored when points are given.
    X, Y : array_like, shape (n, d), optional
        Pairs at which errors are measured; `default_points` without.
    trials, max_trials : int
        Trials of the pilot, which decides how many there are: as many as tell `mean_error` and
        `mse_error`. A pair that would need more than `max_trials` is left undecided.
    seed : int, default 0
    raises : bool, default True
        Whether a failure is an AssertionError; otherwise the report alone says it.
    mean_error, mse_error : float, default 0.01, 0.03
        Errors of the mean, as a share of sqrt(K(x, x) K(y, y)), and of the mean squared error, as a
        share of itself, that fail with probability 0.95 or more.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        With the whole report, if a check failed.
    TypeError, ValueError
        For wrong arguments.

    Notes
    -----
    A z-score beyond 4.5 fails: a right estimator has one once in 150,000. An error e is told by
    T = (4.5 + 1.645)^2 s / e^2 trials, s the relative variance of what is averaged: 42,000
    (kurtosis - 1) for 3 % of the mean squared error. Where the tail of an estimate is heavy, at large
    |x + y|, no number of trials makes a z-score of plain draws normal; there, tilted draws are used, and
    without those the check says at which pairs it does not judge [Bochner, 12.3].
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"check_estimator: estimator is a {type(estimator).__name__}; expected a bochner.Estimator")
    for name, error in (("mean_error", mean_error), ("mse_error", mse_error)):
        if not error > 0:
            raise ValueError(f"check_estimator: {name} is {error}; expected a number above 0")
    dim = integer("check_estimator", "dim", dim, 1)
    m = integer("check_estimator", "m", m, 1)
    trials = integer("check_estimator", "trials", trials, 2)
    max_trials = integer("check_estimator", "max_trials", max_trials, 2)
    if X is None:
        x, y = default_points(dim, seed, estimator.kernel)
    else:
        x, y = double_matrices("check_estimator", X=X, Y=X if Y is None else Y)
    accuracy = Accuracy(estimator, x, y, m, seed, trials, max_trials, mean_error, mse_error)
    report = _report(Properties(estimator, x, y, m, seed), accuracy)
    if raises and not report.passed:
        raise AssertionError(f"check_estimator: {len(report.failures)} failed\n{report}")
    return report


def walk(dim: int = 3, m: int = 5) -> Iterator[tuple[Combination, Report]]:
    """Run `check_estimator` on all that the registries can make, plug-ins by name too.

    Parameters
    ----------
    dim, m : int, default 3, 5
        A whole block of rows and a part of one.

    Yields
    ------
    Combination, Report
        Of each that is not refused, with a seed of its own, so that z-scores are independent.

    Returns
    -------
    iterator

    Raises
    ------
    TypeError, ValueError
        As `check_estimator` does.

    Notes
    -----
    Cost: about 0.3 s for each with a law and 0.05 s for the others.
    """
    for one in combinations():
        if one.estimator is not None:
            seed = zlib.crc32(one.name.encode())
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LosingCombinationWarning)
                fitted = one.estimator.fit(*default_points(dim, seed, one.estimator.kernel))
            yield one, check_estimator(fitted, dim, m, seed=seed, raises=False)


def _report(properties: Properties, accuracy: Accuracy) -> Report:
    checks: list[tuple[str, Callable[[], str]]] = [
        ("shapes and types", properties.shapes),
        ("deterministic", properties.deterministic),
        ("pickling", properties.pickling),
        ("threads", properties.threads),
        ("products", properties.products),
        ("rows independent", properties.rows),
        ("no NaN", properties.extreme),
        ("kernel", properties.kernel),
        ("prefixes", properties.prefixes),
        ("trials independent", properties.independent),
        ("mean", accuracy.mean),
        ("mse", accuracy.mse),
    ]
    done = [_checked(name, check) for name, check in checks]
    return Report(repr(accuracy.estimator), done, vars(accuracy).get("table"))


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, "passed", check())
    except Skipped as reason:
        return Check(name, "skipped", str(reason))
    except Undecided as reason:
        return Check(name, "undecided", str(reason))
    except Failed as reason:
        return Check(name, "failed", str(reason))
    except Exception as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}")
