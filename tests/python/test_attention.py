"""Attention against its definition, over shapes, groups, masks and scales."""

import itertools
import pickle
import warnings

import numpy as np
import pytest

import bochner

RNG = np.random.default_rng(7)
DIM, DV = 6, 5
MAP = bochner.Estimator("softmax", "positive", "orthogonal").draw(DIM, 16)


def visible(queries, keys, causal=False, mask=None):
    seen = np.ones((queries, keys), dtype=bool)
    if causal:
        seen = np.tri(queries, keys, keys - queries, dtype=bool)
    return seen if mask is None else seen & mask


def averaged(scores, seen, V):
    weights = np.where(seen, scores, 0)
    total = weights.sum(-1, keepdims=True)
    return np.divide(weights @ V, total, out=np.zeros((len(scores), V.shape[-1])), where=total > 0)


def exact(Q, K, V, scale=None, causal=False, mask=None):
    scale = 1 / np.sqrt(Q.shape[-1]) if scale is None else scale
    scores = Q @ K.T * scale
    scores -= scores.max(-1, keepdims=True)
    return averaged(np.exp(scores), visible(len(Q), len(K), causal, mask), V)


def by_features(Q, K, V, feature_map=MAP, scale=None, causal=False, mask=None):
    root = np.sqrt(1 / np.sqrt(Q.shape[-1]) if scale is None else scale)
    scores = feature_map.gram(root * Q, root * K)
    return averaged(scores, visible(len(Q), len(K), causal, mask), V)


def arrays(Lq, Lk, leading=(), key_leading=None):
    key_leading = leading if key_leading is None else key_leading
    return (
        RNG.normal(size=(*leading, Lq, DIM)),
        RNG.normal(size=(*key_leading, Lk, DIM)),
        RNG.normal(size=(*key_leading, Lk, DV)),
    )


OPTIONS = [{"scale": scale, "causal": causal} for scale, causal in itertools.product((None, 0.3), (0, 1))]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(("Lq", "Lk"), [(1, 1), (1, 9), (31, 33), (256, 256), (257, 300), (130, 64)])
def test_single_head(Lq, Lk, options):
    Q, K, V = arrays(Lq, Lk)
    zero = {"empty": "zero"} if options["causal"] and Lq > Lk else {}
    for function, reference in (
        (lambda *a, **o: bochner.attention(*a, MAP, **o), by_features),
        (bochner.exact_attention, exact),
    ):
        out = function(Q, K, V, **options, **zero)
        np.testing.assert_allclose(out, reference(Q, K, V, **options), rtol=1e-9, atol=1e-12)
    uniform = bochner.uniform_attention(Q, K, V, **options, **zero)
    seen = visible(Lq, Lk, options["causal"])
    np.testing.assert_allclose(uniform, averaged(np.ones((Lq, Lk)), seen, V), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [(1, 1), (4, 4), (4, 2), (6, 1)])
def test_batches_and_grouped_heads(heads, causal):
    query_heads, key_heads = heads
    Q, K, V = arrays(20, 23, (3, query_heads), (3, key_heads))
    mask = RNG.random((3, 23)) < 0.7
    mask[:, :4] = True
    maps = [bochner.Estimator().draw(DIM, 8, trial=t) for t in range(key_heads)]
    results = {
        "one map": bochner.attention(Q, K, V, MAP, causal, mask),
        "a map a key head": bochner.attention(Q, K, V, maps, causal, mask),
        "exact": bochner.exact_attention(Q, K, V, causal, mask),
    }
    for name, out in results.items():
        assert out.shape == (3, query_heads, 20, DV)
        for item, head in itertools.product(range(3), range(query_heads)):
            key_head = head // (query_heads // key_heads)
            q, k, v = Q[item, head], K[item, key_head], V[item, key_head]
            options = {"causal": causal, "mask": mask[item]}
            if name == "exact":
                expected = exact(q, k, v, **options)
            else:
                used = MAP if name == "one map" else maps[key_head]
                expected = by_features(q, k, v, used, **options)
            np.testing.assert_allclose(out[item, head], expected, rtol=1e-9, atol=1e-12)


