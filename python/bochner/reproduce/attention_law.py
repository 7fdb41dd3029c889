"""The law of the attention output beside measured errors: where it holds, where it breaks, and what warns of it."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import bochner
from bochner.reproduce import real_heads, style
from bochner.reproduce.attention_runs import FEATURES, frequencies, input_seed, inputs
from bochner.reproduce.figure import Data, Drawing, Figure, Part
from bochner.reproduce.statistics import Interval, mean_interval, paired_ratio, pareto_k, seed_of
from bochner.reproduce.verdict import Verdict, above, below, inside

COUPLINGS = ("iid", "orthogonal")
Array = NDArray[Any]
#: Relative variance of the denominator up to which the law is asked to hold, and from which it is shown not to.
SMALL, LARGE = 0.005, 1.0
#: Draws and frequencies at most whose contributions are looked at one by one.
DIAGNOSED, DIAGNOSED_M = 3, 512


class AttentionLaw(Figure):
    """First-order theory and measurement on random inputs, on real heads, and on an adversarial frame."""

    name = "attention_law"
    title = "The law of attention: exact to first order, and where that ends"
    claims = ("Fig 4", "Theorem 2")
    sizes = {
        "quick": {
            "L": 128,
            "d": 16,
            "p": [256],
            "squared_norms": [0.25, 1.0, 6.25],
            "inputs": 3,
            "queries": 4,
            "draws": 16,
            "real_p": [256],
            "passages": 1,
            "real_queries": 1,
            "real_draws": 4,
            "frame_draws": 200,
        },
        "default": {
            "L": 256,
            "d": 16,
            "p": [64, 256, 1024],
            "squared_norms": [0.25, 0.5, 1.0, 2.25, 4.0, 6.25],
            "inputs": 5,
            "queries": 4,
            "draws": 40,
            "real_p": [256, 1024],
            "passages": 4,
            "real_queries": 2,
            "real_draws": 6,
            "frame_draws": 5000,
        },
        "full": {
            "L": 1024,
            "d": 16,
            "p": [64, 256, 1024, 4096],
            "squared_norms": [0.25, 0.5, 1.0, 2.25, 4.0, 6.25, 9.0],
            "inputs": 15,
            "queries": 8,
            "draws": 100,
            "real_p": [256, 2048, 16384],
            "passages": 16,
            "real_queries": 8,
            "real_draws": 20,
            "frame_draws": 60000,
        },
    }

    def parts(self) -> list[Part]:
        """A part a norm, an input and a family; a passage and a family; a radius of the frame."""
        cases = itertools.product(self.setting["squared_norms"], range(self.setting["inputs"]), FEATURES)
        found = [
            Part("attention_law", f"random-{norm:g}-{index}-{features}", partial(self._random, norm, index, features))
            for norm, index, features in cases
        ]
        if real_heads.missing() is None:
            found += [
                Part("attention_law", f"real-{index}-{features}", partial(self._real, index, features), 5.0)
                for index, features in itertools.product(range(self.setting["passages"]), FEATURES)
            ]
        found += [
            Part("attention_law_frame", f"frame-{features}-{radius:g}", partial(self._frame, features, radius))
            for features, radius in itertools.product(("positive", "trigonometric"), FRAME_RADII)
        ]
        return found

    def _random(self, norm: float, index: int, features: str) -> pd.DataFrame:
        arrays = inputs(input_seed(self.seed, index), self.setting["L"], self.setting["d"], norm)
        query, key, value = arrays[:, None]
        frame = _compare(
            (query[:, : self.setting["queries"]], key, value),
            features,
            self.setting["p"],
            self.setting["draws"],
            (self.seed, self.name, norm, index, features),
        )
        return frame.assign(source="random", input=index, squared_norm=norm, layer=-1, head=-1).drop(columns="row")

    def _real(self, index: int, features: str) -> pd.DataFrame:
        query, key, value = (
            array.reshape(-1, *array.shape[2:]).astype(np.float64) for array in real_heads.heads(index)
        )
        # Evenly spaced, since the first tokens are special.
        places = np.linspace(0, query.shape[1] - 1, self.setting["real_queries"] + 2).astype(int)[1:-1]
        frame = _compare(
            (query[:, places], key, value),
            features,
            self.setting["real_p"],
            self.setting["real_draws"],
            (self.seed, self.name, "real", index, features),
        )
        layer, head = np.divmod(frame["row"], real_heads.HEADS)
        return frame.assign(source="real", input=index, squared_norm=np.nan, layer=layer, head=head).drop(columns="row")

    def _frame(self, features: str, radius: float) -> pd.DataFrame:
        keys, values = _frame_inputs(radius, seed_of(self.seed, self.name, "rotations"))
        queries = np.zeros((len(keys), 1, FRAME_DIM))
        rows = []
        for coupling in COUPLINGS:
            estimator = bochner.Estimator("softmax", features, coupling)
            law = estimator.attention_law(queries[:1], keys[:1], values[:1], FRAME_M, scale=1)
            exact = bochner.exact_attention(queries, keys, values, scale=1)
            seed = seed_of(self.seed, self.name, "frame", features, radius, coupling)
            maps = (estimator.draw(FRAME_DIM, FRAME_M, seed, trial) for trial in range(self.setting["frame_draws"]))
            errors = [_clipped(queries, keys, values, one, exact, law.farthest.max(), 1.0).mean() for one in maps]
            measured = mean_interval(errors)
            rows.append(
                {
                    "features": features,
                    "coupling": coupling,
                    "radius": radius,
                    "law": law.mse[0, 0],
                    "denominator": law.denominator[0, 0],
                    "measured": measured.value,
                    "low": measured.low,
                    "high": measured.high,
                }
            )
        return pd.DataFrame(rows)

    def draw(self, data: Data) -> list[Drawing]:
        """The law and its warnings, then the couplings."""
        frame = data["attention_law"]
        return [self._draw_law(frame), self._draw_couplings(frame, data["attention_law_frame"])]

    def _draw_law(self, frame: pd.DataFrame) -> Drawing:
        canvas = style.canvas(10, 4.8)
        left, middle, right = canvas.subplots(1, 3, width_ratios=(1.3, 1, 1))
        for features, source in itertools.product(FEATURES, ("real", "random")):
            rows = frame[(frame["features"] == features) & (frame["source"] == source)]
            look = _look(features, source)
            left.scatter(rows["denominator"], np.maximum(rows["measured"] / rows["law"], 1e-6), **look)
            watched = rows[rows["nonpositive"].notna()]
            if features == "trigonometric":
                seen = watched[watched["nonpositive"] > 0]
                middle.scatter(seen["denominator"], seen["nonpositive"], **look | {"label": None})
            else:
                middle.scatter(watched["denominator"], watched["share"], **look | {"label": None})
                right.scatter(watched["denominator"], watched["k"], **look | {"label": None})
        left.axhline(1, color=style.REFERENCE, linewidth=1)
        right.axhline(0.7, color=style.REFERENCE, linewidth=1)
        right.annotate("0.7", (1e-3, 0.72), fontsize=8, color=style.REFERENCE)
        for axes in (left, middle, right):
            axes.axvline(1, color=style.REFERENCE, linewidth=0.8, linestyle=":")
            axes.set(xscale="log", xlabel="Var D̂ / D², by the law")
            axes.set_xlim(1e-4, 1e8)
        left.set(yscale="log", ylim=(1e-6, 10), ylabel="measured / law", title="Error of the output over its law")
        middle.set(
            yscale="log", ylim=(3e-3, 1.5), title="P(D̂ ≤ 0) (trigonometric),\nlargest frequency's share (the others)"
        )
        right.set(ylim=(-0.3, 2), title="Pareto k̂ of the frequencies'\ncontributions (positive, hyperbolic)")
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            "Measured error over its law, warning signs and Pareto k, each against the relative variance of the denominator: "
            "the ratio is one while that is small and falls far below one when it exceeds one."
        )
        return Drawing(self.name, canvas, alt)

    def _draw_couplings(self, frame: pd.DataFrame, adversarial: pd.DataFrame) -> Drawing:
        canvas = style.canvas(10, 4.6)
        left, right = canvas.subplots(1, 2)
        ratios = _couplings(frame)
        # Those of a head are means over passages, so that the noise of few draws is less.
        logs = np.log(ratios[["law", "measured"]]).groupby([ratios[key] for key in _CELL]).mean()
        ratios = np.exp(logs).reset_index()
        for features, source in itertools.product(FEATURES, ("real", "random")):
            rows = ratios[(ratios["features"] == features) & (ratios["source"] == source)]
            left.scatter(rows["law"], rows["measured"], **_look(features, source))
        ends = np.array([max(0.02, ratios["law"].min() * 0.8), 1.2])
        left.plot(ends, ends, color=style.REFERENCE, linewidth=1)
        left.axhline(1, color=style.REFERENCE, linewidth=0.8, linestyle=":")
        left.set(
            xscale="log",
            yscale="log",
            xlabel="MSE(orthogonal) / MSE(iid), by the law",
            ylabel="the same, measured",
            title="A mark a head, or a norm: means over inputs",
        )
        for features in adversarial["features"].unique():
            rows = adversarial[adversarial["features"] == features]
            radii = np.geomspace(0.2, 2.2, 25)
            curve = [_frame_law(features, radius) for radius in radii]
            colour = style.COLOURS[features]
            right.plot(radii, curve, color=colour, label=f"{features}, law")
            table = [_frame_ratio(rows[rows["radius"] == radius]) for radius in FRAME_RADII]
            bars = np.array([[r.value - r.low for r in table], [r.high - r.value for r in table]])
            place = np.array(FRAME_RADII) * (1.02 if features == "positive" else 0.98)
            right.errorbar(
                place,
                [r.value for r in table],
                yerr=bars,
                capsize=2,
                color=colour,
                marker=style.MARKERS[features],
                linestyle="none",
                label=f"{features}, measured",
            )
        right.axhline(1, color=style.REFERENCE, linewidth=0.8, linestyle=":")
        right.set(
            xscale="log",
            xlabel="radius of the inner keys",
            ylabel="MSE(orthogonal) / MSE(iid)",
            title=f"An isotropic frame of keys, d = {FRAME_DIM}, m = {FRAME_M}",
        )
        right.set_xticks(FRAME_RADII, [f"{radius:g}" for radius in FRAME_RADII])
        right.minorticks_off()
        right.legend()
        canvas.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        alt = (
            "Left: measured ratio of orthogonal and iid errors against the ratio that the law gives. Right: the ratio for keys "
            "that make an isotropic frame, where orthogonal frequencies have the larger error."
        )
        return Drawing("attention_law_couplings", canvas, alt)

    def verdicts(self, data: Data) -> list[Verdict]:
        """Where the law holds and breaks, on random and real inputs, and the couplings."""
        frame = data["attention_law"]
        found = [self._judge_small(frame), self._judge_large(frame)]
        real = frame[frame["source"] == "real"]
        if len(real):
            found += [self._judge_real(real), self._judge_real_couplings(real)]
        found.append(self._judge_frame(data["attention_law_frame"]))
        return found

    def _judge_small(self, frame: pd.DataFrame) -> Verdict:
        rows = frame[(frame["source"] == "random") & (frame["denominator"] < SMALL)]
        ratio = _over_inputs(rows["measured"] / rows["law"], rows)
        return Verdict(
            "Law of attention, small variance",
            f"Not in the paper: where the relative variance of the denominator is below {SMALL:g} the first-order law is the error, within 10 %.",
            f"measured / law = {ratio}, mean over {len(rows)} cells of random inputs",
            ratio.value,
            ratio.low,
            ratio.high,
            inside(ratio.low, ratio.high, 0.9, 1.1),
            f"Mean by family: {_by_family(rows)}. The interval is over inputs. Errors are cut at that of the farthest value, so that their mean exists for trigonometric features too; "
            "outputs of positive features never reach it.",
        )

    def _judge_large(self, frame: pd.DataFrame) -> Verdict:
        rows = frame[(frame["source"] == "random") & (frame["denominator"] > LARGE)]
        ratio = _geometric(rows["measured"] / rows["law"], rows)
        return Verdict(
            "Law of attention, large variance",
            f"Not in the paper: the law still gives at least half the error where the relative variance of the denominator exceeds {LARGE:g}.",
            f"measured / law = {ratio}, geometric mean over {len(rows)} cells of random inputs",
            ratio.value,
            ratio.low,
            ratio.high,
            above(ratio.low, ratio.high, 0.5),
            "The law grows like e^|q+k|² without bound; the error cannot exceed the distance of the farthest value.",
        )

    def _judge_real(self, real: pd.DataFrame) -> Verdict:
        most = real["p"].max()
        rows = real[real["p"] == most]
        small = (rows["denominator"] < SMALL).groupby([rows["layer"], rows["head"], rows["features"]]).mean() > 0.5
        ratio = _geometric(rows["measured"] / rows["law"], rows)
        inner = rows[rows["denominator"] < SMALL]
        there = (
            f"; there measured / law is {(inner['measured'] / inner['law']).mean():.2f} (mean)" if len(inner) else ""
        )
        return Verdict(
            "Law of attention, real heads",
            f"Not in the paper: at p = {most} the first-order law is the error of real heads, within 20 %.",
            f"measured / law = {ratio}, geometric mean over heads and estimators",
            ratio.value,
            ratio.low,
            ratio.high,
            inside(ratio.low, ratio.high, 0.8, 1.2),
            f"The interval is over passages. The relative variance of the denominator is below {SMALL:g} in {int(small.sum())} of {len(small)} pairs of a head and a family{there}. "
            f"Mean of measured / law by family: {_by_family(rows)}.",
        )

    def _judge_real_couplings(self, real: pd.DataFrame) -> Verdict:
        most = real["p"].max()
        ratios = _couplings(real[real["p"] == most])
        law, measured = (_geometric(ratios[column], ratios) for column in ("law", "measured"))
        by_family = ratios.groupby("features")["law"].agg(lambda r: float(np.exp(np.log(r).mean())))
        lower = (ratios["law"] < 1).mean()
        return Verdict(
            "Law of attention, orthogonal < iid, real heads",
            "By the law orthogonal frequencies have the smaller error on real heads.",
            f"MSE(orthogonal) / MSE(iid) = {law:.5f} by the law, {measured} measured, at p = {most}",
            law.value,
            law.low,
            law.high,
            below(law.low, law.high, 1.0),
            f"Smaller in {100 * lower:.1f} % of the pairs of a head and a family; by family "
            + ", ".join(f"{name} {value:.5f}" for name, value in by_family.items())
            + ". Orthogonality takes at most the square of the kernel from a variance of e^v times that.",
        )

    def _judge_frame(self, adversarial: pd.DataFrame) -> Verdict:
        features, radius = FRAME_JUDGED
        rows = adversarial[(adversarial["features"] == features) & (adversarial["radius"] == radius)]
        ratio = _frame_ratio(rows)
        return Verdict(
            "Law of attention, orthogonal < iid, any inputs",
            "Orthogonal frequencies have the smaller error of the output whatever the inputs.",
            f"MSE(orthogonal) / MSE(iid) = {ratio} on an isotropic frame of keys, radius {radius:g}, {features}; by the law {_frame_law(features, radius):.4f}",
            ratio.value,
            ratio.low,
            ratio.high,
            below(ratio.low, ratio.high, 1.0),
            "The covariance of a pair is a series in spherical harmonics of which degree 2 lowers the error and degree 4 raises it; "
            "here the second moments of keys and values are isotropic, which removes degree 2. Terms beyond first order add to it at this m.",
        )

    def caption(self, data: Data) -> str:
        """What is seen."""
        missing = real_heads.missing()
        real = (
            f"Real heads are those of MiniLM on {self.setting['passages']} passages, {self.setting['real_queries']} queries each, at p = {', '.join(map(str, self.setting['real_p']))}. "
            if missing is None
            else f"Real heads are not drawn: {missing}. "
        )
        return (
            "To first order in 1/m the error of the output is Σ Cov(K̂_j, K̂_l) u_j·u_l / D², where u_j is the distance of value j from the exact output: "
            "for each query a sum over all pairs of keys, with closed covariances. "
            f"Random inputs: L = {self.setting['L']}, d = {self.setting['d']}, mean |q|² = |k|² of {', '.join(f'{n:g}' for n in self.setting['squared_norms'])}, "
            f"p = {', '.join(map(str, self.setting['p']))}; {self.setting['draws']} draws. {real}"
            "Small marks are heads, large ones random inputs; iid and orthogonal are both drawn. "
            "Errors are cut at the squared distance of the farthest value, which features that are positive cannot exceed, so that their mean exists for all families.\n"
            "Just before it breaks, trigonometric errors exceed the law, since denominators come near 0; far beyond, every error lies below it. "
            "The law is an expansion in the relative variance of the denominator, and that is what to look at before it is believed. The middle and right panels draw the warnings that one draw can give: "
            "a denominator that is not positive, the share that the largest of the m frequencies has in the denominator of a query, and the shape k̂ of the generalized Pareto law of the upper tail of these shares "
            f"(means over queries, {DIAGNOSED} draws; those up to m = {DIAGNOSED_M}). Above 0.7 such a mean is not to be trusted.\n"
            f"Lower picture, right: {2 * FRAME_DIM} keys ±r e_i with the value 1 and {2 * FRAME_DIM} keys ±{FRAME_STRETCH:g} r e_i with the value −1, the query 0: "
            f"{FRAME_ROTATIONS} random rotations of them share a draw, {self.setting['frame_draws']} draws."
        )


def _compare(
    arrays: Sequence[Array], features: str, columns: list[int], draws: int, axes: tuple[Any, ...]
) -> pd.DataFrame:
    """Law and measurement of heads (H, L, d): a row for each head, coupling and p, means over the queries."""
    query, key, value = arrays
    sizes = [frequencies(features, p) for p in columns]
    exact = bochner.exact_attention(query, key, value)
    frames = []
    for coupling in COUPLINGS:
        estimator = bochner.Estimator("softmax", features, coupling)
        law = estimator.attention_law(query, key, value, sizes)
        seed = seed_of(*axes, coupling)
        for row, m in enumerate(sizes):
            errors = np.zeros((draws, len(query)))
            warned = []
            for trial in range(draws):
                feature_map = estimator.draw(query.shape[-1], m, seed, trial)
                errors[trial] = _clipped(query, key, value, feature_map, exact, law.farthest).mean(-1)
                if trial < DIAGNOSED and m <= DIAGNOSED_M:
                    warned.append(_warnings(query, key, feature_map, features))
            signs = {name: np.mean([one[name] for one in warned], axis=0) for name in warned[0]} if warned else {}
            frames.append(
                pd.DataFrame(
                    {
                        "row": np.arange(len(query)),
                        "features": features,
                        "coupling": coupling,
                        "p": columns[row],
                        "law": law.mse[row].mean(-1),
                        "denominator": law.denominator[row].mean(-1),
                        "measured": errors.mean(0),
                        "nonpositive": signs.get("nonpositive", np.nan),
                        "share": signs.get("share", np.nan),
                        "k": signs.get("k", np.nan),
                    }
                )
            )
    return pd.concat(frames, ignore_index=True)


def _clipped(
    query: Array,
    key: Array,
    value: Array,
    feature_map: bochner.FeatureMap,
    exact: Array,
    farthest: Any,
    scale: float | None = None,
) -> Array:
    """Mean squared error of each query, cut at that of the farthest value."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bochner.NonPositiveDenominatorWarning)
        out = bochner.attention(query, key, value, feature_map, scale=scale)
    clipped: Array = np.minimum(((out - exact) ** 2).mean(-1), farthest)
    return clipped


