"""The feature maps of other installed packages, as plug-ins through the conformance test."""

from __future__ import annotations

import importlib
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from ._arguments import Float64Array
from ._components import Kernel
from ._estimator import Estimator
from ._plugins import CouplingPlugin, FeaturesPlugin, Frequencies
from .testing import Report, check_estimator

__all__ = ["Audited", "Peer", "audit", "peers"]

Outcome: TypeAlias = Literal["clean", "biased", "biased by design", "fails", "undecided", "not installed"]
Points: TypeAlias = tuple[Float64Array, Float64Array]


@dataclass(frozen=True)
class _Sampler(FeaturesPlugin):
    """A transformer of sklearn.kernel_approximation with m columns, drawn by its `random_state`."""

    sampler: str = "RBFSampler"
    options: tuple[tuple[str, Any], ...] = ()
    needs_frequencies = False

    def draw(self, kernel: Kernel, dim: int, m: int, rng: np.random.Generator, W: Float64Array | None) -> Any:
        return self.fitted(dim, n_components=m, random_state=int(rng.integers(2**32)))

    def fitted(self, dim: int, **drawn: Any) -> Any:
        """Return `transform`, fitted to one choice of points, of which only Nystroem learns more than d."""
        made = getattr(importlib.import_module("sklearn.kernel_approximation"), self.sampler)
        rows = np.random.default_rng(0).uniform(0, 1, (64, dim))
        return made(**dict(self.options), **drawn).fit(rows).transform


@dataclass(frozen=True)
class _Fixed(_Sampler):
    """One that is fitted rather than drawn: the same map for every trial."""

    unbiased = False
    deterministic = True

    def draw(self, kernel: Kernel, dim: int, m: int, rng: np.random.Generator, W: Float64Array | None) -> Any:
        return self.fitted(dim, n_components=m, random_state=0)


@dataclass(frozen=True)
class _SampledSteps(_Fixed):
    """AdditiveChi2Sampler: 2 `steps` - 1 columns for each coordinate, and no random numbers at all."""

    steps: int = 2

    def features(self, m: int) -> int:
        return m * (2 * self.steps - 1)

    def draw(self, kernel: Kernel, dim: int, m: int, rng: np.random.Generator, W: Float64Array | None) -> Any:
        return self.fitted(dim, sample_steps=self.steps)


_TORCH = threading.Lock()


@dataclass(frozen=True)
class _PerformerOrthogonal(CouplingPlugin):
    """gaussian_orthogonal_random_matrix of performer-pytorch, with the seed of torch set and put back."""

    needs_isotropic = True

    def draw(self, law: Frequencies, m: int, dim: int, rng: np.random.Generator) -> npt.ArrayLike:
        torch = importlib.import_module("torch")
        peer = importlib.import_module("performer_pytorch.performer_pytorch")
        # One generator for the whole process: draws of other threads must not come in between.
        with _TORCH, torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))
            drawn: Float64Array = peer.gaussian_orthogonal_random_matrix(m, dim).numpy().astype(np.float64)
        return drawn


@dataclass(frozen=True)
class Peer:
    """A feature map of another package, and what it should approximate where.

    Attributes
    ----------
    name : str
    package : str
        By which pip knows it.
    modules : tuple of str
        What must be importable.
    estimator : Estimator
    points : tuple of ndarray
        Pairs X, Y.
    m : int
    mean_error : float
        The error of the mean that is to be told.
    """

    name: str
    package: str
    modules: tuple[str, ...]
    estimator: Estimator
    points: Points
    m: int
    mean_error: float = 0.01

    @property
    def installed(self) -> bool:
        """Whether its modules are there."""
        return all(find_spec(module) is not None for module in self.modules)


def _histograms() -> Points:
    """Return pairs of rows with entries that all kernels of scikit-learn's samplers are defined for."""
    X, Y = np.random.default_rng(1).uniform(0.1, 0.6, (2, 4, 4))
    return X, Y


def _along_the_diagonal() -> Points:
    """Return pairs with x + y = +-(1, ..., 1) / 8^(1/2), and two of no special direction of the same length."""
    X = np.random.default_rng(1).standard_normal((4, 8))
    X[0], X[1] = 1, -1
    X *= 0.5 / np.linalg.norm(X, axis=1, keepdims=True)
    return X, X.copy()


