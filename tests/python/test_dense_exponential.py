"""Exponential features that are fitted to data."""

import pickle
import warnings

import numpy as np
import pytest

import bochner

RNG = np.random.default_rng(0)
DIM = 8
# Rows as attention has them: unequal scales by coordinate, a common mean, queries longer than keys.
SPREAD = np.geomspace(2.0, 0.2, DIM)
X = RNG.normal(size=(60, DIM)) * SPREAD + 0.3
Y = RNG.normal(size=(50, DIM)) * SPREAD[::-1] * 0.5 - 0.1
FITTED = ["saderf", "aderf", "sderf"]
FAMILIES = ["gerf", *FITTED]


def mean_log_second_moment(estimator, x=X, y=Y):
    pairs = np.repeat(x, len(y), axis=0), np.tile(y, (len(x), 1))
    law = estimator.law(*pairs, m=1)
    return np.log1p(law.variance / law.mean**2).mean()


@pytest.mark.parametrize("kernel", ["softmax", bochner.Kernel("gaussian", bandwidth=1.5)], ids=str)
@pytest.mark.parametrize("features", FAMILIES)
def test_fitted_features_have_less_variance_than_positive_ones(features, kernel):
    start = bochner.Estimator(kernel, features, "orthogonal")
    fitted = start.fit(X, Y)
    assert fitted is not start
    assert (fitted.kernel, fitted.coupling, fitted.radial) == (start.kernel, start.coupling, start.radial)
    iid = bochner.Estimator(kernel, fitted.features, "iid")
    assert mean_log_second_moment(iid) < mean_log_second_moment(bochner.Estimator(kernel, "positive", "iid")) - 0.5
    assert fitted.fit(X, Y) == fitted


@pytest.mark.parametrize("features", FAMILIES)
def test_fitted_estimators_are_values(features):
    fitted = bochner.Estimator("softmax", features).fit(X, Y)
    again = bochner.Estimator("softmax", bochner.Features(features, **fitted.features.parameters))
    assert again == fitted
    assert hash(again) == hash(fitted)
    assert fitted != bochner.Estimator("softmax", features).fit(X, 2 * Y)
    twin = pickle.loads(pickle.dumps(fitted))
    assert twin == fitted
    assert repr(twin) == repr(fitted)
    assert "A=" in repr(fitted)
    feature_map = fitted.draw(DIM, 16, seed=3)
    twin = pickle.loads(pickle.dumps(feature_map))
    assert twin == feature_map
    for side in ("query", "key"):
        assert twin.transform(X, side).tobytes() == feature_map.transform(X, side).tobytes()


@pytest.mark.parametrize("features", FAMILIES)
def test_gram_is_the_product_of_both_sides(features):
    feature_map = bochner.Estimator("softmax", features).fit(X, Y).draw(DIM, 16)
    product = feature_map.transform(X) @ feature_map.transform(Y, side="key").T
    np.testing.assert_allclose(feature_map.gram(X, Y), product, rtol=1e-11)
    np.testing.assert_allclose(feature_map.paired(X[:50], Y), np.diag(product[:50]), rtol=1e-11)


@pytest.mark.parametrize("side", ["query", "key"])
@pytest.mark.parametrize("features", FAMILIES)
def test_gradients(features, side):
    feature_map = bochner.Estimator(bochner.Kernel("gaussian", bandwidth=2.0), features).fit(X, Y).draw(DIM, 5)
    rows, direction, d_Z = X[:4], RNG.normal(size=(4, DIM)), RNG.normal(size=(4, 5))
    step = 1e-6
    ahead, behind = (feature_map.transform(rows + s * direction, side) for s in (step, -step))
    numeric = (d_Z * (ahead - behind)).sum() / (2 * step)
    np.testing.assert_allclose((feature_map.vjp(rows, d_Z, side) * direction).sum(), numeric, rtol=1e-7)


@pytest.mark.parametrize("features", FAMILIES)
def test_attention_with_fitted_features_is_nearer_to_exact_attention(features):
    scale = DIM**-0.25
    q, k, v = X / scale, Y / scale, RNG.normal(size=(len(Y), 4))
    exact = bochner.exact_attention(q, k, v)
    positive = bochner.Estimator("softmax", "positive", "orthogonal")
    fitted = bochner.Estimator("softmax", features, "orthogonal").fit(X, Y)
    errors = [
        [np.square(bochner.attention(q, k, v, e.draw(DIM, 256, trial=t)) - exact).mean() for t in range(150)]
        for e in (positive, fitted)
    ]
    # Both have the frequencies of the trial.
    gain = np.subtract(*errors)
    assert gain.mean() > 4.5 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("features", FAMILIES)
