"""Attention in torch: the numbers of the compiled part, gradients, and what torch asks of an operator."""

import copy
import itertools
import math
import pickle
import re
import subprocess
import sys

import numpy as np
import pytest

import bochner

torch = pytest.importorskip("torch", reason="torch is not installed: pip install 'bochner[torch]'")

import bochner.torch  # noqa: E402
from bochner.torch import _operators, _plain, _recipes  # noqa: E402

DIM, DV, M = 5, 3, 8
PATHS = ("compiled", "plain")
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def tensors(queries, keys, dtype=torch.float64, heads=(4, 2), batch=2, scale=1.0, seed=0, requires_grad=False):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((heads[0], queries, DIM), (heads[1], keys, DIM), (heads[1], keys, DV))
    made = [torch.randn(batch, *shape, generator=generator, dtype=torch.float64) for shape in shapes]
    made = [x * s for x, s in zip(made, (scale, scale, 1.0), strict=True)]
    return [x.to(dtype).requires_grad_(requires_grad) for x in made]


def frequencies(features="positive", kernel="softmax", heads=None, m=M):
    estimator = bochner.Estimator(kernel, features)
    maps = [estimator.draw(DIM, m, 0, t) for t in range(heads or 1)]
    W = torch.from_numpy(np.stack([part.frequencies for part in maps]))
    return W if heads else W[0]


def padding(keys, batch=2):
    mask = torch.arange(keys) % 3 != 1
    return torch.stack([mask, torch.arange(keys) < max(keys - 2, 1)])[:batch]


def visible(queries, keys, causal, mask):
    seen = torch.ones(queries, keys, dtype=torch.bool)
    if causal:
        seen = torch.arange(keys) <= torch.arange(queries)[:, None] + keys - queries
    return seen if mask is None else seen & mask[:, None, None, :]


def by_definition(q, k, v, W, features="positive", causal=False, mask=None):
    """The definition for the softmax kernel with every pair of rows, differentiable, in double."""
    group = q.shape[1] // k.shape[1]
    k, v = (x.repeat_interleave(group, 1) for x in (k, v))
    W = W.repeat_interleave(group, 0) if W.ndim == 3 else W
    x, y = q / DIM**0.25, k / DIM**0.25
    a, b = x @ W.mT, y @ W.mT
    seen = visible(q.shape[2], k.shape[2], causal, mask)
    half = (y * y).sum(-1)[..., None, :] / 2
    if features == "trigonometric":
        cosines = torch.cos(a[..., :, None, :] - b[..., None, :, :]).sum(-1)
        weights = torch.where(seen, cosines * torch.exp(half), 0)
        return weights @ v / weights.sum(-1, keepdim=True)
    if features == "hyperbolic":
        a, b = torch.cat([a, -a], -1), torch.cat([b, -b], -1)
    logs = torch.logsumexp(a[..., :, None, :] + b[..., None, :, :], -1) - half
    return torch.softmax(torch.where(seen, logs, -math.inf), -1) @ v


PLAIN = _plain.LOGARITHMS | _plain.VALUES
SOFTMAX = {e.name: e.parameters for e in bochner.list_features() if e.name in PLAIN and e.name != "sign"}
COMBINATIONS = [("softmax", name) for name in SOFTMAX]
COMBINATIONS += [
    (kernel, name)
    for kernel in ("regularized_softmax", bochner.Kernel("gaussian", bandwidth=1.5))
    for name in ("hyperbolic", "trigonometric")
]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize(("kernel", "name"), COMBINATIONS, ids=str)
def test_both_paths_have_the_numbers_of_numpy(kernel, name, causal, dtype):
    # Functions that change sign are lifted, and cosines are of small arguments: a sum that cancels says nothing.
    features = bochner.Features(name, epsilon=3.0) if "epsilon" in SOFTMAX[name] else bochner.Features(name)
    scale = 1.0 if name in ("positive", "hyperbolic", "exp") else 0.3
    estimator = bochner.Estimator(kernel, features)
    maps = [estimator.draw(DIM, 16, 0, trial) for trial in range(2)]
    W = torch.from_numpy(np.stack([part.frequencies for part in maps]))
    sizes = [(1, 9), (9, 4), (64, 64), (70, 133)]
    for (queries, keys), masked, renormalize in itertools.product(sizes, (False, True), (False, True)):
        q, k, v = tensors(queries, keys, dtype, scale=scale)
        # The second item is padded on the left, so that causal queries may see nothing yet.
        mask = torch.stack([padding(keys)[0], torch.arange(keys) >= 3]) if masked else None
        options = {"causal": causal, "empty": "zero", "renormalize": renormalize}
        numpy_mask = None if mask is None else mask.numpy()
        expected = bochner.attention(q.numpy(), k.numpy(), v.numpy(), maps, key_mask=numpy_mask, **options)
        for path in PATHS:
            options |= {"key_mask": mask, "path": path}
            out = bochner.torch.attention(q, k, v, W, kernel=kernel, features=features, **options)
            assert out.dtype == dtype
            largest = 1 if renormalize else np.abs(expected).max()
            np.testing.assert_allclose(out, expected, rtol=0, atol=TOLERANCE[dtype] * largest)
            assert torch.equal(out, bochner.torch.attention(q, k, v, maps, **options))


