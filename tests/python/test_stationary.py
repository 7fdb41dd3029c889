"""Stationary kernels, their compositions and laws, against SciPy, scikit-learn, and formulas in many digits."""

import copy
import itertools
import pickle

import mpmath
import numpy as np
import pytest
from scipy import special
from sklearn.gaussian_process import kernels as sk
from sklearn.metrics.pairwise import laplacian_kernel

import bochner
from bochner import Kernel

mp = mpmath.mp
RNG = np.random.default_rng(8)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(5, 3))


def norm(u):
    return mpmath.sqrt(sum(v * v for v in u))


def matern(nu):
    def k(u):
        t = mpmath.sqrt(2 * mpmath.mpf(nu)) * norm(u)
        return 2 ** (1 - mpmath.mpf(nu)) / mpmath.gamma(nu) * t**nu * mpmath.besselk(nu, t)

    return k


# The kernel at bandwidth 1, again; mpmath numbers in and out.
KERNELS = {
    "laplacian_l1": (Kernel("laplacian_l1"), lambda u: mpmath.exp(-sum(abs(v) for v in u))),
    "laplacian_l2": (Kernel("laplacian_l2"), lambda u: mpmath.exp(-norm(u))),
    "matern 0.2": (Kernel("matern", nu=0.2), matern(0.2)),
    "matern 1": (Kernel("matern", nu=1), matern(1)),
    "matern 3/2": (Kernel("matern"), matern(1.5)),
    "matern 5/2": (Kernel("matern", nu=2.5), matern(2.5)),
    "matern 30.3": (Kernel("matern", nu=30.3), matern(30.3)),
    "rational_quadratic": (
        Kernel("rational_quadratic", alpha=0.4),
        lambda u: (1 + norm(u) ** 2 / (2 * mpmath.mpf(0.4))) ** -mpmath.mpf(0.4),
    ),
    "cauchy": (Kernel("cauchy"), lambda u: 1 / (1 + norm(u) ** 2)),
    "product_cauchy": (Kernel("product_cauchy"), lambda u: mpmath.fprod(1 / (1 + v * v) for v in u)),
    "powered 0.3": (Kernel("powered_exponential", gamma=0.3), lambda u: mpmath.exp(-(norm(u) ** mpmath.mpf(0.3)))),
    "powered 1.99": (Kernel("powered_exponential", gamma=1.99), lambda u: mpmath.exp(-(norm(u) ** mpmath.mpf(1.99)))),
    "powered 2": (Kernel("powered_exponential", gamma=2), lambda u: mpmath.exp(-(norm(u) ** 2))),
    "periodic": (
        Kernel("periodic", period=2.3, bandwidth=0.7),
        lambda u: mpmath.exp(-2 * sum(mpmath.sin(mpmath.pi * v / 2.3) ** 2 for v in u) / mpmath.mpf(0.7) ** 2),
    ),
    "sum": (
        0.5 * Kernel("matern", nu=1) + 2 * Kernel("gaussian", bandwidth=2),
        lambda u: (matern(1)(u) / 2 + 2 * mpmath.exp(-(norm(u) ** 2) / 8)) / mpmath.mpf(2.5),
    ),
    "product": (
        Kernel("cauchy") * Kernel("gaussian", bandwidth=0.5),
        lambda u: mpmath.exp(-2 * norm(u) ** 2) / (1 + norm(u) ** 2),
    ),
    "anisotropic": (
        Kernel("laplacian_l1") * Kernel("gaussian") + Kernel("product_cauchy"),
        lambda u: (
            (mpmath.exp(-(norm(u) ** 2) / 2 - sum(abs(v) for v in u)) + mpmath.fprod(1 / (1 + v * v) for v in u)) / 2
        ),
    ),
}
AMPLITUDES = {"sum": 2.5, "anisotropic": 2.0}
ISOTROPIC = [n for n in KERNELS if n not in ("laplacian_l1", "product_cauchy", "periodic", "anisotropic")]
# Those whose law of orthogonal frequencies is known.
WITH_PAIRS = [n for n in ISOTROPIC if n not in ("powered 0.3", "powered 1.99", "product")]


