"""Attention by random features in plain torch: any device, differentiable any number of times.

Features are phi = factor exp(log), and sums over keys are kept relative to R, the running maximum of each logarithm, so
that no epsilon is needed and no later key touches an earlier row [Choromanski21, Algorithm 1]:

    S_l = sum_j phi(k_j)_l exp(-R_l) [v_j, 1],     t_i = max_l (log phi(q_i)_l + R_l),
    [out_i D_i, D_i] = sum_l phi(q_i)_l exp(R_l - t_i) S_l.

R and t cancel, so no gradient goes through them. Without renormalisation exp(t) comes back as a factor.
"""

import math
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from .._attention import NonPositiveDenominatorWarning
from .._feature_map import Side
from ._recipes import Form, form_of, quadratic_of

# Causal attention: inside a chunk keys and queries meet by halves, chunks meet by the sums of all keys before.
CHUNK = 64


# Features as functions of u = W x: the logarithms of positive ones, and values.
LOGARITHMS: dict[str, Callable[[Tensor], Tensor]] = {
    "positive": lambda u: u,
    "hyperbolic": lambda u: torch.cat([u, -u], -1),
    "exp": lambda u: u,
    "sigmoid": torch.nn.functional.logsigmoid,
    "elu1": lambda u: torch.where(u > 0, torch.log1p(u.clamp(min=0)), u),
}
VALUES: dict[str, Callable[[Tensor], Tensor]] = {
    "trigonometric": lambda u: torch.cat([u.cos(), u.sin()], -1),
    "relu": torch.relu,
    "abs": torch.abs,
    "gelu": torch.nn.functional.gelu,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "identity": lambda u: u,
    "sign": torch.sign,
}
# Families whose logarithms are quadratic in frequency and point.
QUADRATIC = ("gerf", "saderf", "aderf", "sderf")


class Rows(NamedTuple):
    """Features of rows, factor exp(log); no factor is 1.

    Attributes
    ----------
    factor : Tensor, shape (..., n, p), or None
    log : Tensor, shape (..., n, p), or (..., n, 1) beside a factor
    """

    factor: Tensor | None
    log: Tensor

    def each(self, function: Callable[[Tensor], Tensor]) -> "Rows":
        """Return the rows with a function of both parts."""
        return Rows(None if self.factor is None else function(self.factor), function(self.log))

    def cut(self, begin: int, end: int) -> "Rows":
        """Return the rows from `begin` to `end`."""
        return self.each(lambda x: x[..., begin:end, :])

    def weights(self, shift: Tensor, top: Tensor | None = None) -> Tensor:
        """Return factor exp((log + shift) - top): summed in the order in which `top` was found the largest."""
        log = self.log + shift
        weights = torch.exp(log if top is None else log - top)
        return weights if self.factor is None else self.factor * weights


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
    """Return attention of q (B, Hq, Lq, d), k (B, Hk, Lk, d), v (B, Hk, Lk, dv) in their type.

    Frequencies are (1 or Hk, m, d), the mask is (B, Lk).
    """
    device = q.device.type
    # Sums of exponentials do not survive half precision.
    autocast = torch.autocast(device, enabled=False) if torch.amp.is_autocast_available(device) else nullcontext()
    with autocast:
        # Axes: batch, key head, query head of the group, row, column.
        W = frequencies.detach().to(q.dtype)[:, None] * math.sqrt(scale)
        dim = q.shape[-1]
        form = form_of(recipe, dim)
        mask = None if key_mask is None else key_mask[:, None, None, :, None]
        q, k, v = q.unflatten(1, (k.shape[1], -1)), k[:, :, None], v[:, :, None]
        if mask is not None:
            k, v = torch.where(mask, k, 0), torch.where(mask, v, 0)
        keys = _features(k, W, form, recipe, "key", scale)
        log = keys.log + scale * _squares(k, form, recipe, "key")
        counted = torch.ones_like(v[..., :1])
        if mask is not None:
            # Not minus infinity: differences of two remain numbers, and times a value of 0 they are nothing.
            log, counted = torch.where(mask, log, _floor(log)), torch.where(mask, counted, 0)
        keys, values = Rows(keys.factor, log), torch.cat([v, counted], -1)
        # Queries before the first key see nothing.
        blind = max(q.shape[-2] - k.shape[-2], 0) if causal else 0
        queries = _features(q[..., blind:, :], W, form, recipe, "query", scale)
        sums, top = (_causal_sums if causal else _all_sums)(queries, keys, values)
        seen = _seen(key_mask, q.shape[-2], k.shape[-2], causal, q.device)
        sums = torch.nn.functional.pad(sums, (0, 0, blind, 0))
        if renormalize:
            out = _quotients(sums, seen, signed=keys.factor is not None)
        else:
            norms = scale * _squares(q, form, recipe, "query")
            top = torch.nn.functional.pad(top, (0, 0, blind, 0))
            out = sums[..., :-1] * torch.exp(top + norms + _log_weight(recipe, dim)) / W.shape[-2]
        return _known_rows(out, seen, zero_if_empty).flatten(1, 2)


