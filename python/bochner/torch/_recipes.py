"""Parts of an estimator as text, since an operator of torch takes tensors, numbers and text."""

import json
import math
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from .._arguments import Float64Array
from .._components import Component, Coupling, Features, Kernel, RadialLaw
from .._estimator import Estimator
from .._feature_map import FeatureMap, Side

Part = TypeVar("Part", bound=Component)


class Form(NamedTuple):
    """What a feature map does to a row x with projections u = W x.

    Attributes
    ----------
    family : str
    exponent : float
        The factor of |x|^2 in the logarithm of every feature.
    epsilon : float
        What is added to every feature, after their common factor is taken out.
    log_at_zero : float
        The log-scale of x = 0 with one frequency; with m of them it is log(m) / 2 less.
    """

    family: str
    exponent: float
    epsilon: float
    log_at_zero: float


@torch.compiler.assume_constant_result
def spelled(part: str | Component) -> str:
    """Return a component as text that `component` reads; text stays as it is."""
    if not isinstance(part, str) and type(part) not in (Kernel, Features, Coupling, RadialLaw):
        raise TypeError(
            f"attention: {part!r} is no part of the registry; expected one, which an operator of torch can be told by "
            "name (bochner.attention takes all)"
        )
    return part if isinstance(part, str) else part.name + json.dumps(part.parameters)


def component(kind: type[Part], text: str) -> Part:
    """Return the component that is spelled so."""
    name, brace, parameters = text.partition("{")
    return kind(name, **json.loads(brace + parameters or "{}"))


def recipe_of_map(kernel: str | Component, features: str | Component) -> str:
    """Return what turns frequencies into a feature map, as text."""
    return f"{spelled(kernel)}|{spelled(features)}"


def recipe_of_estimator(estimator: Estimator) -> str:
    """Return an estimator as text."""
    parts = (estimator.kernel, estimator.features, estimator.coupling)
    # No radial law where the frequencies have no uniform direction.
    return "|".join([*map(spelled, parts), "" if estimator.radial is None else spelled(estimator.radial)])


@lru_cache(maxsize=64)
def estimator_of(recipe: str) -> Estimator:
    """Return the estimator of a text that `recipe_of_estimator` made."""
    kernel, features, coupling, radial = recipe.split("|")
    return Estimator(
        component(Kernel, kernel),
        component(Features, features),
        component(Coupling, coupling),
        component(RadialLaw, radial) if radial else None,
    )


@lru_cache(maxsize=64)
def _map_parts(recipe: str) -> tuple[Kernel, Features]:
    kernel, features = recipe.split("|")
    return component(Kernel, kernel), component(Features, features)


def feature_maps(frequencies: torch.Tensor, recipe: str) -> list[FeatureMap]:
    """Return the maps of frequencies (H, m, d): a copy of them, which costs next to nothing beside attention."""
    kernel, features = _map_parts(recipe)
    return [FeatureMap(kernel, features, W) for W in frequencies.double().numpy(force=True)]


def drawn(recipe: str, dim: int, m: int, heads: int, seed: int, number: int) -> torch.Tensor:
    """Return draw `number` of the frequencies of all heads, (heads, m, dim), float64.

    Head h has the frequencies of trial number heads + h of the seed. A seed is an integer modulo 2^64, since torch
    has signed ones only.
    """
    return torch.from_numpy(_drawn(recipe, dim, m, heads, seed % 2**64, number).copy())


@lru_cache(maxsize=128)
def _drawn(recipe: str, dim: int, m: int, heads: int, seed: int, number: int) -> Float64Array:
    estimator = estimator_of(recipe)
    trials = range(number * heads, (number + 1) * heads)
    return np.stack([estimator.draw(dim, m, seed, trial).frequencies for trial in trials])


class Quadratic(NamedTuple):
    """Logarithms of features that are quadratic: log phi(x)_l = w_l.(M x) + weights.(w_l^2) + x.(G x) + log_at_zero.

    Attributes
    ----------
    linear, square : ndarray, shape (d, d)
        M and G.
    weights : ndarray, shape (d,)
    """

    linear: Float64Array
    weights: Float64Array
    square: Float64Array


@torch.compiler.assume_constant_result
def quadratic_of(recipe: str, dim: int, side: Side) -> Quadratic:
    """Return the form of the maps of a recipe whose logarithms are quadratic."""
    return _quadratic_of(recipe, dim, side)


@lru_cache(maxsize=64)
def _quadratic_of(recipe: str, dim: int, side: Side) -> Quadratic:
    """Ask the map whose frequencies are the axes, of points on them and between two of them."""
    kernel, features = _map_parts(recipe)
    axes = np.eye(dim)
    axis_map = FeatureMap(kernel, features, axes)

    def logarithms(rows: Float64Array) -> Float64Array:
        values, log_scale = axis_map.transform_scaled(rows, side)
        return np.log(values) + log_scale[:, None]

    at_zero, ahead, behind = logarithms(np.zeros((1, dim))), logarithms(axes), logarithms(-axes)
    linear = (ahead - behind).T / 2
    own = ((ahead + behind) / 2 - at_zero)[:, 0]
    i, j = np.triu_indices(dim, 1)
    square = np.diag(own)
    if dim > 1:
        between = logarithms(axes[i] + axes[j])[:, 0] - at_zero[0, 0] - linear[0, i] - linear[0, j]
        square[i, j] = square[j, i] = (between - own[i] - own[j]) / 2
    weights = at_zero[0] + math.log(dim) / 2 - form_of(recipe, dim).log_at_zero
    return Quadratic(linear, weights, square)


@torch.compiler.assume_constant_result
def form_of(recipe: str, dim: int) -> Form:
    """Return the form of the maps of a recipe, asked of a map whose only frequency is zero."""
    kernel, features = _map_parts(recipe)
    zero = FeatureMap(kernel, features, np.zeros((1, dim)))
    at_zero, at_one = zero.transform_scaled(np.eye(2, dim, -1)).log_scale
    return Form(features.name, float(at_one - at_zero), features.parameters.get("epsilon", 0.0), float(at_zero))
