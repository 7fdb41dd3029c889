"""The parts of an estimator. What exists is asked of the compiled registry, never listed here."""

import difflib
import numbers
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from . import _core
from ._arguments import Float64Array, FloatArray, matrices
from ._names import known
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


class _Named(type):
    """Makes `Kernel(name)` and its siblings find parts written in Python by the names that these were given."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        name = args[0] if args else kwargs.get("name")
        if "_core_type" not in vars(cls) or not isinstance(name, str):
            return super().__call__(*args, **kwargs)
        kind: str = vars(cls)["_kind"]
        if not any(name == entry[0] for entry in vars(cls)["_core_type"].registered()):
            plugins = known(kind)
            if name in plugins:
                return plugins[name].part(*args[1:], **{k: v for k, v in kwargs.items() if k != "name"})
            if near := difflib.get_close_matches(name, plugins, n=1, cutoff=0.6):
                listed = ", ".join(plugins)
                raise ValueError(f"unknown {kind} {name!r}; did you mean {near[0]!r}? known plug-ins: {listed}")
        return super().__call__(*args, **kwargs)


class Component(metaclass=_Named):
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
    def parameters(self) -> dict[str, Any]:
        """All parameters, those with default values too."""
        parameters: dict[str, Any] = self._compiled.parameters
        return parameters

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.name == other.name and self.parameters == other.parameters

    def __hash__(self) -> int:
        return hash((type(self), self.name, tuple(sorted(self.parameters.items()))))

    def __repr__(self) -> str:
        arguments = [repr(self.name)]
        values = {key: list(v) if isinstance(v, tuple) else v for key, v in self.parameters.items()}
        arguments += [f"{key}={value!r}" for key, value in values.items()]
        return f"{type(self).__name__}({', '.join(arguments)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.name, self.parameters)


def _rebuild(cls: type[Component], name: str, parameters: dict[str, Any]) -> Component:
    return cls(name, **parameters)


class Kernel(Component):
    """The exact function K(x, y) that is to be approximated.

    `softmax` is exp(x.y), without the division of x and y by d^(1/4) that attention brings;
    `regularized_softmax` is exp(-(|x|^2 + |y|^2)/2) 0F1(; d/2; d |x + y|^2 / 4) [Choromanski21,
    Theorem 1]. The stationary kernels are functions of u = (x - y) / bandwidth with K(x, x) = 1:

    * `gaussian`: exp(-|u|^2 / 2);
    * `laplacian_l1`: exp(-|u|_1); `laplacian_l2`: exp(-|u|);
    * `matern`: 2^(1 - nu) / Gamma(nu) t^nu K_nu(t), t = sqrt(2 nu) |u|, any nu > 0;
    * `rational_quadratic`: (1 + |u|^2 / (2 alpha))^-alpha;
    * `cauchy`: 1 / (1 + |u|^2); `product_cauchy`: prod_j 1 / (1 + u_j^2);
    * `powered_exponential`: exp(-|u|^gamma), 0 < gamma <= 2;
    * `periodic`: prod_j exp(-2 sin(pi (x_j - y_j) / period)^2 / bandwidth^2)
      [RasmussenWilliams06, Section 4.2].

    Their frequencies have heavy tails but for `gaussian`, so `trigonometric` features estimate them
    and those of exponentials do not.

    Stationary kernels have one bandwidth, or one a dimension (ARD). They can be added and
    multiplied, ``k1 + k2`` and ``k1 * k2``: features of a sum are drawn from the mixture of the
    spectral measures, and the frequencies of a product are sums of those of its parts. Any kernel
    can be scaled: ``2.0 * k``.

    Of the angle t between x and y: `arc_cosine` is 2 E max(w.x, 0)^order max(w.y, 0)^order for
    Gaussian w, order 0 to 4, by default 1: |x| |y| (sin t + (pi - t) cos t) / pi [ChoSaul09];
    `angular` is 1 - 2t/pi [Charikar02]. `polynomial` is (x.y + c)^degree.

    For histograms, x and y >= 0 [VedaldiZisserman12], sums over coordinates: `chi_squared` of
    2xy/(x + y), `intersection` of min(x, y), `jensen_shannon` of (x log2((x + y)/x) +
    y log2((x + y)/y))/2. `skewed_chi_squared` is the product of
    2 sqrt(x + c) sqrt(y + c) / (x + y + 2c), x and y > -c [Li10]. `list_kernels` has them all.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters, such as ``bandwidth=2.0``; the others have their defaults. The `bandwidth`
        of a stationary kernel may be a sequence, one length-scale for each column of the input.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.

    Examples
    --------
    >>> import bochner
    >>> bochner.Kernel("gaussian", bandwidth=2.0)
    Kernel('gaussian', bandwidth=2.0)
    >>> 0.5 * bochner.Kernel("matern", nu=2.5, bandwidth=[1, 3]) + bochner.Kernel("cauchy")
    0.5 * Kernel('matern', bandwidth=[1.0, 3.0], nu=2.5) + Kernel('cauchy', bandwidth=1.0)
    """

    __slots__ = ("_length_scales", "_name", "_scalars")
    _kind = "kernel"
    _core_type = _core.Kernel
    _length_scales: tuple[float, ...]
    _name: str
    _scalars: dict[str, float]

    def __init__(self, name: str, **parameters: float | Sequence[float] | npt.NDArray[Any]) -> None:
        bandwidth = parameters.get("bandwidth")
        lengths = () if bandwidth is None or isinstance(bandwidth, (numbers.Real, str)) else _lengths(name, bandwidth)
        if len(lengths) == 1:
            parameters["bandwidth"], lengths = lengths[0], ()
        if lengths:
            del parameters["bandwidth"]
        super().__init__(name, **cast("dict[str, float]", parameters))
        scalars = super().parameters
        scalars.pop("bandwidth", None)
        if lengths:
            object.__setattr__(self, "_compiled", self._compiled.with_length_scales(lengths))
        object.__setattr__(self, "_length_scales", lengths)
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_scalars", scalars)

    @property
    def name(self) -> str:
        """The registered name."""
        return self._name

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, those with default values too; one bandwidth a dimension as a tuple."""
        if not self._length_scales:
            return super().parameters
        return {"bandwidth": self._length_scales, **self._scalars}

    @property
    def stationary(self) -> bool:
        """Whether K(x, y) is a function of x - y with frequencies, so that it can be composed."""
        stationary: bool = self._compiled.stationary
        return stationary

    def __add__(self, other: object) -> "Kernel":
        if not isinstance(other, Kernel):
            return NotImplemented
        return CompositeKernel("sum", (*_terms(self, "sum"), *_terms(other, "sum")))

    def __mul__(self, other: object) -> "Kernel":
        if isinstance(other, numbers.Real):
            return CompositeKernel("scaled", (float(other), self))
        if not isinstance(other, Kernel):
            return NotImplemented
        return CompositeKernel("product", (*_terms(self, "product"), *_terms(other, "product")))

    def __rmul__(self, other: object) -> "Kernel":
        return self * other if isinstance(other, numbers.Real) else NotImplemented

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
            For wrong shapes, no rows, NaN, infinity, and entries that the kernel is not defined for.

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