@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
@pytest.mark.parametrize("renormalize", [False, True], ids=["numerators", "quotients"])
@pytest.mark.parametrize("features", [name for name, parameters in SOFTMAX.items() if "epsilon" in parameters])
def test_gradients_of_generalized_attention_are_the_same_on_both_paths(features, renormalize):
    W = frequencies(features, heads=2)
    results = []
    for path in PATHS:
        leaves = tensors(20, 20, requires_grad=True)
        out = bochner.torch.attention(*leaves, W, True, features=features, renormalize=renormalize, path=path)
        results.append([out.detach(), *torch.autograd.grad(out.square().sum(), leaves)])
    for one, other in zip(*results, strict=True):
        assert torch.isfinite(one).all()
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")
def test_denominators_of_zero():
    q, k, v = tensors(6, 7, requires_grad=True)
    with torch.no_grad():
        q[0, 0], k[1, 0] = -1.0, -1.0
    W = torch.ones(2, DIM, dtype=torch.float64)
    results = []
    for path in PATHS:
        out = bochner.torch.attention(q, k, v, W, features="relu", path=path)
        assert torch.all(out[0, 0] == 0) and torch.all(out[1, :2] == 0) and not torch.all(out == 0)
        results.append([out.detach(), *torch.autograd.grad(out.sum(), (q, k, v))])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("masked", [False, True], ids=["unmasked", "masked"])
@pytest.mark.parametrize("renormalize", [False, True], ids=["numerators", "quotients"])
def test_gradients_against_finite_differences(path, causal, masked, renormalize):
    q, k, v = tensors(4, 5, heads=(2, 1), requires_grad=True)
    mask = padding(5) if masked else None
    W = frequencies(m=3)

    def function(*arrays):
        return bochner.torch.attention(*arrays, W, causal, mask, renormalize=renormalize, path=path)

    assert torch.autograd.gradcheck(function, (q, k, v), check_batched_grad=True)
    if path == "plain":
        assert torch.autograd.gradgradcheck(function, (q, k, v), fast_mode=True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("features", ["positive", "hyperbolic", "trigonometric"])
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("masked", [False, True], ids=["unmasked", "masked"])
def test_gradients_against_autograd_of_the_definition(path, features, causal, masked):
    # 150 rows are more than a chunk and no multiple of it.
    W = frequencies(features, heads=2, m=16)
    mask = padding(150) if masked else None
    scale = 0.3 if features == "trigonometric" else 1.0
    expected_leaves = tensors(140, 150, scale=scale, requires_grad=True)
    expected = by_definition(*expected_leaves, W, features, causal, mask)
    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    wanted = torch.autograd.grad((expected * weights).sum(), expected_leaves)
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 3e-4)):
        leaves = tensors(140, 150, dtype, scale=scale, requires_grad=True)
        out = bochner.torch.attention(*leaves, W, causal, mask, features=features, path=path)
        np.testing.assert_allclose(out.detach(), expected.detach(), rtol=0, atol=tolerance)
        got = torch.autograd.grad((out * weights.to(dtype)).sum(), leaves)
        for one, other in zip(got, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * float(other.abs().max()))


@pytest.mark.parametrize("scale", [1.0, 10.0, 100.0])
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_plain_path_is_stable_at_any_norm(causal, scale):
    q, k, v = tensors(130, 130, scale=scale)
    W = frequencies()
    expected = by_definition(q, k, v, W, causal=causal)
    for dtype, tolerance in ((torch.float64, 1e-8), (torch.float32, {1: 1e-4, 10: 5e-4, 100: 2e-2}[int(scale)])):
        inputs = [x.clone().to(dtype).requires_grad_() for x in (q, k, v)]
        out = bochner.torch.attention(*inputs, W, causal, path="plain")
        error = (out.detach() - expected).square().mean().sqrt() / expected.square().mean().sqrt()
        assert error < tolerance
        out.sum().backward()
        assert all(torch.isfinite(x.grad).all() for x in inputs)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("causal", [False, True])