def _warnings(query: Array, key: Array, feature_map: bochner.FeatureMap, features: str) -> dict[str, Array]:
    """What one draw tells of itself, means over the queries of a head (H, L, d) -> (H,).

    A denominator is a sum of one contribution a frequency: their largest share and Pareto k, and whether it is positive.
    """
    root = query.shape[-1] ** -0.25
    m = feature_map.m

    def scaled(rows: Array) -> tuple[Array, Array]:
        values, log_scale = feature_map.transform_scaled(root * rows.reshape(-1, rows.shape[-1]))
        return values.reshape(*rows.shape[:-1], -1), log_scale.reshape(rows.shape[:-1])

    keys, log_scale = scaled(key)
    totals = np.einsum("hlp,hl->hp", keys, np.exp(log_scale - log_scale.max(-1, keepdims=True)))
    products = scaled(query)[0] * totals[:, None]
    # The columns of one frequency lie m apart.
    contributions = products.reshape(*products.shape[:-1], -1, m).sum(-2)
    total = contributions.sum(-1)
    found = {"nonpositive": (total <= 0).mean(-1)}
    if features != "trigonometric":
        found["share"] = (contributions.max(-1) / total).mean(-1)
        found["k"] = np.array([np.nanmean([pareto_k(row) for row in head]) for head in contributions])
    return found


