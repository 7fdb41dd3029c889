"""Parts of your own in Python, by class and by name: a kernel, its law, a coupling and features, through the harness.

Run it: python examples/own_parts.py
"""

from dataclasses import dataclass

import numpy as np

import bochner
from bochner.testing import check_estimator


@dataclass(frozen=True)
class UniformFrequencies(bochner.FrequencyLawPlugin):
    """Frequencies uniform on [-width, width]^d."""

    width: float = 1.0

    def sample(self, m, dim, rng):
        return rng.uniform(-self.width, self.width, (m, dim))

    def cosine_gap(self, u):
        t = (self.width * u) ** 2
        # log sinc, by its series where that of NumPy would lose digits.
        small = -t / 6 - t**2 / 180 - t**3 / 2835 - t**4 / 37800
        sinc = np.sinc(self.width * u / np.pi)
        if (t < 1e-2).all():
            return -np.expm1(small.sum())
        return 1 - np.prod(sinc)

    def mean_squares(self, dim):
        return np.full(dim, self.width**2 / 3)


@dataclass(frozen=True)
class Sinc(bochner.KernelPlugin):
    """prod_j sinc(width (x_j - y_j))."""

    width: float = 1.0

    def evaluate(self, X, Y):
        return np.sinc(self.width * (X[:, None] - Y) / np.pi).prod(-1)

    @property
    def frequency_law(self):
        return UniformFrequencies(self.width)


@dataclass(frozen=True)
class MirroredPairs(bochner.CouplingPlugin):
    """Rows in pairs: w and the w whose first coordinate has the other sign."""

    def draw(self, law, m, dim, rng):
        W = law.independent((m + 1) // 2, dim, rng).repeat(2, axis=0)
        W[1::2, 0] *= -1
        return W[:m]


@dataclass(frozen=True)
class OneBitKeys(bochner.FeaturesPlugin):
    """(pi / (2m)) cos(w_i.x + b_i) of queries and sgn(cos(w_i.y + b_i)), one bit, of keys [SchellekensJacques22].

    Of the harmonics of the sign, with the factors 4/pi, -4/(3 pi), ..., the mean over b_i keeps the first alone, so
    that K^ has no bias.
    """

    def draw(self, kernel, dim, m, rng, W):
        b = rng.uniform(0, 2 * np.pi, m)
        return (
            lambda X: np.pi / (2 * m) * np.cos(X @ W.T + b),
            lambda Y: np.sign(np.cos(Y @ W.T + b)),
        )

    def law(self, kernel, coupling, X, Y, m):
        if coupling != bochner.Coupling("iid"):
            return None
        k = kernel.paired(X, Y)
        return k, (np.pi**2 / 8 - k**2) / m


def main():
    bochner.register("sinc", Sinc)
    for features, coupling in (
        ("trigonometric", "iid"),
        ("trigonometric", MirroredPairs()),
        (OneBitKeys(), "iid"),
    ):
        estimator = bochner.Estimator(bochner.Kernel("sinc", width=2.0), features, coupling)
        print(check_estimator(estimator, mean_error=0.02, mse_error=0.1))
    X = np.random.default_rng(0).standard_normal((8, 3))
    print(bochner.experiments.pointwise(estimator, X, X[::-1], m=[16, 64], trials=1000)[["m", "truth", "mse"]])


if __name__ == "__main__":
    main()
