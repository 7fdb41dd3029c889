"""The tables of the experiments: columns, provenance, and numbers against what is known."""

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest

import bochner
from bochner import experiments

POINTWISE = ("point m trials sampler truth mean bias bias_se mse mse_low mse_high law_mse z_mean z_mse").split()
RNG = np.random.default_rng(6)
X, Y = RNG.normal(size=(2, 4, 3)) / 3
Z_LIMIT = 4.5
ALL = [
    bochner.Estimator(kernel, features, coupling)
    for kernel, features, coupling in itertools.product(
        ("softmax", "regularized_softmax", "gaussian"),
        ("trigonometric", "positive", "hyperbolic"),
        ("iid", "orthogonal"),
    )
]


@pytest.mark.parametrize("estimator", ALL, ids=repr)
def test_pointwise_agrees_with_the_law(estimator):
    frame = experiments.pointwise(estimator, X, Y, m=[2, 5], trials=3000, seed=2)
    assert list(frame.columns) == POINTWISE
    assert list(zip(frame["point"], frame["m"], strict=True)) == [(point, m) for point in range(4) for m in (2, 5)]
    assert (frame["trials"] == 3000).all()
    for m in (2, 5):
        rows = frame[frame["m"] == m]
        law = estimator.law(X, Y, m)
        np.testing.assert_array_equal(rows["law_mse"], law.mse)
        np.testing.assert_allclose(rows["truth"], estimator.kernel.paired(X, Y), rtol=1e-13)
        np.testing.assert_allclose(rows["bias"], rows["mean"] - rows["truth"], atol=1e-14)
        np.testing.assert_allclose(rows["z_mean"], (rows["bias"] - law.bias) / rows["bias_se"], rtol=1e-6)
    assert frame[["z_mean", "z_mse"]].abs().max().max() < Z_LIMIT
    assert (frame["mse_low"] <= frame["mse"]).all() and (frame["mse"] <= frame["mse_high"]).all()


def test_pointwise_trials_are_draws():
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    frame = experiments.pointwise(estimator, X, Y, m=[5, 2], trials=40, seed=9, sampler="plain")
    for m in (5, 2):
        rows = frame[frame["m"] == m]
        values = np.array([estimator.draw(3, m, 9, t).paired(X, Y) for t in range(40)])
        np.testing.assert_allclose(rows["mean"], values.mean(0), rtol=1e-12)
        errors = values - estimator.kernel.paired(X, Y)
        np.testing.assert_allclose(rows["mse"], (errors**2).mean(0), rtol=1e-10)
        np.testing.assert_allclose(rows["bias_se"], errors.std(0, ddof=1) / np.sqrt(40), rtol=1e-10)
        half = 1.959963984540054 * (errors**2).std(0, ddof=1) / np.sqrt(40)
        np.testing.assert_allclose(rows["mse_high"] - rows["mse"], half, rtol=1e-9)


def test_pointwise_chooses_the_sampler_by_the_tail():
    x = np.array([[0.1, 0.0, 0.0], [2.0, 0.0, 0.0]])
    frame = experiments.pointwise(bochner.Estimator(coupling="iid"), x, x, 4, trials=5000)
    assert list(frame["sampler"]) == ["plain", "tilted"]
    assert pd.api.types.is_string_dtype(frame["sampler"])
    # |x + y|^2 = 16, where plain draws never see the tail.
    assert abs(frame["z_mse"][1]) < Z_LIMIT
    assert frame["mse_high"][1] / frame["mse"][1] < 1.1
    plain = experiments.pointwise(bochner.Estimator(coupling="iid"), x, x, 4, 5000, sampler="plain")
    assert list(plain["sampler"]) == ["plain", "plain"]
    assert plain["mse_high"][1] < plain["law_mse"][1]
    constant = experiments.pointwise(bochner.Estimator("regularized_softmax"), x, x, 4, 100)
    assert list(constant["sampler"]) == ["plain", "plain"]


@pytest.mark.parametrize("trials", [1000, 100_000])
def test_pointwise_chooses_the_sampler_at_the_limit_that_its_docstring_names(trials):
    limit = float(
        re.search(r"sqrt\(trials\), known\s+from\s+the law, is above (\S+);", experiments.pointwise.__doc__)[1]
    )
    m = 4
    v = np.linspace(0.001, 3, 4000)
    powers = np.exp(np.outer((4, 3, 2), v))
    kurtosis_of_one = powers[0] + 2 * powers[1] + 3 * powers[2] - 3  # of a lognormal variable
    share = (2 + (kurtosis_of_one - 3) / m) / np.sqrt(trials) / limit
    near = [np.searchsorted(share, 0.98), np.searchsorted(share, 1.02)]
    x = np.zeros((2, 2))
    x[:, 0] = np.sqrt(v[near]) / 2
    bounds = experiments.shard_bounds(trials, 128)[0]
    shard = experiments.pointwise_shard(bochner.Estimator(coupling="iid"), x, x, m, trials, *bounds)
    assert list(experiments.merge([shard])["sampler"]) == ["plain", "tilted"]


