"""Real input: the gaussian kernel's Gram matrix on the digits of scikit-learn."""

from __future__ import annotations

import itertools
from functools import cache, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.metrics import pairwise_distances

import bochner
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, seed_of
from bochner.reproduce.verdict import Verdict, below, consistent

FEATURES = ("trigonometric", "positive", "hyperbolic")
COUPLINGS = ("iid", "orthogonal")


@cache
def pixels() -> NDArray[np.float64]:
    """All 1,797 images as rows of 64 raw pixels."""
    return np.asarray(load_digits().data, dtype=float)


@cache
def bandwidth() -> float:
    """Median distance of two different images."""
    distances = pairwise_distances(pixels())
    return float(np.median(distances[np.triu_indices_from(distances, k=1)]))


class Digits(Figure):
    """Measured and predicted error of the whole Gram matrix."""

    name = "digits"
    title = "Real input: the Gram matrix of handwritten digits"
    claims = ("Theorem 2", "Lemma 2")
    sizes = {
        "quick": {"images": 500, "m": [16, 64, 256], "trials": 6},
        "default": {"images": 1797, "m": [16, 32, 64, 128, 256], "trials": 10},
        "full": {"images": 1797, "m": [16, 32, 64, 128, 256, 512, 1024, 2048], "trials": 200},
    }

    def parts(self) -> list[Part]:
        """A part an estimator."""
        return [
            Part("digits", f"{features}-{coupling}", partial(self._measure, features, coupling))
            for features, coupling in itertools.product(FEATURES, COUPLINGS)
        ]

    def _measure(self, features: str, coupling: str) -> pd.DataFrame:
        kernel = bochner.Kernel("gaussian", bandwidth=bandwidth())
        frame = bochner.experiments.gram(
            bochner.Estimator(kernel, features, coupling),
            pixels()[: self.setting["images"]],
            m=self.setting["m"],
            trials=self.setting["trials"],
            seed=seed_of(self.seed, self.name, features, coupling),
        )
        return frame.assign(features=features, coupling=coupling)

    def draw(self, data: Data) -> list[Drawing]:
        """Left the errors against m, right measured over predicted."""
        frame = data["digits"]
        canvas = style.canvas(10, 4.6)
        left, right = canvas.subplots(1, 2, width_ratios=(1.2, 1))
        left.set_yscale("log")
        for index, (features, coupling) in enumerate(itertools.product(FEATURES, COUPLINGS)):
            rows = frame[(frame["features"] == features) & (frame["coupling"] == coupling)].sort_values("m")
            look = style.line(features, coupling)
            bars = np.maximum(0, [rows["mse"] - rows["mse_low"], rows["mse_high"] - rows["mse"]])
            left.plot(rows["m"], rows["law_mse"], color=look["color"], linestyle=look["linestyle"])
            # Side by side, so that no interval hides another.
            place = rows["m"] * np.exp(0.05 * (index - 2.5))
            left.errorbar(
                place,
                rows["mse"],
                yerr=bars,
                capsize=2,
                label=f"{features}, {coupling}",
                **look | {"linestyle": "none"},
            )
            right.errorbar(
                place,
                rows["mse"] / rows["law_mse"],
                yerr=bars / rows["law_mse"].to_numpy(),
                capsize=2,
                **look | {"linestyle": "none"},
            )
        # An interval that reaches down to 0 has no end on a logarithmic axis.
        left.set_ylim(0.3 * frame["law_mse"].min(), 3 * frame[["mse_high", "law_mse"]].max(axis=None))
        right.axhline(1, color=style.REFERENCE, linewidth=1)
        for axes in (left, right):
            axes.set(xscale="log", xlabel="frequencies m")
            axes.set_xticks(self.setting["m"], [str(m) for m in self.setting["m"]], fontsize=8)
            axes.minorticks_off()
        left.set(
            ylabel="mean squared error of the Gram matrix",
            title="Lines: exact law; marks: measured, 95 % interval",
        )
        right.set(ylabel="measured / exact", title="The same, measured over exact")
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            "Error of the Gram matrix against the number of frequencies for six estimators: marks with intervals on the "
            "lines of the exact law; right their ratio, near one for trigonometric features and scattered for the others."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """The law by measurement, and orthogonal against iid by the law and by measurement."""
        frame = data["digits"]
        return [self._judge_law(frame), self._judge_coupling(frame)]

    def _judge_law(self, frame: pd.DataFrame) -> Verdict:
        rows = frame[frame["features"] == "trigonometric"]
        # The m of an estimator share draws; a sum of p-values needs no independence.
        p_values = 2 * stats.t.sf(rows["z"].abs(), rows["trials"] - 1)
        p_value = min(1.0, len(rows) * float(p_values.min()))
        worst = rows.iloc[int(p_values.argmin())]
        low, high = worst["mse_low"] / worst["law_mse"], worst["mse_high"] / worst["law_mse"]
        return Verdict(
            "Laws on real input",
            "Not in the paper: the exact law, averaged over all pairs, predicts the error of the whole Gram matrix.",
            f"trigonometric, measured / exact farthest from 1: {worst['mse'] / worst['law_mse']:.3f} [{low:.3f}, {high:.3f}] at "
            f"m = {worst['m']}, {worst['coupling']}, z = {worst['z']:.2f}; p = {p_value:.2g} for {len(rows)} values",
            float(worst["mse"] / worst["law_mse"]),
            float(low),
            float(high),
            consistent(p_value),
            f"Positive and hyperbolic features are not judged: at these norms the kurtosis of one positive estimate is about {kurtosis():.1g} "
            f"for the mean pair, so the z of {self.setting['trials']} draws says nothing.",
        )

    def _judge_coupling(self, frame: pd.DataFrame) -> Verdict:
        m = 64
        exact = frame[frame["m"] == m].pivot(index="features", columns="coupling", values="law_mse")
        ratios = exact["orthogonal"] / exact["iid"]
        rows = frame[(frame["m"] == m) & (frame["features"] == "trigonometric")].set_index("coupling")
        measured = _ratio(rows.loc["orthogonal"], rows.loc["iid"])
        return Verdict(
            "Orthogonal on real input",
            "Orthogonal frequencies have the smaller error (trigonometric, gaussian kernel).",
            f"MSE(orthogonal) / MSE(iid) = {measured} at m = {m}; exact {ratios['trigonometric']:.3f}",
            measured.value,
            measured.low,
            measured.high,
            below(measured.low, measured.high, 1.0),
            f"By the exact law: positive {ratios['positive']:.6f}, hyperbolic {ratios['hyperbolic']:.6f}. Their error is a variance of order "
            "e^v at single pairs, of which orthogonality can take no more than the square of the kernel.",
        )

    def caption(self, data: Data) -> str:
        """What is seen."""
        frame = data["digits"]
        count, whole = self.setting["images"], len(pixels())
        images = f"all {count:,}" if count == whole else f"the first {count:,} of {whole:,}"
        return (
            f"Gaussian kernel on {images} images of scikit-learn's load_digits, 64 raw pixels each, bandwidth {bandwidth():.2f}: the median distance of "
            f"two different ones of the {whole:,}. The error of a draw is the mean of the squared differences over all {count:,}² ordered pairs; "
            f"marks are means over {self.setting['trials']} draws with Student intervals; the root mean square of the exact matrix is {frame['kernel_rms'].iloc[0]:.3f}.\n"
            f"With the bandwidth as unit, |x + y|² is {squared_sums().mean():.1f} for the mean pair and up to {squared_sums().max():.0f}. There positive and hyperbolic features "
            "have an error of order e^v that lives in draws which no run of this length sees: measured values lie below the exact law and their intervals do not "
            "cover it. That is a fault of the measuring and not of the law (see Coverage)."
        )


@cache
def squared_sums() -> NDArray[np.float64]:
    """|x + y|^2 of all ordered pairs with the bandwidth as unit."""
    x = pixels() / bandwidth()
    norms = (x**2).sum(axis=1)
    total: NDArray[np.float64] = norms[:, None] + norms + 2 * x @ x.T
    return total


def kurtosis() -> float:
    """Kurtosis of one positive estimate at the mean |x + y|^2: that of a lognormal variable."""
    spread = np.exp(squared_sums().mean())
    return float(spread**4 + 2 * spread**3 + 3 * spread**2 - 3)


def _ratio(first: pd.Series, second: pd.Series) -> Interval:
    """Ratio of two independent means; the interval is that of its logarithm."""
    relative = [(row["mse_high"] - row["mse_low"]) / (2 * row["mse"]) for row in (first, second)]
    ratio = first["mse"] / second["mse"]
    factor = np.exp(np.hypot(*relative))
    return Interval(float(ratio), float(ratio / factor), float(ratio * factor))