def _lengths(name: str, bandwidth: object) -> tuple[float, ...]:
    try:
        lengths = np.asarray(bandwidth, dtype=np.float64)
    except (TypeError, ValueError):
        lengths = np.empty((0, 0))
    if lengths.ndim != 1 or not len(lengths):
        text = f"{name}: bandwidth is a {type(bandwidth).__name__}; expected a real number or a sequence of them"
        raise TypeError(text)
    return tuple(lengths.tolist())


def _terms(kernel: Kernel, operation: str) -> "tuple[Kernel, ...]":
    """Return the terms of a composition of this kind, so that it becomes no composition of compositions."""
    if isinstance(kernel, CompositeKernel) and kernel.name == operation:
        return cast("tuple[Kernel, ...]", kernel.terms)
    return (kernel,)


class CompositeKernel(Kernel):
    """A sum, a product or a multiple of kernels, as ``k1 + k2``, ``k1 * k2`` and ``2.0 * k`` make them.

    Its `name` is the operation. It is a kernel like the others: it can be composed again, has
    features, a law and pickles.

    Parameters
    ----------
    operation : {"sum", "product", "scaled"}
    terms : tuple
        Of a sum and a product, stationary kernels, one or more; of a multiple, the factor and any
        kernel.

    Raises
    ------
    TypeError
        For other terms.
    ValueError
        For another operation, for a sum or product with a kernel that is not stationary, and for a
        factor that is not finite and positive.

    Examples
    --------
    >>> import bochner
    >>> kernel = 2.0 * bochner.Kernel("gaussian") + bochner.Kernel("cauchy")
    >>> type(kernel).__name__, kernel.name, kernel.terms[1]
    ('CompositeKernel', 'sum', Kernel('cauchy', bandwidth=1.0))
    """

    __slots__ = ("_terms",)
    _terms: tuple[Kernel | float, ...]

    def __init__(self, operation: str, terms: tuple[Kernel | float, ...]) -> None:
        if operation not in ("sum", "product", "scaled"):
            raise ValueError(f"CompositeKernel: operation is {operation!r}; expected 'sum', 'product' or 'scaled'")
        kinds = (numbers.Real, Kernel) if operation == "scaled" else (Kernel,) * max(1, len(terms))
        if len(terms) != len(kinds) or not all(map(isinstance, terms, kinds)):
            got = ", ".join(type(term).__name__ for term in terms) or "none"
            expected = "a real number and a Kernel" if operation == "scaled" else "one Kernel or more"
            raise TypeError(f"CompositeKernel: terms of {operation!r} are {got}; expected {expected}")
        kernels = [term._compiled for term in terms if isinstance(term, Kernel)]
        if operation == "scaled":
            core = kernels[0].scaled(terms[0])
        else:
            core = {"sum": _core.Kernel.sum, "product": _core.Kernel.product}[operation](kernels)
        for key, value in (
            ("_compiled", core),
            ("_length_scales", ()),
            ("_name", operation),
            ("_scalars", {}),
            ("_terms", terms),
        ):
            object.__setattr__(self, key, value)

    @property
    def terms(self) -> tuple[Kernel | float, ...]:
        """What it is composed of: kernels, or the factor and the kernel of a multiple."""
        return self._terms

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.name == other.name and self.terms == other.terms

    def __hash__(self) -> int:
        return hash((self.name, self.terms))

    def __repr__(self) -> str:
        if self.name == "sum":
            return " + ".join(map(repr, self.terms))
        texts = []
        for i, term in enumerate(self.terms):
            # A product may begin with a multiple; everything else composed needs parentheses in it.
            plain = not isinstance(term, CompositeKernel) or (i == 0 and term.name == "scaled")
            texts.append(repr(term) if plain else f"({term!r})")
        return " * ".join(texts)

    def __reduce__(self) -> tuple[Any, ...]:
        return CompositeKernel, (self.name, self.terms)


