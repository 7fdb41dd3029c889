"""How many frequencies an accuracy takes."""

import math
import numbers
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import MAX_UINT64, Float64Array, double_matrices, integer
from ._estimator import Estimator

#: Draws of a step of the search, and of a batch after which a hopeless size is given up.
_SEARCH, _BATCH = 400, 25
#: The number of normals that a step may draw; it lowers the number of draws, never below what can confirm.
_WORK = 2**31
#: Probability that a size in order is given up early.
_HASTE = 1e-4
#: Steps of the search and confirmations; both converge in a few.
_STEPS = 30
#: A size from the law that is larger is only a guess, for it is expensive and tails may make it far too large.
_FIRST = 2**14


class NoPracticalSizeWarning(UserWarning):
    """No practical number of frequencies reaches the accuracy that was asked for; the text says why."""


@dataclass(frozen=True, eq=False)
class RequiredSize:
    """What `required_size` found.

    Attributes
    ----------
    m : int or None
        Frequencies, enough for every pair; None where no practical number is.
    reason : str
        Why there is none; empty where there is one.
    predicted : int or None
        What the exact law says if errors were normal; None where no law is known or it has no variance.
    trials : int
        Independent draws of the last step, with `m` frequencies or, where there is none, with as many as
        are practical.
    shares, shares_low : ndarray, shape (n,)
        The share of these draws that met the tolerance at each pair, and its lower confidence bound. At
        `m` all of `shares_low` are at least the quantile; together they hold with the confidence.
    """

    m: int | None
    reason: str
    predicted: int | None
    trials: int
    shares: Float64Array
    shares_low: Float64Array


def required_m(
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    tolerance: float,
    quantile: float = 0.95,
    seed: int = 0,
    max_m: int = 2**20,
) -> int | None:
    """Return how many frequencies make the estimates of these pairs as accurate as asked.

    With the m returned, |K^(X_i, Y_i) - K(X_i, Y_i)| <= tolerance |K(X_i, Y_i)| holds in at least a
    share `quantile` of all draws, for each pair i by itself. So m is what the hardest pair needs; ask
    for one pair at a time to know the others.

    Parameters
    ----------
    estimator : Estimator
    X, Y : array_like, shape (n, d)
        The pairs, row by row.
    tolerance : float
        The relative error of a pair, positive.
    quantile : float, default 0.95
        At least 0.5 and less than 1.
    seed : int, default 0
        From 0 to 2^64 - 1. The pilot draws are independent of every ``estimator.draw``.
    max_m : int, default 2**20
        More frequencies are not practical.

    Returns
    -------
    int or None
        None, and a `NoPracticalSizeWarning` that says why, where no practical m is known to be enough.

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        For wrong shapes and sizes, NaN and infinity, and a kernel that a double cannot hold.

    Notes
    -----
    `required_size` tells more and describes the method. Cost: about 1,400 draws and the estimates of
    the pairs with m frequencies, fewer from m (d + n) = 2^21 on; up to minutes where m nears 2^20.

    Examples
    --------
    >>> import bochner
    >>> estimator = bochner.Estimator("gaussian", "trigonometric", "iid")
    >>> m = bochner.required_m(estimator, [[0.0, 0.0]], [[1.0, 0.0]], tolerance=0.1)
    >>> 200 < m < 300
    True
    """
    found = _search("required_m", estimator, X, Y, tolerance, quantile, seed, max_m, 0.95, 1000)
    if found.m is None:
        warnings.warn(f"required_m: {found.reason}", NoPracticalSizeWarning, stacklevel=2)
    return found.m


def required_size(
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    tolerance: float,
    quantile: float = 0.95,
    seed: int = 0,
    max_m: int = 2**20,
    confidence: float = 0.95,
    trials: int = 1000,
) -> RequiredSize:
    """Do the same as `required_m`, with all details and without a warning.

    Parameters
    ----------
    estimator, X, Y, tolerance, quantile, seed, max_m
        As `required_m` has them.
    confidence : float, default 0.95
        The probability, over the pilot draws, that an m that is returned is enough for all pairs.
    trials : int, default 1000
        Pilot draws of a confirmation, at most. More of them find a smaller m.

    Returns
    -------
    RequiredSize

    Raises
    ------
    TypeError, ValueError
        As `required_m` does, and for confidence and trials out of range.

    Notes
    -----
    The first m is that of the law for normal errors, (z / tolerance)^2 times the relative variance of one
    frequency; it is only a guess, since a variance gives no quantile: where one frequency has heavy tails,
    most draws lie far below the truth at every m that the law takes for enough, or the quantile is met
    long before [Bochner, 12]. Pilot draws then scale m by the square of the error of the quantile over the
    tolerance. At last fresh draws confirm it: at each of the n pairs the lower bound of the binomial share
    of draws that meet the tolerance [ClopperPearson34] must be at least the quantile. Confirmation k has
    the error probability (1 - confidence) / (n k (k + 1)) at each pair, so that all of them have
    1 - confidence. With 1,000 draws, one pair and normal errors, m is 15 to 25 % more than would do.
    """
    return _search("required_size", estimator, X, Y, tolerance, quantile, seed, max_m, confidence, trials)


