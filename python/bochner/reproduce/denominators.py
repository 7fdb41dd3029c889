"""Fig 18 and Fig 5, right: the denominators and gradients behind the training curves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

import bochner
from bochner.reproduce import style
from bochner.reproduce.attention_runs import frequencies, input_seed, inputs
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, paired_ratio, seed_of
from bochner.reproduce.verdict import Verdict, above, below

Array = NDArray[np.float64]

RANDOM = ("trigonometric", "positive")
ELU = "elu + 1"
FAMILIES = (*RANDOM, ELU)

#: A family is called unstable when one step in twenty has a gradient more than so many times that of exact attention.
FACTOR = 10.0

#: Rows of an input that are kept, evenly spaced: the norms are of all rows.
ROWS = 32


class Denominators(Figure):
    """Causal attention of normal inputs, swept over their norm, over inputs and draws."""

    name = "denominators"
    title = "Fig 18 and Fig 5, right: denominators and gradients"
    claims = ("Fig 18", "Fig 5 right")
    sizes = {
        "quick": {"L": 128, "d": 64, "p": 256, "squared_norms": [1.0, 4.0, 8.0, 16.0], "inputs": 6, "draws": 8},
        "default": {
            "L": 256,
            "d": 64,
            "p": 256,
            "squared_norms": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
            "inputs": 10,
            "draws": 20,
        },
        "full": {
            "L": 1024,
            "d": 64,
            "p": 256,
            "squared_norms": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0],
            "inputs": 30,
            "draws": 40,
        },
    }

    def parts(self) -> list[Part]:
        """A part a norm and an input."""
        cases = itertools.product(self.setting["squared_norms"], range(self.setting["inputs"]))
        return [Part("denominators", f"{norm:g}-{index}", partial(self._measure, norm, index)) for norm, index in cases]

    def _measure(self, norm: float, index: int) -> pd.DataFrame:
        queries, keys, values = inputs(input_seed(self.seed, index), self.setting["L"], self.setting["d"], norm)
        # Any gradient of the output will do: one that is as large in all directions.
        grad = np.random.default_rng(input_seed(self.seed, f"gradient {index}")).standard_normal(values.shape)
        exact = softmax_gradients(queries, keys, values, grad)
        elu = elu_gradients(queries, keys, values, grad)
        # The scale of elu + 1 is its own and cancels in the output, so that only the spread of the ratio means anything.
        ratio = elu.denominators / exact.denominators
        frames = [_rows(elu._replace(denominators=elu.denominators / np.median(ratio)), exact, ELU, 0)]
        for features in RANDOM:
            estimator = bochner.Estimator("softmax", features, "orthogonal")
            m = frequencies(features, self.setting["p"])
            seed = seed_of(self.seed, self.name, norm, features, index)
            for draw in range(self.setting["draws"]):
                feature_map = estimator.draw(dim=self.setting["d"], m=m, seed=seed, trial=draw)
                estimate = favor_gradients(queries, keys, values, grad, feature_map)
                frames.append(_rows(estimate, exact, features, draw))
        return pd.concat(frames, ignore_index=True).assign(squared_norm=norm, input=index)

    def draw(self, data: Data) -> list[Drawing]:
        """Denominators and both gradients against the norm, and the rows' gradients at one norm."""
        frame = data["denominators"]
        canvas = style.canvas(11, 8)
        (denominators, rows), (queries, keys) = canvas.subplots(2, 2)
        for family in FAMILIES:
            own = frame[frame["features"] == family]
            _band(denominators, own, "denominator", (0.01, 0.05, 0.5, 0.95, 0.99), family)
            norms = own.groupby(["squared_norm", "input", "draw"], as_index=False)[["grad_q", "grad_k"]].first()
            _band(queries, norms, "grad_q", (0.05, 0.5, 0.95), family)
            _band(keys, norms, "grad_k", (0.05, 0.5, 0.95), family)
        denominators.set_yscale("symlog", linthresh=0.1, linscale=0.7)
        powers = 10.0 ** np.arange(0, 30, 2)
        ticks = [*-powers[::-1], 0.0, *powers]
        denominators.yaxis.set_major_locator(FixedLocator(ticks))
        denominators.axhline(0, color=style.REFERENCE, linewidth=0.8)
        denominators.set(
            ylabel="denominator / exact denominator",
            title="Denominators: median, 90 % and 98 % of rows, inputs, draws",
        )
        for axes, name in ((queries, "queries"), (keys, "keys")):
            axes.set_yscale("log")
            axes.axhline(FACTOR, color=style.REFERENCE, linestyle=":", linewidth=1.2)
            axes.set(
                ylabel="norm of the gradient / exact",
                title=f"Gradient of the {name}: median and 90 % of inputs, draws",
            )
        for axes in (denominators, queries, keys):
            axes.axhline(1, color=style.REFERENCE, linewidth=1)
            axes.set(xscale="log", xlabel="|q|² = |k|²")
            axes.set_xticks(self.setting["squared_norms"], [f"{v:g}" for v in self.setting["squared_norms"]])
            axes.minorticks_off()
        self._survival(rows, frame[frame["squared_norm"] == self._standard()])
        canvas.suptitle(
            f"Causal, L = {self.setting['L']}, d = {self.setting['d']}, p = {self.setting['p']} orthogonal features, "
            f"{self.setting['inputs']} inputs, {self.setting['draws']} draws each; elu + 1 has no draws",
            fontsize=10.5,
        )
        canvas.legend(*denominators.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            "Four panels. Denominators over exact ones against the squared norm of the inputs: those of trigonometric features spread to both "
            "sides of zero as the norm grows, positive ones fall below one, those of elu + 1 spread little. Norms of the gradients of queries and "
            "keys over exact ones: trigonometric ones grow by orders of magnitude. The share of rows with a gradient above a multiple of the exact one."
        )
        return [Drawing(self.name, canvas, alt)]

    def _standard(self) -> float:
        """Squared norm of standard normal inputs, after the division by d^(1/4)."""
        return float(np.sqrt(self.setting["d"]))

    def _survival(self, axes: Axes, frame: pd.DataFrame) -> None:
        exact = frame[frame["features"] == ELU]["row_exact"]
        curves = {family: frame[frame["features"] == family]["row_q"] for family in FAMILIES}
        for name, values in {**curves, "exact": exact}.items():
            ordered = np.sort(values.to_numpy())
            share = 1 - np.arange(ordered.size) / ordered.size
            axes.step(ordered, share, where="post", color=style.COLOURS.get(name, style.REFERENCE), label=name)
        axes.set(
            xscale="log",
            yscale="log",
            xlim=(1e-2, None),
            xlabel="gradient of one query / root mean square of the exact ones",
            ylabel="share of queries above it",
            title=f"Single queries at |q|² = {self._standard():g} (standard normal)",
        )
        axes.text(0.02, 0.03, "black: exact attention", transform=axes.transAxes, fontsize=8.5, color=style.REFERENCE)

    def verdicts(self, data: Data) -> list[Verdict]:
        """The claims at standard normal inputs, and where each family leaves the exact gradient."""
        frame = data["denominators"]
        return [judge(frame, family, self._standard()) for family in FAMILIES] + [
            _order(frame, self._standard()),
        ]

    def caption(self, data: Data) -> str:
        """What is seen."""
        frame = data["denominators"]
        most = frame["squared_norm"].max()
        shares = (
            frame[frame["features"] == "trigonometric"]
            .groupby("squared_norm")["denominator"]
            .agg(lambda d: (d <= 0).mean())
        )
        return (
            "The paper shows training curves (Fig 5, right: trigonometric features unstable; Fig 18: elu + 1 with unstable gradients); here is one step of what is behind them, "
            "without training: denominators, and the gradients of queries and keys for a normal gradient of the output, over those of exact attention. Training itself is not measured.\n"
            f"With trigonometric features {100 * shares[self._standard()]:.2g} % of the denominators are not positive at standard normal inputs (|q|² = {self._standard():g}) and {100 * shares[most]:.2g} % at {most:g}; "
            "the gradient holds the inverse of the denominator. With positive features no denominator can vanish against its own terms, but most of it comes from few features, so that its median falls below the exact one.\n"
            "elu + 1 [Katharopoulos20] has no softmax to estimate: its denominators are shown over their median ratio, since a common factor cancels in the output. Its features satisfy |d log φ / dx| ≤ 1, "
            "so that its gradients are bounded whatever the norm. Dotted: the factor at which the verdicts call a gradient unstable."
        )