def estimator(name, coupling="iid"):
    return bochner.Estimator(KERNELS[name][0], "trigonometric", coupling)


def test_every_registered_stationary_kernel_is_tested():
    registered = {entry.name for entry in bochner.list_kernels() if Kernel(entry.name).stationary}
    assert registered - {"gaussian"} <= {kernel.name for kernel, _ in KERNELS.values()}


def test_values_are_those_of_scikit_learn():
    expected = {
        Kernel("laplacian_l1", bandwidth=2.5): laplacian_kernel(X, Y, gamma=0.4),
        Kernel("matern", nu=0.5, bandwidth=2.5): sk.Matern(2.5, nu=0.5)(X, Y),
        Kernel("laplacian_l2", bandwidth=2.5): sk.Matern(2.5, nu=0.5)(X, Y),
        Kernel("matern", nu=1.5, bandwidth=2.5): sk.Matern(2.5, nu=1.5)(X, Y),
        Kernel("matern", nu=2.5, bandwidth=0.3): sk.Matern(0.3, nu=2.5)(X, Y),
        Kernel("matern", nu=0.8, bandwidth=2.5): sk.Matern(2.5, nu=0.8)(X, Y),
        Kernel("matern", nu=1.5, bandwidth=[1, 2, 3]): sk.Matern([1, 2, 3], nu=1.5)(X, Y),
        Kernel("gaussian", bandwidth=[1, 2, 3]): sk.RBF([1, 2, 3])(X, Y),
        Kernel("rational_quadratic", alpha=0.7, bandwidth=1.4): sk.RationalQuadratic(1.4, 0.7)(X, Y),
        Kernel("matern") + 3 * Kernel("gaussian"): (sk.Matern(nu=1.5) + 3 * sk.RBF())(X, Y),
        Kernel("matern") * Kernel("gaussian"): (sk.Matern(nu=1.5) * sk.RBF())(X, Y),
    }
    for kernel, values in expected.items():
        np.testing.assert_allclose(kernel.gram(X, Y), values, rtol=1e-12, err_msg=repr(kernel))
    # scikit-learn's periodic kernel is one of |x - y|, ours a product: the same in one dimension.
    periodic = Kernel("periodic", period=1.7, bandwidth=0.6).gram(X[:, :1], Y[:, :1])
    np.testing.assert_allclose(periodic, sk.ExpSineSquared(0.6, 1.7)(X[:, :1], Y[:, :1]), rtol=1e-12)


def test_matern_of_any_smoothness_is_its_bessel_function():
    r = np.array([1e-6, 1e-3, 0.1, 0.7, 2.0, 9.0, 60.0, 400.0])
    for nu in (0.05, 0.3, 1.0, 2.2, 7.5, 11.9):
        t = np.sqrt(2 * nu) * r
        expected = np.exp(np.log(2) * (1 - nu) - special.gammaln(nu) - t) * t**nu * special.kve(nu, t)
        values = Kernel("matern", nu=nu).gram(r[:, None], [[0.0]])[:, 0]
        np.testing.assert_allclose(values, expected, rtol=2e-13)
    # And Gaussian in the limit.
    np.testing.assert_allclose(Kernel("matern", nu=1e7).gram(X, Y), Kernel("gaussian").gram(X, Y), rtol=1e-5)


@pytest.mark.parametrize("name", KERNELS)
def test_law_of_independent_cosines_to_a_relative_error_of_1e_9(name):
    _, k = KERNELS[name]
    amplitude, wrong = AMPLITUDES.get(name, 1.0), []
    with mpmath.workdps(60):
        for d, square in itertools.product((1, 3), (1e-12, 1e-6, 1e-3, 0.04, 0.5, 3.0, 20.0, 300.0)):
            u = np.random.default_rng(d).normal(size=d)
            u *= np.sqrt(square) / np.linalg.norm(u)
            law = estimator(name).law(u[None], np.zeros((1, d)), 7)
            point = [mpmath.mpf(float(v)) for v in u]
            mean = k(point)
            variance = ((1 + k([2 * v for v in point])) / 2 - mean**2) / 7
            for value, exact in ((law.mean, amplitude * mean), (law.variance, amplitude**2 * variance)):
                if not abs(value[0] - exact) <= 1e-9 * abs(exact) + 1e-300:
                    wrong.append((d, square, value[0], float(exact)))
            assert law.bias[0] == 0
            assert law.mse[0] == law.variance[0]
    assert not wrong


