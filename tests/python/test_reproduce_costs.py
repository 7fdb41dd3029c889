"""Fig 3: fitted exponents, the bound, the measuring of memory, and the calls that are compared."""

import math

import numpy as np
import pandas as pd
import pytest

from bochner.reproduce import attention_costs, fig3, optional
from bochner.reproduce.attention_costs import BOUND, EXACT, FAVOR, REST, STORED
from bochner.reproduce.verdict import FAILS, HOLDS, UNDECIDED

LENGTHS = [2**k for k in range(8, 14)]


def times(exponents, noise=0.02, rounds=5, offset=0.0):
    """Rounds of milliseconds offset + (L / 1000)^exponent, with a relative error of `noise`."""
    generator = np.random.default_rng(0)
    rows = [
        (1, length, causal, method, kind, index, (length / 1000) ** power * np.exp(generator.normal(0, noise)) + offset)
        for method, power in exponents.items()
        for length in LENGTHS
        for causal in (False, True)
        for kind in ("forward", "both")
        for index in range(rounds)
    ]
    return pd.DataFrame(rows, columns=["heads", "L", "causal", "method", "pass", "round", "milliseconds"])


def test_exponent_is_found_on_the_upper_half():
    # What does not grow with L weighs at small L only.
    frame = times({FAVOR: 2.0}, offset=0.1)
    own = frame[~frame["causal"] & (frame["pass"] == "forward")]
    found = fig3.exponent(own, "milliseconds")
    # Three points, the outer ones log 2 from the middle: a standard error of 0.02 / (log(2) sqrt(2)) in a round, 0.009
    # in five; and what does not grow takes 0.012. On all lengths it would take 0.2.
    assert abs(found.value - 2) < 4.5 * 0.009 + 0.012
    assert found.low < found.value < found.high < found.value + 0.1


def test_exponents_of_new_rounds_lie_in_the_interval():
    generator = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        frame = times({FAVOR: 1.0}, noise=0)
        own = frame[~frame["causal"] & (frame["pass"] == "forward")]
        own = own.assign(milliseconds=own["milliseconds"] * np.exp(generator.normal(0, 0.1, len(own))))
        found = fig3.exponent(own, "milliseconds")
        covered += found.low <= 1 <= found.high
    # 400 repeats know a share of 0.95 to a standard error of 0.011.
    assert abs(covered / 400 - 0.95) < 4.5 * 0.011


@pytest.mark.parametrize(
    ("power", "noise", "outcome"), [(1.0, 0.02, HOLDS), (1.3, 0.02, FAILS), (2.0, 0.02, FAILS), (1.1, 0.05, UNDECIDED)]
)
def test_only_linear_time_is_called_linear(power, noise, outcome):
    frame = times({FAVOR: power, EXACT: 2.0}, noise)
    assert fig3.judge_linear(frame, "forward").outcome == outcome


def test_one_case_that_is_not_linear_spoils_the_claim():
    frame = times({FAVOR: 1.0, EXACT: 2.0})
    frame.loc[frame["causal"], "milliseconds"] *= frame["L"] / 1000
    assert fig3.judge_linear(frame, "both").outcome == FAILS


def test_layer_is_attention_and_the_rest():
    frame = times({FAVOR: 1.0, BOUND: 1.0, REST: 1.0}, noise=0)
    frame.loc[frame["method"] == REST, "milliseconds"] *= 3
    frame.loc[frame["method"] == FAVOR, "milliseconds"] *= 5
    ratio = fig3.layer_ratio(frame, FAVOR, "forward", True, 1024)
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2.0, 2.0, 2.0))


def memory(powers):
    rows = [
        (1, length, causal, method, kind, 256.0 * length * (length / 1024) ** (power - 1))
        for method, power in powers.items()
        for length in LENGTHS
        for causal in (False, True)
        for kind in ("forward", "both")
    ]
    return pd.DataFrame(rows, columns=["heads", "L", "causal", "method", "pass", "peak"])


@pytest.mark.parametrize(("power", "outcome"), [(1.0, HOLDS), (1.5, FAILS), (2.0, FAILS)])
def test_only_linear_memory_is_called_linear(power, outcome):
    verdict = fig3.judge_memory(memory({FAVOR: power, EXACT: 1.0, STORED: 2.0, BOUND: 1.0}))
    assert verdict.outcome == outcome
    assert verdict.value == pytest.approx(power)


