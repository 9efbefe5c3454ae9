"""Making a refuting flow smaller."""

from __future__ import annotations

import time as clock

import numpy as np

from bounds import Problem
from simulate import Network
from verify.search.record import Effort, Found, Options, refutes

SHRINKS = 60  # most attempts for one refutation


def shrink(entry: Found, effort: Effort) -> None:
    """Drop neurons and data points from a refuting flow as long as it still refutes, in at most SHRINKS attempts.

    Each attempt is judged by the integrator of the search alone; another one, which may need a thousand times as long
    at kinks, confirms the smallest flow only, or if it does not, one of the larger ones. `entry` is confirmed before,
    and stays as it is if none of them can be."""
    if entry.options.get("network") is None or entry.run is None:
        return
    smaller = _smaller_and_smaller(entry, effort)
    while smaller and clock.monotonic() <= effort.stop_at:
        confirmed = refutes(entry.claim, smaller[-1])
        if confirmed is not None:
            entry.options, entry.run = smaller[-1], confirmed
            return
        del smaller[len(smaller) // 2 :]


def _smaller_and_smaller(entry: Found, effort: Effort) -> list[Options]:
    """Flows that seem to refute, each smaller than the one before it and the first smaller than that of `entry`."""
    found: list[Options] = []
    options = entry.options
    attempts_left = SHRINKS
    for axis in ("neurons", "points"):
        part = _count(options, axis) // 2
        while part >= 1:
            start = 0
            while start < _count(options, axis) and _count(options, axis) > part:
                if clock.monotonic() > effort.stop_at or attempts_left == 0:
                    return found
                attempts_left -= 1
                smaller = _without(options, axis, start, part)
                if refutes(entry.claim, smaller, by_another=False) is None:
                    start += part
                else:
                    options = smaller
                    found.append(smaller)
            part //= 2
    return found


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