class Gradients(NamedTuple):
    """Denominators (L,) and the gradients of queries and keys (L, d) of one attention."""

    denominators: Array
    queries: Array
    keys: Array


def favor_gradients(Q: Array, K: Array, V: Array, grad: Array, feature_map: bochner.FeatureMap) -> Gradients:
    """Those of causal attention by random features."""
    root = Q.shape[1] ** -0.25
    phi_q, phi_k = feature_map.transform(Q * root), feature_map.transform(K * root)
    denominators = (phi_q * phi_k.cumsum(axis=0)).sum(axis=1)
    queries, keys, _ = bochner.attention_vjp(Q, K, V, feature_map, grad, causal=True)
    return Gradients(denominators.astype(float), queries.astype(float), keys.astype(float))


def softmax_gradients(Q: Array, K: Array, V: Array, grad: Array) -> Gradients:
    """Those of exact causal attention, A = exp(q.k / sqrt d)."""
    scale = Q.shape[1] ** -0.5
    A = np.tril(np.exp(scale * Q @ K.T))
    denominators, scores = _scores(A, V, grad)
    dS = scores * A * scale
    return Gradients(denominators, dS @ K, dS.T @ Q)


def elu_gradients(Q: Array, K: Array, V: Array, grad: Array) -> Gradients:
    """Those of causal linear attention, A = phi(q).phi(k), phi(x) = elu(x) + 1 [Katharopoulos20, eq. 7]."""
    phi_q, phi_k = _elu(Q), _elu(K)
    denominators, dA = _scores(np.tril(phi_q @ phi_k.T), V, grad)
    # The slope is 1 above 0, and phi itself below.
    return Gradients(denominators, (dA @ phi_k) * np.minimum(phi_q, 1), (dA.T @ phi_q) * np.minimum(phi_k, 1))


