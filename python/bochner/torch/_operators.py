"""The compiled part as operators of torch, with shapes, gradients and a rule for vmap."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor

from .. import _attention as compiled
from . import _recipes

# The place of the frequencies among the arguments of both operators.
FREQUENCIES = 3


@torch.library.custom_op("bochner::attention", mutates_args=(), device_types="cpu")
def attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    frequencies: Tensor,
    key_mask: Tensor | None,
    recipe: str,
    causal: bool,
    scale: float,
    zero_if_empty: bool,
    renormalize: bool,
) -> Tensor:
    """Return attention of q (B, Hq, Lq, d), k (B, Hk, Lk, d), v (B, Hk, Lk, dv), float32 or float64.

    Frequencies are (1 or Hk, m, d), the mask is (B, Lk).
    """
    out = compiled.attention(
        _array(q),
        _array(k),
        _array(v),
        **_options(frequencies, key_mask, recipe, causal, scale, zero_if_empty, renormalize),
    )
    return torch.from_numpy(out)


@torch.library.custom_op("bochner::attention_vjp", mutates_args=(), device_types="cpu")
def attention_vjp(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    frequencies: Tensor,
    key_mask: Tensor | None,
    recipe: str,
    causal: bool,
    scale: float,
    zero_if_empty: bool,
    renormalize: bool,
    out: Tensor,
    grad: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of q, k and v from the output and its gradient."""
    gradients = compiled.attention_vjp(
        _array(q),
        _array(k),
        _array(v),
        grad=_array(grad),
        out=_array(out),
        **_options(frequencies, key_mask, recipe, causal, scale, zero_if_empty, renormalize),
    )
    d_q, d_k, d_v = map(torch.from_numpy, gradients)
    return d_q, d_k, d_v


def _array(x: Tensor) -> npt.NDArray[Any]:
    """Return the same memory as an array."""
    array: npt.NDArray[Any] = x.numpy(force=True)
    return array


def _options(
    frequencies: Tensor,
    key_mask: Tensor | None,
    recipe: str,
    causal: bool,
    scale: float,
    zero_if_empty: bool,
    renormalize: bool,
) -> dict[str, Any]:
    return {
        "feature_map": _recipes.feature_maps(frequencies, recipe),
        "causal": causal,
        "key_mask": None if key_mask is None else _array(key_mask),
        "scale": scale,
        "empty": "zero" if zero_if_empty else "error",
        "renormalize": renormalize,
    }


@attention.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, *_rest: Any) -> Tensor:
    return q.new_empty((*q.shape[:-1], v.shape[-1]))


@attention_vjp.register_fake
def _(q: Tensor, k: Tensor, v: Tensor, *_rest: Any) -> tuple[Tensor, Tensor, Tensor]:
    return q.new_empty(q.shape), k.new_empty(k.shape), v.new_empty(v.shape)


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    q, k, v, frequencies, key_mask, *ctx.options = inputs
    ctx.save_for_backward(q, k, v, frequencies, key_mask, output)


def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *inputs, out = ctx.saved_tensors
    # Frequencies are drawn, not trained: they have no gradient, nor have the mask and the options.
    return (*attention_vjp(*inputs, *ctx.options, out, grad), *(None,) * 7)


attention.register_autograd(_backward, setup_context=_save)


def _vmap(operator: Callable[..., Any], info: Any, in_dims: tuple[int | None, ...], *args: Any) -> tuple[Any, Any]:
    """Make the mapped axis part of the batch; where the frequencies are mapped, call once for each of them."""
    size = info.batch_size
    tensors = [isinstance(x, Tensor) for x in args]
    rows = [
        x if not tensor else x.expand(size, *x.shape) if dim is None else x.movedim(dim, 0)
        for x, dim, tensor in zip(args, in_dims, tensors, strict=True)
    ]
    if in_dims[FREQUENCIES] is None:
        folded = [x.flatten(0, 1) if tensor else x for x, tensor in zip(rows, tensors, strict=True)]
        folded[FREQUENCIES] = args[FREQUENCIES]
        out = operator(*folded)
        if isinstance(out, Tensor):
            return out.unflatten(0, (size, -1)), 0
        return tuple(x.unflatten(0, (size, -1)) for x in out), (0,) * len(out)
    each = [operator(*(x[i] if tensor else x for x, tensor in zip(rows, tensors, strict=True))) for i in range(size)]
    if isinstance(each[0], Tensor):
        return torch.stack(each), 0
    return tuple(map(torch.stack, zip(*each, strict=True))), (0,) * len(each[0])


attention.register_vmap(partial(_vmap, attention))
attention_vjp.register_vmap(partial(_vmap, attention_vjp))


@torch.library.custom_op("bochner::draw", mutates_args=())
def draw(recipe: str, dim: int, m: int, heads: int, seed: int, number: int) -> Tensor:
    """Return draw `number` of the frequencies of an estimator, (heads, m, dim), on the CPU."""
    return _recipes.drawn(recipe, dim, m, heads, seed, number)


@draw.register_fake
def _(recipe: str, dim: int, m: int, heads: int, seed: int, number: int) -> Tensor:
    return torch.empty((heads, m, dim), dtype=torch.float64)


@torch.library.custom_op("bochner::advance", mutates_args=())
def advance(frequencies: Tensor, steps: Tensor, seed: Tensor, recipe: str, every: int) -> tuple[Tensor, Tensor]:
    """Return the frequencies of the training step that begins and the number of steps begun.

    Step s uses draw s // every of the seed. A forward pass that a checkpoint repeats during the backward pass is no new
    step.
    """
    step = int(steps)
    if torch._C._current_graph_task_id() != -1:
        return frequencies.clone(), steps.clone()
    if step == 0 or step % every != 0:
        return frequencies.clone(), steps + 1
    heads, m, dim = frequencies.shape
    return _recipes.drawn(recipe, dim, m, heads, int(seed), step // every).to(frequencies), steps + 1


@advance.register_fake
def _(frequencies: Tensor, steps: Tensor, seed: Tensor, recipe: str, every: int) -> tuple[Tensor, Tensor]:
    return torch.empty_like(frequencies), torch.empty_like(steps)
