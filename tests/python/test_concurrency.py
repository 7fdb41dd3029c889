"""Threads, shards, Ctrl-C, progress, and a free interpreter while the compiled part works."""

import itertools
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pandas as pd
import pytest

import bochner

RNG = np.random.default_rng(5)


@pytest.fixture
def threads():
    before = bochner.get_num_threads()
    yield bochner.set_num_threads
    bochner.set_num_threads(before)


def run_pointwise(**options):
    X, Y = np.random.default_rng(1).normal(size=(2, 3, 4)) / 2
    estimator = bochner.Estimator("softmax", "positive", "orthogonal")
    return {"estimator": estimator, "X": X, "Y": Y, "m": [3, 8], "trials": 1000, **options}


def computations():
    X = RNG.normal(size=(3000, 32))
    feature_map = bochner.Estimator("softmax", "hyperbolic").draw(32, 100)
    estimator = bochner.Estimator("gaussian", "positive")
    heads = RNG.normal(size=(3, 2, 4, 700, 16))
    small_map = bochner.Estimator("softmax", "positive").draw(16, 64)
    experiments = bochner.experiments
    return {
        "transform": lambda: feature_map.transform(X),
        "transform_scaled": lambda: np.hstack([*feature_map.transform_scaled(X)[:1]]),
        "gram": lambda: feature_map.gram(X, X[:500]),
        "kernel.gram": lambda: estimator.kernel.gram(X[:800]),
        "law": lambda: np.array(list(vars(estimator.law(X, X[::-1], 7)).values())),
        "attention": lambda: bochner.attention(*heads, small_map),
        "causal": lambda: bochner.attention(*heads, small_map, causal=True),
        "exact_attention": lambda: bochner.exact_attention(*heads),
        "pointwise": lambda: experiments.pointwise(**run_pointwise()),
        "pointwise tilted": lambda: experiments.pointwise(**run_pointwise(sampler="tilted")),
        "experiments.attention": lambda: experiments.attention(estimator, *heads[:, 0, :, :50], [4, 8], trials=4),
        "coverage": lambda: experiments.coverage(**run_pointwise(trials=32), repeats=20),
    }


@pytest.mark.parametrize("name", computations())
def test_one_thread_and_two_give_the_same_bits(name, threads):
    compute = computations()[name]
    state = RNG.bit_generator.state
    results = []
    for count in (1, 2, 5):
        RNG.bit_generator.state = state
        threads(count)
        results.append(compute())
    for result in results[1:]:
        if isinstance(result, pd.DataFrame):
            pd.testing.assert_frame_equal(result, results[0], check_exact=True)
        else:
            assert result.tobytes() == results[0].tobytes()


@pytest.mark.parametrize("sampler", ["plain", "tilted"])
def test_shards_merge_to_the_same_bits(sampler):
    run = run_pointwise(sampler=sampler)
    whole = bochner.experiments.pointwise(**run)
    for count in (1, 2, 5):
        bounds = bochner.experiments.shard_bounds(run["trials"], count)
        assert len(bounds) == count
        shards = [bochner.experiments.pointwise_shard(**run, begin=a, end=b) for a, b in bounds]
        shards = pickle.loads(pickle.dumps(shards[::-1]))
        merged = bochner.experiments.merge(shards)
        pd.testing.assert_frame_equal(merged, whole, check_exact=True)
    assert shards[0].trials == 1000
    assert repr(shards[-1]).startswith("PointwiseShard(begin=0, end=")


