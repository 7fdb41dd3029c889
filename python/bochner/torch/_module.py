"""Attention by random features as a module that keeps its frequencies."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .._arguments import MAX_UINT64, integer
from .._attention import Empty
from .._estimator import Estimator
from . import _operators
from ._functional import Path, attend
from ._recipes import drawn, recipe_of_estimator, recipe_of_map


class Attention(torch.nn.Module):
    """Attention by random features of queries, keys and values, D^-1 phi(q) (phi(k)^T v).

    The frequencies are drawn from a seed and are not trained. They are a buffer, so that `state_dict` has them, with
    the seed and the number of training steps; they stay in double precision whatever type the module is cast to.

    Parameters
    ----------
    dim : int
        Columns d of queries and keys: the size of a head.
    m : int, default 256
        Frequencies.
    estimator : Estimator, optional
        Kernel, features, coupling and radial law; those of `Estimator()` by default.
    heads : int, optional
        With a number of key heads each has frequencies of its own; by default all share one map.
    seed : int, default 0
        Draw r has the frequencies of trial r of the seed; with `heads` H, head h those of trial r H + h.
    redraw_every : int, optional
        Training step s, counted from 0, uses draw s // redraw_every: every forward pass in training mode is a step. In
        evaluation nothing is counted or drawn. By default the first draw stays [Choromanski21, Section 4.2].
    causal, scale, empty, renormalize, path
        As `attention` has them.

    Raises
    ------
    TypeError
        If a number is not an integer, or the estimator not an Estimator.
    ValueError
        If a number is out of range.
    """

    frequencies: Tensor
    seed: Tensor
    steps: Tensor

    def __init__(
        self,
        dim: int,
        m: int = 256,
        estimator: Estimator | None = None,
        *,
        heads: int | None = None,
        seed: int = 0,
        redraw_every: int | None = None,
        causal: bool = False,
        scale: float | None = None,
        empty: Empty = "error",
        renormalize: bool = True,
        path: Path = "auto",
    ) -> None:
        super().__init__()
        self.estimator = Estimator() if estimator is None else estimator
        if not isinstance(self.estimator, Estimator):
            raise TypeError(f"Attention: estimator is a {type(estimator).__name__}; expected an Estimator")
        if not self.estimator._compiled.declared["projected"]:
            raise ValueError(
                f"Attention: maps of features {self.estimator.features.name!r} hold more than frequencies; expected "
                "features that are functions of these alone (bochner.attention takes all)"
            )
        self.redraw_every = None if redraw_every is None else integer("Attention", "redraw_every", redraw_every, 1)
        self.causal = causal
        self.scale = scale
        self.empty = empty
        self.renormalize = renormalize
        self.path = path
        self._draw_recipe = recipe_of_estimator(self.estimator)
        self._map_recipe = recipe_of_map(self.estimator.kernel, self.estimator.features)
        count = 1 if heads is None else integer("Attention", "heads", heads, 1)
        seed = integer("Attention", "seed", seed, 0, MAX_UINT64)
        dim, m = integer("Attention", "dim", dim, 1), integer("Attention", "m", m, 1)
        self.register_buffer("frequencies", drawn(self._draw_recipe, dim, m, count, seed, 0))
        # Torch has signed integers only: the seed modulo 2^64.
        self.register_buffer("seed", torch.tensor(seed - 2**64 * (seed >= 2**63)))
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, q: Tensor, k: Tensor, v: Tensor, key_mask: Tensor | None = None) -> Tensor:
        """Return attention; in training, count a step and redraw where it is due.

        Parameters
        ----------
        q, k, v, key_mask
            As `attention` has them.

        Returns
        -------
        Tensor, shape (..., Lq, dv)

        Raises
        ------
        TypeError, ValueError
            As `attention` does.
        """
        frequencies = self.frequencies
        if self.training and self.redraw_every is not None:
            frequencies, steps = _operators.advance(
                frequencies, self.steps, self.seed, self._draw_recipe, self.redraw_every
            )
            self.frequencies.copy_(frequencies)
            self.steps.copy_(steps)
        return attend(
            q,
            k,
            v,
            frequencies,
            self._map_recipe,
            self.causal,
            key_mask,
            self.scale,
            self.empty,
            self.renormalize,
            self.path,
        )

    def extra_repr(self) -> str:
        """Return what distinguishes the module, for `print`.

        Returns
        -------
        str
        """
        heads, m, dim = self.frequencies.shape
        shown = {"dim": dim, "m": m, "estimator": self.estimator, "heads": heads if heads > 1 else None}
        shown |= {"seed": int(self.seed) % 2**64, "redraw_every": self.redraw_every, "causal": self.causal}
        shown |= {} if self.renormalize else {"renormalize": False}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items() if value is not None)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        """Move the frequencies with the module, but cast them only where a device has no double precision."""
        exact, self.frequencies = self.frequencies, self.frequencies.float()
        super()._apply(fn, recurse)
        device = self.frequencies.device
        if device.type != "mps":
            self.frequencies = self.frequencies.double() if device.type == "meta" else exact.to(device)
        return self
