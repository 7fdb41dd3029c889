"""Attention by random features in models of Hugging Face transformers. `pip install 'bochner[transformers]'`.

    >>> import bochner.transformers
    >>> bochner.transformers.register(m=256, features="positive", coupling="orthogonal", seed=0)

After this line ``attn_implementation="bochner"`` is known to ``from_pretrained``, to ``from_config`` and to
``set_attn_implementation``. Models that look both ways and causal ones, padding, grouped key heads and generation with
a cache of keys and values work; whatever else a model asks of its attention is refused with an error, never ignored.
"""

from collections.abc import Callable
from typing import Any

try:
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import bidirectional_mask_function, causal_mask_function
    from transformers.utils.output_capturing import _active_collector
except ModuleNotFoundError as error:
    if error.name not in ("torch", "transformers"):
        raise
    text = f"bochner.transformers needs {error.name}: pip install 'bochner[transformers]'"
    raise ModuleNotFoundError(text, name=error.name) from None

from torch import Tensor

from ._arguments import MAX_UINT64, integer
from ._components import Coupling, Features, Kernel, RadialLaw
from ._estimator import Estimator
from .torch import _operators
from .torch._functional import attend
from .torch._recipes import recipe_of_estimator, recipe_of_map

__all__ = ["register"]

# Arguments that change which keys a query sees or what is computed, and that this attention cannot honour.
REFUSED = (
    "block_indices",
    "cu_seq_lens_k",
    "cu_seq_lens_q",
    "head_mask",
    "indices",
    "output_attentions",
    "position_bias",
    "s_aux",
    "seq_idx",
    "sinks",
    "sliding_window",
    "softcap",
)


def register(
    m: int = 256,
    features: str | Features = "positive",
    coupling: str | Coupling = "orthogonal",
    seed: int = 0,
    *,
    kernel: str | Kernel = "softmax",
    radial: str | RadialLaw | None = None,
    name: str = "bochner",
) -> None:
    """Make attention by random features known to transformers, under a name for ``attn_implementation``.

    Parameters
    ----------
    m : int, default 256
        Frequencies.
    features : str or Features, default "positive"
    coupling : str or Coupling, default "orthogonal"
    seed : int, default 0
        Layer i has the frequencies of trial i of the seed; its heads share them.
    kernel : str or Kernel, default "softmax"
    radial : str or RadialLaw, optional
        As `Estimator` has them.
    name : str, default "bochner"
        Another name keeps several settings side by side; the same name replaces what it had.

    Raises
    ------
    TypeError, ValueError
        As `Estimator` and `Estimator.draw` do.

    Notes
    -----
    A model refuses with a ValueError what cannot be computed: masks other than padding and causality, such as sliding
    windows, chunks, packed sequences and masks with four axes; static caches; dropout of attention weights in training;
    and arguments such as ``output_attentions``, ``softcap`` or position biases. Give ``attention_mask`` with two axes.
    """
    estimator = Estimator(kernel, features, coupling, radial)
    m = integer("register", "m", m, 1)
    seed = integer("register", "seed", seed, 0, MAX_UINT64)
    AttentionInterface.register(name, _attention_function(estimator, m, seed))
    AttentionMaskInterface.register(name, _mask)


def _mask(
    batch_size: int,
    q_length: int,
    kv_length: int,
    q_offset: int = 0,
    kv_offset: int = 0,
    mask_function: Callable[..., Any] = causal_mask_function,
    attention_mask: Tensor | None = None,
    device: torch.device | str = "cpu",
    **_: Any,
) -> Tensor:
    """Return the keys that count, (B, 1, Lk), or for causal attention (B, 2, Lk).

    The axis in the middle tells them apart. Models pass on whatever a mask function made; a mask of their own would
    have four axes.
    """
    causal = mask_function is causal_mask_function
    if not causal and mask_function is not bidirectional_mask_function:
        raise ValueError("bochner: this mask is neither padding nor causality (a window, chunks or packed sequences?)")
    if isinstance(q_offset, Tensor) or (causal and q_offset + q_length != kv_offset + kv_length):
        raise ValueError("bochner: keys do not end with the queries, as in a static cache; expected a dynamic cache")
    if attention_mask is None:
        counts = torch.ones((batch_size, kv_length), dtype=torch.bool, device=device)
    else:
        missing = kv_offset + kv_length - attention_mask.shape[-1]
        counts = torch.nn.functional.pad(attention_mask.bool(), (0, max(missing, 0)))[:, kv_offset:][:, :kv_length]
    return counts[:, None].expand(-1, 2 if causal else 1, -1)


def _attention_function(estimator: Estimator, m: int, seed: int) -> Callable[..., tuple[Tensor, None]]:
    draw_recipe = recipe_of_estimator(estimator)
    map_recipe = recipe_of_map(estimator.kernel, estimator.features)
    signed_seed = seed - 2**64 * (seed >= 2**63)

    def bochner_attention(
        module: torch.nn.Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        dropout: float = 0.0,
        scaling: float | None = None,
        is_causal: bool | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, None]:
        """Return attention of query (B, Hq, Lq, d), key and value (B, Hk, Lk, .) as (B, Lq, Hq, dv), and no weights."""
        _refuse(dropout, kwargs)
        causal, key_mask = _visible(module, attention_mask, is_causal)
        layer = getattr(module, "layer_idx", None) or 0
        W = _operators.draw(draw_recipe, query.shape[-1], m, 1, signed_seed, layer)
        if query.device.type != "cpu":
            W = W.to(query.device, torch.float64 if query.dtype == torch.float64 else torch.float32)
        # Queries that are padding may see no key; nobody reads their output.
        out = attend(query, key, value, W, map_recipe, causal, key_mask, scaling, "zero", True, "auto")
        return out.transpose(1, 2).contiguous(), None

    return bochner_attention


def _visible(module: torch.nn.Module, mask: Tensor | None, is_causal: bool | None) -> tuple[bool, Tensor | None]:
    """Return whether attention is causal, and which keys count."""
    if mask is None:
        # Models that make no mask say by this flag what they are.
        return bool(getattr(module, "is_causal", True) if is_causal is None else is_causal), None
    if mask.ndim != 3 or mask.dtype != torch.bool:
        raise ValueError(
            f"bochner: the attention mask has shape {tuple(mask.shape)}; expected (batch, keys): a mask that differs "
            "from query to query has no place in linear attention"
        )
    causal = mask.shape[1] == 2
    if causal and is_causal is False:
        raise ValueError("bochner: is_causal is False and the mask is causal; expected that they agree")
    return causal, mask[:, 0]


def _refuse(dropout: float, kwargs: dict[str, Any]) -> None:
    if dropout > 0:
        raise ValueError(
            f"bochner: dropout of attention weights is {dropout}, but there are no weights to drop; set the attention "
            "dropout of the model to 0 for training"
        )
    for name in REFUSED:
        value = kwargs.get(name)
        if value is not None and value is not False:
            raise ValueError(f"bochner: {name} is not possible with attention by random features; expected none")
    if not torch.compiler.is_compiling() and "attentions" in (_active_collector.get() or ()):
        raise ValueError("bochner: output_attentions is not possible with attention by random features; expected none")
