"""Parts of an estimator that are written in Python: NumPy in, NumPy out."""

import copyreg
import numbers
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import Float64Array, FloatArray, float_arrays, matrices
from ._components import Component, Coupling, Features, Kernel, RadialLaw
from ._names import Named, give, known

Key: TypeAlias = tuple[int, int]


def generator(key: Key) -> np.random.Generator:
    """Return NumPy's generator of a key of two words: Philox, as all streams here are."""
    return np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))


class _Plugin:
    """What parts written in Python have in common.

    Their attributes are their parameters. Equality, hash, text and pickling go by them, so an
    instance must not change once it is in use; a frozen dataclass is the shortest way to write one.
    """

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """Module and name of the class."""
        return f"{type(self).__module__}.{type(self).__qualname__}"

    @property
    def parameters(self) -> dict[str, float]:
        """The attributes that are real numbers."""
        return {key: float(value) for key, value in vars(self).items() if isinstance(value, numbers.Real)}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return _comparable(vars(self)) == _comparable(vars(other))

    def __hash__(self) -> int:
        return hash((type(self), tuple(sorted(self.parameters.items()))))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in vars(self).items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return copyreg.__newobj__, (type(self),), dict(vars(self))  # type: ignore[attr-defined]

    def _matrix(self, what: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Float64Array:
        return _checked(f"{type(self).__name__}: {what}", value, shape).astype(np.float64, copy=False)


def _comparable(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        key: (value.shape, value.dtype.str, value.tobytes()) if isinstance(value, np.ndarray) else value
        for key, value in attributes.items()
    }


def _checked(what: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Return the array if it has this shape and finite entries."""
    function, _, name = what.partition(": ")
    (array,) = float_arrays(function, **{name: value})
    if array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}; expected {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{what} contains {array[~np.isfinite(array)][0]}; expected finite values")
    return array


class FrequencyLawPlugin(_Plugin):
    """The law of one frequency w in R^d, symmetric about 0, of a `KernelPlugin`.

    Derive and define `sample`. Where they are known, define `cosine_gap` too, 1 - E cos(w.u), and
    the trigonometric estimates with independent frequencies have an exact law; and `mean_squares`,
    E w_j^2, and `experiments.uniform` certifies what it finds.

    Examples
    --------
    >>> import bochner
    >>> class TwoPoints(bochner.FrequencyLawPlugin):
    ...     def sample(self, m, dim, rng):
    ...         return rng.choice([-1.0, 1.0], (m, dim))
    """

    def sample(self, m: int, dim: int, rng: np.random.Generator) -> npt.ArrayLike:
        """Return independent frequencies.

        Parameters
        ----------
        m, dim : int
        rng : numpy.random.Generator

        Returns
        -------
        array_like, shape (m, dim)

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    def cosine_gap(self, u: Float64Array) -> float:
        """Return 1 - E cos(w.u), with a small relative error near u = 0 too.

        Parameters
        ----------
        u : ndarray, shape (dim,)

        Returns
        -------
        float

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    def mean_squares(self, dim: int) -> npt.ArrayLike:
        """Return E w_j^2, whose sum bounds the curvature of K.

        Parameters
        ----------
        dim : int

        Returns
        -------
        array_like, shape (dim,)

        Raises
        ------
        NotImplementedError
            Where it is not defined, or where they are infinite.
        """
        raise NotImplementedError

    @property
    def _compiled(self) -> Any:
        own, base = type(self), FrequencyLawPlugin
        return _core.plugin_frequency_law(
            self, own.cosine_gap is not base.cosine_gap, own.mean_squares is not base.mean_squares
        )

    def _rows(self, m: int, dim: int, key: Key) -> Float64Array:
        return self._matrix("the result of sample", self.sample(m, dim, generator(key)), (m, dim))

    def _gap(self, u: Float64Array) -> float:
        return float(self._matrix("the result of cosine_gap", self.cosine_gap(u), ()))

    def _squares(self, dim: int) -> Float64Array:
        squares = self._matrix("the result of mean_squares", self.mean_squares(dim), (dim,))
        if (squares < 0).any():
            raise ValueError(
                f"{type(self).__name__}: the result of mean_squares contains {squares.min()}; expected at least 0"
            )
        return squares[:, None]

    def _variance(self, u: Float64Array) -> float:
        # Var cos = (1 + k(2u)) / 2 - k(u)^2 with k = 1 - gap.
        gap = self._gap(u)
        return 2 * gap - gap * gap - self._gap(2 * u) / 2


class RadialLawPlugin(_Plugin, RadialLaw):
    """The law of the norm of a frequency with uniform direction: derive and define `norms`.

    It may be given as `radial` of an `Estimator` and be the `frequency_law` of a `KernelPlugin`, and
    any coupling draws it. Its moments are not known, so there is no exact law.
    """

    def __init__(self) -> None:
        pass

    def norms(self, count: int, dim: int, rng: np.random.Generator) -> npt.ArrayLike:
        """Return independent norms.

        Parameters
        ----------
        count, dim : int
        rng : numpy.random.Generator

        Returns
        -------
        array_like, shape (count,)

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    @property
    def _compiled(self) -> Any:
        return _core.plugin_radial_law(self)

    def _norms(self, count: int, dim: int, key: Key) -> Float64Array:
        norms = self._matrix("the result of norms", self.norms(count, dim, generator(key)), (count,))
        if (norms < 0).any():
            raise ValueError(f"{type(self).__name__}: the result of norms contains {norms.min()}; expected at least 0")
        return norms[:, None]


class KernelPlugin(_Plugin, Kernel):
    """A kernel of your own: derive and define `evaluate`.

    It stands wherever a `Kernel` does. To be estimated by our feature families it needs a law of
    frequencies beside; `FeaturesPlugin` estimates it in any other way.

    Attributes
    ----------
    frequency_law : FrequencyLawPlugin, RadialLaw or None
        The law under which K(x, y) = E cos(w.(x - y)), or what `shapes` says. None by default.
    shapes : tuple of {"cos", "exp", "cosh"}
        Which one-frequency estimates have mean K, with x' = `scale` x: "cos" is
        a E cos(w.(x' - y')) exp((|x'|^2 + |y'|^2)(e + 1/2)), that of `trigonometric`; "exp" and
        "cosh" are a E f(w.(x' + y')) exp((|x'|^2 + |y'|^2)(e - 1/2)), those of `positive` and
        `hyperbolic`; a and e are `amplitude` and `exponent`.
    scale, amplitude, exponent : float
        1, 1 and -1/2 by default, so that "cos" has no factor: a stationary kernel.

    Examples
    --------
    >>> import bochner, numpy as np
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Cosines(bochner.KernelPlugin):
    ...     width: float = 1.0
    ...     def evaluate(self, X, Y):
    ...         return np.cos((X[:, None] - Y) / self.width).prod(-1)
    >>> Cosines(width=2.0).gram(np.zeros((1, 3)))
    array([[1.]])
    """

    frequency_law: Any = None
    shapes: Any = ("cos",)
    scale: Any = 1.0
    amplitude: Any = 1.0
    exponent: Any = -0.5

    def __init__(self) -> None:
        pass

    def evaluate(self, X: Float64Array, Y: Float64Array) -> npt.ArrayLike:
        """Return K(X_i, Y_j).

        Parameters
        ----------
        X : ndarray, shape (n, d), float64
        Y : ndarray, shape (k, d), float64

        Returns
        -------
        array_like, shape (n, k)

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    @property
    def _compiled(self) -> Any:
        law = self.frequency_law
        law = RadialLaw.of(law) if isinstance(law, str) else law
        compiled = None if law is None else law._compiled
        return _core.plugin_kernel(
            self, compiled, float(self.scale), float(self.exponent), float(self.amplitude), list(self.shapes)
        )

    def _value(self, x: Float64Array, y: Float64Array) -> float:
        return float(self._matrix("the result of evaluate", self.evaluate(x[None], y[None]), (1, 1))[0, 0])

    def gram(self, X: npt.ArrayLike, Y: npt.ArrayLike | None = None) -> FloatArray:
        """Evaluate K(X_i, Y_j), as `Kernel.gram` does, in one call of `evaluate`.

        Parameters
        ----------
        X : array_like, shape (n, d)
        Y : array_like, shape (k, d), optional
            `X` itself by default.

        Returns
        -------
        ndarray, shape (n, k)

        Raises
        ------
        TypeError, ValueError
            As `Kernel.gram` does, and for what `evaluate` returned.
        """
        x, y = matrices("gram", X=X, Y=X if Y is None else Y)
        _core.check_points("gram", x, y)
        double = (array.astype(np.float64, copy=False) for array in (x, y))
        values = self._matrix("the result of evaluate", self.evaluate(*double), (len(x), len(y)))
        return values.astype(x.dtype, copy=False)


class Frequencies:
    """The law of the frequencies, as `CouplingPlugin.draw` has it; usable during that call only.

    Attributes
    ----------
    isotropic : bool
        Whether directions are uniform and independent of the norms.
    """

    def __init__(self, compiled: Any) -> None:
        self._law = compiled

    @property
    def isotropic(self) -> bool:
        """Whether directions are uniform and independent of the norms."""
        return bool(self._law.isotropic)

    def independent(self, m: int, dim: int, rng: np.random.Generator) -> Float64Array:
        """Return independent frequencies.

        Parameters
        ----------
        m, dim : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (m, dim)

        Raises
        ------
        AttributeError
            After the call that this law was given to.
        """
        drawn: Float64Array = self._law.independent(m, dim, *_words(rng))
        return drawn

    def norms(self, count: int, dim: int, rng: np.random.Generator) -> Float64Array:
        """Return independent norms.

        Parameters
        ----------
        count, dim : int
        rng : numpy.random.Generator

        Returns
        -------
        ndarray, shape (count,)

        Raises
        ------
        ValueError
            Unless the law is isotropic.
        AttributeError
            After the call that this law was given to.
        """
        drawn: Float64Array = self._law.norms(count, dim, *_words(rng))
        return drawn


def _words(rng: np.random.Generator) -> list[int]:
    return [int(word) for word in rng.integers(2**64, size=2, dtype=np.uint64)]


class CouplingPlugin(_Plugin, Coupling):
    """A coupling of your own: derive and define `draw`.

    Attributes
    ----------
    unbiased : bool
        Whether each row has exactly the marginal law. True by default.
    prefixes_are_draws : bool
        Whether the first k rows of a draw of m are the draw of k. False by default.
    independent : bool
        Whether the rows are independent, so that the law of `iid` holds. False by default.
    needs_isotropic : bool
        Whether only isotropic laws can be drawn. False by default.
    """

    unbiased: Any = True
    prefixes_are_draws: Any = False
    independent: Any = False
    needs_isotropic: Any = False

    def __init__(self) -> None:
        pass

    def draw(self, law: Frequencies, m: int, dim: int, rng: np.random.Generator) -> npt.ArrayLike:
        """Return W, whose rows have this law.

        Parameters
        ----------
        law : Frequencies
        m, dim : int
        rng : numpy.random.Generator
            A function of seed and trial, so that trial t is the same for any number of threads.

        Returns
        -------
        array_like, shape (m, dim)

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    @property
    def _compiled(self) -> Any:
        traits = (self.unbiased, self.prefixes_are_draws, self.independent, self.needs_isotropic)
        return _core.plugin_coupling(self, *(bool(trait) for trait in traits))

    def _draw(self, law: Any, m: int, dim: int, key: Key) -> Float64Array:
        frequencies = Frequencies(law)
        try:
            drawn = self.draw(frequencies, m, dim, generator(key))
        finally:
            frequencies._law = None
        return self._matrix("the result of draw", drawn, (m, dim))


class FeaturesPlugin(_Plugin, Features):
    """A recipe for feature maps of your own: derive and define `draw`.

    Where the mean and the variance of the estimates are known, define `law` too; they then stand
    beside every measurement, as our laws do.

    Attributes
    ----------
    needs_frequencies : bool
        Whether `draw` has W, drawn by the estimator's coupling from the kernel's frequency law. True by
        default; otherwise W is None, coupling and radial law are not used, and any kernel will do.
    unbiased : bool
        Whether the mean of phi(x).phi(y) is K(x, y): what `bochner.testing` asks. True by default.
    deterministic : bool
        Whether all draws are the same. False by default.

    Examples
    --------
    >>> import bochner, numpy as np
    >>> class Phases(bochner.FeaturesPlugin):
    ...     def draw(self, kernel, dim, m, rng, W):
    ...         b = rng.uniform(0, 2 * np.pi, m)
    ...         return lambda X: np.sqrt(2 / m) * np.cos(X @ W.T + b)
    >>> bochner.Estimator("gaussian", Phases()).draw(dim=3, m=8).transform(np.zeros((5, 3))).shape
    (5, 8)
    """

    needs_frequencies: Any = True
    unbiased: Any = True
    deterministic: Any = False

    def __init__(self) -> None:
        pass

    def draw(
        self, kernel: Kernel, dim: int, m: int, rng: np.random.Generator, W: Float64Array | None
    ) -> Callable[[FloatArray], Any] | Any:
        """Return phi, the map of one draw.

        Parameters
        ----------
        kernel : Kernel
        dim, m : int
        rng : numpy.random.Generator
            A function of seed and trial, so that trial t is the same for any number of threads.
        W : ndarray, shape (m, dim), or None
            The frequencies, with the kernel's scales.

        Returns
        -------
        callable or object with a method `transform`, or two of them
            X (n, d), float32 or float64 -> (n, p). Rows must not depend on one another: it is called
            with blocks of rows, from any thread, one at a time. It may return (values, log_scale (n,))
            for features values * exp(log_scale) that could overflow. Two of them, as a tuple, are
            the maps of queries and of keys: K^(x, y) = phi(x).psi(y).

            With a method ``vjp(X, d)`` beside `transform`, attention trains: it returns the gradient
            (n, d) with respect to `X` of a number whose gradient with respect to what ``transform(X)``
            returned is d, an array or a tuple of two as that is.

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    def features(self, m: int) -> int:
        """Return the columns p of a map with m frequencies, m by default.

        Parameters
        ----------
        m : int

        Returns
        -------
        int

        Raises
        ------
        Nothing
        """
        return m

    def law(
        self, kernel: Kernel, coupling: Coupling, X: Float64Array, Y: Float64Array, m: int
    ) -> tuple[npt.ArrayLike, npt.ArrayLike] | None:
        """Return the exact mean and variance of the estimates K^(X_i, Y_i) with m frequencies.

        Parameters
        ----------
        kernel : Kernel
        coupling : Coupling
            It draws W from the kernel's own law of frequencies; with another radial law there is no
            law. `iid` for features without frequencies.
        X, Y : ndarray, shape (n, d), float64
        m : int

        Returns
        -------
        mean, variance : array_like, shape (n,)
            Or None where they are not known, such as with another coupling.

        Raises
        ------
        NotImplementedError
            Where it is not defined.
        """
        raise NotImplementedError

    @property
    def _compiled(self) -> Any:
        return self._compiled_for(None, None)

    def _compiled_for(self, kernel: Kernel | None, coupling: Coupling | None) -> Any:
        has_law = type(self).law is not FeaturesPlugin.law
        traits = (self.needs_frequencies, self.unbiased, has_law)
        return _core.plugin_features(_Drawing(self, kernel, coupling), *(bool(trait) for trait in traits))


class _Drawing:
    """A recipe with the kernel and the coupling that it is for."""

    def __init__(self, plugin: FeaturesPlugin, kernel: Kernel | None, coupling: Coupling | None) -> None:
        self.plugin, self.kernel, self.coupling = plugin, kernel, coupling
        self.name, self.parameters = plugin.name, plugin.parameters

    def _features(self, m: int) -> int:
        return self.plugin.features(m)

    def _draw(self, dim: int, m: int, key: Key, W: Float64Array | None) -> "_Map":
        if self.kernel is None:
            raise ValueError(f"{type(self.plugin).__name__}: an Estimator draws its maps, not the family alone")
        phi = self.plugin.draw(self.kernel, dim, m, generator(key), W)
        return _Map(type(self.plugin).__name__, phi, self.plugin.features(m))

    def _law(self, x: Float64Array, y: Float64Array, m: int) -> Float64Array:
        if self.kernel is None or self.coupling is None:
            raise ValueError(f"{type(self.plugin).__name__}: an Estimator has a law, not the family alone")
        known = self.plugin.law(self.kernel, self.coupling, x[None], y[None], m)
        if known is None:
            return np.empty((0, 2))
        mean, variance = (
            self.plugin._matrix(f"the {what} of law", value, (1,))
            for what, value in zip(("mean", "variance"), known, strict=True)
        )
        if variance[0] < 0:
            raise ValueError(f"{type(self.plugin).__name__}: the variance of law is {variance[0]}; expected at least 0")
        return np.stack([mean, variance], axis=1)


class _Map:
    """A user's map, of queries and of keys, with the checks of what it returns."""

    def __init__(self, name: str, phi: Any, features: int) -> None:
        sides = phi if isinstance(phi, tuple) and len(phi) == 2 else (phi, phi)
        for side in sides:
            if not callable(getattr(side, "transform", side)):
                got = type(side).__name__ if side is phi else f"tuple with a {type(side).__name__}"
                expected = "a function, an object with transform, or a tuple of two of these"
                raise TypeError(f"{name}: the result of draw is a {got}; expected {expected}")
        self.name, self.sides, self.features = name, sides, features
        self.symmetric = sides[0] is sides[1]
        self.differentiable = all(callable(getattr(side, "vjp", None)) for side in sides)

    def _transform(self, X: FloatArray, is_key: bool) -> tuple[FloatArray, FloatArray]:
        rows, dtype = len(X), X.dtype
        side = self.sides[is_key]
        transform: Any = getattr(side, "transform", side)
        result = transform(X)
        values, scales = result if isinstance(result, tuple) else (result, np.zeros(rows))
        with np.errstate(over="ignore"):
            z = _checked(f"{self.name}: the features", np.asarray(values), (rows, self.features)).astype(dtype)
            scale = _checked(f"{self.name}: the log-scale", np.asarray(scales), (rows,)).astype(dtype)
        if not np.isfinite(z).all():
            raise ValueError(f"{self.name}: the features overflow {dtype}; return (values, log_scale)")
        return z, scale[:, None]

    def _vjp(self, X: FloatArray, is_key: bool, d_values: FloatArray, d_log_scale: FloatArray) -> FloatArray:
        side = self.sides[is_key]
        scaled = isinstance(side.transform(X[:1]), tuple)
        gradient = side.vjp(X, (d_values, d_log_scale) if scaled else d_values)
        return _checked(f"{self.name}: the result of vjp", np.asarray(gradient), X.shape).astype(X.dtype)


_KINDS: tuple[type[Component], ...] = (Kernel, Features, Coupling, RadialLaw)


def register(name: str, part: type[Component], summary: str = "") -> None:
    """Give a part written in Python a name, by which `Estimator` and its siblings know it.

    Parameters
    ----------
    name : str
    part : type
        A class that derives from `KernelPlugin`, `FeaturesPlugin`, `CouplingPlugin` or
        `RadialLawPlugin`; its constructor takes the parameters, all with defaults.
    summary : str, optional
        A line for `bochner list`; by default the first of the class's docstring.

    Raises
    ------
    TypeError
        If `part` is no such class.
    ValueError
        If the name is taken by another part of this kind.

    Notes
    -----
    An installed package registers its parts without being imported by entry points of the group
    ``bochner.plugins``: ``my_name = "my_package:MyKernel"``.
    """
    kind = next(
        (k for k in _KINDS if isinstance(part, type) and issubclass(part, k) and issubclass(part, _Plugin)), None
    )
    if kind is None:
        raise TypeError(f"register: part is {part!r}; expected a class that derives from one of the plug-in classes")
    if not isinstance(name, str) or not name:
        raise TypeError(f"register: name is {name!r}; expected a str that is not empty")
    taken = known(kind._kind).get(name)
    if any(name == entry[0] for entry in kind._core_type.registered()) or (taken and taken.part is not part):
        raise ValueError(f"register: there is a {kind._kind} {name!r} already")
    lines = (part.__doc__ or "").strip().splitlines()
    give(kind._kind, name, Named(part, summary or (lines[0] if lines else part.__name__)))