class Features(Component):
    """A feature family: the recipe that turns frequencies into a feature map for a kernel.

    For the softmax kernel, with frequencies w_1..w_m [Choromanski21, Lemma 1 and eq. 2]:

    * `trigonometric`: exp(|x|^2/2) m^(-1/2) [cos(w_i.x) | sin(w_i.x)], p = 2m;
    * `positive`: exp(-|x|^2/2) m^(-1/2) (exp(w_i.x)), p = m;
    * `hyperbolic`: exp(-|x|^2/2) (2m)^(-1/2) [exp(w_i.x) | exp(-w_i.x)], p = 2m;
    * `random_phase`: exp(|x|^2/2) (2/m)^(1/2) (cos(w_i.x + b_i)), p = m, with b_i uniform on
      [0, 2 pi) and drawn with the frequencies [RahimiRecht07, Algorithm 1]. Its law is that of
      `trigonometric` with exp(|x|^2 + |y|^2) / (2m) more variance, whatever the coupling;
    * `angular_hybrid`: estimates by `hyperbolic` and `trigonometric` of the same frequencies, mixed
      by the estimate of angle(x, y) / pi that the signs of t_l.x and t_l.y make, t_1..t_n Gaussian,
      n = `angles`, p = 8mn. Queries and keys have different maps. At |x| = |y| it is exact where
      x = y and where x = -y [Choromanski22].

    The Gaussian kernel has the same maps times exp(-|x|^2/2), at x / bandwidth [RahimiRecht07].

    Generalized attention has phi(x) = m^(-1/2) (f(w_i.x) + epsilon), p = m, with epsilon = 0 by
    default [Choromanski21, eq. 5]:

    * `relu`, `exp`, `sigmoid`, `abs`, `cos`, `tanh` and `identity`: these f;
    * `gelu`: u Phi(u), Phi the standard normal distribution function;
    * `elu1`: elu(u) + 1 [Katharopoulos20, eq. 7].

    They take the frequencies from the kernel, but none estimates it without bias, so there is no
    law. `FunctionFeatures` has an f of your own.

    Families for one kind of kernel, with the exact law of independent draws [Bochner, 7]:

    * `step_power`: (2/m)^(1/2) (1(w_i.x > 0) (w_i.x)^order), p = m, for `arc_cosine` [ChoSaul09];
    * `sign`: m^(-1/2) (sgn(w_i.x)), p = m, for `angular` [Charikar02];
    * `additive_homogeneous`: m^(-1/2) [sqrt(x_j) cos(w_ij log x_j) | sqrt(x_j) sin(w_ij log x_j)],
      p = 2md, for `chi_squared`, `intersection` and `jensen_shannon`: each coordinate has random
      frequencies of its own, column i d + j of each half [VedaldiZisserman12];
    * `log_trigonometric`: m^(-1/2) [cos(w_i.log(x + c)) | sin(w_i.log(x + c))], p = 2m, for
      `skewed_chi_squared` [Li10];
    * `random_maclaurin`: m^(-1/2) times products of N projections on random signs, where N is n
      with probability 2^-(n+1), p = m, for `softmax` and `polynomial` [KarKarnick12];
    * `tensor_sketch`: the circular convolution of count sketches, m buckets, p = m, for
      `polynomial` [PhamPagh13].

    The last two have no frequencies, and `iid` is their coupling.

    Positive features with a weight of the frequencies, for `softmax` and `gaussian`:

    * `gerf`: m^(-1/2) (1 - 4A)^(d/4) (exp(A |w_i|^2 + (1 - 4A)^(1/2) w_i.x - |x|^2/2)), p = m, A < 1/4;
      A = 0 is `positive`, and `Estimator.fit` finds the best A, below 0 [Likhosherstov22].
    * `saderf`, `aderf`: the same of T x for queries and T^-T y for keys, T diagonal or a matrix;
    * `sderf`: of T x for both, T orthogonal, with an A for each coordinate [Likhosherstov23].

    These three are what `Estimator.fit` makes of them: A (1 or d) and T (d or d x d) are found in
    data. The best has the least mean, over pairs, of the logarithm of the second moment of an
    estimate; for the output of attention, where errors common to all keys cancel, it need not be.

    `list_features` has all that have a name.

    Parameters
    ----------
    name : str
        A registered name.
    **parameters : float
        Its parameters; the others have their defaults. What a family finds in data may be an array.

    Raises
    ------
    ValueError
        For an unknown name or parameter, with near matches, and for a bad value.
    """

    __slots__ = ()
    _kind = "features"
    _core_type = _core.Features

    def __init__(self, name: str, **parameters: float | npt.ArrayLike) -> None:
        arrays = {key: p for key, p in parameters.items() if not isinstance(p, numbers.Real | str)}
        super().__init__(name, **{key: cast("float", p) for key, p in parameters.items() if key not in arrays})
        if arrays:
            found = {key: _rows(name, key, value) for key, value in arrays.items()}
            object.__setattr__(self, "_compiled", self._compiled.with_fitted(found))

    @property
    def parameters(self) -> dict[str, Any]:
        """All parameters, those with default values too; arrays that were found in data as tuples."""
        found: dict[str, Float64Array] = self._compiled.fitted_parameters
        return super().parameters | {key: _tuples(value) for key, value in found.items()}

    def __repr__(self) -> str:
        shown = {key: _shown(value) for key, value in self.parameters.items()}
        return f"{type(self).__name__}({', '.join([repr(self.name), *(f'{k}={v}' for k, v in shown.items())])})"

    def _fitted_for(self, kernel: "Kernel", X: Float64Array, Y: Float64Array) -> "Features":
        """Return the family adapted to data, itself where it does not adapt."""
        compiled = self._compiled.fit(kernel._compiled, X, Y)
        if compiled is None:
            return self
        features = Features.__new__(type(self))
        object.__setattr__(features, "_compiled", compiled)
        return features

    def _compiled_for(self, kernel: "Kernel", coupling: "Coupling | None") -> Any:
        """Return the compiled family, with kernel and coupling where it is written in Python and wants to know them."""
        return self._compiled