def test_attention_does_not_overflow(features):
    q, k, v = (30 * RNG.normal(size=(40, DIM)) for _ in range(3))
    feature_map = bochner.Estimator("softmax", features).fit(X, Y).draw(DIM, 32)
    out = bochner.attention(q, k, v, feature_map, causal=True)
    assert np.isfinite(out).all()
    changed = bochner.attention(q, np.vstack([k[:-1], -k[-1:]]), v, feature_map, causal=True)
    assert out[:-1].tobytes() == changed[:-1].tobytes()
    assert np.isfinite(bochner.attention(*(x.astype(np.float32) for x in (q, k, v)), feature_map)).all()


@pytest.mark.parametrize("renormalize", [True, False], ids=["quotients", "numerators"])
@pytest.mark.parametrize("causal", [False, True], ids=["all", "causal"])
@pytest.mark.parametrize("features", FAMILIES)
def test_both_paths_of_torch_agree(features, causal, renormalize):
    torch = pytest.importorskip("torch")
    from bochner.torch import attention

    estimator = bochner.Estimator(bochner.Kernel("gaussian", bandwidth=1.5), features).fit(X, Y)
    W = torch.from_numpy(estimator.draw(DIM, 16).frequencies.copy())
    leaves = [torch.from_numpy(RNG.normal(size=(1, 1, 9, DIM))).requires_grad_() for _ in range(3)]
    options = {"kernel": estimator.kernel, "features": estimator.features, "renormalize": renormalize}
    results = []
    for path in ("plain", "compiled"):
        out = attention(*leaves, W, causal, path=path, **options)
        results.append([out.detach(), *torch.autograd.grad(out.square().sum(), leaves)])
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * float(other.abs().max()))


def test_pointwise_experiments_have_the_law():
    fitted = bochner.Estimator("softmax", "gerf", "orthogonal").fit(X, Y)
    x, y = RNG.normal(size=(2, 3, DIM)) * 0.4
    frame = bochner.experiments.pointwise(fitted, x, y, m=[8], trials=4000, sampler="tilted")
    assert (frame["sampler"] == "tilted").all()
    assert frame[["z_mean", "z_mse"]].abs().to_numpy().max() < 4.5
    assert (frame["mse_high"] - frame["mse_low"]).max() < 0.3 * frame["law_mse"].max()
    wide = bochner.Estimator("softmax", bochner.Features("gerf", A=0.02))
    with pytest.raises(ValueError, match="tilted"):
        bochner.experiments.pointwise(wide, x, y, m=[8], trials=100, sampler="tilted")
    assert (bochner.experiments.pointwise(wide, x, y, m=[8], trials=100)["sampler"] == "plain").all()


def test_asymmetric_families_have_two_sides():
    maps = {name: bochner.Estimator("softmax", name).fit(X, Y).draw(DIM, 4) for name in FAMILIES}
    symmetric = {name: np.array_equal(part.transform(X), part.transform(X, "key")) for name, part in maps.items()}
    assert symmetric == {"gerf": True, "saderf": False, "aderf": False, "sderf": True}


def test_each_family_is_the_best_of_its_kind():
    least = {name: mean_log_second_moment(bochner.Estimator("softmax", name, "iid").fit(X, Y)) for name in FAMILIES}
    assert least["aderf"] < least["saderf"] < least["gerf"]
    assert least["sderf"] < least["gerf"]


@pytest.mark.parametrize("features", FITTED)
def test_data_without_full_rank(features):
    flat = np.outer(np.ones(3), np.arange(DIM, dtype=float)) * 0.2
    for x, y in ((flat, Y), (X, flat), (0 * flat, 0 * flat), (X[:1], Y[:1])):
        fitted = bochner.Estimator("softmax", features, "iid").fit(x, y)
        law = fitted.law(X[:5], Y[:5], m=4)
        np.testing.assert_allclose(law.mean, np.exp((X[:5] * Y[:5]).sum(1)), rtol=1e-13)
        assert (law.variance > 0).all()
        assert np.isfinite(fitted.draw(DIM, 4).transform_scaled(X).log_scale).all()


