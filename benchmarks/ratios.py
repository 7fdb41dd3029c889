"""What a benchmark measures: numbers that mean the same on every machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass


def seconds(call: Callable[[], object]) -> float:
    """The wall time of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Ratio:
    """How many times faster `ours` is than `peer`, both taken in turn in each round, and the bar."""

    name: str
    peer: Callable[[], object]
    ours: Callable[[], object]
    bar: float
    rounds: int = 9

    def measure(self) -> list[float]:
        """The ratio of every round, after a warm-up of both."""
        self.peer()
        self.ours()
        return [seconds(self.peer) / seconds(self.ours) for _ in range(self.rounds)]


@dataclass(frozen=True)
class Share:
    """A share of what the machine can do, or of the time there is, taken in one call of `share`, and the bar."""

    name: str
    share: Callable[[], float]
    bar: float
    rounds: int = 5
    warm_up: bool = True

    def measure(self) -> list[float]:
        """The share of every round, after a warm-up if there is to be one."""
        if self.warm_up:
            self.share()
        return [self.share() for _ in range(self.rounds)]


Row = Ratio | Share
