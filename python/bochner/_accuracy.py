"""Mean and mean squared error of an estimator, measured with as many trials as a pilot asks for."""

import math
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from . import _core
from ._arguments import Float64Array
from ._combinations import independent
from ._estimator import Estimator
from ._report import Failed, Skipped, Undecided, require
from .experiments import PointwiseShard, merge, pointwise, pointwise_shard
from .experiments._intervals import NORMAL_95
from .experiments._pointwise import Sampler

# A right estimator has a z-score beyond `Z` once in 150,000. An error is told where it is as large as `Z_TOLD` standard
# errors: it is then below `Z` once in 20.
Z = 4.5
Z_TOLD = Z + 1.645

# A studentised mean of skewed numbers is itself skewed, by their skewness over sqrt(trials). Above this, the chance
# beyond `Z` is more than three times that of a normal number. The skewness of squared errors is about the kurtosis of
# the errors, and their own at most its square root [Bochner, 12.3].
SKEWED = 0.08

# Estimates that agree to this share of the kernel's size are equal but for rounding.
ROUNDING = 1e-9


class Accuracy:
    """What the errors at pairs of points say of mean and mean squared error.

    The first trials, the pilot, decide how many there are: T = Z_TOLD^2 s / e^2 make an error e as large as Z_TOLD
    standard errors, s the relative variance of what is averaged. Where plain trials would not do, tilted ones are
    tried.

    Parameters
    ----------
    estimator : Estimator
    X, Y : ndarray, shape (n, d)
    m, seed, pilot, max_trials : int
    mean_error : float
        The error of the mean that is to be told, as a share of sqrt(K(x, x) K(y, y)).
    mse_error : float
        The relative error of the mean squared error that is to be told.
    """

    def __init__(
        self,
        estimator: Estimator,
        X: Float64Array,
        Y: Float64Array,
        m: int,
        seed: int,
        pilot: int,
        max_trials: int,
        mean_error: float,
        mse_error: float,
    ) -> None:
        self.estimator, self.X, self.Y, self.m, self.seed = estimator, X, Y, m, seed
        self.pilot, self.max_trials = pilot, max(pilot, max_trials)
        self.mean_error, self.mse_error = mean_error, mse_error
        self.has_law = estimator._compiled.has_law
        self.unbiased = estimator._compiled.declared["unbiased"]
        # Whose law has the mean of this one.
        self.source = estimator if self.has_law else independent(estimator)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The measured errors, a row for each pair."""
        if not (self.unbiased or self.source):
            return pointwise(self.estimator, self.X, self.Y, self.m, self.pilot, self.seed, "plain")
        table, missing = self._measure("auto")
        # Tilted draws have lighter tails, but each pair needs its own.
        if missing and "plain" in set(table["sampler"]):
            try:
                return self._measure("tilted")[0]
            except ValueError:
                pass  # there are none
        return table

    def _measure(self, sampler: Sampler) -> tuple[pd.DataFrame, bool]:
        """Measure as long as the pilot asks, and tell whether some pair would need more than `max_trials`."""
        plan = (self.estimator, self.X, self.Y, self.m, self.max_trials)
        block = _core.block_length(self.max_trials)
        pilot = min(self.max_trials, block * -(-self.pilot // block))
        shards: list[PointwiseShard] = []
        begin, end, missing = 0, pilot, False
        # What is averaged is not looked at here, only its variance, so going on does not favour any result.
        while begin < end:
            shards.append(pointwise_shard(*plan, begin, end, self.seed, sampler))
            table = merge(shards)
            needed = self.trials_needed(table)
            # Up to here the errors are still as large as Z standard errors.
            reachable = needed <= (Z_TOLD / Z) ** 2 * self.max_trials
            missing, enough = not reachable.all(), needed[reachable].max(initial=0)
            begin, end = end, min(self.max_trials, block * math.ceil(enough / block))
        return table, bool(missing)

    def trials_needed(self, table: pd.DataFrame) -> Float64Array:
        """Return how many trials each pair needs, (1 or 2, n): for the mean, and for the mse where there is a law.

        As many as make z-scores mean something and tell the errors that are to be told.
        """
        trials, exact = table["trials"].to_numpy(), self.exact(table)
        errors = [table["bias_se"].to_numpy() / (self.mean_error * self.size(table))]
        if self.has_law:
            mse = self.mse_error * table["mse"].to_numpy()
            errors.append(np.where(exact, 0, _mse_se(table)) / np.where(exact, 1, mse))
        skewness = np.array(self.skewness(table)[: len(errors)])
        needed: Float64Array = trials * np.maximum(Z_TOLD * np.array(errors), skewness / SKEWED) ** 2
        return needed

    def size(self, table: pd.DataFrame) -> Float64Array:
        """Return sqrt(K(x, x) K(y, y)), or |K(x, y)| where that is larger: K may be 0 between two points."""
        kernel = self.estimator.kernel
        norms = np.sqrt(np.abs(kernel.paired(self.X, self.X) * kernel.paired(self.Y, self.Y)))
        size: Float64Array = np.maximum(norms, np.abs(table["truth"].to_numpy()))
        return size

    def exact(self, table: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Return at which pairs all estimates are equal but for rounding."""
        equal: npt.NDArray[np.bool_] = table["mse"].to_numpy() <= (ROUNDING * self.size(table)) ** 2
        return equal

    def skewness(self, table: pd.DataFrame) -> tuple[Float64Array, Float64Array]:
        """Return that of the studentised mean, at most, and of the studentised mse; 0 where draws are tilted."""
        trials, mse = table["trials"].to_numpy(), table["mse"].to_numpy()
        plain = (table["sampler"] == "plain").to_numpy() & ~self.exact(table)
        # (E e^4 - (E e^2)^2) / (E e^2)^2 is the kurtosis - 1 where the bias is small.
        excess = np.where(plain, trials * (_mse_se(table) / np.where(plain, mse, 1)) ** 2, 0)
        return np.where(plain, np.sqrt((excess + 1) / trials), 0), excess / np.sqrt(trials)

    def mean(self) -> str:
        """Check that the mean is K, or K and the bias that a law declares."""
        table = self.table
        if not (self.unbiased or self.source):
            declared = "declared biased" if self.unbiased is False else "no mean declared"
            raise Skipped(f"{declared}; bias {_largest_bias(table, self.size(table))}")
        bias, se, size = table["bias"].to_numpy(), table["bias_se"].to_numpy(), self.size(table)
        if self.source:
            declared_bias = self.source.law(self.X, self.Y, self.m).bias
            require(not self.unbiased or (declared_bias == 0).all(), "declared unbiased, but the law has a bias")
            bias = bias - declared_bias
        z = _scores(bias, se, ROUNDING * size)
        means = table["truth"].to_numpy() + table["bias"].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio, resolved = means / (means - bias), self.mean_error * size / se
        return _judged("mean", table, z, self.skewness(table)[0], resolved, self.mean_error, ratio)

    def mse(self) -> str:
        """Check that the mean squared error is that of the law, or at most that of one frequency."""
        if not self.source:
            raise Skipped("no law known")
        table = self.table
        if not self.has_law:
            return self._bound(table)
        law, mse, exact = table["law_mse"].to_numpy(), table["mse"].to_numpy(), self.exact(table)
        tiny = (ROUNDING * self.size(table)) ** 2
        require((law[exact] <= tiny[exact]).all(), "the estimate is exact where the law says that it is not")
        if exact.all():
            return "exact at all pairs"
        se = _mse_se(table)
        z = _scores(mse - law, se, tiny)
        with np.errstate(divide="ignore", invalid="ignore"):
            resolved, ratio = np.where(exact, np.inf, self.mse_error * law / se), mse / law
        return _judged("mse", table, z, self.skewness(table)[1], resolved, self.mse_error, ratio)

    def _bound(self, table: pd.DataFrame) -> str:
        assert self.source is not None
        bound, mse = self.source.law(self.X, self.Y, 1).mse, table["mse"].to_numpy()
        z = _scores(mse - bound, _mse_se(table), (ROUNDING * self.size(table)) ** 2)
        share = (mse / np.maximum(bound, np.finfo(np.float64).tiny)).max()
        require((z <= Z).all(), f"{share:.3f} of the law of one frequency, z = {z.max():+.1f}")
        return f"no law known; {share:.2g} of that of one frequency, its bound"


