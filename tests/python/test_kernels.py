"""Kernels against formulas of other libraries and of many digits."""

import mpmath
import numpy as np
import pytest

import bochner

HISTOGRAMS = np.random.default_rng(3).uniform(size=(6, 5)) * (np.random.default_rng(4).uniform(size=(6, 5)) > 0.2)
ROWS = np.random.default_rng(5).normal(size=(7, 4))


def pairwise(function):
    return np.array([[function(x, y) for y in HISTOGRAMS] for x in HISTOGRAMS])


def test_kernels_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics.pairwise")
    for degree, c in ((1, 0.0), (2, 1.0), (3, 0.25)):
        kernel = bochner.Kernel("polynomial", degree=degree, c=c)
        expected = metrics.polynomial_kernel(ROWS, degree=degree, gamma=1, coef0=c)
        np.testing.assert_allclose(kernel.gram(ROWS), expected, rtol=1e-12, atol=1e-13)
    # -sum (x - y)^2 / (x + y) there.
    sums = HISTOGRAMS.sum(1)[:, None] + HISTOGRAMS.sum(1)
    expected = (sums + metrics.additive_chi2_kernel(HISTOGRAMS)) / 2
    np.testing.assert_allclose(bochner.Kernel("chi_squared").gram(HISTOGRAMS), expected, rtol=1e-12, atol=1e-13)


def test_kernels_of_histograms():
    expected = pairwise(lambda x, y: np.minimum(x, y).sum())
    np.testing.assert_allclose(bochner.Kernel("intersection").gram(HISTOGRAMS), expected, rtol=1e-14)

    def jensen_shannon(x, y):
        both = (x > 0) & (y > 0)
        x, y = x[both], y[both]
        return ((x * np.log2((x + y) / x) + y * np.log2((x + y) / y)) / 2).sum()

    expected = pairwise(jensen_shannon)
    np.testing.assert_allclose(bochner.Kernel("jensen_shannon").gram(HISTOGRAMS), expected, rtol=1e-13, atol=1e-15)
    expected = pairwise(lambda x, y: np.prod(2 * np.sqrt((x + 0.2) * (y + 0.2)) / (x + y + 0.4)))
    kernel = bochner.Kernel("skewed_chi_squared", c=0.2)
    np.testing.assert_allclose(kernel.gram(HISTOGRAMS), expected, rtol=1e-13)


# J of [ChoSaul09], by the cosine, the sine and pi minus the angle.
ARC_COSINES = (
    lambda c, s, rest: rest,
    lambda c, s, rest: s + rest * c,
    lambda c, s, rest: 3 * s * c + rest * (1 + 2 * c**2),
    lambda c, s, rest: rest * c * (9 + 6 * c**2) + s * (4 + 11 * c**2),
    lambda c, s, rest: 5 * s * c * (11 + 10 * c**2) + 3 * rest * (3 + 24 * c**2 + 8 * c**4),
)


@pytest.mark.parametrize("order", range(5))
def test_arc_cosine_kernels_keep_their_digits(order):
    kernel = bochner.Kernel("arc_cosine", order=order)
    for angle in (0.0, 1e-9, 1e-3, 0.5, 1.5, 1.6, 2.5, 3.0, np.pi - 1e-3, np.pi - 1e-6):
        x, y = np.array([[3.0, 0.0]]), np.array([[2 * np.cos(angle), 2 * np.sin(angle)]])
        # Terms of order 100 cancel to 1e-54.
        with mpmath.workdps(120):
            a, b = (mpmath.mpf(float(v)) for v in y[0])
            theta, norm = mpmath.atan2(b, a), mpmath.hypot(a, b)
            J = ARC_COSINES[order](mpmath.cos(theta), mpmath.sin(theta), mpmath.pi - theta)
            expected = float((3 * norm) ** order * J / mpmath.pi)
        np.testing.assert_allclose(kernel.paired(x, y), expected, rtol=2e-13)


