"""Landmark maps against exact properties of the Nyström approximation."""

import pickle

import numpy as np
import pytest

import bochner
from bochner import baselines

RNG = np.random.default_rng(5)
KERNELS = [
    entry.name for entry in bochner.list_kernels() if entry.name in ("gaussian", "softmax", "regularized_softmax")
]
POINTS = 0.6 * RNG.standard_normal((60, 3))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("method", baselines.METHODS)
def test_residual_is_positive_semidefinite_and_zero_at_the_landmarks(kernel, method):
    fitted = baselines.METHODS[method](kernel, POINTS, 12, 4)
    exact = fitted.kernel.gram(POINTS)
    residual = exact - fitted.gram(POINTS)
    values = np.linalg.eigvalsh(residual)
    assert values[0] >= -1e-9 * np.trace(exact)
    assert values[-1] > 1e-6 * np.trace(exact)
    assert fitted.features <= 12
    assert len(fitted.landmarks) == 12
    np.testing.assert_allclose(
        fitted.gram(fitted.landmarks, POINTS), fitted.kernel.gram(fitted.landmarks, POINTS), rtol=1e-6
    )


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("method", baselines.METHODS)
def test_all_points_as_landmarks_give_the_kernel(kernel, method):
    fitted = baselines.METHODS[method](kernel, POINTS, len(POINTS), 0)
    exact = fitted.kernel.gram(POINTS)
    np.testing.assert_allclose(fitted.gram(POINTS), exact, atol=1e-9 * np.trace(exact))


def test_matches_the_plain_formula():
    fitted = baselines.LandmarkMap(bochner.Kernel("gaussian", bandwidth=0.4), POINTS[:7])
    X, Y = RNG.standard_normal((2, 9, 3))
    kernel = fitted.kernel
    plain = kernel.gram(X, POINTS[:7]) @ np.linalg.solve(kernel.gram(POINTS[:7]), kernel.gram(POINTS[:7], Y))
    np.testing.assert_allclose(fitted.gram(X, Y), plain, atol=1e-12)
    np.testing.assert_allclose(fitted.transform(X) @ fitted.transform(Y, side="key").T, plain, atol=1e-12)
    np.testing.assert_allclose(fitted.paired(X, Y), np.diag(plain), atol=1e-12)
    assert fitted.features == 7
    assert fitted.dim == 3


def test_repeated_landmarks_count_once():
    points = np.repeat(POINTS[:5], 3, axis=0)
    fitted = baselines.LandmarkMap("gaussian", points)
    assert fitted.features == 5
    np.testing.assert_allclose(fitted.gram(points), bochner.Kernel("gaussian").gram(points), atol=1e-12)
    for method in baselines.METHODS.values():
        assert method("gaussian", points, 15, 1).features == 5


def test_kernels_of_very_different_sizes_lose_nothing():
    """exp(|x|^2) spans 148 orders of magnitude here; unscaled, the small ones would be cut off as rounding."""
    points = np.array([[0.1], [3.0], [18.5]])
    fitted = baselines.LandmarkMap("softmax", points)
    assert fitted.features == 3
    exact = fitted.kernel.gram(points)
    scale = np.sqrt(np.diag(exact))
    np.testing.assert_allclose(fitted.gram(points) / np.outer(scale, scale), exact / np.outer(scale, scale), atol=1e-12)


def test_trace_error_of_pivoted_cholesky_is_within_its_bound():
    """[Chen25]: after r/e + r log(1/(e h)) steps the mean trace error is at most (1 + e) times the best of rank r."""
    kernel = bochner.Kernel("gaussian", bandwidth=1.0)
    points = RNG.standard_normal((300, 2))
    exact = kernel.gram(points)
    values = np.linalg.eigvalsh(exact)[::-1]
    for r in (2, 5, 10):
        best = values[r:].sum()
        excess = 1.0
        p = int(np.ceil(r / excess + r * np.log(np.trace(exact) / (excess * best))))
        errors = []
        for seed in range(40):
            fitted = baselines.pivoted_cholesky(kernel, points, p, seed)
            errors.append(np.trace(exact) - np.sum(fitted.transform(points) ** 2))
        assert np.mean(errors) + 4 * np.std(errors) / np.sqrt(40) <= (1 + excess) * best
        # No approximation of rank p does better than the best.
        assert min(errors) >= values[p:].sum() * (1 - 1e-9)


