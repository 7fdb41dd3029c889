"""Generalized attention with a function of the user's own."""

import numbers
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import FloatArray, float_arrays
from ._components import Features

Function: TypeAlias = Callable[[FloatArray], npt.ArrayLike]


class FunctionFeatures(Features):
    """The feature family phi(x) = m^(-1/2) (f(w_i.x) + epsilon), p = m, of a Python function f.

    It stands wherever a name of `Features` does, in `Estimator` and `FeatureMap`, and is picklable
    when its functions are. As with the named ones there is no law [Choromanski21, eq. 5].

    Parameters
    ----------
    function : callable
        Takes an array (n, m) of w_i.x, float32 or float64 as the input of the map is, and returns
        f of every entry, in an array of the same shape. The argument is a copy which it may
        overwrite. It is called with blocks of rows, from any thread, one at a time.
    epsilon : float, default 0.0
        Added to every f, at least 0.
    derivative : callable, optional
        f' in the same form; without it the maps are not differentiable.

    Raises
    ------
    TypeError
        If a function is not callable or `epsilon` is no number.
    ValueError
        If `epsilon` is negative or not finite.

    Notes
    -----
    What a function raises reaches the caller of the map, Ctrl-C too. So does a result with another
    shape (ValueError), a type that is neither float32, float64 nor integers (TypeError), and NaN or
    infinity (ValueError).

    Examples
    --------
    >>> import bochner, numpy as np
    >>> square = bochner.FunctionFeatures(np.square, derivative=lambda u: 2 * u)
    >>> feature_map = bochner.Estimator("softmax", square).draw(dim=3, m=8)
    >>> feature_map.transform(np.ones((5, 3))).shape
    (5, 8)
    """

    __slots__ = ("_derivative", "_function")
    _derivative: Function | None
    _function: Function

    def __init__(self, function: Function, epsilon: float = 0.0, derivative: Function | None = None) -> None:
        if not isinstance(epsilon, numbers.Real):
            raise TypeError(f"FunctionFeatures: epsilon is a {type(epsilon).__name__}; expected a real number")
        checked = _checked("function", function)
        checked_derivative = None if derivative is None else _checked("derivative", derivative)
        core = _core.function_features(checked, checked_derivative, float(epsilon))
        for key, value in (("_compiled", core), ("_function", function), ("_derivative", derivative)):
            object.__setattr__(self, key, value)

    @property
    def function(self) -> Function:
        """The function f."""
        return self._function

    @property
    def derivative(self) -> Function | None:
        """The derivative f', if there is one."""
        return self._derivative

    def _parts(self) -> tuple[Function, float, Function | None]:
        return self._function, self.parameters["epsilon"], self._derivative

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FunctionFeatures):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash((type(self), self._parts()))

    def __repr__(self) -> str:
        function, epsilon, derivative = self._parts()
        last = "" if derivative is None else f", derivative={_name(derivative)}"
        return f"FunctionFeatures({_name(function)}, epsilon={epsilon!r}{last})"

    def __reduce__(self) -> tuple[Any, ...]:
        return FunctionFeatures, self._parts()


def _name(function: Function) -> str:
    """Return a name that does not depend on where the function lies in memory, if it has one."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None)
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module and name else name or repr(function)


def _checked(role: str, function: Function) -> Callable[[FloatArray], FloatArray]:
    """Wrap a function so that what it returns is an array of the shape and type of its argument."""
    if not callable(function):
        raise TypeError(f"FunctionFeatures: {role} is a {type(function).__name__}; expected a callable")

    def call(u: FloatArray) -> FloatArray:
        shape, dtype = u.shape, u.dtype
        (values,) = float_arrays("FunctionFeatures", **{f"the result of {role}": function(u)})
        if values.shape != shape:
            raise ValueError(f"FunctionFeatures: the result of {role} has shape {values.shape}; expected {shape}")
        with np.errstate(over="ignore"):
            values = values.astype(dtype, copy=False)
        if not np.isfinite(values).all():
            bad = values[~np.isfinite(values)][0]
            raise ValueError(f"FunctionFeatures: the result of {role} contains {bad}; expected finite {dtype} values")
        return values

    return call