def test_pointwise_in_single_precision():
    estimator = bochner.Estimator()
    double = experiments.pointwise(estimator, X, Y, 4, 500, sampler="plain")
    single = experiments.pointwise(estimator, X.astype(np.float32), Y.astype(np.float32), 4, 500, sampler="plain")
    np.testing.assert_allclose(single["mse"], double["mse"], rtol=1e-4)
    assert not single["mse"].equals(double["mse"])
    assert single.attrs["settings"]["dtype"] == "float32"


def test_m_is_a_number_or_several():
    frames = [
        experiments.pointwise(bochner.Estimator(), X, Y, m, 16) for m in (4, [4], (4,), np.array(4), np.array([4]))
    ]
    for frame in frames:
        pd.testing.assert_frame_equal(frame, frames[0], check_exact=True)


def test_a_biased_estimator_shows_its_bias():
    estimator = bochner.Estimator("softmax", "positive", "iid", "constant")
    frame = experiments.pointwise(estimator, 3 * X, 3 * Y, 8, 20_000, sampler="plain")
    law = estimator.law(3 * X, 3 * Y, 8)
    assert (law.bias < 0).all()
    assert np.abs((frame["bias"] - law.bias) / frame["bias_se"]).max() < Z_LIMIT
    assert np.abs(frame["bias"] / frame["bias_se"]).max() > 2 * Z_LIMIT


@pytest.mark.parametrize(
    "make",
    [
        lambda: experiments.pointwise(bochner.Estimator(), X, Y, 4, 32),
        lambda: experiments.coverage(bochner.Estimator(), X, Y, 4, 32, repeats=3),
        lambda: experiments.gram(bochner.Estimator(), X, 4, 3),
        lambda: experiments.attention(bochner.Estimator(), X, Y, Y, 4, trials=3),
    ],
)
def test_provenance_is_in_attrs_and_in_parquet(make, tmp_path):
    frame = make()
    assert set(frame.attrs) == {"machine", "time", "version", "settings"}
    assert frame.attrs["version"] == bochner.__version__
    assert frame.attrs["machine"]["threads"] == bochner.get_num_threads()
    assert frame.attrs["time"]["seconds"] > 0
    assert "Estimator(kernel='softmax'" in frame.attrs["settings"]["estimator"]
    assert json.loads(json.dumps(frame.attrs)) == frame.attrs
    frame.to_parquet(tmp_path / "table.parquet")
    again = pd.read_parquet(tmp_path / "table.parquet")
    assert again.attrs == frame.attrs
    pd.testing.assert_frame_equal(again, frame, check_exact=True)


@pytest.mark.parametrize("sampler", ["plain", "tilted"])
def test_coverage(sampler):
    x = np.zeros((1, 4))
    x[0, 0] = 0.25
    estimator = bochner.Estimator("softmax", "positive", "iid")
    frame = experiments.coverage(estimator, x, x, [8], 1000, repeats=400, sampler=sampler)
    row = frame.iloc[0]
    assert row["sampler"] == sampler
    assert row["repeats"] == 400
    assert row["covered"] + row["below"] + row["above"] == 400
    assert row["coverage"] == row["covered"] / 400
    # v = 1/4 is easy for both: 95 % is inside the exact interval of the measured share.
    assert row["coverage_low"] < 0.95 < row["coverage_high"]
    assert row["median_ratio"] == pytest.approx(1, abs=0.1)


def test_coverage_needs_a_law_that_is_not_zero():
    with pytest.raises(ValueError, match="mean squared error of cell 0 is 0"):
        experiments.coverage(bochner.Estimator(), X[:1], -X[:1], 4, 32, repeats=3)


def sequences(*leading, length=24, norm=1.0, dim=8):
    arrays = RNG.normal(size=(3, *leading, length, dim))
    arrays[:2] *= norm
    return arrays


ATTENTION = (
    "m p trials q05 q25 median q75 q95 mse mse_low mse_high "
    "p_nonpositive p_nonpositive_low p_nonpositive_high uniform_mse exact_rms"
).split()