def test_keys_that_are_equal_have_all_the_weight_however_exponents_are_rounded(causal, path):
    # Exponents of keys and queries lie on both sides of -2^32, where floats are 256 and 512 apart.
    q = -torch.arange(0.0, 60000.0, 75.0)[:, None]
    k, v = torch.full((len(q), 1), 92650.0), torch.ones(len(q), 1)
    out = bochner.torch.attention(q, k, v, torch.ones(1, 1), causal, scale=1.0, path=path)
    assert torch.equal(out, v)


@pytest.mark.parametrize("path", PATHS)
def test_a_later_key_changes_no_earlier_row(path):
    q, k, v = tensors(100, 100, torch.float32)
    W = frequencies()
    before = bochner.torch.attention(q, k, v, W, True, path=path)
    for last in (63, 64, 98):
        changed_k, changed_v = k.clone(), v.clone()
        changed_k[:, :, last + 1 :] = 40.0
        changed_v[:, :, last + 1 :] = 1e30
        after = bochner.torch.attention(q, changed_k, changed_v, W, True, path=path)
        assert torch.equal(before[:, :, : last + 1], after[:, :, : last + 1])
        assert not torch.equal(before[:, :, last + 1 :], after[:, :, last + 1 :])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
def test_padded_is_truncated_and_padding_may_hold_anything(path, causal):
    q, k, v = tensors(9, 12, requires_grad=True)
    mask = torch.arange(12) < 9
    with torch.no_grad():
        k[:, :, 9:], v[:, :, 9:] = math.nan, math.nan
        wide = torch.cat([q, torch.zeros(2, 4, 3, DIM, dtype=q.dtype)], 2)
    padded = bochner.torch.attention(wide, k, v, frequencies(), causal, mask, path=path)[:, :, :9]
    truncated = bochner.torch.attention(q, k[:, :, :9], v[:, :, :9], frequencies(), causal, path=path)
    np.testing.assert_allclose(padded.detach(), truncated.detach(), rtol=0, atol=1e-13)
    d_k, d_v = torch.autograd.grad(padded.sum(), (k, v))
    assert torch.all(d_k[:, :, 9:] == 0) and torch.all(d_v[:, :, 9:] == 0)
    assert torch.isfinite(d_k).all() and torch.isfinite(d_v).all()


@pytest.mark.parametrize("path", PATHS)
def test_a_query_that_sees_no_key(path):
    q, k, v = tensors(5, 3, requires_grad=True)
    for options in ({"causal": True}, {"key_mask": torch.tensor([[True] * 3, [False] * 3])}):
        with pytest.raises(ValueError, match="query 0 sees no key"):
            bochner.torch.attention(q, k, v, frequencies(), path=path, **options)
        out = bochner.torch.attention(q, k, v, frequencies(), path=path, empty="zero", **options)
        blind = out[:, :, :2] if "causal" in options else out[1]
        assert torch.all(blind == 0)
        assert all(torch.isfinite(x).all() for x in torch.autograd.grad(out.sum(), (q, k, v)))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("path", PATHS)
def test_half_precision_is_float_that_is_rounded(dtype, path):
    # At these norms exp(q.k / sqrt(d)) is far beyond what float16 holds.
    q, k, v = tensors(20, 20, torch.float32, scale=20.0)
    q, k, v = (x.to(dtype) for x in (q, k, v))
    out = bochner.torch.attention(q, k, v, frequencies(), True, path=path)
    expected = bochner.torch.attention(q.float(), k.float(), v.float(), frequencies(), True, path=path)
    assert out.dtype == dtype
    assert torch.equal(out, expected.to(dtype)) and torch.isfinite(out).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        again = bochner.torch.attention(q.float(), k.float(), v.float(), frequencies(), True, path=path)
    assert torch.equal(again, expected)


