"""`Estimator.law` against formulas written down again here, and those against integrals."""

import functools
import itertools

import mpmath
import numpy as np
import pytest
from scipy import special

import bochner

SCALE = {"softmax": 1.0, "regularized_softmax": 1.0, "gaussian": 1.7}
KERNELS = {
    "softmax": bochner.Kernel("softmax"),
    "regularized_softmax": bochner.Kernel("regularized_softmax"),
    "gaussian": bochner.Kernel("gaussian", bandwidth=1.7),
}
FEATURES = ("trigonometric", "positive", "hyperbolic")
RADIALS = ("chi", "constant")
COUPLINGS = ("iid", "orthogonal")
COMBINATIONS = list(itertools.product(KERNELS, FEATURES, RADIALS, COUPLINGS))

DIMENSIONS = (1, 2, 3, 4, 5, 8, 16, 64)
# |x - y|^2 and |x + y|^2, on both sides of where one way of computing takes over from another.
ARGUMENTS = (1e-12, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2, 0.1, 0.24, 0.26, 0.97, 1.03, 4.0, 20.0, 100.0, 1000.0)


@functools.lru_cache(maxsize=100_000)
def exp_mean(radial, d, q):
    """E exp(w.u), |u|^2 = q; a negative q is that of cos."""
    if radial == "chi":
        return mpmath.exp(mpmath.mpf(q) / 2)
    return mpmath.hyp0f1(mpmath.mpf(d) / 2, mpmath.mpf(d) * q / 4)


@functools.lru_cache(maxsize=100_000)
def exp_pair(radial, d, q):
    """E exp(w1.u + w2.u) of orthogonal directions, |u|^2 = q; a negative q is that of cosines."""
    if radial == "chi":
        half = mpmath.mpf(d) / 2
        return mpmath.hyp1f1(d, half, mpmath.mpf(q) / 2, zeroprec=400)
    # w1 + w2 has norm sqrt(2d).
    return exp_mean(radial, d, 2 * mpmath.mpf(q))


