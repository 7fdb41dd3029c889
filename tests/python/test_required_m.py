"""How many frequencies an accuracy takes, on fresh draws."""

import math
import warnings

import numpy as np
import pytest
from scipy import stats

import bochner

RNG = np.random.default_rng(3)
NEAR = 0.3 * RNG.standard_normal((2, 6, 5))


def shares_of_fresh_draws(estimator, X, Y, m, tolerance, draws, seed):
    """How many of the draws meet the tolerance, at each pair."""
    truth = estimator.kernel.paired(X, Y)
    met = np.zeros(len(truth), dtype=int)
    for trial in range(draws):
        estimate = estimator.draw(X.shape[1], m, seed, trial).paired(X, Y)
        met += np.abs(estimate - truth) <= tolerance * np.abs(truth)
    return met


@pytest.mark.parametrize(
    ("kernel", "features", "coupling", "tolerance"),
    [
        ("gaussian", "trigonometric", "iid", 0.1),
        ("gaussian", "trigonometric", "orthogonal", 0.05),
        ("softmax", "positive", "iid", 0.2),
        ("softmax", "hyperbolic", "orthogonal", 0.1),
    ],
)
def test_tolerance_is_met_on_fresh_draws_and_not_with_half_as_many(kernel, features, coupling, tolerance):
    X, Y = NEAR
    estimator = bochner.Estimator(kernel, features, coupling)
    found = bochner.required_size(estimator, X, Y, tolerance, seed=1)
    m, draws = found.m, 2000
    met = shares_of_fresh_draws(estimator, X, Y, m, tolerance, draws, seed=77)
    # The pilot's shares are those of any other draws.
    error = np.sqrt(found.shares * (1 - found.shares) * (1 / found.trials + 1 / draws))
    assert (np.abs(found.shares - met / draws) <= 4 * error + 2 / draws).all()
    # Were the share of a pair 0.95, so few successes at any of the six would come once in 10,000 times.
    assert met.min() >= stats.binom.ppf(1e-4 / len(X), draws, 0.95)
    half = shares_of_fresh_draws(estimator, X, Y, m // 2, tolerance, draws, seed=78)
    assert half.min() < stats.binom.ppf(1e-4, draws, 0.95)


def test_guarantee_over_many_searches():
    """An m that is too small comes with a probability of at most 1 - confidence."""
    X, Y = np.zeros((1, 2)), np.array([[1.0, 0.5]])
    estimator = bochner.Estimator("gaussian", "trigonometric", "iid")
    # The exact law of a mean of cosines, by Monte Carlo with 200,000 cosines a size.
    found = [bochner.required_size(estimator, X, Y, 0.3, seed=seed, confidence=0.8, trials=200) for seed in range(40)]
    assert min(one.shares_low.min() for one in found) >= 0.95
    sizes = [one.m for one in found]
    rng = np.random.default_rng(9)
    truth = math.exp(-1.25 / 2)
    too_small = 0
    for m in sizes:
        estimates = np.cos(math.sqrt(1.25) * rng.standard_normal((40_000, m))).mean(axis=1)
        too_small += np.mean(np.abs(estimates - truth) <= 0.3 * truth) < 0.948
    assert too_small <= stats.binom.ppf(1 - 1e-4, len(sizes), 0.2)
    assert len(set(sizes)) > 5


def test_m_is_that_of_the_hardest_pair():
    X, Y = np.zeros((3, 2)), np.array([[0.3, 0], [2.0, 0], [1.0, 0]])
    estimator = bochner.Estimator("gaussian", "trigonometric", "iid")
    alone = [bochner.required_m(estimator, X[i : i + 1], Y[i : i + 1], 0.2) for i in range(3)]
    assert alone[0] < alone[2] < alone[1]
    together = bochner.required_m(estimator, X, Y, 0.2)
    assert 0.8 * alone[1] < together < 1.5 * alone[1]
    found = bochner.required_size(estimator, X, Y, 0.2)
    assert (found.m, found.reason) == (together, "")
    assert found.shares_low.min() >= 0.95
    assert (found.shares >= found.shares_low).all()
    assert found.shares[1] < found.shares[0]
    assert 0.7 * found.m < found.predicted < found.m


def test_exact_pair_takes_one_frequency():
    point = np.array([[0.3, -0.2]])
    assert bochner.required_m(bochner.Estimator("gaussian", "trigonometric", "iid"), point, point, 1e-6) == 1


def test_other_quantiles():
    X, Y = NEAR
    estimator = bochner.Estimator("gaussian", "trigonometric", "iid")
    half, most = (bochner.required_m(estimator, X, Y, 0.1, quantile=q) for q in (0.5, 0.99))
    # (2.576 / 0.674)^2 = 14.6 for normal errors; each is known to some 20 %.
    assert 9 < most / half < 24


def test_heavy_tails_have_no_practical_size_and_say_why():
    """At |x + y|^2 = 36 one frequency in e^18 carries the mean."""
    x = np.full((1, 4), 1.5)
    estimator = bochner.Estimator("softmax", "positive", "iid")
    with pytest.warns(bochner.NoPracticalSizeWarning, match="Tails are heavy"):
        assert bochner.required_m(estimator, x, x, 0.1, max_m=2**12) is None
    found = bochner.required_size(estimator, x, x, 0.1, max_m=2**12)
    assert found.m is None
    assert "max_m = 4096" in found.reason
    assert found.predicted > 1e15
    assert found.shares[0] < 0.5


def test_law_of_normal_errors_is_no_quantile():
    """At |x + y|^2 = 9 it asks for 8,000 times as many draws as the median needs, so it only guides."""
    x = np.full((1, 4), 0.75)
    estimator = bochner.Estimator("softmax", "positive", "iid")
    found = bochner.required_size(estimator, x, x, 0.7, quantile=0.5)
    assert found.m < found.predicted / 3
    met = shares_of_fresh_draws(estimator, x, x, found.m, 0.7, 1000, seed=4)
    assert met.min() >= stats.binom.ppf(1e-4, 1000, 0.5)


def test_bias_beyond_the_tolerance_is_refused_and_less_is_not():
    X, Y = np.zeros((1, 4)), np.array([[1.5, 0, 0, 0]])
    estimator = bochner.Estimator("gaussian", "trigonometric", "iid", radial="constant")
    bias = abs(estimator.law(X, Y, 8).bias[0]) / estimator.kernel.paired(X, Y)[0]
    with pytest.warns(bochner.NoPracticalSizeWarning, match="biased"):
        assert bochner.required_m(estimator, X, Y, 0.8 * bias, max_m=2**10) is None
    assert bochner.required_m(estimator, X, Y, 2 * bias) > 1


def test_zero_kernel_is_refused():
    far = np.array([[60.0, 0.0]])
    with pytest.warns(bochner.NoPracticalSizeWarning, match="K = 0"):
        assert bochner.required_m(bochner.Estimator("gaussian", "trigonometric"), np.zeros((1, 2)), far, 0.1) is None


def test_families_without_a_law_are_measured():
    X, Y = NEAR
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bochner.NoPracticalSizeWarning)
        found = bochner.required_size(bochner.Estimator("softmax", "relu"), X, Y, 0.1, max_m=2**10)
    assert found.m is None
    assert found.predicted is None


