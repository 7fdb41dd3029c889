"""The conformance test: estimators of ours pass, and each kind of wrong one fails for its own reason."""

from dataclasses import dataclass

import numpy as np
import pytest

import bochner
from bochner.testing import check_estimator

OWN = [
    ("softmax", "positive", "orthogonal"),
    ("matern", "trigonometric", "iid"),
]


@pytest.mark.parametrize("parts", OWN, ids=" ".join)
def test_ours_conform(parts):
    report = check_estimator(bochner.Estimator(*parts), dim=3, m=5, raises=False)
    assert report.passed, str(report)


@dataclass(frozen=True)
class Positive(bochner.FeaturesPlugin):
    factor: float = 1.0

    def draw(self, kernel, dim, m, rng, W):
        return lambda X: self.factor * np.exp(X @ W.T - 0.5 * (X**2).sum(1, keepdims=True)) / np.sqrt(m)


class QRWithoutSigns(bochner.CouplingPlugin):
    needs_isotropic = True

    def draw(self, law, m, dim, rng):
        Q = np.concatenate([np.linalg.qr(rng.standard_normal((dim, dim)))[0].T for _ in range(0, m, dim)])[:m]
        return law.norms(m, dim, rng)[:, None] * Q


class Shared(bochner.CouplingPlugin):
    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, np.random.default_rng(0))


class SharedByTwo(bochner.CouplingPlugin):
    """A cache that a second draw is served from."""

    kept = []

    def draw(self, law, m, dim, rng):
        if self.kept:
            return self.kept.pop()
        W = law.independent(m, dim, rng)
        self.kept.append(W)
        return W


class Clock(bochner.CouplingPlugin):
    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, np.random.default_rng())


class PrefixLie(bochner.CouplingPlugin):
    prefixes_are_draws = True

    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, rng)[::-1]


class SaysIndependent(bochner.CouplingPlugin):
    independent = True

    def draw(self, law, m, dim, rng):
        return law.independent((m + 1) // 2, dim, rng).repeat(2, axis=0)[:m]


class WrongLaw(bochner.FrequencyLawPlugin):
    def sample(self, m, dim, rng):
        return 1.02 * rng.standard_normal((m, dim))

    def cosine_gap(self, u):
        return -np.expm1(-0.5 * (u @ u))


class KernelOfWrongLaw(bochner.KernelPlugin):
    frequency_law = WrongLaw()

    def evaluate(self, X, Y):
        return np.exp(-0.5 * ((X[:, None] - Y) ** 2).sum(-1))


class BatchDependent(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        return lambda X: np.exp(X @ W.T - X.max()) / np.sqrt(m)


class Unpicklable(bochner.CouplingPlugin):
    def __init__(self):
        self.function = lambda: None

    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, rng)


def wrong():
    return {
        "scale": (bochner.Estimator("softmax", Positive(1.006), "iid"), "mean"),
        "QR without signs": (bochner.Estimator("softmax", "positive", QRWithoutSigns()), "mean"),
        "law": (bochner.Estimator(KernelOfWrongLaw(), "trigonometric", "iid"), "mean"),
        "law of dependent rows": (bochner.Estimator("gaussian", "trigonometric", SaysIndependent()), "mse"),
        "shared randomness": (bochner.Estimator("softmax", "positive", Shared()), "trials independent"),
        "randomness shared by two": (bochner.Estimator("softmax", "positive", SharedByTwo()), "deterministic"),
        "not deterministic": (bochner.Estimator("softmax", "positive", Clock()), "deterministic"),
        "prefixes": (bochner.Estimator("softmax", "positive", PrefixLie()), "prefixes"),
        "batch": (bochner.Estimator("softmax", BatchDependent(), "iid"), "rows independent"),
        "pickling": (bochner.Estimator("softmax", "positive", Unpicklable()), "pickling"),
    }


@pytest.mark.parametrize("name", ["scale", "QR without signs", "law"])
def test_wrong_ones_fail(name):
    estimator, check = wrong()[name]
    with pytest.raises(AssertionError, match="check_estimator: ") as caught:
        check_estimator(estimator, dim=8 if name.startswith("QR") else 3, m=8)
    report = check_estimator(estimator, dim=8 if name.startswith("QR") else 3, m=8, raises=False)
    assert report[check].outcome == "failed", str(report)
    assert f"{check} " in str(caught.value)
