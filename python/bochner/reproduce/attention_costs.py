"""Time and peak memory of attention: the calls that are compared, and how each is measured.

Needs torch. Times are facts of the machine and of its load; nothing here has a seed.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import bochner
from bochner.reproduce.optional import load

Call: TypeAlias = Callable[[], object]

FAVOR, EXACT, STORED, BOUND, REST = "FAVOR+", "exact", "exact, L × L stored", "returns V", "rest of the layer"
PASSES = ("forward", "both")

#: Seconds for which a call is repeated within a round; the fastest counts.
AT_LEAST = 0.02


def calls(method: str, heads: int, length: int, d: int, m: int, causal: bool, seed: int) -> dict[str, Call]:
    """The forward pass of a method and forward with backward, on arrays (heads, length, d) in single precision.

    `EXACT` is torch's scaled_dot_product_attention, which stores no L x L array either; `STORED`
    is the formula as it is written, which does; `BOUND` copies the values, and the gradient.
    """
    generator = np.random.default_rng(seed)
    Q, K, V, grad = generator.standard_normal((4, heads, length, d), dtype=np.float32)
    if method == FAVOR:
        feature_map = bochner.Estimator("softmax", "positive", "orthogonal").draw(dim=d, m=m, seed=seed)
        return _favor(Q, K, V, grad, feature_map, causal)
    if method == BOUND:
        return {"forward": V.copy, "both": lambda: (V.copy(), grad.copy())}
    function = {EXACT: _exact, STORED: _stored}[method]
    return _through_torch(partial(function, causal=causal), (Q, K, V), grad)


def layer_without_attention(heads: int, length: int, d: int, inner: int) -> dict[str, Call]:
    """What a Transformer layer does beside attention: projections, output, MLP, residuals and norms.

    Attention returns V in it; the backward pass reaches all weights, the projections of queries
    and keys by the same gradient as the values'.
    """
    torch = load("torch")
    width = heads * d
    nn = torch.nn
    project, out = nn.Linear(width, 3 * width), nn.Linear(width, width)
    mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))
    first, second = nn.LayerNorm(width), nn.LayerNorm(width)
    weights = [weight for part in (project, out, mlp, first, second) for weight in part.parameters()]
    x = torch.randn(length, width)
    grad = torch.randn(length, width)

    def forward() -> Any:
        queries, keys, values = project(first(x)).chunk(3, dim=-1)
        hidden = x + out(values)
        return hidden + mlp(second(hidden)), queries, keys

    def both() -> object:
        result, queries, keys = forward()
        return torch.autograd.grad((result, queries, keys), weights, (grad, grad, grad))

    def without_gradient() -> object:
        with torch.no_grad():
            return forward()

    return {"forward": without_gradient, "both": both}


def _favor(
    Q: NDArray[np.float32],
    K: NDArray[np.float32],
    V: NDArray[np.float32],
    grad: NDArray[np.float32],
    feature_map: bochner.FeatureMap,
    causal: bool,
) -> dict[str, Call]:
    def forward() -> object:
        return bochner.attention(Q, K, V, feature_map, causal=causal)

    def both() -> object:
        # The output is kept from the forward pass, as in training.
        out = bochner.attention(Q, K, V, feature_map, causal=causal)
        return out, bochner.attention_vjp(Q, K, V, feature_map, grad, causal=causal, out=out)

    return {"forward": forward, "both": both}


def _exact(Q: Any, K: Any, V: Any, causal: bool) -> Any:
    # A batch axis: with three axes torch takes a slow path that stores L x L.
    attention = load("torch").nn.functional.scaled_dot_product_attention
    return attention(Q[None], K[None], V[None], is_causal=causal)[0]


def _stored(Q: Any, K: Any, V: Any, causal: bool) -> Any:
    scores = Q @ K.transpose(-1, -2) * Q.shape[-1] ** -0.5
    if causal:
        torch = load("torch")
        length = scores.shape[-1]
        scores = scores.masked_fill(torch.ones(length, length, dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(dim=-1) @ V


def _through_torch(function: Callable[..., Any], arrays: tuple[Any, ...], grad: Any) -> dict[str, Call]:
    torch = load("torch")
    plain = [torch.from_numpy(array) for array in arrays]
    learning = [torch.from_numpy(array).requires_grad_() for array in arrays]
    upstream = torch.from_numpy(grad)

    def forward() -> object:
        with torch.no_grad():
            return function(*plain)

    def both() -> object:
        out = function(*learning)
        return out, torch.autograd.grad(out, learning, upstream)

    return {"forward": forward, "both": both}


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, as this package does."""
    torch = load("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fastest(call: Call) -> float:
    """Milliseconds of the fastest of as many calls as `AT_LEAST` allows, at least one."""
    best, spent = np.inf, 0.0
    while spent < AT_LEAST:
        start = time.perf_counter()
        call()
        took = time.perf_counter() - start
        best, spent = min(best, took), spent + took
    return 1e3 * float(best)


def peak_memory(cases: Sequence[Mapping[str, Any]], threads: int) -> list[float]:
    """Peak of the resident memory during each call above that before it, in bytes; NaN where the system does not tell.

    A case has the arguments of `calls` and `pass`. Inputs are there before, so that the peak is
    outputs and working memory. All is measured in one fresh process, which returns freed memory to
    the system at once: else a later call would use what an earlier one has left behind.
    """
    settings = {
        "MALLOC_MMAP_THRESHOLD_": str(2**16),
        "MALLOC_TRIM_THRESHOLD_": "0",
        "OMP_NUM_THREADS": str(threads),
    }
    program = "from bochner.reproduce.attention_costs import _measure_peaks; _measure_peaks()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings},
    )
    if done.returncode != 0:
        raise RuntimeError(f"peak_memory: the measuring process failed:\n{done.stderr}")
    return [float(value) for value in json.loads(done.stdout)]


def _measure_peaks() -> None:
    """The fresh process of `peak_memory`: cases on the standard input, peaks on the standard output."""
    peaks = []
    with torch_threads(bochner.get_num_threads()):
        for case in json.load(sys.stdin):
            arguments = {name: value for name, value in case.items() if name != "pass"}
            # Threads, libraries and tables are there before.
            calls(**{**arguments, "length": 64})[case["pass"]]()
            peaks.append(_peak(calls(**arguments)[case["pass"]]))
    json.dump(peaks, sys.stdout)


def _peak(call: Call) -> float:
    status = Path("/proc/self/status")
    try:
        ctypes.CDLL(None).malloc_trim(0)
        # 5 sets the high-water mark back to what is resident now.
        Path("/proc/self/clear_refs").write_text("5")
        before = _resident(status, "VmHWM")
        kept = call()
        after = _resident(status, "VmHWM")
    except (OSError, AttributeError):
        return float("nan")
    del kept
    return after - before


def _resident(status: Path, field: str) -> float:
    line = next(line for line in status.read_text().splitlines() if line.startswith(field))
    return 1024.0 * int(line.split()[1])
