"""The time of the walk over all that the registries make, which is part of `make test`."""

import time

from ratios import Row, Share

import bochner
from bochner.testing import walk

SECONDS = 180


def rows() -> list[Row]:
    """One thread; walked once, for it takes a minute."""

    def share() -> float:
        bochner.set_num_threads(1)
        start = time.perf_counter()
        for _ in walk():
            pass
        return SECONDS / (time.perf_counter() - start)

    return [Share(f"conformance of every combination, one thread: {SECONDS} s over", share, 1, rounds=1, warm_up=False)]
