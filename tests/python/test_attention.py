"""Attention against its definition, over shapes, groups, masks and scales."""

import itertools
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
        match=f"attention: {expected} of 50 denominators are not positive",
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
