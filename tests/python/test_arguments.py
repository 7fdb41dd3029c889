"""Types and shapes that are taken, and the message for everything that is not."""

import re

import numpy as np
import pandas as pd
import pytest

import bochner

DIM, M = 3, 4
X = np.random.default_rng(3).normal(size=(5, DIM))
NAN = np.where(np.arange(5 * DIM).reshape(5, DIM) == 7, np.nan, X)
INF = np.where(np.arange(5 * DIM).reshape(5, DIM) == 7, -np.inf, X)
KERNEL = bochner.Kernel("softmax")
ESTIMATOR = bochner.Estimator()
MAP = ESTIMATOR.draw(DIM, M)
EXPERIMENTS = bochner.experiments


def attention(Q=X, K=X, V=X, maps=MAP, **options):
    return bochner.attention(Q, K, V, maps, **options)


def pointwise(estimator=ESTIMATOR, X=X, Y=X, m=M, trials=16, **options):
    return EXPERIMENTS.pointwise(estimator, X, Y, m, trials, **options)


# What has rows of points: (function name in the message, call with these points).
POINTS = {
    "transform": MAP.transform,
    "transform_scaled": MAP.transform_scaled,
    "gram": MAP.gram,
    "paired": lambda x: MAP.paired(x, x),
    "kernel.gram": KERNEL.gram,
    "kernel.paired": lambda x: KERNEL.paired(x, x),
    "law": lambda x: ESTIMATOR.law(x, x, M),
    "fit": ESTIMATOR.fit,
    "pointwise": lambda x: pointwise(X=x, Y=x),
    "experiments.gram": lambda x: EXPERIMENTS.gram(ESTIMATOR, x, M, 2),
    "FeatureMap": lambda x: bochner.FeatureMap("softmax", "positive", x),
}
ANY_WIDTH = {"kernel.gram", "kernel.paired", "law", "fit", "pointwise", "experiments.gram"}


def message_of(error, call, *arguments, **keywords):
    with pytest.raises(error) as caught:
        call(*arguments, **keywords)
    return str(caught.value)


def spoken(name):
    """The name that a message of the function gives."""
    return name.removeprefix("kernel.")


def parameter(name):
    return "frequencies" if name == "FeatureMap" else "X"


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.complex64, object, "U3"])
@pytest.mark.parametrize("name", POINTS)
def test_other_types_are_a_type_error_that_names_the_argument(name, dtype):
    bad = X.astype(dtype)
    assert message_of(TypeError, POINTS[name], bad) == (
        f"{spoken(name)}: {parameter(name)} has dtype {bad.dtype}; expected float32, float64 or integers"
    )


@pytest.mark.parametrize("name", sorted(set(POINTS) - {"FeatureMap"}))
def test_values_that_are_not_finite(name):
    for bad, word in ((NAN, "nan"), (INF, "-inf")):
        text = f"{spoken(name)}: X[2, 1] is {word}; expected finite values"
        assert message_of(ValueError, POINTS[name], bad) == text
        assert message_of(ValueError, POINTS[name], bad.astype(np.float32)) == text


@pytest.mark.parametrize("bad", [X[0], X[None], np.float64(3)])
@pytest.mark.parametrize("name", POINTS)
def test_wrong_number_of_dimensions(name, bad):
    text = f"{spoken(name)}: {parameter(name)} has shape {np.shape(bad)}; expected (n, d)"
    assert message_of(ValueError, POINTS[name], bad) == text


@pytest.mark.parametrize("name", sorted(set(POINTS) - {"FeatureMap"}))
def test_no_rows(name):
    text = f"{spoken(name)}: X has no rows; expected at least 1"
    assert message_of(ValueError, POINTS[name], np.empty((0, DIM))) == text


@pytest.mark.parametrize("name", sorted(ANY_WIDTH))
def test_no_columns(name):
    text = f"{spoken(name)}: X.columns is 0; expected at least 1"
    assert message_of(ValueError, POINTS[name], np.empty((2, 0))) == text


@pytest.mark.parametrize("columns", [0, 2, 4])
@pytest.mark.parametrize("name", sorted(set(POINTS) - ANY_WIDTH - {"FeatureMap"}))
def test_wrong_number_of_columns(name, columns):
    message = message_of(ValueError, POINTS[name], np.ones((5, columns)))
    assert message.startswith(f"{name}: X")
    assert "expected" in message
    if columns:
        assert message == f"{name}: X has {columns} columns; expected {DIM}"