@pytest.mark.parametrize("features", ["positive", "trigonometric"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
def test_attention_is_what_it_says(features, causal):
    Q, K, V = sequences(2, 2, norm=2.0)
    mask = np.ones((2, 24), bool)
    mask[1, 20:] = False
    estimator = bochner.Estimator("softmax", features)
    options = {"causal": causal, "key_mask": mask}
    frame = experiments.attention(estimator, Q, K, V, [4, 16], 9, seed=3, **options)
    assert list(frame.columns) == ["batch", "head", *ATTENTION]
    assert len(frame) == 8
    truth = bochner.exact_attention(Q, K, V, **options)
    baseline = bochner.uniform_attention(Q, K, V, **options)
    for m in (4, 16):
        maps = [estimator.draw(8, m, 3, t) for t in range(9)]
        outs = np.array([bochner.attention(Q, K, V, one, **options) for one in maps])
        errors = ((outs - truth) ** 2).mean((-1, -2))
        for batch, head in itertools.product(range(2), range(2)):
            (row,) = frame.query("batch == @batch and head == @head and m == @m").to_dict("records")
            ordered = np.sort(errors[:, batch, head])
            assert row["p"] == maps[0].features
            assert row["trials"] == 9
            assert row["median"] == pytest.approx(ordered[4], rel=1e-8)
            assert row["q05"] == pytest.approx(ordered[0], rel=1e-8)
            assert row["q95"] == pytest.approx(ordered[8], rel=1e-8)
            one_truth = truth[batch, head]
            assert row["exact_rms"] == pytest.approx(np.sqrt((one_truth**2).mean()), rel=1e-12)
            uniform = ((baseline[batch, head] - one_truth) ** 2).mean()
            assert row["uniform_mse"] == pytest.approx(uniform, rel=1e-10)
            if features == "positive":
                assert row["mse"] == pytest.approx(ordered.mean(), rel=1e-8)
                half = 2.306004135204166 * ordered.std(ddof=1) / 3  # Student's, 8 degrees
                assert row["mse_high"] - row["mse"] == pytest.approx(half, rel=1e-8)
                assert row["mse_low"] == pytest.approx(max(0, ordered.mean() - half), abs=1e-9)
                assert (row["p_nonpositive"], row["p_nonpositive_high"]) == (0, 0)


def test_attention_with_denominators_that_are_not_positive():
    Q, K, V = sequences(norm=3.0)
    estimator = bochner.Estimator("softmax", "trigonometric")
    frame = experiments.attention(estimator, Q, K, V, 8, trials=20)
    assert list(frame.columns) == ATTENTION
    row = frame.iloc[0]
    assert row[["mse", "mse_low", "mse_high"]].isna().all()
    maps = [estimator.draw(8, 8, 0, t) for t in range(20)]
    root = 8**-0.25
    share = np.mean([(one.gram(root * Q, root * K).sum(1) <= 0).mean() for one in maps])
    assert row["p_nonpositive"] == pytest.approx(share, abs=1e-12)
    assert 0 < row["p_nonpositive_low"] < share < row["p_nonpositive_high"] < 1
    # None seen is not none: the interval says up to what.
    calm = experiments.attention(estimator, Q / 9, K / 9, V, 64, trials=20).iloc[0]
    assert calm["p_nonpositive"] == calm["p_nonpositive_low"] == 0
    assert calm["p_nonpositive_high"] == pytest.approx(0.1611, abs=1e-4)


def test_attention_names_its_leading_axes():
    one = bochner.Estimator()
    assert "head" in experiments.attention(one, *sequences(2), 4, trials=2)
    mask = np.ones((2, 24), bool)
    assert "batch" in experiments.attention(one, *sequences(2), 4, trials=2, key_mask=mask)
    frame = experiments.attention(one, *sequences(2, 3, 1), 4, trials=2)
    assert list(frame.columns[:3]) == ["batch_0", "batch_1", "head"]


@pytest.mark.parametrize("estimator", ALL, ids=repr)
def test_gram_agrees_with_the_law_averaged_over_the_pairs(estimator):
    # |x + y|^2 <= 1/2: the error of a draw has no tail that 400 draws could miss.
    rows = RNG.normal(size=(9, 3))
    rows *= RNG.uniform(0.1, 0.35, size=(9, 1)) / np.linalg.norm(rows, axis=1, keepdims=True)
    told = []
    frame = experiments.gram(estimator, rows, [2, 7], trials=400, seed=1, progress=lambda *now: told.append(now))
    assert list(frame.columns) == ("m p trials mse mse_low mse_high law_mse z kernel_rms".split())
    assert told[-1] == (800, 800)
    exact = estimator.kernel.gram(rows)
    first, second = (np.repeat(rows, 9, 0), np.tile(rows, (9, 1)))
    for _, row in frame.iterrows():
        m = int(row["m"])
        law = estimator.law(first, second, m).mse.mean()
        assert row["law_mse"] == pytest.approx(law, rel=1e-12)
        errors = [((estimator.draw(3, m, 1, t).gram(rows) - exact) ** 2).mean() for t in range(400)]
        assert row["mse"] == pytest.approx(np.mean(errors), rel=1e-9)
        se = np.std(errors, ddof=1) / 20
        assert row["z"] == pytest.approx((np.mean(errors) - law) / se, rel=1e-5)
        assert abs(row["z"]) < Z_LIMIT
        assert row["p"] == estimator.draw(3, m).features
        assert row["kernel_rms"] == pytest.approx(np.sqrt((exact**2).mean()), rel=1e-12)


def test_gram_takes_float32_and_more_rows_than_a_block():
    rows = RNG.normal(size=(600, 4)).astype(np.float32) / 4
    frame = experiments.gram(bochner.Estimator("gaussian", "trigonometric"), rows, 64, 3)
    double = experiments.gram(bochner.Estimator("gaussian", "trigonometric"), rows.astype(float), 64, 3)
    np.testing.assert_allclose(frame["mse"], double["mse"], rtol=1e-3)
