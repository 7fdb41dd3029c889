"""What Fig 4 does not show: the order of the estimators turns with the norm of the inputs."""

from __future__ import annotations

import itertools
from functools import partial

import pandas as pd

from bochner.reproduce import style
from bochner.reproduce.attention_runs import FEATURES, compare, frequencies, input_seed, inputs, measure
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, seed_of
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED, Verdict, all_of, below

#: Feature columns at which the verdicts compare.
COLUMNS = 256


class Fig4Norms(Figure):
    """Orthogonal features at equal feature counts p, swept over the squared norm of the inputs."""

    name = "fig4_norms"
    title = "Beside Fig 4: error against the number of features, by the norm of the inputs"
    claims = ("Fig 4",)
    sizes = {
        "quick": {"L": 192, "d": 16, "p": [32, 256], "squared_norms": [1.0, 2.25, 4.0, 6.25], "inputs": 12, "draws": 3},
        "default": {
            "L": 512,
            "d": 16,
            "p": [32, 64, 128, 256, 512],
            "squared_norms": [0.25, 1.0, 2.25, 4.0, 6.25],
            "inputs": 15,
            "draws": 5,
        },
        "full": {
            "L": 1024,
            "d": 16,
            "p": [32, 64, 128, 256, 512, 1024, 2048],
            "squared_norms": [0.25, 1.0, 2.25, 4.0, 6.25, 9.0],
            "inputs": 30,
            "draws": 15,
        },
    }

    def parts(self) -> list[Part]:
        """A part a norm, a family and an input."""
        cases = itertools.product(self.setting["squared_norms"], FEATURES, range(self.setting["inputs"]))
        return [
            Part("fig4_norms", f"{norm:g}-{features}-{index}", partial(self._measure, norm, features, index))
            for norm, features, index in cases
        ]

    def _measure(self, norm: float, features: str, index: int) -> pd.DataFrame:
        arrays = inputs(input_seed(self.seed, index), self.setting["L"], self.setting["d"], norm)
        frames = [
            measure(
                features,
                coupling,
                [frequencies(features, p) for p in columns],
                arrays=arrays,
                trials=self.setting["draws"],
                seed=seed_of(self.seed, self.name, norm, features, coupling, index),
            )
            # iid frequencies only where a verdict compares them.
            for coupling, columns in (("orthogonal", self.setting["p"]), ("iid", [COLUMNS]))
        ]
        return pd.concat(frames, ignore_index=True).assign(input=index, squared_norm=norm)

    def draw(self, data: Data) -> list[Drawing]:
        """A panel a norm."""
        frame = data["fig4_norms"]
        norms = self.setting["squared_norms"]
        columns = 3
        canvas = style.canvas(10, 6.4)
        panels = canvas.subplots(2, columns, sharex=True).ravel()
        for axes, norm in zip(panels, norms, strict=False):
            self._panel(axes, frame[frame["squared_norm"] == norm], norm)
        for axes in panels[len(norms) :]:
            axes.axis("off")
        for index, axes in enumerate(panels[: len(norms)]):
            if index % columns == 0:
                axes.set_ylabel("MSE of the output")
            if index + columns >= len(norms):
                axes.set_xlabel("features p")
                axes.tick_params(labelbottom=True)
        canvas.suptitle(
            f"L = {self.setting['L']}, d = {self.setting['d']}, orthogonal, {self.setting['inputs']} inputs, "
            f"{self.setting['draws']} draws each: median and 80 % range",
            fontsize=10.5,
        )
        canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        alt = (
            "A panel for each squared norm of the inputs: error against the number of features for three "
            "families, beside uniform averaging. Trigonometric and hyperbolic features lead at small norms, positive ones "
            "at large norms, where all lie above uniform averaging."
        )
        return [Drawing(self.name, canvas, alt)]

    def _panel(self, axes, rows: pd.DataFrame, norm: float) -> None:  # type: ignore[no-untyped-def]
        for features in FEATURES:
            own = rows[(rows["features"] == features) & (rows["coupling"] == "orthogonal")]
            table = own.groupby("p")["median"].quantile([0.1, 0.5, 0.9]).unstack()
            axes.plot(table.index, table[0.5], label=features, **style.line(features, "orthogonal"))
            axes.fill_between(
                table.index, table[0.1], table[0.9], color=style.COLOURS[features], alpha=0.15, linewidth=0
            )
        uniform = rows.groupby("input")["uniform_mse"].first().median()
        axes.axhline(uniform, color=style.COLOURS["uniform averaging"], linestyle="-.", label="uniform averaging")
        axes.set(xscale="log", yscale="log", title=f"|q|² = |k|² = {norm:g}")
        axes.set_xticks(self.setting["p"], [str(p) for p in self.setting["p"]], fontsize=8)
        axes.minorticks_off()

    def verdicts(self, data: Data) -> list[Verdict]:
        """The paper's two orders at each norm, at the same number of features."""
        frame = data["fig4_norms"]
        frame = frame[frame["p"] == COLUMNS]
        return [
            judge(frame[frame["squared_norm"] == norm], norm)
            for norm in self.setting["squared_norms"]
            for judge in (_families, _couplings)
        ]

    def caption(self, data: Data) -> str:
        """What is seen."""
        return (
            "The same experiment at equal numbers of feature columns p (a trigonometric or hyperbolic frequency makes two), "
            "for inputs scaled so that the mean squared norm of the queries and keys, after the division by d^(1/4), is the number above the panel. "
            "Standard normal inputs, as in Fig 4, have |q|² = √d = 4.\n"
            "An estimate above the line of uniform averaging is worse than one that does not look at queries and keys at all. "
            "Lines are medians over the inputs of the median over draws; bands hold 80 % of the inputs."
        )