def test_torch_approves_of_the_operators():
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    of_map, of_estimator = _recipes.recipe_of_map("softmax", "positive"), _recipes.recipe_of_estimator(estimator)
    W = frequencies()[None]
    for dtype, causal, mask, renormalize in (
        (torch.float64, True, None, True),
        (torch.float32, False, padding(7), True),
        (torch.float64, True, padding(7), False),
    ):
        arrays = tensors(6, 7, dtype, requires_grad=True)
        rest = (W, mask, of_map, causal, 0.3, False, renormalize)
        torch.library.opcheck(_operators.attention, (*arrays, *rest))
        arrays = [x.detach() for x in arrays]
        out = _operators.attention(*arrays, *rest)
        torch.library.opcheck(_operators.attention_vjp, (*arrays, *rest, out, torch.randn_like(out)))
    torch.library.opcheck(_operators.draw, (of_estimator, DIM, M, 2, 1, 3))
    for step in (3, 4):
        torch.library.opcheck(_operators.advance, (W, torch.tensor(step), torch.tensor(0), of_estimator, 4))


# What torch's compiler warns of while it imports and inspects itself says nothing of this package.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("path", PATHS)
def test_it_compiles_without_a_graph_break(path, monkeypatch, tmp_path):
    torch._dynamo.reset()
    # Graphs that a compiler kept from another version of the operators would be wrong.
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    kernel = bochner.Kernel("gaussian", bandwidth=2.0)
    W = frequencies(kernel=kernel)

    def function(q, k, v, mask):
        options = {"kernel": kernel, "path": path, "empty": "zero"}
        mean = bochner.torch.attention(q, k, v, W, True, mask, **options)
        return mean + bochner.torch.attention(q, k, v, W, True, mask, renormalize=False, **options)

    mask = padding(12)
    weights = torch.randn(2, 4, 12, DV, dtype=torch.float64)
    for backend in ("aot_eager", "inductor") if path == "compiled" else ("aot_eager",):
        compiled = torch.compile(function, fullgraph=True, backend=backend)
        results = []
        for called in (function, compiled):
            leaves = tensors(12, 12, requires_grad=True)
            out = called(*leaves, mask)
            results.append([out.detach(), *torch.autograd.grad(out, leaves, weights)])
        for plain, one in zip(*results, strict=True):
            np.testing.assert_allclose(one, plain, rtol=1e-9, atol=1e-11)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_module_that_redraws_compiles():
    torch._dynamo.reset()
    layers = [bochner.torch.Attention(DIM, M, redraw_every=2, seed=5, causal=True) for _ in range(2)]
    compiled = torch.compile(layers[1], fullgraph=True, backend="aot_eager")
    q, k, v = tensors(6, 6)
    for _ in range(5):
        assert torch.equal(layers[0](q, k, v), compiled(q, k, v))
        assert torch.equal(layers[0].frequencies, layers[1].frequencies)
    assert int(layers[1].steps) == 5


@pytest.mark.parametrize("path", PATHS)
def test_vmap(path):
    q, k, v = (torch.stack([x, x.flip(0), 2 * x]) for x in tensors(6, 7))
    W = torch.stack([frequencies(), frequencies() + 1, -frequencies()])
    masks = torch.stack([padding(7), padding(7).flip(0), torch.ones(2, 7, dtype=torch.bool)])

    def function(q, k, v, W, mask):
        return bochner.torch.attention(q, k, v, W, key_mask=mask, path=path)

    for in_dims in ((0, 0, 0, None, 0), (0, None, 0, None, None), (None, None, None, 0, None), (0, 0, 0, 0, 0)):
        arguments = [x if dim == 0 else x[1] for x, dim in zip((q, k, v, W, masks), in_dims, strict=True)]
        out = torch.vmap(function, in_dims)(*arguments)
        for i in range(3):
            expected = function(*(x[i] if dim == 0 else x for x, dim in zip(arguments, in_dims, strict=True)))
            np.testing.assert_allclose(out[i], expected, rtol=0, atol=1e-13)


def test_gradients_of_each_item_on_the_plain_path():
    q, k, v = tensors(6, 7)

    def loss(q, k, v):
        return bochner.torch.attention(q, k, v, frequencies(), path="plain").square().sum()

    each = torch.vmap(torch.func.grad(loss))(q, k, v)
    for i in range(2):
        np.testing.assert_allclose(each[i], torch.func.grad(loss)(q[i], k[i], v[i]), rtol=0, atol=1e-12)


