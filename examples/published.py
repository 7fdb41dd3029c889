"""Couplings and features from papers, as plug-ins: SimRF+, NOMC, Givens products, discretely induced features.

Each stands where the name of one of ours does, and passes `bochner.testing.check_estimator`.
"""

from dataclasses import dataclass

import numpy as np

import bochner


def haar(dim, rng):
    """Return an orthogonal matrix of the Haar law: QR with the signs of R moved into Q."""
    Q, R = np.linalg.qr(rng.standard_normal((dim, dim)))
    return Q * np.where(np.diag(R) < 0, -1.0, 1.0)


def in_blocks(law, m, dim, rng, directions):
    """Return m frequencies in blocks of dim rows; `directions(norms, rng)` gives those of a block."""
    blocks = []
    for begin in range(0, m, dim):
        norms = law.norms(dim, dim, rng)
        blocks.append((norms[:, None] * directions(norms, rng))[: m - begin])
    return np.concatenate(blocks)


@dataclass(frozen=True)
class SimRFPlus(bochner.CouplingPlugin):
    """SimRF+: each direction of a block points away from the sum of the others, weighed by their norms."""

    sweeps: int = 5
    needs_isotropic = True

    def draw(self, law, m, dim, rng):
        def directions(norms, rng):
            V = np.eye(dim) - 1 / dim + 1e-3 * rng.standard_normal((dim, dim))
            V /= np.linalg.norm(V, axis=1, keepdims=True)
            for _ in range(self.sweeps):
                for i in range(dim):
                    away = norms[i] * V[i] - norms @ V
                    size = np.linalg.norm(away)
                    V[i] = away / size if size > 0 else V[i]
            # Norms came first and the rotation is Haar, so every row keeps its law.
            return V @ haar(dim, rng)

        return in_blocks(law, m, dim, rng, directions)


@dataclass(frozen=True)
class NOMC(bochner.CouplingPlugin):
    """Near-orthogonal Monte Carlo: all m directions repel one another and their opposites."""

    steps: int = 20
    delta: float = 0.1
    rate: float = 0.2
    needs_isotropic = True

    def draw(self, law, m, dim, rng):
        V = np.concatenate([haar(dim, rng) for _ in range(0, m, dim)])[:m]
        for _ in range(self.steps):
            force = np.zeros_like(V)
            for sign in (-1, 1):
                gaps = V[:, None] + sign * V
                weights = 2 * self.delta / (self.delta + (gaps**2).sum(-1)) ** 2
                np.fill_diagonal(weights, 0)
                force += (weights[..., None] * gaps).sum(1)
            V = V + self.rate * force / max(m, 1)
            V /= np.linalg.norm(V, axis=1, keepdims=True)
        return law.norms(m, dim, rng)[:, None] * (V @ haar(dim, rng))


@dataclass(frozen=True)
class GivensProducts(bochner.CouplingPlugin):
    """Blocks whose directions are the rows of a product of random plane rotations: cheap, only nearly Haar.

    Rows keep their law only as far as the rotations mix, so it is declared biased.
    """

    rotations: int = 3
    needs_isotropic = True
    unbiased = False

    def draw(self, law, m, dim, rng):
        def directions(norms, rng):
            V = np.eye(dim)
            for _ in range(int(self.rotations * dim * np.ceil(np.log(dim + 1)))):
                if dim == 1:
                    break
                i, j = rng.choice(dim, 2, replace=False)
                c, s = np.cos(angle := rng.uniform(0, 2 * np.pi)), np.sin(angle)
                V[[i, j]] = np.array([[c, s], [-s, c]]) @ V[[i, j]]
            return V

        return in_blocks(law, m, dim, rng, directions)


@dataclass(frozen=True)
class PoissonFeatures(bochner.FeaturesPlugin):
    """phi(x)_i = m^(-1/2) e^(rate d / 2 - |x|^2 / 2) prod_l x_l^n_il rate^(-n_il / 2), n_il of Poisson(rate)."""

    rate: float = 0.2
    needs_frequencies = False

    def draw(self, kernel, dim, m, rng, W):
        n = rng.poisson(self.rate, (m, dim))
        log_weights = 0.5 * self.rate * dim - 0.5 * np.log(self.rate) * n.sum(1) - 0.5 * np.log(m)
        return lambda X: monomials(X, n, log_weights)


@dataclass(frozen=True)
class GeometricFeatures(bochner.FeaturesPlugin):
    """phi(x)_i = m^(-1/2) p^(-d/2) e^(-|x|^2/2) prod_l x_l^n_il ((1-p)^n_il n_il!)^(-1/2), n_il geometric."""

    p: float = 0.8
    needs_frequencies = False

    def draw(self, kernel, dim, m, rng, W):
        n = rng.geometric(self.p, (m, dim)) - 1
        factorials = np.cumsum(np.log(np.maximum(np.arange(n.max() + 1), 1)))
        log_weights = -0.5 * (np.log1p(-self.p) * n + factorials[n]).sum(1) - 0.5 * (dim * np.log(self.p) + np.log(m))
        return lambda X: monomials(X, n, log_weights)


def monomials(X, n, log_weights):
    """Return e^(-|x|^2/2) prod_l x_l^n_il e^(log_weights_i), as values and the logarithm of a scale for each row."""
    X = np.asarray(X, np.float64)
    logs = np.log(np.abs(X), out=np.full(X.shape, -1e300), where=X != 0) @ n.T + log_weights
    signs = 1 - 2 * ((X < 0).astype(int) @ n.T % 2)
    top = np.maximum(logs.max(axis=1), -1e30)
    return signs * np.exp(logs - top[:, None]), top - 0.5 * (X**2).sum(1)


COUPLINGS = (SimRFPlus(), NOMC(), GivensProducts())
FEATURES = (PoissonFeatures(), GeometricFeatures())
