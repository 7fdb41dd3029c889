"""Experiments: how well a feature map approximates, measured with honest intervals.

Each returns a table whose `attrs` say on which machine, when, with which version and settings it
was made; they go into the metadata of a Parquet file.
"""

from ._attention import attention
from ._gram import gram
from ._pointwise import (
    PointwiseShard,
    coverage,
    merge,
    pointwise,
    pointwise_shard,
    shard_bounds,
)
from ._uniform import uniform, uniform_draws

__all__ = [
    "PointwiseShard",
    "attention",
    "coverage",
    "gram",
    "merge",
    "pointwise",
    "pointwise_shard",
    "shard_bounds",
    "uniform",
    "uniform_draws",
]