def test_axes_are_those_of_numpy():
    W = frequencies(heads=2)
    q, k, v = tensors(6, 7, batch=6)
    whole = bochner.torch.attention(q, k, v, W)
    assert torch.equal(bochner.torch.attention(q[0], k[0], v[0], W), whole[0])
    split = bochner.torch.attention(*(x.unflatten(0, (2, 3)) for x in (q, k, v)), W)
    assert torch.equal(split, whole.unflatten(0, (2, 3)))
    single = bochner.torch.attention(q[0, 0], k[0, 0], v[0, 0], W[0])
    assert torch.equal(single, whole[0, 0])
    mask = torch.arange(7) < torch.tensor([[7], [3], [5], [1], [2], [6]])
    items = bochner.torch.attention(q[:, 0], k[:, 0], v[:, 0], W[0], key_mask=mask)
    assert torch.equal(items, bochner.torch.attention(q[:, :1], k[:, :1], v[:, :1], W[0], key_mask=mask)[:, 0])


def test_denominators_that_are_not_positive_are_reported():
    q, k, v = tensors(50, 40, scale=4.0)
    counts = set()
    for path in PATHS:
        with pytest.warns(bochner.NonPositiveDenominatorWarning) as caught:
            bochner.torch.attention(q, k, v, frequencies("trigonometric"), features="trigonometric", path=path)
        counts |= {re.search(r"of 400 denominators (\d+) are not positive", str(one.message))[1] for one in caught}
    assert len(counts) == 1 and int(counts.pop()) > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"q": torch.zeros(2, 4, 6, DIM, dtype=torch.int64)}, TypeError, "q has dtype torch.int64"),
        ({"q": torch.zeros(2, 3, 6, DIM)}, ValueError, "key heads that divide"),
        ({"q": torch.zeros(3, 4, 6, DIM)}, ValueError, "shapes are"),
        ({"q": torch.zeros(6, DIM)}, ValueError, "same number of axes"),
        ({"v": torch.zeros(2, 2, 8, DV)}, ValueError, "shapes are"),
        ({"frequencies": torch.zeros(M, DIM + 1)}, ValueError, "frequencies have shape"),
        ({"frequencies": torch.zeros(4, M, DIM)}, ValueError, "frequencies have shape"),
        ({"frequencies": ["positive"]}, TypeError, "frequencies has a str"),
        ({"key_mask": torch.ones(7)}, TypeError, "key_mask has dtype"),
        ({"key_mask": torch.ones(3, 7, dtype=torch.bool)}, ValueError, "key_mask has shape"),
        ({"scale": -1.0}, ValueError, "scale is -1.0"),
        ({"empty": "nothing"}, ValueError, "empty is 'nothing'"),
        ({"path": "fast"}, ValueError, "path is 'fast'"),
        ({"kernel": "softmx"}, ValueError, "softmx"),
        ({"features": bochner.FunctionFeatures(np.square)}, TypeError, "square.* is no part of the registry"),
        ({"kernel": 2.0 * bochner.Kernel("softmax")}, TypeError, "2.0 .* is no part of the registry"),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_errors(change, error, message, path):
    q, k, v = tensors(6, 7, torch.float32)
    arguments = {"q": q, "k": k, "v": v, "frequencies": frequencies(), "path": path} | change
    with pytest.raises(error, match=message):
        bochner.torch.attention(**arguments)


def test_redraws_follow_the_steps_of_training():
    estimator = bochner.Estimator("softmax", "hyperbolic", "iid")
    layer = bochner.torch.Attention(DIM, M, estimator, seed=3, redraw_every=3)
    q, k, v = tensors(4, 4)
    for step in range(10):
        feature_map = estimator.draw(DIM, M, 3, trial=step // 3)
        out = layer(q, k, v)
        assert torch.equal(layer.frequencies[0], torch.from_numpy(feature_map.frequencies.copy()))
        np.testing.assert_array_equal(out, bochner.attention(q.numpy(), k.numpy(), v.numpy(), feature_map))
        layer.eval()
        for _ in range(4):
            assert torch.equal(layer(q, k, v), out)
        layer.train()
    assert int(layer.steps) == 10
    fixed = bochner.torch.Attention(DIM, M, estimator, seed=3)
    assert torch.equal(fixed(q, k, v), fixed(q, k, v)) and int(fixed.steps) == 0


def test_each_head_has_its_own_draw():
    layer = bochner.torch.Attention(DIM, M, heads=2, redraw_every=1, seed=3)
    q, k, v = tensors(4, 4)
    for draw in range(3):
        out = layer(q, k, v)
        maps = [bochner.Estimator().draw(DIM, M, 3, 2 * draw + head) for head in range(2)]
        np.testing.assert_array_equal(out, bochner.attention(q.numpy(), k.numpy(), v.numpy(), maps))


@pytest.mark.parametrize("seed", [0, 7, 2**63 + 5, 2**64 - 1])
def test_state_dict_carries_frequencies_seed_and_steps(seed, tmp_path):
    layer = bochner.torch.Attention(DIM, M, seed=seed, redraw_every=2)
    q, k, v = tensors(4, 4)
    for _ in range(3):
        layer(q, k, v)
    torch.save(layer.state_dict(), tmp_path / "state.pt")
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    assert set(state) == {"frequencies", "seed", "steps"}
    assert int(state["seed"]) % 2**64 == seed and f"seed={seed}" in repr(layer)
    other = bochner.torch.Attention(DIM, M, seed=1, redraw_every=2)
    other.load_state_dict(state)
    copies = (other, copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)))
    for _ in range(4):
        expected = layer(q, k, v)
        assert all(torch.equal(one(q, k, v), expected) for one in copies)
    assert torch.equal(
        layer.frequencies[0], torch.from_numpy(bochner.Estimator().draw(DIM, M, seed, 3).frequencies.copy())
    )


