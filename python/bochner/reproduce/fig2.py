"""Fig 2: how many times worse trigonometric features are than positive ones, by angle and length."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

import bochner
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import NORMAL_95, largest_p_value, seed_of, share_interval
from bochner.reproduce.verdict import Verdict, above, all_of, consistent

FAMILIES = ("trigonometric", "positive")


def pairs(
    length: NDArray[np.float64], angle: NDArray[np.float64], dim: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two vectors of a length at an angle, in the first plane of R^dim, a pair a row."""
    x, y = np.zeros((2, length.size, dim))
    x[:, 0] = length
    y[:, 0] = length * np.cos(angle)
    y[:, 1] = length * np.sin(angle)
    return x, y


def exact(length: NDArray[np.float64], angle: NDArray[np.float64], m: int) -> dict[str, NDArray[np.float64]]:
    """Exact MSE of both families, iid. A plane is enough: the law knows |x|, |y| and x.y only."""
    x, y = pairs(length, angle, 2)
    return {name: bochner.Estimator("softmax", name, "iid").law(x, y, m).mse for name in FAMILIES}


class Fig2(Figure):
    """The utility r = MSE(trigonometric) / MSE(positive)."""

    name = "fig2"
    title = "Fig 2: positive against trigonometric features, by angle and length"
    claims = ("Fig 2", "Lemma 2")
    sizes = {
        "quick": {"d": 8, "m": 8, "trials": 1000, "angles": 16, "length": 1.0, "grid": 80},
        "default": {"d": 16, "m": 16, "trials": 10_000, "angles": 32, "length": 1.0, "grid": 200},
        "full": {"d": 16, "m": 16, "trials": 200_000, "angles": 64, "length": 1.0, "grid": 400},
    }

    def parts(self) -> list[Part]:
        """The exact surface, and the slice, a part a family."""
        slices = [Part("fig2_slice", f"slice-{name}", partial(self._slice, name)) for name in FAMILIES]
        return [Part("fig2_surface", "surface", self._surface, weight=0.1), *slices]

    def _surface(self) -> pd.DataFrame:
        # An even number of cell centres: neither l = 0, where both errors vanish, nor the angle pi.
        edges = np.linspace(-1, 1, self.setting["grid"] + 1)
        centres = (edges[1:] + edges[:-1]) / 2
        length, angle = (axis.ravel() for axis in np.meshgrid(2 * centres, np.pi * centres))
        mse = exact(length, angle, self.setting["m"])
        return pd.DataFrame({"length": length, "angle": angle, **mse})

    def _slice(self, features: str) -> pd.DataFrame:
        count = self.setting["angles"]
        # An even number, half a step from the ends: r is 0 at zero and infinite at pi, where one of the two is exact.
        angle = np.pi * (2 * (np.arange(count) + 0.5) / count - 1)
        x, y = pairs(np.full(count, self.setting["length"]), angle, self.setting["d"])
        rows = []
        for index in range(count):
            rows.append(
                bochner.experiments.pointwise(
                    bochner.Estimator("softmax", features, "iid"),
                    x[index : index + 1],
                    y[index : index + 1],
                    m=[self.setting["m"]],
                    trials=self.setting["trials"],
                    seed=seed_of(self.seed, self.name, features, index),
                )
            )
        frame = pd.concat(rows, ignore_index=True)
        return frame.assign(point=np.arange(count), features=features, angle=angle)

    def draw(self, data: Data) -> list[Drawing]:
        """Left the surface, right the slice with its inset."""
        canvas = style.canvas(10, 4.4)
        left, right = canvas.subplots(1, 2, width_ratios=(1, 1.15))
        self._draw_surface(left, canvas, data["fig2_surface"])
        self._draw_slice(right, data["fig2_slice"])
        alt = (
            "Left: map of the ratio of the two errors over angle and length; it is below one near angle "
            "zero and grows without bound towards plus and minus pi. Right: the ratio at length one, "
            "measured points on the exact curve; inset: both errors where the kernel is small."
        )
        return [Drawing(self.name, canvas, alt)]

    def _draw_surface(self, axes: Axes, canvas: Canvas, surface: pd.DataFrame) -> None:
        ratio = np.log10(surface["trigonometric"] / surface["positive"])
        table = surface.assign(ratio=ratio).pivot(index="length", columns="angle", values="ratio")
        norm = SymLogNorm(linthresh=1, vmin=-6, vmax=6)
        mesh = axes.pcolormesh(
            table.columns, table.index, table, norm=norm, cmap="RdBu_r", shading="nearest", rasterized=True
        )
        lines = axes.contour(
            table.columns,
            table.index,
            table,
            levels=[-2, -1, 0, 1, 2, 4],
            colors="black",
            linewidths=[0.5, 0.5, 1.4, 0.5, 0.5, 0.5],
        )
        axes.clabel(lines, fmt=lambda level: f"$10^{{{level:.0f}}}$" if level else "1", fontsize=8)
        bar = canvas.colorbar(mesh, ax=axes, extend="both")
        powers = (-6, -2, -1, 0, 1, 2, 6)
        bar.set_ticks(powers, labels=[f"$10^{{{power}}}$" for power in powers])
        bar.set_label("r = MSE(trigonometric) / MSE(positive)")
        axes.set(
            xlabel="angle φ between x and y (rad)", ylabel="length l = |x| = |y|", title="Exact law; black line: r = 1"
        )
        _angle_ticks(axes)
        axes.grid(False)

    def _draw_slice(self, axes: Axes, points: pd.DataFrame) -> None:
        length = self.setting["length"]
        # Odd steps keep clear of pi itself.
        angle = np.pi * (2 * (np.arange(1000) + 0.5) / 1000 - 1)
        mse = exact(np.full(angle.size, length), angle, self.setting["m"])
        ratios = self.ratios(points)
        axes.plot(angle, mse["trigonometric"] / mse["positive"], color=style.REFERENCE, label="exact")
        axes.errorbar(
            ratios["angle"],
            ratios["ratio"],
            yerr=_bars(ratios, "ratio", "low", "high"),
            fmt="o",
            color="#CC79A7",
            markersize=4,
            capsize=2,
            label="measured, 95 % interval",
        )
        axes.axhline(1, color=style.REFERENCE, linewidth=0.8, linestyle=":")
        axes.set(
            yscale="log",
            xlabel="angle φ (rad)",
            ylabel="r",
            title=f"Slice l = {length:g}; d = {self.setting['d']}, m = {self.setting['m']}",
        )
        low, high = axes.get_ylim()
        axes.set_ylim(low, high**1.15)
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 0.0))
        _angle_ticks(axes)
        inset = axes.inset_axes((0.38, 0.64, 0.29, 0.3))
        for name in FAMILIES:
            rows = points[(points["features"] == name) & (points["angle"] > np.pi / 2)]
            seen = angle > np.pi / 2
            inset.plot(angle[seen], mse[name][seen], color=style.COLOURS[name], linewidth=1.2)
            inset.errorbar(
                rows["angle"],
                rows["mse"],
                yerr=_bars(rows, "mse", "mse_low", "mse_high"),
                fmt=style.MARKERS[name],
                color=style.COLOURS[name],
                markersize=2.5,
                linewidth=0.8,
                label=name,
            )
        inset.set_yscale("log")
        inset.set_xticks([np.pi / 2, np.pi], ["π/2", "π"])
        inset.set_title("MSE where the kernel is small", fontsize=8.5)
        inset.tick_params(labelsize=7.5)
        inset.legend(fontsize=7.5, loc="lower left")

    @staticmethod
    def ratios(points: pd.DataFrame) -> pd.DataFrame:
        """Measured r by angle, with the interval of the logarithm of two independent measurements."""
        wide = points.pivot(index="angle", columns="features", values=["mse", "mse_low", "mse_high", "law_mse"])
        ratio = wide["mse"]["trigonometric"] / wide["mse"]["positive"]
        error = np.sqrt(
            sum(
                ((wide["mse_high"][name] - wide["mse_low"][name]) / (2 * NORMAL_95 * wide["mse"][name])) ** 2
                for name in FAMILIES
            )
        )
        factor = np.exp(NORMAL_95 * error)
        law = wide["law_mse"]["trigonometric"] / wide["law_mse"]["positive"]
        return pd.DataFrame({"ratio": ratio, "low": ratio / factor, "high": ratio * factor, "law": law}).reset_index()

    def verdicts(self, data: Data) -> list[Verdict]:
        """Positive wins without bound; the measurements lie on the exact curves."""
        ratios = self.ratios(data["fig2_slice"])
        last = ratios.iloc[-1]
        right = ratios.iloc[(ratios["angle"] - np.pi / 2).abs().argmin()]
        rising = ratios[ratios["angle"] > np.pi / 2]
        grows = bool((np.diff(rising["law"]) > 0).all())
        outcome = all_of([above(last["low"], last["high"], 10.0), "holds" if grows else "does not hold"])
        crossing = self._crossing()
        unbounded = Verdict(
            "Fig 2",
            "Positive features win without bound as the angle grows.",
            f"r = {last['ratio']:.3g} [{last['low']:.3g}, {last['high']:.3g}] at φ = {last['angle']:.3f}, "
            f"{last['ratio'] / right['ratio']:.3g} times r at φ = {right['angle']:.2f}",
            float(last["ratio"]),
            float(last["low"]),
            float(last["high"]),
            outcome,
            f"The exact r tends to infinity at φ = π and rises all the way from π/2. At l = {self.setting['length']:g} "
            f"trigonometric features are the better ones for |φ| < {crossing:.2f}.",
        )
        covered = int(((ratios["low"] <= ratios["law"]) & (ratios["law"] <= ratios["high"])).sum())
        share = share_interval(covered, len(ratios))
        z = data["fig2_slice"]["z_mse"].to_numpy()
        p_value = largest_p_value(z)
        return [
            unbounded,
            Verdict(
                "Fig 2",
                "The closed forms of Lemma 2 are the curves that are drawn.",
                f"{covered} of {len(ratios)} intervals of r hold the exact value: {share}; largest |z| of an MSE "
                f"{np.abs(z).max():.2f} among {z.size}, p = {p_value:.2g}",
                share.value,
                share.low,
                share.high,
                consistent(p_value),
            ),
        ]

    def _crossing(self) -> float:
        angle = np.linspace(1e-3, np.pi - 1e-3, 4000)
        mse = exact(np.full(angle.size, self.setting["length"]), angle, self.setting["m"])
        return float(angle[np.argmax(mse["trigonometric"] > mse["positive"])])

    def caption(self, data: Data) -> str:
        """What is seen."""
        samplers = data["fig2_slice"].groupby("features")["sampler"].unique()
        used = "; ".join(f"{name}: {', '.join(own)}" for name, own in samplers.items())
        return (
            "Left: the exact ratio of the two mean squared errors for two vectors of equal length l at an "
            "angle φ; red where positive features are better. A negative length turns both vectors round and changes "
            "nothing. Right: the slice at one length, the exact curve and independent measurements with 95 % intervals.\n"
            "The paper does not say which d and m it used. With independent frequencies r depends on neither; the "
            f"points use d = {self.setting['d']} and m = {self.setting['m']}. Samplers: {used}."
        )


def _bars(frame: pd.DataFrame, value: str, low: str, high: str) -> NDArray[np.float64]:
    """Lengths of error bars; rounding must not make them negative."""
    bars: NDArray[np.float64] = np.maximum(0, np.array([frame[value] - frame[low], frame[high] - frame[value]]))
    return bars


def _angle_ticks(axes: Axes) -> None:
    axes.set_xticks([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], ["−π", "−π/2", "0", "π/2", "π"])