def peers() -> list[Peer]:
    """Return the feature maps that the audit knows.

    Returns
    -------
    list of Peer

    Raises
    ------
    Nothing
    """
    gaussian: tuple[tuple[str, Any], ...] = (("gamma", 0.5),)
    polynomial = (("degree", 2), ("gamma", 1.0), ("coef0", 1.0))

    def samplers() -> Iterator[tuple[str, _Sampler, int]]:
        yield "gaussian", _Sampler("RBFSampler", gaussian), 256
        yield "skewed_chi_squared", _Sampler("SkewedChi2Sampler", (("skewedness", 1.0),)), 256
        yield "polynomial", _Sampler("PolynomialCountSketch", polynomial), 256
        yield "gaussian", _Fixed("Nystroem", gaussian), 6
        yield "chi_squared", _SampledSteps("AdditiveChi2Sampler"), 4

    points = _histograms()
    found = [
        Peer(family.sampler, "scikit-learn", ("sklearn",), Estimator(kernel, family, "iid"), points, m)
        for kernel, family, m in samplers()
    ]
    orthogonal = Estimator("softmax", "positive", _PerformerOrthogonal())
    modules = ("torch", "performer_pytorch")
    points = _along_the_diagonal()
    found.append(Peer("orthogonal draws, d = 8", "performer-pytorch", modules, orthogonal, points, 8, 0.02))
    return found


@dataclass(frozen=True)
class Audited:
    """What the audit says of one feature map.

    Attributes
    ----------
    peer : Peer
    outcome : str
        "clean"; "biased", a fault; "biased by design", where all draws are one approximation; "fails",
        another check than that of the mean; "undecided"; "not installed".
    ratio : tuple of float
        The least and the largest measured mean / exact value; NaN where nothing was measured.
    z : float
        The z-score of the largest modulus; NaN where draws do not differ.
    report : Report or None
    """

    peer: Peer
    outcome: Outcome
    ratio: tuple[float, float] = (np.nan, np.nan)
    z: float = np.nan
    report: Report | None = None


def audit(seed: int = 0, tell: Callable[[str], None] = lambda name: None) -> list[Audited]:
    """Run `check_estimator` on the feature maps of what is installed.

    Parameters
    ----------
    seed : int, default 0
    tell : callable, optional
        Called with the name of each feature map before it is measured.

    Returns
    -------
    list of Audited
        One for each of `peers()`.

    Raises
    ------
    ValueError
        For a negative seed.

    Notes
    -----
    Cost: about half a minute, nearly all of it in the other packages.
    """
    results = []
    for peer in peers():
        tell(peer.name)
        results.append(_audited(peer, seed))
    return results


def _audited(peer: Peer, seed: int) -> Audited:
    if not peer.installed:
        return Audited(peer, "not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those of another package's own imports
        for module in peer.modules:
            importlib.import_module(module)
    X, Y = peer.points
    report = check_estimator(
        peer.estimator,
        m=peer.m,
        X=X,
        Y=Y,
        trials=512,  # a draw of another package costs up to a millisecond
        max_trials=65_536,
        seed=seed,
        raises=False,
        mean_error=peer.mean_error,
    )
    measured = report.measured
    if measured is None:
        return Audited(peer, "fails", report=report)
    ratio = (measured["mean"] / measured["truth"]).to_numpy()
    bias, se = measured["bias"].to_numpy(), measured["bias_se"].to_numpy()
    scores = bias[se > 0] / se[se > 0]
    z = float(scores[np.argmax(np.abs(scores))]) if scores.size else np.nan
    return Audited(peer, _outcome(peer, report), (float(ratio.min()), float(ratio.max())), z, report)


def _outcome(peer: Peer, report: Report) -> Outcome:
    if any(check.name != "mean" for check in report.failures):
        return "fails"
    mean = report["mean"].outcome
    if mean == "failed":
        return "biased"
    if mean == "undecided":
        return "undecided"
    return "clean" if mean == "passed" else "biased by design"