def test_same_seed_same_size():
    X, Y = NEAR
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    first, again, other = (bochner.required_size(estimator, X, Y, 0.2, seed=seed) for seed in (5, 5, 6))
    assert first.m == again.m
    np.testing.assert_array_equal(first.shares, again.shares)
    assert not np.array_equal(first.shares, other.shares)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"estimator": "positive"}, TypeError, "estimator is a str"),
        ({"tolerance": 0.0}, ValueError, "tolerance is 0.0"),
        ({"tolerance": math.nan}, ValueError, "tolerance is nan"),
        ({"tolerance": "small"}, TypeError, "tolerance is a str"),
        ({"quantile": 1.0}, ValueError, "quantile is 1.0"),
        ({"quantile": 0.2}, ValueError, "quantile is 0.2"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"max_m": 0}, ValueError, "max_m is 0"),
        ({"Y": np.zeros((2, 5))}, ValueError, "equal shapes"),
        ({"X": np.full((6, 5), math.nan)}, ValueError, "nan"),
        ({"X": np.full((6, 5), 1e200), "Y": np.full((6, 5), 1e200)}, ValueError, "finite"),
    ],
)
def test_bad_arguments(arguments, error, text):
    given = {"estimator": bochner.Estimator(), "X": NEAR[0], "Y": NEAR[1], "tolerance": 0.1} | arguments
    with pytest.raises(error, match=text):
        bochner.required_m(**given)


@pytest.mark.parametrize(("name", "value"), [("confidence", 1.0), ("trials", 20)])
def test_bad_details(name, value):
    with pytest.raises(ValueError, match=name):
        bochner.required_size(bochner.Estimator(), *NEAR, 0.1, **{name: value})