def test_a_cast_of_the_module_leaves_the_frequencies_exact():
    layer = bochner.torch.Attention(DIM, M)
    exact = layer.frequencies.clone()
    for changed in (layer.half(), layer.to(torch.bfloat16), layer.float(), layer.to("cpu")):
        assert changed is layer
        assert torch.equal(layer.frequencies, exact)
    assert layer.to("meta").frequencies.dtype == torch.float64


def test_redraws_between_forward_and_backward_and_in_checkpoints():
    from torch.utils.checkpoint import checkpoint

    q, k, v = tensors(4, 4, requires_grad=True)
    plain, checked = (bochner.torch.Attention(DIM, M, redraw_every=1, causal=True) for _ in range(2))
    # Two passes with different draws before one backward pass: each has the gradient of its own draw.
    wanted = torch.autograd.grad(plain(q, k, v).sum() + plain(q, k, v).square().sum(), (q, k, v))
    parts = [
        torch.autograd.grad(function(bochner.torch.attention(q, k, v, W, True)).sum(), (q, k, v))
        for function, W in (
            (lambda x: x, bochner.Estimator().draw(DIM, M, 0, 0)),
            (torch.square, bochner.Estimator().draw(DIM, M, 0, 1)),
        )
    ]
    for one, first, second in zip(wanted, *parts, strict=True):
        np.testing.assert_allclose(one, first + second, rtol=0, atol=1e-12)
    # The pass that a checkpoint repeats is no step and draws nothing.
    for step in range(3):
        out = checkpoint(checked, q, k, v, use_reentrant=False)
        gradients = torch.autograd.grad(out.sum(), (q, k, v))
        feature_map = bochner.Estimator().draw(DIM, M, 0, step)
        expected = torch.autograd.grad(bochner.torch.attention(q, k, v, feature_map, True).sum(), (q, k, v))
        assert all(torch.equal(a, b) for a, b in zip(gradients, expected, strict=True))
    assert int(checked.steps) == 3


def test_it_trains():
    """A matrix before the queries, zero at first, learns what makes them attend as exact attention does."""
    layer = bochner.torch.Attention(DIM, 1024, seed=1)
    q, k, v = tensors(40, 40, heads=(1, 1))
    target = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    matrix = torch.zeros(DIM, DIM, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([matrix], lr=0.1)
    losses = []
    for _ in range(30):
        loss = (layer(q @ matrix, k, v) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 3


def test_bochner_alone_imports_no_torch_and_without_torch_says_how_to_install_it():
    script = (
        "import sys, bochner\n"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules\n"
        "sys.modules['torch'] = None\n"
        "import bochner.torch\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == "ModuleNotFoundError: bochner.torch needs PyTorch: pip install 'bochner[torch]'"


@pytest.mark.parametrize("arguments", [{"dim": 0}, {"m": 0}, {"seed": -1}, {"redraw_every": 0}, {"heads": 0}])
def test_errors_of_the_module(arguments):
    with pytest.raises(ValueError, match="Attention: "):
        bochner.torch.Attention(**({"dim": DIM} | arguments))
    with pytest.raises(TypeError, match="estimator is a str"):
        bochner.torch.Attention(DIM, M, "positive")


@pytest.mark.parametrize("parts", [("gaussian", "random_phase"), ("softmax", "angular_hybrid", "iid")])
def test_the_module_refuses_maps_that_hold_more_than_frequencies(parts):
    with pytest.raises(ValueError, match=f"features '{parts[1]}' hold more than frequencies"):
        bochner.torch.Attention(DIM, M, bochner.Estimator(*parts))
