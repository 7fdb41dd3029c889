"""What a figure is: fixed hooks that the runner calls, and nothing about files or progress."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pandas as pd
from matplotlib.figure import Figure as Canvas

from bochner.reproduce.verdict import Verdict

SIZES = ("quick", "default", "full")

Data = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Part:
    """A share of a figure's work, done at one go and then kept: the unit of resuming.

    `compute` returns rows of the data set `dataset`; it depends on the figure's size and seed
    and on nothing else. `name` is unique in the figure and is used in a file name. `weight` is
    its cost beside the other parts, for the progress bar.
    """

    dataset: str
    name: str
    compute: Callable[[], pd.DataFrame]
    weight: float = 1.0


@dataclass(frozen=True)
class Drawing:
    """A picture: the stem of its files, the canvas, and a text for those who cannot see it."""

    name: str
    canvas: Canvas
    alt: str


class Figure(ABC):
    """A figure of the paper, or one that the paper should have had, at one size and seed.

    A new figure is a subclass in a file of its own and a line in `bochner.reproduce.FIGURES`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    #: The rows of the paper that it answers, such as "Fig 2".
    claims: ClassVar[tuple[str, ...]]
    #: One setting a size, of JSON values only: it is shown on the page and kept with each part.
    sizes: ClassVar[Mapping[str, Mapping[str, Any]]]

    def __init__(self, size: str, seed: int) -> None:
        self.size = size
        self.seed = seed
        self.setting = self.sizes[size]

    def skip(self) -> str | None:
        """Why the figure cannot be made here; None where it can."""
        return None

    @abstractmethod
    def parts(self) -> list[Part]:
        """All the work, in the order of the rows."""

    @abstractmethod
    def draw(self, data: Data) -> list[Drawing]:
        """Pictures of the complete data."""

    @abstractmethod
    def verdicts(self, data: Data) -> list[Verdict]:
        """What became of the claims."""

    @abstractmethod
    def caption(self, data: Data) -> str:
        """What is seen and in which setting, in plain text, a paragraph a line."""