def _search(
    function: str,
    estimator: Estimator,
    X: npt.ArrayLike,
    Y: npt.ArrayLike,
    tolerance: float,
    quantile: float,
    seed: int,
    max_m: int,
    confidence: float,
    trials: int,
) -> RequiredSize:
    if not isinstance(estimator, Estimator):
        raise TypeError(f"{function}: estimator is a {type(estimator).__name__}; expected a bochner.Estimator")
    x, y = double_matrices(function, X=X, Y=Y)
    truth = np.asarray(estimator.kernel.paired(x, y), dtype=np.float64)
    tolerance = _real(function, "tolerance", tolerance)
    quantile = _real(function, "quantile", quantile)
    confidence = _real(function, "confidence", confidence)
    if not 0 < tolerance < math.inf:
        raise ValueError(f"{function}: tolerance is {tolerance}; expected a positive number")
    if not 0.5 <= quantile < 1:
        raise ValueError(f"{function}: quantile is {quantile}; expected at least 0.5 and less than 1")
    if not 0.5 <= confidence < 1:
        raise ValueError(f"{function}: confidence is {confidence}; expected at least 0.5 and less than 1")
    if not np.isfinite(truth).all():
        raise ValueError(f"{function}: K(X, Y) contains {truth[~np.isfinite(truth)][0]}; expected finite values")
    pilot = _Pilot(estimator, x, y, truth, tolerance, quantile, integer(function, "seed", seed, 0, MAX_UINT64))
    max_m = integer(function, "max_m", max_m, 1)
    trials = integer(function, "trials", trials, 100)
    return pilot.search(max_m, 1 - confidence, trials)


def _real(function: str, name: str, value: float) -> float:
    if not isinstance(value, numbers.Real):
        raise TypeError(f"{function}: {name} is a {type(value).__name__}; expected a real number")
    return float(value)


