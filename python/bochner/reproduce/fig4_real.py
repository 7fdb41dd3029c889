"""Fig 4 on the queries, keys and values of a pretrained model that reads real text."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from scipy import stats

import bochner
from bochner.reproduce import real_heads, style
from bochner.reproduce.attention_runs import FEATURES, frequencies
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, mean_interval, paired_ratio, seed_of
from bochner.reproduce.verdict import FAILS, HOLDS, Verdict, below

COUPLINGS = ("iid", "orthogonal")
HEAD = ["layer", "head"]


class Fig4Real(Figure):
    """Every head of MiniLM at equal feature counts, beside uniform averaging."""

    name = "fig4_real"
    title = "Fig 4 on real queries, keys and values: every head of MiniLM"
    claims = ("Fig 4",)
    sizes = {
        "quick": {"p": [32, 256], "passages": 4, "draws": 3},
        "default": {"p": [32, 64, 128, 256, 512], "passages": 10, "draws": 5},
        "full": {"p": [32, 64, 128, 256, 512, 1024, 2048, 4096], "passages": 32, "draws": 15},
    }

    def skip(self) -> str | None:
        """What has to be installed, where it is not."""
        return real_heads.missing()

    def parts(self) -> list[Part]:
        """A part a passage, for the heads themselves and for each family."""
        passages = range(self.setting["passages"])
        described = [Part("fig4_real_heads", f"heads-{i}", partial(self._describe, i), 0.2) for i in passages]
        measured = [
            Part("fig4_real", f"{features}-{i}", partial(self._measure, i, features))
            for i, features in itertools.product(passages, FEATURES)
        ]
        return [*described, *measured]

    def _describe(self, index: int) -> pd.DataFrame:
        query, key, _ = real_heads.heads(index)
        columns = {name: values.ravel() for name, values in real_heads.sharpness(query, key).items()}
        layers, heads = np.indices(query.shape[:2]).reshape(2, -1)
        return pd.DataFrame({"input": index, "layer": layers, "head": heads, **columns})

    def _measure(self, index: int, features: str) -> pd.DataFrame:
        query, key, value = real_heads.heads(index)
        frames = []
        for coupling in COUPLINGS:
            frame = bochner.experiments.attention(
                bochner.Estimator("softmax", features, coupling),
                query,
                key,
                value,
                m=[frequencies(features, p) for p in self.setting["p"]],
                trials=self.setting["draws"],
                seed=seed_of(self.seed, self.name, index, features, coupling),
            )
            frames.append(frame.assign(features=features, coupling=coupling, input=index))
        return pd.concat(frames, ignore_index=True).rename(columns={"batch": "layer"})

    def draw(self, data: Data) -> list[Drawing]:
        """Errors over that of averaging: against p, by head, and against what makes a head hard."""
        frame = _relative(data["fig4_real"])
        return [self._draw_errors(frame), self._draw_reasons(frame, data["fig4_real_heads"])]

    def _draw_errors(self, frame: pd.DataFrame) -> Drawing:
        canvas = style.canvas(10, 4.8)
        left, right = canvas.subplots(1, 2, width_ratios=(1, 1.15))
        for features, coupling in itertools.product(FEATURES, COUPLINGS):
            rows = frame[(frame["features"] == features) & (frame["coupling"] == coupling)]
            table = _by_head(rows, ["p"]).groupby("p").quantile([0.1, 0.5, 0.9]).unstack()
            left.plot(table.index, table[0.5], label=f"{features}, {coupling}", **style.line(features, coupling))
            if coupling == "orthogonal":
                left.fill_between(
                    table.index, table[0.1], table[0.9], color=style.COLOURS[features], alpha=0.15, linewidth=0
                )
        left.axhline(1, color=style.COLOURS["uniform averaging"], linestyle="-.", label="uniform averaging")
        left.set(
            xscale="log",
            yscale="log",
            xlabel="features p",
            ylabel="MSE / MSE of uniform averaging",
            title=f"Median and 80 % range over {real_heads.LAYERS * real_heads.HEADS} heads",
        )
        left.set_xticks(self.setting["p"], [str(p) for p in self.setting["p"]], fontsize=8)
        left.minorticks_off()
        self._draw_best(right, frame)
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        alt = (
            "Left: error over that of uniform averaging against the number of features for six estimators, median "
            "and range over the heads. Right: for each layer and head the best of the three families and its error over "
            "that of uniform averaging."
        )
        return Drawing(self.name, canvas, alt)

    def _draw_best(self, axes: Axes, frame: pd.DataFrame) -> None:
        most = self.setting["p"][-1]
        rows = frame[(frame["p"] == most) & (frame["coupling"] == "orthogonal")]
        table = _by_head(rows, ["features"]).unstack("features")
        values = np.log10(table.min(axis=1).to_numpy()).reshape(real_heads.LAYERS, real_heads.HEADS)
        names = table.idxmin(axis=1).to_numpy().reshape(values.shape)
        image = axes.imshow(values, cmap="RdBu_r", vmin=-2, vmax=2, aspect="auto")
        for (layer, head), name in np.ndenumerate(names):
            dark = abs(values[layer, head]) > 1.2
            axes.text(
                head, layer, name[0].upper(), ha="center", va="center", fontsize=8, color="white" if dark else "black"
            )
        axes.grid(False)
        axes.set(
            xlabel="head",
            ylabel="layer",
            title=f"Best family of a head (T, P, H) at p = {most}: red loses to averaging",
        )
        axes.set_xticks(range(real_heads.HEADS))
        axes.set_yticks(range(real_heads.LAYERS))
        axes.figure.colorbar(image, ax=axes, label="log10(MSE / MSE of averaging)", extend="both")

    def _draw_reasons(self, frame: pd.DataFrame, described: pd.DataFrame) -> Drawing:
        canvas = style.canvas(10, 4.2)
        panels = canvas.subplots(1, 3)
        table = _reasons(frame, described, self.setting["p"][-1])
        pictures = (
            ("difference2", "|q − k|² of the keys that count", ("trigonometric",)),
            ("sum2", "|q + k|² of the keys that count", ("positive", "hyperbolic")),
            ("keys", "keys that count, exp(entropy)", FEATURES),
        )
        for axes, (column, label, families) in zip(panels, pictures, strict=True):
            for features in families:
                axes.scatter(
                    table[column],
                    table[features],
                    s=16,
                    alpha=0.8,
                    color=style.COLOURS[features],
                    marker=style.MARKERS[features],
                    label=features,
                )
            axes.axhline(1, color=style.COLOURS["uniform averaging"], linestyle="-.")
            axes.set(xscale="log", yscale="log", xlabel=label)
            ranks = [f"{name[0].upper()} {_rank(table, column, name):+.2f}" for name in families]
            axes.set_title("rank correlation: " + ", ".join(ranks), fontsize=9)
            axes.xaxis.set_minor_formatter(NullFormatter())
            axes.yaxis.set_minor_formatter(NullFormatter())
        panels[0].set_ylabel(f"MSE / MSE of averaging, p = {self.setting['p'][-1]}")
        canvas.legend(*panels[2].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            "Three scatter plots of the heads: error over that of uniform averaging against the squared distance of "
            "query and key, against that of query and opposite key, and against the number of keys that count."
        )
        return Drawing("fig4_real_heads", canvas, alt)

    def verdicts(self, data: Data) -> list[Verdict]:
        """Who wins, against each other and against averaging, over all heads and head by head."""
        frame = _relative(data["fig4_real"])
        most = frame[frame["p"] == self.setting["p"][-1]]
        orthogonal = most[most["coupling"] == "orthogonal"]
        found = [self._judge_families(orthogonal)]
        found += [self._judge_baseline(orthogonal, features) for features in FEATURES]
        found += [self._judge_coupling(most, features) for features in FEATURES]
        return found

    def _judge_families(self, rows: pd.DataFrame) -> Verdict:
        logs = _pairs(rows, "features", "positive", "trigonometric")
        ratio = _over_heads(logs)
        wins = _outcomes(logs)
        return Verdict(
            "Real heads, positive < trigonometric",
            f"Positive features have the smaller error than trigonometric ones, at p = {self.setting['p'][-1]}, orthogonal.",
            f"MSE(positive) / MSE(trigonometric) = {ratio}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            f"Geometric mean over the heads; the interval is over passages. Head by head positive wins in {wins[HOLDS]} of {sum(wins.values())}, "
            f"trigonometric in {wins[FAILS]}.",
        )

    def _judge_baseline(self, rows: pd.DataFrame, features: str) -> Verdict:
        own = rows[rows["features"] == features]
        logs = np.log(own.set_index(["input", *HEAD])["relative"])
        ratio = _over_heads(logs)
        wins = _outcomes(logs)
        return Verdict(
            f"Real heads, baseline, {features}",
            f"Not in the paper: {features} features beat uniform averaging, which ignores queries and keys.",
            f"MSE({features}, orthogonal, p = {self.setting['p'][-1]}) / MSE(uniform averaging) = {ratio}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            f"Head by head they beat it in {wins[HOLDS]} of {sum(wins.values())} and lose to it in {wins[FAILS]}.",
        )

    def _judge_coupling(self, rows: pd.DataFrame, features: str) -> Verdict:
        logs = _pairs(rows[rows["features"] == features], "coupling", "orthogonal", "iid")
        ratio = _over_heads(logs)
        wins = _outcomes(logs)
        return Verdict(
            f"Real heads, orthogonal < iid, {features}",
            f"Orthogonal frequencies have the smaller error ({features}).",
            f"MSE(orthogonal) / MSE(iid) = {ratio} at p = {self.setting['p'][-1]}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            f"Head by head orthogonal wins in {wins[HOLDS]} of {sum(wins.values())}, iid in {wins[FAILS]}.",
        )

    def caption(self, data: Data) -> str:
        """What is seen."""
        most = self.setting["p"][-1]
        frame = _relative(data["fig4_real"])
        rows = frame[(frame["p"] == most) & (frame["coupling"] == "orthogonal")]
        table = _by_head(rows, ["features"]).unstack("features")
        lost = int((table.min(axis=1) > 1).sum())
        heads = data["fig4_real_heads"].groupby(HEAD).mean()
        return (
            f"Queries, keys and values of all {real_heads.LAYERS} × {real_heads.HEADS} heads (d = {real_heads.DIM}) of MiniLM (all-MiniLM-L6-v2) reading "
            f"{self.setting['passages']} passages of {real_heads.TOKENS} tokens, each from one of Jane Austen's novels. "
            f"The error of a head is the median over {self.setting['draws']} draws of the mean squared difference to exact attention, divided by that of averaging all values; "
            "the sampling unit is the passage.\n"
            f"At p = {most} all three families lose to averaging in {lost} of {len(table)} heads (geometric mean over passages). "
            f"After the division by d^(1/4) the heads have a mean |q|² from {heads['q2'].min():.1f} to {heads['q2'].max():.0f} and a mean |k|² from {heads['k2'].min():.1f} to {heads['k2'].max():.0f}; "
            f"the number of keys that count, the exponential of the entropy of the weights, goes from {heads['keys'].min():.1f} to {heads['keys'].max():.0f}. "
            "The variance of one frequency is about e^|q+k|² for positive features and e^|q−k|² for trigonometric ones, in units of the kernel squared: "
            "the lower picture draws the error of a head against these exponents, weighted as attention weighs its keys, and against its sharpness. "
            "Trigonometric denominators have either sign in all heads; the mean over the queries of a head is then that of the one whose denominator comes nearest to 0, whatever the head."
        )


def _relative(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(relative=frame["median"] / frame["uniform_mse"])


def _by_head(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    """Geometric mean over passages of the relative error of a head."""
    logs = np.log(rows["relative"]).groupby([rows[key] for key in [*keys, *HEAD]]).mean()
    return np.exp(logs)


def _pairs(rows: pd.DataFrame, column: str, first: str, second: str) -> pd.Series:
    """Log ratio of the errors of two estimators, by passage and head."""
    keyed = rows.set_index(["input", *HEAD, column])["median"].unstack(column)
    return np.log(keyed[first] / keyed[second])


def _over_heads(logs: pd.Series) -> Interval:
    """Geometric mean over heads, with the interval over passages."""
    return paired_ratio(np.exp(logs.groupby("input").mean()), np.ones(logs.index.get_level_values("input").nunique()))


def _outcomes(logs: pd.Series) -> dict[str, int]:
    """How many heads have which outcome of "less", each by its own interval over passages."""
    counts = {HOLDS: 0, FAILS: 0, "undecided": 0}
    for _, values in logs.groupby(HEAD):
        interval = mean_interval(values)
        counts[below(interval.low, interval.high, 0.0)] += 1
    return counts


def _reasons(frame: pd.DataFrame, described: pd.DataFrame, p: int) -> pd.DataFrame:
    """Relative error by family, and what describes the head, a row a head."""
    rows = frame[(frame["p"] == p) & (frame["coupling"] == "orthogonal")]
    return _by_head(rows, ["features"]).unstack("features").join(described.groupby(HEAD).mean())


def _rank(table: pd.DataFrame, column: str, features: str) -> float:
    return float(stats.spearmanr(table[column], table[features]).statistic)