def _squares(x: Tensor, form: Form, recipe: str, side: Side) -> Tensor:
    """Return what is quadratic in rows in the logarithms of all their features."""
    if form.family in QUADRATIC:
        square = torch.as_tensor(quadratic_of(recipe, x.shape[-1], side).square, dtype=x.dtype, device=x.device)
        return (x @ square * x).sum(-1, keepdim=True)
    return form.exponent * (x * x).sum(-1, keepdim=True)


def _features(x: Tensor, W: Tensor, form: Form, recipe: str, side: Side, scale: float) -> Rows:
    """Return the features of rows, without `_squares`, which cancel for queries, and m^(-1/2).

    W includes scale^(1/2), the factor of the rows.
    """
    if form.family in QUADRATIC:
        known = quadratic_of(recipe, x.shape[-1], side)
        linear, weights = (torch.as_tensor(a, dtype=x.dtype, device=x.device) for a in (known.linear, known.weights))
        return Rows(None, x @ (W @ linear).mT + ((W * W) @ weights / scale)[..., None, :])
    u = x @ W.mT
    if form.family in LOGARITHMS:
        log = LOGARITHMS[form.family](u)
        if form.epsilon > 0:
            log = torch.logaddexp(log, torch.full_like(log, math.log(form.epsilon)))
        return Rows(None, log)
    if form.family in VALUES:
        return Rows(VALUES[form.family](u) + form.epsilon, torch.zeros_like(u[..., :1]))
    known = ", ".join([*LOGARITHMS, *VALUES, *QUADRATIC])
    raise ValueError(f"attention: features {form.family!r} have no plain path; expected {known}")


@torch.compiler.assume_constant_result
def _log_weight(recipe: str, dim: int) -> float:
    """Return the logarithm of what `_features` leaves out of the product of two features, for one frequency."""
    form: Form = form_of(recipe, dim)
    zero = torch.zeros(1, dim, dtype=torch.float64)
    return 2 * (form.log_at_zero - float(_features(zero, zero, form, recipe, "query", 1.0).log.amax()))


