"""Largest errors over balls and data sets, their intervals, and the bounds beside them."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest

import bochner
from bochner import bounds, experiments
from bochner.experiments._intervals import quantile_interval
from bochner.experiments._uniform import best_of

GAUSSIAN = bochner.Estimator("gaussian", "trigonometric", "iid")
SOFTMAX = bochner.Estimator("softmax", "trigonometric", "orthogonal")
DIAMETER = 3.0

# d, m, then at 90 %: Rahimi-Recht as printed, Sutherland-Schneider as printed and corrected, Sriperumbudur-Szabo, and
# Hoeffding and Bernstein on 1201 (d = 1) or 5025 (d = 2) differences of length up to 3; Gaussian kernel.
TABLE = [
    (1, 100, 1.09, 0.713, 0.745, 11.9, 0.449, 0.392),
    (1, 1000, 0.379, 0.212, 0.219, 3.77, 0.142, 0.107),
    (1, 10_000, 0.130, 0.068, 0.070, 1.19, 0.045, 0.032),
    (2, 100, 1.28, 0.951, 1.00, 17.4, 0.480, 0.425),
    (2, 1000, 0.445, 0.278, 0.290, 5.52, 0.152, 0.115),
    (2, 10_000, 0.152, 0.089, 0.092, 1.74, 0.048, 0.035),
]
# d, m, mean and 90 % quantile of the largest error, of 400 draws on the same grids, to the last digit.
MEASURED = [
    (1, 100, 0.081, 0.138),
    (1, 1000, 0.026, 0.044),
    (2, 100, 0.148, 0.198),
    (2, 1000, 0.046, 0.061),
]
#: Largest variance of cos(w.t) for |t| <= 3.
VARIANCE = (1 - math.exp(-(DIAMETER**2))) ** 2 / 2


def bounds_of(d):
    points = {1: 1201, 2: 5025}[d]
    return [
        bounds.RahimiRecht(d, DIAMETER),
        bounds.SutherlandSchneider(d, DIAMETER, VARIANCE, corrected=False),
        bounds.SutherlandSchneider(d, DIAMETER, VARIANCE),
        bounds.SriperumbudurSzabo(d, DIAMETER),
        bounds.Hoeffding(points),
        bounds.Bernstein(points, VARIANCE),
    ]


@pytest.mark.parametrize("row", TABLE)
def test_bounds_are_those_of_the_table(row):
    d, m, *expected = row
    for bound, value in zip(bounds_of(d), expected, strict=True):
        # The last digit that is printed, and the rounding of it.
        digit = 10 ** (math.floor(math.log10(value)) - 2 + (value < 0.1))
        assert bound.error(m, 0.1) == pytest.approx(value, abs=0.75 * digit), bound


@pytest.mark.parametrize(
    "bound",
    [*bounds_of(2), bounds.MohriRostamizadehTalwalkar(2, 1.5), bounds.AttentionBound(4, 1.0)],
    ids=lambda bound: type(bound).__name__,
)
def test_bounds_solve_for_each_other(bound):
    for m, probability in itertools.product((200, 5000), (0.5, 0.1, 1e-6)):
        error = bound.error(m, probability)
        assert bound.log_probability(error, m) == pytest.approx(math.log(probability), abs=1e-6)
        assert abs(bound.m(error, probability) - m) <= 1
        assert bound.error(2 * m, probability) < error < bound.error(m, probability / 10)


def test_formulas_in_their_own_words():
    e, m, d, R = 0.3, 700, 3, 1.2
    mohri = bounds.MohriRostamizadehTalwalkar(d, R).log_probability(e, m)
    assert math.exp(mohri) == pytest.approx((48 * R * math.sqrt(d) / e) ** 2 * math.exp(-m * e**2 / (4 * (d + 2))))
    # Theorem 4's substitute: m >= (8 (d + 2) / delta^2) log(48 d^(1/4) R / (delta sqrt(eta))).
    delta, eta = e * math.exp(-(R**2) / math.sqrt(d)), 0.1
    needed = 8 * (d + 2) / delta**2 * math.log(48 * d**0.25 * R / (delta * math.sqrt(eta)))
    assert bounds.AttentionBound(d, R).m(e, eta) == math.ceil(needed)
    blocks = bounds.AttentionBound(d, R, blocks=True)
    assert blocks.log_probability(e, 31) == bounds.AttentionBound(d, R).log_probability(e, 10)
    assert bounds.Hoeffding(10).log_probability(e, m) == pytest.approx(math.log(20 * math.exp(-m * e**2 / 2)))
    # sup over d of the constant, 66, at d = 64.
    constants = [bounds.SutherlandSchneider(d, 1, 1, 1, False)._log_probability(1, 0) for d in (63, 64, 65)]
    assert constants[1] == max(constants) == pytest.approx(math.log(66.0), abs=1e-3)


@pytest.mark.parametrize(
    "call",
    [
        lambda bound: bound.error(0, 0.1),
        lambda bound: bound.error(10, 0),
        lambda bound: bound.error(10, 1.5),
        lambda bound: bound.m(-1, 0.1),
        lambda bound: bound.m(1e-12, 0.1),
    ],
)
def test_bounds_refuse(call):
    with pytest.raises(ValueError, match=r"error|m:"):
        call(bounds.Hoeffding(3))


@pytest.mark.parametrize("row", MEASURED)
def test_largest_errors_are_those_of_the_table_and_below_the_bounds(row):
    d, m, mean, quantile = row
    frame = experiments.uniform_draws(GAUSSIAN, DIAMETER / 2, d, m=m, trials=400, seed=1)
    found = frame["found"]
    # Two runs of 400 draws, half a digit of the table, and 1 % of the certificate.
    error = math.sqrt(2) * found.std() / 20
    assert found.mean() == pytest.approx(mean, abs=4.5 * error + 0.0005 + 0.01 * mean)
    # Of the 400 values in the table, 360 +- 6 lie below a quantile of 90 %, so of ours.
    below = (found < quantile).sum()
    assert abs(below - 360) < 4.5 * math.sqrt(2) * 6 + 15
    # Three standard errors above the upper end of the interval of the quantile.
    upper = frame["certified"].sort_values().iloc[360 + 18]
    for bound in [*bounds_of(d)[:4], bounds.MohriRostamizadehTalwalkar(d, DIAMETER / 2)]:
        assert upper < bound.error(m, 0.1)


def brute_force(estimator, radius, dim, m, seed, trial):
    """The largest error at pairs on a fine grid, from the frequencies alone."""
    W = estimator.draw(dim, m, seed, trial).frequencies
    if dim == 1:
        t = np.linspace(0, 2 * radius, 4001)[:, None]
    else:
        lengths, angles = np.meshgrid(np.linspace(0, 2 * radius, 201), np.linspace(0, np.pi, 200))
        t = np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], axis=-1).reshape(-1, 2)
    squares = (t**2).sum(axis=1)
    error = np.abs(np.cos(t @ W.T).mean(axis=1) - np.exp(-squares / 2))
    if estimator.kernel.name == "softmax":
        # exp((|x|^2 + |y|^2) / 2) of the pair with this difference that is farthest from 0.
        farthest = radius**2 + ((radius - np.sqrt(squares)) ** 2 if dim == 1 else radius**2)
        error = error * np.exp(farthest / 2)
    return error.max()


@pytest.mark.parametrize("estimator", [GAUSSIAN, SOFTMAX])
@pytest.mark.parametrize("dim", [1, 2])
def test_certified_brackets_hold_the_supremum(estimator, dim):
    frame = experiments.uniform_draws(estimator, 1.2, dim, m=[10, 80], trials=6, seed=3, tolerance=0.004)
    for row in frame.itertuples():
        fine = brute_force(estimator, 1.2, dim, int(row.m), 3, int(row.trial))
        assert row.found <= row.certified <= 1.004 * row.found * (1 + 1e-14)
        # The grid misses (curvature / 2) (step / 2)^2 at most.
        assert fine <= row.certified * (1 + 1e-12)
        assert row.found <= 1.003 * fine


def test_data_set_is_exact():
    generator = np.random.default_rng(0)
    X, Y = generator.normal(size=(20, 5)), generator.normal(size=(30, 5))
    for attention in (False, True):
        frame = experiments.uniform_draws(
            bochner.Estimator(), X=X, Y=Y, m=[4, 9], trials=3, seed=5, attention=attention
        )
        scale = 5**-0.25 if attention else 1.0
        for row in frame.itertuples():
            feature_map = bochner.Estimator().draw(5, int(row.m), 5, int(row.trial))
            estimate = feature_map.transform(scale * X) @ feature_map.transform(scale * Y).T
            largest = np.abs(estimate - np.exp(scale**2 * X @ Y.T)).max()
            assert row.found == row.certified == pytest.approx(largest, rel=1e-12)
    own = experiments.uniform_draws(bochner.Estimator(), X=X, m=4, trials=2)
    both = experiments.uniform_draws(bochner.Estimator(), X=X, Y=X, m=4, trials=2)
    pd.testing.assert_frame_equal(own, both, check_exact=True)


def test_attention_is_the_kernel_of_scaled_points():
    options = {"m": 30, "trials": 4, "seed": 2}
    attention = experiments.uniform_draws(SOFTMAX, 1.0, 2, attention=True, **options)
    plain = experiments.uniform_draws(SOFTMAX, 2**-0.25, 2, **options)
    pd.testing.assert_frame_equal(attention, plain, check_exact=True)
    # Queries and keys in the ball never have a larger error, however many there are.
    generator = np.random.default_rng(1)
    Q, K = (v / np.maximum(1, np.linalg.norm(v, axis=1))[:, None] for v in generator.normal(size=(2, 300, 2)))
    tokens = experiments.uniform_draws(SOFTMAX, X=Q, Y=K, attention=True, **options)
    assert (tokens["found"] <= attention["certified"]).all()
    assert (tokens["found"] > 0.8 * attention["found"]).all()


@pytest.mark.parametrize(
    "estimator",
    [SOFTMAX, bochner.Estimator("softmax", "positive"), bochner.Estimator("regularized_softmax", "positive")],
)
def test_ascents_beat_random_pairs_and_know_their_curve(estimator):
    options = {"m": 24, "trials": 4, "seed": 8}
    frame = experiments.uniform_draws(estimator, 1.0, 5, starts=20, **options)
    curve = [f"best_of_{k}" for k in (1, 2, 4, 8, 16)]
    assert list(frame.columns) == ["m", "trial", "found", "certified", *curve]
    assert np.isinf(frame["certified"]).all()
    assert (np.diff(frame[[*curve, "found"]].to_numpy(), axis=1) >= -1e-12).all()
    generator = np.random.default_rng(2)
    pairs = generator.normal(size=(2, 5000, 5))
    X, Y = pairs / np.linalg.norm(pairs, axis=2, keepdims=True) * generator.uniform(size=(2, 5000, 1)) ** 0.2
    truth = estimator.kernel.paired(X, Y)
    for row in frame.itertuples():
        feature_map = estimator.draw(5, 24, 8, int(row.trial))
        estimates = (feature_map.transform(X) * feature_map.transform(Y)).sum(axis=1)
        assert row.found > np.abs(estimates - truth).max()


def test_ascents_reach_the_certificate():
    options = {"m": 40, "trials": 6, "seed": 7}
    certified = experiments.uniform_draws(GAUSSIAN, 1.0, 2, tolerance=1e-3, **options)
    climbed = experiments.uniform_draws(GAUSSIAN, 1.0, 2, search="ascents", starts=200, **options)
    assert (climbed["found"] <= certified["certified"] * (1 + 1e-12)).all()
    assert (climbed["found"] >= 0.999 * certified["found"]).all()


def test_a_map_without_gradient_is_climbed_by_differences():
    own = bochner.FunctionFeatures(lambda u: np.maximum(u, 0.0))
    X = {"m": 16, "trials": 2, "seed": 1, "starts": 6}
    by_differences = experiments.uniform_draws(bochner.Estimator("softmax", own, "iid"), 1.0, 3, **X)
    by_gradient = experiments.uniform_draws(bochner.Estimator("softmax", "relu", "iid"), 1.0, 3, **X)
    np.testing.assert_allclose(by_differences["found"], by_gradient["found"], rtol=0.05)


def test_threads_change_no_bit():
    threads = bochner.get_num_threads()
    try:
        frames = []
        for count in (1, 2, 3):
            bochner.set_num_threads(count)
            frames.append(
                [
                    experiments.uniform_draws(GAUSSIAN, 1.0, 2, m=[8, 20], trials=7),
                    experiments.uniform_draws(SOFTMAX, 1.0, 4, m=[8, 20], trials=5, starts=4),
                    experiments.uniform_draws(SOFTMAX, X=np.eye(6), m=[8, 20], trials=5),
                ]
            )
    finally:
        bochner.set_num_threads(threads)
    for other in frames[1:]:
        for frame, first in zip(other, frames[0], strict=True):
            pd.testing.assert_frame_equal(frame, first, check_exact=True)


def test_summary_is_that_of_the_draws(tmp_path):
    options = {"m": [16, 64], "trials": 60, "seed": 4}
    frame = experiments.uniform(GAUSSIAN, 1.5, 1, **options)
    draws = experiments.uniform_draws(GAUSSIAN, 1.5, 1, **options)
    for row, (_, own) in zip(frame.itertuples(), draws.groupby("m"), strict=True):
        found = np.sort(own["found"])
        assert row.mean == pytest.approx(found.mean(), rel=1e-14)
        assert row.mean_low < row.mean < row.mean_high
        assert row.median == found[29]
        assert row.median_low < row.median < row.median_high
        assert row.q95_low < row.q95 and row.q95_high == math.inf and row.q05_low == -math.inf
        assert 1 <= row.certified_ratio <= 1.01 * (1 + 1e-14)
        assert (row.search, row.p, row.trials) == ("certified", 2 * row.m, 60)
    assert set(frame.attrs) == {"machine", "time", "version", "settings"}
    assert frame.attrs["settings"]["radius"] == 1.5
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    frame.to_parquet(tmp_path / "table.parquet")
    assert pd.read_parquet(tmp_path / "table.parquet").attrs == frame.attrs


def test_intervals_of_quantiles_hold_for_any_law():
    # 2,000 repeats of 80 draws of a law without a mean: a share of 0.95 is known to 0.0049.
    generator = np.random.default_rng(0)
    truth = {0.5: 0.0, 0.9: math.tan(0.4 * math.pi)}
    for level, value in truth.items():
        intervals = [quantile_interval(generator.standard_cauchy(80), level) for _ in range(2000)]
        misses = [sum(value < low for low, _ in intervals) / 2000, sum(value > high for _, high in intervals) / 2000]
        # At most 2.5 % each, and not far below: one order statistic more is worth up to 4 %.
        assert max(misses) < 0.025 + 4.5 * 0.0035
        assert sum(misses) > 0.015
    # Of five values none is surely above the 95 % quantile, and P(fewer than 4 below it) is 0.0226.
    assert quantile_interval(np.arange(5.0), 0.95) == (3.0, math.inf)


def test_best_of_is_the_mean_over_choices():
    maxima = np.random.default_rng(3).normal(size=(2, 7))
    means = best_of(maxima)
    assert list(means) == ["best_of_1", "best_of_2", "best_of_4"]
    for k in (1, 2, 4):
        choices = np.array([maxima[:, list(c)].max(axis=1) for c in itertools.combinations(range(7), k)])
        assert means[f"best_of_{k}"] == pytest.approx(choices.mean(), rel=1e-12)
    assert best_of(np.empty((3, 0))) == {}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"estimator": "gaussian"}, TypeError, "expected a bochner.Estimator"),
        ({"radius": None}, ValueError, "either radius and dim"),
        ({"X": np.eye(2)}, ValueError, "either radius and dim"),
        ({"Y": np.eye(2)}, ValueError, "either radius and dim"),
        ({"radius": -1.0}, ValueError, "radius is -1"),
        ({"radius": math.nan}, ValueError, "radius is nan"),
        ({"dim": 0}, ValueError, "dim is 0"),
        ({"m": []}, ValueError, "m is empty"),
        ({"trials": 1}, ValueError, "trials is 1"),
        ({"tolerance": 0.0}, ValueError, "tolerance is 0"),
        ({"search": "grid"}, ValueError, "expected 'auto', 'certified' or 'ascents'"),
        ({"search": "certified", "dim": 3}, ValueError, "there is no certificate"),
        ({"search": "ascents", "starts": 0}, ValueError, "starts is 0"),
    ],
)
def test_bad_arguments_are_named(change, error, text):
    call = {"estimator": GAUSSIAN, "radius": 1.0, "dim": 2, "m": 4, "trials": 2} | change
    with pytest.raises(error, match=text):
        experiments.uniform(**call)


def test_it_can_be_interrupted():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiments.uniform(SOFTMAX, 1.0, 8, m=256, trials=1000, progress=stop)
