"""Structured projections against our own dense ones, and the transform within them against its peers."""

import importlib.machinery
import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from ratios import Ratio, Row, Share, seconds

import bochner

NUMBERS = Path(__file__).parent.parent / "build/venv/benchmarks/structured"
DIM, M, POINTS = 1024, 8192, 512


def numbers() -> dict[str, float]:
    """What structured.cpp measures of ours."""
    found: dict[str, float] = json.loads(subprocess.run([NUMBERS], check=True, capture_output=True).stdout)
    return found


def over_dense(name: str) -> Callable[[], float]:
    def share() -> float:
        ours = numbers()
        return ours[name] / ours["dense"]

    return share


def over_fht_cpu(scalar: str, rows: int, exponent: int) -> Callable[[], float]:
    """Elements a second over those of FFHT's assembly, which fht-cpu wraps."""
    from fht_cpu import fht

    # Zeros, which stay zeros.
    x = np.zeros((rows, 2**exponent), dtype=np.float32 if scalar == "float" else np.float64)

    def share() -> float:
        peer = x.size / min(seconds(lambda: fht(x, num_threads=1)) for _ in range(200))
        return numbers()[f"{scalar} 2^{exponent}"] / peer

    return share


def xgpr_extension() -> ModuleType:
    """The compiled part of xGPR alone: the package asks for a great deal more when it is imported."""
    package = importlib.util.find_spec("xGPR")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'xGPR'")
    name = "xgpr_cpu_rfgen_cpp_ext"
    finder = importlib.machinery.PathFinder.find_spec(name, [str(Path(package.origin).parent)])
    if finder is None or finder.loader is None:
        raise ModuleNotFoundError(f"No module named 'xGPR.{name}'")
    module = importlib.util.module_from_spec(finder)
    finder.loader.exec_module(module)
    return module


def over_xgpr() -> list[Row]:
    """Sines and cosines of the same number of structured frequencies."""
    xgpr = xgpr_extension()
    rng = np.random.default_rng(0)
    points = rng.standard_normal((POINTS, DIM), dtype=np.float32) / 32
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), size=(3, 1, M))
    norms = np.sqrt(rng.chisquare(DIM, M)).astype(np.float32)

    def peer() -> object:
        features = np.zeros((POINTS, 2 * M))
        return xgpr.cpuRBFFeatureGen(points, features, signs, norms, False)

    def ours(coupling: str) -> Callable[[], object]:
        feature_map = bochner.Estimator("gaussian", "trigonometric", coupling).draw(DIM, M)

        def run() -> object:
            bochner.set_num_threads(1)
            return feature_map.transform(points)

        return run

    return [
        Ratio(f"sin/cos features, {coupling}, d = {DIM}, m = {M}, float: over xGPR", peer, ours(coupling), 1)
        for coupling in ("hadamard", "fastfood")
    ]


def attention() -> Ratio:
    """Attention whose projection is structured over that with a dense one."""
    heads, length, dim, m = 8, 4096, 64, 256
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((1, heads, length, dim), dtype=np.float32) for _ in range(3)]

    def run_with(coupling: str) -> Callable[[], object]:
        feature_map = bochner.Estimator(coupling=coupling).draw(dim, m)

        def run() -> object:
            bochner.set_num_threads(1)
            return bochner.attention(*arrays, feature_map)

        return run

    return Ratio(
        f"forward, L = {length}, {heads} heads, d = {dim}, m = {m}, float: hadamard over orthogonal",
        run_with("orthogonal"),
        run_with("hadamard"),
        1.2,
    )


def rows() -> list[Row]:
    """One thread each."""
    found: list[Row] = [
        Share(f"product with W, d = {DIM}, m = {M}, float: {name} over dense", over_dense(name), 5)
        for name in ("hadamard", "fastfood")
    ]
    found += [
        Share(f"Walsh-Hadamard, {scalar}, 2^{exponent}: over fht-cpu", over_fht_cpu(scalar, count, exponent), 1)
        for exponent, count in ((10, 64), (20, 1))
        for scalar in ("float", "double")
    ]
    return [*found, *over_xgpr(), attention()]
