"""Attention errors on random inputs, shared by the figures that compare estimators there.

The inputs are the sampling unit: each has draws of its own, and estimators are compared on the same
input.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import bochner
from bochner.reproduce.statistics import Interval, paired_ratio, seed_of

FEATURES = ("trigonometric", "positive", "hyperbolic")


def frequencies(features: str, columns: int) -> int:
    """Frequencies m that give a family so many feature columns p."""
    return columns if features == "positive" else columns // 2


def inputs(seed: int, length: int, d: int, squared_norm: float) -> NDArray[np.float64]:
    """Q, K and V (3, length, d): V standard normal, Q and K normal with mean |q|^2 as given.

    The norm is that after the division by d^(1/4) which attention brings; standard normal rows
    have |q|^2 = sqrt(d).
    """
    # The generator's normals do not depend on the platform, and inputs are no part of our streams.
    arrays = np.random.default_rng(seed).standard_normal((3, length, d))
    arrays[:2] *= np.sqrt(squared_norm / np.sqrt(d))
    return arrays


def measure(
    features: str,
    coupling: str,
    m: list[int],
    *,
    arrays: NDArray[np.float64],
    trials: int,
    seed: int,
) -> pd.DataFrame:
    """A row for each m: the error of one input over its draws, beside that of uniform averaging."""
    queries, keys, values = arrays
    frame = bochner.experiments.attention(
        bochner.Estimator("softmax", features, coupling), queries, keys, values, m=m, trials=trials, seed=seed
    )
    return frame.assign(features=features, coupling=coupling)


def input_seed(seed: int, index: object) -> int:
    """Seed of the arrays of an input, the same for all estimators and norms."""
    return seed_of(seed, "attention input", index)


def compare(first: pd.DataFrame, second: pd.DataFrame, on: list[str]) -> Interval:
    """Ratio of the median errors of two selections, paired by `on` and averaged within an input."""
    both = first.merge(second, on=["input", *on], suffixes=("_1", "_2"))
    ratio = np.log(both["median_1"] / both["median_2"]).groupby(both["input"]).mean()
    return paired_ratio(np.exp(ratio), np.ones(len(ratio)))