def _judged(
    what: str,
    table: pd.DataFrame,
    z: Float64Array,
    skewness: Float64Array,
    resolved: Float64Array,
    error: float,
    ratio: Float64Array,
) -> str:
    """Judge z-scores where they mean something; `resolved` is the z-score that the error to be told would have."""
    meaningful = skewness <= SKEWED
    text, least = f"{int(table['trials'].max()):,} trials", np.inf
    if meaningful.any():
        worst = int(np.argmax(np.where(meaningful, np.abs(z), -1)))
        text = f"z = {z[worst]:+.1f} in {text}"
        if abs(z[worst]) > Z:
            raise Failed(f"measured / declared {what} is {ratio[worst]:.4f} at pair {worst}, {text}")
        least = resolved[meaningful].min()
        text += f"; {error:.0%} would be {'beyond 1000' if least > 1000 else f'{least:.1f}'}"
    if not meaningful.all():
        pairs = ", ".join(str(pair) for pair in np.flatnonzero(~meaningful))
        raise Undecided(f"{text}; no z-score at pairs {pairs}: skewness up to {skewness.max():.2g}, above {SKEWED}")
    if least < Z:
        raise Undecided(text)
    return text


def _mse_se(table: pd.DataFrame) -> Float64Array:
    """Return the standard error of the mse; its 95 % interval is symmetric above."""
    half: Float64Array = (table["mse_high"] - table["mse"]).to_numpy()
    return half / NORMAL_95


def _scores(difference: Float64Array, se: Float64Array, rounding: Float64Array) -> Float64Array:
    """Return difference / standard error, 0 where the difference is one of rounding, infinite where se alone is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.abs(difference) <= rounding, 0.0, difference / se)


def _largest_bias(table: pd.DataFrame, size: Float64Array) -> str:
    row = table.iloc[int(np.argmax(np.abs(table["bias"].to_numpy() / size)))]
    return f"{row['bias']:+.3g} +- {row['bias_se']:.2g} at K = {row['truth']:.3g}"