def test_two_arrays_that_do_not_fit():
    other = np.ones((4, DIM))
    shapes = "X has shape (5, 3) and Y has shape (4, 3); expected equal shapes"
    assert message_of(ValueError, MAP.paired, X, other) == f"paired: {shapes}"
    assert message_of(ValueError, KERNEL.paired, X, other) == f"paired: {shapes}"
    assert message_of(ValueError, ESTIMATOR.law, X, other, M) == f"law: {shapes}"
    assert message_of(ValueError, pointwise, Y=other) == f"pointwise: {shapes}"
    wide = np.ones((4, 2))
    for call, name in ((MAP.gram, "gram"), (KERNEL.gram, "gram"), (ESTIMATOR.fit, "fit")):
        assert message_of(ValueError, call, X, wide) == f"{name}: Y has 2 columns; expected 3"
        assert message_of(ValueError, call, X, NAN) == (f"{name}: Y[2, 1] is nan; expected finite values")


def test_arrays_that_are_none():
    assert message_of(ValueError, MAP.transform, [[1.0, 2.0, 3.0], [4.0]]).startswith("transform: X is not an array: ")
    assert message_of(TypeError, MAP.transform, None) == (
        "transform: X has dtype object; expected float32, float64 or integers"
    )


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.int64])
def test_integers_become_float64(dtype):
    integers = np.array([[0, 1, 1], [1, 0, 1]], dtype=dtype)
    Z = MAP.transform(integers)
    assert Z.dtype == np.float64
    assert np.array_equal(Z, MAP.transform(integers.astype(float)))


def test_float32_stays_and_mixed_types_promote():
    single = X.astype(np.float32)
    assert MAP.transform(single).dtype == np.float32
    assert MAP.gram(single, single).dtype == np.float32
    assert MAP.gram(single, X).dtype == np.float64
    assert MAP.gram(single, np.ones((2, 3), int)).dtype == np.float64
    assert KERNEL.gram(single, single).dtype == np.float32
    assert KERNEL.paired(X, single).dtype == np.float64
    assert attention(single, single, single).dtype == np.float32
    assert attention(single, X, single).dtype == np.float64
    np.testing.assert_allclose(MAP.transform(single), MAP.transform(X), rtol=1e-5)


def test_layouts_and_containers():
    expected = MAP.transform(X)
    wide = np.ones((10, 6))
    wide[::2, ::2] = X
    frame = pd.DataFrame(X, columns=list("abc"))
    for same in (np.asfortranarray(X), wide[::2, ::2], X.astype(">f8"), X.tolist(), frame):
        assert np.array_equal(MAP.transform(same), expected)
    read_only = X.copy()
    read_only.flags.writeable = False
    assert np.array_equal(MAP.transform(read_only), expected)
    assert np.array_equal(MAP.transform(X[::-1]), expected[::-1])


def test_contiguous_arrays_are_not_copied():
    from bochner._arguments import float_arrays

    for array in (X, X.astype(np.float32)):
        (same,) = float_arrays("test", X=array)
        assert same is array or np.shares_memory(same, array)


def test_results_are_moved_and_own_their_memory():
    # Large arrays come from NumPy's own memory, others from that of the compiled part.
    assert MAP.transform(X).flags.owndata
    for result in (MAP.frequencies, ESTIMATOR.kernel.gram(X)):
        assert not result.flags.owndata
        assert type(result.base).__name__ == "PyCapsule"


