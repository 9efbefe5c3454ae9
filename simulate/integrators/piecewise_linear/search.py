"""When the next event of a neuron comes: an entry meets a kink, or a held one is let go. Compiled.

Everything about an entry is a polynomial in x, the share of the step's path that is done: the path of one that moves,
in the columns of `paths` (P, n), by candidate; the drive of one that is held and the integral R of its residual, in
those of `drives` and `wholes` (P, n), one held entry after the other. One that moves meets a kink where its path leaves
[low, high], the piece on which it is; a held one is let go where the slope that holds it, the ratio of the rates of its
drive and of R, leaves the slopes below and above its kink.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import BORROWED
from simulate.integrators.piecewise_linear.desk import (
    FRESH,
    HELD_COUNT,
    HIGH,
    HIGH_SLOPE,
    LOW,
    LOW_SLOPE,
    ORDER,
    SLACK_DRIVE,
    SLACK_PATH,
    SLACK_SPEED,
    Desk,
)

CELLS = 8  # at least, in which what is left of a step is searched for the first event
AHEAD = 1e-7  # rates at an event are taken this far behind it: at the event itself they may be zero
BISECTIONS = 60  # at most, for one root
EXACT_ROOT = 1e-14  # width of the bracket in which a root is known well enough


@njit(**BORROWED)
def value_at(polynomials: Any, k: int, x: float) -> float:
    """Polynomial k at x."""
    total = polynomials[-1, k]
    for p in range(len(polynomials) - 2, -1, -1):
        total = total * x + polynomials[p, k]
    return total


@njit(**BORROWED)
def value_of(coefficients: Any, x: float) -> float:
    """The polynomial with these coefficients at x."""
    total = coefficients[-1]
    for p in range(len(coefficients) - 2, -1, -1):
        total = total * x + coefficients[p]
    return total


@njit(**BORROWED)
def rate_at(polynomials: Any, k: int, x: float) -> float:
    """Its derivative at x."""
    power = len(polynomials) - 1.0
    total = power * polynomials[-1, k]
    for p in range(len(polynomials) - 2, 0, -1):
        power -= 1.0
        total = total * x + power * polynomials[p, k]
    return total


@njit(**BORROWED)
def whole_rate(coefficients: Any, b: int, x: float) -> float:
    """The derivative at x of R of entry b, the polynomial in row b."""
    power, row = coefficients.shape[1] - 1.0, coefficients[b]
    total = power * row[-1]
    for p in range(len(row) - 2, 0, -1):
        power -= 1.0
        total = total * x + power * row[p]
    return total


@njit(**BORROWED)
def path_room(paths: Any, k: int, x: float, low: float, high: float) -> float:
    """How far candidate k is from its next kink at x: negative where that lies behind."""
    value = value_at(paths, k, x)
    return min(value - low, high - value)


@njit(**BORROWED)
def drive_room(drives: Any, wholes: Any, i: int, x: float, low: float, high: float, sign: float) -> float:
    """How far the i-th held entry is from being let go at x; sign: that of the neuron's gain. It is attracted from both
    sides where sign R' (high - low) > 0; where not, one of its two margins is negative."""
    drive, whole = rate_at(drives, i, x), rate_at(wholes, i, x)
    return min(sign * (drive - low * whole), sign * (high * whole - drive))


@njit(**BORROWED)
def _room(paths: Any, wholes: Any, k: int, held: bool, x: float, low: float, high: float, sign: float) -> float:
    if held:
        return drive_room(paths, wholes, k, x, low, high, sign)
    return path_room(paths, k, x, low, high)


@njit(**BORROWED)
def _root(
    paths: Any, wholes: Any, k: int, held: bool, left: float, right: float, low: float, high: float, sign: float
) -> float:
    """Where in [left, right] the room of column k of `paths`, which are drives if held, vanishes, by the Illinois rule;
    it is negative at `right`."""
    f_left = _room(paths, wholes, k, held, left, low, high, sign)
    f_right = _room(paths, wholes, k, held, right, low, high, sign)
    if f_left <= 0:
        return left
    last = 0
    for _ in range(BISECTIONS):
        if right - left < EXACT_ROOT:
            break
        middle = (left * f_right - right * f_left) / (f_right - f_left)
        if not left < middle < right:
            middle = (left + right) / 2
        f = _room(paths, wholes, k, held, middle, low, high, sign)
        if f > 0:
            left, f_left = middle, f
            f_right = f_right / 2 if last == 1 else f_right
            last = 1
        else:
            right, f_right = middle, f
            f_left = f_left / 2 if last == -1 else f_left
            last = -1
            if f == 0:
                break
    return right


