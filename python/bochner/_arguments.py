"""Conversion and checks of arguments, before the compiled part sees them.

Shapes of rows and values are checked by the compiled part, which says the same things in the same
words; here is what it cannot see: types, dimensions and Python integers.
"""

import operator
import os
from collections.abc import Sequence
from typing import Any, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Float64Array: TypeAlias = npt.NDArray[np.float64]

MAX_INDEX = 2**63 - 1
MAX_UINT64 = 2**64 - 1


def float_arrays(function: str, **arrays: npt.ArrayLike) -> list[FloatArray]:
    """Convert arrays to one floating type, C-contiguous, without a copy where none is needed.

    Integers and booleans become float64; float32 and float64 together become float64.

    Raises
    ------
    TypeError
        For any other type: half and extended precision, complex numbers, objects, text.
    """
    converted = [_as_array(function, name, array) for name, array in arrays.items()]
    dtype = np.result_type(*(_float_type(a.dtype) for a in converted))
    return [np.ascontiguousarray(a, dtype=dtype).reshape(a.shape) for a in converted]


def matrices(function: str, **arrays: npt.ArrayLike) -> list[FloatArray]:
    """`float_arrays` of arrays with two dimensions, (n, d)."""
    converted = float_arrays(function, **arrays)
    for name, array in zip(arrays, converted, strict=True):
        if array.ndim != 2:
            raise ValueError(f"{function}: {name} has shape {array.shape}; expected (n, d)")
    return converted


def double_matrices(function: str, **arrays: npt.ArrayLike) -> list[Float64Array]:
    """`matrices` in float64."""
    return [a.astype(np.float64, copy=False) for a in matrices(function, **arrays)]


def integer(function: str, name: str, value: SupportsIndex, minimum: int, maximum: int = MAX_INDEX) -> int:
    """Return a Python or NumPy integer within bounds."""
    try:
        number = operator.index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"{function}: {name} is a {kind}; expected an integer") from None
    if number < minimum:
        raise ValueError(f"{function}: {name} is {number}; expected at least {minimum}")
    if number > maximum:
        raise ValueError(f"{function}: {name} is {number}; expected at most {maximum}")
    return number


def integers(function: str, name: str, values: SupportsIndex | Sequence[int], minimum: int) -> list[int]:
    """Return one integer or several as a list."""
    several = isinstance(values, Sequence) or (isinstance(values, np.ndarray) and values.ndim > 0)
    listed: Sequence[Any] = values if several else [values]  # type: ignore[assignment]
    if len(listed) == 0:
        raise ValueError(f"{function}: {name} is empty; expected at least one value")
    return [integer(function, name, value, minimum) for value in listed]


def default_num_threads() -> int:
    """Return OMP_NUM_THREADS where it is a number, else the cores this process may use."""
    # A list, "4,2", is the number of each nested level.
    named = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if named.isdigit() and int(named) > 0:
        return int(named)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _as_array(function: str, name: str, value: npt.ArrayLike) -> npt.NDArray[Any]:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{function}: {name} is not an array: {error}") from None
    if array.dtype.kind in "biu" or array.dtype.newbyteorder("=") in (np.float32, np.float64):
        return array
    raise TypeError(f"{function}: {name} has dtype {array.dtype}; expected float32, float64 or integers")


def _float_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float32 if dtype.newbyteorder("=") == np.float32 else np.float64)
