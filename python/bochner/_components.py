"""The parts of an estimator. What exists is asked of the compiled registry, never listed here."""

import numbers
from typing import Any, ClassVar, NamedTuple, TypeVar

import numpy.typing as npt

from . import _core
from ._arguments import FloatArray, matrices
from ._threads import get_num_threads

Self = TypeVar("Self", bound="Component")


class Entry(NamedTuple):
    """A component that exists, as `list_kernels` and its siblings return it.

    Attributes
    ----------
    name : str
        What `Kernel`, `Features`, `Coupling`, `RadialLaw` and `Estimator` take.
    parameters : dict of str to float
        The names of its parameters and their defaults.
    summary : str
        A line for people.
    """

    name: str
    parameters: dict[str, float]
    summary: str


class Component:
    """A named part with real parameters; immutable, comparable, hashable and picklable.

    Use its subclasses `Kernel`, `Features`, `Coupling` and `RadialLaw`.
    """

    __slots__ = ("_compiled",)
    _kind: ClassVar[str]
    _core_type: ClassVar[Any]
    _compiled: Any

    def __init__(self, name: str, **parameters: float) -> None:
        if not isinstance(name, str):
            kind = type(self).__name__
            raise TypeError(f"{kind}: name is a {type(name).__name__}; expected a str")
        for key, value in parameters.items():
            if not isinstance(value, numbers.Real):
                got = type(value).__name__
                raise TypeError(f"{name}: {key} is a {got}; expected a real number")
        core = self._core_type(name, {key: float(value) for key, value in parameters.items()})
        object.__setattr__(self, "_compiled", core)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is immutable")

    @classmethod
    def of(cls: type[Self], part: "str | Self") -> Self:
        """Return the component of a name with default parameters, or the component itself.

        Parameters
        ----------
        part : str or instance of this class

        Returns
        -------
        instance of this class

        Raises
        ------
        TypeError
            For anything else, such as a component of another kind.
        ValueError
            For a name that is not known; the message suggests one.
        """
        if isinstance(part, cls):
            return part
        if not isinstance(part, str):
            got, expected = type(part).__name__, f"a str or a bochner.{cls.__name__}"
            raise TypeError(f"{cls._kind} is a {got}; expected {expected}")
        return cls(part)

    @property
    def name(self) -> str:
        """The registered name."""
        name: str = self._compiled.name
        return name

    @property
    def parameters(self) -> dict[str, float]:
        """All parameters, those with default values too."""
        parameters: dict[str, float] = self._compiled.parameters
        return parameters

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.name == other.name and self.parameters == other.parameters

    def __hash__(self) -> int:
        return hash((type(self), self.name, tuple(sorted(self.parameters.items()))))

    def __repr__(self) -> str:
        arguments = [repr(self.name)]
        arguments += [f"{key}={value!r}" for key, value in self.parameters.items()]
        return f"{type(self).__name__}({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.name, self.parameters)


def _rebuild(cls: type[Component], name: str, parameters: dict[str, float]) -> Component:
    return cls(name, **parameters)