#: Keys +-r e_i and +-s r e_i with opposite values: all second moments are isotropic.
FRAME_DIM, FRAME_M, FRAME_STRETCH, FRAME_ROTATIONS = 16, 64, 1.5, 4
FRAME_RADII = (0.7, 1.3)
#: Where the law sees the largest loss.
FRAME_JUDGED = ("trigonometric", 1.3)


def _frame_inputs(radius: float, seed: int) -> tuple[Array, Array]:
    """Keys (rotations, 4 d, d) and values (rotations, 4 d, 1)."""
    rng = np.random.default_rng(seed)
    frame = np.concatenate([np.eye(FRAME_DIM), -np.eye(FRAME_DIM)])
    keys = np.concatenate([radius * frame, FRAME_STRETCH * radius * frame])
    rotations = np.linalg.qr(rng.standard_normal((FRAME_ROTATIONS, FRAME_DIM, FRAME_DIM)))[0]
    values = np.repeat([[1.0], [-1.0]], 2 * FRAME_DIM, axis=0)
    return keys @ rotations, np.broadcast_to(values, (FRAME_ROTATIONS, *values.shape))


def _frame_law(features: str, radius: float) -> float:
    """MSE(orthogonal) / MSE(iid) by the law."""
    keys, values = _frame_inputs(radius, 0)
    laws = [
        bochner.Estimator("softmax", features, coupling)
        .attention_law(np.zeros((1, FRAME_DIM)), keys[0], values[0], FRAME_M, scale=1)
        .mse[0]
        for coupling in COUPLINGS
    ]
    return float(laws[1] / laws[0])


