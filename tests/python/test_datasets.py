"""The data sets of the table of estimators, and its numbers against plain formulas."""

import gzip
import os

import numpy as np
import pandas as pd
import pytest

import bochner
from bochner import baselines
from bochner.reproduce import datasets, optional, real_data
from bochner.reproduce.datasets import Datasets, Task, estimators, frequencies, measure, spectral_error, summary

RNG = np.random.default_rng(8)


def installed():
    return [data for data in real_data.DATASETS if data.missing() is None]


@pytest.mark.parametrize("data", installed(), ids=lambda data: data.name)
def test_samples_are_finite_centred_and_follow_the_seed(data):
    sample, again, other = (data.load(60, seed) for seed in (1, 1, 2))
    assert len(sample.X) == len(sample.Y) == 60
    assert np.isfinite(sample.X).all()
    np.testing.assert_allclose(sample.Y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_array_equal(sample.X, again.X)
    assert not np.array_equal(sample.X, other.X)
    if sample.queries is not None:
        assert sample.queries.shape == sample.X.shape


def test_what_is_not_installed_is_left_out_and_the_page_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv(real_data.FOLDER, str(tmp_path))
    monkeypatch.setattr(real_data, "_find", lambda path: None)
    figure = Datasets("quick", 0)
    assert figure.skip() is None
    names = [part.name for part in figure.parts()]
    assert "synthetic-gaussian" in names
    assert not [name for name in names if name.startswith(("letters", "shuttle", "fashion"))]
    caption = figure.caption({})
    assert "apt-get install dataset-fashion-mnist" in caption
    assert "dpkg-deb -x dataset-fashion-mnist_*.deb DIR" in caption
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    assert "pip install rdata" in figure.caption({})


def test_fashion_is_read_from_a_folder_of_the_user(monkeypatch, tmp_path):
    folder = tmp_path / real_data.FASHION
    os.makedirs(folder)
    images = RNG.integers(256, size=(30, 784), dtype=np.uint8)
    labels = np.arange(30, dtype=np.uint8) % 10
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(16) + images.tobytes()))
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(bytes(8) + labels.tobytes()))
    monkeypatch.setenv(real_data.FOLDER, str(tmp_path))
    real_data._fashion.cache_clear()
    try:
        assert real_data._missing_package(real_data.FASHION, "dataset-fashion-mnist") is None
        X, Y = real_data._fashion()
    finally:
        real_data._fashion.cache_clear()
    np.testing.assert_array_equal(X * 255, images)
    np.testing.assert_array_equal(Y.argmax(axis=1), labels)
    assert Y.sum() == 30


def test_every_family_that_estimates_the_kernel_is_there():
    found = estimators("gaussian")
    assert {("trigonometric", "iid"), ("positive", "orthogonal"), ("hyperbolic", "iid")} <= set(found)
    assert not {"relu", "gelu"} & {features for features, _ in found}
    couplings = {coupling for features, coupling in found if features == datasets.FAMILY}
    assert {"iid", "orthogonal"} <= couplings
    for features, coupling in found:
        estimator = bochner.Estimator("gaussian", features, coupling).fit(RNG.standard_normal((20, 5)))
        assert 0 < estimator.draw(5, frequencies(estimator, 5, 64)).features <= 64


def tiny_task(n=30, test=12):
    figure = Datasets("quick", 3)
    figure.setting = {"points": n, "test": test, "p": [8, 16], "trials": 2, "pairs": 40}
    return figure, figure._task(real_data.DATASETS[0], "gaussian")


def test_errors_are_those_of_plain_formulas():
    _, task = tiny_task()
    kernel, X, T = task.kernel, task.rows, task.test_rows
    K, ridge, n = kernel.gram(X), task.ridge, len(X)
    fitted = baselines.nystrom(kernel, X, 7, seed=1)
    found = measure(task, lambda: lambda: fitted, whole=True)
    difference = fitted.gram(T) - kernel.gram(T)
    assert found["mse"] == pytest.approx(np.mean(difference[task.pairs] ** 2))
    values, vectors = np.linalg.eigh(K + ridge * np.eye(n))
    root = vectors / np.sqrt(values) @ vectors.T
    expected = np.linalg.norm(root @ (fitted.gram(X) - K) @ root, 2)
    assert found["spectral"] == pytest.approx(expected, rel=1e-3)
    exact = kernel.gram(T, X) @ np.linalg.solve(K + ridge * np.eye(n), task.targets)
    approximate = fitted.gram(T, X) @ np.linalg.solve(fitted.gram(X) + ridge * np.eye(n), task.targets)
    risk = np.mean((approximate - task.test_targets) ** 2) / np.mean((exact - task.test_targets) ** 2)
    assert found["risk_ratio"] == pytest.approx(risk, rel=1e-9)
    assert found["p"] == found["m"] == 7


def test_features_of_the_whole_kernel_have_no_error():
    _, task = tiny_task()
    everything = baselines.LandmarkMap(task.kernel, np.vstack([task.rows, task.test_rows]))
    found = measure(task, lambda: lambda: everything, whole=True)
    assert found["mse"] < 1e-20
    assert found["spectral"] < 1e-8
    assert found["risk_ratio"] == pytest.approx(1, abs=1e-6)


