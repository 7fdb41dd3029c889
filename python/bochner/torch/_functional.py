"""Attention by random features as a function of tensors."""

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor

from .._attention import Empty
from .._components import Features, Kernel
from .._feature_map import FeatureMap
from . import _operators, _plain
from ._recipes import recipe_of_map

Path: TypeAlias = Literal["auto", "compiled", "plain"]


def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    frequencies: Tensor | FeatureMap | Sequence[FeatureMap],
    causal: bool = False,
    key_mask: Tensor | None = None,
    scale: float | None = None,
    empty: Empty = "error",
    *,
    kernel: str | Kernel = "softmax",
    features: str | Features = "positive",
    renormalize: bool = True,
    path: Path = "auto",
) -> Tensor:
    """Attention by random features: D^-1 phi(q) (phi(k)^T v), D = diag(phi(q) phi(k)^T 1).

    The same as `bochner.attention` for tensors: no epsilon, no norm that makes a denominator vanish, and no later key
    that changes an earlier row. It has gradients with respect to q, k and v, compiles without a graph break, and maps
    with `torch.vmap`.

    Parameters
    ----------
    q : Tensor, shape (..., Lq, d)
        The leading axes are batch and heads, (B, Hq, Lq, d). With three axes the first one is that of heads, or that of
        the batch where `key_mask` has two axes.
    k : Tensor, shape (..., Lk, d)
        Hk heads, a divisor of Hq: query head h uses key head h // (Hq // Hk).
    v : Tensor, shape (..., Lk, dv)
        The leading axes of `k`.
    frequencies : Tensor, shape (m, d) or (Hk, m, d), or FeatureMap or a sequence of them
        W, for all heads or for each key head. Maps bring their own kernel and features, but a compiler cannot look into
        them: give it tensors, or use `Attention`. Frequencies have no gradient.
    causal : bool, default False
        Query i sees the keys j <= i + Lk - Lq: the ends are aligned.
    key_mask : Tensor of bool, shape (Lk,) or (B, Lk), optional
        True where a key counts, shared by all heads. A key that does not count may hold anything, NaN too.
    scale : float, optional
        The factor of q.k, positive; 1/sqrt(d) by default.
    empty : {"error", "zero"}, default "error"
        Whether a query that sees no key is an error or has an output of zeros. On the plain path such a query is NaN
        instead of an error while a compiler or vmap looks, because values cannot be seen then.
    kernel : str or Kernel, default "softmax"
    features : str or Features, default "positive"
        What the frequencies are of, where they are a tensor.
    renormalize : bool, default True
        Whether rows are divided by their denominators; without, the output is phi(q) (phi(k)^T v)
        [Choromanski21, eq. 5].
    path : {"auto", "compiled", "plain"}, default "auto"
        The compiled part computes on the CPU, in memory that does not grow with the length; plain torch on any device.
        By default the device decides. Second derivatives and `torch.func.grad` need the plain path.

    Returns
    -------
    Tensor, shape (..., Lq, dv)
        The leading axes of `q` and the promoted type. Half precision is computed in float32, the rest in its own type.

    Raises
    ------
    TypeError
        If a tensor is not of real floating-point numbers, or the mask is not of bool.
    ValueError
        For wrong shapes, another path, a scale that is not positive and a query that sees no key unless `empty` is
        "zero"; the compiled part also for NaN and infinity, and for features that overflow.

    Warns
    -----
    NonPositiveDenominatorWarning
        With their number, if denominators are zero or negative, which features that are not positive may have.

    Notes
    -----
    One thing of `bochner.attention` is not here: a family that is a Python function is a TypeError.

    Cost: O((Lq + Lk) p (d + dv)) a head, backwards about three times that. [Choromanski21, Algorithm 1]
    """
    if isinstance(frequencies, Tensor):
        W = frequencies
    else:
        W, kernel, features = _of_maps(frequencies)
    recipe = recipe_of_map(kernel, features)
    return attend(q, k, v, W, recipe, causal, key_mask, scale, empty, renormalize, path)


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    frequencies: Tensor,
    recipe: str,
    causal: bool,
    key_mask: Tensor | None,
    scale: float | None,
    empty: Empty,
    renormalize: bool,
    path: Path,
) -> Tensor:
    """Bring tensors to four axes and one type, and choose the path."""
    if empty not in ("error", "zero"):
        raise ValueError(f"attention: empty is {empty!r}; expected 'error' or 'zero'")
    if path not in ("auto", "compiled", "plain"):
        raise ValueError(f"attention: path is {path!r}; expected 'auto', 'compiled' or 'plain'")
    dtype = _common_type(q, k, v)
    batched = q.ndim == 3 and key_mask is not None and key_mask.ndim == 2
    _check_shapes(q, k, v)
    arrays = [_four_axes(x, batched) for x in (q, k, v)]
    _check_frequencies(frequencies, arrays[1].shape[1], q.shape[-1])
    scale = q.shape[-1] ** -0.5 if scale is None else float(scale)
    if not 0 < scale < math.inf:
        raise ValueError(f"attention: scale is {scale}; expected a positive number")
    mask = None if key_mask is None else _mask_of_batch(key_mask, arrays[0].shape[0], arrays[1].shape[2])
    computed = torch.float64 if dtype == torch.float64 else torch.float32
    on_cpu = q.device.type == "cpu"
    if path == "compiled" and not on_cpu:
        raise ValueError(f"attention: q is on {q.device}; expected the CPU for the compiled path")
    function: Callable[..., Tensor] = (
        _operators.attention if path == "compiled" or (path == "auto" and on_cpu) else _plain.attention
    )
    out = function(
        *(x.to(computed) for x in arrays),
        frequencies if frequencies.ndim == 3 else frequencies[None],
        mask,
        recipe,
        bool(causal),
        scale,
        empty == "zero",
        bool(renormalize),
    )
    return out.reshape(*q.shape[:-1], v.shape[-1]).to(dtype)