def _all_sums(queries: Rows, keys: Rows, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of all keys over exp(t), and t."""
    maxima = keys.log.detach().amax(-2, keepdim=True)
    top = (queries.log.detach() + maxima).amax(-1, keepdim=True)
    return queries.weights(maxima, top) @ (keys.weights(-maxima).mT @ values), top


def _causal_sums(queries: Rows, keys: Rows, values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums of keys j <= i + Lk - Lq for every query over exp(t), and t, Lq <= Lk."""
    count = queries.log.shape[-2]
    before = keys.log.shape[-2] - count
    size = 1
    while size < min(count, CHUNK):
        size *= 2
    # Rows that fill the last chunk come after all others, and are cut off at the end.
    fill = -count % size
    queries = queries.each(lambda x: _padded(x, fill))
    keys = Rows(None if keys.factor is None else _padded(keys.factor, fill), _padded(keys.log, fill, _floor(keys.log)))
    values = _padded(values, fill)
    maxima = keys.log.detach().cummax(-2).values
    # All queries see the first keys; of the others, row i sees rows up to i.
    maximum = maxima[..., before - 1 : before, :] if before else torch.full_like(maxima[..., :1, :], _floor(maxima))
    total = keys.cut(0, before).weights(-maximum).mT @ values[..., :before, :]
    keys, values, maxima = keys.cut(before, before + count + fill), values[..., before:, :], maxima[..., before:, :]
    top = (queries.log.detach() + maxima).amax(-1, keepdim=True)

    sums = _sums_in_chunks(queries, keys, values, maxima, top, size)
    parts = []
    for begin in range(0, count, size):
        end = begin + size
        parts.append(queries.cut(begin, end).weights(maximum, top[..., begin:end, :]) @ total)
        last = maxima[..., end - 1 : end, :]
        new = keys.cut(begin, end).weights(-last).mT @ values[..., begin:end, :]
        total, maximum = total * torch.exp(maximum - last).mT + new, last
    return (sums + torch.cat(parts, -2))[..., :count, :], top[..., :count, :]


def _sums_in_chunks(queries: Rows, keys: Rows, values: Tensor, maxima: Tensor, top: Tensor, size: int) -> Tensor:
    """Return the sums over keys j <= i of the chunk of i, for chunks of `size` rows, a power of two.

    A query meets its own key, and at every scale the second half of a block meets the keys of the first: all of them
    are earlier, so their maximum may serve as the reference.
    """
    own = Rows(_product(queries.factor, keys.factor), queries.log + keys.log)
    sums = own.weights(-top).sum(-1, keepdim=True) * values
    half = 1
    while half < size:
        first, second = partial(_half, rows=half, which=0), partial(_half, rows=half, which=1)
        reference = first(maxima)[..., -1:, :]
        scores = queries.each(second).weights(reference, second(top)) @ keys.each(first).weights(-reference).mT
        part = scores @ first(values)
        sums = sums + torch.stack([torch.zeros_like(part), part], -3).flatten(-4, -2)
        half *= 2
    return sums


def _half(x: Tensor, rows: int, which: int) -> Tensor:
    """Return the first or second half of every block of 2 `rows` rows, (..., blocks, rows, columns)."""
    return x.unflatten(-2, (-1, 2, rows))[..., which, :, :]


def _product(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return None if one is None or other is None else one * other


def _quotients(sums: Tensor, seen: Tensor | None, signed: bool) -> Tensor:
    """Return numerators / denominators; anything for a row without a key."""
    numerators, denominators = sums[..., :-1], sums[..., -1:]
    if signed:
        bad = denominators <= 0
        _warn(bad if seen is None else bad & seen)
        # As in the compiled part: infinite with the sign of the numerator, and 0 for 0 / 0, without a gradient.
        dead = denominators == 0
        limits = torch.where(numerators == 0, 0.0, numerators.detach().sign() * math.inf)
        return torch.where(dead, limits, numerators / torch.where(dead, 1, denominators))
    return numerators / (denominators if seen is None else torch.where(seen, denominators, 1))


def _known_rows(out: Tensor, seen: Tensor | None, zero_if_empty: bool) -> Tensor:
    """Return the output with what a row without a key is: an error, where that can be known, or 0."""
    if seen is None:
        return out
    if not zero_if_empty and _known(seen.all()) == 0:
        row = int(torch.nonzero(~seen)[0, -2])
        raise ValueError(f"attention: query {row} sees no key; expected at least one, or empty='zero'")
    return torch.where(seen, out, 0.0 if zero_if_empty else math.nan)


def _seen(key_mask: Tensor | None, queries: int, keys: int, causal: bool, device: torch.device) -> Tensor | None:
    """Return which queries see a key, (B or 1, 1, 1, Lq or 1, 1), or nothing where all do."""
    blind = max(queries - keys, 0) if causal else 0
    if key_mask is None and blind == 0:
        return None
    if key_mask is None:
        seen = (torch.arange(queries, device=device) >= blind)[None]
    elif causal:
        seen = torch.nn.functional.pad(key_mask.cumsum(-1)[:, max(keys - queries, 0) :] > 0, (blind, 0))
    else:
        seen = key_mask.any(-1, keepdim=True)
    return seen[:, None, None, :, None]


def _warn(bad: Tensor) -> None:
    count = _known(bad.sum())
    if count:
        warnings.warn(
            f"attention: of {bad.numel()} denominators {count} are not positive; "
            "their outputs are what the quotient says",
            NonPositiveDenominatorWarning,
            stacklevel=2,
        )


def _known(value: Tensor) -> int | None:
    """Return a number where there is one to see: not while a compiler or vmap looks at the program."""
    if torch.compiler.is_compiling():
        return None
    try:
        return int(value)
    except RuntimeError:
        return None


def _floor(x: Tensor) -> float:
    """Return a logarithm below all that features have, and finite."""
    return float(torch.finfo(x.dtype).min) / 4


def _padded(x: Tensor, rows: int, value: float = 0.0) -> Tensor:
    return torch.nn.functional.pad(x, (0, 0, 0, rows), value=value)
