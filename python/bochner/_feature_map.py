"""Feature maps: drawn once, then immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import Float64Array, FloatArray, double_matrices, matrices
from ._components import Features, Kernel
from ._threads import get_num_threads

if TYPE_CHECKING:
    from ._estimator import Estimator

Side: TypeAlias = Literal["query", "key"]


class ScaledFeatures(NamedTuple):
    """Features that cannot overflow: phi(x_i) = values[i] * exp(log_scale[i]).

    Attributes
    ----------
    values : ndarray, shape (n, p)
    log_scale : ndarray, shape (n,)
    """

    values: FloatArray
    log_scale: FloatArray


class _Recipe(NamedTuple):
    """The name of a draw."""

    estimator: Estimator
    dim: int
    m: int
    seed: int
    trial: int


def _redrawn(estimator: Estimator, dim: int, m: int, seed: int, trial: int) -> FeatureMap:
    return estimator.draw(dim, m, seed, trial)


class FeatureMap:
    """phi: R^d -> R^p with phi(x).phi(y) close to K(x, y); immutable and picklable.

    `Estimator.draw` draws one. Two maps are equal when kernel, family and every bit of the
    frequencies are equal, as they are after pickling. Maps that are not made of frequencies alone,
    as those of `tensor_sketch`, are equal when estimator, sizes, seed and trial are; pickles hold
    these and draw again.

    Parameters
    ----------
    kernel : str or Kernel
    features : str or Features
        The feature family.
    frequencies : array_like, shape (m, d)
        W, with 1/bandwidth and without d^(-1/4); one row a frequency. A map is made of given
        frequencies to compare with other software, never through seeds.

    Raises
    ------
    TypeError
        For arrays that are not of numbers in single or double precision.
    ValueError
        For unknown names, wrong shapes, NaN and infinity, and for a family whose maps are not made
        of frequencies alone.
    """

    __slots__ = ("_compiled", "_family", "_frequencies", "_kernel", "_m", "_recipe")
    _compiled: _core.FeatureMap
    _family: Features
    _frequencies: Float64Array | None
    _kernel: Kernel
    _m: int
    _recipe: _Recipe | None

    def __init__(self, kernel: str | Kernel, features: str | Features, frequencies: npt.ArrayLike) -> None:
        (W,) = double_matrices("FeatureMap", frequencies=frequencies)
        kernel, family = Kernel.of(kernel), Features.of(features)
        self._set(kernel, family, len(W), _core.FeatureMap(kernel._compiled, family._compiled, W))

    def _set(
        self, kernel: Kernel, family: Features, m: int, core: _core.FeatureMap, recipe: _Recipe | None = None
    ) -> None:
        object.__setattr__(self, "_kernel", kernel)
        object.__setattr__(self, "_m", m)
        object.__setattr__(self, "_family", family)
        object.__setattr__(self, "_compiled", core)
        object.__setattr__(self, "_frequencies", None)
        object.__setattr__(self, "_recipe", recipe)

    @classmethod
    def _of_draw(cls, estimator: Estimator, name: tuple[int, int, int, int], core: _core.FeatureMap) -> FeatureMap:
        """Wrap the map that the estimator drew under the name (dim, m, seed, trial)."""
        feature_map = cls.__new__(cls)
        # Frequencies say all of a map that is made of them alone, wherever they come from.
        recipe = None if estimator.features._compiled.projected else _Recipe(estimator, *name)
        feature_map._set(estimator.kernel, estimator.features, name[1], core, recipe)
        return feature_map

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("FeatureMap is immutable")

    @property
    def kernel(self) -> Kernel:
        """The kernel that is approximated."""
        return self._kernel

    @property
    def family(self) -> Features:
        """The feature family."""
        return self._family

    @property
    def dim(self) -> int:
        """Columns d of the input."""
        return self._compiled.dim

    @property
    def m(self) -> int:
        """Frequencies m, the rows of W."""
        return self._m

    @property
    def features(self) -> int:
        """Columns p of the output."""
        return self._compiled.features

    @property
    def frequencies(self) -> Float64Array:
        """W, shape (m, d), float64, read-only; with 1/bandwidth and without d^(-1/4).

        Raises
        ------
        ValueError
            If the map is made of other random numbers and has none.
        """
        if self._frequencies is None:
            W = self._compiled.frequencies
            W.flags.writeable = False
            object.__setattr__(self, "_frequencies", W)
            return W
        return self._frequencies

    def transform(self, X: npt.ArrayLike, side: Side = "query") -> FloatArray:
        """Evaluate phi(X_i).

        Parameters
        ----------
        X : array_like, shape (n, d)
        side : {"query", "key"}, default "query"
            Which side of K(x, y) the rows stand on; symmetric maps ignore it.

        Returns
        -------
        ndarray, shape (n, p)
            float32 for float32 input, else float64. What the type cannot represent is 0 or
            infinity, never NaN.

        Raises
        ------
        TypeError
            If `X` is neither float32, float64 nor of integers.
        ValueError
            For another side, wrong shapes, no rows, NaN or infinity.

        Notes
        -----
        Cost: O(n m d). ``transform(X) @ transform(Y, side="key").T`` equals ``gram(X, Y)``.
        """
        (x,) = matrices("transform", X=X)
        return self._compiled.transform(x, _is_key("transform", side), get_num_threads())

    def __call__(self, X: npt.ArrayLike, side: Side = "query") -> FloatArray:
        """Do the same as `transform`."""
        return self.transform(X, side)

    def transform_scaled(self, X: npt.ArrayLike, side: Side = "query") -> ScaledFeatures:
        """Evaluate phi(X_i) as values and the logarithm of a scale for each row.

        Parameters
        ----------
        X : array_like, shape (n, d)
        side : {"query", "key"}, default "query"
            Which side of K(x, y) the rows stand on; symmetric maps ignore it.

        Returns
        -------
        ScaledFeatures
            The tuple (values (n, p), log_scale (n,)), phi(X_i) = values[i] exp(log_scale[i]).
            No value overflows, and in a row of exponential features the largest is 1.

        Raises
        ------
        TypeError, ValueError
            As `transform` does.
        """
        (x,) = matrices("transform_scaled", X=X)
        is_key = _is_key("transform_scaled", side)
        return ScaledFeatures(*self._compiled.transform_scaled(x, is_key, get_num_threads()))

    @property
    def differentiable(self) -> bool:
        """Whether `vjp` exists."""
        return self._compiled.differentiable

    def vjp(self, X: npt.ArrayLike, d_Z: npt.ArrayLike, side: Side = "query") -> FloatArray:
        """Carry a gradient back through `transform`.

        Parameters
        ----------
        X : array_like, shape (n, d)
        d_Z : array_like, shape (n, p)
            The gradient of a number with respect to ``transform(X)``.
        side : {"query", "key"}, default "query"
            Which side of K(x, y) the rows stand on; symmetric maps ignore it.

        Returns
        -------
        ndarray, shape (n, d)
            The gradient of that number with respect to `X`.

        Raises
        ------
        TypeError
            If an array is neither float32, float64 nor of integers.
        ValueError
            If the map is not `differentiable`, and as `transform` does.

        Notes
        -----
        Cost: two or three times that of `transform`.
        """
        x, d_z = matrices("vjp", X=X, d_Z=d_Z)
        return self._compiled.vjp(x, d_z, _is_key("vjp", side), get_num_threads())

    def gram(self, X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> FloatArray:
        """Estimate the Gram matrix: phi(X_i).phi(Y_j), `X` as queries and `Y` as keys.

        Parameters
        ----------
        X : array_like, shape (n, d)
        Y : array_like, shape (k, d), optional
            `X` itself by default.

        Returns
        -------
        ndarray, shape (n, k)
            No representable estimate is lost to an overflow or underflow on the way.

        Raises
        ------
        TypeError, ValueError
            As `transform` does.

        Notes
        -----
        Cost: O((n + k) m d + n k p).
        """
        x, y = matrices("gram", X=X, Y=X if Y is None else Y)
        return self._compiled.gram(x, y, get_num_threads())

    def paired(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> FloatArray:
        """Estimate K(X_i, Y_i) as phi(X_i).phi(Y_i).

        Parameters
        ----------
        X, Y : array_like, shape (n, d)

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        TypeError, ValueError
            As `transform` does, and if the shapes differ.
        """
        x, y = matrices("paired", X=X, Y=Y)
        return self._compiled.paired(x, y)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FeatureMap):
            return NotImplemented
        if self._recipe is not None or other._recipe is not None:
            return self._recipe == other._recipe
        parts = (self._kernel, self._family) == (other._kernel, other._family)
        return parts and np.array_equal(self.frequencies, other.frequencies)

    def __hash__(self) -> int:
        if self._recipe is not None:
            return hash(self._recipe)
        return hash((self._kernel, self._family, self.frequencies.tobytes()))

    def __repr__(self) -> str:
        sizes = f"dim={self.dim}, m={self.m}, features={self.features}"
        if self._recipe is not None:
            sizes += f", seed={self._recipe.seed}, trial={self._recipe.trial}"
        return f"<FeatureMap of {self._kernel!r}, {self._family!r}: {sizes}>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._recipe is not None:
            return _redrawn, tuple(self._recipe)
        return FeatureMap, (self._kernel, self._family, self.frequencies)


def _is_key(function: str, side: Side) -> bool:
    if side not in ("query", "key"):
        raise ValueError(f"{function}: side is {side!r}; expected 'query' or 'key'")
    return side == "key"
