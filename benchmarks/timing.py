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
    """ours, theirs: median seconds per call. ratio: how many times faster `ours` is, by the median of paired ratios;
    ours_cpu, theirs_cpu, cpu_ratio: the same in processor time of all threads, on which other users weigh less."""

    ours: float
    theirs: float
    ratio: float
    ours_cpu: float
    theirs_cpu: float
    cpu_ratio: float

    def row(self, times: float = 1.0) -> dict[str, object]:
        """The columns of a table; times: what the peer was timed at has to be multiplied by."""
        return {
            "ours_ms": 1e3 * self.ours,
            "peer_ms": 1e3 * times * self.theirs,
            "ratio": times * self.ratio,
            "ours_cpu_ms": 1e3 * self.ours_cpu,
            "peer_cpu_ms": 1e3 * times * self.theirs_cpu,
            "cpu_ratio": times * self.cpu_ratio,
        }


def duel(ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, calls: tuple[int, int]) -> Duel:
    """Alternate `rounds` times between calls[0] calls of `ours` and calls[1] calls of `theirs`, after a warm-up."""

    def seconds(function: Callable[[], object], count: int) -> tuple[float, float]:
        time.sleep(REST)
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(count):
            function()
        return (time.perf_counter() - start) / count, (time.process_time() - cpu) / count

    for function, count in ((ours, calls[0]), (theirs, calls[1])):
        seconds(function, max(1, count // 5))
    pairs = [(seconds(ours, calls[0]), seconds(theirs, calls[1])) for _ in range(rounds)]
    found = []
    for clock in (0, 1):
        ratios = [b[clock] / max(a[clock], 1e-9) for a, b in pairs]
        found += [statistics.median(side[clock] for side in sides) for sides in zip(*pairs, strict=True)]
        found.append(statistics.median(ratios))
    return Duel(*found)


def matrix_product_rate(size: int = 1536, rounds: int = 5) -> float:
    """The float64 flops per second of a square matrix product on this machine: the best of `rounds`."""
    a, b = (torch.randn(size, size, dtype=torch.float64) for _ in range(2))
    best = 0.0
    for _ in range(rounds):
        start = time.perf_counter()
        a @ b
        best = max(best, 2 * size**3 / (time.perf_counter() - start))
    return best