def test_three_axes_are_heads_or_with_a_mask_an_item_the_batch():
    Q, K, V = arrays(7, 8, (4,), (2,))
    maps = [bochner.Estimator().draw(DIM, 8, trial=t) for t in range(2)]
    out = bochner.attention(Q, K, V, maps)
    for head in range(4):
        expected = by_features(Q[head], K[head // 2], V[head // 2], maps[head // 2])
        np.testing.assert_allclose(out[head], expected, rtol=1e-9)
    Q, K, V = arrays(7, 8, (3,))
    mask = np.tri(3, 8, 4, dtype=bool)
    out = bochner.attention(Q, K, V, MAP, key_mask=mask)
    for item in range(3):
        expected = by_features(Q[item], K[item], V[item], mask=mask[item])
        np.testing.assert_allclose(out[item], expected, rtol=1e-9)


def test_more_leading_axes():
    Q, K, V = arrays(7, 8, (2, 3, 2))
    out = bochner.attention(Q, K, V, MAP)
    assert out.shape == (2, 3, 2, 7, DV)
    np.testing.assert_allclose(out[1, 2, 0], by_features(Q[1, 2, 0], K[1, 2, 0], V[1, 2, 0]))


def test_a_query_that_sees_no_key():
    Q, K, V = arrays(5, 3)
    for function in (
        lambda **options: bochner.attention(Q, K, V, MAP, **options),
        lambda **options: bochner.exact_attention(Q, K, V, **options),
        lambda **options: bochner.uniform_attention(Q, K, V, **options),
    ):
        with pytest.raises(ValueError, match="query 0 sees no key"):
            function(causal=True)
        out = function(causal=True, empty="zero")
        assert np.all(out[:2] == 0) and np.all(out[2] == function(causal=True, empty="zero")[2])
        np.testing.assert_allclose(out[2], V[0], rtol=1e-12)
        assert np.all(function(key_mask=[False] * 3, empty="zero") == 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("features", ["positive", "hyperbolic"])
def test_no_norm_makes_a_denominator_vanish(features, dtype):
    feature_map = bochner.Estimator("softmax", features).draw(64, 256)
    Q, K, V = (RNG.normal(size=(100, 64)).astype(dtype) * s for s in (100, 100, 1))
    for causal in (False, True):
        out = bochner.attention(Q, K, V, feature_map, causal=causal)
        assert np.isfinite(out).all()
        # Convex combinations of the values.
        assert (out <= V.max(0) * (1 + 1e-5)).all() and (out >= V.min(0) * (1 + 1e-5)).all()


def test_denominators_that_are_not_positive_are_counted_in_a_warning():
    feature_map = bochner.Estimator("softmax", "trigonometric").draw(DIM, 8)
    Q, K, V = arrays(50, 40)
    Q, K = 4 * Q, 4 * K
    root = DIM**-0.25
    expected = (feature_map.gram(root * Q, root * K).sum(1) <= 0).sum()
    assert expected > 0
    with pytest.warns(
        bochner.NonPositiveDenominatorWarning,
        match=f"attention: of 50 denominators {expected} are not positive and 1 nearly zero",
    ) as caught:
        bochner.attention(Q, K, V, feature_map)
    assert caught[0].filename == __file__
    assert issubclass(bochner.NonPositiveDenominatorWarning, RuntimeWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bochner.attention(Q, K, V, MAP)


def test_more_frequencies_come_closer():
    Q, K, V = (array / 2 for array in arrays(60, 60))
    truth = bochner.exact_attention(Q, K, V)
    errors = [
        np.mean(
            [
                np.mean((bochner.attention(Q, K, V, bochner.Estimator().draw(DIM, m, 0, t)) - truth) ** 2)
                for t in range(50)
            ]
        )
        for m in (6, 96)
    ]
    # Variance falls as 1/m, 16 times; half of that is asked.
    assert errors[1] < errors[0] / 8


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_are_slopes_of_the_output(causal):
    Q, K, V = arrays(7, 9, (2, 4), (2, 2))
    mask = np.ones((2, 9), dtype=bool)
    mask[0, 3] = mask[1, 0] = False
    options = {"causal": causal, "key_mask": mask}
    grad = RNG.normal(size=(2, 4, 7, DV))
    given = {"Q": Q, "K": K, "V": V}
    found = bochner.attention_vjp(Q, K, V, MAP, grad, **options)
    again = bochner.attention_vjp(Q, K, V, MAP, grad, **options, out=bochner.attention(Q, K, V, MAP, **options))
    for (name, array), gradient, twin in zip(given.items(), found, again, strict=True):
        assert gradient.shape == array.shape
        np.testing.assert_array_equal(gradient, twin)
        direction = RNG.normal(size=array.shape)
        step = 1e-6
        ends = [
            (bochner.attention(**{**given, name: array + sign * step * direction}, feature_map=MAP, **options) * grad)
            for sign in (1, -1)
        ]
        # Central differences: step^2 and 1e-16 / step are both far below 1e-7 of a slope.
        slope = (ends[0].sum() - ends[1].sum()) / (2 * step)
        np.testing.assert_allclose((gradient * direction).sum(), slope, rtol=1e-7)
    single = bochner.attention_vjp(*(a.astype(np.float32) for a in (Q, K, V)), MAP, grad.astype(np.float32), **options)
    for coarse, fine in zip(single, found, strict=True):
        assert coarse.dtype == np.float32
        assert np.linalg.norm(coarse - fine) < 1e-4 * np.linalg.norm(fine)


def test_gradient_arguments_are_checked():
    Q, K, V = arrays(3, 4)
    with pytest.raises(ValueError, match=r"attention_vjp: grad has shape \(3, 4\); expected \(3, 5\)"):
        bochner.attention_vjp(Q, K, V, MAP, np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"attention_vjp: out has shape \(1, 5\); expected \(3, 5\)"):
        bochner.attention_vjp(Q, K, V, MAP, np.ones((3, 5)), out=np.ones((1, 5)))
    with pytest.raises(ValueError, match=r"attention_vjp: d_out\[1, 2\] is nan; expected finite values"):
        bochner.attention_vjp(Q, K, V, MAP, np.where(np.arange(15).reshape(3, 5) == 7, np.nan, 1.0))
    with pytest.raises(TypeError, match="attention_vjp: feature_map is a int"):
        bochner.attention_vjp(Q, K, V, 3, np.ones((3, 5)))


def test_without_renormalisation_the_output_is_the_product():
    Q, K, V = arrays(9, 140, (2,), (2,))
    root = DIM**-0.25
    for features in ("positive", "trigonometric"):
        feature_map = bochner.Estimator(features=features).draw(DIM, 12)
        for causal in (False, True):
            out = bochner.attention(Q, K, V, feature_map, causal=causal, renormalize=False)
            for head in range(2):
                scores = feature_map.gram(root * Q[head], root * K[head]) * visible(9, 140, causal)
                np.testing.assert_allclose(out[head], scores @ V[head], rtol=1e-9, atol=1e-12)
    # What the type cannot hold is 0 or infinity.
    with np.errstate(all="raise"):
        out = bochner.attention(1e3 * Q, -1e3 * K, V, MAP, renormalize=False)
    assert not np.isnan(out).any()


def test_the_state_is_causal_attention_token_by_token():
    Q, K, V = arrays(150, 150)
    for dtype in (np.float32, np.float64):
        q, k, v = (a.astype(dtype) for a in (Q, K, V))
        expected = bochner.attention(q, k, v, MAP, causal=True)
        state = bochner.AttentionState(MAP, DV, dtype=dtype)
        for i in range(150):
            state.append(k[i], v[i])
            np.testing.assert_array_equal(state.query(q[i]), expected[i])
            if i == 70:
                state = pickle.loads(pickle.dumps(state))
        assert len(state) == 150
        twin = state.copy()
        twin.append(k[:1], v[:1])
        assert len(state) == 150
        np.testing.assert_array_equal(state.query(q[-1:]), expected[-1:])


def test_the_state_is_saved_and_loaded(tmp_path):
    Q, K, V = arrays(100, 100)
    state = bochner.AttentionState(MAP, DV, scale=0.3, dtype="float64")
    state.append(K, V)
    path = tmp_path / "state.npz"
    state.save(path)
    loaded = bochner.AttentionState.load(path, MAP)
    assert (len(loaded), loaded.scale, loaded.values, loaded.dtype) == (100, 0.3, DV, np.float64)
    for own in (state, loaded):
        own.append(K[:30], V[:30])
    np.testing.assert_array_equal(loaded.query(Q), state.query(Q))
    assert [entry.name for entry in tmp_path.iterdir()] == ["state.npz"]

    other = bochner.Estimator().draw(DIM, 16, seed=5)
    with pytest.raises(ValueError, match="has other frequencies"):
        bochner.AttentionState.load(path, other)
    # A map of the same frequencies and as many features.
    other = bochner.FeatureMap("softmax", "relu", MAP.frequencies)
    with pytest.raises(ValueError, match=r"has a map of softmax .*positive.*; expected one of softmax .*relu"):
        bochner.AttentionState.load(path, other)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match="is not a saved state"):
        bochner.AttentionState.load(path, MAP)
    with pytest.raises(FileNotFoundError):
        bochner.AttentionState.load(tmp_path / "none.npz", MAP)


def test_state_arguments_are_checked():
    with pytest.raises(TypeError, match="feature_map is a str"):
        bochner.AttentionState("positive", 3)
    with pytest.raises(ValueError, match="values is 0; expected at least 1"):
        bochner.AttentionState(MAP, 0)
    with pytest.raises(ValueError, match="AttentionState: scale is -1"):
        bochner.AttentionState(MAP, 3, scale=-1.0)
    with pytest.raises(TypeError, match="dtype is int32; expected float32 or float64"):
        bochner.AttentionState(MAP, 3, dtype="int32")
    state = bochner.AttentionState(MAP, 3)
    with pytest.raises(ValueError, match="the number of keys is 0"):
        state.query(np.ones(DIM))
    with pytest.raises(ValueError, match=r"AttentionState.append: K has shape \(1, 1, 6\)"):
        state.append(np.ones((1, 1, DIM)), np.ones((1, 3)))
    with pytest.raises(ValueError, match="V has 4 columns; expected 3"):
        state.append(np.ones((1, DIM)), np.ones((1, 4)))
