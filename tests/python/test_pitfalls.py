"""Faults that were found in other implementations, each with a test that ours must pass.

Most are shown twice: ours passes the check, and the fault, built here on purpose, fails it.
"""

import numpy as np
import pytest
from scipy import stats

import bochner

D = 8
DRAWS = 3000
Z_LIMIT = 4.5
POSITIVE = bochner.Estimator("softmax", "positive", "orthogonal")


@pytest.fixture(scope="module")
def frequencies():
    """(draws, m, d) of two blocks."""
    return np.array([POSITIVE.draw(D, 2 * D, 1, t).frequencies for t in range(DRAWS)])


def largest_z(values, expected):
    """The largest z-score of the means over draws against what is expected."""
    error = values.std(0) / np.sqrt(len(values))
    return np.abs((values.mean(0) - expected) / error).max()


def corner_ratios(W):
    """Largest z of mean exp(w.z) / exp(1/2) against 1, z = +-(1, ..., 1) / sqrt(d), each row."""
    z = np.ones(W.shape[-1]) / np.sqrt(W.shape[-1])
    return max(largest_z(np.exp(sign * W @ z - 0.5), 1) for sign in (1, -1))


def householder_block(rng, signed):
    """Rows of Q of a Gaussian matrix times chi norms, as other software draws them."""
    Q, R = np.linalg.qr(rng.normal(size=(D, D)))
    if signed:
        Q = Q * np.sign(np.diag(R))
    return Q.T * np.sqrt(rng.chisquare(D, size=(D, 1)))


def test_pitfall_01_qr_without_sign(frequencies):
    rng = np.random.default_rng(0)
    faulty = np.array([householder_block(rng, signed=False) for _ in range(DRAWS)])
    mended = np.array([householder_block(rng, signed=True) for _ in range(DRAWS)])
    assert corner_ratios(faulty) > 3 * Z_LIMIT
    assert corner_ratios(mended) < Z_LIMIT
    assert corner_ratios(frequencies) < Z_LIMIT
    # The marginal of every entry: mean and variance of N(0, 1), for each row and coordinate.
    for power, expected in ((1, 0), (2, 1), (3, 0)):
        assert largest_z(frequencies**power, expected) < Z_LIMIT
    assert largest_z(faulty, 0) > 3 * Z_LIMIT


def test_pitfall_06_norms_on_the_wrong_axis(frequencies):
    def p_value_of_row_norms(W):
        norms = (W**2).sum(2)
        return min(stats.kstest(row, "chi2", args=(D,)).pvalue for row in norms.T)

    def largest_cosine(W):
        unit = W / np.linalg.norm(W, axis=2, keepdims=True)
        return np.abs(unit @ unit.transpose(0, 2, 1) - np.eye(D)).max()

    first = frequencies[:, :D]
    # 16 rows: the smallest of 16 p-values is below 1e-4 in one of 600 runs.
    assert p_value_of_row_norms(frequencies) > 1e-4
    assert largest_cosine(first) < 1e-12
    faulty = first / np.linalg.norm(first, axis=2, keepdims=True)
    faulty = faulty * np.linalg.norm(first, axis=2)[:, None, :]
    assert p_value_of_row_norms(faulty) < 1e-4
    assert largest_cosine(faulty) > 0.1


def test_pitfall_09_one_radius_for_all_blocks(frequencies):
    def largest_z_of_correlation(W):
        norms = np.linalg.norm(W, axis=2)
        matrix = np.corrcoef(norms.T) - np.eye(norms.shape[1])
        return np.abs(matrix).max() * np.sqrt(len(W))

    # 120 pairs.
    assert largest_z_of_correlation(frequencies) < Z_LIMIT
    norms = np.linalg.norm(frequencies, axis=2, keepdims=True)
    reused = frequencies.copy()
    reused[:, D:] *= norms[:, :D] / norms[:, D:]
    assert largest_z_of_correlation(reused) > 3 * Z_LIMIT
    # Nor do norms depend on the directions of their own block.
    directions = frequencies / norms
    centred = norms - norms.mean(0)
    assert largest_z(centred[:, :D] * directions[:, :D], 0) < Z_LIMIT
    assert largest_z(centred[:, D:] * directions[:, :D], 0) < Z_LIMIT