class Kernel(Component):
    """The exact function K(x, y) that is to be approximated.

    `softmax` is exp(x.y), without the division of x and y by d^(1/4) that attention brings;
    `regularized_softmax` is exp(-(|x|^2 + |y|^2)/2) 0F1(; d/2; d |x + y|^2 / 4) [Choromanski21,
    Theorem 1]; `gaussian` is exp(-|x - y|^2 / (2 bandwidth^2)). `list_kernels` has them all.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters, such as ``bandwidth=2.0``; the others have their defaults.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.

    Examples
    --------
    >>> import bochner
    >>> bochner.Kernel("gaussian", bandwidth=2.0)
    Kernel('gaussian', bandwidth=2.0)
    """

    __slots__ = ()
    _kind = "kernel"
    _core_type = _core.Kernel

    def gram(self, X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> FloatArray:
        """Evaluate K(X_i, Y_j), in double whatever the type of the arrays.

        Parameters
        ----------
        X : array_like, shape (n, d)
        Y : array_like, shape (k, d), optional
            `X` itself by default.

        Returns
        -------
        ndarray, shape (n, k)
            What the type cannot represent is 0 or infinity, never NaN.

        Raises
        ------
        TypeError
            If an array is neither float32, float64 nor of integers.
        ValueError
            For wrong shapes, no rows, NaN or infinity.

        Notes
        -----
        Cost: O(n k d).
        """
        x, y = matrices("gram", X=X, Y=X if Y is None else Y)
        values: FloatArray = self._compiled.gram(x, y, get_num_threads())
        return values

    def paired(self, X: npt.ArrayLike, Y: npt.ArrayLike) -> FloatArray:
        """Evaluate K(X_i, Y_i), in double whatever the type of the arrays.

        Parameters
        ----------
        X, Y : array_like, shape (n, d)

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        TypeError, ValueError
            As `gram` does, and if the shapes differ.
        """
        x, y = matrices("paired", X=X, Y=Y)
        values: FloatArray = self._compiled.paired(x, y)
        return values


class Features(Component):
    """A feature family: the recipe that turns frequencies into a feature map for a kernel.

    For the softmax kernel, with frequencies w_1..w_m [Choromanski21, Lemma 1 and eq. 2]:

    * `trigonometric`: exp(|x|^2/2) m^(-1/2) [cos(w_i.x) | sin(w_i.x)], p = 2m;
    * `positive`: exp(-|x|^2/2) m^(-1/2) (exp(w_i.x)), p = m;
    * `hyperbolic`: exp(-|x|^2/2) (2m)^(-1/2) [exp(w_i.x) | exp(-w_i.x)], p = 2m.

    The Gaussian kernel has the same maps times exp(-|x|^2/2), at x / bandwidth [RahimiRecht07].

    Generalized attention has phi(x) = m^(-1/2) (f(w_i.x) + epsilon), p = m, with epsilon = 0 by
    default [Choromanski21, eq. 5]:

    * `relu`, `exp`, `sigmoid`, `abs`, `cos`, `tanh` and `identity`: these f;
    * `gelu`: u Phi(u), Phi the standard normal distribution function;
    * `elu1`: elu(u) + 1 [Katharopoulos20, eq. 7].

    They take the frequencies from the kernel, but none estimates it without bias, so there is no
    law. `FunctionFeatures` has an f of your own; `list_features` has all that have a name.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters; the others have their defaults.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.
    """

    __slots__ = ()
    _kind = "features"
    _core_type = _core.Features


class Coupling(Component):
    """How the frequencies w_1..w_m are drawn jointly; each keeps its marginal law.

    `iid` draws them independently; `orthogonal` in blocks of d consecutive rows with exactly
    orthogonal, Haar distributed directions and independent norms, the last block possibly partial
    [Yu16; Choromanski21, Section 2.4].

    `hadamard` and `fastfood` never store W: a product costs O(m log d) a point. `hadamard` takes
    H D_1 ... H D_k, the Walsh-Hadamard matrix H and random signs in turn, `blocks` = k of them (1,
    2 or 3, the default), with independent norms [Yu16, Section 4]; its directions are not uniform,
    so that it is biased. `fastfood` takes H G Pi H B, random signs B, a permutation Pi and normal
    numbers G [Le13]; it is unbiased, its variance is larger than that of `iid`.
    `list_couplings` has them all.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters; the others have their defaults.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.
    """

    __slots__ = ()
    _kind = "coupling"
    _core_type = _core.Coupling


class RadialLaw(Component):
    """The law of the norm of a frequency, whose direction is uniform on the sphere.

    `chi` is that of Gaussian frequencies, |w| ~ chi_d; `constant` is |w| = sqrt(d), that of the
    regularized softmax kernel [Choromanski21, Theorem 1]. `list_radial_laws` has them all.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters; the others have their defaults.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.
    """

    __slots__ = ()
    _kind = "radial"
    _core_type = _core.RadialLaw


def list_kernels() -> list[Entry]:
    """Return the kernels that exist, in the order of the registry."""
    return [Entry(*entry) for entry in _core.Kernel.registered()]


def list_features() -> list[Entry]:
    """Return the feature families that exist, in the order of the registry."""
    return [Entry(*entry) for entry in _core.Features.registered()]


def list_couplings() -> list[Entry]:
    """Return the couplings that exist, in the order of the registry."""
    return [Entry(*entry) for entry in _core.Coupling.registered()]


def list_radial_laws() -> list[Entry]:
    """Return the radial laws that exist, in the order of the registry."""
    return [Entry(*entry) for entry in _core.RadialLaw.registered()]
