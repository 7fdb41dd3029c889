"""A conformance test for estimators, ours and yours."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from ._arguments import Float64Array, double_matrices, integer
from ._estimator import Estimator
from ._feature_map import FeatureMap
from ._threads import get_num_threads, set_num_threads
from .experiments import pointwise

__all__ = ["Check", "Report", "check_estimator", "default_points"]

Outcome: TypeAlias = Literal["passed", "failed", "undecided", "skipped"]

# A right estimator fails a z-score by chance once in 150,000 points; one that is wrong by `_MEAN` or `_MSE` fails where
# the standard error lets it.
_Z = 4.5
_MEAN = 0.01
_MSE = 0.03


@dataclass(frozen=True)
class Check:
    """One property and what came out.

    Attributes
    ----------
    name : str
    outcome : {"passed", "failed", "undecided", "skipped"}
        "undecided" where the trials did not suffice to tell an error of 1 % of the mean or 3 % of
        the mean squared error; "skipped" where the estimator declares nothing to check.
    detail : str
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


class _Failed(Exception):
    """A property that does not hold."""


class _Skipped(Exception):
    """A property that nothing declares."""


class _Undecided(Exception):
    """A property that the trials do not tell."""


def default_points(dim: int, seed: int = 0) -> tuple[Float64Array, Float64Array]:
    """Return pairs on which estimates of every family have light tails: |x + y| <= 1 for all.

    The first two have x + y along (1, ..., 1) and against it, where QR without signs shows.

    Parameters
    ----------
    dim : int
    seed : int, default 0

    Returns
    -------
    X, Y : ndarray, shape (6, dim)

    Raises
    ------
    ValueError
        For a negative seed or dimension.
    """
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, 6, dim))
    X *= 0.5 / np.linalg.norm(X, axis=1, keepdims=True)
    Y *= 0.4 / np.linalg.norm(Y, axis=1, keepdims=True)
    X[0] = Y[0] = 0.5 / np.sqrt(dim)
    X[1] = Y[1] = -0.5 / np.sqrt(dim)
    X[2], Y[2] = 0.5 / np.sqrt(dim), -0.4 / np.sqrt(dim)
    return X, Y


def check_estimator(
    estimator: Estimator,
    dim: int = 4,
    m: int = 6,
    X: npt.ArrayLike | None = None,
    Y: npt.ArrayLike | None = None,
    trials: int = 16_384,
    max_trials: int = 262_144,
    seed: int = 0,
    raises: bool = True,
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
        Pairs at which errors are measured; `default_points` without. Where tails are heavy (|x + y| large) no
        number of trials tells anything.
    trials, max_trials : int
        Trials are doubled from the first to the second until an error of 1 % of the mean, and of 3 % of the mean
        squared error, would be 4.5 standard errors.
    seed : int, default 0
    raises : bool, default True
        Whether a failure is an AssertionError; otherwise the report alone says it.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        With the whole report, if a check failed.
    TypeError, ValueError
        For wrong arguments.
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"check_estimator: estimator is a {type(estimator).__name__}; expected a bochner.Estimator")
    dim = integer("check_estimator", "dim", dim, 1)
    x, y = default_points(dim, seed) if X is None else double_matrices("check_estimator", X=X, Y=X if Y is None else Y)
    run = _Run(estimator, x, y, integer("check_estimator", "m", m, 1), trials, max_trials, seed)
    report = run.report()
    if raises and not report.passed:
        raise AssertionError(f"check_estimator: {len(report.failures)} failed\n{report}")
    return report