@pytest.mark.parametrize("features", FITTED)
def test_what_is_not_fitted_says_so(features):
    estimator = bochner.Estimator("softmax", features)
    match = f"features '{features}' are not fitted; expected those of estimator.fit"
    for call in (lambda: estimator.draw(DIM, 4), lambda: estimator.law(X, X, 4)):
        with pytest.raises(ValueError, match=match):
            call()
    assert pickle.loads(pickle.dumps(estimator)) == estimator
    fitted = estimator.fit(X, Y)
    assert fitted != estimator
    with pytest.raises(ValueError, match=f"dim is 3; expected {DIM}"):
        fitted.draw(3, 4)
    with pytest.raises(ValueError, match=f"dim is 3; expected {DIM}"):
        fitted.law(X[:, :3], X[:, :3], 4)


def test_large_parameters_are_shown_by_their_corners():
    text = repr(bochner.Estimator("softmax", "aderf").fit(X, Y))
    assert len(text) < 400
    assert "..." in text


@pytest.mark.parametrize(
    ("features", "coupling", "reason"),
    [
        ("hyperbolic", "simplex", "'orthogonal' has less variance"),
        ("hyperbolic", "antithetic", "variance of m / 2"),
        ("trigonometric", "antithetic", "variance of m / 2"),
        (bochner.Features("gerf", A=-0.1), "norm_coupled", "neither a gain nor a law"),
    ],
)
def test_combinations_that_lose_are_made_with_a_warning(features, coupling, reason):
    with pytest.warns(bochner.LosingCombinationWarning, match=reason):
        losing = bochner.Estimator("softmax", features, coupling)
    with warnings.catch_warnings():
        # Once is enough.
        warnings.simplefilter("error")
        assert pickle.loads(pickle.dumps(losing)) == losing
    if losing._compiled.has_law:
        # As the law has it.
        other = "orthogonal" if coupling == "simplex" else "iid"
        x, y = RNG.normal(size=(2, 5, DIM)) * 0.5
        best = bochner.Estimator("softmax", features, other).law(x, y, 8 if coupling == "simplex" else 4)
        assert (losing.law(x, y, 8).mse >= best.mse * (1 - 1e-12)).all()


def test_other_combinations_are_made_without_a_warning(recwarn):
    for features in ("positive", "gerf"):
        for coupling in ("iid", "orthogonal", "simplex", "norm_coupled", "antithetic"):
            bochner.Estimator("softmax", features, coupling)
    bochner.Estimator("softmax", "hyperbolic", "norm_coupled")
    bochner.Estimator("gaussian", "trigonometric", "simplex")
    assert not recwarn.list
    with pytest.warns(bochner.LosingCombinationWarning, match="gerf"):
        bochner.Estimator("softmax", "gerf", "norm_coupled").fit(X, Y)


def test_errors():
    with pytest.raises(ValueError, match=r"A is 0\.25; expected a finite number below 1/4"):
        bochner.Features("gerf", A=0.25)
    with pytest.raises(ValueError, match="expected the kernel's own, 'chi'"):
        bochner.Estimator("softmax", "gerf", radial="constant")
    with pytest.raises(ValueError, match="gerf"):
        bochner.Estimator("regularized_softmax", "gerf")
    with pytest.raises(ValueError, match="unknown array parameter of gerf 'T'"):
        bochner.Features("gerf", T=[1.0, 2.0])
    with pytest.raises(TypeError, match="A is a NoneType; expected a real number"):
        bochner.Features("gerf", A=None)
    with pytest.raises(ValueError, match="has only 'A'; expected both A and T"):
        bochner.Features("sderf", A=[-0.1])
    with pytest.raises(ValueError, match="unknown parameter of aderf 'B'"):
        bochner.Features("aderf", A=[-0.1], T=np.eye(2), B=[1.0])
    with pytest.raises(ValueError, match="T is singular"):
        bochner.Features("aderf", A=[-0.1], T=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"A has 3 entries and T has shape \(2, 2\)"):
        bochner.Features("sderf", A=[-0.1] * 3, T=np.eye(2))
    with pytest.raises(ValueError, match="fit: Y has 3 columns"):
        bochner.Estimator("softmax", "gerf").fit(X, Y[:, :3])
