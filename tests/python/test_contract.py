"""The names and promises of the Python face."""

import copy
import importlib.resources
import inspect
import itertools
import pickle

import numpy as np
import pytest

import bochner

X = np.random.default_rng(1).normal(size=(5, 6))
Y = np.random.default_rng(2).normal(size=(4, 6))

KERNELS = [entry.name for entry in bochner.list_kernels()]
FEATURES = [entry.name for entry in bochner.list_features()]
COUPLINGS = [entry.name for entry in bochner.list_couplings()]
STRUCTURED = ("hadamard", "fastfood")
RADIAL_LAWS = [entry.name for entry in bochner.list_radial_laws()]
WITHOUT_FREQUENCIES = ("random_maclaurin", "tensor_sketch")


def fits(kernel, features, coupling=None):
    try:
        bochner.Estimator(kernel, features, coupling)
    except ValueError:
        return False
    return True


COMBINATIONS = [(kernel, features) for kernel in KERNELS for features in FEATURES if fits(kernel, features)]


def test_every_kernel_and_every_family_has_an_estimator():
    assert {kernel for kernel, _ in COMBINATIONS} == set(KERNELS)
    assert {features for _, features in COMBINATIONS} == set(FEATURES)


def parameters_of(function):
    return {name: parameter.default for name, parameter in inspect.signature(function).parameters.items()}


def test_names_of_the_components():
    assert KERNELS[:3] == ["softmax", "regularized_softmax", "gaussian"]
    assert FEATURES[:3] == ["trigonometric", "positive", "hyperbolic"]
    assert COUPLINGS[:2] == ["iid", "orthogonal"]
    assert RADIAL_LAWS[:2] == ["chi", "constant"]
    assert dict((e.name, e.parameters) for e in bochner.list_kernels())["gaussian"] == {"bandwidth": 1.0}
    lists = (bochner.list_kernels, bochner.list_features, bochner.list_couplings)
    for entry in [e for f in (*lists, bochner.list_radial_laws) for e in f()]:
        assert entry.summary


def test_signatures():
    assert list(parameters_of(bochner.Estimator)) == ["kernel", "features", "coupling", "radial"]
    assert parameters_of(bochner.Estimator)["radial"] is None
    draw = parameters_of(bochner.Estimator.draw)
    assert list(draw) == ["self", "dim", "m", "seed", "trial"]
    assert (draw["seed"], draw["trial"]) == (0, 0)
    options = {"causal": False, "key_mask": None, "scale": None, "empty": "error"}
    attention = parameters_of(bochner.attention)
    assert list(attention) == ["Q", "K", "V", "feature_map", *options, "renormalize"]
    assert {key: attention[key] for key in options} == options
    exact = parameters_of(bochner.exact_attention)
    assert list(exact) == ["Q", "K", "V", *options]
    assert {key: exact[key] for key in options} == options


def test_the_face_in_the_words_of_the_design():
    estimator = bochner.Estimator(kernel="softmax", features="positive", coupling="orthogonal", radial=None)
    feature_map = estimator.draw(dim=6, m=8, seed=0, trial=0)
    Z = feature_map.transform(X)
    assert Z.shape == (5, 8)
    assert np.array_equal(feature_map(X), Z)
    values, log_scale = feature_map.transform_scaled(X)
    assert log_scale.shape == (5,)
    np.testing.assert_allclose(values * np.exp(log_scale)[:, None], Z, rtol=1e-13)
    W = feature_map.frequencies
    assert (W.shape, W.dtype) == ((8, 6), np.float64)
    np.testing.assert_allclose(Z, np.exp(X @ W.T - (X**2).sum(1)[:, None] / 2) / np.sqrt(8), rtol=1e-13)
    K = feature_map.gram(X, Y)
    assert K.shape == (5, 4)
    np.testing.assert_allclose(K, Z @ feature_map.transform(Y, side="key").T, rtol=1e-13)
    np.testing.assert_allclose(feature_map.gram(X), feature_map.gram(X, X), rtol=0)
    np.testing.assert_allclose(estimator.kernel.gram(X, Y), np.exp(X @ Y.T), rtol=1e-13)
    np.testing.assert_allclose(feature_map.paired(X[:4], Y), np.diag(K), rtol=1e-13)
    np.testing.assert_allclose(estimator.kernel.paired(X[:4], Y), np.exp((X[:4] * Y).sum(1)), rtol=1e-13)
    law = estimator.law(X[:4], Y, m=256)
    for part in (law.mean, law.variance, law.bias, law.mse):
        assert (part.shape, part.dtype) == ((4,), np.float64)
    assert estimator.fit(X) is estimator
    assert estimator.fit(X, Y=Y) is estimator


