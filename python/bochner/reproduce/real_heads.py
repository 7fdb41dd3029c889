"""Queries, keys and values of a pretrained model on real text: MiniLM, 6 layers of 12 heads, d = 32.

A passage is the beginning of one of those of `networks`, so that passages are independent of one another.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bochner.reproduce import networks, optional

LAYERS, HEADS, DIM = 6, 12, 32
#: Tokens of a passage, those that mark its ends included.
TOKENS = 128
Heads = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def missing() -> str | None:
    """Why there are no real heads here, and what to install; None where there are."""
    return optional.missing(*networks.NEEDS)


@lru_cache(maxsize=2)
def heads(index: int) -> Heads:
    """Q, K and V, each (layers, heads, tokens, d), of passage `index`, before the division by d^(1/4)."""
    torch = optional.load("torch")
    model = _model()
    ids = torch.from_numpy(networks.tokens(index + 1, TOKENS)[index:])
    found: dict[str, list[NDArray[np.float32]]] = {"query": [], "key": [], "value": []}

    def keep(name: str) -> Any:
        def hook(_module: Any, _inputs: Any, output: Any) -> None:
            found[name].append(output[0].numpy().reshape(-1, HEADS, DIM).transpose(1, 0, 2))

        return hook

    handles = [
        getattr(layer.attention.self, name).register_forward_hook(keep(name))
        for layer in model.encoder.layer
        for name in found
    ]
    try:
        with torch.no_grad():
            model(ids)
    finally:
        for handle in handles:
            handle.remove()
    query, key, value = (np.ascontiguousarray(found[name]) for name in found)
    return query, key, value


@cache
def _model() -> Any:
    return networks.minilm()


def sharpness(query: NDArray[np.floating[Any]], key: NDArray[np.floating[Any]]) -> dict[str, NDArray[np.float64]]:
    """What makes a head hard: means over its queries, each of the leading shape (..., L, d) -> (...).

    `q2`, `k2`, `sum2`, `difference2` are |q|^2, |k|^2, |q + k|^2 and |q - k|^2 after the division by d^(1/4), the last
    two over the pairs with the weights of attention; `keys` is the exponential of the entropy of the weights, the
    number of keys that count; `largest` the largest weight.
    """
    root = query.shape[-1] ** -0.25
    q, k = root * query.astype(np.float64), root * key.astype(np.float64)
    scores = q @ np.swapaxes(k, -1, -2)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    q2, k2 = (q**2).sum(-1), (k**2).sum(-1)
    pair = q2[..., :, None] + k2[..., None, :]
    entropy = -(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)
    return {
        "q2": q2.mean(-1),
        "k2": k2.mean(-1),
        "sum2": (weights * (pair + 2 * scores)).sum(-1).mean(-1),
        "difference2": (weights * (pair - 2 * scores)).sum(-1).mean(-1),
        "keys": np.exp(entropy).mean(-1),
        "largest": weights.max(-1).mean(-1),
    }
