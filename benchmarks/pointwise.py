"""A trial of `bochner.experiments.pointwise` against NumPy, and two threads against one."""

import os
from collections.abc import Callable

import numpy as np
import numpy_pointwise
from ratios import Ratio, Row

import bochner

DIM, M, PAIRS = 16, 64, 64
SETTING = f"d = {DIM}, m = {M}, {PAIRS} pairs, positive, double"


def rows() -> list[Row]:
    """One thread each unless the row says otherwise."""
    rng = np.random.default_rng(0)
    x = 0.3 * rng.standard_normal((PAIRS, DIM))
    y = 0.3 * rng.standard_normal((PAIRS, DIM))

    def ours(coupling: str, trials: int, threads: int) -> Callable[[], object]:
        estimator = bochner.Estimator("softmax", "positive", coupling)

        def run() -> object:
            bochner.set_num_threads(threads)
            return bochner.experiments.pointwise(estimator, x, y, m=[M], trials=trials, sampler="plain")

        return run

    def peer(coupling: str, trials: int) -> Callable[[], object]:
        return lambda: numpy_pointwise.pointwise(coupling, x, y, M, trials, seed=0)

    found: list[Row] = [
        Ratio(f"pointwise trial, {coupling}, {SETTING}: over NumPy", peer(coupling, 2000), ours(coupling, 2000, 1), bar)
        for coupling, bar in (("iid", 5), ("orthogonal", 8))
    ]
    if (os.process_cpu_count() if hasattr(os, "process_cpu_count") else os.cpu_count() or 1) >= 2:
        found.append(
            Ratio(
                f"pointwise, orthogonal, {SETTING}: two threads over one",
                ours("orthogonal", 20000, 1),
                ours("orthogonal", 20000, 2),
                1.8,
            )
        )
    return found
