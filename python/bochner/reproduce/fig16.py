"""Figs 16 and 17: the functions of generalized attention, by how well they approximate softmax attention."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

import bochner
from bochner.reproduce import real_heads, style
from bochner.reproduce.attention_runs import input_seed, inputs
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, paired_ratio, seed_of
from bochner.reproduce.verdict import FAILS, HOLDS, Verdict, all_of, below

#: Added to every f, as the paper does.
EPSILON = 1e-3
#: The estimator of softmax attention that the functions are compared with.
SOFTMAX = "positive"
#: Errors beyond are written at the edge of the picture.
EDGE = 50.0
COLOURS = {True: "#0072B2", False: "#D55E00"}
#: Standard normal inputs and, where the model is installed, the heads of MiniLM.
NORMAL, REAL = "standard normal", "MiniLM"


class Fig16(Figure):
    """Error of the attention output for every function, with and without renormalisation."""

    name = "fig16"
    title = "Figs 16, 17: functions of generalized attention against softmax attention"
    claims = ("Fig 16, 17",)
    sizes = {
        "quick": {"m": 64, "L": 128, "d": 16, "inputs": 6, "passages": 2, "draws": 2},
        "default": {"m": 256, "L": 256, "d": 16, "inputs": 12, "passages": 4, "draws": 2},
        "full": {"m": 256, "L": 4096, "d": 16, "inputs": 30, "passages": 32, "draws": 10},
    }

    def parts(self) -> list[Part]:
        """A part an input."""
        parts = [
            Part("fig16", f"normal-{index}", partial(self._normal, index)) for index in range(self.setting["inputs"])
        ]
        if real_heads.missing() is None:
            parts += [
                Part("fig16", f"real-{index}", partial(self._real, index), 3)
                for index in range(self.setting["passages"])
            ]
        return parts

    def _normal(self, index: int) -> pd.DataFrame:
        d = self.setting["d"]
        arrays = inputs(input_seed(self.seed, index), self.setting["L"], d, np.sqrt(d))
        return self._measure(NORMAL, index, arrays[:, None, None])

    def _real(self, index: int) -> pd.DataFrame:
        return self._measure(REAL, index, np.stack(real_heads.heads(index)))

    def _measure(self, source: str, index: int, arrays: NDArray[Any]) -> pd.DataFrame:
        """A row a function, renormalisation and head: errors over that of averaging, medians over draws."""
        arrays = arrays.astype(float)
        query, key, value = arrays
        exact = bochner.exact_attention(query, key, value)
        averaging = _error(bochner.uniform_attention(query, key, value), exact)
        frames = []
        for function in functions():
            features = function if function == SOFTMAX else bochner.Features(function, epsilon=EPSILON)
            estimator = bochner.Estimator("softmax", features)
            seed = seed_of(self.seed, self.name, source, index, function)
            draws = [
                errors(estimator.draw(query.shape[-1], self.setting["m"], seed, trial), arrays, exact)
                for trial in range(self.setting["draws"])
            ]
            layers, heads = np.indices(exact.shape[:2]).reshape(2, -1)
            common = {"source": source, "input": index, "function": function, "layer": layers, "head": heads}
            common |= {"zero": (np.mean(exact**2, axis=(-2, -1)) / averaging).ravel()}
            for renormalize in (True, False):
                found = {
                    name: np.median([draw[renormalize][name] for draw in draws], axis=0) for name in draws[0][True]
                }
                columns = {
                    name: (values / averaging).ravel() for name, values in found.items() if name != "nonpositive"
                }
                columns["nonpositive"] = np.mean([draw[renormalize]["nonpositive"] for draw in draws], axis=0).ravel()
                frames.append(pd.DataFrame({**common, "renormalize": renormalize, **columns}))
        return pd.concat(frames, ignore_index=True)

    def draw(self, data: Data) -> list[Drawing]:
        """A row a function: the error with renormalisation, and without it at the best scale."""
        frame = data["fig16"]
        sources = list(frame["source"].unique())
        canvas = style.canvas(5.6 * len(sources) + 1.2, 5.2)
        panels = np.atleast_1d(canvas.subplots(1, len(sources), sharey=True))
        # One order for all, that of the most real input.
        order = ranked(frame[frame["source"] == sources[-1]])
        for axes, source in zip(panels, sources, strict=True):
            self._draw_source(axes, frame[frame["source"] == source], source, order)
        names = [f"{name} (softmax)" if name == SOFTMAX else name for name in order]
        panels[0].set_yticks(range(len(order)), names)
        panels[0].invert_yaxis()
        canvas.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        alt = (
            "For each function of generalized attention the error of the attention output over that of averaging the values: "
            "median and 80 % range, with renormalisation and without it at the best scale, beside positive softmax features."
        )
        return [Drawing(self.name, canvas, alt)]

    def _draw_source(self, axes: Axes, frame: pd.DataFrame, source: str, order: list[str]) -> None:
        for renormalize, shift, column, label in (
            (True, -0.13, "relative", "renormalised"),
            (False, 0.13, "scaled", "not renormalised, at the best scale in hindsight"),
        ):
            rows = frame[frame["renormalize"] == renormalize]
            table = rows.groupby("function")[column].quantile([0.1, 0.5, 0.9]).unstack().reindex(order)
            places = np.arange(len(order)) + shift
            for place, value in zip(places, table[0.5], strict=True):
                if value > EDGE:
                    axes.text(
                        EDGE, place, f"{value:.1g} →", ha="right", va="center", fontsize=8, color=COLOURS[renormalize]
                    )
            axes.errorbar(
                table[0.5].where(table[0.5] <= EDGE),
                places,
                xerr=[table[0.5] - table[0.1], table[0.9] - table[0.5]],
                fmt="o" if renormalize else "D",
                markerfacecolor=COLOURS[renormalize] if renormalize else "white",
                color=COLOURS[renormalize],
                elinewidth=1.2,
                label=label,
            )
        axes.axvline(1, color=style.COLOURS["uniform averaging"], linestyle="-.", label="averaging all values")
        zero = float(frame["zero"].median())
        axes.axvline(zero, color=style.REFERENCE, linestyle=":", linewidth=1, label="an output of zeros")
        count = frame["input"].nunique()
        title = f"{count} standard normal inputs, L = {self.setting['L']}, d = {self.setting['d']}"
        if source == REAL:
            title = f"MiniLM: all {real_heads.LAYERS * real_heads.HEADS} heads on {count} passages"
        axes.set(xscale="log", xlabel="MSE / MSE of averaging all values", title=title)
        axes.set_xlim(right=EDGE)

    def verdicts(self, data: Data) -> list[Verdict]:
        """What can be said of the functions without training, on the most real input that is there."""
        frame = data["fig16"]
        source = REAL if REAL in set(frame["source"]) else NORMAL
        rows = frame[frame["source"] == source]
        on = rows[rows["renormalize"]]
        return [
            self._judge_best(on, source),
            self._judge_renormalisation(rows, source),
            self._judge(on, source, "averaging", "relu has a smaller error than averaging all values", None),
            self._judge(on, source, "softmax", f"relu has a smaller error than {SOFTMAX} features of softmax", SOFTMAX),
        ]

    def _judge_best(self, on: pd.DataFrame, source: str) -> Verdict:
        others = [name for name in on["function"].unique() if name not in ("relu", SOFTMAX)]
        ratios = {name: _ratio(on, "relu", name) for name in others}
        nearest = max(ratios, key=lambda name: ratios[name].value)
        ratio = ratios[nearest]
        lost = [name for name, one in ratios.items() if below(one.low, one.high, 1.0) == FAILS]
        won = [name for name, one in ratios.items() if below(one.low, one.high, 1.0) == HOLDS]
        return Verdict(
            "Fig 16, 17: relu is best, as an approximation",
            "Of the functions of generalized attention relu comes nearest to softmax attention, before any training.",
            f"{source}: MSE(relu) / MSE({nearest}) = {ratio}, the hardest of {len(others)} rivals",
            ratio.value,
            ratio.low,
            ratio.high,
            all_of([below(one.low, one.high, 1.0) for one in ratios.values()]),
            f"relu is nearer than {_listed(won)} and farther than {_listed(lost)}. The paper's claim is of another kind: that relu is best is said of the accuracy "
            "after training, in which queries and keys adapt to the function. This measures no training and can neither confirm nor refute that.",
        )

    def _judge_renormalisation(self, rows: pd.DataFrame, source: str) -> Verdict:
        relu = rows[rows["function"] == "relu"].assign(
            error=lambda one: one["relative"].where(one["renormalize"], one["scaled"])
        )
        ratio = _paired(relu[relu["renormalize"]], relu[~relu["renormalize"]], "error")
        raw = float(relu.loc[~relu["renormalize"], "relative"].median())
        return Verdict(
            "Fig 16, 17: renormalisation",
            "Renormalised relu attention is nearer to softmax attention than the same without renormalisation.",
            f"{source}: MSE(renormalised) / MSE(not, best scale) = {ratio}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            "Without renormalisation the output has no scale of its own, so it gets the one that fits a head best in hindsight, which training would have to find. "
            f"As it comes, its error is {raw:.2g} times that of averaging (median).",
        )

    def _judge(self, on: pd.DataFrame, source: str, claim: str, statement: str, rival: str | None) -> Verdict:
        relu = on[on["function"] == "relu"]
        ratio = _paired(relu, relu.assign(relative=1.0), "relative") if rival is None else _ratio(on, "relu", rival)
        name = "averaging" if rival is None else rival
        return Verdict(
            f"Fig 16, 17: relu against {claim}",
            f"Not in the paper: {statement}.",
            f"{source}: MSE(relu) / MSE({name}) = {ratio}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            f"Geometric mean over heads; the interval is over inputs. m = {self.setting['m']}.",
        )

    def caption(self, data: Data) -> str:
        """What is seen."""
        frame = data["fig16"]
        on = frame[frame["renormalize"]]
        bad = on.groupby("function")["nonpositive"].mean()
        signed = ", ".join(f"{name} {100 * share:.2g} %" for name, share in bad.items() if share > 0)
        text = (
            f"Generalized attention with phi(x) = f(Wx) + {EPSILON:g}, m = {self.setting['m']} orthogonal frequencies, queries and keys divided by d^(1/4). Marks: median over "
            f"inputs and heads of the error of an output, bars: from 10 % to 90 %; an error is the mean squared difference to exact softmax attention, the median "
            f"of {self.setting['draws']} draws, over that of averaging all values. None of these f has softmax as its kernel (exp lacks the factor exp(−|x|²/2) of {SOFTMAX} features), so "
            "more frequencies do not take their errors to 0.\n"
            f"Functions that may be negative have denominators of either sign ({signed or 'none here'} not positive): their errors have no mean, only quantiles."
        )
        if REAL not in set(frame["source"]):
            text += f"\nNo real heads here: {real_heads.missing()}"
        return text


@cache
def functions() -> tuple[str, ...]:
    """The functions of generalized attention that have a name, and the features of softmax."""
    return (*(entry.name for entry in bochner.list_features() if "epsilon" in entry.parameters), SOFTMAX)


def ranked(frame: pd.DataFrame) -> list[str]:
    """Functions, that of the smallest median error with renormalisation first."""
    on = frame[frame["renormalize"]]
    return list(on.groupby("function")["relative"].median().sort_values().index)


def errors(
    feature_map: bochner.FeatureMap, arrays: NDArray[Any], exact: NDArray[Any]
) -> dict[bool, dict[str, NDArray[np.float64]]]:
    """Errors of the heads with renormalisation and without, `relative` as they are and `scaled` at the best scale.

    `nonpositive` is the share of denominators that are not positive.
    """
    query, key, value = arrays
    # A column of ones has the denominators as its output, so that one pass serves both.
    extended = np.concatenate([value, np.ones((*value.shape[:-1], 1))], axis=-1)
    out = bochner.attention(query, key, extended, feature_map, renormalize=False)
    plain, denominator = out[..., :-1], out[..., -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        outputs = {True: plain / denominator, False: plain}
    nonpositive = np.mean(denominator[..., 0] <= 0, axis=-1)
    return {
        renormalize: {
            "relative": _error(output, exact),
            "scaled": _error(best_scale(output, exact) * output, exact),
            "nonpositive": nonpositive,
        }
        for renormalize, output in outputs.items()
    }


def _error(out: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.float64]:
    difference = out.astype(float) - exact
    return np.asarray(np.mean(difference**2, axis=(-2, -1)))


def best_scale(out: NDArray[Any], exact: NDArray[Any]) -> NDArray[np.float64]:
    """The number, one a head, that brings an output nearest to the exact one."""
    squares = np.sum(out * out, axis=(-2, -1), keepdims=True)
    products = np.sum(out * exact, axis=(-2, -1), keepdims=True)
    return np.asarray(np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0))


def _ratio(rows: pd.DataFrame, first: str, second: str) -> Interval:
    return _paired(rows[rows["function"] == first], rows[rows["function"] == second], "relative")


def _paired(first: pd.DataFrame, second: pd.DataFrame, column: str) -> Interval:
    """Geometric mean of a ratio over heads, with the interval over inputs."""
    keys = ["input", "layer", "head"]
    logs = np.log(first.set_index(keys)[column]) - np.log(second.set_index(keys)[column])
    by_input = logs.groupby("input").mean()
    return paired_ratio(np.exp(by_input), np.ones(len(by_input)))


def _listed(names: list[str]) -> str:
    return ", ".join(names) if names else "none"