@njit(**BORROWED)
def _count_beyond(paths: Any, low: Any, high: Any, count: int, x: float, slack: float) -> int:
    """How many of the first `count` paths are beyond a kink at x. Written so that it fills the vector registers."""
    zero, one, two, three, four, five, six = paths[0], paths[1], paths[2], paths[3], paths[4], paths[5], paths[6]
    beyond = 0
    for k in range(count):
        value = (((((six[k] * x + five[k]) * x + four[k]) * x + three[k]) * x + two[k]) * x + one[k]) * x + zero[k]
        beyond += (value - low[k] < -slack) | (high[k] - value < -slack)
    return beyond


@njit(**BORROWED)
def find_rates(polynomials: Any, count: int, x: float, out: Any) -> None:
    """out (n,): the derivatives of the first `count` polynomials at x."""
    one, two, three = polynomials[1], polynomials[2], polynomials[3]
    four, five, six = polynomials[4], polynomials[5], polynomials[6]
    for i in range(count):
        out[i] = ((((6 * six[i] * x + 5 * five[i]) * x + 4 * four[i]) * x + 3 * three[i]) * x + 2 * two[i]) * x + one[i]


@njit(**BORROWED)
def next_event(desk: Desk, count: int, sign: float, x: float, stop: float, first: float) -> tuple[int, float]:
    """(k, where) of the first event in (x, stop] among the first `count` candidates; k = -1 if there is none.

    first: how long the first cell is that is searched; each other one is twice as long as the one before it, but at
    most one of CELLS equal parts of what is left.
    """
    paths, drives, wholes, slack = desk.paths, desk.drives, desk.wholes, desk.slack
    low, high, fresh, order = desk.reals[LOW], desk.reals[HIGH], desk.ints[FRESH], desk.ints[ORDER]
    lower, upper, held = desk.reals[LOW_SLOPE], desk.reals[HIGH_SLOPE], desk.ints[HELD_COUNT, 0]
    drive, whole = desk.driven[0], desk.value
    before, length = x, first
    while before < stop:
        here = before + length
        if not before < here < stop:
            here = stop
        length = min(2 * length, (stop - x) / CELLS)
        who, nearest = -1, 2.0
        later = min(x + AHEAD, here) if before == x else before
        if _count_beyond(paths, low, high, count, here, slack[SLACK_PATH]) > 0:
            for k in range(count):
                if path_room(paths, k, here, low[k], high[k]) < -slack[SLACK_PATH]:
                    left = later if fresh[k] != 0 else before
                    root = _root(paths, wholes, k, False, left, here, low[k], high[k], sign)
                    if root < nearest:
                        who, nearest = k, root
        find_rates(drives, held, here, drive)
        find_rates(wholes, held, here, whole)
        for i in range(held):
            room = min(sign * (drive[i] - lower[i] * whole[i]), sign * (upper[i] * whole[i] - drive[i]))
            if room < -slack[SLACK_DRIVE]:
                root = _root(drives, wholes, i, True, later, here, lower[i], upper[i], sign)
                if root < nearest:
                    who, nearest = order[i], root
        if who >= 0:
            return who, nearest
        before = here
    return -1, 2.0


@njit(**BORROWED)
def overdue(desk: Desk, count: int, sign: float, x: float) -> int:
    """The first candidate whose state at x is not that of the flow: held though the slope that would hold it is out of
    bounds, or set off from a kink but moving back. -1 if there is none. The arguments are as in next_event."""
    fresh, order, slack, held = desk.ints[FRESH], desk.ints[ORDER], desk.slack, desk.ints[HELD_COUNT, 0]
    lower, upper, later = desk.reals[LOW_SLOPE], desk.reals[HIGH_SLOPE], x + AHEAD
    drive, whole = desk.driven[0], desk.value
    found = count
    for k in range(count):
        if fresh[k] != 0 and fresh[k] * rate_at(desk.paths, k, later) < -slack[SLACK_SPEED]:
            found = k
            break
    find_rates(desk.drives, held, later, drive)
    find_rates(desk.wholes, held, later, whole)
    for i in range(held):
        room = min(sign * (drive[i] - lower[i] * whole[i]), sign * (upper[i] * whole[i] - drive[i]))
        if room < -slack[SLACK_DRIVE] and order[i] < found:
            found = order[i]
    return found if found < count else -1
