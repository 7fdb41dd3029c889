"""The feature maps of other installed packages, as plug-ins through the conformance test."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from ._arguments import Float64Array
from ._components import Kernel
from ._estimator import Estimator
from ._plugins import CouplingPlugin, FeaturesPlugin, Frequencies, KernelPlugin
from .testing import Report, check_estimator, default_points


@dataclass(frozen=True)
class _SklearnKernel(KernelPlugin):
    """A function of sklearn.metrics.pairwise."""

    function: str = "polynomial_kernel"
    options: tuple[tuple[str, float], ...] = ()

    def evaluate(self, X: Float64Array, Y: Float64Array) -> Float64Array:
        pairwise = importlib.import_module("sklearn.metrics.pairwise")
        values: Float64Array = getattr(pairwise, self.function)(X, Y, **dict(self.options))
        return values


@dataclass(frozen=True)
class _AdditiveChi2(KernelPlugin):
    """sum_l 2 x_l y_l / (x_l + y_l), what AdditiveChi2Sampler approximates."""

    def evaluate(self, X: Float64Array, Y: Float64Array) -> Float64Array:
        x, y = X[:, None], Y[None]
        total = x + y
        values: Float64Array = (2 * x * y / np.where(total > 0, total, 1)).sum(-1)
        return values


@dataclass(frozen=True)
class _SkewedChi2(KernelPlugin):
    """prod_l 2 (x_l + c)^(1/2) (y_l + c)^(1/2) / (x_l + y_l + 2c)."""

    skewedness: float = 1.0

    def evaluate(self, X: Float64Array, Y: Float64Array) -> Float64Array:
        x, y = X[:, None] + self.skewedness, Y[None] + self.skewedness
        values: Float64Array = (2 * np.sqrt(x * y) / (x + y)).prod(-1)
        return values


@dataclass(frozen=True)
class SklearnFeatures(FeaturesPlugin):
    """A transformer of sklearn.kernel_approximation, fitted to a draw of points on the positive orthant.

    Attributes
    ----------
    sampler : str
        Its class.
    options : tuple of (str, value)
        Its arguments but n_components and random_state.
    """

    sampler: str = "RBFSampler"
    options: tuple[tuple[str, Any], ...] = ()
    unbiased: bool = True
    deterministic: bool = False
    columns: int = 0
    needs_frequencies = False

    def features(self, m: int) -> int:
        """Return `columns`, or m."""
        return self.columns or m

    def draw(self, kernel: Kernel, dim: int, m: int, rng: np.random.Generator, W: Float64Array | None) -> Any:
        """Fit the transformer and return its `transform`."""
        made = getattr(importlib.import_module("sklearn.kernel_approximation"), self.sampler)
        seeded: dict[str, Any] = {}
        if not self.deterministic or self.sampler == "Nystroem":
            # The landmarks of a deterministic one are one choice, the same for all draws.
            state = 0 if self.deterministic else int(rng.integers(2**32))
            seeded = {"n_components": m, "random_state": state}
        transformer = made(**dict(self.options), **seeded)
        landmarks = np.random.default_rng(0).uniform(0, 1, (max(m, 8), dim))
        return transformer.fit(landmarks).transform


@dataclass(frozen=True)
class PerformerOrthogonal(CouplingPlugin):
    """gaussian_orthogonal_random_matrix of performer-pytorch: QR without the signs of R."""

    needs_isotropic = True

    def draw(self, law: Frequencies, m: int, dim: int, rng: np.random.Generator) -> Float64Array:
        """Draw with the seed of torch set, and put its state back."""
        torch = importlib.import_module("torch")
        module = importlib.import_module("performer_pytorch.performer_pytorch")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            drawn: Float64Array = module.gaussian_orthogonal_random_matrix(m, dim).numpy().astype(np.float64)
        return drawn


@dataclass(frozen=True)
class Peer:
    """A feature map of another package and what it should approximate.

    Attributes
    ----------
    name, package : str
    design : {"unbiased", "biased"}
        What its documentation says of it.
    """

    name: str
    package: str
    design: str
    estimator: Callable[[], Estimator]
    points: Callable[[], tuple[Float64Array, Float64Array]]
    m: int
    trials: int = 16_384


def _positive_points() -> tuple[Float64Array, Float64Array]:
    X, Y = np.random.default_rng(1).uniform(0.1, 0.6, (2, 4, 4))
    return X, Y


def _sklearn(sampler: str, kernel: Kernel, m: int, design: str = "unbiased", columns: int = 0, **options: Any) -> Peer:
    fixed = design == "biased"
    family = SklearnFeatures(sampler, tuple(options.items()), not fixed, fixed, columns)
    return Peer(
        sampler,
        "sklearn",
        design,
        lambda: Estimator(kernel, family, "iid"),
        _positive_points,
        m,
        128 if fixed else 2048,
    )


def peers() -> list[Peer]:
    """Return the feature maps that the audit knows."""
    gaussian = Kernel("gaussian", bandwidth=1.0)
    polynomial = _SklearnKernel("polynomial_kernel", (("degree", 2), ("gamma", 1.0), ("coef0", 1.0)))
    return [
        _sklearn("RBFSampler", gaussian, 32, gamma=0.5),
        _sklearn("SkewedChi2Sampler", _SkewedChi2(1.0), 32, skewedness=1.0),
        _sklearn("PolynomialCountSketch", polynomial, 32, degree=2, gamma=1.0, coef0=1.0),
        _sklearn("Nystroem", gaussian, 6, "biased", gamma=0.5),
        _sklearn("AdditiveChi2Sampler", _AdditiveChi2(), 12, "biased", columns=12, sample_steps=2),
        Peer(
            "orthogonal draws, d = 8",
            "performer_pytorch",
            "unbiased",
            lambda: Estimator("softmax", "positive", PerformerOrthogonal()),
            lambda: default_points(8),
            8,
        ),
    ]


@dataclass(frozen=True)
class Audited:
    """What the audit says of one peer.

    Attributes
    ----------
    peer : Peer
    outcome : {"clean", "biased", "biased by design", "fails", "undecided", "not installed"}
    ratio : tuple of float
        The least and the largest mean of an estimate over the exact value.
    z : float
        The largest z-score of a bias.
    report : Report or None
    """

    peer: Peer
    outcome: str
    ratio: tuple[float, float] = (np.nan, np.nan)
    z: float = np.nan
    report: Report | None = None

    @property
    def measured_nothing(self) -> bool:
        """Whether there is no bias to tell."""
        return bool(np.isnan(self.z))


def audit(seed: int = 0) -> list[Audited]:
    """Run `check_estimator` on the feature maps of what is installed.

    Parameters
    ----------
    seed : int, default 0

    Returns
    -------
    list of Audited
        A peer for each of scikit-learn's samplers and performer-pytorch's orthogonal draws.
    """
    return [_audited(peer, seed) for peer in peers()]


def _audited(peer: Peer, seed: int) -> Audited:
    if find_spec(peer.package) is None:
        return Audited(peer, "not installed")
    X, Y = peer.points()
    limit = 4 * peer.trials
    report = check_estimator(
        peer.estimator(), m=peer.m, X=X, Y=Y, trials=peer.trials, max_trials=limit, seed=seed, raises=False
    )
    measured = report.measured
    if measured is None:
        return Audited(peer, "fails", report=report)
    low, high, z = _bias(measured)
    others = [check for check in report.failures if check.name != "mean"]
    if others:
        outcome = "fails"
    elif report["mean"].outcome == "failed":
        outcome = "biased"
    elif peer.design == "biased":
        outcome = "biased by design"
    else:
        outcome = "undecided" if report["mean"].outcome == "undecided" else "clean"
    return Audited(peer, outcome, (low, high), z, report)


def _bias(measured: pd.DataFrame) -> tuple[float, float, float]:
    ratio = (measured["mean"] / measured["truth"]).to_numpy()
    bias, se = measured["bias"].abs().to_numpy(), measured["bias_se"].to_numpy()
    z = np.where(se > 0, bias / np.where(se > 0, se, 1), np.where(bias > 1e-9, np.inf, 0))
    return float(ratio.min()), float(ratio.max()), float(z.max())