@pytest.mark.parametrize(("kernel", "features"), COMBINATIONS)
def test_columns_and_dtype_of_a_map(kernel, features):
    feature_map = bochner.Estimator(kernel, features).fit(np.abs(X)).draw(dim=6, m=5)
    columns = 10 if features in ("trigonometric", "hyperbolic", "log_trigonometric") else 5
    columns = {"additive_homogeneous": 60, "angular_hybrid": 40}.get(features, columns)
    assert (feature_map.dim, feature_map.m, feature_map.features) == (6, 5, columns)
    for dtype in (np.float32, np.float64):
        Z = feature_map.transform(np.abs(X).astype(dtype))
        assert (Z.shape, Z.dtype) == ((5, columns), dtype)


def test_two_column_maps_have_all_first_then_all_second():
    W = (W_trig := bochner.Estimator("gaussian", "trigonometric").draw(6, 5)).frequencies
    expected = np.hstack([np.cos(X @ W.T), np.sin(X @ W.T)]) / np.sqrt(5)
    np.testing.assert_allclose(W_trig.transform(X), expected, rtol=1e-12, atol=1e-14)
    W = (W_hyp := bochner.Estimator("softmax", "hyperbolic").draw(6, 5)).frequencies
    decay = np.exp(-(X**2).sum(1) / 2)[:, None] / np.sqrt(10)
    expected = np.hstack([np.exp(X @ W.T), np.exp(-X @ W.T)]) * decay
    np.testing.assert_allclose(W_hyp.transform(X), expected, rtol=1e-12)


def test_frequencies_include_the_bandwidth():
    wide = bochner.Estimator(bochner.Kernel("gaussian", bandwidth=4.0)).draw(6, 5, seed=3)
    unit = bochner.Estimator("gaussian").draw(6, 5, seed=3)
    np.testing.assert_allclose(4 * wide.frequencies, unit.frequencies, rtol=1e-15)


@pytest.mark.parametrize("m", [3, 4, 5, 8, 11])
@pytest.mark.parametrize("dim", [1, 4])
def test_blocks_of_d_rows_are_orthogonal(dim, m):
    W = bochner.Estimator(coupling="orthogonal").draw(dim, m, seed=1).frequencies
    for start in range(0, m, dim):
        block = W[start : start + dim]
        products = block @ block.T
        np.testing.assert_allclose(products, np.diag(np.diag(products)), atol=1e-13)
    larger = bochner.Estimator(coupling="orthogonal").draw(dim, m + 3, seed=1).frequencies
    np.testing.assert_allclose(larger[:m], W, rtol=1e-12, atol=1e-13)


def test_constant_radial_law_and_the_default_one():
    own = bochner.Estimator("regularized_softmax")
    assert own.radial == bochner.RadialLaw("constant")
    norms = np.linalg.norm(own.draw(6, 20).frequencies, axis=1)
    np.testing.assert_allclose(norms, np.sqrt(6), rtol=1e-13)
    assert bochner.Estimator("softmax").radial == bochner.RadialLaw("chi")
    mismatched = bochner.Estimator("softmax", radial="constant")
    assert np.all(mismatched.law(X, X, 4).bias != 0)
    assert np.all(bochner.Estimator("softmax").law(X, X, 4).bias == 0)


def test_maps_are_immutable():
    feature_map = bochner.Estimator().draw(6, 4)
    with pytest.raises(ValueError, match="read-only"):
        feature_map.frequencies[0, 0] = 1
    with pytest.raises(AttributeError):
        feature_map.dim = 3
    for thing in (feature_map, bochner.Estimator(), bochner.Kernel("softmax")):
        with pytest.raises(AttributeError, match="immutable"):
            thing._core = None


def test_draws_are_named_by_seed_and_trial():
    estimator = bochner.Estimator()
    assert estimator.draw(6, 4, 1, 2) == estimator.draw(6, 4, seed=1, trial=2)
    for other in (
        estimator.draw(6, 4, 1, 3),
        estimator.draw(6, 4, 2, 2),
        estimator.draw(6, 5, 1, 2),
    ):
        assert other != estimator.draw(6, 4, 1, 2)
    largest = 2**64 - 1
    assert estimator.draw(6, 4, largest, largest) != estimator.draw(6, 4, 0, 0)


