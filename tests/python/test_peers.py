"""The real performer-pytorch, fed the same frequencies, and torch's own derivatives."""

import functools

import numpy as np
import pytest

import bochner

torch = pytest.importorskip("torch", reason="torch is not installed; the extra `test` has it")
peer = pytest.importorskip(
    "performer_pytorch.performer_pytorch", reason="performer-pytorch is not installed; the extra `test` has it"
)
F = torch.nn.functional

D, M = 16, 40
RNG = np.random.default_rng(6)
Q, K = RNG.normal(size=(2, 2, 3, 150, D))
V = RNG.normal(size=(2, 3, 150, 5))
FUNCTIONS = {
    "relu": F.relu,
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "abs": torch.abs,
    "gelu": F.gelu,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "identity": lambda u: u,
    "elu1": lambda u: F.elu(u) + 1,
}
POSITIVE = ("relu", "exp", "sigmoid", "abs", "elu1")
DTYPES = {np.float32: torch.float32, np.float64: torch.float64}
W = bochner.Estimator("softmax", "positive", "orthogonal").draw(D, M, seed=3).frequencies
# Functions of any sign have denominators of any sign, in their software as in ours.
ignore_denominators = pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")


@pytest.fixture(autouse=True)
def one_torch_thread():
    # The matrices are small: more threads only wait for one another.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tensors(dtype, *arrays):
    return [torch.tensor(array.astype(dtype)) for array in arrays]


def fast_attention(causal, dtype, **options):
    """Their attention with our frequencies, and with no epsilon anywhere but in the features."""
    attention = peer.FastAttention(D, M, causal=causal, **options).to(DTYPES[dtype])
    attention.projection_matrix.copy_(torch.tensor(W))
    if causal:
        attention.causal_linear_fn = functools.partial(peer.causal_linear_attention_noncuda, eps=0)
    return attention


