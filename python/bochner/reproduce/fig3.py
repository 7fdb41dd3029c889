"""Figs 3, 20 and 21: time and peak memory of attention against the length of the sequence."""

from __future__ import annotations

import itertools
import math
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, StrMethodFormatter
from scipy import stats

import bochner
from bochner.reproduce import optional, style
from bochner.reproduce.attention_costs import (
    BOUND,
    EXACT,
    FAVOR,
    PASSES,
    REST,
    STORED,
    Call,
    calls,
    fastest,
    layer_without_attention,
    peak_memory,
    torch_threads,
)
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, mean_interval, paired_ratio, seed_of
from bochner.reproduce.verdict import HOLDS, Verdict, all_of, below

COLOURS = {FAVOR: style.COLOURS["positive"], EXACT: "#0072B2", STORED: "#56B4E9", BOUND: style.REFERENCE}
MARKERS = {FAVOR: "s", EXACT: "o", STORED: "v", BOUND: "."}
NAMES = {"forward": "forward", "both": "forward + backward"}
MASKS = {False: "bidirectional", True: "causal"}

#: An exponent below it is called nearly linear.
NEARLY_LINEAR = 1.1
#: A layer that takes less than so many times one whose attention returns V is called near the bound.
NEAR = 2.0


class Fig3(Figure):
    """One layer's attention: FAVOR+ here, torch's exact attention, and the bound "attention returns V"."""

    name = "fig3"
    title = "Fig 3, 20, 21: time and memory against the length"
    claims = ("Fig 3", "Fig 20", "Fig 21")
    sizes = {
        "quick": {
            "heads": [1],
            "d": 64,
            "MLP": [64],
            "m": 256,
            "shortest": 2**8,
            "longest_exact": [2**11],
            "longest_FAVOR": [2**12],
            "longest_stored": 2**11,
            "rounds": 3,
        },
        "default": {
            "heads": [1, 8],
            "d": 64,
            "MLP": [64, 2048],
            "m": 256,
            "shortest": 2**8,
            "longest_exact": [2**13, 2**12],
            "longest_FAVOR": [2**15, 2**15],
            "longest_stored": 2**12,
            "rounds": 4,
        },
        "full": {
            "heads": [1, 8],
            "d": 64,
            "MLP": [64, 2048],
            "m": 256,
            "shortest": 2**8,
            "longest_exact": [2**15, 2**15],
            "longest_FAVOR": [2**18, 2**18],
            "longest_stored": 2**13,
            "rounds": 5,
        },
    }

    def skip(self) -> str | None:
        """Exact attention is torch's."""
        return optional.missing("torch")

    def parts(self) -> list[Part]:
        """A part a round of times, in which all methods take turns, and one for memory."""
        cases = list(zip(self.setting["heads"], self.setting["MLP"], strict=True))
        rounds = range(self.setting["rounds"])
        return [
            Part("fig3_time", f"{heads}-{index}", partial(self._measure_time, heads, inner, index), heads)
            for (heads, inner), index in itertools.product(cases, rounds)
        ] + [Part("fig3_memory", "memory", self._measure_memory, 2.0)]

    def _longest(self, method: str, heads: int) -> int:
        kind = "FAVOR" if method in (FAVOR, BOUND) else "exact"
        longest: int = self.setting[f"longest_{kind}"][self.setting["heads"].index(heads)]
        return longest

    def _lengths(self, method: str, heads: int) -> list[int]:
        return powers(self.setting["shortest"], self._longest(method, heads))

    def _measure_time(self, heads: int, inner: int, index: int) -> pd.DataFrame:
        seed = seed_of(self.seed, self.name, heads, index)
        d, m, threads = self.setting["d"], self.setting["m"], bochner.get_num_threads()
        rows = []
        with torch_threads(threads):
            for length, causal in itertools.product(self._lengths(FAVOR, heads), MASKS):
                made = {
                    method: calls(method, heads, length, d, m, causal, seed)
                    for method in (FAVOR, EXACT, BOUND)
                    if length <= self._longest(method, heads)
                }
                if not causal and length <= self._longest(REST, heads):
                    made[REST] = layer_without_attention(heads, length, d, inner)
                if length == self.setting["shortest"]:
                    _warm_up(made)
                rows += [
                    (heads, length, causal, method, kind, index, threads, fastest(made[method][kind]))
                    for kind, method in itertools.product(PASSES, made)
                ]
        return pd.DataFrame(
            rows, columns=["heads", "L", "causal", "method", "pass", "round", "threads", "milliseconds"]
        )

    def _measure_memory(self) -> pd.DataFrame:
        # Below some 1,000 rows the arrays are smaller than what the system counts in.
        start = max(2**10, self.setting["shortest"])
        cases = [
            {
                "method": method,
                "heads": heads,
                "length": length,
                "d": self.setting["d"],
                "m": self.setting["m"],
                "causal": causal,
                "seed": seed_of(self.seed, self.name, "memory"),
                "pass": kind,
            }
            for heads, method, causal, kind in itertools.product(
                self.setting["heads"], (FAVOR, EXACT, STORED, BOUND), MASKS, PASSES
            )
            for length in powers(start, self._longest_memory(method, heads))
        ]
        peaks = peak_memory(cases, bochner.get_num_threads())
        frame = pd.DataFrame(cases).rename(columns={"length": "L"})
        return frame[["heads", "L", "causal", "method", "pass"]].assign(peak=peaks)

    def _longest_memory(self, method: str, heads: int) -> int:
        if method == STORED:
            # L x L times heads stays the same.
            stored: int = self.setting["longest_stored"]
            return int(2 ** math.floor(math.log2(stored / math.sqrt(heads))))
        return self._longest(method, heads)

    def draw(self, data: Data) -> list[Drawing]:
        """Times and what they mean for a layer; memory."""
        return [self._draw_time(data["fig3_time"]), self._draw_memory(data["fig3_memory"])]

    def _draw_time(self, frame: pd.DataFrame) -> Drawing:
        heads = self.setting["heads"]
        canvas = style.canvas(12.5, 1.6 + 3.4 * len(heads))
        panels = canvas.subplots(len(heads), 3, squeeze=False, width_ratios=(1, 1, 0.9))
        for row, count in zip(panels, heads, strict=True):
            own = frame[frame["heads"] == count]
            for axes, kind in zip(row, PASSES, strict=False):
                _curves(axes, own[own["pass"] == kind], "milliseconds", (FAVOR, EXACT, BOUND))
                axes.set(ylabel="milliseconds", title=f"{_heads(count)}: {NAMES[kind]}")
                # Room for the text.
                bottom, top = axes.get_ylim()
                axes.set_ylim(bottom, top * (top / bottom) ** 0.25)
                axes.text(
                    0.02, 0.98, _exponents(own[own["pass"] == kind]), transform=axes.transAxes, va="top", fontsize=8
                )
            self._draw_layer(row[2], own, count)
        canvas.suptitle(
            f"Attention of one layer, batch 1, d = {self.setting['d']} a head, m = {self.setting['m']}, single precision, {_threads(frame)}\n"
            f"Geometric mean of {self.setting['rounds']} rounds with its 95 % interval; times are those of this machine",
            fontsize=10.5,
        )
        handles, labels = panels[0][0].get_legend_handles_labels()
        canvas.legend(handles, labels, loc="outside lower center", ncols=3)
        alt = (
            "Time of attention against the length of the sequence on logarithmic axes, forward and with backward: exact attention rises twice as "
            "steeply as FAVOR+, which is parallel to the bound that copies the values. Right, the time of a whole Transformer layer over one "
            "whose attention returns V: that of exact attention grows with the length, that of FAVOR+ stays level."
        )
        return Drawing("fig3", canvas, alt)

    def _draw_layer(self, axes: Axes, frame: pd.DataFrame, heads: int) -> None:
        for kind, method in itertools.product(PASSES, (FAVOR, EXACT)):
            table = {length: layer_ratio(frame, method, kind, False, length) for length in self._lengths(REST, heads)}
            axes.plot(
                list(table),
                [ratio.value for ratio in table.values()],
                color=COLOURS[method],
                marker=MARKERS[method],
                markerfacecolor=COLOURS[method] if kind == "both" else "white",
                linestyle="-" if kind == "both" else ":",
                label=f"{method}, {'f' if kind == 'forward' else 'f + b'}",
            )
        axes.axhline(1, color=style.REFERENCE, linewidth=1)
        axes.axhline(NEAR, color=style.REFERENCE, linewidth=1, linestyle=":")
        width = heads * self.setting["d"]
        axes.set(
            xscale="log",
            yscale="log",
            xlabel="length L",
            ylabel="layer / layer whose attention returns V",
            title=f"Whole layer, width {width}, MLP {self._inner(heads)}",
        )
        _ticks(axes, self._lengths(REST, heads))
        axes.set_ylim(0.9, 5 * axes.get_ylim()[1])
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.legend(loc="upper left", ncols=2)

    def _inner(self, heads: int) -> int:
        inner: int = self.setting["MLP"][self.setting["heads"].index(heads)]
        return inner

    def _draw_memory(self, frame: pd.DataFrame) -> Drawing:
        heads = self.setting["heads"]
        canvas = style.canvas(10, 1.6 + 3.4 * len(heads))
        panels = canvas.subplots(len(heads), 2, squeeze=False, sharey="row")
        for row, count in zip(panels, heads, strict=True):
            for axes, kind in zip(row, PASSES, strict=True):
                own = frame[(frame["heads"] == count) & (frame["pass"] == kind)]
                _curves(axes, own.assign(peak=own["peak"] / 2**20), "peak", (FAVOR, EXACT, STORED, BOUND))
                axes.set_title(f"{_heads(count)}: {NAMES[kind]}")
            row[0].set_ylabel("peak above the inputs, MiB")
        canvas.suptitle(
            f"Peak memory of the attention of one layer beside its inputs, d = {self.setting['d']}, m = {self.setting['m']}, single precision",
            fontsize=10.5,
        )
        canvas.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        alt = (
            "Peak memory beside the inputs against the length on logarithmic axes. Exact attention with a stored matrix of scores rises with slope "
            "two; torch's exact attention and FAVOR+ rise with slope one, close to the bound, which is the outputs alone."
        )
        return Drawing("fig3_memory", canvas, alt)

    def verdicts(self, data: Data) -> list[Verdict]:
        """Exponents, the bound, exact attention, memory."""
        times, memory = data["fig3_time"], data["fig3_memory"]
        return [
            *(judge_linear(times, kind) for kind in PASSES),
            *(self._judge_bound(times, kind) for kind in PASSES),
            *(self._judge_faster(times, kind) for kind in PASSES),
            judge_memory(memory),
        ]

    def _judge_bound(self, frame: pd.DataFrame, kind: str) -> Verdict:
        ratios = {
            (heads, causal): layer_ratio(
                frame[frame["heads"] == heads], FAVOR, kind, causal, self._longest(REST, heads)
            )
            for heads, causal in itertools.product(self.setting["heads"], MASKS)
        }
        worst = max(ratios.values(), key=lambda ratio: ratio.high)
        alone = {
            heads: _ratio(frame[frame["heads"] == heads], FAVOR, BOUND, kind, False, self._longest(BOUND, heads))
            for heads in self.setting["heads"]
        }
        return Verdict(
            f"Fig 3, near the bound, {NAMES[kind]}",
            f"Near the bound “attention returns V”: here, a layer takes less than {NEAR:g} times as long.",
            "layer with FAVOR+ / layer that returns V = " + _listed(ratios),
            worst.value,
            worst.low,
            worst.high,
            all_of([below(ratio.low, ratio.high, NEAR) for ratio in ratios.values()]),
            "Attention and the rest of the layer timed apart and added; at the longest L of exact attention. Attention alone takes "
            + ", ".join(
                f"{ratio.value:.3g} times as long as copying V ({_heads(heads)})" for heads, ratio in alone.items()
            )
            + ".",
        )

    def _judge_faster(self, frame: pd.DataFrame, kind: str) -> Verdict:
        ratios, crossings = {}, []
        for heads, causal in itertools.product(self.setting["heads"], MASKS):
            own = frame[frame["heads"] == heads]
            lengths = self._lengths(EXACT, heads)
            by_length = {length: _ratio(own, FAVOR, EXACT, kind, causal, length) for length in lengths}
            ratios[heads, causal] = by_length[lengths[-1]]
            crossing = next((length for length in lengths if by_length[length].high < 1), None)
            crossings.append("no L" if crossing is None else f"L = {crossing:,}")
        worst = max(ratios.values(), key=lambda ratio: ratio.high)
        return Verdict(
            f"Fig 3, faster than exact, {NAMES[kind]}",
            "Faster than exact attention, at the longest L at which both are run.",
            "FAVOR+ / exact = " + _listed(ratios),
            worst.value,
            worst.low,
            worst.high,
            all_of([below(ratio.low, ratio.high, 1.0) for ratio in ratios.values()]),
            f"Exact is torch's scaled_dot_product_attention on the same threads, in turn. FAVOR+ is first faster, in the same order, at {', '.join(crossings)}.",
        )

    def caption(self, data: Data) -> str:
        """What is seen, and what was done in place of the paper's sizes."""
        lengths = " and ".join(f"{value:,}" for value in self.setting["longest_exact"])
        return (
            f"Exact: torch's scaled_dot_product_attention. FAVOR+: positive orthogonal features. Bound: a copy of V, backward of the gradient too. Filled marks and full lines: bidirectional; open marks and dashes: causal. "
            f"All in turn in each round, {_threads(data['fig3_time'])}; in a round the fastest of the calls that fit into 20 ms counts. Forward + backward of FAVOR+ keeps the output and computes all else again.\n"
            "The paper runs networks of six layers on accelerators, widths 512 (8 heads, MLP 2048) and 64 (1 head, MLP 64), with the largest batch that fits. On a processor: attention of one layer, with these heads and batch 1; "
            f"exact attention up to L = {lengths}. Right: what is left of a layer (projections, MLP, norms) timed in torch, and attention added, for forward (f) and forward + backward (f + b), bidirectional; dotted: twice the bound.\n"
            "Memory is the peak of the resident memory of a fresh process during the call above that before it: outputs and working memory. torch's exact attention stores no L × L matrix either [Dao22]; the formula as it is written does. "
            "Times, and memory in its last digits, are those of this machine and its load: another run has other numbers."
        )


