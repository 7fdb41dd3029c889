"""Fig 4: output error of attention by random features against the number of frequencies."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bochner.reproduce import style
from bochner.reproduce.attention_runs import FEATURES, compare, input_seed, inputs, measure
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import seed_of
from bochner.reproduce.verdict import Verdict, below

COUPLINGS = ("iid", "orthogonal")

#: The experiment gives five quantiles over draws and no mean where none exists. Of five draws the
#: quantiles are the draws themselves, so that the paper's mean can be printed all the same; more
#: draws come in batches of five.
BATCH = 5
QUANTILES = ["q05", "q25", "median", "q75", "q95"]


class Fig4(Figure):
    """The paper's figure, with what it leaves out: medians, hyperbolic features, uniform averaging."""

    name = "fig4"
    title = "Fig 4: error of the attention output"
    claims = ("Fig 4",)
    sizes = {
        "quick": {"L": 256, "d": 16, "m": [16, 64, 256], "inputs": 15, "draws": 5},
        "default": {"L": 1024, "d": 16, "m": [16, 32, 64, 128, 256], "inputs": 15, "draws": 15},
        "full": {
            "L": 4096,
            "d": 16,
            "m": [16, 32, 64, 96, 128, 160, 192, 224, 256],
            "inputs": 15,
            "draws": 40,
        },
    }

    def parts(self) -> list[Part]:
        """A part an estimator and an input."""
        cases = itertools.product(range(self.setting["inputs"]), FEATURES, COUPLINGS)
        return [
            Part("fig4", f"{features}-{coupling}-{index}", partial(self._measure, index, features, coupling))
            for index, features, coupling in cases
        ]

    def _measure(self, index: int, features: str, coupling: str) -> pd.DataFrame:
        d = self.setting["d"]
        # Standard normal rows: |q|^2 is sqrt(d) after the division by d^(1/4).
        arrays = inputs(input_seed(self.seed, index), self.setting["L"], d, np.sqrt(d))
        batches = []
        for batch in range(self.setting["draws"] // BATCH):
            seed = seed_of(self.seed, self.name, index, features, coupling, batch)
            frame = measure(features, coupling, self.setting["m"], arrays=arrays, trials=BATCH, seed=seed)
            batches.append(frame.assign(batch=batch, sample_mean=frame[QUANTILES].mean(axis=1)))
        return pd.concat(batches, ignore_index=True).assign(input=index)

    def draw(self, data: Data) -> list[Drawing]:
        """Left as the paper prints it, then medians, and those of the exponential families close up."""
        frame = data["fig4"]
        canvas = style.canvas(11, 4.8)
        left, middle, right = canvas.subplots(1, 3)
        for features, coupling in itertools.product(FEATURES, COUPLINGS):
            rows = frame[(frame["features"] == features) & (frame["coupling"] == coupling)]
            _draw_mean(left, rows, features, coupling)
            _draw_median(middle, rows, features, coupling)
            if features != "trigonometric":
                _draw_median(right, rows, features, coupling, band=False)
        uniform = float(frame.groupby("input")["uniform_mse"].first().median())
        for axes in (left, middle, right):
            axes.axhline(uniform, color=style.COLOURS["uniform averaging"], linestyle="-.", label="uniform averaging")
            axes.set(xscale="log", xlabel="frequencies m")
            axes.set_xticks(self.setting["m"], [str(m) for m in self.setting["m"]], fontsize=8)
            axes.minorticks_off()
        left.set(yscale="log", ylabel="mean squared error of the output", title="As printed: mean ± std over inputs")
        middle.set(yscale="log", title="Median and 80 % range over inputs")
        right.set(title="Medians, without trigonometric")
        right.set_ylim(bottom=0)
        canvas.suptitle(
            f"L = {self.setting['L']}, d = {self.setting['d']}, standard normal Q, K, V, {self.setting['inputs']} inputs, "
            f"{self.setting['draws']} draws each",
            fontsize=10.5,
        )
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
        alt = (
            "Error of the attention output against the number of frequencies for six estimators, beside "
            "uniform averaging. Positive features lie below trigonometric ones, and uniform averaging lies "
            "below all of them or near the best."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """Orthogonal against iid for each family, positive against trigonometric, and all against nothing."""
        frame = data["fig4"]
        found = []
        for features in FEATURES:
            rows = frame[frame["features"] == features]
            ratio = compare(rows[rows["coupling"] == "orthogonal"], rows[rows["coupling"] == "iid"], ["m", "batch"])
            found.append(
                Verdict(
                    f"Fig 4, orthogonal < iid, {features}",
                    f"Orthogonal frequencies have the smaller error ({features}).",
                    f"MSE(orthogonal) / MSE(iid) = {ratio}",
                    ratio.value,
                    ratio.low,
                    ratio.high,
                    below(ratio.low, ratio.high, 1.0),
                    "Geometric mean over m of the ratio of medians over five draws, paired by input; Student interval over the inputs.",
                )
            )
        orthogonal = frame[frame["coupling"] == "orthogonal"]
        ratio = compare(_of(orthogonal, "positive"), _of(orthogonal, "trigonometric"), ["m", "batch"])
        nonpositive = _of(frame, "trigonometric")["p_nonpositive"]
        found.append(
            Verdict(
                "Fig 4, positive < trigonometric",
                "Positive features have the smaller error than trigonometric ones.",
                f"MSE(positive) / MSE(trigonometric) = {ratio} at equal m, orthogonal",
                ratio.value,
                ratio.low,
                ratio.high,
                below(ratio.low, ratio.high, 1.0),
                "Medians over draws, paired by input: with trigonometric features the denominator has a density at 0 "
                f"({100 * nonpositive.mean():.2g} % of the denominators were not positive), so that the mean the paper prints does not exist. "
                "Equal m gives trigonometric features twice the columns.",
            )
        )
        most = orthogonal["m"].max()
        best = _of(orthogonal, "positive")
        best = best[best["m"] == most]
        ratio = compare(best, best.assign(median=best["uniform_mse"]), ["m", "batch"])
        found.append(
            Verdict(
                "Fig 4, baseline",
                "Not in the paper: at this norm the estimate is better than uniform averaging, which ignores queries and keys.",
                f"MSE(positive, orthogonal, m = {most}) / MSE(uniform averaging) = {ratio}",
                ratio.value,
                ratio.low,
                ratio.high,
                below(ratio.low, ratio.high, 1.0),
                "So an order among estimators here is an order among failures." if ratio.low >= 1 else "",
            )
        )
        return found

    def caption(self, data: Data) -> str:
        """What is seen."""
        sizes = (
            "These are the paper's sizes."
            if self.setting["L"] == 4096
            else f"The paper has L = 4096, which --full runs; here L = {self.setting['L']}."
        )
        return (
            "Mean squared difference of attention by random features and exact softmax attention. Filled marks and full lines: "
            f"orthogonal; open marks and dashes: iid. {sizes}\n"
            "Left: the mean over the draws of an input, its mean and standard deviation over the inputs. For trigonometric "
            "features (crosses) neither exists: what is drawn is a sample mean of something without an expectation, and would be another in the next run. "
            "Middle: the median over draws; it exists for all. Right: the same for positive and hyperbolic features on a linear axis."
        )


def _of(frame: pd.DataFrame, features: str) -> pd.DataFrame:
    return frame[frame["features"] == features]


def _draw_mean(axes: Axes, rows: pd.DataFrame, features: str, coupling: str) -> None:
    table = rows.groupby(["m", "input"])["sample_mean"].mean().groupby("m").agg(["mean", "std"])
    look = style.line(features, coupling)
    label = f"{features}, {coupling}"
    if features == "trigonometric":
        look["marker"] = "x"
        label += " (mean does not exist)"
    # A deviation larger than the mean has no lower end on a logarithmic axis.
    lower = np.minimum(table["std"], table["mean"] * 0.9)
    axes.errorbar(
        table.index, table["mean"], yerr=[lower, table["std"]], capsize=2, elinewidth=0.8, label=label, **look
    )


def _draw_median(axes: Axes, rows: pd.DataFrame, features: str, coupling: str, band: bool = True) -> None:
    inputs_alone = rows.groupby(["m", "input"])["median"].median()
    table = inputs_alone.groupby("m").quantile([0.1, 0.5, 0.9]).unstack()
    axes.plot(table.index, table[0.5], **style.line(features, coupling))
    if band:
        axes.fill_between(table.index, table[0.1], table[0.9], color=style.COLOURS[features], alpha=0.12, linewidth=0)