# k and r k'(r) as functions of r = |x - y| at bandwidth 1.
SLOPES = {
    "laplacian_l2": lambda r: (mpmath.exp(-r), -r * mpmath.exp(-r)),
    "matern 3/2": lambda r: (
        (1 + mpmath.sqrt(3) * r) * mpmath.exp(-mpmath.sqrt(3) * r),
        -3 * r * r * mpmath.exp(-mpmath.sqrt(3) * r),
    ),
    "cauchy": lambda r: (1 / (1 + r * r), -2 * r * r / (1 + r * r) ** 2),
    "powered 2": lambda r: (mpmath.exp(-r * r), -2 * r * r * mpmath.exp(-r * r)),
}


@pytest.mark.parametrize("name", SLOPES)
def test_law_of_orthogonal_pairs_in_space_by_integrals_without_special_functions(name):
    """For d = 3, E cos(|w| r c) = M(rc) = k + rc k'(rc), since k(r) is its mean over c uniform on [0, 1]."""
    for r in (0.05, 0.6, 3.0):
        k = SLOPES[name](mpmath.mpf(r))[0]

        def at(cosine, r=r):
            return sum(SLOPES[name](r * cosine))

        def over_circle(angle, at=at):
            rho = mpmath.sin(angle)
            pair = lambda turn: at(rho * mpmath.cos(turn)) * at(rho * mpmath.sin(turn))  # noqa: E731
            return rho * mpmath.quad(pair, [0, mpmath.pi / 4, mpmath.pi / 2], maxdegree=4)

        pair = mpmath.quad(over_circle, [0, mpmath.pi / 2], maxdegree=4) * 2 / mpmath.pi
        x, zero = r * np.array([[0.6, 0.0, 0.8]]), np.zeros((1, 3))
        one = estimator(name).law(x, zero, 1).variance[0]
        two = estimator(name, "orthogonal").law(x, zero, 2).variance[0]
        assert abs(two - (one + float(pair - k * k)) / 2) < 1e-11 * one


def test_orthogonal_laws_exist_everywhere_and_stay_below_no_bound():
    for nu, d in itertools.product((0.05, 0.5, 1.0, 4.2), (2, 3, 16, 64)):
        r = np.array([1e-6, 1e-3, 0.1, 1.0, 3.0, 10.0, 100.0, 1e4])
        x = np.zeros((len(r), d))
        x[:, 0] = r
        for kernel in (Kernel("matern", nu=nu), Kernel("rational_quadratic", alpha=nu)):
            law = bochner.Estimator(kernel, "trigonometric", "orthogonal").law(x, 0 * x, d)
            one = bochner.Estimator(kernel, "trigonometric", "iid").law(x, 0 * x, 1)
            assert np.all(law.variance >= 0) and np.all(law.variance <= one.variance * (1 + 1e-12))


def z_scores(of, x, y, m, trials, law=None):
    law = of.law(x, y, m) if law is None else law
    d = x.shape[1]
    values = np.array([of.draw(d, m, 5, t).paired(x, y) for t in range(trials)])
    deviations = values - law.mean
    squares = deviations**2
    return (
        deviations.mean(0) / np.sqrt(law.variance / trials),
        (squares.mean(0) - law.variance) / (squares.std(0) / np.sqrt(trials)),
    )


PAIRS = RNG.normal(size=(3, 4)) * np.array([0.3, 0.7, 1.5])[:, None], np.zeros((3, 4))


