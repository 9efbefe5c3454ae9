"""What happens at an event: an entry crosses its kink, is held on it, or is let go. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import BORROWED
from simulate.integrators.piecewise_linear.desk import (
    ANSWER,
    ANSWERS,
    CROSSED,
    FRESH,
    HELD,
    HELD_COUNT,
    HELD_PLACE,
    HIGH,
    HIGH_SLOPE,
    IS_HELD,
    LET_GO,
    LOW,
    LOW_SLOPE,
    MEMBER,
    MOVED,
    ORDER,
    POWERS,
    ROW,
    SIDE,
    SLOPE,
    WEIGHTS,
    Curve,
    Desk,
    Network,
)
from simulate.integrators.piecewise_linear.held import add_held, find_row, remove_held, respond
from simulate.integrators.piecewise_linear.kernel_changes import HOLDING, LETTING_GO, Log, log_square, log_turn
from simulate.integrators.piecewise_linear.search import AHEAD, rate_at, value_at, whole_rate

NO_SPEED = 1e-12  # of the speed that all drives together could give an entry: what rounding leaves of zero
DEPENDENT = 1e-10  # of G_aa: below this an entry's own drive does not move it, so that nothing can hold it


@njit(**BORROWED)
def place_on(desk: Desk, net: Network, k: int, side: int, gain: float) -> None:
    """Put candidate k, which has its place among the held ones if it is one, on this side: its bounds, how it answers,
    and its slope."""
    held = side % 2 == 1
    piece = side // 2
    desk.ints[SIDE, k], desk.ints[IS_HELD, k] = side, held
    if held:
        place = desk.ints[HELD_PLACE, k]
        desk.reals[LOW_SLOPE, place], desk.reals[HIGH_SLOPE, place] = net.slopes[piece], net.slopes[piece + 1]
        desk.reals[LOW, k], desk.reals[HIGH, k], desk.reals[ANSWER, k] = -np.inf, np.inf, 0.0
    else:
        desk.reals[LOW, k] = net.kinks[piece - 1] if piece > 0 else -np.inf
        desk.reals[HIGH, k] = net.kinks[piece] if piece < len(net.kinks) else np.inf
        desk.reals[ANSWER, k] = -gain
    desk.reals[SLOPE, desk.ints[MEMBER, k]] = 0.0 if held else net.slopes[piece]


@njit(**BORROWED)
def _drive(desk: Desk, k: int, count: int, stop: float) -> None:
    """Candidate k, which is not held and whose row has been found, gets the drive desk.change."""
    respond(desk, count)
    total = desk.change[POWERS - 1]
    for p in range(POWERS - 2, -1, -1):
        total = total * stop + desk.change[p]
    desk.reals[MOVED, k] += total
    for i in range(desk.ints[HELD_COUNT, 0]):
        desk.reals[MOVED, desk.ints[ORDER, i]] -= desk.found[WEIGHTS, i] * total


@njit(**BORROWED)
def _hold(desk: Desk, net: Network, curve: Curve, k: int, kink: int, count: int, gain: float) -> None:
    """From now on candidate k, whose row has been found, is held: its drive is what it had, and what cancels the rest
    of its path."""
    b, place = desk.ints[MEMBER, k], desk.ints[HELD_COUNT, 0]
    slope = desk.reals[SLOPE, b]
    for p in range(POWERS):
        desk.change[p] = desk.paths[p, k] / (gain * desk.found[ANSWERS, k])
    desk.change[0] -= net.kinks[kink] / (gain * desk.found[ANSWERS, k])
    _drive(desk, k, count, curve.stop)
    for p in range(POWERS):
        desk.drives[p, place] = slope * curve.coefficients[b, p] + desk.change[p]
        desk.wholes[p, place] = curve.coefficients[b, p]
    add_held(net.gram, desk, k)
    place_on(desk, net, k, 2 * kink + 1, gain)
    desk.ints[FRESH, k] = 0


@njit(**BORROWED)
def _set_off(
    desk: Desk, net: Network, curve: Curve, k: int, kink: int, up: bool, x: float, count: int, gain: float
) -> None:
    """Candidate k, on its kink at x, goes on with the slope above it (up) or below. It may have been held; if not, its
    row has been found."""
    piece = kink + 1 if up else kink
    slope, own = net.slopes[piece], curve.coefficients[desk.ints[MEMBER, k]]
    if desk.ints[IS_HELD, k]:
        place = desk.ints[HELD_PLACE, k]
        for p in range(POWERS):
            desk.change[p] = slope * own[p] - desk.drives[p, place]
            desk.paths[p, k] = 0.0
        remove_held(desk, k)
        find_row(net.gram, desk, k, count)
        desk.paths[0, k] = net.kinks[kink]
    else:
        before = desk.reals[SLOPE, desk.ints[MEMBER, k]]
        for p in range(POWERS):
            desk.change[p] = (slope - before) * own[p]
    # The drive changes from x on.
    total = desk.change[POWERS - 1]
    for p in range(POWERS - 2, -1, -1):
        total = total * x + desk.change[p]
    desk.change[0] -= total
    place_on(desk, net, k, 2 * piece, gain)
    _drive(desk, k, count, curve.stop)
    desk.ints[FRESH, k] = 1 if up else -1


@njit(**BORROWED)
def event(
    desk: Desk, net: Network, log: Log, curve: Curve, k: int, x: float, count: int, gain: float, counts: Any
) -> None:
    """Candidate k has its event at x: it is let go, is held from now on, or crosses. The kernel's change is logged."""
    later, side, b = x + AHEAD, desk.ints[SIDE, k], desk.ints[MEMBER, k]
    whole = whole_rate(curve.coefficients, b, later)
    if desk.ints[IS_HELD, k]:
        kink = side // 2
        drive = rate_at(desk.drives, desk.ints[HELD_PLACE, k], later)
        # To the side whose slope is nearer: where both are as good, to that of the drive it has.
        up = abs(drive - net.slopes[kink + 1] * whole) < abs(drive - net.slopes[kink] * whole)
        _set_off(desk, net, curve, k, kink, up, x, count, gain)
        log_square(log, LETTING_GO, x, desk.found[ROW], desk.reals[SLOPE], desk.found[ANSWERS, k])
        counts[LET_GO] += 1
        return
    # Which of its kinks it is at, and whether it comes from below; from here on it is exactly there.
    value = value_at(desk.paths, k, x)
    rising = desk.ints[FRESH, k] < 0 or (
        desk.ints[FRESH, k] == 0 and desk.reals[HIGH, k] - value < value - desk.reals[LOW, k]
    )
    kink = side // 2 if rising else side // 2 - 1
    desk.paths[0, k] -= value - net.kinks[kink]
    below, above = net.slopes[kink], net.slopes[kink + 1]
    jump = above - below if rising else below - above
    # It is held if it would be driven back from the other side too.
    find_row(net.gram, desk, k, count)
    own = desk.found[ANSWERS, k]
    holds = gain * whole * (above - below) > 0 and own > DEPENDENT * net.gram[b, b]
    if holds:
        speed = rate_at(desk.paths, k, later) - gain * own * jump * whole  # on the other side
        holds = (-speed if rising else speed) > NO_SPEED * abs(gain) * curve.fastest * net.gram[b, b]
    if holds:
        log_square(log, HOLDING, x, desk.found[ROW], desk.reals[SLOPE], own)
        _hold(desk, net, curve, k, kink, count, gain)
        counts[HELD] += 1
    else:
        log_turn(log, b, x, desk.found[ROW], desk.reals[SLOPE], jump)
        _set_off(desk, net, curve, k, kink, rising, x, count, gain)
        counts[CROSSED] += 1
