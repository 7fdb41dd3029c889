"""Attention by random features, exactly, and by plain averaging."""

import numbers
import warnings
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import FloatArray, float_arrays
from ._feature_map import FeatureMap
from ._threads import get_num_threads

Empty: TypeAlias = Literal["error", "zero"]


class NonPositiveDenominatorWarning(RuntimeWarning):
    """Some denominators of an attention by random features are negative or nearly zero.

    Those outputs are whatever the quotient says. It never happens with exponential features.
    """


class Options(TypedDict):
    """Those of the compiled functions."""

    causal: bool
    key_mask: npt.NDArray[np.bool_] | None
    scale: float | None
    zero_if_empty: bool


class Call(NamedTuple):
    """What the compiled functions take, and the shape of what the caller gets."""

    arrays: tuple[FloatArray, FloatArray, FloatArray]
    options: Options
    shape: tuple[int, ...]
    batched: bool


def attention(
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    feature_map: FeatureMap | Sequence[FeatureMap],
    causal: bool = False,
    key_mask: npt.ArrayLike | None = None,
    scale: float | None = None,
    empty: Empty = "error",
    renormalize: bool = True,
) -> FloatArray:
    """Attention by random features: D^-1 phi(Q) (phi(K)^T V), D = diag(phi(Q) phi(K)^T 1).

    Queries and keys are multiplied by the root of `scale` first. There is no epsilon anywhere: with
    exponential features a denominator can neither vanish nor overflow, and a later key cannot
    change an earlier row of causal attention by even one bit.

    Parameters
    ----------
    Q : array_like, shape (..., Lq, d)
        The leading axes are batch and heads, (B, Hq, Lq, d). With three axes the first one is that
        of heads, or that of the batch where `key_mask` has two axes.
    K : array_like, shape (..., Lk, d)
        Hk heads, a divisor of Hq: query head h uses key head h // (Hq // Hk).
    V : array_like, shape (..., Lk, dv)
        The leading axes of `K`.
    feature_map : FeatureMap or sequence of FeatureMap
        One map, or one for each key head.
    causal : bool, default False
        Query i sees the keys j <= i + Lk - Lq: the ends are aligned.
    key_mask : array_like of bool, shape (Lk,) or (B, Lk), optional
        True where a key counts, shared by all heads. A key that does not count is absent from
        numerator and denominator, and may hold anything, NaN too.
    scale : float, optional
        The factor of q.k, positive; 1/sqrt(d) by default.
    empty : {"error", "zero"}, default "error"
        Whether a query that sees no key is an error or has an output of zeros.
    renormalize : bool, default True
        Whether rows are divided by their denominators; without, the output is
        phi(Q) (phi(K)^T V) [Choromanski21, eq. 5].

    Returns
    -------
    ndarray, shape (..., Lq, dv)
        The leading axes of `Q`; float32 if all arrays are, else float64.

    Raises
    ------
    TypeError
        If an array is not of numbers in single or double precision, or a map is not a FeatureMap.
    ValueError
        For wrong shapes, NaN and infinity, a scale that is not positive, features that overflow,
        and a query that sees no key unless `empty` is "zero".

    Warns
    -----
    NonPositiveDenominatorWarning
        With their numbers, if denominators are zero or negative, or positive but less than 1 % of
        the sum of the moduli of their terms; only features that are not positive have such. At
        large norms trigonometric features have many, and the output has no finite mean
        [Bochner, 11].

    See Also
    --------
    exact_attention : what it approximates.
    uniform_attention : the baseline without which its error means little.

    Notes
    -----
    Cost: O((Lq + Lk) p (d + dv)) a head; no array of L x p is stored [Choromanski21, Algorithm 1].
    """
    maps = _compiled_maps("attention", feature_map)
    call = prepare("attention", Q, K, V, causal, key_mask, scale, empty)
    out, *counts = _core.attention(
        *call.arrays, maps=maps, **call.options, renormalize=bool(renormalize), threads=get_num_threads()
    )
    if renormalize:
        _warn("attention", out, *counts)
    return out.reshape(call.shape)


