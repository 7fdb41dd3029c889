"""`Estimator.attention_law` against the theory's formulas, and those against attention itself."""

import itertools

import numpy as np
import pytest

import bochner

FEATURES = ("positive", "trigonometric", "hyperbolic")
COUPLINGS = ("iid", "orthogonal")


def arrays(queries, keys, d, dv, squared_norm, leading=()):
    """Q, K, V: mean |q|^2 and |k|^2 after the division by d^(1/4) as given."""
    rng = np.random.default_rng(31)
    factor = np.sqrt(squared_norm / np.sqrt(d))
    return (
        factor * rng.normal(size=(*leading, queries, d)),
        factor * rng.normal(size=(*leading, keys, d)),
        rng.normal(size=(*leading, keys, dv)),
    )


@pytest.mark.parametrize(("features", "coupling"), list(itertools.product(FEATURES, COUPLINGS)))
@pytest.mark.parametrize("radial", [None, "constant"])
def test_attention_follows_the_law(features, coupling, radial):
    """z-scores of the mean squared error and of the mean output over 400 draws.

    Norms are small, as the tails of one draw must be: at |z|^2 = 4 a z-score says nothing. The queries share the draws,
    so each statistic is a mean over queries. The terms of order 1/m^2 that the law leaves out are some 0.5 % of it. 4.5
    is passed once in 1.5e5 tests. With the constant radius the limit is not softmax attention, which the law knows.
    """
    draws, m, d = 400, 2048, 8
    Q, K, V = arrays(12, 24, d, 5, 0.3)
    estimator = bochner.Estimator("softmax", features, coupling, radial)
    law = estimator.attention_law(Q, K, V, m)
    exact = bochner.exact_attention(Q, K, V)
    differences = np.array([bochner.attention(Q, K, V, estimator.draw(d, m, 5, t)) - exact for t in range(draws)])

    errors = (differences**2).mean((1, 2))
    assert abs(errors.mean() - law.mse.mean()) < 4.5 * errors.std(ddof=1) / np.sqrt(draws)
    # The bias is some hundredth of a standard deviation of one draw: its projection on the law's own bias sees it best.
    if radial is not None:
        along = (differences * law.bias).sum((1, 2))
        assert abs(along.mean() - (law.bias**2).sum()) < 4.5 * along.std(ddof=1) / np.sqrt(draws)


@pytest.mark.parametrize(("features", "coupling"), list(itertools.product(FEATURES, COUPLINGS)))
def test_bias_of_order_one_over_m(features, coupling):
    """The mean of the error without its linear part, whose mean is exactly 0 and which would hide it.

    The next order is 10 % of it at m = 128 and 3 % here.
    """
    draws, m, d = 3000, 512, 4
    Q, K, V = arrays(1, 6, d, 2, 0.5)
    law = bochner.Estimator("softmax", features, coupling).attention_law(Q, K, V, m)
    q, k = Q * d**-0.25, K * d**-0.25
    kernel = np.exp(q @ k.T)[0]
    u = V - kernel @ V / kernel.sum()
    estimator = bochner.Estimator("softmax", features, coupling)
    estimates = np.array([estimator.draw(d, m, 8, t).gram(q, k)[0] for t in range(draws)])
    rest = (estimates @ u) * (1 / estimates.sum(1) - 1 / kernel.sum())[:, None]
    along = rest @ law.bias[0] / (law.bias**2).sum()
    error = along.std(ddof=1) / np.sqrt(draws)
    assert error < 0.15
    assert abs(along.mean() - 1) < 4.5 * error


def test_formulas_of_independent_frequencies():
    Q, K, V = arrays(5, 70, 6, 3, 1.5)
    q, k = Q * 6**-0.25, K * 6**-0.25
    kernel = np.exp(q @ k.T)
    p = kernel / kernel.sum(1, keepdims=True)
    for i in range(len(q)):
        u = V - p[i] @ V
        plus, minus = (q[i] + k) @ (q[i] + k).T, (q[i] - k) @ (q[i] - k).T
        for features, relative in (
            ("positive", np.exp(plus)),
            ("hyperbolic", np.cosh(plus)),
            ("trigonometric", np.cosh(minus)),
        ):
            law = bochner.Estimator("softmax", features, "iid").attention_law(Q[i : i + 1], K, V, 40)
            covariance = np.outer(p[i], p[i]) * relative / 40
            np.testing.assert_allclose(law.mse[0], np.sum(covariance * (u @ u.T)) / 3, rtol=1e-10)
            np.testing.assert_allclose(law.bias[0], -(covariance @ np.ones(70)) @ u, rtol=1e-9, atol=1e-14)
            np.testing.assert_allclose(law.denominator[0], covariance.sum() - 1 / 40, rtol=1e-10)
            np.testing.assert_allclose(law.farthest[0], (u**2).mean(1).max(), rtol=1e-12)


