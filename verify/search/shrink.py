"""Making a refuting flow smaller."""

from __future__ import annotations

import time as clock

import numpy as np

from bounds import Problem
from simulate import Network
from verify.search.record import Effort, Found, Options, refutes

SHRINKS = 60  # most attempts for one refutation


def shrink(entry: Found, effort: Effort) -> None:
    """Drop neurons and data points from a refuting flow as long as it still refutes, in at most SHRINKS attempts."""
    options = entry.options
    attempts_left = SHRINKS
    if options.get("network") is None or entry.run is None:
        return
    for axis in ("neurons", "points"):
        part = _count(options, axis) // 2
        while part >= 1:
            start = 0
            while start < _count(options, axis) and _count(options, axis) > part:
                if clock.monotonic() > effort.stop_at or attempts_left == 0:
                    return
                attempts_left -= 1
                smaller = _without(options, axis, start, part)
                confirmed = refutes(entry.claim, smaller)
                if confirmed is None:
                    start += part
                else:
                    options = entry.options = smaller
                    entry.run = confirmed
            part //= 2


def _count(options: Options, axis: str) -> int:
    """How many neurons or data points (axis "neurons" or "points") the flow has."""
    shape: tuple[int, int] = options["network"].H.shape
    return shape[0] if axis == "neurons" else shape[1]


def _without(options: Options, axis: str, start: int, part: int) -> Options:
    """The options without the neurons (or data points) start, ..., start + part - 1."""
    network, problem = options["network"], options["problem"]
    keep = np.ones(_count(options, axis), dtype=bool)
    keep[start : start + part] = False
    if axis == "neurons":
        return {**options, "network": Network(network.H[keep], network.signs[keep])}
    fewer = Problem.from_gram(
        problem.gram[np.ix_(keep, keep)], problem.y[keep], activation=problem.activation, name=problem.name
    )
    return {**options, "problem": fewer, "network": Network(network.H[:, keep], network.signs)}
