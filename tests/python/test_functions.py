"""Generalized attention: the named functions, and a function of the user's own."""

import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import bochner

RNG = np.random.default_rng(8)
X = RNG.normal(size=(700, 6))
Q, K, V = RNG.normal(size=(3, 2, 3, 150, 6))
NAMES = {
    "relu": lambda u: np.maximum(u, 0),
    "exp": np.exp,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "abs": np.abs,
    "cos": np.cos,
    "tanh": np.tanh,
    "identity": lambda u: u,
    "elu1": lambda u: np.where(u > 0, u + 1, np.exp(u)),
}
# Attention of 150 keys by functions of any sign has a denominator near zero now and then: it is warned of.
ignore_denominators = pytest.mark.filterwarnings("ignore::bochner.NonPositiveDenominatorWarning")


@pytest.fixture
def threads():
    before = bochner.get_num_threads()
    yield bochner.set_num_threads
    bochner.set_num_threads(before)


def cube(u):
    return u**3


def cube_slope(u):
    return 3 * u**2


def test_the_kernel_gives_only_the_frequencies():
    kernel = bochner.Kernel("gaussian", bandwidth=2.0)
    feature_map = bochner.Estimator(kernel, bochner.Features("relu", epsilon=0.5)).draw(6, 9)
    expected = (np.maximum(X @ feature_map.frequencies.T, 0) + 0.5) / 3
    np.testing.assert_allclose(feature_map.transform(X), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("epsilon", [0.0, 1e-3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", NAMES)
def test_a_function_of_numpy_is_the_named_one(name, dtype, epsilon):
    named = bochner.Estimator("softmax", bochner.Features(name, epsilon=epsilon)).draw(6, 32, seed=4)
    own = bochner.Estimator("softmax", bochner.FunctionFeatures(NAMES[name], epsilon)).draw(6, 32, seed=4)
    assert np.array_equal(own.frequencies, named.frequencies)
    x = X.astype(dtype)
    rtol = 2e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(own.transform(x), named.transform(x), rtol=rtol, atol=rtol / 100)


@ignore_denominators
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", [*NAMES, "gelu", "own"])
def test_attention_is_the_quotient(name, causal):
    features = bochner.FunctionFeatures(cube) if name == "own" else name
    feature_map = bochner.Estimator("softmax", features).draw(6, 16, seed=4)
    query, key = (feature_map(6**-0.25 * x[0, 0]) for x in (Q, K))
    A, terms = query @ key.T, np.abs(query) @ np.abs(key).T
    if causal:
        A, terms = np.tril(A), np.tril(terms)
    expected = A @ V[0, 0] / A.sum(-1, keepdims=True)
    out = bochner.attention(Q[0, 0], K[0, 0], V[0, 0], feature_map, causal=causal)
    # A denominator that nearly cancels multiplies the rounding of its terms.
    condition = terms.sum(-1) / np.abs(A.sum(-1))
    assert (np.abs(out - expected).max(-1) / condition).max() < 1e-13 * np.abs(V).max()


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", [*NAMES, "gelu"])
def test_without_renormalisation_it_is_the_numerator(name, causal):
    feature_map = bochner.Estimator("softmax", bochner.Features(name, epsilon=0.01)).draw(6, 16, seed=4)
    query, key = (feature_map(6**-0.25 * x[0, 0]) for x in (Q, K))
    A = np.tril(query @ key.T) if causal else query @ key.T
    out = bochner.attention(Q[0, 0], K[0, 0], V[0, 0], feature_map, causal=causal, renormalize=False)
    np.testing.assert_allclose(out, A @ V[0, 0], rtol=1e-11, atol=1e-11 * np.abs(A @ V[0, 0]).max())


@pytest.mark.parametrize("name", ["exp", "sigmoid", "elu1"])
def test_positive_functions_keep_attention_finite_at_any_norm(name):
    feature_map = bochner.Estimator("softmax", name).draw(6, 32)
    for scale in (1e-6, 1.0, 1e3, 1e6):
        for dtype in (np.float32, np.float64):
            arrays = [(scale * array).astype(dtype) for array in (Q, K)]
            out = bochner.attention(*arrays, V.astype(dtype), feature_map, causal=True)
            assert np.isfinite(out).all()
            assert np.abs(out).max() <= np.abs(V).max() * (1 + 1e-5)


def test_a_pickled_function_is_itself():
    original = bochner.FunctionFeatures(cube, 0.5, derivative=cube_slope)
    estimator = bochner.Estimator("softmax", original)
    feature_map = estimator.draw(6, 5)
    for thing in (original, estimator, feature_map):
        twin = pickle.loads(pickle.dumps(thing))
        assert twin == thing
        assert hash(twin) == hash(thing)
        assert repr(twin) == repr(thing)
    twin = pickle.loads(pickle.dumps(feature_map))
    assert twin.transform(X).tobytes() == feature_map.transform(X).tobytes()
    assert bochner.FeatureMap("softmax", original, feature_map.frequencies) == feature_map
    for other in (
        bochner.FunctionFeatures(cube, 0.25, cube_slope),
        bochner.FunctionFeatures(cube, 0.5),
        bochner.FunctionFeatures(cube_slope, 0.5, cube_slope),
        bochner.Features("relu", epsilon=0.5),
    ):
        assert other != original
    assert (original.function, original.derivative, original.parameters) == (cube, cube_slope, {"epsilon": 0.5})
    assert repr(bochner.FunctionFeatures(np.tanh)) == "FunctionFeatures(numpy.tanh, epsilon=0.0)"
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(bochner.FunctionFeatures(lambda u: u))


def test_it_passes_through_the_experiments():
    estimator = bochner.Estimator("softmax", bochner.FunctionFeatures(cube))
    with pytest.raises(bochner.NoLawError):
        estimator.law(X[:2], X[:2], 4)
    with pytest.raises(bochner.NoLawError):
        bochner.Estimator("softmax", "relu").law(X[:2], X[:2], 4)
    x, y = X[:3] / 4, X[3:6] / 4
    table = bochner.experiments.pointwise(estimator, x, y, m=[8], trials=200)
    estimates = [estimator.draw(6, 8, 0, t).paired(x, y) for t in range(200)]
    np.testing.assert_allclose(table["mean"], np.mean(estimates, 0), rtol=1e-10)
    assert (table["sampler"] == "plain").all()


def test_the_argument_is_the_callers_to_change(threads):
    def overwrite(u):
        u *= 2
        return u

    own = bochner.Estimator("softmax", bochner.FunctionFeatures(overwrite)).draw(6, 300)
    identity = bochner.Estimator("softmax", "identity").draw(6, 300)
    for count in (1, 3):
        threads(count)
        np.testing.assert_allclose(own.transform(X), 2 * identity.transform(X), rtol=1e-12)


def test_integers_are_numbers():
    own = bochner.Estimator("softmax", bochner.FunctionFeatures(lambda u: (u > 0) * 2)).draw(6, 4)
    expected = (X @ own.frequencies.T > 0) * 1.0
    np.testing.assert_allclose(own.transform(X), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda u: u[:-1], ValueError, r"the result of function has shape \(4, 3\); expected \(5, 3\)"),
        (lambda u: u[0], ValueError, r"the result of function has shape \(3,\); expected \(5, 3\)"),
        (lambda u: None, TypeError, "the result of function has dtype object"),
        (lambda u: u + 0j, TypeError, "the result of function has dtype complex128"),
        (lambda u: u.astype(np.float16), TypeError, "the result of function has dtype float16"),
        (
            lambda u: np.full(u.shape, np.nan),
            ValueError,
            "contains nan; expected finite float64 values",
        ),
        (lambda u: [1] / 0, TypeError, "unsupported operand"),
    ],
)
def test_bad_results_are_named(function, error, message):
    feature_map = bochner.Estimator("softmax", bochner.FunctionFeatures(function)).draw(6, 3)
    with pytest.raises(error, match=message):
        feature_map.transform(X[:5])


def test_what_float32_cannot_hold_is_not_finite():
    own = bochner.Estimator("softmax", bochner.FunctionFeatures(lambda u: np.full(u.shape, 1e300))).draw(6, 3)
    assert np.isfinite(own.transform(X)).all()
    assert not np.isnan(own.gram(X)).any()
    with pytest.raises(ValueError, match="contains inf; expected finite float32"):
        own.transform(X.astype(np.float32))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), TypeError, "function is a int; expected a callable"),
        ((cube, "a"), TypeError, "epsilon is a str; expected a real number"),
        ((cube, -1), ValueError, "function: epsilon is -1; expected a finite number of at least 0"),
        ((cube, np.inf), ValueError, "epsilon is inf"),
        ((cube, 0, 3), TypeError, "derivative is a int; expected a callable"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        bochner.FunctionFeatures(*arguments)
    with pytest.raises(AttributeError, match="immutable"):
        bochner.FunctionFeatures(cube)._function = cube_slope


@pytest.mark.parametrize("count", [1, 3])
def test_what_the_function_raises_reaches_the_caller(threads, count):
    class OwnError(Exception):
        pass

    calls = []

    def failing(u):
        calls.append(threading.get_ident())
        if len(calls) > 2:
            raise OwnError("the third block")
        return u

    threads(count)
    feature_map = bochner.Estimator("softmax", bochner.FunctionFeatures(failing)).draw(6, 500)
    with pytest.raises(OwnError, match="the third block"):
        feature_map.transform(X)
    with pytest.raises(OwnError):
        bochner.attention(Q, K, V, feature_map)
    # So far from a thread of the library; a small call is made on the caller's own.
    assert threading.get_ident() not in calls
    with pytest.raises(OwnError):
        feature_map.transform(X[:1])
    assert calls[-1] == threading.get_ident()


def test_gradient_of_an_own_function():
    own = bochner.Estimator("softmax", bochner.FunctionFeatures(cube, derivative=cube_slope)).draw(6, 8)
    assert own.differentiable
    d_Z = RNG.normal(size=(len(X), 8))
    W = own.frequencies
    np.testing.assert_allclose(own.vjp(X, d_Z), (d_Z * 3 * (X @ W.T) ** 2) @ W / np.sqrt(8), rtol=1e-11, atol=1e-11)
    plain = bochner.Estimator("softmax", bochner.FunctionFeatures(cube)).draw(6, 8)
    assert not plain.differentiable
    with pytest.raises(ValueError, match="has no gradient"):
        plain.vjp(X, d_Z)
    with pytest.raises(ValueError, match="vjp: d_Z has 7 columns; expected 8"):
        own.vjp(X, d_Z[:, :7])
    with pytest.raises(ValueError, match="vjp: d_Z has 3 rows; expected 700"):
        own.vjp(X, d_Z[:3])
    wrong = bochner.FunctionFeatures(cube, derivative=lambda u: u[:1])
    with pytest.raises(ValueError, match="the result of derivative has shape"):
        bochner.Estimator("softmax", wrong).draw(6, 8).vjp(X, d_Z)


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_ends_a_call_of_a_slow_function(count):
    script = f"""
        import bochner, numpy as np, os, signal, time
        # Whoever starts the tests in the background has it ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        bochner.set_num_threads({count})
        def slow(u):
            time.sleep(0.05)
            return u
        feature_map = bochner.Estimator("softmax", bochner.FunctionFeatures(slow)).draw(64, 512)
        print("ready", flush=True)
        try:
            feature_map.transform(np.zeros((64 * 400, 64)))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            os._exit(0)  # the end of the interpreter is not what is timed
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            sent = time.perf_counter()
            out, _ = process.communicate(timeout=20)
            assert out == "interrupted\n"
            assert time.perf_counter() - sent < 1
        finally:
            process.kill()