def attention_vjp(
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    feature_map: FeatureMap | Sequence[FeatureMap],
    grad: npt.ArrayLike,
    causal: bool = False,
    key_mask: npt.ArrayLike | None = None,
    scale: float | None = None,
    empty: Empty = "error",
    renormalize: bool = True,
    out: npt.ArrayLike | None = None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients with respect to Q, K and V from that with respect to the output.

    Tiles of features are recomputed: beyond the gradients themselves the memory does not grow with
    the length but for two numbers a row.

    Parameters
    ----------
    Q, K, V, feature_map, causal, key_mask, scale, empty, renormalize
        As `attention` has them. The maps must be `differentiable`, as those are that attention is made of.
    grad : array_like, shape (..., Lq, dv)
        The gradient of a number with respect to ``attention(Q, K, V, feature_map, ...)``.
    out : array_like, shape (..., Lq, dv), optional
        What `attention` returned for these arguments; computed anew by default.

    Returns
    -------
    dQ, dK, dV : ndarray
        Each of the shape of its array; float32 if all arrays are, else float64. Keys and values
        that several query heads share get the sum of theirs, and those that do not count zeros.

    Raises
    ------
    TypeError, ValueError
        As `attention` does, and ValueError for a `grad` or `out` of another shape, NaN or infinity
        in `grad`, and a map without a gradient.

    Notes
    -----
    Cost: about 3 times that of `attention`. Rows whose denominator is 0 count as constant.
    """
    name = "attention_vjp"
    maps = _compiled_maps(name, feature_map)
    given = {"grad": grad} if out is None else {"grad": grad, "out": out}
    arrays = dict(zip(("Q", "K", "V", *given), float_arrays(name, Q=Q, K=K, V=V, **given), strict=True))
    call = prepare(name, arrays["Q"], arrays["K"], arrays["V"], causal, key_mask, scale, empty)
    for key in given:
        if arrays[key].shape != call.shape:
            raise ValueError(f"{name}: {key} has shape {arrays[key].shape}; expected {call.shape}")
    output_shape = (*call.arrays[0].shape[:-1], call.shape[-1])
    options: dict[str, Any] = {**call.options, "renormalize": bool(renormalize), "threads": get_num_threads()}
    if "out" in arrays:
        output = arrays["out"].reshape(output_shape)
    else:
        output = _core.attention(*call.arrays, maps=maps, **options)[0]
    gradients = _core.attention_vjp(
        *call.arrays,
        out=output,
        grad=arrays["grad"].reshape(output_shape),
        maps=maps,
        **options,
    )
    d_queries, d_keys, d_values = (
        gradient.reshape(arrays[key].shape) for gradient, key in zip(gradients, "QKV", strict=True)
    )
    return d_queries, d_keys, d_values


def _compiled_maps(function: str, feature_map: FeatureMap | Sequence[FeatureMap]) -> list[_core.FeatureMap]:
    maps = [feature_map] if isinstance(feature_map, FeatureMap) else feature_map
    if not isinstance(maps, Sequence):
        got = type(maps).__name__
        expected = "a FeatureMap or a sequence of them"
        raise TypeError(f"{function}: feature_map is a {got}; expected {expected}")
    for i, part in enumerate(maps):
        if not isinstance(part, FeatureMap):
            got = type(part).__name__
            raise TypeError(f"{function}: feature_map[{i}] is a {got}; expected a FeatureMap")
    return [part._compiled for part in maps]


def _warn(function: str, out: FloatArray, nonpositive: int, near_zero: int) -> None:
    """Warn of denominators that say little; called from a public function."""
    if nonpositive or near_zero:
        total = out.size // out.shape[-1]
        warnings.warn(
            f"{function}: of {total} denominators {nonpositive} are not positive and {near_zero} nearly zero; "
            "their outputs are what the quotient says",
            NonPositiveDenominatorWarning,
            stacklevel=3,
        )


def exact_attention(
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    causal: bool = False,
    key_mask: npt.ArrayLike | None = None,
    scale: float | None = None,
    empty: Empty = "error",
) -> FloatArray:
    """Softmax attention by tiles: out_i = sum_j softmax_j(scale q_i.k_j) v_j.

    Parameters
    ----------
    Q, K, V, causal, key_mask, scale, empty
        As `attention` has them.

    Returns
    -------
    ndarray, shape (..., Lq, dv)
        The leading axes of `Q`; float32 if all arrays are, else float64.

    Raises
    ------
    TypeError, ValueError
        As `attention` does.

    Notes
    -----
    Cost: O(Lq Lk (d + dv)) a head; no array of Lq x Lk is stored. [Vaswani17, eq. 1]
    """
    call = prepare("exact_attention", Q, K, V, causal, key_mask, scale, empty)
    out = _core.exact_attention(*call.arrays, **call.options, threads=get_num_threads())
    return out.reshape(call.shape)


def uniform_attention(
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    causal: bool = False,
    key_mask: npt.ArrayLike | None = None,
    scale: float | None = None,
    empty: Empty = "error",
) -> FloatArray:
    """Average the values that a query sees: what attention without any information would give.

    The error of an approximation of attention means little without that of this baseline beside it.

    Parameters
    ----------
    Q, K, V, causal, key_mask, scale, empty
        As `attention` has them.

    Returns
    -------
    ndarray, shape (..., Lq, dv)
        The leading axes of `Q`; float32 if all arrays are, else float64.

    Raises
    ------
    TypeError, ValueError
        As `attention` does.

    Notes
    -----
    Cost: O(Lq dv + Lk dv) a head.
    """
    call = prepare("uniform_attention", Q, K, V, causal, key_mask, scale, empty)
    out = _core.uniform_attention(*call.arrays, **call.options, threads=get_num_threads())
    return out.reshape(call.shape)


def prepare(
    function: str,
    Q: npt.ArrayLike,
    K: npt.ArrayLike,
    V: npt.ArrayLike,
    causal: bool,
    key_mask: npt.ArrayLike | None,
    scale: float | None,
    empty: Empty,
) -> Call:
    """Check what the compiled part cannot see, and bring the arrays to four axes."""
    named = dict(zip("QKV", float_arrays(function, Q=Q, K=K, V=V), strict=True))
    for name, array in named.items():
        if array.ndim < 2:
            raise ValueError(f"{function}: {name} has shape {array.shape}; expected (..., L, d)")
        if array.ndim != named["Q"].ndim:
            raise ValueError(
                f"{function}: {name} has shape {array.shape} and Q has shape {named['Q'].shape}; "
                "expected the same number of axes"
            )
    if empty not in ("error", "zero"):
        raise ValueError(f"{function}: empty is {empty!r}; expected 'error' or 'zero'")
    if scale is not None and not isinstance(scale, numbers.Real):
        raise TypeError(f"{function}: scale is a {type(scale).__name__}; expected a real number")
    mask = None if key_mask is None else _as_mask(function, key_mask)
    heads_axis = not (named["Q"].ndim == 3 and mask is not None and mask.ndim == 2)
    batch = named["Q"].shape[:-3] if heads_axis else named["Q"].shape[:1]
    if mask is not None:
        _check_mask(function, mask, batch, named["K"].shape[-2])
    q, k, v = (_four_axes(array, heads_axis) for array in named.values())
    for name, array in zip("KV", (named["K"], named["V"]), strict=True):
        if heads_axis and array.shape[:-3] != batch:
            raise ValueError(f"{function}: {name} has shape {array.shape}; expected leading axes {batch} as in Q")
    options = Options(
        causal=bool(causal),
        key_mask=mask,
        scale=None if scale is None else float(scale),
        zero_if_empty=empty == "zero",
    )
    return Call((q, k, v), options, (*named["Q"].shape[:-1], v.shape[-1]), not heads_axis)


def leading_names(axes: int, batched: bool) -> list[str]:
    """Name the leading axes: batch and head, as far as there are such."""
    if axes == 1:
        return ["batch" if batched else "head"]
    batches = ["batch"] if axes == 2 else [f"batch_{i}" for i in range(axes - 1)]
    return [*batches, "head"] if axes else []


def _four_axes(array: FloatArray, heads_axis: bool) -> FloatArray:
    """Reshape to (batch, heads, length, columns)."""
    heads = array.shape[-3] if heads_axis and array.ndim > 2 else 1
    batch = array.shape[:-3] if heads_axis else array.shape[:-2]
    return array.reshape((int(np.prod(batch)), heads, *array.shape[-2:]))


def _as_mask(function: str, key_mask: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    mask: npt.NDArray[Any] = np.asarray(key_mask)
    if mask.dtype != np.bool_:
        raise TypeError(f"{function}: key_mask has dtype {mask.dtype}; expected bool")
    return np.ascontiguousarray(mask)


def _check_mask(function: str, mask: npt.NDArray[np.bool_], batch: tuple[int, ...], keys: int) -> None:
    expected = [(keys,)] + ([(*batch, keys)] if batch else [])
    if mask.shape not in expected:
        shapes = " or ".join(map(str, expected))
        raise ValueError(f"{function}: key_mask has shape {mask.shape}; expected {shapes}")
