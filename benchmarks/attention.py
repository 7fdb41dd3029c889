"""Attention and its kernels against torch, performer-pytorch and the machine's own peak."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from performer_pytorch import FastAttention
from ratios import Ratio, Row, Share, seconds
from sklearn.kernel_approximation import RBFSampler

import bochner

HEADS, DIM, M = 8, 64, 256
KERNELS = Path(__file__).parent.parent / "build/venv/benchmarks/kernels"
SETTING = f"{HEADS} heads, d = {DIM}, m = {M}, float"


class Case:
    """Inputs of one length, and every way to attend to them, as calls without arguments."""

    def __init__(self, length: int) -> None:
        rng = np.random.default_rng(0)
        shape = (1, HEADS, length, DIM)
        self.arrays = [rng.standard_normal(shape, dtype=np.float32) for _ in range(3)]
        self.grad = rng.standard_normal(shape, dtype=np.float32)
        self.tensors = [torch.from_numpy(a) for a in self.arrays]
        self.leaves = [torch.from_numpy(a.copy()).requires_grad_() for a in self.arrays]
        self.grad_tensor = torch.from_numpy(self.grad)
        self.feature_map = bochner.Estimator().draw(DIM, M)
        self.flops = 8.0 * length * DIM * M * HEADS

    def ours(self, causal: bool = False, threads: int = 1) -> Callable[[], object]:
        def run() -> object:
            bochner.set_num_threads(threads)
            return bochner.attention(*self.arrays, self.feature_map, causal=causal)

        return run

    def ours_with_gradients(self) -> Callable[[], object]:
        def run() -> object:
            bochner.set_num_threads(1)
            out = bochner.attention(*self.arrays, self.feature_map)
            return bochner.attention_vjp(*self.arrays, self.feature_map, self.grad, out=out)

        return run

    def exact(self, causal: bool = False) -> Callable[[], object]:
        def run() -> object:
            with torch.no_grad():
                return torch.nn.functional.scaled_dot_product_attention(*self.tensors, is_causal=causal)

        return run

    def performer(self, causal: bool = False) -> Callable[[], object]:
        module = FastAttention(DIM, M, causal=causal)

        def run() -> object:
            with torch.no_grad():
                return module(*self.tensors)

        return run

    def with_gradients(self, attend: Callable[..., torch.Tensor]) -> Callable[[], object]:
        def run() -> object:
            return torch.autograd.grad(attend(*self.leaves), self.leaves, self.grad_tensor)

        return run


def rows() -> list[Row]:
    """The table of bars, of one thread each unless the row says otherwise."""
    torch.set_num_threads(1)
    short, long = Case(512), Case(4096)
    rng = np.random.default_rng(0)
    points = rng.standard_normal((100_000, DIM), dtype=np.float32)
    sampler = RBFSampler(n_components=2 * M, random_state=0).fit(points)
    trigonometric = bochner.Estimator("gaussian", "trigonometric").draw(DIM, M)

    def kernels() -> dict[str, float]:
        numbers: dict[str, float] = json.loads(subprocess.run([KERNELS], check=True, capture_output=True).stdout)
        return numbers

    def transform() -> object:
        bochner.set_num_threads(1)
        return trigonometric.transform(points)

    sdpa = torch.nn.functional.scaled_dot_product_attention
    return [
        Share(
            f"positive feature map, tile in cache, d = {DIM}, m = {M}, float: share of the FMA peak",
            lambda: (numbers := kernels())["positive_tile"] / numbers["fma_peak_float"],
            0.7,
        ),
        Share(
            f"forward, L = 4096, {SETTING}: share of the FMA peak",
            lambda: long.flops / min(seconds(long.ours()) for _ in range(3)) / kernels()["fma_peak_float"],
            0.7,
        ),
        Ratio(f"forward, L = 4096, {SETTING}: over performer-pytorch", long.performer(), long.ours(), 5.5),
        Ratio(f"forward, L = 4096, {SETTING}: over torch's exact attention", long.exact(), long.ours(), 7),
        Ratio(f"forward, L = 512, {SETTING}: over torch's exact attention", short.exact(), short.ours(), 1),
        Ratio(f"causal, L = 4096, {SETTING}: over performer-pytorch", long.performer(True), long.ours(True), 30, 3),
        Ratio(f"causal, L = 4096, {SETTING}: over torch's exact attention", long.exact(True), long.ours(True), 3),
        Ratio(
            f"forward and backward, L = 4096, {SETTING}: over performer-pytorch",
            long.with_gradients(FastAttention(DIM, M)),
            long.ours_with_gradients(),
            3.5,
        ),
        Ratio(
            f"forward and backward, L = 4096, {SETTING}: over torch's exact attention",
            long.with_gradients(sdpa),
            long.ours_with_gradients(),
            7,
            5,
        ),
        Ratio(f"forward, L = 4096, {SETTING}: two threads over one", long.ours(), long.ours(threads=2), 1.8),
        Ratio(
            f"sin/cos feature map, 100,000 x {DIM} -> {2 * M}, float: over scikit-learn's RBFSampler",
            lambda: sampler.transform(points),
            transform,
            3,
        ),
        decoding(),
    ]


def decoding() -> Ratio:
    """A decoded token after 100,000 keys against one after 1,000: both over whole blocks of 64 tokens."""
    feature_map = bochner.Estimator().draw(DIM, M)
    rng = np.random.default_rng(0)
    token = rng.standard_normal((3, 1, DIM), dtype=np.float32)

    def state_after(count: int) -> bochner.AttentionState:
        state = bochner.AttentionState(feature_map, DIM)
        keys = rng.standard_normal((2, count, DIM), dtype=np.float32)
        state.append(keys[0], keys[1])
        return state

    def decode(state: bochner.AttentionState) -> Callable[[], object]:
        def run() -> object:
            for _ in range(640):
                state.append(token[0], token[1])
                state.query(token[2])
            return state

        return run

    # 1 / 1.1: late tokens take at most 10 % longer.
    return Ratio(
        f"a decoded token, d = {DIM}, m = {M}, float: after 1,000 keys over after 100,000",
        decode(state_after(1_000)),
        decode(state_after(100_000)),
        1 / 1.1,
    )