def _rows(name: str, key: str, value: npt.ArrayLike) -> Float64Array:
    """Return a vector or a matrix as a matrix."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty((0, 0, 0))
    if array.ndim not in (1, 2) or array.size == 0:
        text = f"{name}: {key} is a {type(value).__name__}; expected a real number or an array, of one or two axes"
        raise TypeError(text)
    return np.atleast_2d(array)


def _shown(value: object) -> str:
    """Return a parameter as text, of a large array its corners."""
    if not isinstance(value, tuple):
        return repr(value)
    array = np.array(value)
    if array.size <= 16:
        return repr(array.tolist())
    return " ".join(np.array2string(array, precision=4, separator=", ", threshold=0, edgeitems=2).split())


def _tuples(array: Float64Array) -> tuple[Any, ...]:
    """Return a matrix as a tuple of its rows, or its only row."""
    rows = tuple(tuple(row) for row in array.tolist())
    return rows[0] if len(rows) == 1 else rows


class Coupling(Component):
    """How the frequencies w_1..w_m are drawn jointly; each keeps its marginal law.

    `iid` draws them independently; `orthogonal` in blocks of d consecutive rows with exactly
    orthogonal, Haar distributed directions and independent norms, the last block possibly partial
    [Yu16; Choromanski21, Section 2.4]. The others, each unbiased:

    * `simplex`: as orthogonal, but each two of the b directions of a block meet at cosine
      -1 / (b - 1), as the corners of a simplex do [Reid23]. The first rows of a draw are no draw;
    * `norm_coupled`: as orthogonal, but the norms of rows 1 and 2, 3 and 4, ... of a block are
      F^-1(U) and F^-1(1 - U), F their distribution function [Reid24];
    * `antithetic`: independent pairs w, -w [HammersleyMorton56];
    * `sobol`, `halton`: points of these sequences, randomly scrambled, as frequencies [Yang14;
      Matousek98; Owen17]. Best for `sobol` at m = 2^k. Of them no law is known.

    `hadamard` and `fastfood` never store W: a product costs O(m log d) a point. `hadamard` takes
    H D_1 ... H D_k, the Walsh-Hadamard matrix H and random signs in turn, `blocks` = k of them (1,
    2 or 3, the default), with independent norms [Yu16, Section 4]; its directions are not uniform,
    so that it is biased. `fastfood` takes H G Pi H B, random signs B, a permutation Pi and normal
    numbers G [Le13]; it is unbiased, its variance up to twice that of `iid`, for some points
    smaller. A pickled map keeps W as a matrix, whose products are no longer fast.

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
    regularized softmax kernel [Choromanski21, Theorem 1]. The others are mixtures of Gaussians,
    w = sqrt(tau) g: `student` with 1/tau ~ Gamma(nu, rate nu) for the Matern kernels,
    `gamma_mixture` with tau ~ Gamma(alpha, rate alpha) for the rational quadratic ones, and
    `stable_mixture` for the powered exponentials. `list_radial_laws` has them all.

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

    __slots__ = ("_kernel",)
    _kind = "radial"
    _core_type = _core.RadialLaw
    _kernel: Kernel | None

    def __init__(self, name: str, **parameters: float) -> None:
        super().__init__(name, **parameters)
        object.__setattr__(self, "_kernel", None)

    @classmethod
    def _of_kernel(cls, kernel: Kernel, core: Any) -> "RadialLaw":
        """Return the law of that kernel's frequencies: of a sum or product it has no name of its own."""
        if core.name in {entry.name for entry in list_radial_laws()}:
            return cls(core.name, **core.parameters)
        law = cls.__new__(cls)
        object.__setattr__(law, "_compiled", core)
        object.__setattr__(law, "_kernel", kernel)
        return law

    def __reduce__(self) -> tuple[Any, ...]:
        return super().__reduce__() if self._kernel is None else (_radial_law_of, (self._kernel,))


def _radial_law_of(kernel: Kernel) -> RadialLaw:
    estimator = _core.Estimator(kernel._compiled, _core.Features("trigonometric"), _core.Coupling("iid"))
    return RadialLaw._of_kernel(kernel, estimator.radial)


def _entries(kind: type[Component]) -> list[Entry]:
    named = known(kind._kind)
    plugins = [Entry(name, dict(part().parameters), summary) for name, (part, summary) in named.items()]
    return [Entry(*entry) for entry in kind._core_type.registered()] + plugins


def list_kernels() -> list[Entry]:
    """Return the kernels that exist, in the order of the registry, then plug-ins."""
    return _entries(Kernel)


def list_features() -> list[Entry]:
    """Return the feature families that exist, in the order of the registry, then plug-ins."""
    return _entries(Features)


def list_couplings() -> list[Entry]:
    """Return the couplings that exist, in the order of the registry, then plug-ins."""
    return _entries(Coupling)


def list_radial_laws() -> list[Entry]:
    """Return the radial laws that exist, in the order of the registry, then plug-ins."""
    return _entries(RadialLaw)
