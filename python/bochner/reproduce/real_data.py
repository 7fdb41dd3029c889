"""The data sets of the table of estimators: points with targets, of which a seed chooses a sample.

Nothing is downloaded. Some come in Debian packages, which are looked for where apt puts them and below the folder that
the environment variable BOCHNER_DATA names, where `make reproduce` unpacks them.
"""

from __future__ import annotations

import gzip
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from bochner.reproduce import networks, optional, real_heads

Array = NDArray[np.float64]

#: Where a Debian package is unpacked, beside the root of the system.
FOLDER = "BOCHNER_DATA"
MLBENCH = "usr/lib/R/site-library/mlbench/data"
FASHION = "usr/share/datasets/fashion-mnist"
#: The head of MiniLM whose queries, keys and values are taken: one of middling sharpness.
LAYER, HEAD = 2, 5


@dataclass(frozen=True)
class Sample:
    """Points X (n, d) and targets Y (n, k), centred; `queries` (n, d) stand against X where there are such."""

    X: Array
    Y: Array
    queries: Array | None = None


@dataclass(frozen=True)
class DataSet:
    """A source of samples.

    `load(count, seed)` gives so many points; `missing()` says what to install, None where all is there.
    """

    name: str
    summary: str
    load: Callable[[int, int], Sample]
    missing: Callable[[], str | None] = lambda: None


def commands(package: str) -> str:
    """What to type to get a Debian package, as root and without."""
    return (
        f"sudo apt-get install {package}; or without root: apt-get download {package} && "
        f"dpkg-deb -x {package}_*.deb DIR && export {FOLDER}=DIR"
    )


def _find(path: str) -> Path | None:
    roots = [Path(os.environ[FOLDER])] if os.environ.get(FOLDER) else []
    return next((root / path for root in [*roots, Path("/")] if (root / path).exists()), None)


def _missing_package(path: str, package: str) -> str | None:
    return None if _find(path) else f"{package} is not installed here. Install with: {commands(package)}"


def _missing_mlbench() -> str | None:
    return optional.missing("rdata") or _missing_package(MLBENCH, "r-cran-mlbench")


def _choose(X: Array, Y: Array, count: int, seed: int) -> Sample:
    """So many of the points, all of them different rows, in an order that the seed decides."""
    order = np.random.default_rng(seed).permutation(len(X))[:count]
    return Sample(X[order] - X[order].mean(axis=0), Y[order] - Y[order].mean(axis=0))


def _one_hot(labels: NDArray[np.generic]) -> Array:
    return np.asarray(labels[:, None] == np.unique(labels), dtype=float)


def _synthetic(count: int, seed: int) -> Sample:
    """Standard normal points in 16 dimensions; the target is a wave along one direction, with noise."""
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((count, 16))
    Y = np.sin(X @ np.full((16, 1), 0.5)) + 0.1 * generator.standard_normal((count, 1))
    return Sample(X - X.mean(axis=0), Y - Y.mean(axis=0))


def _digits(count: int, seed: int) -> Sample:
    found = load_digits()
    return _choose(np.asarray(found.data, dtype=float), _one_hot(found.target), count, seed)


@cache
def _mlbench(name: str) -> tuple[Array, Array]:
    """Standardised columns and classes of a data set of mlbench."""
    folder = _find(MLBENCH)
    if folder is None:
        raise FileNotFoundError(_missing_mlbench())
    with warnings.catch_warnings():
        # The files do not say their encoding; they are ASCII.
        warnings.simplefilter("ignore")
        frame = optional.load("rdata").read_rda(folder / f"{name}.rda")[name]
    classes = [column for column in frame if frame[column].dtype == "category"]
    X = frame.drop(columns=classes).to_numpy(dtype=float)
    return (X - X.mean(axis=0)) / X.std(axis=0), _one_hot(frame[classes[0]].to_numpy(dtype=str))


@cache
def _fashion() -> tuple[Array, Array]:
    folder = _find(FASHION)
    if folder is None:
        raise FileNotFoundError(_missing_package(FASHION, "dataset-fashion-mnist"))
    # The first four numbers of images, and the first two of labels, say what it is and how much.
    images = gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes())[16:]
    labels = gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes())[8:]
    X = np.frombuffer(images, dtype=np.uint8).reshape(-1, 784) / 255.0
    return X, _one_hot(np.frombuffer(labels, dtype=np.uint8))


def _minilm(count: int, seed: int) -> Sample:
    """Keys of a head with its values as targets, and its queries; all after the division by d^(1/4)."""
    passages = min(-(-count // real_heads.TOKENS), len(networks.texts()))
    found = [[part[LAYER, HEAD] for part in real_heads.heads(index)] for index in range(passages)]
    query, key, value = (np.concatenate(rows).astype(float) for rows in zip(*found, strict=True))
    order = np.random.default_rng(seed).permutation(len(key))[:count]
    root = real_heads.DIM**-0.25
    return Sample(root * key[order], value[order] - value[order].mean(axis=0), root * query[order])


DATASETS = (
    DataSet("synthetic", "standard normal points, d = 16", _synthetic),
    DataSet("digits", "images of scikit-learn's load_digits, d = 64", _digits),
    DataSet(
        "letters",
        "LetterRecognition of mlbench, standardised, d = 16",
        lambda count, seed: _choose(*_mlbench("LetterRecognition"), count, seed),
        _missing_mlbench,
    ),
    DataSet(
        "shuttle",
        "Shuttle of mlbench, standardised, d = 9",
        lambda count, seed: _choose(*_mlbench("Shuttle"), count, seed),
        _missing_mlbench,
    ),
    DataSet(
        "fashion",
        "test images of fashion-MNIST, d = 784",
        lambda count, seed: _choose(*_fashion(), count, seed),
        lambda: _missing_package(FASHION, "dataset-fashion-mnist"),
    ),
    DataSet("MiniLM", f"keys and queries of layer {LAYER}, head {HEAD} of MiniLM, d = 32", _minilm, real_heads.missing),
)
