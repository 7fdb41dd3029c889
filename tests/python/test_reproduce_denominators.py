"""Gradients of the three attentions against finite differences, and the verdicts on their size."""

import numpy as np
import pandas as pd
import pytest

import bochner
from bochner.reproduce import denominators
from bochner.reproduce.denominators import ELU
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED


@pytest.fixture
def arrays():
    return np.random.default_rng(0).standard_normal((4, 9, 5))


def differences(function, x, grad, step=1e-6):
    """Central differences of sum(grad * function(x)); their error is about 1e-9 here."""
    found = np.empty_like(x)
    for place in np.ndindex(x.shape):
        moved = [x.copy(), x.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        found[place] = (grad * (function(moved[0]) - function(moved[1]))).sum() / (2 * step)
    return found


def elu_attention(Q, K, V):
    """Row by row, as the formula says."""
    rows = []
    for i, q in enumerate(Q):
        weights = [np.dot(np.where(q > 0, q + 1, np.exp(q)), np.where(k > 0, k + 1, np.exp(k))) for k in K[: i + 1]]
        rows.append(np.average(V[: i + 1], axis=0, weights=weights))
    return np.array(rows)


def test_gradients_of_elu_attention(arrays):
    Q, K, V, grad = arrays
    found = denominators.elu_gradients(Q, K, V, grad)
    np.testing.assert_allclose(found.queries, differences(lambda x: elu_attention(x, K, V), Q, grad), atol=1e-7)
    np.testing.assert_allclose(found.keys, differences(lambda x: elu_attention(Q, x, V), K, grad), atol=1e-7)


def test_gradients_of_softmax_attention(arrays):
    Q, K, V, grad = arrays
    found = denominators.softmax_gradients(Q, K, V, grad)

    def exact(Q, K):
        return bochner.exact_attention(Q, K, V, causal=True)

    np.testing.assert_allclose(found.queries, differences(lambda x: exact(x, K), Q, grad), atol=1e-7)
    np.testing.assert_allclose(found.keys, differences(lambda x: exact(Q, x), K, grad), atol=1e-7)
    expected = [sum(np.exp(q @ k / np.sqrt(5)) for k in K[: i + 1]) for i, q in enumerate(Q)]
    np.testing.assert_allclose(found.denominators, expected, rtol=1e-13)


@pytest.mark.parametrize("features", denominators.RANDOM)
def test_gradients_of_favor_attention(arrays, features):
    Q, K, V, grad = arrays
    Q, K = 0.5 * Q, 0.5 * K
    feature_map = bochner.Estimator("softmax", features, "orthogonal").draw(dim=5, m=40, seed=1)
    found = denominators.favor_gradients(Q, K, V, grad, feature_map)

    def favor(Q, K):
        return bochner.attention(Q, K, V, feature_map, causal=True)

    np.testing.assert_allclose(found.queries, differences(lambda x: favor(x, K), Q, grad), atol=1e-6)
    np.testing.assert_allclose(found.keys, differences(lambda x: favor(Q, x), K, grad), atol=1e-6)
    expected = np.tril(feature_map.gram(Q * 5**-0.25, K * 5**-0.25)).sum(axis=1)
    np.testing.assert_allclose(found.denominators, expected, rtol=1e-10)


def test_gradients_of_elu_attention_are_bounded_whatever_the_norm(arrays):
    # |d log phi / dx| <= 1, so that an entry is at most the range of g.(v_j - out): what the figure says of it.
    Q, K, V, grad = arrays
    bound = np.abs(grad @ V.T - (grad * V).max()).max() + np.abs(grad @ V.T).max()
    for norm in (1, 10, 100):
        assert np.abs(denominators.elu_gradients(norm * Q, norm * K, V, grad).queries).max() < bound


def gradients(size, family, spread=0.1, inputs=10):
    """Gradients `size` times the exact ones, over ten draws of each of ten inputs, at the squared norm 8."""
    generator = np.random.default_rng(1)
    rows = [
        (family, 8.0, index, draw, 1.0, size * np.exp(generator.normal(0, spread)), size)
        for index in range(inputs)
        for draw in range(10)
    ]
    columns = ["features", "squared_norm", "input", "draw", "denominator", "grad_q", "grad_k"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("family", "size", "outcome"),
    [
        ("trigonometric", 1e4, HOLDS),
        ("trigonometric", 3.0, FAILS),
        ("positive", 3.0, HOLDS),
        ("positive", 1e4, FAILS),
        (ELU, 0.1, FAILS),
        (ELU, 1e4, HOLDS),
    ],
)
def test_verdict_follows_the_size(family, size, outcome):
    assert denominators.judge(gradients(size, family), family, 8.0).outcome == outcome


def test_verdict_of_scattered_inputs_is_undecided():
    frame = gradients(1.0, ELU)
    frame["grad_q"] *= 10.0 ** (frame["input"] % 3)
    assert denominators.judge(frame, ELU, 8.0).outcome == UNDECIDED


def test_rare_draws_count_and_very_rare_ones_do_not():
    frame = gradients(1.0, "trigonometric", spread=0)
    # 20 draws would be needed to see one in twenty between the largest and the second largest; ten show two.
    frame.loc[frame["draw"] < 2, "grad_q"] = 1e6
    assert denominators.gradient_size(frame, "trigonometric", 8.0).value == pytest.approx(1e6)
    frame.loc[frame["draw"] == 1, "grad_q"] = 1.0
    assert denominators.gradient_size(frame, "trigonometric", 8.0).value < 1e6