@pytest.mark.parametrize(
    ("name", "coupling"), [*((n, "iid") for n in KERNELS), *((n, "orthogonal") for n in WITH_PAIRS)]
)
def test_estimates_follow_the_law(name, coupling):
    """z-scores of mean and variance of 4,000 draws; features are bounded, and 4.5 is passed once in 1.5e5 tests."""
    z_mean, z_variance = z_scores(estimator(name, coupling), *PAIRS, m=6, trials=4000)
    assert np.abs(z_mean).max() < 4.5
    assert np.abs(z_variance).max() < 4.5


@pytest.mark.parametrize("name", [n for n in ISOTROPIC if n not in WITH_PAIRS])
def test_orthogonal_estimates_without_a_law_are_unbiased(name):
    of = estimator(name, "orthogonal")
    with pytest.raises(bochner.NoLawError, match="no exact law"):
        of.law(*PAIRS, 6)
    values = np.array([of.draw(4, 6, 5, t).paired(*PAIRS) for t in range(4000)])
    z = (values.mean(0) - of.kernel.paired(*PAIRS)) / (values.std(0) / np.sqrt(len(values)))
    assert np.abs(z).max() < 4.5
    # One row of a block is one frequency.
    alone = estimator(name, "orthogonal").law(*PAIRS, 1)
    np.testing.assert_allclose(alone.mse, estimator(name).law(*PAIRS, 1).mse)


def test_matern_in_space_is_no_product_of_student_coordinates():
    """Pitfall: independent t coordinates give the product of 1-d kernels."""
    kernel = Kernel("matern", nu=1.5)
    ones, zero = np.ones((1, 3)), np.zeros((1, 3))
    truth = kernel.paired(ones, zero)[0]
    product = kernel.paired([[1.0]], [[0.0]])[0] ** 3
    np.testing.assert_allclose([truth, product], [4 * np.exp(-3), (1 + np.sqrt(3)) ** 3 * np.exp(-3 * np.sqrt(3))])
    estimate = bochner.Estimator(kernel, "trigonometric", "iid").draw(3, 100_000).paired(ones, zero)[0]
    assert abs(estimate - truth) < 4.5 * np.sqrt(0.5 / 100_000) < abs(estimate - product)


def test_a_radial_law_of_another_kernel_is_biased_as_the_law_says():
    of = bochner.Estimator(
        Kernel("matern", nu=1.5), "trigonometric", "orthogonal", bochner.RadialLaw("student", nu=2.5)
    )
    law = of.law(*PAIRS, 6)
    expected = Kernel("matern", nu=2.5).paired(*PAIRS) - Kernel("matern", nu=1.5).paired(*PAIRS)
    np.testing.assert_allclose(law.bias, expected, rtol=1e-9)
    np.testing.assert_allclose(law.mse, law.variance + law.bias**2)
    assert of.radial == bochner.RadialLaw("student", nu=2.5)
    tiny = np.full((1, 4), 1e-7)
    gaussian = bochner.Estimator("gaussian", "trigonometric", "iid", bochner.RadialLaw("student", nu=5))
    np.testing.assert_allclose(gaussian.law(tiny, 0 * tiny, 4).bias, -(1.25 - 1) * 2e-14, rtol=1e-9)


def test_names_of_radial_laws():
    assert estimator("matern 5/2").radial == bochner.RadialLaw("student", nu=2.5)
    assert estimator("rational_quadratic").radial == bochner.RadialLaw("gamma_mixture", alpha=0.4)
    assert estimator("powered 0.3").radial == bochner.RadialLaw("stable_mixture", gamma=0.3)
    assert estimator("laplacian_l1").radial is None
    law = estimator("sum", "orthogonal").radial
    assert law == estimator("sum").radial != estimator("product").radial
    assert pickle.loads(pickle.dumps(law)) == law