def _elu(x: Array) -> Array:
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0)))


def _scores(A: Array, V: Array, grad: Array) -> tuple[Array, Array]:
    """Denominators D = A 1 and the gradient of A: dA_ij = g_i.(v_j - out_i) / D_i for j <= i."""
    denominators = A.sum(axis=1)
    out = A @ V / denominators[:, None]
    dA = (grad @ V.T - (grad * out).sum(axis=1, keepdims=True)) / denominators[:, None]
    return denominators, np.tril(dA)


def _rows(estimate: Gradients, exact: Gradients, features: str, draw: int) -> pd.DataFrame:
    """Evenly spaced rows, with the norms of the whole gradients beside them."""
    kept = np.linspace(0, len(exact.denominators) - 1, ROWS).round().astype(int)
    norms = {
        name: float(np.linalg.norm(own) / np.linalg.norm(true))
        for name, own, true in (
            ("grad_q", estimate.queries, exact.queries),
            ("grad_k", estimate.keys, exact.keys),
        )
    }
    size = np.sqrt(np.square(exact.queries).sum(axis=1).mean())
    return pd.DataFrame(
        {
            "features": features,
            "draw": draw,
            "row": kept,
            "denominator": (estimate.denominators / exact.denominators)[kept],
            "row_q": np.linalg.norm(estimate.queries[kept], axis=1) / size,
            "row_exact": np.linalg.norm(exact.queries[kept], axis=1) / size,
            **norms,
        }
    )


def _band(axes: Axes, frame: pd.DataFrame, column: str, levels: tuple[float, ...], family: str) -> None:
    """The median as a line, and pairs of quantiles as bands around it."""
    table = frame.groupby("squared_norm")[column].quantile(list(levels)).unstack()
    axes.plot(table.index, table[0.5], label=family, **style.line(family, "orthogonal"))
    for low, high in zip(levels, reversed(levels), strict=True):
        if low < 0.5:
            axes.fill_between(
                table.index, table[low], table[high], color=style.COLOURS[family], alpha=0.16, linewidth=0
            )


def _high(frame: pd.DataFrame, family: str, norm: float) -> pd.Series:
    """For each input the 95 % quantile over draws of the gradient norm, over the exact one; the larger of queries' and keys'."""
    own = frame[(frame["features"] == family) & (frame["squared_norm"] == norm)]
    norms = own.groupby(["input", "draw"])[["grad_q", "grad_k"]].first()
    return norms.groupby("input").quantile(0.95).max(axis=1)


def gradient_size(frame: pd.DataFrame, family: str, norm: float) -> Interval:
    """Geometric mean over the inputs of `_high`."""
    high = _high(frame, family, norm)
    return paired_ratio(high, np.ones(len(high)))


def judge(frame: pd.DataFrame, family: str, norm: float) -> Verdict:
    """Whether gradients of a family are unstable, at one norm."""
    size = gradient_size(frame, family, norm)
    by_norm: Mapping[float, Interval] = {
        float(value): gradient_size(frame, family, value) for value in sorted(frame["squared_norm"].unique())
    }
    course = ", ".join(f"{interval.value:.2g} at {value:g}" for value, interval in by_norm.items())
    statement, outcome = {
        "trigonometric": ("Trigonometric features are unstable", above(size.low, size.high, FACTOR)),
        "positive": ("Positive features are stable", below(size.low, size.high, FACTOR)),
        ELU: ("elu + 1 has unstable gradients", above(size.low, size.high, FACTOR)),
    }[family]
    claim = {"trigonometric": "Fig 5 right", "positive": "Fig 5 right", ELU: "Fig 18"}[family]
    own = frame[(frame["features"] == family) & (frame["squared_norm"] == norm)]
    nonpositive = (
        f" {100 * (own['denominator'] <= 0).mean():.2g} % of the denominators are not positive."
        if family in RANDOM
        else ""
    )
    draws = "the 95 % quantile over draws of the" if family in RANDOM else "the"
    return Verdict(
        f"{claim}, {family}",
        f"{statement}: here, {draws} gradient's norm is {'less' if family == 'positive' else 'more'} than {FACTOR:g} times that of exact attention at standard normal inputs.",
        f"norm of the gradient / exact = {size}",
        size.value,
        size.low,
        size.high,
        outcome,
        f"The larger of queries and keys; geometric mean over inputs with its Student interval. By |q|²: {course}.{nonpositive}",
    )


def _order(frame: pd.DataFrame, norm: float) -> Verdict:
    ratio = paired_ratio(_high(frame, "trigonometric", norm), _high(frame, "positive", norm))
    return Verdict(
        "Fig 5 right, positive < trigonometric",
        "Positive features have the smaller gradients, one step in twenty, at standard normal inputs.",
        f"norm(positive) / norm(trigonometric) = {Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low)}",
        1 / ratio.value,
        1 / ratio.high,
        1 / ratio.low,
        below(1 / ratio.high, 1 / ratio.low, 1.0),
        "95 % quantiles over draws, paired by input, at equal numbers of features.",
    )
