"""When the next event of a neuron comes: an entry meets a kink, or a held one is let go. Compiled.

Everything about an entry is a polynomial in x, the share of the step's path that is done. The columns of `paths` (P, n)
are the paths of entries that move, and the drives of those that are held. `low`, `high` (n,) bound them: the kinks
around the piece on which an entry moves; for a held one the slopes below and above its kink, between which the slope
that holds it, the ratio of the rates of its drive and of R, must stay.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import BORROWED_SUMS

LOW, HIGH = 0, 1  # rows of the bounds
IS_HELD, FRESH = 0, 1  # rows of the marks
CELLS = 8  # at least, in which what is left of a step is searched for the first event
AHEAD = 1e-7  # rates at an event are taken this far behind it: at the event itself they may be zero
BISECTIONS = 60  # at most, for one root
EXACT_ROOT = 1e-14  # width of the bracket in which a root is known well enough


@njit(**BORROWED_SUMS)
def value_at(polynomials: Any, k: int, x: float) -> float:
    """Polynomial k at x."""
    total = polynomials[-1, k]
    for p in range(len(polynomials) - 2, -1, -1):
        total = total * x + polynomials[p, k]
    return total


@njit(**BORROWED_SUMS)
def rate_at(polynomials: Any, k: int, x: float) -> float:
    """Its derivative at x."""
    power = len(polynomials) - 1.0
    total = power * polynomials[-1, k]
    for p in range(len(polynomials) - 2, 0, -1):
        power -= 1.0
        total = total * x + power * polynomials[p, k]
    return total


@njit(**BORROWED_SUMS)
def room(paths: Any, own: Any, k: int, held: bool, x: float, low: float, high: float, sign: float) -> float:
    """How far entry k is from its next event at x: negative where that lies behind.

    own (P, n): the polynomials R of the entries; sign: that of the neuron's gain. A held entry is attracted from both
    sides where sign R' (high - low) > 0; where not, one of its two margins is negative.
    """
    if not held:
        value = value_at(paths, k, x)
        return min(value - low, high - value)
    drive, whole = rate_at(paths, k, x), rate_at(own, k, x)
    return min(sign * (drive - low * whole), sign * (high * whole - drive))


@njit(**BORROWED_SUMS)
def _root(
    paths: Any, own: Any, k: int, held: bool, left: float, right: float, low: float, high: float, sign: float
) -> float:
    """Where in [left, right] the room of entry k vanishes, by the Illinois rule; it is negative at `right`."""
    f_left = room(paths, own, k, held, left, low, high, sign)
    f_right = room(paths, own, k, held, right, low, high, sign)
    if f_left <= 0:
        return left
    last = 0
    for _ in range(BISECTIONS):
        if right - left < EXACT_ROOT:
            break
        middle = (left * f_right - right * f_left) / (f_right - f_left)
        if not left < middle < right:
            middle = (left + right) / 2
        f = room(paths, own, k, held, middle, low, high, sign)
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


@njit(**BORROWED_SUMS)
def next_event(
    paths: Any,
    own: Any,
    bounds: Any,
    marks: Any,
    count: int,
    sign: float,
    x: float,
    stop: float,
    first: float,
    slack: Any,
    value: Any,
) -> tuple[int, float]:
    """(k, where) of the first event in (x, stop] among the first `count` candidates; k = -1 if there is none.

    bounds, marks (.., n): rows LOW and HIGH, IS_HELD and FRESH (whether an entry has just been set off from a kink: 1
    upwards, -1 downwards); slack: what rounding may do to the room of a moving and of a held entry, and to the speed of
    a moving one; value (n,): overwritten. first: how long the first cell is that is searched; each other one is twice
    as long as the one before it, but at most one of CELLS equal parts of what is left.
    """
    before, length = x, first
    while before < stop:
        here = before + length
        if not before < here < stop:
            here = stop
        length = min(2 * length, (stop - x) / CELLS)
        for k in range(count):
            value[k] = paths[-1, k]
        for p in range(len(paths) - 2, -1, -1):
            row = paths[p]
            for k in range(count):
                value[k] = value[k] * here + row[k]
        who, nearest = -1, 2.0
        for k in range(count):
            if marks[IS_HELD, k]:
                beyond = room(paths, own, k, True, here, bounds[LOW, k], bounds[HIGH, k], sign) < -slack[1]
            else:
                beyond = min(value[k] - bounds[LOW, k], bounds[HIGH, k] - value[k]) < -slack[0]
            if beyond:
                left = before
                if before == x and (marks[FRESH, k] != 0 or marks[IS_HELD, k]):
                    left = min(x + AHEAD, here)
                root = _root(paths, own, k, marks[IS_HELD, k] != 0, left, here, bounds[LOW, k], bounds[HIGH, k], sign)
                if root < nearest:
                    who, nearest = k, root
        if who >= 0:
            return who, nearest
        before = here
    return -1, 2.0


@njit(**BORROWED_SUMS)
def overdue(
    paths: Any,
    own: Any,
    bounds: Any,
    marks: Any,
    count: int,
    sign: float,
    x: float,
    slack: Any,
) -> int:
    """The first candidate whose state at x is not that of the flow: held though the slope that would hold it is out of
    bounds, or set off from a kink but moving back. -1 if there is none. The arguments are as in next_event."""
    for k in range(count):
        if marks[IS_HELD, k]:
            if room(paths, own, k, True, x + AHEAD, bounds[LOW, k], bounds[HIGH, k], sign) < -slack[1]:
                return k
        elif marks[FRESH, k] != 0 and marks[FRESH, k] * rate_at(paths, k, x + AHEAD) < -slack[2]:
            return k
    return -1