@dataclass
class _Pilot:
    """Pilot draws at given pairs, each step from a stream of its own."""

    estimator: Estimator
    x: Float64Array
    y: Float64Array
    truth: Float64Array
    tolerance: float
    quantile: float
    seed: int
    step: int = 0

    def search(self, max_m: int, risk: float, trials: int) -> RequiredSize:
        predicted, hopeless = self._predict(max_m)
        n = len(self.truth)
        if hopeless:
            nothing = np.full(n, np.nan)
            return RequiredSize(None, hopeless, predicted, 0, nothing, nothing)
        level = risk / (2 * n)
        m, errors, complete = self._approach(min(predicted or 64, _FIRST, max_m), max_m, level, trials)
        confirmations = 0 if m == max_m and not complete else _STEPS
        for k in range(1, confirmations + 1):
            level = risk / (n * k * (k + 1))
            errors, complete = self._errors(m, self._affordable(m, trials, level))
            shares, low = self._shares(errors, level)
            if complete and (low >= self.quantile).all():
                return RequiredSize(m, "", predicted, len(errors), shares, low)
            if m == max_m:
                break
            m = _scaled(m, max(1.1, self._factor(errors, m, level, trials)), max_m)
        shares, low = self._shares(errors, level)
        return RequiredSize(None, self._explain(m, max_m, errors, predicted), predicted, len(errors), shares, low)

    def _approach(self, m: int, max_m: int, level: float, trials: int) -> tuple[int, Float64Array, bool]:
        """A size near which confirmation may begin, with the errors at the last size and whether they are complete."""
        seen: set[int] = set()
        for _ in range(_STEPS):
            errors, complete = self._errors(m, self._affordable(m, min(_SEARCH, trials), level))
            seen.add(m)
            # Aim at what the confirmation demands, not at the quantile itself.
            factor = self._factor(errors, m, level, trials)
            following = _scaled(m, factor, max_m)
            if 0.85 <= factor <= 1.1 or following in seen:
                break
            m = following
        return m, errors, complete

    def _predict(self, max_m: int) -> tuple[int | None, str]:
        """Size by the exact law for normal errors, and why there can be none."""
        from scipy import stats

        if (self.truth == 0).any():
            pair = int(np.flatnonzero(self.truth == 0)[0])
            return None, f"pair {pair} has K = 0, of which no error is a small fraction"
        width = (stats.norm.ppf((1 + self.quantile) / 2) / self.tolerance) ** 2
        m = 1
        try:
            bias = np.abs(self.estimator.law(self.x, self.y, max_m).bias / self.truth)
            # The law of orthogonal frequencies is not quite that of one over m.
            for _ in range(3):
                with np.errstate(over="ignore", invalid="ignore"):
                    variance = self.estimator.law(self.x, self.y, m).variance / self.truth / self.truth
                size = float(np.max(m * variance * width))
                m = math.ceil(max(1.0, size)) if math.isfinite(size) else 0
                if not 1 <= m <= max_m:
                    break
        except _core.NoLawError:
            return None, ""
        pair = int(np.argmax(bias))
        if bias[pair] > self.tolerance:
            # Its estimates tend to their mean.
            text = f"the estimator is biased: at pair {pair} its mean misses K by {bias[pair]:.3g} K"
            return None, f"{text}, more than the tolerance {self.tolerance:.3g}, with m = {max_m} too"
        return m or None, ""

    def _affordable(self, m: int, trials: int, level: float) -> int:
        """Draws of a step: as many as given, fewer where they are expensive, enough to confirm if all succeed."""
        enough = math.ceil(math.log(level) / math.log(self.quantile))
        return int(max(enough, min(trials, _WORK // (m * (self.x.shape[1] + len(self.x))))))

    def _errors(self, m: int, trials: int) -> tuple[Float64Array, bool]:
        """Relative errors (draws, pairs); fewer draws, and False, where the first fail beyond doubt."""
        from scipy import stats

        self.step += 1
        stream = int(np.random.SeedSequence([self.seed, self.step]).generate_state(1, np.uint64)[0])
        dim = self.x.shape[1]
        rows: list[Float64Array] = []
        for trial in range(trials):
            estimate = self.estimator.draw(dim, m, stream, trial).paired(self.x, self.y)
            with np.errstate(over="ignore"):
                rows.append((estimate - self.truth) / self.truth)
            if len(rows) % _BATCH == 0 and len(rows) < trials:
                met = int(self._met(np.array(rows)).min())
                if stats.binom.cdf(met, len(rows), self.quantile) < _HASTE / len(self.truth):
                    return np.array(rows), False
        return np.array(rows), True

    def _met(self, errors: Float64Array) -> npt.NDArray[np.int64]:
        met: npt.NDArray[np.int64] = np.count_nonzero(np.abs(errors) <= self.tolerance, axis=0)
        return met

    def _shares(self, errors: Float64Array, level: float) -> tuple[Float64Array, Float64Array]:
        """Shares of draws that meet the tolerance, and their lower bounds."""
        from scipy import stats

        met, trials = self._met(errors), len(errors)
        low = np.where(met > 0, stats.beta.ppf(level, np.maximum(met, 1), trials - met + 1), 0.0)
        return met / trials, low

    def _factor(self, errors: Float64Array, m: int, level: float, trials: int) -> float:
        """How many times as many frequencies would be confirmed, were errors of order m^(-1/2)."""
        from scipy import stats

        count = self._affordable(m, trials, level)
        needed = min(count, int(stats.binom.isf(level, count, self.quantile)) + 1)
        reached = np.quantile(np.abs(errors), needed / count, axis=0, method="higher")
        return float((reached.max() / self.tolerance) ** 2)

    def _explain(self, m: int, max_m: int, errors: Float64Array, predicted: int | None) -> str:
        shares = self._met(errors) / len(errors)
        pair = int(np.argmin(shares))
        text = (
            f"with m = {m} the tolerance was met in {100 * shares[pair]:.3g} % of {len(errors)} draws at pair {pair}, "
            f"expected are {100 * self.quantile:.4g} %"
        )
        text += f"; more than max_m = {max_m} is not practical" if m == max_m else f"; {_STEPS} sizes did not settle it"
        middle = float(np.median(errors[:, pair]))
        if middle < -0.5:
            text += f". Tails are heavy: half of the draws lie below {1 + middle:.2g} K, for few carry the mean"
        if predicted is not None:
            text += f". Normal errors of the law's variance would need m = {predicted:.3g}"
        return text


def _scaled(m: int, factor: float, max_m: int) -> int:
    return int(min(max_m, max(1, math.ceil(m * min(8.0, max(0.125, factor))))))