def _of_maps(maps: FeatureMap | Sequence[FeatureMap]) -> tuple[Tensor, Kernel, Features]:
    listed = [maps] if isinstance(maps, FeatureMap) else list(maps)
    for part in listed:
        if not isinstance(part, FeatureMap):
            raise TypeError(f"attention: frequencies has a {type(part).__name__}; expected a Tensor or FeatureMaps")
    kinds = {(part.kernel, part.family, part.dim, part.m) for part in listed}
    if len(kinds) != 1:
        raise ValueError(f"attention: frequencies has maps of {len(kinds)} kinds; expected one kind")
    W = torch.from_numpy(np.stack([part.frequencies for part in listed]))
    return W, listed[0].kernel, listed[0].family


def _common_type(q: Tensor, k: Tensor, v: Tensor) -> torch.dtype:
    for name, x in zip("qkv", (q, k, v), strict=True):
        if not x.is_floating_point():
            raise TypeError(f"attention: {name} has dtype {x.dtype}; expected a real floating-point type")
    return torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)


def _four_axes(x: Tensor, batched: bool) -> Tensor:
    """Return the tensor as (batch, heads, length, columns)."""
    if batched:
        return x[:, None]
    while x.ndim < 4:
        x = x[None]
    return x.flatten(0, -4)


def _mask_of_batch(key_mask: Tensor, batch: int, keys: int) -> Tensor:
    """Return the mask as (B, Lk)."""
    if key_mask.dtype != torch.bool:
        raise TypeError(f"attention: key_mask has dtype {key_mask.dtype}; expected bool")
    rows = key_mask.flatten(0, -2) if key_mask.ndim > 1 else key_mask[None]
    if key_mask.ndim == 0 or rows.shape[0] not in (1, batch) or rows.shape[1] != keys:
        raise ValueError(
            f"attention: key_mask has shape {tuple(key_mask.shape)}; expected ({keys},) or ({batch}, {keys})"
        )
    return rows.expand(batch, keys)


def _check_shapes(q: Tensor, k: Tensor, v: Tensor) -> None:
    shapes = f"q {tuple(q.shape)}, k {tuple(k.shape)} and v {tuple(v.shape)}"
    if q.ndim < 2 or not q.ndim == k.ndim == v.ndim:
        raise ValueError(f"attention: shapes are {shapes}; expected the same number of axes, at least 2")
    if k.shape[:-1] != v.shape[:-1] or q.shape[:-3] != k.shape[:-3] or q.shape[-1] != k.shape[-1]:
        raise ValueError(f"attention: shapes are {shapes}; expected (..., Lq, d), (..., Lk, d) and (..., Lk, dv)")
    if q.ndim > 2 and q.shape[-3] % k.shape[-3] != 0:
        raise ValueError(f"attention: shapes are {shapes}; expected key heads that divide query heads")


def _check_frequencies(frequencies: Tensor, key_heads: int, d: int) -> None:
    shape = tuple(frequencies.shape)
    if len(shape) not in (2, 3) or shape[-1] != d or shape[:-2] not in ((), (1,), (key_heads,)):
        raise ValueError(f"attention: frequencies have shape {shape}; expected (m, {d}) or ({key_heads}, m, {d})")