def test_shapes_several_m_groups_and_threads():
    Q, _, _ = arrays(7, 9, 4, 3, 1.0, (2, 4))
    _, K, V = arrays(7, 9, 4, 3, 1.0, (2, 2))
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    mask = np.array([[True] * 9, [True] * 4 + [False] * 5])
    law = estimator.attention_law(Q, K, V, [6, 32], causal=True, key_mask=mask)
    assert law.mse.shape == law.denominator.shape == (2, 2, 4, 7)
    assert law.bias.shape == (2, 2, 4, 7, 3)
    assert law.farthest.shape == (2, 4, 7)
    alone = estimator.attention_law(Q[1, 3, 5:6], K[1, 1, :4], V[1, 1, :4], 32)
    assert alone.mse.shape == (1,) and alone.bias.shape == (1, 3)
    np.testing.assert_allclose(law.mse[1, 1, 3, 5], alone.mse[0], rtol=1e-12)
    np.testing.assert_allclose(law.bias[1, 1, 3, 5], alone.bias[0], rtol=1e-11)
    before = bochner.get_num_threads()
    try:
        bochner.set_num_threads(3)
        again = estimator.attention_law(Q, K, V, [6, 32], causal=True, key_mask=mask)
    finally:
        bochner.set_num_threads(before)
    np.testing.assert_array_equal(again.mse, law.mse)
    single = estimator.attention_law(*(array.astype(np.float32) for array in (Q, K, V)), m=6)
    assert single.mse.dtype == np.float64


def test_orthogonality_lowers_the_law_of_random_inputs():
    """Degree 2 of the pairs lowers it, degree 4 raises it; the first has the upper hand at moderate norms."""
    for d, squared_norm, features in itertools.product((8, 32), (0.2, 1.0), FEATURES):
        Q, K, V = arrays(4, 30, d, 4, squared_norm)
        iid, orthogonal = (bochner.Estimator("softmax", features, c).attention_law(Q, K, V, d) for c in COUPLINGS)
        assert np.all(orthogonal.mse < iid.mse), (d, squared_norm, features)


@pytest.mark.parametrize("features", FEATURES)
def test_orthogonality_raises_the_law_of_an_isotropic_frame(features):
    """Keys +-e_i on two spheres, the value tells which: sum_j p_j u_j z_j z_j^T is a multiple of the identity, so that
    degree 2 vanishes and degree 4 is the first that is left."""
    d = 6
    frame = np.vstack([np.eye(d), -np.eye(d)])
    K, V = np.vstack([frame, 1.5 * frame]), np.repeat([[1.0], [-1.0]], 2 * d, axis=0)
    iid, orthogonal = (
        bochner.Estimator("softmax", features, c).attention_law(np.zeros((1, d)), K, V, d, scale=1) for c in COUPLINGS
    )
    assert 1.001 * iid.mse[0] < orthogonal.mse[0] < 1.1 * iid.mse[0]


def test_law_grows_without_bound_where_the_error_cannot():
    """Why it is an expansion and no bound: positive outputs are convex combinations of the values."""
    Q, K, V = arrays(8, 64, 16, 4, 6.0)
    estimator = bochner.Estimator("softmax", "positive", "iid")
    law = estimator.attention_law(Q, K, V, 64)
    errors = (bochner.attention(Q, K, V, estimator.draw(16, 64)) - bochner.exact_attention(Q, K, V)) ** 2
    assert np.all(errors.mean(-1) <= law.farthest)
    assert np.all(law.mse > law.farthest)
    assert np.all(law.denominator > 1)


def test_bad_input():
    Q, K, V = arrays(2, 3, 4, 2, 1.0)
    estimator = bochner.Estimator()
    with pytest.raises(ValueError, match="attention_law: m is 0; expected at least 1"):
        estimator.attention_law(Q, K, V, 0)
    with pytest.raises(ValueError, match="attention_law: m is empty"):
        estimator.attention_law(Q, K, V, [])
    with pytest.raises(TypeError, match="attention_law: m is a float"):
        estimator.attention_law(Q, K, V, 2.5)
    with pytest.raises(ValueError, match="attention_law: K has 3 columns; expected 4"):
        estimator.attention_law(Q, K[:, :3], V, 4)
    with pytest.raises(ValueError, match=r"attention_law: Q\[1, 2\] is nan"):
        estimator.attention_law(np.where(np.arange(8).reshape(2, 4) == 6, np.nan, Q), K, V, 4)
    with pytest.raises(ValueError, match="query 0 sees no key"):
        estimator.attention_law(K, Q, V[:2], 4, causal=True)
