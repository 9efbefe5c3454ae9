"""Where the neurons are at stops on their way through a step, seen without disturbing them. Compiled.

Between two events the drives of a neuron are known, and h is linear in them; so a pass that stops nowhere can tell the
state at each save point inside the step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import BORROWED, SUMS
from simulate.integrators.piecewise_linear.desk import (
    ABOVE,
    BELOW,
    HELD_PLACE,
    IS_HELD,
    MEMBER,
    MOVED,
    SIDE,
    SLOPE,
    SLOPES,
    Curve,
    Desk,
    Network,
    Seen,
)
from simulate.integrators.piecewise_linear.search import value_at, value_of


@njit(**BORROWED)
def begin_looks(net: Network, curve: Curve, sides: Any, seen: Seen) -> None:
    """At first every slope is as at the start, for neurons without a candidate to the end; sides (w, n): there."""
    n, slopes = len(curve.coefficients), net.table[SLOPES]
    for stop in range(len(seen.stops)):
        for b in range(n):
            passed = value_of(curve.coefficients[b], seen.stops[stop])
            for i in range(len(sides)):
                seen.sides[i, stop, b] = sides[i, b]
                seen.drives[i, stop, b] = slopes[sides[i, b]] * passed


@njit(**BORROWED)
def look(desk: Desk, net: Network, curve: Curve, count: int, begun: Any, seen: Seen, i: int, stop: int) -> None:
    """The drives and the sides of the candidates of neuron i at a stop, which lies between two events; begun (n,): its
    sides at the start."""
    x, slopes = seen.stops[stop], net.table[SLOPES]
    drives, sides = seen.drives[i, stop], seen.sides[i, stop]
    for k in range(count):
        b = desk.ints[MEMBER, k]
        # What the drive is at the end if no more events come, less what it gains from here to there.
        own = curve.coefficients[b]
        at_end, here = value_of(own, curve.stop), value_of(own, x)
        drive = slopes[begun[b]] * at_end + desk.reals[MOVED, k]
        if desk.ints[IS_HELD, k]:
            place = desk.ints[HELD_PLACE, k]
            drive -= value_at(desk.drives, place, curve.stop) - value_at(desk.drives, place, x)
        else:
            drive -= desk.reals[SLOPE, b] * (at_end - here)
        drives[b], sides[b] = drive, desk.ints[SIDE, k]


@njit(**SUMS)
def finish_looks(start: Any, gains: Any, net: Network, seen: Seen) -> None:
    """h at the stops, from the drives there; start (w, n): at the start. What by rounding lies beyond a kink is put on
    it."""
    width, stops, n = seen.drives.shape
    moves = np.dot(seen.drives.reshape(width * stops, n), net.gram).reshape(width, stops, n)
    for i in range(width):
        for stop in range(stops):
            for b in range(n):
                side = seen.sides[i, stop, b]
                if side % 2 == 1:
                    seen.h[i, stop, b] = net.kinks[side // 2]
                else:
                    h = start[i, b] - gains[i] * moves[i, stop, b]
                    seen.h[i, stop, b] = min(max(h, net.table[BELOW, side]), net.table[ABOVE, side])
