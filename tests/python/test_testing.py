"""The conformance test: all that the registries make passes, each kind of wrong estimator fails for its own reason."""

import re
from dataclasses import dataclass

import numpy as np
import pytest

import bochner
from bochner.testing import check_estimator, combinations, default_points, walk

# Combinations that the walk leaves undecided, with the reason.
UNDECIDED = {}


@pytest.fixture(scope="module")
def walked():
    return list(walk())


def test_every_combination_conforms(walked):
    failed = [f"{one.name}: {check}" for one, report in walked for check in report.failures]
    assert not failed, "\n".join(failed)


def test_every_declared_mean_and_every_law_is_judged(walked):
    undecided = {}
    for one, report in walked:
        law = one.known in ("exact", "bound")
        for name, expected in (("mean", law or one.estimator._compiled.declared["unbiased"]), ("mse", law)):
            if report[name].outcome != ("passed" if expected else "skipped"):
                undecided[one.name] = f"{one.name}: {report[name]}"
    assert undecided.keys() == UNDECIDED.keys(), "\n".join(undecided.values())


def test_scores_of_the_walk_are_those_of_normal_numbers(walked):
    """One pair of each: pairs share draws, combinations do not."""
    tables = [report.measured for one, report in walked if one.known == "exact"]
    for column in ("z_mean", "z_mse"):
        z = np.array([table[column][0] for table in tables])
        # 4.5 standard errors of a mean of chi-squared numbers; estimates may be exact at a pair.
        assert abs((z[z != 0] ** 2).mean() - 1) < 4.5 * np.sqrt(2 / len(z)), column


def test_the_scores_that_are_judged_are_those_of_the_table(walked):
    judged = 0
    for one, report in walked:
        # The table has the law's mean squared error, but the kernel for the mean.
        if one.known != "exact" or not one.estimator._compiled.declared["unbiased"]:
            continue
        for name in ("mean", "mse"):
            told = re.match(r"z = ([+-]\d+\.\d)", report[name].detail)
            if told is None:
                continue
            z = report.measured[f"z_{name}"].replace([np.inf, -np.inf], np.nan).abs().max()
            assert abs(abs(float(told[1])) - z) < 0.051, f"{one.name}: {report[name]}, {z}"
            judged += 1
    assert judged > 100


def test_the_walk_leaves_out_nothing_without_a_reason(walked):
    everything = combinations()
    lists = (bochner.list_kernels, bochner.list_features, bochner.list_couplings)
    assert len(everything) == np.prod([len(entries()) for entries in lists])
    assert [one.name for one, _ in walked] == [one.name for one in everything if one.known != "refused"]
    for part, entries in zip(("kernel", "features", "coupling"), lists, strict=True):
        assert {getattr(one, part) for one, _ in walked} == {entry.name for entry in entries()}
    for one in everything:
        assert (one.reason != "") == (one.known != "exact"), one
        assert one.known != "refused" or one.reason.startswith("Estimator: "), one


@dataclass(frozen=True)
class Positive(bochner.FeaturesPlugin):
    factor: float = 1.0

    def draw(self, kernel, dim, m, rng, W):
        return lambda X: self.factor * np.exp(X @ W.T - 0.5 * (X**2).sum(1, keepdims=True)) / np.sqrt(m)


class DeclaredBiased(Positive):
    unbiased = False


class QRWithoutSigns(bochner.CouplingPlugin):
    needs_isotropic = True

    def draw(self, law, m, dim, rng):
        Q = np.concatenate([np.linalg.qr(rng.standard_normal((dim, dim)))[0].T for _ in range(0, m, dim)])[:m]
        return law.norms(m, dim, rng)[:, None] * Q


class SharedByAll(bochner.CouplingPlugin):
    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, np.random.default_rng(0))


class SharedByTwo(bochner.CouplingPlugin):
    """A cache from which the next draw of the same size is served."""

    kept = {}

    def draw(self, law, m, dim, rng):
        if (m, dim) in self.kept:
            return self.kept.pop((m, dim))
        self.kept[m, dim] = law.independent(m, dim, rng)
        return self.kept[m, dim]


class FewDraws(bochner.CouplingPlugin):
    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, np.random.default_rng(int(rng.integers(4))))


class Clock(bochner.CouplingPlugin):
    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, np.random.default_rng())


class PrefixLie(bochner.CouplingPlugin):
    prefixes_are_draws = True

    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, rng)[::-1]


@dataclass(frozen=True)
class SaysIndependent(bochner.CouplingPlugin):
    """Two of m rows are the same in this share of the draws: the variance is 1 + 2 share / m times what it says."""

    share: float = 1.0
    independent = True

    def draw(self, law, m, dim, rng):
        W = law.independent(m, dim, rng)
        if rng.uniform() < self.share:
            W[1] = W[0]
        return W


class WrongLaw(bochner.FrequencyLawPlugin):
    def sample(self, m, dim, rng):
        return 1.02 * rng.standard_normal((m, dim))

    def cosine_gap(self, u):
        return -np.expm1(-0.5 * (u @ u))


class KernelOfWrongLaw(bochner.KernelPlugin):
    frequency_law = WrongLaw()

    def evaluate(self, X, Y):
        return np.exp(-0.5 * ((X[:, None] - Y) ** 2).sum(-1))