PARTS = list(itertools.product([*KERNELS, bochner.Kernel("gaussian", bandwidth=2.5)], FEATURES, COUPLINGS))


@pytest.mark.parametrize(("kernel", "features", "coupling"), [parts for parts in PARTS if fits(*parts)])
def test_pickling_round_trip(kernel, features, coupling):
    estimator = bochner.Estimator(kernel, features, coupling).fit(np.abs(X))
    feature_map = estimator.draw(6, 7, seed=5)
    for original in (
        estimator,
        estimator.kernel,
        estimator.features,
        estimator.coupling,
        feature_map,
    ):
        for twin in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
            assert twin == original
            assert hash(twin) == hash(original)
            assert repr(twin) == repr(original)
    twin = pickle.loads(pickle.dumps(feature_map))
    if features not in WITHOUT_FREQUENCIES:
        assert twin.frequencies.tobytes() == feature_map.frequencies.tobytes()
    if coupling in STRUCTURED:  # the twin holds W as a matrix: products with it are rounded in another order
        np.testing.assert_allclose(twin.transform(np.abs(X)), feature_map.transform(np.abs(X)), rtol=1e-12, atol=1e-13)
    else:
        assert twin.transform(np.abs(X)).tobytes() == feature_map.transform(np.abs(X)).tobytes()


@pytest.mark.parametrize("features", WITHOUT_FREQUENCIES)
def test_maps_without_frequencies_are_known_by_their_draw(features):
    estimator = bochner.Estimator("polynomial", features)
    feature_map = estimator.draw(6, 7, seed=5, trial=2)
    assert feature_map == estimator.draw(6, 7, 5, 2)
    others = [
        estimator.draw(6, 8, 5, 2),
        estimator.draw(6, 7, 4, 2),
        estimator.draw(6, 7, 5, 3),
        estimator.draw(5, 7, 5, 2),
    ]
    cubic = bochner.Estimator(bochner.Kernel("polynomial", degree=3), features)
    for other in (*others, cubic.draw(6, 7, 5, 2), bochner.Estimator().draw(6, 7, 5, 2)):
        assert other != feature_map
        assert feature_map != other
    assert repr(feature_map).endswith("dim=6, m=7, features=7, seed=5, trial=2>")
    with pytest.raises(ValueError, match="has none; it is made of random numbers of another kind"):
        feature_map.frequencies  # noqa: B018
    with pytest.raises(ValueError, match="is not one of frequencies alone"):
        bochner.FeatureMap("polynomial", features, np.ones((3, 2)))
    assert estimator.radial is None
    frame = bochner.experiments.pointwise(estimator, X[:2], Y[:2], m=[4, 9], trials=200)
    assert np.all(np.abs(frame["z_mean"]) < 5)
    out = bochner.attention(X, Y, Y, estimator.draw(6, 2000), renormalize=False)
    assert out.shape == (5, 6)
    errors = bochner.experiments.attention(estimator, X, Y, Y, m=[8], trials=2)
    assert len(errors) == 1


def test_the_default_coupling_is_orthogonal_where_that_fits():
    assert parameters_of(bochner.Estimator)["coupling"] is None
    for kernel, features, coupling in (
        ("softmax", "positive", "orthogonal"),
        ("angular", "sign", "orthogonal"),
        ("softmax", "random_maclaurin", "iid"),
        ("chi_squared", "additive_homogeneous", "iid"),
    ):
        estimator = bochner.Estimator(kernel, features)
        assert estimator.coupling.name == coupling
        assert estimator == bochner.Estimator(kernel, features, coupling)
        assert f"coupling={coupling!r}" in repr(estimator)
    with pytest.raises(ValueError, match="have no frequencies for the coupling 'orthogonal'"):
        bochner.Estimator("polynomial", "tensor_sketch", "orthogonal")
    with pytest.raises(ValueError, match="expected no radial law, got 'chi'"):
        bochner.Estimator("softmax", "random_maclaurin", radial="chi")


