"""Figs 16 and 17 against plain sums, and what their verdicts say."""

import numpy as np
import pandas as pd
import pytest

import bochner
from bochner.reproduce import fig16, real_heads
from bochner.reproduce.fig16 import SOFTMAX, Fig16, best_scale, errors, functions, ranked

RNG = np.random.default_rng(2)


def test_errors_are_those_of_plain_sums():
    arrays = RNG.standard_normal((3, 2, 4, 20, 6))
    query, key, value = arrays
    exact = bochner.exact_attention(query, key, value)
    feature_map = bochner.Estimator("softmax", bochner.Features("tanh", epsilon=fig16.EPSILON)).draw(6, 30, 1)
    found = errors(feature_map, arrays, exact)
    root = 6**-0.25
    for index in np.ndindex(2, 4):
        phi_q, phi_k = (feature_map.transform(root * rows[index]) for rows in (query, key))
        weights = phi_q @ phi_k.T
        plain, sums = weights @ value[index], weights.sum(1)
        scale = np.sum(plain * exact[index]) / np.sum(plain**2)
        expected = {
            (True, "relative"): np.mean((plain / sums[:, None] - exact[index]) ** 2),
            (False, "relative"): np.mean((plain - exact[index]) ** 2),
            (False, "scaled"): np.mean((scale * plain - exact[index]) ** 2),
            (True, "nonpositive"): np.mean(sums <= 0),
        }
        for (renormalize, name), number in expected.items():
            assert found[renormalize][name][index] == pytest.approx(number, rel=1e-9)


def test_renormalised_outputs_are_those_of_attention():
    arrays = RNG.standard_normal((3, 1, 2, 30, 8))
    exact = bochner.exact_attention(*arrays)
    for features in (SOFTMAX, bochner.Features("relu", epsilon=fig16.EPSILON)):
        feature_map = bochner.Estimator("softmax", features).draw(8, 40)
        out = bochner.attention(*arrays, feature_map)
        found = errors(feature_map, arrays, exact)[True]["relative"]
        np.testing.assert_allclose(found, np.mean((out - exact) ** 2, axis=(-2, -1)), rtol=1e-9)


def test_best_scale_is_best_and_of_nothing_is_zero():
    out, exact = RNG.standard_normal((2, 3, 10, 4))
    best = best_scale(out, exact)
    for factor in (0.9, 1.1):
        assert (((best * out - exact) ** 2).sum((1, 2)) < ((factor * best * out - exact) ** 2).sum((1, 2))).all()
    np.testing.assert_array_equal(best_scale(0 * out, exact), 0)


def test_all_functions_with_a_name_are_compared():
    assert set(functions()) >= {"relu", "gelu", "exp", "cos", "identity", SOFTMAX}
    assert "trigonometric" not in functions()


def test_parts_without_the_model_are_normal_inputs_only(monkeypatch):
    monkeypatch.setattr(real_heads, "missing", lambda: "pip install something")
    figure = Fig16("quick", 0)
    names = [part.name for part in figure.parts()]
    assert names == [f"normal-{index}" for index in range(figure.setting["inputs"])]
    figure.setting = figure.setting | {"L": 24, "m": 16, "inputs": 3}
    data = {"fig16": pd.concat([part.compute() for part in figure.parts()[:3]], ignore_index=True)}
    assert (data["fig16"].groupby(["function", "renormalize"]).size() == 3).all()
    assert "pip install something" in figure.caption(data)
    assert len(figure.verdicts(data)) == 4
    # The best scale cannot do worse than an output of zeros.
    off = data["fig16"][~data["fig16"]["renormalize"]]
    assert (off["scaled"] <= off["zero"] * (1 + 1e-9)).all()


def made_up(values):
    rows = [
        {
            "source": "standard normal",
            "input": index,
            "layer": 0,
            "head": 0,
            "function": function,
            "renormalize": renormalize,
            "relative": value * (1 + 0.01 * index) * (1 if renormalize else 40),
            "scaled": value * 2,
            "zero": 3.0,
            "nonpositive": 0.0,
        }
        for function, value in values.items()
        for renormalize in (True, False)
        for index in range(5)
    ]
    return {"fig16": pd.DataFrame(rows)}


@pytest.mark.parametrize(("gelu", "outcome"), [(0.9, "holds"), (0.4, "does not hold")])
def test_verdicts_of_made_up_numbers(gelu, outcome):
    data = made_up({"relu": 0.5, "gelu": gelu, "cos": 7.0, SOFTMAX: 0.2})
    best, renormalisation, averaging, softmax = Fig16("quick", 0).verdicts(data)
    assert best.outcome == outcome
    assert best.value == pytest.approx(0.5 / gelu)
    assert "gelu" in best.measured and "training" in best.note
    assert renormalisation.outcome == "holds"
    assert renormalisation.value == pytest.approx(0.51, rel=0.01)
    assert averaging.outcome == "holds"
    assert softmax.outcome == "does not hold"
    assert softmax.value == pytest.approx(2.5)
    assert ranked(data["fig16"])[0] == SOFTMAX