@pytest.mark.parametrize("features", ["trigonometric", "positive", "hyperbolic"])
@pytest.mark.parametrize("name", ["gaussian", "matern", "laplacian_l1", "product_cauchy"])
def test_ard_is_the_kernel_of_scaled_points(name, features):
    lengths = np.array([0.5, 2.0, 3.0])
    plain, ard = Kernel(name), Kernel(name, bandwidth=lengths)
    coupling = "iid" if name in ("laplacian_l1", "product_cauchy") else "orthogonal"
    if features != "trigonometric" and name != "gaussian":
        with pytest.raises(ValueError, match="not estimated by features"):
            bochner.Estimator(ard, features, coupling)
        return
    np.testing.assert_allclose(ard.gram(X, Y), plain.gram(X / lengths, Y / lengths), rtol=1e-14)
    of, reference = (bochner.Estimator(k, features, coupling) for k in (ard, plain))
    feature_map, plain_map = of.draw(3, 7, seed=2), reference.draw(3, 7, seed=2)
    np.testing.assert_allclose(feature_map.frequencies * lengths, plain_map.frequencies, rtol=1e-14)
    np.testing.assert_allclose(feature_map.transform(X), plain_map.transform(X / lengths), rtol=1e-12, atol=1e-14)
    law, expected = of.law(X[:5], Y, 7), reference.law(X[:5] / lengths, Y / lengths, 7)
    for part in ("mean", "variance", "bias", "mse"):
        np.testing.assert_allclose(getattr(law, part), getattr(expected, part), rtol=1e-12)


def test_periodic_with_one_bandwidth_a_dimension():
    kernel = Kernel("periodic", period=1.5, bandwidth=[0.5, 2.0, 3.0])
    expected = np.exp(-2 * (np.sin(np.pi * (X[:5] - Y) / 1.5) ** 2 / np.array([0.5, 2.0, 3.0]) ** 2).sum(1))
    np.testing.assert_allclose(kernel.paired(X[:5], Y), expected, rtol=1e-12)
    z_mean, z_variance = z_scores(bochner.Estimator(kernel, "trigonometric", "iid"), X[:5], Y, m=3, trials=4000)
    assert max(np.abs(z_mean).max(), np.abs(z_variance).max()) < 4.5


ARD = Kernel("matern", nu=1.5, bandwidth=[1, 2, 3])
COMPOSED = [
    ARD,
    Kernel("matern") + Kernel("gaussian"),
    2 * Kernel("softmax"),
    Kernel("matern") * (0.5 * Kernel("gaussian") + ARD),
    3 * (Kernel("cauchy") * Kernel("laplacian_l1")),
    (2 * Kernel("cauchy")) * (3 * Kernel("gaussian")) * Kernel("gaussian"),
]


@pytest.mark.parametrize("kernel", COMPOSED, ids=repr)
def test_composed_kernels_print_compare_and_pickle(kernel):
    assert eval(repr(kernel), {"Kernel": Kernel}) == kernel
    for twin in (pickle.loads(pickle.dumps(kernel)), copy.deepcopy(kernel)):
        assert twin == kernel
        assert hash(twin) == hash(kernel)
        np.testing.assert_array_equal(twin.gram(X), kernel.gram(X))
    of = bochner.Estimator(kernel, "trigonometric", "iid")
    assert pickle.loads(pickle.dumps(of)) == of
    assert eval(repr(of), {"Estimator": bochner.Estimator, "Kernel": Kernel}) == of
    feature_map = of.draw(3, 5)
    assert pickle.loads(pickle.dumps(feature_map)) == feature_map
    with pytest.raises(AttributeError, match="immutable"):
        kernel.name = "other"