def _families(rows: pd.DataFrame, norm: float) -> Verdict:
    """Positive against trigonometric, and each against uniform averaging."""
    orthogonal = rows[rows["coupling"] == "orthogonal"]
    selected = {name: orthogonal[orthogonal["features"] == name] for name in FEATURES}
    ratio = compare(selected["positive"], selected["trigonometric"], ["p"])
    uniform = {name: compare(own, own.assign(median=own["uniform_mse"]), ["p"]) for name, own in selected.items()}
    outcome = below(ratio.low, ratio.high, 1.0)
    winner = {HOLDS: "Positive wins", FAILS: "Trigonometric wins", UNDECIDED: "Neither wins"}[outcome]
    return Verdict(
        f"|q|² = {norm:g}, positive < trigonometric",
        f"Positive features have the smaller error than trigonometric ones; at {COLUMNS} features each.",
        f"MSE(positive) / MSE(trigonometric) = {ratio}",
        ratio.value,
        ratio.low,
        ratio.high,
        outcome,
        f"{winner}; {_beside_uniform(uniform)}",
    )


def _couplings(rows: pd.DataFrame, norm: float) -> Verdict:
    """Orthogonal against iid; the interval is that of the family in which the order is least sure."""
    ratios = {}
    for name in ("positive", "trigonometric"):
        own = rows[rows["features"] == name]
        orthogonal, iid = (own[own["coupling"] == coupling] for coupling in ("orthogonal", "iid"))
        ratios[name] = compare(orthogonal, iid, ["p"])
    least_sure = max(ratios.values(), key=lambda ratio: ratio.high)
    return Verdict(
        f"|q|² = {norm:g}, orthogonal < iid",
        f"Orthogonal frequencies have the smaller error, in both families; at {COLUMNS} features.",
        "MSE(orthogonal) / MSE(iid) = " + ", ".join(f"{ratio} ({name})" for name, ratio in ratios.items()),
        least_sure.value,
        least_sure.low,
        least_sure.high,
        all_of([below(ratio.low, ratio.high, 1.0) for ratio in ratios.values()]),
    )


def _beside_uniform(ratios: dict[str, Interval]) -> str:
    """Who beats uniform averaging, in words."""
    both = [below(ratios[name].low, ratios[name].high, 1.0) for name in ("positive", "trigonometric")]
    if all_of(both) == HOLDS:
        text = "both beat uniform averaging"
    elif both == [FAILS, FAILS]:
        text = "both lose to uniform averaging"
    else:
        words = {HOLDS: "beats", FAILS: "loses to", UNDECIDED: "is level with"}
        text = "; ".join(
            f"{name} {words[outcome]} uniform averaging"
            for name, outcome in zip(("positive", "trigonometric"), both, strict=True)
        )
    numbers = ", ".join(f"{name} {ratio}" for name, ratio in ratios.items())
    return f"{text} (ratio to it: {numbers})."