class BatchDependent(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        return lambda X: np.exp(X @ W.T - X.max()) / np.sqrt(m)


class OneColumnMore(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        return lambda X: np.exp(X @ np.vstack([W, W[:1]]).T) / np.sqrt(m)


class Complex(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        return lambda X: np.exp(1j * X @ W.T) / np.sqrt(m)


class NarrowRange(bochner.FeaturesPlugin):
    def draw(self, kernel, dim, m, rng, W):
        return lambda X: np.exp(X @ W.T + 0.5 * (X**2).sum(1, keepdims=True)) / np.sqrt(m)


class Unpicklable(bochner.CouplingPlugin):
    def __init__(self):
        self.function = lambda: None

    def draw(self, law, m, dim, rng):
        return law.independent(m, dim, rng)


# One pair at which cosines have light tails, |x - y|^2 = 4. At m = 2 the mean squared error is 1 + share too large.
FAR = {"X": [[1.0, 0.0, 0.0]], "Y": [[-1.0, 0.0, 0.0]], "m": 2}
# Wrong ones, the checks that fail, and no others, and how they are looked at.
WRONG = {
    "scale": ("softmax", Positive(1.01**0.5), "iid", ["mean"], {}),
    "QR without signs": ("softmax", "positive", QRWithoutSigns(), ["mean"], {"dim": 8}),
    "law of the mean": (KernelOfWrongLaw(), "trigonometric", "iid", ["mean", "mse"], {"max_trials": 2**16}),
    "law of the mse": ("gaussian", "trigonometric", SaysIndependent(0.03), ["mse"], FAR),
    "features of one draw": ("gaussian", "trigonometric", SaysIndependent(), ["mse"], {"max_trials": 2**14}),
    "trials of one draw": ("softmax", "positive", SharedByAll(), ["trials independent", "mean"], {}),
    "few draws": ("softmax", "positive", FewDraws(), ["mean"], {}),
    "not deterministic": ("softmax", "positive", Clock(), ["deterministic", "threads"], {}),
    "prefixes": ("softmax", "positive", PrefixLie(), ["prefixes"], {}),
    "batch": ("softmax", BatchDependent(), "iid", ["rows independent", "mean"], {}),
    "pickling": ("softmax", "positive", Unpicklable(), ["pickling"], {}),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_ones_fail(name):
    *parts, checks, how = WRONG[name]
    report = check_estimator(bochner.Estimator(*parts), raises=False, **{"dim": 3, **how})
    assert [check.name for check in report.failures] == checks, str(report)


def test_a_cache_of_draws_shows():
    report = check_estimator(bochner.Estimator("softmax", "positive", SharedByTwo()), dim=3, raises=False)
    assert report["deterministic"].outcome == report["trials independent"].outcome == "failed", str(report)


@pytest.mark.parametrize(
    ("features", "text"),
    [
        (OneColumnMore(), r"has shape \(4, 7\); expected \(4, 6\)"),
        (Complex(), "complex128"),
        (NarrowRange(), "overflow"),
    ],
)
def test_wrong_shapes_and_types_fail_with_the_reason(features, text):
    with pytest.raises(AssertionError, match=f"check_estimator: (?s:.*){text}"):
        check_estimator(bochner.Estimator("softmax", features, "iid"), dim=3)


def test_right_scale_of_the_same_features_passes():
    report = check_estimator(bochner.Estimator("softmax", Positive(), "iid"), dim=3)
    assert report["mean"].outcome == "passed" and report["mse"].outcome == "skipped"


def test_what_is_declared_biased_passes_with_its_size():
    report = check_estimator(bochner.Estimator("softmax", DeclaredBiased(1.1), "iid"), dim=3)
    assert report["mean"].outcome == "skipped"
    assert report["mean"].detail.startswith("declared biased; bias +")


def test_declared_bias_of_a_law_is_checked_not_refused():
    report = check_estimator(bochner.Estimator("softmax", "positive", "orthogonal", "constant"), dim=3, m=5)
    assert report["mean"].outcome == report["mse"].outcome == "passed"
    assert abs(report.measured["bias"]).max() > 1e-3


def test_trials_are_those_of_the_kurtosis():
    report = check_estimator(bochner.Estimator("softmax", "positive", "iid"), m=6)
    v = 0.16
    powers = np.exp(v * np.arange(5) * np.arange(-1, 4) / 2)  # E X^k / (E X)^k of X = exp(w.z)
    central = [powers[2] - 1, powers[4] - 4 * powers[3] + 6 * powers[2] - 3]
    kurtosis = 3 + (central[1] / central[0] ** 2 - 3) / 6
    trials = (6.145 / 0.03) ** 2 * (kurtosis - 1)
    # The largest of four pairs, each known from 4,096 trials to about 8 %.
    assert trials < report.measured["trials"][0] < 1.3 * trials


def with_heavy_tails(features, squared_norm):
    """x = y, and |x + y|^2 as given."""
    X = default_points(4)[0]
    X *= np.sqrt(squared_norm) / 2 / np.linalg.norm(X, axis=1, keepdims=True)
    return check_estimator(bochner.Estimator("softmax", features, "iid"), X=X, Y=X)


def test_heavy_tails_are_judged_by_tilted_draws():
    report = with_heavy_tails("positive", 2.25)
    assert set(report.measured["sampler"]) == {"tilted"}
    assert report["mean"].outcome == report["mse"].outcome == "passed", str(report)


def test_heavy_tails_without_tilted_draws_are_not_judged():
    report = with_heavy_tails(Positive(), 4.0)
    assert report["mean"].outcome == "undecided"
    assert "no z-score at pairs 0, 1, 2, 3: skewness up to" in report["mean"].detail


def test_what_is_not_an_estimator_is_refused():
    with pytest.raises(TypeError, match="check_estimator: estimator is a str"):
        check_estimator("softmax")
    with pytest.raises(ValueError, match="check_estimator: mse_error is 0"):
        check_estimator(bochner.Estimator(), mse_error=0)