def test_spectral_error_is_the_largest_eigenvalue_in_size():
    values = np.array([0.5, 0.1, -3.0, 2.0, 0.0, 1.0])
    Q = np.linalg.qr(RNG.standard_normal((6, 6)))[0]
    A = RNG.standard_normal((6, 2))
    assert spectral_error(A, A @ A.T - Q @ np.diag(values) @ Q.T) == pytest.approx(3, rel=1e-3)


def test_rows_have_equal_sizes_and_equal_times():
    figure, task = tiny_task()
    frame = figure._measure(real_data.DATASETS[0], "gaussian")
    own = frame[frame["asked"] > 0]
    assert (own["p"] <= own["asked"]).all()
    assert set(frame["features"]) >= {"trigonometric", "positive", *baselines.METHODS}
    assert frame.groupby(["features", "coupling", "asked"])["trial"].nunique().eq(2).all()
    random = own[own["coupling"] != datasets.BASELINE]
    lawful = random["features"].isin(["trigonometric", "positive"]) & random["coupling"].isin(["iid", "orthogonal"])
    assert random[lawful]["law_mse"].notna().all()
    law = bochner.Estimator(task.kernel, "positive", "iid").law(*task.at_pairs, 8).mse.mean()
    rows = random[(random["features"] == "positive") & (random["coupling"] == "iid") & (random["asked"] == 8)]
    np.testing.assert_allclose(rows["law_mse"], law)
    table = summary(frame)
    keeper = table[(table["features"] == datasets.TIMEKEEPER) & (table["asked"] == 0)]
    assert keeper["p"].tolist() == [16]
    assert (table.dropna(subset="law_error")["law_error"] > 0).all()


def test_measured_error_follows_the_law():
    """The mean over draws of measured over exact is 1; a wrong scale of the features would show."""
    figure, _ = tiny_task()
    figure.setting = {"points": 20, "test": 60, "p": [16], "trials": 60, "pairs": 300}
    task = figure._task(real_data.DATASETS[0], "gaussian")
    estimator = bochner.Estimator(task.kernel, "trigonometric", "orthogonal")
    law = estimator.law(*task.at_pairs, 8).mse.mean()
    errors = [
        measure(task, lambda trial=trial: lambda: estimator.draw(16, 8, 5, trial), whole=False)["mse"]
        for trial in range(400)
    ]
    z = (np.mean(errors) - law) / (np.std(errors, ddof=1) / np.sqrt(len(errors)))
    assert abs(z) < 4
    assert np.std(errors) / np.sqrt(len(errors)) < 0.05 * law


def test_verdicts_of_made_up_numbers():
    rows = []
    for data in ("a", "b", "c"):
        for features, coupling, mse in (
            ("trigonometric", "iid", 4e-4),
            ("trigonometric", "orthogonal", 1e-4),
            ("nystrom", datasets.BASELINE, 1e-6),
        ):
            for asked in (0, 64):
                for trial, factor in enumerate((0.9, 1.1, 1.0)):
                    rows.append(
                        {
                            "data": data,
                            "kernel": "gaussian",
                            "features": features,
                            "coupling": coupling,
                            "asked": asked,
                            "m": 32,
                            "p": 64,
                            "trial": trial,
                            "mse": mse * factor * (100 if features == "nystrom" and asked == 0 else 1),
                            "kernel_ms": 1.0,
                            "law_mse": np.nan if coupling == datasets.BASELINE else mse,
                            "draw_ms": 1.0,
                            "transform_ms": 1.0,
                            "spectral": 0.1,
                            "risk_ratio": 1.3,
                        }
                    )
    figure = Datasets("quick", 0)
    found = {verdict.claim: verdict for verdict in figure.verdicts({"datasets": pd.DataFrame(rows)})}
    assert found["Laws on all data sets"].outcome == "holds"
    assert found["Orthogonal on all data sets"].outcome == "holds"
    assert found["Orthogonal on all data sets"].value == pytest.approx(0.25)
    equal_p = found["Landmarks against random features at equal p"]
    assert (equal_p.outcome, equal_p.value) == ("holds", pytest.approx(0.1))
    assert found["Landmarks against random features at equal time"].value == pytest.approx(1)
    assert found["Landmarks against random features at equal time"].outcome != "holds"
    assert found["Kernel ridge regression"].outcome == "does not hold"
    wrong = pd.DataFrame(rows).assign(mse=lambda frame: 2 * frame["mse"])
    assert figure.verdicts({"datasets": wrong})[0].outcome == "does not hold"


def test_one_thread_is_given_back():
    before = bochner.get_num_threads()
    try:
        bochner.set_num_threads(3)
        with pytest.raises(RuntimeError), datasets.one_thread():
            assert bochner.get_num_threads() == 1
            raise RuntimeError
        assert bochner.get_num_threads() == 3
    finally:
        bochner.set_num_threads(before)


def test_task_of_softmax_has_two_sides():
    figure, _ = tiny_task()
    task = figure._task(real_data.DATASETS[0], "softmax")
    assert isinstance(task, Task)
    assert not task.square
    assert task.whitener is None
    assert np.mean(np.sum(task.rows**2, axis=1)) == pytest.approx(1, rel=0.2)
