"""Coverage: how often a 95 % interval of the MSE holds the exact value, for both samplers."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

import bochner
from bochner.experiments._pointwise import Sampler
from bochner.reproduce import style
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import seed_of, share_interval
from bochner.reproduce.store import read_parquet
from bochner.reproduce.verdict import Verdict, above, all_of, inside

#: Made by `bochner reproduce coverage --full`, which writes a file of this name.
STORED = Path(__file__).parent / "stored" / "coverage.parquet"

EXPERIMENT = {"v": [0.25, 1.0, 4.0, 9.0, 16.0], "d": 8, "m": 8, "trials": 1000}
SAMPLERS: tuple[Sampler, ...] = ("plain", "tilted")
CASES = tuple(itertools.product(SAMPLERS, ("iid", "orthogonal")))
MARKERS = {"plain": "o", "tilted": "s"}
COLOURS = {"plain": "#CC79A7", "tilted": "#D55E00"}


class Coverage(Figure):
    """Repeated pointwise experiments, each with an interval that covers or does not."""

    name = "coverage"
    title = "Coverage: are the intervals on this page honest?"
    claims = ("Intervals of the MSE",)
    sizes = {
        "quick": {"repeats": 40, "blocks": 1, **EXPERIMENT},
        "default": {"repeats": 200, "blocks": 4, **EXPERIMENT},
        "full": {"repeats": 10_000, "blocks": 50, **EXPERIMENT},
    }

    def parts(self) -> list[Part]:
        """A part a block of repeats of a sampler and a coupling."""
        cases = itertools.product(CASES, range(self.setting["blocks"]))
        return [
            Part("coverage", f"{sampler}-{coupling}-{block}", partial(self._block, sampler, coupling, block))
            for (sampler, coupling), block in cases
        ]

    def _block(self, sampler: Sampler, coupling: str, block: int) -> pd.DataFrame:
        v = np.array(self.setting["v"])
        x = np.zeros((v.size, self.setting["d"]))
        x[:, 0] = np.sqrt(v) / 2
        frame = bochner.experiments.coverage(
            bochner.Estimator("softmax", "positive", coupling),
            x,
            x,
            m=[self.setting["m"]],
            trials=self.setting["trials"],
            repeats=self.setting["repeats"] // self.setting["blocks"],
            seed=seed_of(self.seed, self.name, sampler, coupling, block),
            sampler=sampler,
        )
        return frame.assign(v=v[frame["point"]], coupling=coupling).drop(columns="point")

    def _long_run(self, data: Data) -> pd.DataFrame:
        """Rows of the long run: this one if it is long, else the stored one."""
        return data["coverage"] if self.size == "full" else read_parquet(STORED)[0]

    def draw(self, data: Data) -> list[Drawing]:
        """The stored result as lines, this run's as marks."""
        canvas = style.canvas(9, 4.2)
        axes = canvas.subplots()
        axes.axhspan(0.935, 0.965, color="#dddddd", label="95 % ± 1.5 %")
        stored = shares(self._long_run(data))
        own = shares(data["coverage"])
        for shift, (sampler, coupling) in zip((-0.03, -0.01, 0.01, 0.03), CASES, strict=True):
            for frame, size in ((stored, 5.0), (own, 3.5)):
                rows = frame[(frame["sampler"] == sampler) & (frame["coupling"] == coupling)]
                bars = np.maximum(0, [rows["share"] - rows["low"], rows["high"] - rows["share"]])
                # This run stands a little to the right of the stored result.
                place = rows["v"] * np.exp(shift + (0 if frame is stored else 0.12))
                kept = frame is stored
                axes.errorbar(
                    place,
                    rows["share"],
                    yerr=bars,
                    color=COLOURS[sampler],
                    capsize=2,
                    markersize=size,
                    linestyle=style.LINES[coupling] if kept else "none",
                    marker=MARKERS[sampler] if kept else "x",
                    markerfacecolor=COLOURS[sampler] if coupling == "orthogonal" else "white",
                    linewidth=1.2,
                    label=f"{sampler}, {coupling}" if kept else None,
                )
        axes.plot([], [], "x", color="grey", label=f"this run, {self.setting['repeats']:,} repeats")
        axes.set_xscale("log")
        axes.set_xticks(self.setting["v"], [f"{v:g}" for v in self.setting["v"]])
        axes.minorticks_off()
        axes.set(
            xlabel="v = |x + y|²",
            ylabel="share of 95 % intervals that hold the exact MSE",
            ylim=(-0.03, 1.03),
            title=f"Positive features, d = {self.setting['d']}, m = {self.setting['m']}, "
            f"{self.setting['trials']:,} trials an experiment; lines: stored, {int(stored['repeats'].max()):,} repeats",
        )
        axes.legend(loc="lower left")
        alt = (
            "Coverage of 95 % intervals against v. The tilted sampler stays in the band of 95 plus or "
            "minus 1.5 % for both couplings; the plain sampler falls to zero at v = 16."
        )
        return [Drawing(self.name, canvas, alt)]

    def verdicts(self, data: Data) -> list[Verdict]:
        """Both samplers by the stored result, and the stored result by this run."""
        stored = shares(self._long_run(data))
        tilted = stored[stored["sampler"] == "tilted"]
        worst = tilted.loc[(tilted["share"] - 0.95).abs().idxmax()]
        failing = stored[(stored["sampler"] == "plain") & (stored["v"] == max(self.setting["v"]))]
        highest = failing.loc[failing["share"].idxmax()]
        repeats = int(stored["repeats"].max())
        own = shares(data["coverage"])
        own = own[own["sampler"] == "tilted"]
        total = share_interval(int(own["covered"].sum()), int(own["repeats"].sum()))
        return [
            Verdict(
                "Intervals, tilted sampler",
                "Not in the paper: 95 % intervals of the MSE hold the exact value in 95 ± 1.5 % of the experiments.",
                f"farthest from 95 %: {_percent(worst)} at v = {worst['v']:g}, {worst['coupling']}, {repeats:,} stored repeats",
                float(worst["share"]),
                float(worst["low"]),
                float(worst["high"]),
                all_of([inside(row.low, row.high, 0.935, 0.965) for row in tilted.itertuples()]),
                f"This run, all v together: {100 * total.value:.1f} % [{100 * total.low:.1f}, {100 * total.high:.1f}].",
            ),
            Verdict(
                "Intervals, plain sampler",
                "Not in the paper: plain Monte Carlo gives honest intervals too.",
                f"at v = {highest['v']:g}: {_percent(highest)}, {repeats:,} stored repeats",
                float(highest["share"]),
                float(highest["low"]),
                float(highest["high"]),
                above(highest["low"], highest["high"], 0.935),
                "The error lives in a tail that no plain run of this size sees. That is why the points on this page are tilted.",
            ),
        ]

    def caption(self, data: Data) -> str:
        """What is seen."""
        text = (
            "Each experiment measures one MSE with its 95 % interval; repeated with new draws, an honest interval holds "
            "the exact value in 95 % of the cases. Bars are exact binomial intervals."
        )
        if self.size == "full":
            return text
        _, facts = read_parquet(STORED)
        return (
            f"{text}\n"
            f"The stored result has {facts['setting']['repeats']:,} repeats of {facts['setting']['trials']:,} trials and is made by "
            f"“bochner reproduce coverage --full --seed {facts['seed']}” ({facts['seconds'] / 60:.0f} min on {facts['machine']['processor']}). "
            f"This run repeats it {self.setting['repeats']:,} times with its own seed."
        )


def shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Covered repeats of each cell over all blocks, with the binomial interval."""
    keys = ["sampler", "coupling", "v"]
    total = frame.groupby(keys, as_index=False)[["covered", "repeats", "below", "above"]].sum()
    intervals = [share_interval(int(row.covered), int(row.repeats)) for row in total.itertuples()]
    return total.assign(
        share=[own.value for own in intervals],
        low=[own.low for own in intervals],
        high=[own.high for own in intervals],
    )


def _percent(row: pd.Series) -> str:
    return f"{100 * row['share']:.1f} % [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
