from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Float: TypeAlias = npt.NDArray[np.floating[Any]]
_Float64: TypeAlias = npt.NDArray[np.float64]
_Mask: TypeAlias = npt.NDArray[np.bool_]
_Progress: TypeAlias = Callable[[int, int], object]

__version__: str

class NoLawError(ValueError): ...

def instruction_sets() -> list[str]: ...
def check_points(function: str, X: _Float, Y: _Float) -> None: ...

# That of every class of pybind11.
class _Compiled(type): ...

class _Component(metaclass=_Compiled):
    def __init__(self, name: str, parameters: Mapping[str, float] = ...) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def parameters(self) -> dict[str, float]: ...
    @staticmethod
    def registered() -> list[tuple[str, dict[str, float], str]]: ...

class Kernel(_Component):
    def gram(self, X: _Float, Y: _Float, threads: int) -> _Float: ...
    def paired(self, X: _Float, Y: _Float) -> _Float: ...
    @property
    def stationary(self) -> bool: ...
    def with_length_scales(self, length_scales: Sequence[float]) -> Kernel: ...
    @staticmethod
    def sum(kernels: Sequence[Kernel]) -> Kernel: ...
    @staticmethod
    def product(kernels: Sequence[Kernel]) -> Kernel: ...
    def scaled(self, amplitude: float) -> Kernel: ...

class Features(_Component):
    @property
    def projected(self) -> bool: ...

class Coupling(_Component): ...
class RadialLaw(_Component): ...

def default_coupling(kernel: Kernel, features: Features) -> str: ...
def function_features(
    function: Callable[[_Float], _Float], derivative: Callable[[_Float], _Float] | None, epsilon: float
) -> Features: ...

class FeatureMap(metaclass=_Compiled):
    def __init__(self, kernel: Kernel, features: Features, frequencies: _Float64) -> None: ...
    @property
    def dim(self) -> int: ...
    @property
    def features(self) -> int: ...
    @property
    def symmetric(self) -> bool: ...
    @property
    def differentiable(self) -> bool: ...
    @property
    def exponential(self) -> bool: ...
    @property
    def frequencies(self) -> _Float64: ...
    def transform(self, X: _Float, is_key: bool, threads: int) -> _Float: ...
    def transform_scaled(self, X: _Float, is_key: bool, threads: int) -> tuple[_Float, _Float]: ...
    def vjp(self, X: _Float, d_Z: _Float, is_key: bool, threads: int) -> _Float: ...
    def gram(self, X: _Float, Y: _Float, threads: int) -> _Float: ...
    def paired(self, X: _Float, Y: _Float) -> _Float: ...

class Estimator(metaclass=_Compiled):
    def __init__(
        self, kernel: Kernel, features: Features, coupling: Coupling, radial: RadialLaw | None = ...
    ) -> None: ...
    @property
    def radial(self) -> RadialLaw | None: ...
    @property
    def has_law(self) -> bool: ...
    def draw(self, dim: int, m: int, seed: int, trial: int) -> FeatureMap: ...
    def law(self, X: _Float64, Y: _Float64, m: int, threads: int) -> _Float64: ...

def attention(
    Q: _Float,
    K: _Float,
    V: _Float,
    maps: Sequence[FeatureMap],
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    renormalize: bool,
    threads: int,
) -> tuple[_Float, int, int]: ...
def attention_vjp(
    Q: _Float,
    K: _Float,
    V: _Float,
    out: _Float,
    grad: _Float,
    maps: Sequence[FeatureMap],
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    threads: int,
) -> tuple[_Float, _Float, _Float]: ...

class _AttentionState(metaclass=_Compiled):
    def __init__(self, map: FeatureMap, values: int, scale: float | None) -> None: ...
    def append(self, K: _Float, V: _Float) -> None: ...
    def query(self, Q: _Float) -> tuple[_Float, int, int]: ...
    def __len__(self) -> int: ...
    @property
    def scale(self) -> float: ...
    def numbers(self) -> _Float: ...
    def restore(self, numbers: _Float) -> None: ...
    def copy(self) -> _AttentionState: ...

class AttentionState32(_AttentionState): ...
class AttentionState64(_AttentionState): ...

def exact_attention(
    Q: _Float,
    K: _Float,
    V: _Float,
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    threads: int,
) -> _Float: ...
def uniform_attention(
    Q: _Float,
    K: _Float,
    V: _Float,
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    threads: int,
) -> _Float: ...
def attention_law(
    estimator: Estimator,
    Q: _Float64,
    K: _Float64,
    V: _Float64,
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    m: Sequence[int],
    threads: int,
) -> tuple[_Float64, _Float64, _Float64, _Float64]: ...

class Pointwise(metaclass=_Compiled):
    def __init__(
        self,
        estimator: Estimator,
        X: _Float64,
        Y: _Float64,
        m: Sequence[int],
        trials: int,
        seed: int,
        sampler: str,
        single_precision: bool,
    ) -> None: ...
    def run(self, begin: int, end: int, threads: int, progress: _Progress | None) -> _Float64: ...
    def rows(self, shards: Sequence[_Float64]) -> dict[str, list[Any]]: ...
    def coverage(self, repeats: int, threads: int, progress: _Progress | None) -> dict[str, list[Any]]: ...

def block_length(trials: int) -> int: ...
def attention_errors(
    estimator: Estimator,
    Q: _Float,
    K: _Float,
    V: _Float,
    causal: bool,
    key_mask: _Mask | None,
    scale: float | None,
    zero_if_empty: bool,
    m: Sequence[int],
    trials: int,
    seed: int,
    threads: int,
    progress: _Progress | None,
) -> dict[str, Any]: ...
def uniform_errors(
    estimator: Estimator,
    radius: float,
    dim: int,
    m: Sequence[int],
    trials: int,
    seed: int,
    search: str,
    tolerance: float,
    starts: int,
    threads: int,
    progress: _Progress | None,
) -> dict[str, _Float64]: ...
def uniform_errors_of(
    estimator: Estimator,
    X: _Float64,
    Y: _Float64,
    m: Sequence[int],
    trials: int,
    seed: int,
    threads: int,
    progress: _Progress | None,
) -> dict[str, _Float64]: ...
def gram_law_mse(estimator: Estimator, X: _Float64, m: Sequence[int], threads: int) -> list[float]: ...
