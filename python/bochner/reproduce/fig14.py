"""Fig 14: output error of a network with FAVOR attention against the number of its layers."""

from __future__ import annotations

import itertools
import warnings
from functools import cache, partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

import bochner
from bochner.reproduce import networks, optional, style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.networks import Array, Network
from bochner.reproduce.statistics import Interval, paired_ratio, seed_of
from bochner.reproduce.verdict import Verdict, above, below

ESTIMATORS = (("trigonometric", "orthogonal"), ("positive", "orthogonal"), ("positive", "iid"))
UNIFORM = "uniform averaging"

#: The layer norm stands before attention and MLP in the paper's code, after the residual in BERT and MiniLM.
KINDS = {
    "random": "random weights, norm first",
    "random-post": "random weights, norm last",
    "pretrained": "pretrained MiniLM (norm last)",
}


class Fig14(Figure):
    """Every layer's attention replaced, and each layer's alone, for random and pretrained weights."""

    name = "fig14"
    title = "Fig 14: error of a whole network against its depth"
    claims = ("Fig 14",)
    sizes = {
        "quick": {"passages": 6, "L": 48, "random_layers": 4, "p": [256], "draws": 1},
        "default": {"passages": 8, "L": 128, "random_layers": 8, "p": [64, 256], "draws": 3},
        "full": {"passages": 24, "L": 256, "random_layers": 24, "p": [64, 256, 1024], "draws": 10},
    }

    def skip(self) -> str | None:
        """It runs a model of transformers."""
        return optional.missing(*networks.NEEDS)

    def parts(self) -> list[Part]:
        """A part a network and an estimator; uniform averaging has no draws."""
        made = []
        for kind in KINDS:
            weight = (6 if kind == "pretrained" else self.setting["random_layers"]) / 10
            made.append(Part("fig14", f"{kind}-uniform", partial(self._measure_uniform, kind), weight))
            made += [
                Part(
                    "fig14",
                    f"{kind}-{features}-{coupling}-{p}",
                    partial(self._measure, kind, features, coupling, p),
                    weight * self.setting["draws"],
                )
                for (features, coupling), p in itertools.product(ESTIMATORS, self.setting["p"])
            ]
        return made

    def _network(self, kind: str) -> tuple[Network, list[Array]]:
        return _exact_run(
            kind,
            self.setting["random_layers"],
            seed_of(self.seed, self.name, "weights"),
            self.setting["passages"],
            self.setting["L"],
        )

    def _measure_uniform(self, kind: str) -> pd.DataFrame:
        rows = _errors(*self._network(kind), networks.uniform)
        return rows.assign(network=kind, features=UNIFORM, coupling="", p=0, draw=0)

    def _measure(self, kind: str, features: str, coupling: str, p: int) -> pd.DataFrame:
        network, states = self._network(kind)
        frames = []
        for draw in range(self.setting["draws"]):
            seed = seed_of(self.seed, self.name, kind, features, coupling, p, draw)
            rows = _errors(network, states, _Favor(features, coupling, p, seed))
            frames.append(rows.assign(network=kind, features=features, coupling=coupling, p=p, draw=draw))
        return pd.concat(frames, ignore_index=True)

    def draw(self, data: Data) -> list[Drawing]:
        """A column a network: above all layers replaced, below a single one."""
        frame = data["fig14"]
        p = max(self.setting["p"])
        canvas = style.canvas(12, 7.4)
        panels = canvas.subplots(2, len(KINDS), sharey="row", sharex="col")
        for column, (kind, name) in enumerate(KINDS.items()):
            above_axes, below_axes = panels[:, column]
            own = frame[frame["network"] == kind]
            _panel(above_axes, own, "together", p)
            _panel(below_axes, own, "alone", p)
            above_axes.set_title(f"{name[0].upper()}{name[1:]}")
            below_axes.set(xlabel="layer", xticks=np.arange(1, own["layer"].max() + 1))
        panels[0][0].set_ylabel("error, FAVOR in all layers\nup to this one")
        panels[1][0].set_ylabel("error, FAVOR in this layer alone,\nits input exact")
        canvas.suptitle(
            "Squared error of the hidden state / its squared norm: median and 80 % range over "
            f"{self.setting['passages']} passages of {self.setting['L']} tokens\n"
            f"12 heads of d = 32, p = {p} features, {self.setting['draws']} "
            f"{'draw' if self.setting['draws'] == 1 else 'draws'} each",
            fontsize=10.5,
        )
        canvas.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
        alt = (
            "Squared relative error of the hidden states against the layer in three networks, two with random and one with pretrained "
            "weights; above with attention by random features in every layer up to that one, below in one layer alone. Lines for three "
            "estimators, for uniform averaging, and for giving all tokens the same state."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """Growth with depth for every estimator, and the estimate beside uniform averaging."""
        frame = data["fig14"]
        p = max(self.setting["p"])
        found = []
        for kind, name in KINDS.items():
            own = frame[frame["network"] == kind]
            found += [judge_growth(own, name, features, coupling, p) for features, coupling in ESTIMATORS]
            found.append(_beside_uniform(own, name, p))
        return found

    def caption(self, data: Data) -> str:
        """What is seen."""
        frame = data["fig14"]
        alike = _medians(frame[frame["network"] == "random-post"], UNIFORM, "", 0).groupby("layer")["alike"].median()
        return (
            "Squared difference of the hidden state after a layer from that of the same network with exact attention, over its squared norm, summed over the tokens of a passage. "
            "Dotted: the error of giving every token the passage's mean state; above it, the error is larger than what tells tokens apart. "
            "A network of n layers is the first n layers of the deep one. Filled marks and full lines: orthogonal; open marks and dashes: iid.\n"
            "Random weights are uniform by Glorot's rule, with the layer norm before attention and MLP as in the paper's code, and after the residual as in BERT; pretrained is all-MiniLM-L6-v2. "
            "All have width 384, 12 heads and an MLP of 1536, and read Jane Austen. Each passage and layer has a draw of its own.\n"
            "Below is what one layer contributes. With random weights and the norm last, averaging makes the tokens alike: the dotted line falls from "
            f"{alike.iloc[0]:.2g} to {alike.iloc[-1]:.2g}, and with it all that an error of attention can do; compare with that line before reading a falling error as a good one."
        )


class _Favor:
    """Attention by random features: a fresh map for each layer and passage, one for all heads."""

    def __init__(self, features: str, coupling: str, p: int, seed: int) -> None:
        self._estimator = bochner.Estimator("softmax", features, coupling)
        self._m = p if features == "positive" else p // 2
        self._seed = seed

    def __call__(self, layer: int, Q: Array, K: Array, V: Array) -> Array:
        out = np.empty_like(V)
        for index, arrays in enumerate(zip(Q, K, V, strict=True)):
            if not all(np.isfinite(array).all() for array in arrays):
                # A layer before this one has left single precision: nothing can be computed of it.
                out[index] = np.nan
                continue
            trial = layer * len(Q) + index
            feature_map = self._estimator.draw(dim=Q.shape[-1], m=self._m, seed=self._seed, trial=trial)
            with warnings.catch_warnings():
                # Quantiles are shown, which a denominator near zero does not disturb.
                warnings.simplefilter("ignore", bochner.NonPositiveDenominatorWarning)
                out[index] = bochner.attention(*arrays, feature_map)
        return out


@cache
def _exact_run(kind: str, layers: int, seed: int, passages: int, length: int) -> tuple[Network, list[Array]]:
    """The network and its hidden states with exact attention."""
    if kind == "pretrained":
        network = networks.pretrained()
    else:
        network = networks.random_weights(layers, seed, norm_first=kind == "random")
    return network, network.hidden(networks.tokens(passages, length), networks.exact)


def _errors(network: Network, states: list[Array], attend: networks.Attend) -> pd.DataFrame:
    """A row a layer and passage: error after all layers up to this one, and after this one alone."""
    together = states[0]
    frames = []
    for index in range(network.layers):
        together = network.layer(index, together, attend)
        alone = network.layer(index, states[index], attend)
        right = states[index + 1]
        alike = np.broadcast_to(right.mean(axis=1, keepdims=True), right.shape)
        errors = {"together": together, "alone": alone, "alike": alike}
        frames.append(
            pd.DataFrame(
                {"layer": index + 1, "input": np.arange(len(right))}
                | {name: relative_error(state, right) for name, state in errors.items()}
            )
        )
    return pd.concat(frames, ignore_index=True)


def relative_error(state: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[np.float64]:
    """Sum of squares of state - right over that of right; (n, L, width) -> (n,).

    What is not finite counts as an infinite error.
    """
    right = right.astype(np.float64)
    error = np.square(state - right).sum(axis=(1, 2))
    ratio: NDArray[np.float64] = np.where(np.isfinite(error), error, np.inf) / np.square(right).sum(axis=(1, 2))
    return ratio


def _medians(frame: pd.DataFrame, features: str, coupling: str, p: int) -> pd.DataFrame:
    """Median over the draws for each layer and input."""
    own = frame[(frame["features"] == features) & (frame["coupling"] == coupling) & (frame["p"] == p)]
    return own.groupby(["layer", "input"])[["together", "alone", "alike"]].median().reset_index()


def _panel(axes: Axes, frame: pd.DataFrame, column: str, p: int) -> None:
    for features, coupling in ESTIMATORS:
        table = _medians(frame, features, coupling, p).groupby("layer")[column].quantile([0.1, 0.5, 0.9]).unstack()
        look = style.line(features, coupling)
        axes.plot(table.index, table[0.5], label=f"{features}, {coupling}", **look)
        axes.fill_between(table.index, table[0.1], table[0.9], color=look["color"], alpha=0.12, linewidth=0)
    table = _medians(frame, UNIFORM, "", 0).groupby("layer").median()
    axes.plot(table.index, table[column], color=style.COLOURS[UNIFORM], linestyle="-.", marker=".", label=UNIFORM)
    axes.plot(table.index, table["alike"], color=style.REFERENCE, linestyle=":", label="tokens all alike")
    axes.set_yscale("log")


def _ratio(frame: pd.DataFrame, first: int, last: int) -> Interval:
    """Error after `last` layers over that after `first`, geometric mean over the inputs."""
    table = frame.pivot(index="input", columns="layer", values="together")
    return paired_ratio(table[last], table[first])


def judge_growth(frame: pd.DataFrame, name: str, features: str, coupling: str, p: int) -> Verdict:
    """Whether the error of one estimator grows from the first layer to the last, in one network."""
    own = _medians(frame, features, coupling, p)
    depth = int(own["layer"].max())
    ratio = _ratio(own, 1, depth)
    by_layer = own.groupby("layer")["together"].median()
    alike = own.groupby("layer")["alike"].median()
    rises = int((by_layer.diff().dropna() > 0).sum())
    return Verdict(
        f"Fig 14, {name}, {features}, {coupling}",
        "The output error grows with depth.",
        f"error after {depth} layers / after 1 = {ratio}",
        ratio.value,
        ratio.low,
        ratio.high,
        above(ratio.low, ratio.high, 1.0),
        f"Geometric mean over passages of medians over draws, p = {p}; Student interval. The median goes from {by_layer[1]:.2g} "
        f"to {by_layer[depth]:.2g} and rises at {rises} of {depth - 1} layers; what tells the tokens apart goes from {alike[1]:.2g} to {alike[depth]:.2g}.",
    )


def _beside_uniform(frame: pd.DataFrame, name: str, p: int) -> Verdict:
    best = _medians(frame, "positive", "orthogonal", p)
    nothing = _medians(frame, UNIFORM, "", 0)
    depth = int(best["layer"].max())
    last = [rows[rows["layer"] == depth].set_index("input")["together"] for rows in (best, nothing)]
    ratio = paired_ratio(*last)
    return Verdict(
        f"Fig 14, {name}, baseline",
        "Not in the paper: after all layers the estimate is better than uniform averaging in every layer.",
        f"error(positive, orthogonal, p = {p}) / error(uniform averaging) = {ratio} after {depth} layers",
        ratio.value,
        ratio.low,
        ratio.high,
        below(ratio.low, ratio.high, 1.0),
        "Paired by passage.",
    )