WRONG_CALLS = {
    "unknown kernel": (
        lambda: bochner.Kernel("gausian"),
        ValueError,
        "unknown kernel 'gausian'; did you mean 'gaussian'? known: softmax, regularized_softmax, ",
    ),
    "unknown features": (
        lambda: bochner.Estimator(features="positiv"),
        ValueError,
        "unknown features 'positiv'; did you mean 'positive'? known: ",
    ),
    "unknown coupling": (
        lambda: bochner.Estimator(coupling="orthogonl"),
        ValueError,
        "unknown coupling 'orthogonl'; did you mean 'orthogonal'? known: iid, orthogonal",
    ),
    "unknown radial law": (
        lambda: bochner.Estimator(radial="xyz"),
        ValueError,
        "unknown radial law 'xyz'; known: chi, constant",
    ),
    "unknown parameter": (
        lambda: bochner.Kernel("gaussian", bandwith=2),
        ValueError,
        "unknown parameter of gaussian 'bandwith'; did you mean 'bandwidth'? known: bandwidth",
    ),
    "negative bandwidth": (
        lambda: bochner.Kernel("gaussian", bandwidth=-1),
        ValueError,
        "gaussian: bandwidth is -1; expected a finite positive number",
    ),
    "bandwidth nan": (
        lambda: bochner.Kernel("gaussian", bandwidth=float("nan")),
        ValueError,
        "gaussian: bandwidth is nan; expected a finite positive number",
    ),
    "bandwidth text": (
        lambda: bochner.Kernel("gaussian", bandwidth="2"),
        TypeError,
        "gaussian: bandwidth is a str; expected a real number",
    ),
    "kernel of another kind": (
        lambda: bochner.Estimator(bochner.Coupling("iid")),
        TypeError,
        "kernel is a Coupling; expected a str or a bochner.Kernel",
    ),
    "kernel none": (
        lambda: bochner.Estimator(None),
        TypeError,
        "kernel is a NoneType; expected a str or a bochner.Kernel",
    ),
    "name none": (
        lambda: bochner.Kernel(3),
        TypeError,
        "Kernel: name is a int; expected a str",
    ),
    "dim 0": (lambda: ESTIMATOR.draw(0, 4), ValueError, "draw: dim is 0; expected at least 1"),
    "m 0": (lambda: ESTIMATOR.draw(3, 0), ValueError, "draw: m is 0; expected at least 1"),
    "m -1": (lambda: ESTIMATOR.draw(3, -1), ValueError, "draw: m is -1; expected at least 1"),
    "m float": (
        lambda: ESTIMATOR.draw(3, 4.0),
        TypeError,
        "draw: m is a float; expected an integer",
    ),
    "m beyond int64": (
        lambda: ESTIMATOR.draw(3, 2**63),
        ValueError,
        "draw: m is 9223372036854775808; expected at most 9223372036854775807",
    ),
    "seed -1": (
        lambda: ESTIMATOR.draw(3, 4, seed=-1),
        ValueError,
        "draw: seed is -1; expected at least 0",
    ),
    "seed beyond uint64": (
        lambda: ESTIMATOR.draw(3, 4, seed=2**64),
        ValueError,
        "draw: seed is 18446744073709551616; expected at most 18446744073709551615",
    ),
    "trial text": (
        lambda: ESTIMATOR.draw(3, 4, trial="1"),
        TypeError,
        "draw: trial is a str; expected an integer",
    ),
    "huge map": (
        lambda: ESTIMATOR.draw(2**40, 2**40),
        MemoryError,
        "draw: 1099511627776 frequencies in 1099511627776 dimensions do not fit into memory",
    ),
    "large map": (
        lambda: ESTIMATOR.draw(2**20, 2**30),
        MemoryError,
        "draw: 1073741824 frequencies in 1048576 dimensions do not fit into memory",
    ),
    "law m 0": (lambda: ESTIMATOR.law(X, X, 0), ValueError, "law: m is 0; expected at least 1"),
    "side": (
        lambda: MAP.transform(X, side="left"),
        ValueError,
        "transform: side is 'left'; expected 'query' or 'key'",
    ),
    "frequencies nan": (
        lambda: bochner.FeatureMap("softmax", "positive", NAN),
        ValueError,
        "FeatureMap: frequencies[2, 1] is nan; expected finite values",
    ),
    "frequencies no rows": (
        lambda: bochner.FeatureMap("softmax", "positive", X[:0]),
        ValueError,
        "FeatureMap: frequencies has no rows; expected at least 1",
    ),
    "frequencies no columns": (
        lambda: bochner.FeatureMap("softmax", "positive", X[:, :0]),
        ValueError,
        "FeatureMap: frequencies.columns is 0; expected at least 1",
    ),
    "threads 0": (
        lambda: bochner.set_num_threads(0),
        ValueError,
        "set_num_threads: n is 0; expected at least 1",
    ),
    "threads text": (
        lambda: bochner.set_num_threads("2"),
        TypeError,
        "set_num_threads: n is a str; expected an integer",
    ),
    "attention width": (
        lambda: attention(K=X[:, :2]),
        ValueError,
        "attention: K has 2 columns; expected 3",
    ),
    "attention map width": (
        lambda: attention(maps=ESTIMATOR.draw(4, 4)),
        ValueError,
        "attention: Q has 3 columns; expected 4",
    ),
    "attention vector": (
        lambda: attention(Q=X[0]),
        ValueError,
        "attention: Q has shape (3,); expected (..., L, d)",
    ),
    "attention axes": (
        lambda: attention(K=X[None]),
        ValueError,
        "attention: K has shape (1, 5, 3) and Q has shape (5, 3); expected the same number of axes",
    ),
    "attention rows": (
        lambda: attention(V=X[:4]),
        ValueError,
        "attention: the number of rows of V is 4; expected 5",
    ),
    "attention batch": (
        lambda: attention(X[None, None], np.stack([X, X])[:, None], np.stack([X, X])[:, None]),
        ValueError,
        "attention: K has shape (2, 1, 5, 3); expected leading axes (1,) as in Q",
    ),
    "attention heads": (
        lambda: attention(np.stack([X] * 3), np.stack([X] * 2), np.stack([X] * 2)),
        ValueError,
        "attention: Q has 3 heads; expected a multiple of the 2 heads of K",
    ),
    "attention maps": (
        lambda: attention(np.stack([X] * 4), np.stack([X] * 4), np.stack([X] * 4), [MAP] * 3),
        ValueError,
        "attention: maps has 3 feature maps; expected 1 or 4, one a key head",
    ),
    "attention map type": (
        lambda: attention(maps=[MAP, "map"]),
        TypeError,
        "attention: feature_map[1] is a str; expected a FeatureMap",
    ),
    "attention map is an estimator": (
        lambda: attention(maps=ESTIMATOR),
        TypeError,
        "attention: feature_map is a Estimator; expected a FeatureMap or a sequence of them",
    ),
    "attention mask type": (
        lambda: attention(key_mask=[1, 1, 0, 1, 1]),
        TypeError,
        "attention: key_mask has dtype int64; expected bool",
    ),
    "attention mask shape": (
        lambda: attention(key_mask=[True] * 4),
        ValueError,
        "attention: key_mask has shape (4,); expected (5,)",
    ),
    "attention no key": (
        lambda: attention(key_mask=[False] * 5),
        ValueError,
        "attention: query 0 sees no key; expected at least one for every query, or empty = zero",
    ),
    "attention empty": (
        lambda: attention(empty="nan"),
        ValueError,
        "attention: empty is 'nan'; expected 'error' or 'zero'",
    ),
    "attention scale": (
        lambda: attention(scale=0),
        ValueError,
        "attention: scale is 0; expected a finite positive number",
    ),
    "attention scale text": (
        lambda: attention(scale="1"),
        TypeError,
        "attention: scale is a str; expected a real number",
    ),
    "attention nan": (
        lambda: attention(Q=NAN),
        ValueError,
        "attention: Q[2, 1] is nan; expected finite values",
    ),
    "attention values inf": (
        lambda: attention(V=INF),
        ValueError,
        "attention: V[2, 1] is -inf; expected finite values",
    ),
    "attention no rows": (
        lambda: attention(Q=X[:0]),
        ValueError,
        "attention: Q has no rows; expected at least 1",
    ),
    "attention half": (
        lambda: attention(V=X.astype(np.float16)),
        TypeError,
        "attention: V has dtype float16; expected float32, float64 or integers",
    ),
    "exact attention": (
        lambda: bochner.exact_attention(X, X[:, :2], X),
        ValueError,
        "exact_attention: K has 2 columns; expected 3",
    ),
    "uniform attention": (
        lambda: bochner.uniform_attention(X, X, X[:3]),
        ValueError,
        "uniform_attention: the number of rows of V is 3; expected 5",
    ),
    "pointwise estimator": (
        lambda: pointwise("softmax"),
        TypeError,
        "pointwise: estimator is a str; expected a bochner.Estimator",
    ),
    "pointwise trials": (
        lambda: pointwise(trials=1),
        ValueError,
        "pointwise: trials is 1; expected at least 2",
    ),
    "pointwise too many trials": (lambda: pointwise(trials=2**41), ValueError, "pointwise: trials"),
    "pointwise m empty": (
        lambda: pointwise(m=[]),
        ValueError,
        "pointwise: m is empty; expected at least one value",
    ),
    "pointwise m 0": (
        lambda: pointwise(m=[4, 0]),
        ValueError,
        "pointwise: m is 0; expected at least 1",
    ),
    "pointwise m text": (
        lambda: pointwise(m="16"),
        TypeError,
        "pointwise: m is a str; expected an integer",
    ),
    "pointwise huge m": (lambda: pointwise(m=2**62), MemoryError, "the arrays do not fit into memory"),
    "pointwise large m": (lambda: pointwise(m=2**40), MemoryError, "the arrays do not fit into memory"),
    "pointwise sampler": (
        lambda: pointwise(sampler="importance"),
        ValueError,
        "pointwise: sampler is 'importance'; expected 'auto', 'plain' or 'tilted'",
    ),
    "pointwise no tilted sampler": (
        lambda: pointwise(bochner.Estimator("regularized_softmax"), sampler="tilted"),
        ValueError,
        "pointwise: sampler is tilted, but ",
    ),
    "shard bounds": (
        lambda: EXPERIMENTS.pointwise_shard(ESTIMATOR, X, X, M, 100, begin=0, end=17),
        ValueError,
        "17",
    ),
    "shard order": (
        lambda: EXPERIMENTS.pointwise_shard(ESTIMATOR, X, X, M, 100, begin=32, end=16),
        ValueError,
        "[32, 16)",
    ),
    "merge nothing": (
        lambda: EXPERIMENTS.merge([]),
        ValueError,
        "merge: shards is empty; expected at least one",
    ),
    "merge other things": (
        lambda: EXPERIMENTS.merge([3]),
        TypeError,
        "merge: shards holds a int; expected PointwiseShard",
    ),
    "coverage repeats": (
        lambda: EXPERIMENTS.coverage(ESTIMATOR, X, X, M, 16, repeats=0),
        ValueError,
        "coverage: repeats is 0; expected at least 1",
    ),
    "experiments.attention trials": (
        lambda: EXPERIMENTS.attention(ESTIMATOR, X, X, X, M, trials=1),
        ValueError,
        "experiments.attention: trials is 1; expected at least 2",
    ),
    "experiments.attention huge trials": (
        lambda: EXPERIMENTS.attention(ESTIMATOR, X, X, X, M, trials=2**62),
        MemoryError,
        "the arrays do not fit into memory",
    ),
    "experiments.attention nan": (
        lambda: EXPERIMENTS.attention(ESTIMATOR, X, NAN, X, M),
        ValueError,
        "experiments.attention: K[2, 1] is nan; expected finite values",
    ),
    "experiments.attention no rows": (
        lambda: EXPERIMENTS.attention(ESTIMATOR, X, X[:0], X[:0], M),
        ValueError,
        "experiments.attention: K has no rows; expected at least 1",
    ),
    "experiments.attention estimator": (
        lambda: EXPERIMENTS.attention(MAP, X, X, X, M),
        TypeError,
        "experiments.attention: estimator is a FeatureMap; expected a bochner.Estimator",
    ),
    "experiments.gram estimator": (
        lambda: EXPERIMENTS.gram("softmax", X, M, 2),
        TypeError,
        "experiments.gram: estimator is a str; expected a bochner.Estimator",
    ),
    "experiments.gram trials": (
        lambda: EXPERIMENTS.gram(ESTIMATOR, X, M, 1),
        ValueError,
        "experiments.gram: trials is 1; expected at least 2",
    ),
}


@pytest.mark.parametrize("case", WRONG_CALLS)
def test_message_of_a_wrong_call(case):
    call, error, text = WRONG_CALLS[case]
    with pytest.raises(error, match=re.escape(text)):
        call()


def test_no_law_is_a_value_error():
    assert issubclass(bochner.NoLawError, ValueError)
    assert bochner.NoLawError.__module__ == "bochner"


def test_the_largest_threads_and_back():
    threads = bochner.get_num_threads()
    try:
        bochner.set_num_threads(np.int64(3))
        assert bochner.get_num_threads() == 3
    finally:
        bochner.set_num_threads(threads)


def test_default_number_of_threads(monkeypatch):
    import os

    from bochner._arguments import default_num_threads

    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert default_num_threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "5,2")
    assert default_num_threads() == 5
    for bad in ("", "0", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", bad)
        assert default_num_threads() == len(os.sched_getaffinity(0))
