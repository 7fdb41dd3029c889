"""The peer of `bochner.experiments.pointwise`: the same trials in plain NumPy.

Positive features of the softmax kernel, errors accumulated over draws, as a careful user would write it: no Python
loop but the one over trials, LAPACK's QR with the signs of R's diagonal for Haar directions.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def gaussian_frequencies(rng: np.random.Generator, m: int, dim: int) -> Array:
    """W (m, dim) with independent standard normal rows."""
    return rng.standard_normal((m, dim))


def orthogonal_frequencies(rng: np.random.Generator, m: int, dim: int) -> Array:
    """W (m, dim) in blocks of dim orthogonal rows with independent chi norms; m is a multiple of dim here."""
    q, r = np.linalg.qr(rng.standard_normal((m // dim, dim, dim)))
    directions = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]
    norms = np.linalg.norm(rng.standard_normal((m, dim)), axis=1)
    return directions.transpose(0, 2, 1).reshape(m, dim) * norms[:, None]


FREQUENCIES = {"iid": gaussian_frequencies, "orthogonal": orthogonal_frequencies}


def positive_features(points: Array, frequencies: Array) -> Array:
    """The features exp(w.x - |x|^2/2) / sqrt(m), (n, m)."""
    half_square = 0.5 * np.sum(points * points, axis=1, keepdims=True)
    return np.exp(points @ frequencies.T - half_square) / np.sqrt(len(frequencies))


def pointwise(coupling: str, x: Array, y: Array, m: int, trials: int, seed: int) -> tuple[Array, Array]:
    """Bias and MSE of the estimate at every pair of rows, over `trials` draws."""
    rng = np.random.default_rng(seed)
    truth = np.exp(np.sum(x * y, axis=1))
    bias = np.zeros(len(x))
    mse = np.zeros(len(x))
    for _ in range(trials):
        frequencies = FREQUENCIES[coupling](rng, m, x.shape[1])
        estimate = np.sum(positive_features(x, frequencies) * positive_features(y, frequencies), axis=1)
        error = estimate - truth
        bias += error
        mse += error * error
    return bias / trials, mse / trials
