"""Deterministic baselines: features from landmarks, which adapt to the data that random features ignore.

A landmark map approximates a kernel matrix by its rows at p of the points,
K(X, L) K(L, L)^+ K(L, Y): the best that these rows allow in the order of positive semidefinite
matrices. What remains, K - K^, is positive semidefinite on the points and everywhere. The methods
differ only in how they choose the landmarks: `nystrom` uniformly [WilliamsSeeger01] or by ridge
leverage scores [AlaouiMahoney15], `pivoted_cholesky` by randomly pivoted Cholesky [Chen25].

Once fitted there is nothing random in them, so they have no law: the error is what it is. They need
a kernel that is positive semidefinite, and see the data once.
"""

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import MAX_UINT64, Float64Array, double_matrices, integer
from ._components import Kernel
from ._feature_map import Side, _is_key

__all__ = ["METHODS", "LandmarkMap", "nystrom", "pivoted_cholesky"]

Sampling: TypeAlias = Literal["uniform", "leverage"]


class LandmarkMap:
    """phi(x) = Q^T K(L, x), with Q Q^T the pseudoinverse of K(L, L): phi(x).phi(y) = K(x, L) K(L, L)^+ K(L, y).

    Made by `nystrom` and `pivoted_cholesky`, or of landmarks of your own. The estimate is exact where
    one of the points is a landmark, to rounding.

    Parameters
    ----------
    kernel : str or Kernel
        Positive semidefinite.
    landmarks : array_like, shape (k, d)

    Raises
    ------
    TypeError
        For arrays that are not of numbers in single or double precision, and no kernel.
    ValueError
        For wrong shapes, NaN and infinity, and where K(L, L) is not finite or is zero.

    Notes
    -----
    Directions of K(L, L) with an eigenvalue of at most k times the rounding error of the largest are
    left out, those of landmarks that say the same; nothing is added to the diagonal. The kernel matrix
    is scaled to a unit diagonal before, so that landmarks of small K(x, x) count as well; rounding is
    relative to (K(x, x) K(y, y))^(1/2). Cost: O(k^3) here, O(n k (d + p)) to transform n rows.
    """

    __slots__ = ("_factor", "_kernel", "_landmarks")
    _factor: Float64Array
    _kernel: Kernel
    _landmarks: Float64Array

    def __init__(self, kernel: str | Kernel, landmarks: npt.ArrayLike) -> None:
        from scipy import linalg

        self._kernel = Kernel.of(kernel)
        (points,) = double_matrices("LandmarkMap", landmarks=landmarks)
        self._landmarks = points.copy()
        self._landmarks.flags.writeable = False
        gram = _finite("LandmarkMap", self._kernel.gram(self._landmarks))
        scale = np.sqrt(np.maximum(np.diag(gram), 0))
        scale = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        values, vectors = linalg.eigh(scale[:, None] * gram * scale)
        kept = values > len(values) * np.finfo(float).eps * values[-1]
        if not kept.any():
            raise ValueError("LandmarkMap: K(landmarks, landmarks) is zero; expected a kernel that is not")
        self._factor = scale[:, None] * (vectors[:, kept] / np.sqrt(values[kept]))

    @property
    def kernel(self) -> Kernel:
        """The kernel that is approximated."""
        return self._kernel

    @property
    def landmarks(self) -> Float64Array:
        """L, shape (k, d), read-only."""
        return self._landmarks

    @property
    def dim(self) -> int:
        """Columns d of the input."""
        return len(self._landmarks[0])

    @property
    def features(self) -> int:
        """Columns p of the output: the numerical rank of K(L, L), at most k."""
        return int(self._factor.shape[1])

    def transform(self, X: npt.ArrayLike, side: Side = "query") -> Float64Array:
        """Evaluate phi(X_i).

        Parameters
        ----------
        X : array_like, shape (n, d)
        side : {"query", "key"}, default "query"
            Makes no difference, as with all symmetric maps.

        Returns
        -------
        ndarray, shape (n, p), float64

        Raises
        ------
        TypeError, ValueError
            As `FeatureMap.transform` does.
        """
        _is_key("transform", side)
        (x,) = double_matrices("transform", X=X)
        values: Float64Array = self._kernel.gram(x, self._landmarks) @ self._factor
        return values

    def __call__(self, X: npt.ArrayLike, side: Side = "query") -> Float64Array:
        """Do the same as `transform`."""
        return self.transform(X, side)

    def gram(self, X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> Float64Array:
        """Approximate the Gram matrix: phi(X_i).phi(Y_j).

        Parameters
        ----------
        X : array_like, shape (n, d)
        Y : array_like, shape (k, d), optional
            `X` itself by default.

        Returns
        -------
        ndarray, shape (n, k), float64

        Raises
        ------
        TypeError, ValueError
            As `transform` does.
        """
        left = self.transform(X)
        values: Float64Array = left @ (left if Y is None else self.transform(Y)).T
        return values

    def paired(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> Float64Array:
        """Approximate K(X_i, Y_i) as phi(X_i).phi(Y_i).

        Parameters
        ----------
        X, Y : array_like, shape (n, d)

        Returns
        -------
        ndarray, shape (n,), float64

        Raises
        ------
        TypeError, ValueError
            As `transform` does, and if the shapes differ.
        """
        left, right = self.transform(X), self.transform(Y)
        if left.shape != right.shape:
            raise ValueError(f"paired: Y has {len(right)} rows; expected {len(left)}, as X has")
        values: Float64Array = np.einsum("ij,ij->i", left, right)
        return values

    def __repr__(self) -> str:
        """Kernel and sizes."""
        sizes = f"dim={self.dim}, landmarks={len(self._landmarks)}, features={self.features}"
        return f"<LandmarkMap of {self._kernel!r}: {sizes}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Kernel and landmarks, which are all there is."""
        return LandmarkMap, (self._kernel, self._landmarks)


def nystrom(
    kernel: str | Kernel, X: npt.ArrayLike, p: int, sampling: Sampling = "uniform", seed: int = 0
) -> LandmarkMap:
    """Choose p of the points as landmarks without looking at each other.

    Parameters
    ----------
    kernel : str or Kernel
    X : array_like, shape (n, d)
    p : int
        Landmarks, from 1 to n.
    sampling : {"uniform", "leverage"}, default "uniform"
        Each point alike, or with a probability proportional to its ridge leverage score
        (K (K + lambda I)^-1)_ii with the lambda at which the scores sum to p / 2; without replacement.
    seed : int, default 0
        From 0 to 2^64 - 1.

    Returns
    -------
    LandmarkMap

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        For wrong shapes and sizes, NaN and infinity.

    Notes
    -----
    Cost: O(p^3) for uniform landmarks. Leverage scores are exact and take O(n^2 d + n^3) and the
    memory of K: for some thousand points.
    """
    kernel_, x, p, generator = _prepare("nystrom", kernel, X, p, seed)
    if sampling == "uniform":
        weights = None
    elif sampling == "leverage":
        weights = _leverage(_finite("nystrom", kernel_.gram(x)), p / 2)
        # So many points at least must be possible; those of no leverage come last.
        weights = np.maximum(weights, 1e-12 * weights.max())
        weights /= weights.sum()
    else:
        raise ValueError(f"nystrom: sampling is {sampling!r}; expected 'uniform' or 'leverage'")
    return LandmarkMap(kernel_, x[generator.choice(len(x), size=p, replace=False, p=weights)])


def pivoted_cholesky(kernel: str | Kernel, X: npt.ArrayLike, p: int, seed: int = 0) -> LandmarkMap:
    """Choose landmarks by randomly pivoted Cholesky: each where much of the kernel is still missing.

    The next landmark is point i with probability (K - K^)_ii / tr(K - K^), K^ the approximation by
    those chosen before.

    Parameters
    ----------
    kernel : str or Kernel
    X : array_like, shape (n, d)
    p : int
        Landmarks, from 1 to n; fewer where they give K to rounding.
    seed : int, default 0
        From 0 to 2^64 - 1.

    Returns
    -------
    LandmarkMap

    Raises
    ------
    TypeError
        If an argument is of a wrong type.
    ValueError
        For wrong shapes and sizes, NaN and infinity.

    Notes
    -----
    E tr(K - K^) <= (1 + e) tr(K - K_r), K_r the best of rank r, as soon as p >= r/e + r log(1/(e h))
    with h = tr(K - K_r) / tr(K) [Chen25]. Cost: O(n p (p + d)), and p columns of K are all
    that is seen of it.
    """
    kernel_, x, p, generator = _prepare("pivoted_cholesky", kernel, X, p, seed)
    missing = np.maximum(_finite("pivoted_cholesky", kernel_.paired(x, x)), 0)
    smallest = len(x) * np.finfo(float).eps * missing.sum()
    factor = np.zeros((p, len(x)))
    chosen: list[int] = []
    while len(chosen) < p and missing.sum() > smallest:
        pivot = int(generator.choice(len(x), p=missing / missing.sum()))
        row = _finite("pivoted_cholesky", kernel_.gram(x[pivot : pivot + 1], x)[0])
        known = factor[: len(chosen)]
        row = row - known[:, pivot] @ known
        if row[pivot] > 0:
            factor[len(chosen)] = row / np.sqrt(row[pivot])
            missing = np.maximum(missing - factor[len(chosen)] ** 2, 0)
            chosen.append(pivot)
        # Chosen once is enough, and what rounding left of it must not be chosen for ever.
        missing[pivot] = 0
    if not chosen:
        raise ValueError("pivoted_cholesky: K(X_i, X_i) is zero at all points; expected a kernel that is not")
    return LandmarkMap(kernel_, x[chosen])


#: The baselines by name: functions of (kernel, X, p, seed).
METHODS: dict[str, Callable[[str | Kernel, npt.ArrayLike, int, int], LandmarkMap]] = {
    "nystrom": lambda kernel, X, p, seed: nystrom(kernel, X, p, "uniform", seed),
    "nystrom, leverage": lambda kernel, X, p, seed: nystrom(kernel, X, p, "leverage", seed),
    "pivoted cholesky": pivoted_cholesky,
}


def _prepare(
    function: str, kernel: str | Kernel, X: npt.ArrayLike, p: int, seed: int
) -> tuple[Kernel, Float64Array, int, np.random.Generator]:
    (x,) = double_matrices(function, X=X)
    _core.check_points(function, x, x)
    p = integer(function, "p", p, 1, len(x))
    return Kernel.of(kernel), x, p, np.random.default_rng(integer(function, "seed", seed, 0, MAX_UINT64))


def _finite(function: str, values: npt.NDArray[np.floating[Any]]) -> Float64Array:
    if not np.isfinite(values).all():
        raise ValueError(f"{function}: the kernel of the points is not finite; expected values that a double can hold")
    return values.astype(np.float64, copy=False)


def _leverage(gram: Float64Array, dimension: float) -> Float64Array:
    """Ridge leverage scores of a matrix that sum to `dimension`, or to its rank if that is less."""
    from scipy import linalg

    values, vectors = linalg.eigh(gram)
    values = np.where(values > len(values) * np.finfo(float).eps * values[-1], values, 0)
    low, high = 0.0, float(values.sum()) / dimension
    # The sum falls with lambda and is at most the trace over lambda.
    for _ in range(100):
        ridge = (low + high) / 2
        if _shrunk(values, ridge).sum() > dimension:
            low = ridge
        else:
            high = ridge
    return np.asarray(vectors**2 @ _shrunk(values, high), dtype=np.float64)


def _shrunk(values: Float64Array, ridge: float) -> Float64Array:
    return np.divide(values, values + ridge, out=np.zeros_like(values), where=values > 0)