def test_part_of_the_shards_is_a_smaller_run():
    run = run_pointwise()
    bounds = bochner.experiments.shard_bounds(1000, 4)
    shards = [bochner.experiments.pointwise_shard(**run, begin=a, end=b) for a, b in bounds]
    part = bochner.experiments.merge(shards[1:3])
    assert (part["trials"] == bounds[2][1] - bounds[1][0]).all()
    with pytest.raises(ValueError, match="gap"):
        bochner.experiments.merge([shards[0], shards[2]])
    with pytest.raises(ValueError, match="overlap"):
        bochner.experiments.merge([shards[0], shards[0]])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 1}, "seed"),
        ({"m": [3, 9]}, "m"),
        ({"sampler": "tilted"}, "sampler"),
        ({"X": np.zeros((3, 4))}, "X or Y"),
        ({"estimator": bochner.Estimator("softmax", "positive", "iid")}, "estimator"),
    ],
)
def test_shards_of_different_runs_do_not_merge(change, word):
    bounds = bochner.experiments.shard_bounds(1000, 2)
    runs = (run_pointwise(), run_pointwise(**change))
    shards = [
        bochner.experiments.pointwise_shard(**run, begin=a, end=b) for run, (a, b) in zip(runs, bounds, strict=True)
    ]
    with pytest.raises(ValueError, match=f"different runs: {word}; expected one run"):
        bochner.experiments.merge(shards)


def test_shard_bounds_cover_the_run():
    for trials in (1, 15, 16, 17, 1000, 10_000, 1_000_003, 2**63 - 1):
        for count in (1, 2, 7, 1000):
            bounds = bochner.experiments.shard_bounds(trials, count)
            assert bounds[0][0] == 0 and bounds[-1][1] == trials
            assert all(a < b for a, b in bounds)
            assert all(one[1] == two[0] for one, two in itertools.pairwise(bounds))
            assert len(bounds) <= min(count, 128)


def test_the_interpreter_is_free_while_the_compiled_part_works(threads):
    threads(1)
    X = RNG.normal(size=(1500, 64))
    kernel = bochner.Kernel("gaussian")
    counts = []
    stop = threading.Event()

    def count():
        while not stop.is_set():
            counts.append(time.perf_counter())
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    try:
        begin = time.perf_counter()
        kernel.gram(X)
        end = time.perf_counter()
    finally:
        stop.set()
        counter.join()
    inside = sum(begin < moment < end for moment in counts)
    # Holding the interpreter for the whole call would leave one or two.
    assert inside > 5, f"{inside} steps of another thread in {end - begin:.3f} s"


def test_progress_is_told_and_may_stop():
    told = []
    run = run_pointwise(progress=lambda done, total: told.append((done, total)))
    bochner.experiments.pointwise(**run)
    assert told[-1][0] == told[-1][1] > 0
    assert [done for done, _ in told] == sorted(done for done, _ in told)

    def stop(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        bochner.experiments.pointwise(**run_pointwise(trials=10**6, progress=stop))


LONG = {
    "pointwise": "bochner.experiments.pointwise(e, X, X, 64, trials=2**30)",
    "pointwise tilted": "bochner.experiments.pointwise(e, X, X, 64, 2**30, sampler='tilted')",
    "coverage": "bochner.experiments.coverage(e, X, X, 64, 1000, repeats=10**6)",
    "experiments.attention": "bochner.experiments.attention(e, X, X, X, 64, trials=10**5)",
    "experiments.gram": "bochner.experiments.gram(e, X, 64, trials=10**6)",
    "exact_attention": "bochner.exact_attention(*np.zeros((3, 60, 9000, 8)))",
    "kernel.gram": "e.kernel.gram(np.zeros((30000, 600)), np.zeros((500, 600)))",
}


@pytest.mark.skipif(os.name != "posix", reason="sends SIGINT")
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("name", LONG)
def test_ctrl_c_ends_a_long_call_within_a_second(name, count):
    # Imported at the first call, where it would be interrupted.
    late = "import scipy.stats" if name == "coverage" else ""
    script = f"""
        import bochner, numpy as np, os, signal
        # Whoever starts the tests in the background has it ignored, and children inherit that.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        bochner.set_num_threads({count})
        X = np.random.default_rng(0).normal(size=(200, 8)) / 4
        e = bochner.Estimator()
        {late}
        print("ready", flush=True)
        try:
            {LONG[name]}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
            os._exit(0)  # the end of the interpreter is not what is timed
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.3)
            process.send_signal(signal.SIGINT)
            sent = time.perf_counter()
            out, _ = process.communicate(timeout=20)
            assert out == "interrupted\n"
            assert time.perf_counter() - sent < 1
        finally:
            process.kill()