class _Run:
    def __init__(
        self, estimator: Estimator, X: Float64Array, Y: Float64Array, m: int, trials: int, max_trials: int, seed: int
    ) -> None:
        self.estimator, self.X, self.Y, self.m, self.seed = estimator, X, Y, m, seed
        self.trials, self.max_trials = trials, max_trials
        self.dim = X.shape[1]
        self.measured: pd.DataFrame | None = None
        self.declared = estimator._compiled.declared

    def draw(self, trial: int = 0, m: int | None = None) -> FeatureMap:
        return self.estimator.draw(self.dim, m or self.m, seed=self.seed, trial=trial)

    def report(self) -> Report:
        checks: list[tuple[str, Callable[[], str]]] = [
            ("shapes and types", self.shapes),
            ("deterministic", self.deterministic),
            ("pickling", self.pickling),
            ("threads", self.threads),
            ("products", self.products),
            ("rows independent", self.rows),
            ("no NaN", self.extreme),
            ("kernel", self.kernel),
            ("prefixes", self.prefixes),
            ("trials independent", self.independent),
            ("mean", self.mean),
            ("mse", self.mse),
        ]
        done = [_checked(name, check) for name, check in checks]
        return Report(repr(self.estimator), done, self.measured)

    def shapes(self) -> str:
        phi = self.draw()
        _require(phi.dim == self.dim, f"dim is {phi.dim}; expected {self.dim}")
        for dtype, expected in ((np.float64, np.float64), (np.float32, np.float32), (np.int64, np.float64)):
            x = np.rint(self.X).astype(dtype) if dtype is np.int64 else self.X.astype(dtype)
            z = phi.transform(x)
            _require(z.shape == (len(x), phi.features), f"transform gives {z.shape}; expected {(len(x), phi.features)}")
            _require(z.dtype == expected, f"transform of {np.dtype(dtype)} gives {z.dtype}; expected {expected}")
        single = phi.transform(self.X.astype(np.float32))
        _close(single, phi.transform(self.X), 1e-3, "transform in single and in double precision")
        return f"d = {self.dim}, m = {self.m}, p = {phi.features}"

    def deterministic(self) -> str:
        z = self.draw(trial=3).transform(self.X)
        self.draw(trial=7)
        again = self.draw(trial=3).transform(self.X)
        _require(np.array_equal(z, again), "two draws of one name differ")
        return ""

    def pickling(self) -> str:
        copy = pickle.loads(pickle.dumps(self.estimator))
        _require(copy == self.estimator, "the estimator is not equal to its copy")
        phi = self.draw()
        same = pickle.loads(pickle.dumps(phi))
        _require(same == phi, "a map is not equal to its copy")
        _require(
            np.array_equal(same.transform(self.X), phi.transform(self.X)), "a map and its copy give other features"
        )
        return ""

    def threads(self) -> str:
        before, phi = get_num_threads(), self.draw()
        many = np.tile(self.X, (200, 1))
        trials = 512
        results = []
        try:
            for threads in (1, 3):
                set_num_threads(threads)
                measured = pointwise(self.estimator, self.X, self.Y, self.m, trials, self.seed, "plain")
                results.append((phi.transform(many), phi.gram(many, self.Y), measured["mean"].to_numpy()))
        finally:
            set_num_threads(before)
        names = ("transform", "gram", "the mean of 512 trials")
        for name, one, three in zip(names, *results, strict=True):
            _require(np.array_equal(one, three), f"{name} differs between 1 and 3 threads")
        return ""

    def products(self) -> str:
        phi = self.draw()
        queries, keys = phi.transform(self.X), phi.transform(self.Y, side="key")
        gram = phi.gram(self.X, self.Y)
        scale = np.maximum(np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(keys, axis=1), 1e-300)
        _require(np.allclose(gram / scale, queries @ keys.T / scale, 0, 1e-10), "gram is not transform times transform")
        paired = phi.paired(self.X, self.Y)
        _require(np.allclose(paired, np.diag(gram), 1e-9, 1e-10 * scale.max()), "paired is not the diagonal of gram")
        values, log_scale = phi.transform_scaled(self.X)
        _close(values * np.exp(log_scale)[:, None], queries, 1e-10, "transform_scaled and transform")
        return ""

    def rows(self) -> str:
        phi = self.draw()
        alone = np.concatenate([phi.transform(row[None]) for row in self.X])
        _close(alone, phi.transform(self.X), 1e-10, "rows alone and together")
        return ""

    def extreme(self) -> str:
        phi = self.draw()
        for dtype in (np.float64, np.float32):
            x = (100 * self.X).astype(dtype)
            _require(not np.isnan(phi.transform(x)).any(), f"transform gives NaN in {np.dtype(dtype)}")
            _require(not np.isnan(phi.gram(x)).any(), f"gram gives NaN in {np.dtype(dtype)}")
            _require(all(np.isfinite(part).all() for part in phi.transform_scaled(x)), "transform_scaled is not finite")
        return ""

    def kernel(self) -> str:
        kernel = self.estimator.kernel
        gram = kernel.gram(self.X, self.Y)
        _close(gram, kernel.gram(self.Y, self.X).T, 1e-12, "K(x, y) and K(y, x)")
        _close(np.diag(gram), kernel.paired(self.X, self.Y), 1e-12, "gram and paired of the kernel")
        return ""

    def prefixes(self) -> str:
        if not self.declared["projected"]:
            raise _Skipped("no map of frequencies alone")
        if not self.declared["prefixes"]:
            raise _Skipped("none declared")
        W = self.draw(m=2 * self.m + 3).frequencies
        for m in (1, self.m, 2 * self.m + 1):
            own = self.draw(m=m).frequencies
            _require(np.allclose(W[:m], own, 1e-10, 1e-12), f"the first {m} rows of a draw are not the draw of {m}")
        return ""

    def independent(self) -> str:
        from scipy.stats import rankdata

        trials = 2048
        estimates = np.array([self.draw(t).paired(self.X, self.Y) for t in range(trials)])
        if getattr(self.estimator.features, "deterministic", False):
            _require(np.ptp(estimates, axis=0).max() == 0, "declared deterministic, but trials differ")
            raise _Skipped("declared deterministic")
        moved = np.ptp(estimates, axis=0) > 1e-9 * np.abs(estimates).max(axis=0)
        if not moved.any():
            raise _Failed("all trials are the same")
        # The same estimate twice is a draw shared between trials, unless there are but few of them.
        column = int(np.argmax(np.ptp(estimates, axis=0)))
        repeats = trials - len(np.unique(estimates[:, column]))
        worst, lag = 0.0, 0
        # Equal estimates have equal ranks; in the order of trials they would look like a trend.
        ranks = rankdata(estimates[:, moved], axis=0)
        standard = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
        for shift in (1, 2, 3):
            z = np.abs((standard[shift:] * standard[:-shift]).mean(axis=0)) * np.sqrt(trials - shift)
            worst, lag = max((worst, lag), (float(z.max()), shift))
        _require(worst < _Z + 0.5, f"trials {lag} apart are correlated, z = {worst:.1f}")
        return f"correlation z = {worst:.1f}" + (f", {repeats} of {trials} repeat" if repeats else "")

    def mean(self) -> str:
        claimed = self.declared["unbiased"]
        table = self.measure(bool(claimed) or self.estimator._compiled.has_law)
        if claimed is None and table["law_mse"].isna().all():
            raise _Skipped(f"no mean declared; bias {_worst_bias(table)}")
        truth = table["truth"].to_numpy()
        bias, se = self.bias_beyond_declared(table), table["bias_se"].to_numpy()
        scale = np.abs(truth)
        excess = np.abs(bias) - 1e-9 * scale
        z = np.where(se > 0, np.abs(bias) / np.where(se > 0, se, 1), np.where(excess > 0, np.inf, 0))
        z[excess <= 0] = 0
        worst = int(np.argmax(z))
        if claimed is False and table["law_mse"].isna().all():
            raise _Skipped(f"declared biased; bias {_worst_bias(table)}")
        text = f"z = {z[worst]:.1f} at {len(table)} points"
        if z[worst] > _Z:
            ratio = (truth[worst] + bias[worst]) / truth[worst]
            raise _Failed(f"estimate / declared mean is {ratio:.4f} at point {worst}, z = {z[worst]:.1f}")
        if (_Z * se > _MEAN * scale).any():
            raise _Undecided(f"{text}; resolves {np.max(_Z * se / scale):.1%}")
        return f"{text}; resolves {np.max(_Z * se / scale):.2%}"

    def bias_beyond_declared(self, table: pd.DataFrame) -> Float64Array:
        bias: Float64Array = table["bias"].to_numpy()
        if self.estimator._compiled.has_law:
            return bias - self.estimator.law(self.X, self.Y, self.m).bias
        return bias

    def mse(self) -> str:
        if not self.estimator._compiled.has_law:
            raise _Skipped("no law known")
        table = self.measure(True)
        law, mse = table["law_mse"].to_numpy(), table["mse"].to_numpy()
        z = table["z_mse"].to_numpy()
        kept = (law > 1e-18 * table["truth"].to_numpy() ** 2) & np.isfinite(z)
        if not kept.any():
            return "exact at these points"
        error = np.abs(mse / np.where(kept, law, 1) - 1)[kept]
        z = np.abs(z[kept])
        se = np.where(z > 0, error / np.where(z > 0, z, 1), 0)
        worst = int(np.argmax(z))
        text = f"z = {z[worst]:.1f}"
        # Below 3 % the interval's own error under the tails that are left may be what is seen.
        if z[worst] > _Z and error[worst] > _MSE / 3:
            raise _Failed(f"measured / law is {(mse / law)[kept][worst]:.4f}, {text}")
        if (_Z * se > _MSE).any():
            raise _Undecided(f"{text}; resolves {np.max(_Z * se):.1%}")
        return f"{text}; resolves {np.max(_Z * se):.1%}"

    def measure(self, sharp: bool) -> pd.DataFrame:
        """Measure with as many trials as tell 1 % of the mean and 3 % of the mse."""
        if self.measured is not None:
            return self.measured
        trials = self.trials
        while True:
            table = pointwise(self.estimator, self.X, self.Y, self.m, trials, self.seed)
            se, truth = table["bias_se"].to_numpy(), np.abs(table["truth"].to_numpy())
            enough = (_Z * se <= _MEAN * truth).all()
            if self.estimator._compiled.has_law:
                width = (table["mse_high"] - table["mse_low"]).to_numpy() / 3.92
                law = table["law_mse"].to_numpy()
                enough = enough and (_Z * width[law > 0] <= _MSE * law[law > 0]).all()
            if enough or not sharp or 2 * trials > self.max_trials:
                break
            trials *= 2
        self.measured = table
        return table


def _worst_bias(table: pd.DataFrame) -> str:
    worst = int(np.argmax(np.abs(table["bias"].to_numpy() / table["truth"].to_numpy())))
    row = table.iloc[worst]
    return f"{row['bias']:+.3g} of {row['truth']:.3g}"


def _checked(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, "passed", check())
    except _Skipped as reason:
        return Check(name, "skipped", str(reason))
    except _Undecided as reason:
        return Check(name, "undecided", str(reason))
    except _Failed as reason:
        return Check(name, "failed", str(reason))
    except Exception as error:
        return Check(name, "failed", f"{type(error).__name__}: {error}")


def _require(holds: Any, text: str) -> None:
    if not holds:
        raise _Failed(text)


def _close(a: npt.NDArray[Any], b: npt.NDArray[Any], tolerance: float, what: str) -> None:
    scale = np.abs(b).max() or 1.0
    error = np.abs(np.asarray(a, np.float64) - b).max() / scale
    _require(error <= tolerance, f"{what} differ by {error:.2g} of the largest")