def relative_error(ours, theirs, axis):
    """The largest |ours - theirs|, in units of the largest |theirs| along the axis."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return (np.abs(ours - theirs).max(axis) / np.abs(theirs).max(axis)).max()


def condition_of_denominators(feature_map, causal):
    """The sum of all |phi_l(q) phi_l(k)| of a denominator divided by the modulus of their sum, for each query."""
    query, key = (feature_map((D**-0.25 * X).reshape(-1, D)).reshape(*X.shape[:3], -1) for X in (Q, K))
    sums = np.abs(query) @ np.abs(key).swapaxes(-1, -2), query @ key.swapaxes(-1, -2)
    terms, denominators = ((np.tril(A) if causal else A).sum(-1) for A in sums)
    return terms / np.abs(denominators)


@pytest.mark.parametrize("is_query", [True, False])
def test_softmax_features_are_theirs(is_query):
    (data,) = tensors(np.float64, K)
    theirs = peer.softmax_kernel(data, projection_matrix=torch.tensor(W), is_query=is_query, eps=0).numpy()
    # Their stabilizer: the largest projection of a query, and that of all keys of a head.
    stabilizer = (D**-0.25 * K @ W.T).max(-1 if is_query else (-1, -2), keepdims=True)
    ours = bochner.FeatureMap("softmax", "positive", W).transform((D**-0.25 * K).reshape(-1, D))
    np.testing.assert_allclose(ours.reshape(theirs.shape), theirs * np.exp(stabilizer), rtol=1e-12)


@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_generalized_features_are_theirs(name, dtype, epsilon):
    (data,) = tensors(dtype, K)
    theirs = peer.generalized_kernel(
        data, projection_matrix=torch.tensor(W), kernel_fn=FUNCTIONS[name], kernel_epsilon=epsilon
    ).numpy()
    family = bochner.Features(name, epsilon=epsilon)
    x = (D**-0.25 * K).astype(dtype).reshape(-1, D)
    ours = bochner.FeatureMap("softmax", family, W).transform(x)
    # Theirs are without m^(-1/2).
    assert relative_error(np.sqrt(M) * ours, theirs.reshape(ours.shape), -1) < (1e-13 if dtype == np.float64 else 1e-5)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_attention_is_theirs(monkeypatch, dtype, causal):
    monkeypatch.setattr(peer, "softmax_kernel", functools.partial(peer.softmax_kernel, eps=0))
    theirs = fast_attention(causal, dtype)(*tensors(dtype, Q, K, V)).numpy()
    arrays = [array.astype(dtype) for array in (Q, K, V)]
    ours = bochner.attention(*arrays, bochner.FeatureMap("softmax", "positive", W), causal=causal)
    assert ours.dtype == dtype
    assert relative_error(ours, theirs, None) < (1e-12 if dtype == np.float64 else 1e-5)


@ignore_denominators
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_generalized_attention_is_theirs(monkeypatch, name, causal):
    monkeypatch.setattr(peer, "generalized_kernel", functools.partial(peer.generalized_kernel, kernel_epsilon=0))
    for dtype in DTYPES if name in POSITIVE else (np.float64,):
        attention = fast_attention(causal, dtype, generalized_attention=True, kernel_fn=FUNCTIONS[name])
        theirs = attention(*tensors(dtype, Q, K, V)).numpy()
        arrays = [array.astype(dtype) for array in (Q, K, V)]
        feature_map = bochner.FeatureMap("softmax", name, W)
        ours = bochner.attention(*arrays, feature_map, causal=causal)
        # A denominator that nearly cancels multiplies the rounding of its terms.
        condition = condition_of_denominators(feature_map, causal)
        error = np.abs(ours - theirs).max(-1) / (condition * np.abs(V).max())
        assert error.max() < (1e-13 if dtype == np.float64 else 1e-5)
        assert np.median(condition) < 1e3


@pytest.mark.parametrize("causal", [False, True])
def test_their_kernel_epsilon_is_ours(causal):
    """Nothing is taken out of their software here but the epsilon of the causal denominator."""
    attention = fast_attention(causal, np.float64, generalized_attention=True)
    theirs = attention(*tensors(np.float64, Q, K, V)).numpy()
    with_epsilon = bochner.FeatureMap("softmax", bochner.Features("relu", epsilon=1e-3), W)
    assert relative_error(bochner.attention(Q, K, V, with_epsilon, causal=causal), theirs, None) < 1e-12
    without = bochner.FeatureMap("softmax", "relu", W)
    assert relative_error(bochner.attention(Q, K, V, without, causal=causal), theirs, None) > 1e-4


GRADIENTS = [(name, 0.0) for name in ("positive", "hyperbolic", "trigonometric")]
GRADIENTS += [(name, epsilon) for name in (*FUNCTIONS, "own") for epsilon in (0.0, 0.1)]


@pytest.mark.parametrize(("name", "epsilon"), GRADIENTS)
def test_gradients_are_those_of_autograd(name, epsilon):
    if name in FUNCTIONS:
        family = bochner.Features(name, epsilon=epsilon)
    elif name == "own":
        family = bochner.FunctionFeatures(np.sin, epsilon, derivative=np.cos)
    else:
        family = bochner.Features(name)
    feature_map = bochner.FeatureMap("softmax", family, W)
    x = K.reshape(-1, D) / 2
    d_Z = np.random.default_rng(1).normal(size=(len(x), feature_map.features))
    X = torch.tensor(x, requires_grad=True)
    U, half = X @ torch.tensor(W).T, (X**2).sum(-1, keepdim=True) / 2
    Z = {
        "positive": lambda: torch.exp(U - half),
        "hyperbolic": lambda: torch.cat([torch.exp(U - half), torch.exp(-U - half)], -1) / np.sqrt(2),
        "trigonometric": lambda: torch.cat([torch.cos(U), torch.sin(U)], -1) * torch.exp(half),
        "own": lambda: torch.sin(U) + epsilon,
    }.get(name, lambda: FUNCTIONS[name](U) + epsilon)() / np.sqrt(M)
    assert relative_error(feature_map.transform(x), Z.detach().numpy(), -1) < 1e-13
    Z.backward(torch.tensor(d_Z))
    assert relative_error(feature_map.vjp(x, d_Z), X.grad.numpy(), -1) < 1e-12


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", POSITIVE)
def test_gradients_of_attention_are_those_of_autograd_through_theirs(monkeypatch, name, causal):
    monkeypatch.setattr(peer, "generalized_kernel", functools.partial(peer.generalized_kernel, kernel_epsilon=0))
    arrays = [array[:, :, :70] for array in (Q, K, V)]
    leaves = [tensor.requires_grad_() for tensor in tensors(np.float64, *arrays)]
    out = fast_attention(causal, np.float64, generalized_attention=True, kernel_fn=FUNCTIONS[name])(*leaves)
    grad = np.random.default_rng(2).normal(size=out.shape)
    out.backward(torch.tensor(grad))
    ours = bochner.attention_vjp(*arrays, bochner.FeatureMap("softmax", name, W), grad, causal=causal)
    for gradient, leaf in zip(ours, leaves, strict=True):
        assert relative_error(gradient, leaf.grad.numpy(), None) < 1e-11


def test_pitfall_01_their_orthogonal_frequencies_are_not_gaussian():
    """QR without the sign of R: at z along +-(1, ..., 1) their estimates have the ratios 0.81 and 1.19 to the truth."""
    d, draws = 8, 4000
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = np.array([peer.gaussian_orthogonal_random_matrix(d, d).numpy() for _ in range(draws)])
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    ours = np.array([estimator.draw(d, d, 0, t).frequencies for t in range(draws)])
    z = np.ones(d) / np.sqrt(d)
    for sign, ratio in ((1, 0.81), (-1, 1.19)):
        for frequencies, expected, rounding in ((theirs, ratio, 0.005), (ours, 1, 0)):
            means = np.exp(sign * frequencies @ z - 0.5).mean(1)
            assert abs(means.mean() - expected) < 4.5 * means.std() / np.sqrt(draws) + rounding
            assert means.std() / np.sqrt(draws) < 0.01