def test_entries_that_a_kernel_is_not_defined_for_are_named():
    good, bad = np.abs(Y), np.where(np.arange(6) == 4, -1.5, np.abs(Y))
    for kernel in ("chi_squared", "intersection", "jensen_shannon"):
        estimator = bochner.Estimator(kernel, "additive_homogeneous")
        feature_map = estimator.draw(6, 3)
        for call, start in (
            (lambda k=estimator.kernel: k.gram(bad), r"gram: X\[0, 4\] is -1.5"),
            (lambda f=feature_map: f.transform(bad), r"transform: X\[0, 4\] is -1.5"),
            (lambda f=feature_map: f.gram(good, bad), r"gram: Y\[0, 4\] is -1.5"),
            (lambda e=estimator: e.law(good, bad, 4), r"law: y\[0, 4\] is -1.5"),
            (lambda e=estimator: bochner.experiments.pointwise(e, bad, good, m=[2], trials=9), r"X\[0, 4\] is -1.5"),
            (lambda f=feature_map: bochner.attention(good, bad, good, f), "attention: .*rows of K, scaled"),
        ):
            with pytest.raises(ValueError, match=start):
                call()


def test_equality():
    W = bochner.Estimator().draw(6, 4).frequencies
    one = bochner.FeatureMap("softmax", "positive", W)
    assert one == bochner.Estimator().draw(6, 4)
    assert one != bochner.FeatureMap("softmax", "hyperbolic", W)
    assert one != bochner.FeatureMap("gaussian", "positive", W)
    changed = W.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], 9)
    assert one != bochner.FeatureMap("softmax", "positive", changed)
    assert one != "a feature map"
    assert bochner.Kernel("gaussian", bandwidth=2) != bochner.Kernel("gaussian")
    assert bochner.Kernel("gaussian", bandwidth=1) == bochner.Kernel("gaussian")
    assert bochner.Kernel("softmax") != "softmax"
    assert bochner.Estimator("softmax", radial="chi") == bochner.Estimator("softmax")
    assert bochner.Estimator("softmax", radial="constant") != bochner.Estimator("softmax")


def test_a_map_does_not_follow_the_array_it_was_made_of():
    W = np.ones((3, 2))
    feature_map = bochner.FeatureMap("softmax", "positive", W)
    W[:] = 7
    assert np.all(feature_map.frequencies == 1)


def test_repr_tells_what_it_is():
    kernel = bochner.Kernel("gaussian", bandwidth=2)
    assert repr(kernel) == "Kernel('gaussian', bandwidth=2.0)"
    assert eval(repr(kernel), {"Kernel": bochner.Kernel}) == kernel
    assert repr(bochner.Coupling("iid")) == "Coupling('iid')"
    assert (
        repr(bochner.Estimator(kernel, "trigonometric", "iid"))
        == "Estimator(kernel=Kernel('gaussian', bandwidth=2.0), features='trigonometric', "
        "coupling='iid')"
    )
    estimator = bochner.Estimator("softmax", radial="constant")
    assert eval(repr(estimator), {"Estimator": bochner.Estimator}) == estimator
    assert (
        repr(bochner.Estimator(kernel, "trigonometric").draw(6, 4))
        == "<FeatureMap of Kernel('gaussian', bandwidth=2.0), Features('trigonometric'): "
        "dim=6, m=4, features=8>"
    )


def test_norms_up_to_1000_neither_overflow_nor_become_nan():
    rows = np.random.default_rng(0).normal(size=(3, 16))
    rows *= np.array([1e-3, 1.0, 1e3])[:, None] / np.linalg.norm(rows, axis=1)[:, None]
    for kernel, features in COMBINATIONS:
        feature_map = bochner.Estimator(kernel, features).fit(np.abs(rows)).draw(16, 32)
        limited = features in ("additive_homogeneous", "log_trigonometric") or "chi_squared" in kernel
        limited |= kernel in ("intersection", "jensen_shannon")
        for dtype in (np.float32, np.float64):
            x = (np.abs(rows) if limited else rows).astype(dtype)
            values, log_scale = feature_map.transform_scaled(x)
            assert np.isfinite(values).all() and np.isfinite(log_scale).all()
            assert not np.isnan(feature_map.transform(x)).any()
            assert not np.isnan(feature_map.gram(x)).any()
            assert not np.isnan(bochner.Kernel(kernel).gram(x)).any()


def test_the_package_is_typed_and_versioned():
    assert (importlib.resources.files("bochner") / "py.typed").is_file()
    assert bochner.__version__.count(".") == 2
    assert bochner.instruction_sets()
    missing = [name for name in bochner.__all__ if not hasattr(bochner, name)]
    assert not missing
