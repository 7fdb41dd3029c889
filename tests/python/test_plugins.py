"""Parts of a user's own, written in Python, through everything that ours go through."""

import importlib.util
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import bochner
from bochner import _names
from bochner.testing import check_estimator

ROOT = Path(__file__).parents[2]


def example(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


own = example("own_parts")
published = example("published")


@dataclass(frozen=True)
class Gaussian(bochner.KernelPlugin):
    frequency_law = "chi"

    def evaluate(self, X, Y):
        return np.exp(-0.5 * ((X[:, None] - Y) ** 2).sum(-1))


@dataclass(frozen=True)
class Softmax(bochner.KernelPlugin):
    frequency_law = "chi"
    shapes = ("exp", "cosh", "cos")
    exponent = 0.0

    def evaluate(self, X, Y):
        return np.exp(X @ Y.T)


@dataclass(frozen=True)
class Independent(bochner.CouplingPlugin):
    prefixes_are_draws = False
    independent = True

    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, rng)


@dataclass(frozen=True)
class Chi(bochner.RadialLawPlugin):
    def norms(self, count, dim, rng):
        return np.sqrt(rng.chisquare(dim, count))


@dataclass(frozen=True)
class Exponentials(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        def transform(X):
            U = X @ W.T
            largest = U.max(axis=1)
            return np.exp(U - largest[:, None]) / np.sqrt(m), largest - 0.5 * (X**2).sum(1)

        return transform


@dataclass(frozen=True)
class Returns(bochner.FeaturesPlugin):
    what: object = None
    needs_frequencies = False

    def draw(self, kernel, dim, m, rng, W):
        return self.what if not isinstance(self.what, BaseException) else self.fail

    def fail(self, X):
        raise self.what


@pytest.fixture
def names():
    """Names given in a test are forgotten after it."""
    before = {kind: dict(own) for kind, own in _names._NAMED.items()}
    yield
    _names._NAMED.clear()
    _names._NAMED.update(before)


@pytest.fixture
def points():
    return np.random.default_rng(0).standard_normal((2, 5, 3)) / 2


def estimators():
    return {
        "kernel": bochner.Estimator(Gaussian(), "trigonometric", "orthogonal"),
        "kernel of exponentials": bochner.Estimator(Softmax(), "positive", "iid"),
        "law": bochner.Estimator(own.Sinc(2.0), "trigonometric", "iid"),
        "coupling": bochner.Estimator("softmax", "hyperbolic", own.MirroredPairs()),
        "independent coupling": bochner.Estimator("gaussian", "trigonometric", Independent()),
        "radial": bochner.Estimator("gaussian", "trigonometric", "orthogonal", Chi()),
        "features": bochner.Estimator("matern", own.OneBitKeys(), "iid"),
        "features with a log-scale": bochner.Estimator("softmax", Exponentials(), "orthogonal"),
        "all": bochner.Estimator(own.Sinc(1.0), own.OneBitKeys(), own.MirroredPairs()),
    }


@pytest.mark.parametrize("name", estimators())
def test_own_parts_conform(name):
    # Python draws each trial, so it is to tell larger errors than in the walk over ours.
    check_estimator(estimators()[name], dim=3, m=6, mean_error=0.02, mse_error=0.1)


def test_own_kernel_has_the_law_of_the_same_kernel_of_ours(points):
    X, Y = points
    for features in ("positive", "hyperbolic", "trigonometric"):
        ours = bochner.Estimator("softmax", features, "orthogonal")
        theirs = bochner.Estimator(Softmax(), features, "orthogonal")
        np.testing.assert_allclose(theirs.law(X, Y, 7).mse, ours.law(X, Y, 7).mse, rtol=1e-9)
        np.testing.assert_array_equal(theirs.draw(3, 5).gram(X, Y), ours.draw(3, 5).gram(X, Y))
    np.testing.assert_allclose(Softmax().gram(X, Y), bochner.Kernel("softmax").gram(X, Y), rtol=1e-13)


def test_cosine_gap_gives_the_law_of_independent_cosines(points):
    X, Y = points
    law = bochner.Estimator(own.Sinc(1.5), "trigonometric", "iid").law(X, Y, 4)
    k, k2 = (np.sinc(1.5 * s * (X - Y) / np.pi).prod(-1) for s in (1, 2))
    np.testing.assert_allclose(law.variance, ((1 + k2) / 2 - k**2) / 4, rtol=1e-9)
    np.testing.assert_allclose(law.mean, k, rtol=1e-12)


@pytest.mark.parametrize("dim", [1, 2])
def test_mean_squares_give_certificates(dim):
    estimator = bochner.Estimator(own.Sinc(2.0), "trigonometric", "iid")
    options = {"dim": dim, "m": [4, 16], "trials": 4}
    draws = bochner.experiments.uniform_draws(estimator, 2.0, search="certified", **options)
    T = np.stack(np.meshgrid(*[np.linspace(-4, 4, 401)] * dim), -1).reshape(-1, dim)
    T = T[(T**2).sum(1) <= 16]
    for row in draws.itertuples():
        phi = estimator.draw(dim, row.m, seed=0, trial=row.trial)
        on_grid = np.abs(phi.gram(T, np.zeros((1, dim))) - estimator.kernel.gram(T, np.zeros((1, dim)))).max()
        assert on_grid <= row.certified * (1 + 1e-12)
        assert 0.98 * on_grid <= row.found <= row.certified <= 1.011 * row.found

    class Unknown(own.UniformFrequencies):
        mean_squares = bochner.FrequencyLawPlugin.mean_squares

    class Negative(own.UniformFrequencies):
        def mean_squares(self, dim):
            return np.full(dim, -1.0)

    @dataclass(frozen=True)
    class Other(own.Sinc):
        law: object = None

        @property
        def frequency_law(self):
            return self.law

    for law, text in ((Unknown(2.0), "there is no certificate"), (Negative(2.0), "mean_squares contains -1.0")):
        with pytest.raises(ValueError, match=text):
            other = bochner.Estimator(Other(2.0, law), "trigonometric", "iid")
            bochner.experiments.uniform_draws(other, 2.0, search="certified", **options)


def test_one_bit_keys_have_two_values_and_their_law(points):
    X, Y = points
    estimator = bochner.Estimator("gaussian", own.OneBitKeys(), "iid")
    phi = estimator.draw(3, 64)
    np.testing.assert_array_equal(np.abs(phi.transform(Y, "key")), 1)
    K = bochner.Kernel("gaussian").paired(X, Y)
    np.testing.assert_allclose(estimator.law(X, Y, 64).variance, (np.pi**2 / 8 - K**2) / 64, rtol=1e-12)
    with pytest.raises(bochner.NoLawError):
        bochner.Estimator("gaussian", own.OneBitKeys(), "orthogonal").law(X, Y, 64)


def test_attention_and_experiments_take_own_parts():
    Q, K, V = np.random.default_rng(1).standard_normal((3, 2, 12, 4)) / 2
    ours = bochner.Estimator("softmax", "positive", "orthogonal")
    theirs = bochner.Estimator("softmax", Exponentials(), "orthogonal")
    a, b = (bochner.attention(Q, K, V, e.draw(4, 16, seed=5), causal=True) for e in (ours, theirs))
    np.testing.assert_allclose(a, b, rtol=1e-9)
    table = bochner.experiments.attention(theirs, Q, K, V, m=[8, 32], trials=8)
    same = bochner.experiments.attention(ours, Q, K, V, m=[8, 32], trials=8)
    # Of features that are not known to be positive no mean is told, only quantiles.
    np.testing.assert_allclose(table["median"], same["median"], rtol=1e-8)


def test_frequencies_of_own_law_are_prefixes_whatever_the_sampler_does(points):
    estimator = bochner.Estimator(own.Sinc(2.0), "trigonometric", "iid")
    W = estimator.draw(3, 200).frequencies
    for m in (1, 63, 64, 65, 129):
        np.testing.assert_array_equal(estimator.draw(3, m).frequencies, W[:m])


def test_maps_of_own_features_pickle_and_compare():
    estimator = bochner.Estimator("gaussian", own.OneBitKeys(), "iid")
    one, other = estimator.draw(3, 4, seed=1), estimator.draw(3, 4, seed=2)
    assert pickle.loads(pickle.dumps(one)) == one != other
    assert hash(pickle.loads(pickle.dumps(one))) == hash(one)


class Lopsided:
    """One side of positive features; each has a factor of its own, which cancels in products of both."""

    def __init__(self, W, factors):
        self.W, self.factors = W, factors

    def transform(self, X):
        U = X @ self.W.T
        largest = U.max(axis=1)
        return self.factors * np.exp(U - largest[:, None]), largest - 0.5 * (X**2).sum(1)

    def vjp(self, X, d):
        d_values, d_log_scale = d
        d_u = d_values * self.transform(X)[0]
        top = self.W[(X @ self.W.T).argmax(axis=1)]
        return d_u @ self.W + (d_log_scale - d_u.sum(1))[:, None] * top - d_log_scale[:, None] * X


@dataclass(frozen=True)
class LopsidedFeatures(bochner.FeaturesPlugin):
    error: float = 0.0

    def draw(self, kernel, dim, m, rng, W):
        factors = rng.uniform(0.5, 2, m)
        return Lopsided(W, factors / np.sqrt(m)), Lopsided(W, 1 / factors / np.sqrt(m))

    def law(self, kernel, coupling, X, Y, m):
        try:
            law = bochner.Estimator(kernel, "positive", coupling).law(X, Y, m)
        except bochner.NoLawError:
            return None
        return law.mean, (1 + self.error) * law.variance


def lopsided_and_ours(coupling="orthogonal"):
    return (bochner.Estimator("softmax", part, coupling) for part in (LopsidedFeatures(), "positive"))


def test_queries_and_keys_may_have_maps_of_their_own(points):
    X, Y = points
    theirs, ours = (estimator.draw(3, 7, seed=2) for estimator in lopsided_and_ours())
    assert not np.allclose(theirs.transform(X), theirs.transform(X, side="key"))
    np.testing.assert_allclose(theirs.gram(X, Y), ours.gram(X, Y), rtol=1e-12)
    np.testing.assert_allclose(theirs.paired(X, Y), ours.paired(X, Y), rtol=1e-12)
    product = theirs.transform(X) @ theirs.transform(Y, side="key").T
    np.testing.assert_allclose(product, theirs.gram(X, Y), rtol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_own_features_with_vjp_train_through_attention(causal, points):
    Q, K, V, grad = np.random.default_rng(1).standard_normal((4, 2, 11, 3))
    theirs, ours = (estimator.draw(3, 16, seed=5) for estimator in lopsided_and_ours())
    assert theirs.differentiable
    options = {"grad": grad, "causal": causal}
    for own, known in zip(
        bochner.attention_vjp(Q, K, V, theirs, **options), bochner.attention_vjp(Q, K, V, ours, **options), strict=True
    ):
        np.testing.assert_allclose(own, known, rtol=1e-8, atol=1e-12)
    step = 1e-6 * np.random.default_rng(2).standard_normal(points[0].shape)
    d_Z = np.random.default_rng(3).standard_normal((5, 16))
    for side in ("query", "key"):
        change = theirs.transform(points[0] + step, side) - theirs.transform(points[0] - step, side)
        slope = (theirs.vjp(points[0], d_Z, side) * step).sum()
        np.testing.assert_allclose(slope, (change * d_Z).sum() / 2, rtol=1e-6)


def test_features_without_vjp_say_so(points):
    feature_map = bochner.Estimator("softmax", Exponentials(), "iid").draw(3, 4)
    assert not feature_map.differentiable
    with pytest.raises(ValueError, match="has no gradient"):
        feature_map.vjp(points[0], np.ones((5, 4)))

    @dataclass(frozen=True)
    class OneSided(bochner.FeaturesPlugin):
        def draw(self, kernel, dim, m, rng, W):
            return Lopsided(W, np.ones(m)), Lopsided(W, np.ones(m)).transform

    assert not bochner.Estimator("softmax", OneSided(), "iid").draw(3, 4).differentiable


def test_what_vjp_returns_is_checked(points):
    class Short(Lopsided):
        def vjp(self, X, d):
            return X[:, :1]

    class ShortFeatures(bochner.FeaturesPlugin):
        def draw(self, kernel, dim, m, rng, W):
            return Short(W, np.ones(m))

    with pytest.raises(ValueError, match=r"ShortFeatures: the result of vjp has shape \(5, 1\); expected \(5, 3\)"):
        bochner.Estimator("softmax", ShortFeatures(), "iid").draw(3, 4).vjp(points[0], np.ones((5, 4)))


def test_own_law_of_features_stands_beside_the_measurement(points):
    X, Y = points
    theirs, ours = lopsided_and_ours()
    np.testing.assert_allclose(theirs.law(X, Y, 7).mse, ours.law(X, Y, 7).mse, rtol=1e-9)
    assert np.abs(theirs.law(X, Y, 7).bias / theirs.law(X, Y, 7).mean).max() < 1e-12
    table = bochner.experiments.pointwise(theirs, X / 2, Y / 2, m=[4, 9], trials=4000)
    assert np.isfinite(table["law_mse"]).all() and np.abs(table["z_mse"]).max() < 4.5
    report = check_estimator(theirs, dim=3, m=24, mean_error=0.05, mse_error=0.3)
    assert report["mse"].outcome in ("passed", "undecided"), str(report)


def test_own_law_is_asked_only_where_it_holds(points):
    # None for a coupling that it does not know; and frequencies of another law than the kernel's are never its matter.
    for parts in (("sobol",), ("orthogonal", "constant")):
        estimator = bochner.Estimator("softmax", LopsidedFeatures(), *parts)
        with pytest.raises(bochner.NoLawError):
            estimator.law(*points, 4)
        assert bochner.experiments.pointwise(estimator, *points, m=4, trials=64)["law_mse"].isna().all()
    assert bochner.Estimator("softmax", LopsidedFeatures(), "iid", "chi").law(*points, 4).mse.all()
    with pytest.raises(ValueError, match="LopsidedFeatures: the variance of law is -"):
        bochner.Estimator("softmax", LopsidedFeatures(error=-2.0), "iid").law(*points, 4)


def test_a_wrong_law_of_own_features_fails():
    estimator = bochner.Estimator("softmax", LopsidedFeatures(error=0.5), "iid")
    report = check_estimator(estimator, dim=3, m=24, mean_error=0.05, mse_error=0.3, raises=False)
    assert report["mse"].outcome == "failed", str(report)
    assert [check.name for check in report.failures] == ["mse"], str(report)


def test_names_stand_for_own_parts_everywhere(names):
    bochner.register("mirrored", own.MirroredPairs, "in pairs")
    bochner.register("sinc_of_mine", own.Sinc)
    assert bochner.Kernel("sinc_of_mine", width=2.0) == own.Sinc(2.0)
    assert bochner.Estimator("sinc_of_mine", "trigonometric", "mirrored").coupling == own.MirroredPairs()
    assert ("sinc_of_mine", {"width": 1.0}) in [entry[:2] for entry in bochner.list_kernels()]
    assert "in pairs" in [entry.summary for entry in bochner.list_couplings()]
    with pytest.raises(ValueError, match=r"unknown coupling 'mirored'; did you mean 'mirrored'\?"):
        bochner.Coupling("mirored")
    with pytest.raises(ValueError, match="there is a coupling 'iid' already"):
        bochner.register("iid", own.MirroredPairs)
    with pytest.raises(TypeError, match="expected a class that derives"):
        bochner.register("x", bochner.Kernel)


def test_entry_points_of_installed_packages_are_found(tmp_path):
    (tmp_path / "their_package.py").write_text(
        "import bochner\n"
        "class Pairs(bochner.CouplingPlugin):\n"
        "    'Their coupling.'\n"
        "    def draw(self, law, m, dim, rng):\n"
        "        return law.independent(m, dim, rng)\n"
    )
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[bochner.plugins]\ntheir_pairs = their_package:Pairs\nbroken = no_such_module:X\n"
    )
    code = (
        "import warnings, bochner\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    print(bochner.Estimator('softmax', 'positive', 'their_pairs').draw(2, 3).gram([[0.0, 0.0]])[0, 0])\n"
        "print([str(w.message) for w in caught])\n"
        "from bochner.cli import app\n"
        "app(['list'])\n"
    )
    paths = [str(tmp_path), *([os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else [])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1.0\n")
    assert "the plug-in 'broken' (no_such_module:X) was not loaded" in done.stdout
    assert "Their coupling." in done.stdout


@pytest.mark.parametrize(
    "what, error, text",
    [
        (lambda X: X[:, :1], ValueError, r"Returns: the features has shape \(5, 1\); expected \(5, 4\)"),
        (lambda X: np.full((len(X), 4), np.nan), ValueError, "contains nan; expected finite values"),
        (lambda X: np.zeros((len(X), 4), complex), TypeError, "dtype complex128"),
        (lambda X: np.full((len(X), 4), 1e300), ValueError, "overflow float32; return"),
        (3, TypeError, "the result of draw is a int"),
        ((np.sin, 3), TypeError, "the result of draw is a tuple with a int"),
        (KeyError("theirs"), KeyError, "theirs"),
    ],
)
def test_what_own_features_return_is_checked(what, error, text, points):
    with pytest.raises(error, match=text):
        bochner.Estimator("softmax", Returns(what), "iid").draw(3, 4).transform(points[0].astype(np.float32))


def test_what_other_own_parts_return_is_checked(points):
    class Bad(bochner.CouplingPlugin):
        def draw(self, law, m, dim, rng):
            return np.zeros((m, dim + 1))

    class Keeps(bochner.CouplingPlugin):
        kept = []

        def draw(self, law, m, dim, rng):
            self.kept.append(law)
            return law.independent(m, dim, rng)

    class Wrong(bochner.KernelPlugin):
        def evaluate(self, X, Y):
            return np.zeros(3)

    with pytest.raises(ValueError, match=r"Bad: the result of draw has shape \(2, 4\); expected \(2, 3\)"):
        bochner.Estimator("softmax", "positive", Bad()).draw(3, 2)
    with pytest.raises(ValueError, match=r"Wrong: the result of evaluate has shape \(3,\); expected \(5, 5\)"):
        Wrong().gram(points[0])
    with pytest.raises(ValueError, match="has no frequencies"):
        bochner.Estimator(Wrong(), "trigonometric", "iid")
    bochner.Estimator("softmax", "positive", Keeps()).draw(3, 2)
    with pytest.raises(AttributeError):
        Keeps.kept[0].independent(1, 1, np.random.default_rng())


def test_exceptions_pass_through_the_loops_of_threads(points):
    class Failing(bochner.CouplingPlugin):
        def draw(self, law, m, dim, rng):
            raise RuntimeError("on purpose")

    estimator = bochner.Estimator("softmax", "positive", Failing())
    before = bochner.get_num_threads()
    bochner.set_num_threads(3)
    try:
        with pytest.raises(RuntimeError, match="on purpose"):
            bochner.experiments.pointwise(estimator, *points, m=4, trials=1000)
    finally:
        bochner.set_num_threads(before)


def test_interrupt_stops_a_run_of_own_parts(points):
    estimator = bochner.Estimator("softmax", "positive", own.MirroredPairs())
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        bochner.experiments.pointwise(estimator, *points, m=4, trials=2**30)
    assert time.perf_counter() - start < 10
    timer.join()


def test_the_worked_example_runs(names, capsys):
    own.main()
    assert "trials independent" in capsys.readouterr().out


@pytest.mark.parametrize("coupling", published.COUPLINGS, ids=repr)
def test_published_couplings_conform(coupling):
    report = check_estimator(
        bochner.Estimator("softmax", "positive", coupling), dim=4, m=8, trials=512, max_trials=2048
    )
    assert report["mean"].outcome in ({"passed", "undecided"} if coupling.unbiased else {"skipped"}), str(report)


@pytest.mark.parametrize("features", published.FEATURES, ids=repr)
def test_published_features_conform(features):
    report = check_estimator(bochner.Estimator("gaussian", features, "iid"), dim=4, m=32, mean_error=0.02)
    assert report["mean"].outcome == "passed", str(report)