def pairs_in_blocks(d, m):
    sizes = [d] * (m // d) + [m % d]
    return sum(b * (b - 1) for b in sizes)


def reference_moments(kernel, features, radial, x, y):
    """E X, K, E X^2 and E X_1 X_2, of an orthogonal pair [Choromanski21, Lemma 2; Bochner, 8]."""
    d = len(x)
    x = [mpmath.mpf(float(v)) / SCALE[kernel] for v in x]
    y = [mpmath.mpf(float(v)) / SCALE[kernel] for v in y]
    norms = sum(v * v for v in (*x, *y))
    plus = sum((a + b) ** 2 for a, b in zip(x, y, strict=True))
    minus = sum((a - b) ** 2 for a, b in zip(x, y, strict=True))
    dot = sum(a * b for a, b in zip(x, y, strict=True))

    if features == "trigonometric":
        factor = mpmath.exp(norms / 2)
        one = exp_mean(radial, d, -minus)
        square = (1 + exp_mean(radial, d, -4 * minus)) / 2
        pair = exp_pair(radial, d, -minus)
    else:
        factor = mpmath.exp(-norms / 2)
        one = exp_mean(radial, d, plus)
        square = exp_mean(radial, d, 4 * plus)
        if features == "hyperbolic":
            square = (1 + square) / 2
        pair = exp_pair(radial, d, plus)
    truth = {
        "softmax": mpmath.exp(dot),
        "gaussian": mpmath.exp(-minus / 2),
        "regularized_softmax": mpmath.exp(-norms / 2) * exp_mean("constant", d, plus),
    }[kernel]
    if kernel == "gaussian":
        factor *= mpmath.exp(-norms / 2)
    return factor * one, truth, factor**2 * square, factor**2 * pair


def reference_law(moments, coupling, d, m):
    """Mean, variance, bias and mse in many digits, from the definition of each."""
    mean, truth, square, pair = moments
    variance = (square - mean**2) / m
    if coupling == "orthogonal":
        variance += (pair - mean**2) * pairs_in_blocks(d, m) / mpmath.mpf(m) ** 2
    variance, bias = zero_if_rounding(variance, square), zero_if_rounding(mean - truth, truth)
    return mean, variance, bias, variance + bias**2


def zero_if_rounding(value, part):
    """What is left of parts that cancel exactly; the smallest true rest, 1e-54 of its parts, is far above."""
    return value if abs(value) > mpmath.mpf(10) ** (20 - mpmath.mp.dps) * abs(part) else mpmath.mpf(0)


def relative_error(value, exact):
    """|value / exact - 1|; a value that a double cannot hold is to be 0 or infinity, and 0 exactly 0."""
    if abs(exact) > np.finfo(float).max:
        return 0 if value == np.copysign(np.inf, float(mpmath.sign(exact))) else np.inf
    tiny = 1e-299  # below, doubles lose digits
    return float(abs(value - exact) / max(abs(exact), tiny)) if exact else abs(value) * 1e299


def points(d, norm, seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(4, d))
    rows *= norm * np.array([1.0, 0.5, 1.0, 1.0])[:, None] / np.linalg.norm(rows, axis=1)[:, None]
    x, y = rows[:2], rows[2:]
    # And a parallel, an opposite and an equal pair.
    return np.vstack([x, x[:1], x[:1], x[:1]]), np.vstack([y, 2 * x[:1], -x[:1], x[:1]])


def pairs_at(d, argument, seed):
    """Pairs with |x - y|^2 or |x + y|^2 of the given size.

    Both rows short, rows nearly equal, nearly opposite, y = 0, and at a right angle.
    """
    rng = np.random.default_rng(seed)
    short = rng.normal(size=(2, d))
    short *= np.sqrt(argument) / np.linalg.norm(short[0] - short[1])
    step = rng.normal(size=d)
    step *= np.sqrt(argument) / np.linalg.norm(step)
    long = rng.normal(size=d)
    long /= np.linalg.norm(long)
    pairs = [short, (long, long - step), (long, step - long), (step, np.zeros(d))]
    if d > 1:
        pairs.append(np.sqrt(argument / 2) * np.eye(d)[:2])
    return np.array(pairs).transpose(1, 0, 2)


def long_pairs(d, norm, seed):
    """Pairs of long rows at which some law is within the range of doubles though its exponents are about norm^2."""
    rng = np.random.default_rng(seed)
    x, across = np.linalg.qr(rng.normal(size=(d, 2)))[0].T * norm
    step = 3 * rng.normal(size=d) / np.sqrt(d)
    # x.y = 0, near 0, the largest; -norm^2 / 4, where e^(2 |x + y|^2) is as large as e^(|x|^2 + |y|^2); and step.
    y = (across, across + 50 / norm**2 * x, x, np.sqrt(0.9375) * across - 0.25 * x, -0.5 * x, x + step, step - x)
    return np.broadcast_to(x, (len(y), d)), np.array(y)


def wrong_laws(kernel, features, radial, d, pairs, sizes):
    """(error, where) of every number that is further than 1e-9 from the exact one."""
    x, y = pairs
    exact = [reference_moments(kernel, features, radial, *pair) for pair in zip(x, y, strict=True)]
    for coupling, m in itertools.product(COUPLINGS, sizes):
        law = bochner.Estimator(KERNELS[kernel], features, coupling, radial).law(x, y, m)
        for i, moments in enumerate(exact):
            reference = reference_law(moments, coupling, d, m)
            for name, value in zip(("mean", "variance", "bias", "mse"), reference, strict=True):
                error = relative_error(getattr(law, name)[i], value)
                if not error <= 1e-9:
                    plus, minus = ((x[i] + y[i]) ** 2).sum(), ((x[i] - y[i]) ** 2).sum()
                    yield error, f"{name}, {coupling}, d={d}, m={m}, |x + y|^2={plus:.1e}, |x - y|^2={minus:.1e}"


MARGINALS = list(itertools.product(KERNELS, FEATURES, RADIALS))


@pytest.mark.parametrize(("kernel", "features", "radial"), MARGINALS)
def test_law_of_every_combination_to_a_relative_error_of_1e_9(kernel, features, radial):
    wrong = []
    with mpmath.workdps(90):
        for d, argument in itertools.product(DIMENSIONS, ARGUMENTS):
            sizes = sorted({1, 3, d - 1, d, d + 1, 2 * d, 2 * d + 1} - {0})
            wrong += wrong_laws(kernel, features, radial, d, pairs_at(d, argument, seed=d), sizes)
    assert not wrong, f"{len(wrong)} wrong; the worst: {max(wrong)}"


@pytest.mark.parametrize(("kernel", "features", "radial"), MARGINALS)
def test_law_of_long_rows_to_a_relative_error_of_1e_9(kernel, features, radial):
    wrong = []
    with mpmath.workdps(60):
        for d, norm in itertools.product((2, 5, 64), (30.0, 1000.0)):
            wrong += wrong_laws(kernel, features, radial, d, long_pairs(d, norm, seed=d), (d, 2 * d + 1))
    assert not wrong, f"{len(wrong)} wrong; the worst: {max(wrong)}"


def test_bias_appears_exactly_where_the_frequencies_are_not_those_of_the_kernel():
    x, y = points(4, 1.0, seed=1)
    x, y = x[:2], y[:2]
    for kernel, features, radial, coupling in COMBINATIONS:
        law = bochner.Estimator(KERNELS[kernel], features, coupling, radial).law(x, y, 4)
        own = "constant" if kernel == "regularized_softmax" else "chi"
        # Cosines of frequencies on the sphere are not the regularized kernel either.
        unbiased = radial == own and (kernel, features) != ("regularized_softmax", "trigonometric")
        assert np.all(law.bias == 0) == unbiased, (kernel, features, radial)


def test_law_of_lemma_2_in_plain_numpy():
    x, y = points(8, 1.2, seed=2)
    sm, m = np.exp((x * y).sum(1)), 24
    v, w = ((x + y) ** 2).sum(1), ((x - y) ** 2).sum(1)
    relative = {
        "positive": np.expm1(v),
        "hyperbolic": np.cosh(v) - 1,
        "trigonometric": np.cosh(w) - 1,
    }
    for features, expected in relative.items():
        law = bochner.Estimator("softmax", features, "iid").law(x, y, m)
        np.testing.assert_allclose(law.mse, sm**2 * expected / m, rtol=1e-9, atol=1e-25)
    gap = np.exp(v) - special.hyp1f1(8, 4, v / 2)
    law = bochner.Estimator("softmax", "positive", "orthogonal").law(x, y, 8)
    lam = np.exp(-((x**2).sum(1) + (y**2).sum(1)) / 2)
    expected = (sm**2 * np.expm1(v) - 7 * lam**2 * gap) / 8
    np.testing.assert_allclose(law.mse, expected, rtol=1e-9, atol=1e-25)


def test_pairs_of_orthogonal_frequencies_by_quadrature_in_the_plane():
    """w1 = r1 (cos t, sin t), w2 = +-r2 (-sin t, cos t): an integral over r1, r2 and t."""
    nodes, weights = special.roots_genlaguerre(60, 0)
    radii, weights = np.sqrt(2 * nodes), weights / weights.sum()  # r^2 / 2 is exponential
    angles = 2 * np.pi * np.arange(64) / 64
    for u in (0.4, 1.0):
        first = np.cos(angles) * u
        second = np.sin(angles) * u
        for radial in RADIALS:
            r, p = (radii, weights) if radial == "chi" else (np.array([np.sqrt(2)]), np.ones(1))
            exp1, exp2 = (np.exp(np.multiply.outer(r, s)).T @ p for s in (first, second))
            cos1, cos2 = (np.cos(np.multiply.outer(r, s)).T @ p for s in (first, second))
            assert np.mean(exp1 * exp2) == pytest.approx(float(exp_pair(radial, 2, u**2)), rel=1e-10)
            assert np.mean(cos1 * cos2) == pytest.approx(float(exp_pair(radial, 2, -(u**2))), rel=1e-8)
            assert np.mean(exp1) == pytest.approx(float(exp_mean(radial, 2, u**2)), rel=1e-10)
            assert np.mean(cos1) == pytest.approx(float(exp_mean(radial, 2, -(u**2))), rel=1e-8)


def test_what_double_cannot_hold_is_infinite_and_never_nan():
    x = np.full((1, 4), 40.0)
    for kernel, features, radial, coupling in COMBINATIONS:
        law = bochner.Estimator(KERNELS[kernel], features, coupling, radial).law(x, x / 2, 6)
        for values in (law.mean, law.variance, law.mse):
            assert not np.isnan(values).any(), (kernel, features, radial, coupling)
    law = bochner.Estimator("softmax", "positive").law(x, x, 6)
    assert np.isinf(law.mse).all()


def test_law_takes_float32_and_integers():
    x, y = points(3, 1.0, seed=4)
    estimator = bochner.Estimator()
    single = estimator.law(x.astype(np.float32), y.astype(np.float32), 5)
    np.testing.assert_allclose(single.mse, estimator.law(x, y, 5).mse, rtol=1e-5, atol=1e-9)
    integers = estimator.law([[1, 0]], [[0, 1]], 2)
    assert integers.mse.dtype == np.float64


@pytest.mark.parametrize(("kernel", "features", "radial", "coupling"), COMBINATIONS)
def test_estimates_follow_the_law(kernel, features, radial, coupling):
    """z-scores of mean and variance of 3,000 draws; 4.5 is passed once in 1.5e5 tests."""
    trials, d, m = 3000, 3, 5
    x = np.array([[0.3, -0.2, 0.1], [0.2, 0.3, -0.4]])
    y = np.array([[0.2, 0.25, -0.3], [-0.1, 0.4, 0.2]])
    estimator = bochner.Estimator(KERNELS[kernel], features, coupling, radial)
    law = estimator.law(x, y, m)
    values = np.array([estimator.draw(d, m, 11, t).paired(x, y) for t in range(trials)])
    deviations = values - law.mean
    z_mean = deviations.mean(0) / np.sqrt(law.variance / trials)
    squares = deviations**2
    z_variance = (squares.mean(0) - law.variance) / (squares.std(0) / np.sqrt(trials))
    assert np.abs(z_mean).max() < 4.5
    assert np.abs(z_variance).max() < 4.5
