"""Lemma 2: measured means and mean squared errors against the exact laws, by z-score."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray
from scipy import stats

import bochner
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import largest_p_value, mean_interval, normal_p_value, seed_of
from bochner.reproduce.verdict import Verdict, consistent

KERNELS = ("softmax", "gaussian", "regularized_softmax")
FEATURES = ("trigonometric", "positive", "hyperbolic")
COUPLINGS = ("iid", "orthogonal")
COMBINATIONS = tuple(itertools.product(KERNELS, FEATURES, COUPLINGS))

#: Plain sampling of exponential features gives honest z-scores of the MSE up to this |x + y|^2.
PLAIN_LIMIT = 0.5


class Lemma2(Figure):
    """z-scores over a grid of sizes, lengths and angles, each cell with streams of its own."""

    name = "lemma2"
    title = "Lemma 2: mean and mean squared error against the exact laws"
    claims = ("Lemma 2",)
    sizes = {
        "quick": {
            "trials": 1000,
            "d_and_m": [[2, 3], [8, 8], [16, 24]],
            "lengths": [[0.3, 0.3], [0.5, 1.0]],
            "angles_in_pi": [0.0, 0.7],
        },
        "default": {
            "trials": 4000,
            "d_and_m": [[1, 3], [2, 2], [4, 3], [8, 8], [8, 20], [16, 16]],
            "lengths": [[0.3, 0.3], [0.5, 1.0], [1.5, 1.5]],
            "angles_in_pi": [0.0, 0.35, 0.7],
        },
        "full": {
            "trials": 20_000,
            "d_and_m": [[1, 3], [2, 2], [2, 5], [4, 3], [8, 8], [8, 20], [16, 16], [32, 32]],
            "lengths": [[0.3, 0.3], [0.5, 1.0], [1.0, 1.0], [1.5, 1.5], [2.0, 1.0]],
            "angles_in_pi": [0.0, 0.25, 0.5, 0.75, 0.9],
        },
    }

    def parts(self) -> list[Part]:
        """A part a combination of kernel, family and coupling."""
        return [
            Part("lemma2", "-".join(combination), partial(self._measure, *combination)) for combination in COMBINATIONS
        ]

    def _measure(self, kernel: str, features: str, coupling: str) -> pd.DataFrame:
        estimator = bochner.Estimator(kernel, features, coupling)
        # Constant radii have no tilted sampler; trigonometric features need none.
        tilted = kernel != "regularized_softmax" and features != "trigonometric"
        rows = []
        axes = (self.setting["d_and_m"], self.setting["lengths"], self.setting["angles_in_pi"])
        for (d, m), (first, second), turn in itertools.product(*axes):
            x, y = _pair(d, first, second, turn)
            v = float(((x + y) ** 2).sum())
            if d == 1 and turn > 0:
                continue
            if features != "trigonometric" and not tilted and v > PLAIN_LIMIT:
                continue
            row = bochner.experiments.pointwise(
                estimator,
                x,
                y,
                m=[m],
                trials=self.setting["trials"],
                seed=seed_of(self.seed, self.name, kernel, features, coupling, d, m, first, second, turn),
                sampler="tilted" if tilted else "plain",
            )
            variance = estimator.law(x, y, m).variance[0]
            names = {"kernel": kernel, "features": features, "coupling": coupling, "d": d}
            pair = {"x_norm": first, "y_norm": second, "angle": np.pi * turn, "v": v, "law_variance": variance}
            rows.append(row.drop(columns="point").assign(**names, **pair))
        return pd.concat(rows, ignore_index=True)

    def draw(self, data: Data) -> list[Drawing]:
        """Two histograms and the pooled ratios."""
        frame = _informative(data["lemma2"])
        canvas = style.canvas(10, 4.8)
        left, middle, right = canvas.subplots(1, 3, width_ratios=(1, 1, 1.25))
        _histogram(left, frame["z_mean"].to_numpy(), "z of the mean")
        _histogram(middle, frame["z_mse"].to_numpy(), "z of the mean squared error")
        left.set_ylabel("density")
        left.legend(loc="upper left", fontsize=8)
        _forest(right, frame)
        alt = (
            "Left and middle: histograms of the z-scores of mean and mean squared error beside the "
            "normal density. Right: mean ratio of measured to exact error with its interval for each "
            "kernel, family and coupling, beside the line at one."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """The printed lemma, and the laws of this package beyond it."""
        frame = _informative(data["lemma2"])
        printed = (frame["kernel"] == "softmax") & (frame["coupling"] == "iid")
        return [
            _judge(
                frame[printed],
                "Lemma 2",
                "The three closed forms of the MSE (trigonometric, positive, hyperbolic; iid, softmax) are exact.",
            ),
            _judge(
                frame[~printed],
                "Lemma 2, extended",
                "Not in the paper: exact laws of orthogonal frequencies, partial blocks, and of the gaussian "
                "and the regularized softmax kernel.",
            ),
        ]

    def caption(self, data: Data) -> str:
        """What is seen."""
        frame = _informative(data["lemma2"])
        return (
            f"{len(frame)} cells, each with its own random streams, so that their z-scores are independent. Left and "
            "middle: (measured − exact) / standard error, against the normal density. Right: measured over exact MSE, "
            "the mean over the cells of a combination with its 95 % Student interval.\n"
            "A z-score of a mean squared error means something only where the sampler sees the tail: positive and "
            "hyperbolic cells are drawn by the defensively tilted sampler or, for the regularized kernel, whose "
            f"constant radius has none, plainly and only where |x + y|² ≤ {PLAIN_LIMIT:g}. "
            f"Worst of the means: {_worst(frame, 'z_mean')}. Worst of the errors: {_worst(frame, 'z_mse')}."
        )


def _pair(d: int, first: float, second: float, turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.zeros((2, 1, d))
    x[0, 0] = first
    y[0, 0] = second * np.cos(np.pi * turn)
    if d > 1:
        y[0, 1] = second * np.sin(np.pi * turn)
    return x, y


def _informative(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells whose estimate is random: that of trigonometric features at x = y is a constant."""
    return frame[frame["law_variance"] > 1e-20 * frame["truth"] ** 2].reset_index(drop=True)


