"""Attention by random features in PyTorch: it compiles, trains and maps. `pip install 'bochner[torch]'`.

    >>> import torch
    >>> import bochner.torch
    >>> layer = bochner.torch.Attention(dim=64, m=256, causal=True)
    >>> q, k, v = torch.randn(3, 1, 8, 1024, 64)
    >>> layer(q, k, v).shape
    torch.Size([1, 8, 1024, 64])

On the CPU the compiled part computes, forwards and backwards, in memory that does not grow with the length beyond
inputs, outputs and gradients; elsewhere plain torch computes the same numbers.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    text = "bochner.torch needs PyTorch: pip install 'bochner[torch]'"
    raise ModuleNotFoundError(text, name="torch") from None

from ._functional import Path, attention
from ._module import Attention

__all__ = ["Attention", "Path", "attention"]
