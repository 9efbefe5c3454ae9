"""The entries of a neuron that may have an event within a step. Compiled.

They are those that are held, whose end lies beyond a kink, or that begin or end so near to one that the bulge of the
path may reach it.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import BORROWED
from simulate.integrators.piecewise_linear.desk import ABOVE, BELOW, MEMBER, PLACE, Curve, Desk, Network

# If a neuron has more candidates than this, every entry becomes one at once: so many events move the others too.
MANY_CANDIDATES = 64


@njit(**BORROWED)
def add_candidate(desk: Desk, b: int, count: int) -> int:
    """Entry b becomes one more than the `count` candidates that there are; returns how many there are then."""
    desk.ints[MEMBER, count] = b
    desk.ints[PLACE, b] = count
    return count + 1


@njit(**BORROWED)
def find_candidates(desk: Desk, net: Network, curve: Curve, sides: Any, start: Any, ends: Any) -> int:
    """Finds the candidates of a neuron; returns how many there are."""
    count, low, high = 0, net.table[BELOW], net.table[ABOVE]
    for b in range(len(sides)):
        side = sides[b]
        below, above = low[side], high[side]
        near = min(min(start[b], ends[b]) - below, above - max(start[b], ends[b]))
        if near < curve.margin[b]:
            count = add_candidate(desk, b, count)
    if count > MANY_CANDIDATES:
        for b in range(len(sides)):
            if desk.ints[PLACE, b] < 0:
                count = add_candidate(desk, b, count)
    return count
