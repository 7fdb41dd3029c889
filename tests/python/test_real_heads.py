"""Queries, keys and values of the pretrained model, what describes a head, and the figures that use them."""

import importlib

import numpy as np
import pytest
from scipy import stats

import bochner
from bochner.reproduce import networks, optional, real_heads
from bochner.reproduce.attention_law import AttentionLaw, _clipped, _warnings
from bochner.reproduce.fig4_real import Fig4Real
from bochner.reproduce.statistics import pareto_k

installed = pytest.mark.skipif(real_heads.missing() is not None, reason=str(real_heads.missing()))


@installed
@pytest.mark.filterwarnings("ignore")
def test_attention_of_the_heads_is_that_of_the_model():
    torch = importlib.import_module("torch")
    model = real_heads._model()
    contexts = []
    hooks = [
        layer.attention.output.dense.register_forward_pre_hook(lambda _, inputs: contexts.append(inputs[0][0].numpy()))
        for layer in model.encoder.layer
    ]
    with torch.no_grad():
        model(torch.from_numpy(networks.tokens(4, real_heads.TOKENS)[3:]))
    for hook in hooks:
        hook.remove()
    query, key, value = real_heads.heads(3)
    assert query.shape == key.shape == value.shape == (6, 12, real_heads.TOKENS, 32)
    exact = bochner.exact_attention(query, key, value)
    expected = np.array(contexts).reshape(6, real_heads.TOKENS, 12, 32).transpose(0, 2, 1, 3)
    np.testing.assert_allclose(exact, expected, atol=2e-5)


@installed
def test_there_are_passages_enough():
    assert networks.tokens(Fig4Real.sizes["full"]["passages"], real_heads.TOKENS).shape[1] == real_heads.TOKENS


def test_figures_without_the_packages_say_how_to_install_them(monkeypatch):
    found = optional.find_spec
    monkeypatch.setattr(optional, "find_spec", lambda name: None if name == "transformers" else found(name))
    assert "pip install transformers" in Fig4Real("quick", 0).skip()
    figure = AttentionLaw("quick", 0)
    assert figure.skip() is None
    assert not [part for part in figure.parts() if part.name.startswith("real")]


def test_sharpness_of_known_heads():
    L, d = 10, 4
    rng = np.random.default_rng(1)
    query, key = np.zeros((1, L, d)), rng.normal(size=(1, L, d))
    flat = real_heads.sharpness(query, key)
    assert flat["keys"][0] == pytest.approx(L)
    assert flat["largest"][0] == pytest.approx(1 / L)
    assert flat["q2"][0] == 0
    # The division by d^(1/4) halves a square at d = 4.
    assert flat["k2"][0] == pytest.approx((key**2).sum(-1).mean() / 2)
    assert flat["sum2"][0] == pytest.approx(flat["k2"][0]) == pytest.approx(flat["difference2"][0])
    # A query far along its own key sees nothing else; there q - k is the rest.
    key = np.eye(d)[None] * 100
    sharp = real_heads.sharpness(key, key)
    assert sharp["keys"][0] == pytest.approx(1)
    assert sharp["largest"][0] == pytest.approx(1)
    assert sharp["difference2"][0] == pytest.approx(0, abs=1e-9)
    assert sharp["sum2"][0] == pytest.approx(4 * sharp["q2"][0])


@pytest.mark.parametrize("shape", [-0.3, 0.1, 0.5, 0.9])
def test_pareto_k_of_generalized_pareto_tails(shape):
    """The tail of 200,000 weights has 1,341 members, and k a standard error of about (1 + k) / sqrt(1341)."""
    size = 200_000
    weights = 3 + 2 * stats.genpareto.rvs(shape, size=size, random_state=5)
    tail = int(3 * np.sqrt(size))
    error = (1 + shape) / np.sqrt(tail)
    # The pull towards 1/2 is ten observations of it.
    pulled = (tail * shape + 5) / (tail + 10)
    assert abs(pareto_k(weights) - pulled) < 4 * error
    assert pareto_k(7 * weights) == pytest.approx(pareto_k(weights))


def test_pareto_k_agrees_with_maximum_likelihood():
    weights = np.exp(1.5 * np.random.default_rng(3).normal(size=40_000))
    tail = np.sort(weights)[-600:] - np.sort(weights)[-601]
    assert pareto_k(weights) == pytest.approx(stats.genpareto.fit(tail, floc=0)[0], abs=0.03)


def test_pareto_k_of_too_few_or_equal_weights_is_not_a_number():
    assert np.isnan(pareto_k([1.0, 2.0, 3.0]))
    assert np.isnan(pareto_k(np.ones(100)))


def test_warnings_of_a_draw_against_plain_sums():
    rng = np.random.default_rng(4)
    query, key = rng.normal(size=(2, 3, 5)), rng.normal(size=(2, 9, 5))
    root = 5**-0.25
    for features in ("positive", "hyperbolic", "trigonometric"):
        feature_map = bochner.Estimator("softmax", features).draw(5, 40)
        found = _warnings(query, key, feature_map, features)
        for head in range(2):
            phi_q, phi_k = (feature_map.transform(root * rows[head]) for rows in (query, key))
            products = (phi_q * phi_k.sum(0)).reshape(3, -1, 40).sum(1)
            assert found["nonpositive"][head] == np.mean(products.sum(1) <= 0)
            if features == "trigonometric":
                assert set(found) == {"nonpositive"}
                continue
            shares = products.max(1) / products.sum(1)
            assert found["share"][head] == pytest.approx(shares.mean())
            assert found["k"][head] == pytest.approx(np.mean([pareto_k(row) for row in products]))


def test_errors_are_cut_at_the_farthest_value():
    rng = np.random.default_rng(5)
    query, key, value = 3 * rng.normal(size=(3, 1, 40, 8))
    feature_map = bochner.Estimator("softmax", "trigonometric").draw(8, 16)
    exact = bochner.exact_attention(query, key, value)
    plain = _clipped(query, key, value, feature_map, exact, np.inf)
    cut = _clipped(query, key, value, feature_map, exact, 5.0)
    assert plain.max() > 5
    np.testing.assert_array_equal(cut, np.minimum(plain, 5))
