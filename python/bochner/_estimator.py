"""Estimators: a kernel with a recipe for drawing feature maps of any size."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import MAX_INDEX, MAX_UINT64, Float64Array, double_matrices, integer, integers
from ._attention import Empty, prepare
from ._components import CompositeKernel, Coupling, Features, Kernel, RadialLaw
from ._feature_map import FeatureMap
from ._plugins import KernelPlugin
from ._threads import get_num_threads


class LosingCombinationWarning(UserWarning):
    """Theory says that features and coupling lose together against another combination; the text says why."""


@dataclass(frozen=True, eq=False)
class Law:
    """What theory says exactly of the estimates of n pairs; mse = variance + bias^2.

    Attributes
    ----------
    mean, variance, bias, mse : ndarray, shape (n,), float64
        Infinity where a double cannot hold the value.
    """

    mean: Float64Array
    variance: Float64Array
    bias: Float64Array
    mse: Float64Array


@dataclass(frozen=True, eq=False)
class AttentionLaw:
    """What theory says, to first order in 1/m, of the output of attention by random features.

    Attributes
    ----------
    mse : ndarray, shape (..., Lq), float64
        Mean of (out - exact)^2 over the dv entries of the output of a query. Infinity where a
        double cannot hold it.
    bias : ndarray, shape (..., Lq, dv), float64
        Mean of out - exact.
    denominator : ndarray, shape (..., Lq), float64
        Variance of the denominator over its squared mean. The law is an expansion in it, so it
        means something only where this is far below 1.
    farthest : ndarray, shape (..., Lq), float64
        Mean square of the entries of v_j - exact at the farthest value, the same for all m: the
        error of features that are positive never exceeds it, so a larger `mse` is wrong.

    With a sequence of m, `mse`, `bias` and `denominator` have an axis of its length in front.
    """

    mse: Float64Array
    bias: Float64Array
    denominator: Float64Array
    farthest: Float64Array


class Estimator:
    """A kernel with a recipe for drawing feature maps of any size: K^(x, y) = phi(x).phi(y).

    The four parts are independent choices. The truth is always the kernel; a radial law other than
    the kernel's own makes the estimates biased, and `law` says by how much.

    Parameters
    ----------
    kernel : str or Kernel, default "softmax"
    features : str or Features, default "positive"
    coupling : str or Coupling, optional
        By default `orthogonal` where kernel and features allow it, else `iid`, which is all that
        features without frequencies have.
    radial : str or RadialLaw, optional
        The law of the norms of the frequencies; by default the kernel's own.

    Raises
    ------
    TypeError
        For a part that is neither a name nor a component of its kind.
    ValueError
        For a name that is not known; the message suggests one. For parts that do not fit.

    Warns
    -----
    LosingCombinationWarning
        Where theory says that another coupling would serve the features better at no more cost, or
        that nothing is known of this one with them; the text says why.

    Examples
    --------
    >>> import bochner, numpy as np
    >>> estimator = bochner.Estimator("gaussian", "trigonometric", "orthogonal")
    >>> feature_map = estimator.draw(dim=3, m=8, seed=0)
    >>> feature_map.transform(np.zeros((5, 3))).shape
    (5, 16)
    """

    __slots__ = ("_compiled", "_coupling", "_features", "_kernel", "_own_radial", "_radial")
    _compiled: _core.Estimator
    _coupling: Coupling
    _features: Features
    _kernel: Kernel
    _own_radial: bool
    _radial: RadialLaw | None

    def __init__(
        self,
        kernel: str | Kernel = "softmax",
        features: str | Features = "positive",
        coupling: str | Coupling | None = None,
        radial: str | RadialLaw | None = None,
    ) -> None:
        known = (Kernel.of(kernel), Features.of(features))
        if coupling is None:
            coupling = _core.default_coupling(known[0]._compiled, known[1]._compiled_for(known[0], None))
        parts = (*known, Coupling.of(coupling))
        features_ = known[1]._compiled_for(known[0], parts[2])
        given = None if radial is None else RadialLaw.of(radial)
        radial_ = None if given is None else given._compiled
        compiled = _core.Estimator(parts[0]._compiled, features_, parts[2]._compiled, radial_)
        in_use = given or _own_radial(parts[0], compiled)
        values = (compiled, *parts, given is None, in_use)
        names = ("_compiled", "_kernel", "_features", "_coupling", "_own_radial", "_radial")
        for key, value in zip(names, values, strict=True):
            object.__setattr__(self, key, value)
        for caution in compiled.cautions:
            warnings.warn(f"Estimator: {caution}", LosingCombinationWarning, stacklevel=2)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Estimator is immutable")

    @property
    def kernel(self) -> Kernel:
        """The kernel, which is the truth."""
        return self._kernel

    @property
    def features(self) -> Features:
        """The feature family."""
        return self._features

    @property
    def coupling(self) -> Coupling:
        """The coupling of the frequencies."""
        return self._coupling

    @property
    def radial(self) -> RadialLaw | None:
        """The radial law in use, the kernel's own if none was given.

        None where the frequencies have no uniform direction, or the features have no frequencies.
        """
        return self._radial

    def draw(self, dim: int, m: int, seed: int = 0, trial: int = 0) -> FeatureMap:
        """Draw a feature map with m frequencies.

        Parameters
        ----------
        dim : int
            Columns d of the input, at least 1.
        m : int
            Frequencies, the rows of W, at least 1: fewer than d, more, or no multiple of d.
        seed, trial : int, default 0
            The name of the draw, from 0 to 2^64 - 1. The same name is the same map; different ones
            are independent. A trial of an experiment is the draw of that trial.

        Returns
        -------
        FeatureMap

        Raises
        ------
        TypeError
            If a number is not an integer.
        ValueError
            If a number is out of range.
        MemoryError
            If W does not fit into memory.

        Notes
        -----
        Cost: O(m d) for `iid`, O(m d^2) for `orthogonal`. Where prefixes of a draw are draws, a
        larger m only appends rows, to rounding.
        """
        dim = integer("draw", "dim", dim, 1)
        m = integer("draw", "m", m, 1)
        seed = integer("draw", "seed", seed, 0, MAX_UINT64)
        trial = integer("draw", "trial", trial, 0, MAX_UINT64)
        try:
            if m * dim > MAX_INDEX // 16:
                raise MemoryError
            core = self._compiled.draw(dim, m, seed, trial)
        except MemoryError:
            text = f"draw: {m} frequencies in {dim} dimensions do not fit into memory"
            raise MemoryError(text) from None
        return FeatureMap._of_draw(self, (dim, m, seed, trial), core)

    def law(self, X: npt.ArrayLike, Y: npt.ArrayLike, m: int) -> Law:
        """Return the exact law of the estimates K^(X_i, Y_i) with m frequencies.

        Parameters
        ----------
        X, Y : array_like, shape (n, d)
        m : int
            At least 1.

        Returns
        -------
        Law
            Mean, variance, bias and mean squared error, each (n,), to a relative error of 1e-9.

        Raises
        ------
        NoLawError
            If no exact law is known of this combination.
        TypeError
            If an array is neither float32, float64 nor of integers.
        ValueError
            For wrong shapes, no rows, NaN, infinity, or m < 1.

        Notes
        -----
        With independent frequencies the softmax kernel has, at v = |x + y|^2 and w = |x - y|^2, the
        relative mean squared errors (e^v - 1)/m (positive), (cosh v - 1)/m (hyperbolic) and
        (cosh w - 1)/m (trigonometric) [Choromanski21, Lemma 2]. Orthogonal ones add the covariance
        of every pair in a block [Bochner, 8.1].

        Cost: a few microseconds a pair; where moments are integrals, up to 0.5 ms (`norm_coupled`) and
        up to 3 ms (`orthogonal` with the heavy-tailed laws of Matern kernels). That of features of
        your own is a call of Python.
        """
        x, y = double_matrices("law", X=X, Y=Y)
        m = integer("law", "m", m, 1)
        return Law(*self._compiled.law(x, y, m, get_num_threads()))

    def attention_law(
        self,
        Q: npt.ArrayLike,
        K: npt.ArrayLike,
        V: npt.ArrayLike,
        m: int | Sequence[int],
        causal: bool = False,
        key_mask: npt.ArrayLike | None = None,
        scale: float | None = None,
        empty: Empty = "error",
    ) -> AttentionLaw:
        """Return the law of the output of attention with m frequencies, to first order in 1/m.

        Parameters
        ----------
        Q, K, V, causal, key_mask, scale, empty
            As `bochner.attention` has them. The law of some queries needs only these in `Q`.
        m : int or sequence of int
            At least 1. Several share nearly all of the work.

        Returns
        -------
        AttentionLaw
            For each query. Zeros for a query that sees no key.

        Raises
        ------
        NoLawError
            If no law is known of this combination.
        TypeError, ValueError
            As `bochner.attention` does, and for m < 1.

        Notes
        -----
        With K_j = E K^_j, D = sum_j K_j, a = sum_j K_j v_j / D and u_j = v_j - a, the error
        out - a is (sum_j K^_j u_j) / D to first order, and errors common to all keys cancel:
        its mean square is sum_jl Cov(K^_j, K^_l) u_j.u_l / D^2. With independent softmax
        frequencies and t = z_j.z_l, m Cov(K^_j, K^_l) / (K_j K_l) is e^t - 1 (positive,
        z_j = q + k_j), cosh t - 1 (hyperbolic) or cosh t - 1 with z_j = q - k_j (trigonometric)
        [Bochner, 11]; orthogonal ones add the covariances of pairs, as a series of spherical
        harmonics.

        It is an expansion and no bound. Trigonometric outputs have no mean at any m, so the law
        describes the centre of their distribution, as long as hardly any denominator is near 0.
        Cost: O(k^2 (d + dv + degrees)) a query that sees k keys, where degrees is some |z_j|; no
        array of k x k is stored.
        """
        call = prepare("attention_law", Q, K, V, causal, key_mask, scale, empty)
        sizes = integers("attention_law", "m", m, 1)
        query, key, value = (array.astype(np.float64, copy=False) for array in call.arrays)
        mse, bias, denominator, farthest = _core.attention_law(
            self._compiled, query, key, value, **call.options, m=sizes, threads=get_num_threads()
        )
        queries, columns = call.shape[:-1], call.shape[-1]
        several = isinstance(m, (Sequence, np.ndarray))
        leading = (len(sizes),) if several else ()
        return AttentionLaw(
            mse.reshape(*leading, *queries),
            bias.reshape(*leading, *queries, columns),
            denominator.reshape(*leading, *queries),
            farthest.reshape(queries),
        )

    def fit(self, X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> "Estimator":
        """Return the estimator adapted to data; a family that does not adapt returns itself.

        Parameters
        ----------
        X : array_like, shape (n, d)
            Rows, as queries.
        Y : array_like, shape (k, d), optional
            Rows, as keys; `X` itself by default.

        Returns
        -------
        Estimator
            With fitted `features`, whose parameters say what was found.

        Raises
        ------
        TypeError
            If an array is neither float32, float64 nor of integers.
        ValueError
            For wrong shapes, no rows, NaN or infinity.

        Notes
        -----
        Fit on calibration data, never on the keys of a causal pass, which would tell a query of keys
        that it may not see. Attention divides queries and keys by d^(1/4): fit on what it divided.
        """
        x, y = double_matrices("fit", X=X, Y=X if Y is None else Y)
        _core.check_points("fit", x, y)
        features = self._features._fitted_for(self._kernel, x, y)
        if features is self._features:
            return self
        kernel, _, coupling, radial = self._parts()
        return Estimator(kernel, features, coupling, radial)

    def _parts(self) -> tuple[Kernel, Features, Coupling, RadialLaw | None]:
        radial = None if self._own_radial else self._radial
        return self._kernel, self._features, self._coupling, radial

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Estimator):
            return NotImplemented
        # The kernel's own law is the same whether it was named or not.
        return (*self._parts()[:3], self._radial) == (*other._parts()[:3], other._radial)

    def __hash__(self) -> int:
        return hash((*self._parts()[:3], self._radial))

    def __repr__(self) -> str:
        names = ("kernel", "features", "coupling", "radial")
        given = zip(names, self._parts(), strict=True)
        return f"Estimator({', '.join(f'{n}={_short(p)}' for n, p in given if p is not None)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, self._parts()


def _again(*parts: Any) -> Estimator:
    """Make an estimator from the parts of one that has been warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LosingCombinationWarning)
        return Estimator(*parts)


def _own_radial(kernel: Kernel, compiled: _core.Estimator) -> RadialLaw | None:
    if isinstance(kernel, KernelPlugin):
        law = kernel.frequency_law
        return RadialLaw.of(law) if isinstance(law, str | RadialLaw) else None
    return None if compiled.radial is None else RadialLaw._of_kernel(kernel, compiled.radial)


def _short(part: Kernel | Features | Coupling | RadialLaw) -> str:
    """Return the name alone where it says everything."""
    return repr(part) if part.parameters or isinstance(part, CompositeKernel) else repr(part.name)