def _histogram(axes: Axes, z: NDArray[np.float64], title: str) -> None:
    edges = np.linspace(-4.5, 4.5, 28)
    axes.hist(
        np.clip(z, -4.5, 4.5), list(edges), density=True, color="#9ecae1", edgecolor="white", label=f"{z.size} cells"
    )
    grid = np.linspace(-4.5, 4.5, 200)
    axes.plot(grid, stats.norm.pdf(grid), color=style.REFERENCE, label="N(0, 1)")
    axes.set(title=title, xlabel="z", xlim=(-4.5, 4.5))
    text = f"KS p = {normal_p_value(z):.2g}\nlargest |z| = {np.abs(z).max():.2f}\n(p = {largest_p_value(z):.2g})"
    axes.text(0.98, 0.98, text, transform=axes.transAxes, ha="right", va="top", fontsize=8)
    axes.set_ylim(0, 0.62)


def _forest(axes: Axes, frame: pd.DataFrame) -> None:
    labels = []
    for index, (kernel, features, coupling) in enumerate(COMBINATIONS):
        rows = frame[(frame["kernel"] == kernel) & (frame["features"] == features) & (frame["coupling"] == coupling)]
        ratio = mean_interval(rows["mse"] / rows["law_mse"])
        look = style.line(features, coupling) | {"linestyle": "none"}
        axes.errorbar(
            ratio.value, index, xerr=[[ratio.value - ratio.low], [ratio.high - ratio.value]], capsize=2, **look
        )
        labels.append(
            f"{kernel.replace('_', ' ').replace('regularized', 'reg.')}, {features[:4]}., {coupling[:4].rstrip('o')}"
        )
    axes.axvline(1, color=style.REFERENCE, linewidth=1)
    axes.set_yticks(range(len(labels)), labels, fontsize=7.5)
    axes.invert_yaxis()
    axes.set(xlabel="measured MSE / exact MSE", title="Mean ratio, 95 % interval")


def _judge(frame: pd.DataFrame, claim: str, statement: str) -> Verdict:
    scores = [frame["z_mean"].to_numpy(), frame["z_mse"].to_numpy()]
    ratios = frame["mse"] / frame["law_mse"]
    p_values = [test(z) for z in scores for test in (normal_p_value, largest_p_value)]
    # The interval that is shown belongs to the last of the tests; the smallest p-value counts as often as there are tests.
    p_values.append(float(stats.ttest_1samp(ratios, 1).pvalue))
    p_value = min(1.0, len(p_values) * min(p_values))
    ratio = mean_interval(ratios)
    return Verdict(
        claim,
        statement,
        f"measured / exact MSE {ratio:.4f} over {len(frame)} cells; "
        f"largest |z| {max(np.abs(z).max() for z in scores):.2f}; p = {p_value:.2g}",
        ratio.value,
        ratio.low,
        ratio.high,
        consistent(p_value),
        f"Worst case: {_worst(frame, 'z_mse')}.",
    )


def _worst(frame: pd.DataFrame, column: str) -> str:
    row = frame.loc[frame[column].abs().idxmax()]
    return (
        f"z = {row[column]:.2f} for {row['kernel']}, {row['features']}, {row['coupling']}, d = {row['d']}, "
        f"m = {row['m']}, |x| = {row['x_norm']:g}, |y| = {row['y_norm']:g}, angle {row['angle']:.2f}"
    )