def test_methods_with_different_lengths_are_compared_at_the_longest_common_one():
    frame = memory({FAVOR: 1.0, EXACT: 1.0, STORED: 2.0, BOUND: 1.0})
    frame = frame[(frame["L"] <= 2**11) | ~frame["method"].isin([EXACT, STORED])]
    verdict = fig3.judge_memory(frame[(frame["L"] <= 2**10) | (frame["method"] != EXACT)])
    assert "at L = 1,024: FAVOR+ 0.25 MiB" in verdict.note


def test_memory_that_the_system_does_not_tell_decides_nothing():
    frame = memory({FAVOR: 1.0, EXACT: 1.0, STORED: 2.0, BOUND: 1.0}).assign(peak=math.nan)
    verdict = fig3.judge_memory(frame)
    assert verdict.outcome == UNDECIDED
    assert "does not tell" in verdict.note


def test_missing_packages_are_named_with_the_command(monkeypatch):
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    reason = fig3.Fig3("quick", 0).skip()
    assert "torch is not installed" in reason and "pip install torch==2.13.0" in reason
    monkeypatch.undo()
    assert optional.missing("numpy") is None


def case(method, length, kind="forward", heads=1):
    settings = {"d": 64, "m": 64, "causal": False, "seed": 0}
    return {"method": method, "heads": heads, "length": length, "pass": kind, **settings}


def test_peaks_are_what_is_allocated():
    pytest.importorskip("torch")
    length = 2**14
    output = 4 * 64 * length
    cases = [
        case(BOUND, length),
        case(BOUND, length, "both"),
        case(STORED, 2**11),
        # After a larger one, whose memory must not be used again.
        case(BOUND, length),
        case(FAVOR, length),
    ]
    peaks = attention_costs.peak_memory(cases, threads=1)
    if math.isnan(peaks[0]):
        pytest.skip("this system does not tell the peak of the memory")
    # The kernel counts pages in batches, and an interpreter has small change.
    slack = 2**19
    assert abs(peaks[0] - output) < slack
    assert abs(peaks[1] - 2 * output) < slack
    # Scores, scores times scale and their exponentials are not all alive at the same time.
    assert 2 * 4 * 2**22 <= peaks[2] < 4 * 4 * 2**22
    assert abs(peaks[3] - output) < slack
    # Ours: the output, and working memory that knows nothing of L; an L x m array would be as large as the output.
    assert output - slack < peaks[4] < output + 2**21


def test_failure_of_the_measuring_process_is_told():
    pytest.importorskip("torch")
    with pytest.raises(RuntimeError, match="KeyError: 'no such method'"):
        attention_costs.peak_memory([case("no such method", 64)], threads=1)


@pytest.mark.parametrize("causal", [False, True])
def test_exact_attention_is_the_formula(causal):
    torch = pytest.importorskip("torch")
    made = {
        method: attention_costs.calls(method, heads=2, length=70, d=16, m=8, causal=causal, seed=3)
        for method in (EXACT, STORED)
    }
    first, second = (made[method]["both"]() for method in (EXACT, STORED))
    # Single precision: sums of 70 terms of size one.
    torch.testing.assert_close(first[0], second[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(first[1], second[1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(made[EXACT]["forward"](), first[0].detach(), atol=1e-6, rtol=1e-6)


def test_ours_is_near_the_exact_one_on_the_same_arrays():
    pytest.importorskip("torch")
    settings = {"heads": 2, "length": 50, "d": 4, "causal": True, "seed": 5}
    exact = attention_costs.calls(EXACT, m=1, **settings)["forward"]().numpy()
    ours = attention_costs.calls(FAVOR, m=4096, **settings)["forward"]()
    # Features leave 5 % here; other arrays or another scale would leave more than the output itself.
    assert np.square(ours - exact).mean() < 0.2 * np.square(exact).mean()


def test_layer_computes_all_its_gradients():
    pytest.importorskip("torch")
    passes = attention_costs.layer_without_attention(heads=2, length=5, d=4, inner=8)
    gradients = passes["both"]()
    # Three weights and biases of matrices in the MLP and beside it, and two norms.
    assert len(gradients) == 12
    assert all(float(gradient.abs().max()) > 0 for gradient in gradients)
    # The first is that of the projections: queries, keys and values each have one.
    assert all(float(part.abs().max()) > 0 for part in gradients[0].chunk(3))