def test_composed_kernels_are_their_definitions():
    a, b = Kernel("matern", nu=2.5), Kernel("laplacian_l1", bandwidth=2)
    A, B = a.gram(X, Y), b.gram(X, Y)
    np.testing.assert_allclose((a + b).gram(X, Y), A + B, rtol=1e-14)
    np.testing.assert_allclose((a * b).gram(X, Y), A * B, rtol=1e-14)
    np.testing.assert_allclose((2.5 * a).gram(X, Y), 2.5 * A, rtol=1e-14)
    np.testing.assert_allclose((a * (b + 2 * a)).gram(X, Y), A * (B + 2 * A), rtol=1e-14)
    assert (a + b) + a == a + (b + a)
    assert a + b != b + a
    assert ARD != Kernel("matern", bandwidth=[1, 2, 4]) != Kernel("matern")
    assert ARD.parameters == {"nu": 1.5, "bandwidth": (1.0, 2.0, 3.0)}
    assert Kernel("matern", bandwidth=[2]) == Kernel("matern", bandwidth=2)
    scaled = bochner.Estimator(3 * Kernel("softmax"), "positive").law(X[:5], Y, 4)
    plain = bochner.Estimator("softmax", "positive").law(X[:5], Y, 4)
    np.testing.assert_allclose(scaled.mean, 3 * plain.mean, rtol=1e-12)
    np.testing.assert_allclose(scaled.mse, 9 * plain.mse, rtol=1e-12)


def test_bad_input_is_named():
    gaussian = Kernel("gaussian")
    for call, error, text in (
        (lambda: gaussian + Kernel("softmax"), ValueError, "'softmax' is not stationary"),
        (lambda: Kernel("softmax") * gaussian, ValueError, "functions of x - y"),
        (lambda: 0 * gaussian, ValueError, "amplitude is 0"),
        (lambda: float("nan") * gaussian, ValueError, "amplitude is nan"),
        (lambda: gaussian + 1, TypeError, "unsupported operand"),
        (lambda: "2" * gaussian, TypeError, "multiply|unsupported"),
        (lambda: Kernel("softmax", bandwidth=[1, 2]), ValueError, "not stationary"),
        (lambda: Kernel("gaussian", bandwidth=[1, -2]), ValueError, r"bandwidth\[1\] is -2"),
        (lambda: Kernel("gaussian", bandwidth=[]), TypeError, "sequence of them"),
        (lambda: Kernel("gaussian", bandwidth=[[1, 2]]), TypeError, "sequence of them"),
        (lambda: Kernel("gaussian", bandwidth="wide"), TypeError, "expected a real number"),
        (lambda: Kernel("matern", nu=[1, 2]), TypeError, "nu is a list"),
        (lambda: Kernel("matern", nu=-1), ValueError, "matern: nu is -1"),
        (lambda: Kernel("powered_exponential", gamma=2.1), ValueError, "at most 2"),
        (lambda: Kernel("periodic", bandwidth=1e-5), ValueError, "at least 0.0001"),
        (lambda: ARD.gram(X[:, :2]), ValueError, "bandwidth has 3 entries; expected 1 or 2"),
        (lambda: bochner.Estimator(ARD, "trigonometric").draw(2, 4), ValueError, "bandwidth has 3 entries"),
        (lambda: bochner.Estimator(ARD, "trigonometric").law(X[:, :2], X[:, :2], 4), ValueError, "3 entries"),
        (lambda: bochner.FeatureMap(ARD, "trigonometric", np.ones((4, 2))), ValueError, "3 entries"),
        (lambda: (ARD + gaussian).gram(X[:, :2]), ValueError, "3 entries"),
        (lambda: bochner.Estimator(ARD + gaussian, "trigonometric", "iid").draw(2, 4), ValueError, "3 entries"),
        (lambda: bochner.Estimator(ARD * gaussian, "trigonometric", "orthogonal"), ValueError, "uniform direction"),
        (lambda: bochner.Estimator("laplacian_l1", "trigonometric", "orthogonal"), ValueError, "uniform direction"),
        (lambda: bochner.Estimator("matern", "positive"), ValueError, "not estimated by features 'positive'"),
    ):
        with pytest.raises(error, match=text):
            call()


def test_heavy_tails_with_exponential_features_have_no_law_and_no_nan():
    for radial in ("student", "gamma_mixture", "stable_mixture"):
        of = bochner.Estimator("softmax", "positive", radial=radial)
        with pytest.raises(bochner.NoLawError):
            of.law(X, X, 4)
        assert not np.isnan(of.draw(3, 6).gram(X)).any()