class TestPitfall11:
    """The check of `test_laws.test_estimates_follow_the_law` is no vacuous one."""

    X = np.array([[0.3, -0.2, 0.1, 0.4]])
    Y = np.array([[0.2, 0.25, -0.3, -0.1]])

    def z_scores(self, maps, kernel):
        law = bochner.Estimator(kernel, "trigonometric", "orthogonal").law(self.X, self.Y, 5)
        values = np.array([feature_map.paired(self.X, self.Y) for feature_map in maps])
        z_mean = (values.mean(0) - law.mean) / np.sqrt(law.variance / len(values))
        squares = (values - law.mean) ** 2
        z_mse = (squares.mean(0) - law.mse) / (squares.std(0) / np.sqrt(len(values)) + 1e-300)
        return abs(z_mean[0]), abs(z_mse[0])

    def maps(self, kernel):
        estimator = bochner.Estimator(kernel, "trigonometric", "orthogonal")
        return [estimator.draw(4, 5, 3, t) for t in range(2000)]

    def test_pitfall_11_right_features_pass(self):
        assert max(self.z_scores(self.maps("gaussian"), "gaussian")) < Z_LIMIT

    def test_pitfall_11_all_zero_features_fail(self):
        class Zero:
            def paired(self, X, Y):
                return np.zeros(len(X))

        assert min(self.z_scores([Zero()] * 2000, "gaussian")) > 3 * Z_LIMIT

    @pytest.mark.parametrize("bandwidth", [0.95, 1.05])
    def test_pitfall_11_a_wrong_bandwidth_fails(self, bandwidth):
        wrong = self.maps(bochner.Kernel("gaussian", bandwidth=bandwidth))
        assert max(self.z_scores(wrong, "gaussian")) > Z_LIMIT

    def test_pitfall_11_a_wrong_scale_fails(self):
        W = [feature_map.frequencies / 1.05 for feature_map in self.maps("gaussian")]
        wrong = [bochner.FeatureMap("gaussian", "trigonometric", w) for w in W]
        assert max(self.z_scores(wrong, "gaussian")) > Z_LIMIT


@pytest.fixture(scope="module")
def sequences():
    rng = np.random.default_rng(4)
    # Long enough for several blocks and tiles, and no multiple of either.
    return [rng.normal(size=(2, 3, 517, 16)) * scale for scale in (3.0, 3.0, 1.0)]


MAPS = {
    features: bochner.Estimator("softmax", features, "orthogonal").draw(16, 48)
    for features in ("positive", "hyperbolic", "trigonometric")
}


@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("features", MAPS)
def test_pitfall_03_the_future_does_not_leak(sequences, features, dtype):
    Q, K, V = (array.astype(dtype) for array in sequences)
    before = bochner.attention(Q, K, V, MAPS[features], causal=True)
    for last in (1, 130):
        changed, values = K.copy(), V.copy()
        changed[..., -last:, :] *= 2
        values[..., -last:, :] += 1
        after = bochner.attention(Q, changed, values, MAPS[features], causal=True)
        assert np.array_equal(before[..., :-last, :], after[..., :-last, :], equal_nan=True)
        assert not np.array_equal(before[..., -last:, :], after[..., -last:, :])


@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", [*MAPS, "exact", "uniform"])
def test_pitfall_04_padded_equals_truncated(sequences, name, causal):
    Q, K, V = sequences

    def run(Q, K, V, key_mask=None):
        options = {"causal": causal, "key_mask": key_mask}
        if name in MAPS:
            return bochner.attention(Q, K, V, MAPS[name], **options)
        function = bochner.exact_attention if name == "exact" else bochner.uniform_attention
        return function(Q, K, V, **options)

    kept = 300
    mask = np.arange(K.shape[-2]) < kept
    padded_K, padded_V = K.copy(), V.copy()
    padded_K[..., kept:, :], padded_V[..., kept:, :] = np.nan, np.inf
    padded = run(Q, padded_K, padded_V, mask)
    # Causal rows before the padding see what they see without it.
    rows = slice(0, kept) if causal else slice(None)
    truncated = run(Q[..., rows, :], K[..., :kept, :], V[..., :kept, :])
    assert np.array_equal(padded[..., rows, :], truncated, equal_nan=True)


@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("features", MAPS)
def test_pitfall_05_one_item_alone_equals_that_item_in_a_batch(sequences, features, causal):
    Q, K, V = (array.copy() for array in sequences)
    # A neighbour of large norm moves a maximum over the whole tensor.
    K[1] *= 20
    batch = bochner.attention(Q, K, V, MAPS[features], causal=causal)
    for item in range(2):
        for head in range(3):
            alone = bochner.attention(Q[item, head], K[item, head], V[item, head], MAPS[features], causal=causal)
            assert np.array_equal(batch[item, head], alone, equal_nan=True)
    X = np.vstack([Q[0, 0], 50 * K[1, 0]])
    Z = MAPS[features].transform_scaled(X)
    for i in (0, 5, 516, 800):
        one = MAPS[features].transform_scaled(X[i : i + 1])
        assert np.array_equal(Z.values[i : i + 1], one.values)
        assert np.array_equal(Z.log_scale[i : i + 1], one.log_scale)


@pytest.mark.parametrize("features", ["positive", "hyperbolic"])
def test_pitfall_12_causal_output_depends_on_queries_and_keys(sequences, features):
    Q, K, V = (array / 3 for array in sequences)
    out = bochner.attention(Q, K, V, MAPS[features], causal=True)
    running_mean = bochner.uniform_attention(Q, K, V, causal=True)
    assert np.abs(out - running_mean)[..., 1:, :].max(-1).min() > 0
    assert np.sqrt(np.mean((out - running_mean) ** 2)) > 0.05 * np.sqrt(np.mean(running_mean**2))
    # And it is what the bidirectional one of each prefix is.
    for i in (0, 1, 63, 64, 516):
        prefix = bochner.attention(Q[..., i : i + 1, :], K[..., : i + 1, :], V[..., : i + 1, :], MAPS[features])
        np.testing.assert_allclose(out[..., i : i + 1, :], prefix, rtol=1e-10, atol=1e-14)
