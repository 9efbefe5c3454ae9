"""Timing of two contenders in turn, so that the noise of the machine falls on both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

REST = 0.1  # seconds between the sides: the OpenMP threads of the one stay busy for some twenty milliseconds


@dataclass(frozen=True)
class Duel:
    """ours, theirs: median seconds per call. ratio: how many times faster `ours` is, by the median of paired ratios."""

    ours: float
    theirs: float
    ratio: float


def duel(ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, calls: tuple[int, int]) -> Duel:
    """Alternate `rounds` times between calls[0] calls of `ours` and calls[1] calls of `theirs`, after a warm-up."""

    def seconds(function: Callable[[], object], count: int) -> float:
        time.sleep(REST)
        start = time.perf_counter()
        for _ in range(count):
            function()
        return (time.perf_counter() - start) / count

    for function, count in ((ours, calls[0]), (theirs, calls[1])):
        seconds(function, max(1, count // 5))
    pairs = [(seconds(ours, calls[0]), seconds(theirs, calls[1])) for _ in range(rounds)]
    return Duel(
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(b / a for a, b in pairs),
    )


def matrix_product_rate(size: int = 1536, rounds: int = 5) -> float:
    """The float64 flops per second of a square matrix product on this machine: the best of `rounds`."""
    a, b = (torch.randn(size, size, dtype=torch.float64) for _ in range(2))
    best = 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
