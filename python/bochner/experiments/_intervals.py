"""95 % intervals. SciPy is imported where it is used, so that `import bochner` does not wait for it."""

import math

import numpy as np
import numpy.typing as npt

#: Half-width of a 95 % normal interval in standard errors.
NORMAL_95 = 1.959963984540054


def mean_interval(values: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of two or more independent values and the ends of Student's interval."""
    from scipy import stats

    mean = float(values.mean())
    half = float(stats.t.ppf(0.975, len(values) - 1) * standard_error(values))
    return mean, mean - half, mean + half


def standard_error(values: npt.NDArray[np.float64]) -> float:
    """Return that of the mean of independent values."""
    return float(values.std(ddof=1)) / math.sqrt(len(values))


def binomial_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the ends of the exact interval of a binomial share [ClopperPearson34]."""
    from scipy import stats

    exact = stats.binomtest(successes, trials).proportion_ci(0.95, method="exact")
    return float(exact.low), float(exact.high)


def score_interval(share: float, count: int) -> tuple[float, float]:
    """Return the ends of the score interval of a binomial share [Wilson27].

    Means of values between 0 and 1 vary less than a binomial share of the same mean.
    """
    z = NORMAL_95**2 / count
    centre = (share + z / 2) / (1 + z)
    half = math.sqrt(z * share * (1 - share) + z**2 / 4) / (1 + z)
    # At a share of 0 the two are equal but for rounding; so at 1.
    low = 0.0 if share == 0 else max(0.0, centre - half)
    high = 1.0 if share == 1 else min(1.0, centre + half)
    return low, high


def quantile_interval(values: npt.NDArray[np.float64], level: float) -> tuple[float, float]:
    """Return the order statistics between which a quantile lies with 95 % confidence, at least.

    The number of values below the quantile is binomial, whatever their distribution; of each tail at
    most 2.5 % is left out [DavidNagaraja03, 7.1]. An end is infinite where the values are too few.
    """
    from scipy import stats

    ordered = np.sort(values)
    count = len(ordered)
    binomial = stats.binom(count, level)
    # P(fewer than j values below) <= 0.025, so that value j (from 1) lies below the quantile.
    low = int(binomial.ppf(0.025))
    high = int(binomial.ppf(0.975)) + 1
    return (
        float(ordered[low - 1]) if low >= 1 else -np.inf,
        float(ordered[high - 1]) if high <= count else np.inf,
    )
