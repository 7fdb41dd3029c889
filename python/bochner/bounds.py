"""Bounds of the largest error of m trigonometric features, from the literature and corrected.

Each is a bound log P(sup |K^ - K| >= error) <= `log_probability`; `error` and `m` solve it for the
other quantities. They are of maps [cos(w_l.x) | sin(w_l.x)] / sqrt(m), p = 2 m features, with
independent frequencies w_l, of a shift-invariant kernel k with k(0) = 1.

    >>> from bochner import bounds
    >>> print(f"{bounds.RahimiRecht(dim=1, diameter=3).error(m=100, probability=0.1):.3f}")
    1.089
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

__all__ = [
    "AttentionBound",
    "Bernstein",
    "Bound",
    "Hoeffding",
    "MohriRostamizadehTalwalkar",
    "RahimiRecht",
    "SriperumbudurSzabo",
    "SutherlandSchneider",
]

# Errors are looked for up to here: bounds of small m exceed 2, where they say nothing.
_LARGEST = 1e6


class Bound(ABC):
    """A bound of the probability that the largest error of m frequencies reaches a value."""

    #: Whether a complete proof is known of it as it stands here.
    rigorous: ClassVar[bool] = True

    def log_probability(self, error: float, m: float) -> float:
        """Return the logarithm of the bound, not cut at 0.

        Parameters
        ----------
        error : float
            Positive.
        m : float
            Frequencies, at least 1.

        Returns
        -------
        float

        Raises
        ------
        ValueError
            If the error is not positive or m is below 1.
        """
        _check("log_probability", error=error, m=m)
        return self._log_probability(error, m)

    @abstractmethod
    def _log_probability(self, error: float, m: float) -> float: ...

    def error(self, m: float, probability: float) -> float:
        """Return the error that is reached with this probability at most.

        Parameters
        ----------
        m : float
            Frequencies, at least 1.
        probability : float
            Between 0 and 1.

        Returns
        -------
        float
            To a relative error of 1e-10; larger than any error that can be where the bound says
            nothing.

        Raises
        ------
        ValueError
            If m is below 1 or the probability is not between 0 and 1.
        """
        _check("error", m=m, probability=probability)
        return _decreasing_root(lambda error: self._log_probability(error, m), math.log(probability))

    def m(self, error: float, probability: float) -> int:
        """Return the smallest m with which the error is reached with this probability at most.

        Parameters
        ----------
        error : float
            Positive.
        probability : float
            Between 0 and 1.

        Returns
        -------
        int

        Raises
        ------
        ValueError
            If the error is not positive or the probability is not between 0 and 1.
        """
        _check("m", error=error, probability=probability)
        log = math.log(probability)
        high = 1
        while self._log_probability(error, high) > log:
            high *= 2
            if high > 2**60:
                raise ValueError(f"m: error is {error}; no m up to 2^60 is known to reach it")
        low = high // 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self._log_probability(error, middle) > log else (low, middle)
        return high


@dataclass(frozen=True)
class Hoeffding(Bound):
    """Of `points` differences x - y: P <= 2 points exp(-m e^2 / 2).

    Parameters
    ----------
    points : int
        Differences that are not 0; a difference and its negative are one.

    Notes
    -----
    cos(w.t) lies in [-1, 1], and the set is finite, so a union is enough. It is the tightest line
    but Bernstein's, for what it covers: not a ball [Bochner, 9].
    """

    points: int

    def _log_probability(self, error: float, m: float) -> float:
        return math.log(2 * self.points) - m * error**2 / 2


@dataclass(frozen=True)
class Bernstein(Bound):
    """Of `points` differences: P <= 2 points exp(-m e^2 / (2 V + 4 e / 3)).

    Parameters
    ----------
    points : int
    variance : float
        V, the largest variance of cos(w.t), (1 + k(2 t)) / 2 - k(t)^2.
    """

    points: int
    variance: float

    def _log_probability(self, error: float, m: float) -> float:
        return math.log(2 * self.points) - m * error**2 / (2 * self.variance + 4 * error / 3)


@dataclass(frozen=True)
class RahimiRecht(Bound):
    """As printed: P <= 2^8 (sigma_p l / e)^2 exp(-m e^2 / (4 (d + 2))) [RahimiRecht07, Claim 1].

    Parameters
    ----------
    dim : int
    diameter : float
        l, of the set of points.
    sigma : float, optional
        sigma_p = sqrt(E |w|^2); sqrt(d), that of the Gaussian kernel, by default.

    Notes
    -----
    Not rigorous: E sup |grad s - grad k|^2 is bounded by sigma_p^2 with E grad s = grad k at a point
    that is itself random; 4 sigma_p^2 is what is proved. `MohriRostamizadehTalwalkar` mends it.
    """

    rigorous: ClassVar[bool] = False
    dim: int
    diameter: float
    sigma: float | None = None

    def _log_probability(self, error: float, m: float) -> float:
        ratio = _sigma(self.sigma, self.dim) * self.diameter / error
        return math.log(2**8) + 2 * math.log(ratio) - m * error**2 / (4 * (self.dim + 2))


@dataclass(frozen=True)
class MohriRostamizadehTalwalkar(Bound):
    """Rahimi and Recht's, corrected: P <= (48 R sigma_p / e)^2 exp(-m e^2 / (4 (d + 2))).

    Parameters
    ----------
    dim : int
    radius : float
        R, of a ball that holds the points; differences have |t| <= 2 R.
    sigma : float, optional
        sigma_p = sqrt(E |w|^2); sqrt(d) by default.

    Notes
    -----
    [Mohri18, Theorem 6.28]. Needs e <= 24 R sigma_p, and is 1 beyond e = 2 in any case.
    """

    dim: int
    radius: float
    sigma: float | None = None

    def _log_probability(self, error: float, m: float) -> float:
        ratio = 48 * self.radius * _sigma(self.sigma, self.dim) / error
        return 2 * math.log(ratio) - m * error**2 / (4 * (self.dim + 2))


@dataclass(frozen=True)
class SutherlandSchneider(Bound):
    """P <= beta_d (sigma_p l / e)^(2 / (1 + 2/d)) exp(-m e^2 / (4 (d + 2) alpha)).

    Parameters
    ----------
    dim : int
    diameter : float
        l, of the set of points.
    variance : float, default 1/2
        V, the largest variance of cos(w.t).
    sigma : float, optional
        sigma_p = sqrt(E |w|^2); sqrt(d) by default.
    corrected : bool, default True
        With 2 sigma_p for sigma_p, which is what is proved; else as printed.

    Notes
    -----
    alpha = min(1, V + e / 3) and beta_d = ((d/2)^(-d/(d+2)) + (d/2)^(2/(d+2))) 2^((6d+2)/(d+2))
    [SutherlandSchneider15, Proposition 1].
    """

    dim: int
    diameter: float
    variance: float = 0.5
    sigma: float | None = None
    corrected: bool = True

    def _log_probability(self, error: float, m: float) -> float:
        d = self.dim
        sigma = _sigma(self.sigma, d) * (2 if self.corrected else 1)
        beta = ((d / 2) ** (-d / (d + 2)) + (d / 2) ** (2 / (d + 2))) * 2 ** ((6 * d + 2) / (d + 2))
        alpha = min(1.0, self.variance + error / 3)
        power = 2 / (1 + 2 / d)
        return math.log(beta) + power * math.log(sigma * self.diameter / error) - m * error**2 / (4 * (d + 2) * alpha)


@dataclass(frozen=True)
class SriperumbudurSzabo(Bound):
    """P(sup >= (h + sqrt(2 tau)) / sqrt(m)) <= exp(-tau) [SriperumbudurSzabo15, Theorem 1].

    Parameters
    ----------
    dim : int
    diameter : float
        l, of the set of points.
    sigma : float, optional
        sigma_p = sqrt(E |w|^2); sqrt(d) by default.

    Notes
    -----
    h = 32 sqrt(2 d log(2 l + 1)) + 32 sqrt(2 d log(sigma_p + 1)) + 16 sqrt(2 d / log(2 l + 1)). The
    constant of its chaining is quoted, not proved again. Useful for its growth in l, not its size.
    """

    rigorous: ClassVar[bool] = False
    dim: int
    diameter: float
    sigma: float | None = None

    def _log_probability(self, error: float, m: float) -> float:
        d = self.dim
        log = math.log(2 * self.diameter + 1)
        h = 32 * math.sqrt(2 * d * log) + 32 * math.sqrt(2 * d * math.log(_sigma(self.sigma, d) + 1))
        h += 16 * math.sqrt(2 * d / log)
        return -(max(0.0, error * math.sqrt(m) - h) ** 2) / 2


@dataclass(frozen=True)
class AttentionBound(Bound):
    """Of the attention matrix exp(q.k / sqrt(d)), |q|, |k| <= R, with trigonometric features.

    P <= (48 l sqrt(d) / delta)^2 exp(-n delta^2 / (4 (d + 2))), l = R d^(-1/4), delta = e exp(-l^2).

    Parameters
    ----------
    dim : int
    radius : float
        R, of the queries and of the keys.
    blocks : bool, default False
        For orthogonal frequencies: n = floor(m / d), the independent blocks whose means lie in
        [-1, 1]; else n = m.

    Notes
    -----
    An explicit substitute of [Choromanski21, Theorem 4], whose constants are not given: the largest
    error is exp(l^2) times that of the Gaussian kernel at |x|, |y| <= l, which
    `MohriRostamizadehTalwalkar` bounds. It does not depend on the length of the sequence.
    """

    dim: int
    radius: float
    blocks: bool = False

    def _log_probability(self, error: float, m: float) -> float:
        length = self.radius * self.dim**-0.25
        independent = m // self.dim if self.blocks else m
        gaussian = MohriRostamizadehTalwalkar(self.dim, length)
        return gaussian._log_probability(error * math.exp(-(length**2)), independent)


def _sigma(sigma: float | None, dim: int) -> float:
    return math.sqrt(dim) if sigma is None else sigma


def _check(function: str, **values: float) -> None:
    """Refuse what no bound is of."""
    for name, value in values.items():
        low, high = {"m": (1.0, math.inf), "error": (0.0, math.inf), "probability": (0.0, 1.0)}[name]
        inside = low <= value < high if name == "m" else low < value < high
        if not inside:
            raise ValueError(f"{function}: {name} is {value}; expected a number between {low:g} and {high:g}")


def _decreasing_root(log_probability: Callable[[float], float], target: float) -> float:
    """Where a decreasing function falls below the target, by bisection of the logarithm."""
    low, high = math.log(1e-12), math.log(_LARGEST)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if log_probability(math.exp(middle)) > target else (low, middle)
    return math.exp(high)