def test_angular_kernel_keeps_its_digits():
    for angle in (1e-9, 0.3, np.pi / 2 - 1e-9, np.pi / 2, 2.0, np.pi):
        x, y = np.array([[5.0, 0.0]]), np.array([[np.cos(angle), np.sin(angle)]])
        with mpmath.workdps(60):
            theta = mpmath.atan2(mpmath.mpf(float(y[0, 1])), mpmath.mpf(float(y[0, 0])))
            expected = float(1 - 2 * theta / mpmath.pi)
        np.testing.assert_allclose(bochner.Kernel("angular").paired(x, y), expected, rtol=1e-14)
    zero = np.zeros((1, 2))
    assert bochner.Kernel("angular").paired(zero, x) == 0
    assert bochner.Kernel("arc_cosine", order=0).paired(zero, x) == 0


def test_a_scaled_kernel_has_the_range_of_its_kernel():
    kernel = 2.0 * bochner.Kernel("chi_squared")
    np.testing.assert_allclose(kernel.gram(HISTOGRAMS), 2 * bochner.Kernel("chi_squared").gram(HISTOGRAMS), rtol=1e-14)
    with pytest.raises(ValueError, match=r"gram: X\[0, 0\] is -1; expected values of at least 0"):
        kernel.gram(np.array([[-1.0]]))


MULTIPLES = [
    ("softmax", "positive"),
    ("gaussian", "trigonometric"),
    ("arc_cosine", "step_power"),
    ("angular", "sign"),
    ("chi_squared", "additive_homogeneous"),
    ("skewed_chi_squared", "log_trigonometric"),
    ("polynomial", "tensor_sketch"),
    ("polynomial", "random_maclaurin"),
    ("softmax", "random_maclaurin"),
]


@pytest.mark.parametrize("kernel, features", MULTIPLES, ids=" ".join)
def test_estimates_of_a_multiple_are_multiples(kernel, features):
    X, Y = np.random.default_rng(0).uniform(0.1, 1, (2, 6, 3))
    plain = bochner.Estimator(kernel, features, "iid")
    # A multiple of a multiple is one as well.
    tripled = bochner.Estimator(1.5 * (2.0 * plain.kernel), features, "iid")
    one, three = plain.draw(3, 10, seed=4), tripled.draw(3, 10, seed=4)
    np.testing.assert_allclose(three.transform(X), np.sqrt(3) * one.transform(X), rtol=1e-12)
    np.testing.assert_allclose(three.gram(X, Y), 3 * one.gram(X, Y), rtol=1e-11, atol=1e-13)
    law, expected = tripled.law(X, Y, 10), plain.law(X, Y, 10)
    np.testing.assert_allclose(law.mean, 3 * expected.mean, rtol=1e-12)
    np.testing.assert_allclose(law.mse, 9 * expected.mse, rtol=1e-10)
    assert np.abs(law.bias).max() <= 1e-12 * law.mean.max()
    if one.differentiable:
        d_Z = np.ones(one.transform(X).shape)
        np.testing.assert_allclose(three.vjp(X, d_Z), np.sqrt(3) * one.vjp(X, d_Z), rtol=1e-12)


def test_composite_kernels_are_exported_and_say_what_they_are_made_of():
    first, second = bochner.Kernel("gaussian"), bochner.Kernel("cauchy")
    for kernel, name in ((first + second, "sum"), (first * second, "product")):
        assert isinstance(kernel, bochner.CompositeKernel)
        assert kernel.name == name and kernel.terms == (first, second)
    assert (2 * first).terms == (2.0, first)
    assert bochner.CompositeKernel("sum", (first, second)) == first + second
    with pytest.raises(ValueError, match="operation is 'difference'; expected"):
        bochner.CompositeKernel("difference", (first, second))
    for terms in ((first,), (first, 2.0), (2.0,)):
        with pytest.raises(TypeError, match="CompositeKernel: terms of 'scaled' are"):
            bochner.CompositeKernel("scaled", terms)
    with pytest.raises(TypeError, match="CompositeKernel: terms of 'sum' are"):
        bochner.CompositeKernel("sum", (2.0, first))