def test_first_pivot_follows_the_diagonal():
    """softmax has K(x, x) = exp(|x|^2): frequencies of the first pivot by a chi-squared test."""
    from scipy import stats

    points = np.sqrt(np.log([[1.0], [2.0], [3.0], [4.0]]))
    counts = np.zeros(4)
    for seed in range(4000):
        first = baselines.pivoted_cholesky("softmax", points, 1, seed).landmarks[0]
        counts[int(np.argmin(np.abs(points - first)))] += 1
    assert stats.chisquare(counts, 400 * np.arange(1, 5)).pvalue > 1e-4


def test_leverage_scores_are_those_of_the_formula():
    kernel = bochner.Kernel("gaussian", bandwidth=0.8)
    exact = kernel.gram(POINTS)
    scores = baselines._leverage(exact, 8.0)
    assert scores.sum() == pytest.approx(8, rel=1e-9)
    # The ridge that belongs to the sum, found from one score, explains all others.
    from scipy.optimize import brentq

    def plain(ridge):
        return np.diag(exact @ np.linalg.inv(exact + ridge * np.eye(len(exact))))

    ridge = brentq(lambda ridge: plain(ridge).sum() - 8, 1e-8, 1e3, xtol=1e-14)
    np.testing.assert_allclose(scores, plain(ridge), rtol=1e-6)


def test_leverage_finds_the_rare_points():
    """One far point among 200 that are nearly the same: much of the leverage, but 3 % of uniform draws of six."""
    points = np.vstack([0.01 * RNG.standard_normal((199, 2)), [[8.0, 8.0]]])
    found = {
        sampling: sum(8.0 in baselines.nystrom("gaussian", points, 6, sampling, seed).landmarks for seed in range(200))
        for sampling in ("uniform", "leverage")
    }
    assert found["uniform"] < 20
    assert found["leverage"] > 100


def test_seeds_and_pickles():
    for method in baselines.METHODS.values():
        first, again, other = (method("gaussian", POINTS, 5, seed) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first.landmarks, again.landmarks)
        assert not np.array_equal(first.landmarks, other.landmarks)
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).transform(POINTS), first.transform(POINTS))
        assert "landmarks=5" in repr(first)


@pytest.mark.parametrize("method", baselines.METHODS)
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"p": 0}, ValueError, "p is 0"),
        ({"p": 61}, ValueError, "p is 61"),
        ({"p": 2.5}, TypeError, "p is a float"),
        ({"X": POINTS[0]}, ValueError, "expected"),
        ({"X": POINTS * np.nan}, ValueError, "nan"),
        ({"kernel": 3}, TypeError, "kernel"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"kernel": "softmax", "X": POINTS * 1e3}, ValueError, "not finite"),
    ],
)
def test_bad_arguments(method, arguments, error, text):
    given = {"kernel": "gaussian", "X": POINTS, "p": 4, "seed": 0} | arguments
    with pytest.raises(error, match=text):
        baselines.METHODS[method](*given.values())


def test_bad_sampling_and_shapes():
    with pytest.raises(ValueError, match="sampling is 'greedy'"):
        baselines.nystrom("gaussian", POINTS, 3, "greedy")
    fitted = baselines.nystrom("gaussian", POINTS, 3)
    with pytest.raises(ValueError, match="2 rows; expected 3"):
        fitted.paired(POINTS[:3], POINTS[:2])
    with pytest.raises(ValueError, match="side"):
        fitted.transform(POINTS, side="left")
    with pytest.raises(ValueError):
        fitted.transform(POINTS[:, :2])