def _frame_ratio(rows: pd.DataFrame) -> Interval:
    """Ratio of two independent means; the interval is that of its logarithm."""
    iid, orthogonal = (rows[rows["coupling"] == coupling].iloc[0] for coupling in COUPLINGS)
    ratio = float(orthogonal["measured"] / iid["measured"])
    spread = np.hypot(*((row["high"] - row["low"]) / (2 * row["measured"]) for row in (iid, orthogonal)))
    return Interval(ratio, float(ratio * np.exp(-spread)), float(ratio * np.exp(spread)))


#: What a mark of the picture of couplings stands for: all its inputs together.
_CELL = ["source", "squared_norm", "layer", "head", "features", "p"]


def _couplings(frame: pd.DataFrame) -> pd.DataFrame:
    """Ratio of orthogonal over iid, by the law and measured, for each cell."""
    keys = ["source", "input", "squared_norm", "layer", "head", "features", "p"]
    filled = frame.fillna({"squared_norm": -1.0})
    table = filled.set_index([*keys, "coupling"])[["law", "measured"]].unstack("coupling")
    ratios = {name: table[name]["orthogonal"] / table[name]["iid"] for name in ("law", "measured")}
    return pd.DataFrame(ratios).dropna().reset_index()


def _over_inputs(values: pd.Series, rows: pd.DataFrame) -> Interval:
    """Mean, with the interval over the inputs."""
    return mean_interval(values.groupby(rows["input"]).mean())


def _geometric(values: pd.Series, rows: pd.DataFrame) -> Interval:
    """Geometric mean, with the interval over the inputs."""
    logs = np.log(values.clip(lower=1e-300)).groupby(rows["input"]).mean()
    return paired_ratio(np.exp(logs), np.ones(len(logs)))


def _by_family(rows: pd.DataFrame) -> str:
    """Mean of measured over law by family, in words."""
    means = (rows["measured"] / rows["law"]).groupby(rows["features"]).mean()
    return ", ".join(f"{name} {value:.2g}" for name, value in means.items())


def _look(features: str, source: str) -> dict[str, Any]:
    """Small marks for heads, large ones with an edge for random inputs."""
    random = source == "random"
    return {
        "color": style.COLOURS[features],
        "marker": style.MARKERS[features],
        "s": 26 if random else 5,
        "alpha": 0.85 if random else 0.35,
        "edgecolors": "white" if random else "none",
        "linewidths": 0.5 if random else 0,
        "label": f"{features}, {source}",
    }