def _exponents(frame: pd.DataFrame) -> str:
    """Fitted exponents of bidirectional attention, for the panel."""
    own = frame[~frame["causal"]]
    lines = [f"{method}: {exponent(own[own['method'] == method], 'milliseconds')}" for method in (EXACT, FAVOR)]
    return "\n".join(["exponent of L, bidirectional", *lines])


def powers(first: int, last: int) -> list[int]:
    """Powers of two from `first` to `last`, both included."""
    return [2**k for k in range(int(math.log2(first)), int(math.log2(last)) + 1)]


def exponent(frame: pd.DataFrame, column: str) -> Interval:
    """Slope of log(column) over log(L) on the upper half of the lengths, with a 95 % interval.

    With rounds, each has a slope of its own, and the interval is Student's over the rounds; without,
    it is that of the regression.
    """
    lengths = np.sort(frame["L"].unique())
    # Three lengths at least, where there are so many.
    upper = frame[frame["L"] >= lengths[min(len(lengths) // 2, max(0, len(lengths) - 3))]]
    if "round" in frame:
        return mean_interval([_slope(own, column).slope for _, own in upper.groupby("round")])
    fit = _slope(upper, column)
    points = len(upper)
    half = float(stats.t.ppf(0.975, points - 2) * fit.stderr) if points > 2 else math.inf
    return Interval(float(fit.slope), float(fit.slope - half), float(fit.slope + half))


def _slope(frame: pd.DataFrame, column: str):  # type: ignore[no-untyped-def]
    return stats.linregress(np.log(frame["L"]), np.log(frame[column]))


def _of(frame: pd.DataFrame, method: str, kind: str, causal: bool, length: int) -> pd.Series:
    """Milliseconds by round."""
    own = frame[
        (frame["method"] == method) & (frame["pass"] == kind) & (frame["causal"] == causal) & (frame["L"] == length)
    ]
    return own.set_index("round")["milliseconds"].sort_index()


def _ratio(frame: pd.DataFrame, first: str, second: str, kind: str, causal: bool, length: int) -> Interval:
    return paired_ratio(_of(frame, first, kind, causal, length), _of(frame, second, kind, causal, length))


def layer_ratio(frame: pd.DataFrame, method: str, kind: str, causal: bool, length: int) -> Interval:
    """Time of a layer with this attention over that of one which returns V, paired by round."""
    rest = _of(frame, REST, kind, False, length)
    bound = rest + _of(frame, BOUND, kind, causal, length)
    return paired_ratio(rest + _of(frame, method, kind, causal, length), bound)


def judge_linear(frame: pd.DataFrame, kind: str) -> Verdict:
    """Whether the time of FAVOR+ is nearly linear in L, for every number of heads and mask."""
    own = frame[frame["pass"] == kind]
    found = {
        method: {
            case: exponent(rows, "milliseconds")
            for case, rows in own[own["method"] == method].groupby(["heads", "causal"])
        }
        for method in (FAVOR, EXACT)
    }
    worst = max(found[FAVOR].values(), key=lambda interval: interval.high)
    return Verdict(
        f"Fig 3, linear, {NAMES[kind]}",
        f"Nearly linear in L: here, an exponent below {NEARLY_LINEAR:g}.",
        "exponent of L = " + _listed(found[FAVOR]),
        worst.value,
        worst.low,
        worst.high,
        all_of([below(interval.low, interval.high, NEARLY_LINEAR) for interval in found[FAVOR].values()]),
        f"Slopes over the upper half of the lengths, Student interval over the rounds. Exact attention: {_listed(found[EXACT])}.",
    )


def judge_memory(frame: pd.DataFrame) -> Verdict:
    """Whether the peak of FAVOR+ is linear in L, with the other methods beside it."""
    found = {
        method: {
            (heads, causal, kind): exponent(rows, "peak")
            for (heads, causal, kind), rows in frame[frame["method"] == method].groupby(["heads", "causal", "pass"])
        }
        for method in (FAVOR, EXACT, STORED)
    }
    worst = max(found[FAVOR].values(), key=lambda interval: interval.high)
    outcome = all_of([below(interval.low, interval.high, NEARLY_LINEAR) for interval in found[FAVOR].values()])
    # The longest that every method was measured at: slow ones stop sooner.
    largest = frame.groupby("method")["L"].max().min()
    both = frame[(frame["L"] == largest) & (frame["pass"] == "both") & ~frame["causal"]]
    peaks = both[both["heads"] == both["heads"].min()].set_index("method")["peak"] / 2**20
    beside = {method: _range(found[method].values()) for method in (EXACT, STORED)}
    return Verdict(
        "Fig 3, memory",
        f"Memory is linear in L: here, an exponent below {NEARLY_LINEAR:g}.",
        f"exponent of L = {worst} (the largest of heads, masks and passes)",
        worst.value,
        worst.low,
        worst.high,
        outcome,
        f"Regression over the upper half of the lengths. Exponents of torch's exact attention, which stores no scores: {beside[EXACT]}; of scores stored: {beside[STORED]}. "
        f"Forward + backward at L = {largest:,}: "
        + ", ".join(f"{method} {peaks[method]:.3g} MiB" for method in (FAVOR, EXACT, STORED))
        + f"; outputs and gradients alone take {peaks[BOUND] * 2:.3g} MiB."
        + ("" if outcome == HOLDS or np.isfinite(worst.value) else " This system does not tell the peak."),
    )


def _range(intervals) -> str:  # type: ignore[no-untyped-def]
    values = [interval.value for interval in intervals]
    return f"{min(values):.3g} to {max(values):.3g}"


def _listed(found: dict[tuple[int, bool], Interval]) -> str:
    return ", ".join(f"{value} ({_heads(heads)}, {MASKS[causal]})" for (heads, causal), value in found.items())


def _heads(count: int) -> str:
    return f"{count} head{'' if count == 1 else 's'}"


def _threads(frame: pd.DataFrame) -> str:
    counts = sorted(frame["threads"].unique())
    return f"{' or '.join(map(str, counts))} thread{'' if counts == [1] else 's'}"


def _warm_up(made: dict[str, dict[str, Call]]) -> None:
    """The first call of a process pays for pages and thread pools."""
    for passes in made.values():
        for call in passes.values():
            call()


def _curves(axes: Axes, frame: pd.DataFrame, column: str, methods: tuple[str, ...]) -> None:
    """A line a method and mask; with rounds, their geometric mean and its interval."""
    for method, causal in itertools.product(methods, MASKS):
        own = frame[(frame["method"] == method) & (frame["causal"] == causal)]
        table = {int(length): paired_ratio(values, np.ones(len(values))) for length, values in own.groupby("L")[column]}
        value = np.array([interval.value for interval in table.values()])
        bars = None
        if "round" in own:
            # An interval over few rounds may reach far: a factor of ten says enough.
            low = np.array([max(interval.low, interval.value / 10) for interval in table.values()])
            high = np.array([min(interval.high, interval.value * 10) for interval in table.values()])
            bars = [value - low, high - value]
        axes.errorbar(
            list(table),
            value,
            yerr=bars,
            capsize=2,
            elinewidth=0.8,
            color=COLOURS[method],
            marker=MARKERS[method],
            markerfacecolor="white" if causal else COLOURS[method],
            linestyle="--" if causal else "-",
            label=f"{method}, {MASKS[causal]}",
        )
    axes.set(xscale="log", yscale="log", xlabel="length L")
    _ticks(axes, sorted(frame["L"].unique()))


def _ticks(axes: Axes, lengths: list[int]) -> None:
    shown = [length for length in lengths if int(math.log2(length)) % 2 == int(math.log2(lengths[-1])) % 2]
    axes.set_xticks(shown, [f"$2^{{{int(math.log2(length))}}}$" for length in shown])
    axes.minorticks_off()
