"""Outcomes of verdicts, and the statistics they rest on; a false claim must be found out."""

import math

import numpy as np
import pandas as pd
import pytest

from bochner.reproduce import lemma2, statistics
from bochner.reproduce.attention_runs import compare
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED, above, all_of, below, consistent, inside


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.2, 0.9, HOLDS),
        (0.2, 1.0, UNDECIDED),
        (1.0, 3.0, FAILS),
        (0.9, 1.1, UNDECIDED),
        (2, math.inf, FAILS),
        (-math.inf, math.inf, UNDECIDED),
        (math.nan, math.nan, UNDECIDED),
    ],
)
def test_below(low, high, outcome):
    assert below(low, high, 1.0) == outcome
    assert above(-high, -low, -1.0) == outcome


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [(0.94, 0.96, HOLDS), (0.90, 0.96, UNDECIDED), (0.5, 0.6, FAILS), (0.97, 0.98, FAILS), (0.9, 0.99, UNDECIDED)],
)
def test_inside(low, high, outcome):
    assert inside(low, high, 0.935, 0.965) == outcome


@pytest.mark.parametrize(
    ("outcomes", "outcome"),
    [([HOLDS, HOLDS], HOLDS), ([HOLDS, UNDECIDED], UNDECIDED), ([UNDECIDED, FAILS], FAILS), ([], UNDECIDED)],
)
def test_all_of(outcomes, outcome):
    assert all_of(outcomes) == outcome


@pytest.mark.parametrize(("p_value", "outcome"), [(0.5, HOLDS), (1e-3, UNDECIDED), (1e-5, FAILS)])
def test_consistent(p_value, outcome):
    assert consistent(p_value) == outcome


def test_seeds_depend_on_every_axis_and_on_nothing_else():
    seeds = {statistics.seed_of(seed, name, v) for seed in (0, 1) for name in "ab" for v in (0.5, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert statistics.seed_of(0, "fig2", 1) == 168851253789650170


def test_intervals_cover():
    # 2,000 repeats: a share of 0.95 is known to a standard error of 0.0049.
    generator = np.random.default_rng(0)
    covered = {"mean": 0, "ratio": 0, "share": 0}
    for _ in range(2000):
        normal = generator.normal(1, 2, size=15)
        mean = statistics.mean_interval(normal)
        covered["mean"] += mean.low <= 1 <= mean.high
        ratio = statistics.paired_ratio(np.exp(normal), np.exp(generator.normal(0, 1, size=15)))
        covered["ratio"] += ratio.low <= math.e <= ratio.high
        share = statistics.share_interval(int(generator.binomial(200, 0.95)), 200)
        covered["share"] += share.low <= 0.95 <= share.high
    assert abs(covered["mean"] / 2000 - 0.95) < 4.5 * 0.0049
    assert abs(covered["ratio"] / 2000 - 0.95) < 4.5 * 0.0049
    # Clopper and Pearson's interval covers at least.
    assert covered["share"] / 2000 > 0.95 - 4.5 * 0.0049


def test_one_value_has_no_interval():
    assert statistics.mean_interval([3.0]) == statistics.Interval(3.0, -math.inf, math.inf)
    assert str(statistics.paired_ratio([3.0], [2.0])) == "1.5 (too few for an interval)"


def test_intervals_are_written_in_the_digits_asked_for():
    interval = statistics.Interval(1.23456, 1.0, 1.5)
    assert str(interval) == "1.23 [1, 1.5]"
    assert f"{interval:.2f}" == "1.23 [1.00, 1.50]"


def test_p_values_of_maxima_are_uniform():
    z = np.random.default_rng(1).normal(size=(2000, 50))
    p_values = np.array([statistics.largest_p_value(row) for row in z])
    # The mean of 2,000 uniform numbers has standard error 0.0065.
    assert abs(p_values.mean() - 0.5) < 4.5 * 0.0065
    assert statistics.largest_p_value(np.array([40.0, 0.0])) == 0.0


def cells(scale, count=400):
    """Cells of lemma2 in which the law is wrong by the factor `scale`, with 1 % standard errors."""
    measured = np.random.default_rng(2).normal(1, 0.01, size=count)
    law = np.full(count, scale)
    return pd.DataFrame(
        {
            "kernel": "softmax",
            "features": "positive",
            "coupling": "iid",
            "d": 8,
            "m": 8,
            "x_norm": 1.0,
            "y_norm": 1.0,
            "angle": 0.0,
            "truth": 1.0,
            "mse": measured,
            "law_mse": law,
            "z_mse": (measured - law) / 0.01,
            "z_mean": np.random.default_rng(3).normal(size=count),
        }
    )


@pytest.mark.parametrize(("scale", "outcome"), [(1.0, HOLDS), (1.02, FAILS), (0.98, FAILS)])
def test_wrong_law_does_not_hold(scale, outcome):
    verdict = lemma2._judge(cells(scale), "Lemma 2", "It is exact.")
    assert verdict.outcome == outcome
    assert verdict.value == pytest.approx(1 / scale, abs=0.003)


def attention_errors(factor, inputs=15):
    generator = np.random.default_rng(4)
    level = np.exp(generator.normal(0, 2, size=inputs))
    frame = pd.DataFrame({"input": range(inputs), "m": 64, "median": level})
    return frame.assign(median=factor * level * np.exp(generator.normal(0, 0.1, size=inputs))), frame


@pytest.mark.parametrize(("factor", "outcome"), [(0.8, HOLDS), (1.25, FAILS)])
def test_pairing_by_input_sees_through_the_spread_of_inputs(factor, outcome):
    ratio = compare(*attention_errors(factor), ["m"])
    # The error of a pair is 0.1 on the logarithmic scale, so that of the mean of 15 is 0.026.
    assert abs(math.log(ratio.value / factor)) < 4.5 * 0.026
    assert below(ratio.low, ratio.high, 1.0) == outcome


def test_few_inputs_decide_nothing():
    ratio = compare(*attention_errors(0.8, inputs=1), ["m"])
    assert below(ratio.low, ratio.high, 1.0) == UNDECIDED
