"""One neuron through one step, exactly: crossings of kinks, and entries that are held on one. Compiled.

The neuron knows R(x), the integral of r until the share x of the path, as a polynomial. So between events its path and
the drives of its held entries are polynomials too. Only candidates can have an event: entries that are held, whose end
lies beyond a kink, or that begin or end so near to one that the bulge of the path may reach it. If after all events
another entry turns out to end beyond a kink, it becomes a candidate and the neuron begins anew.

At an event several entries may be on a kink at once. The state that the flow takes is the solution of a
complementarity problem: each held entry's slope lies between the slopes on both sides, each other one moves off to its
side. It is found by pivots, each the first entry whose state is wrong; where the Gram matrix is positive definite this
ends (Murty's rule).

Where the flow is not unique an entry keeps the drive it had: a neuron whose last driven entry has come to rest on
h = 0 stays there, off, as sigma'(0) = 0 and as descent does.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field.elementwise import INNER_SUMS, SUMS
from simulate.integrators.piecewise_linear.kernel_changes import Log, schur_row, set_weights, sum_up
from simulate.integrators.piecewise_linear.search import (
    AHEAD,
    FRESH,
    HIGH,
    IS_HELD,
    LOW,
    next_event,
    overdue,
    rate_at,
    value_at,
)
from simulate.integrators.piecewise_linear.tableau import pivot, respond

POWERS = 7  # coefficients of the polynomials in x
NO_SPEED = 1e-12  # of the speed that all drives together could give an entry: what rounding leaves of zero
DEPENDENT = 1e-10  # of G_aa: below this an entry's own drive does not move it, so that nothing can hold it
# What is counted: crossings, entries held, entries let go, neurons that began anew, neurons that were given up because
# of too many events, places where the pivots did not end, and neurons with a candidate.
CROSSED, HELD, LET_GO, ANEW, GIVEN_UP, UNSETTLED, NEURONS = range(7)
COUNTS = 7


class Network(NamedTuple):
    """gram (n, n); spread (n,): the roots of its diagonal; kinks (K,), slopes (K + 1,): see Pieces; table (4, 2K + 1):
    see below; most: events of one neuron before it is given up."""

    gram: np.ndarray
    spread: np.ndarray
    kinks: np.ndarray
    slopes: np.ndarray
    table: np.ndarray
    most: int


class Curve(NamedTuple):
    """R on [0, 1]: coefficients (n, POWERS) of 1, x, x^2, ...; transposed (POWERS, n): the same; margin (n,): how far a
    path may bulge; stop: where the events end, 1 for the whole step; fastest: the largest |R'|, by which rounding is
    judged."""

    coefficients: np.ndarray
    transposed: np.ndarray
    margin: np.ndarray
    stop: float
    fastest: float


class Desk(NamedTuple):
    """What a thread works with; its arrays hold nothing between neurons but the row PLACE of `ints`, which is -1.

    M (n, n): see tableau.py; paths, own (POWERS, n): see search.py; driven (POWERS, n): to be overwritten; reals and
    ints (.., n): rows of numbers for each candidate, named below, of which PLACE and SLOPE have one for each entry;
    change (POWERS,): a change of drive; value (n,): to be overwritten; slack (3,): see search.py.
    """

    M: np.ndarray
    paths: np.ndarray
    own: np.ndarray
    driven: np.ndarray
    reals: np.ndarray
    ints: np.ndarray
    change: np.ndarray
    value: np.ndarray
    slack: np.ndarray


# Rows of reals: how a candidate answers to a drive; the change of its drive until the end; the slope of each entry,
# zero for held ones. Rows of ints: the entry that a candidate is; its side; the place of each entry among the
# candidates.
ANSWER, MOVED, SLOPE = range(2, 5)
MEMBER, SIDE, PLACE = range(2, 5)
# Rows of Network.table, by side: where h is at least and at most, beyond any for held entries; sigma', zero for these;
# and sigma at h = 0 if it went on like this, or at the kink.
BELOW, ABOVE, SLOPES, OFFSETS = range(4)


def new_desk(n: int) -> Desk:
    """A desk for n data points."""
    ints = np.zeros((5, n), dtype=np.int64)
    ints[PLACE] = -1
    paths, own, driven = np.zeros((POWERS, n)), np.zeros((POWERS, n)), np.zeros((POWERS, n))
    return Desk(
        np.zeros((n, n)), paths, own, driven, np.zeros((5, n)), ints, np.zeros(POWERS), np.zeros(n), np.zeros(3)
    )


@njit(**INNER_SUMS)
def _place_on(desk: Desk, net: Network, k: int, side: int, gain: float) -> None:
    """Put candidate k on this side: its bounds, how it answers, and its slope."""
    held = side % 2 == 1
    piece = side // 2
    desk.ints[SIDE, k], desk.ints[IS_HELD, k] = side, held
    if held:
        desk.reals[LOW, k], desk.reals[HIGH, k] = net.slopes[piece], net.slopes[piece + 1]
        desk.reals[ANSWER, k] = -1.0
    else:
        desk.reals[LOW, k] = net.kinks[piece - 1] if piece > 0 else -np.inf
        desk.reals[HIGH, k] = net.kinks[piece] if piece < len(net.kinks) else np.inf
        desk.reals[ANSWER, k] = -gain
    desk.reals[SLOPE, desk.ints[MEMBER, k]] = 0.0 if held else net.slopes[piece]


@njit(**INNER_SUMS)
def _drive(desk: Desk, k: int, count: int, stop: float) -> None:
    """Candidate k, which is not held, gets the drive desk.change."""
    respond(desk.M, k, count, desk.change, desk.reals[ANSWER], desk.paths)
    total = desk.change[POWERS - 1]
    for p in range(POWERS - 2, -1, -1):
        total = total * stop + desk.change[p]
    desk.reals[MOVED, k] += total
    for j in range(count):
        if desk.ints[IS_HELD, j]:
            desk.reals[MOVED, j] -= desk.M[k, j] * total


@njit(**INNER_SUMS)
def _hold(desk: Desk, net: Network, k: int, kink: int, count: int, gain: float, stop: float) -> None:
    """From now on candidate k is held: its drive is what it had, and what cancels the rest of its path."""
    slope = desk.reals[SLOPE, desk.ints[MEMBER, k]]
    for p in range(POWERS):
        desk.change[p] = desk.paths[p, k] / (gain * desk.M[k, k])
    desk.change[0] -= net.kinks[kink] / (gain * desk.M[k, k])
    _drive(desk, k, count, stop)
    for p in range(POWERS):
        desk.paths[p, k] = slope * desk.own[p, k] + desk.change[p]
    pivot(desk.M, k, count)
    _place_on(desk, net, k, 2 * kink + 1, gain)
    desk.ints[FRESH, k] = 0


@njit(**INNER_SUMS)
def _set_off(
    desk: Desk, net: Network, k: int, kink: int, up: bool, x: float, count: int, gain: float, stop: float
) -> None:
    """Candidate k, on its kink at x, goes on with the slope above it (up) or below. It may have been held."""
    piece = kink + 1 if up else kink
    slope = net.slopes[piece]
    if desk.ints[IS_HELD, k]:
        pivot(desk.M, k, count)
        for p in range(POWERS):
            desk.change[p] = slope * desk.own[p, k] - desk.paths[p, k]
            desk.paths[p, k] = 0.0
        desk.paths[0, k] = net.kinks[kink]
    else:
        before = desk.reals[SLOPE, desk.ints[MEMBER, k]]
        for p in range(POWERS):
            desk.change[p] = (slope - before) * desk.own[p, k]
    # The drive changes from x on.
    total = desk.change[POWERS - 1]
    for p in range(POWERS - 2, -1, -1):
        total = total * x + desk.change[p]
    desk.change[0] -= total
    _place_on(desk, net, k, 2 * piece, gain)
    _drive(desk, k, count, stop)
    desk.ints[FRESH, k] = 1 if up else -1


@njit(**INNER_SUMS)
def _event(
    desk: Desk, net: Network, log: Log, curve: Curve, k: int, x: float, count: int, gain: float, counts: Any
) -> None:
    """Candidate k has its event at x: it is let go, is held from now on, or crosses. The kernel's change is logged."""
    later, side, b = x + AHEAD, desk.ints[SIDE, k], desk.ints[MEMBER, k]
    whole = rate_at(desk.own, k, later)
    if desk.ints[IS_HELD, k]:
        kink = side // 2
        drive = rate_at(desk.paths, k, later)
        # To the side whose slope is nearer: where both are as good, to that of the drive it has.
        up = abs(drive - net.slopes[kink + 1] * whole) < abs(drive - net.slopes[kink] * whole)
        _set_off(desk, net, k, kink, up, x, count, gain, curve.stop)
        at = log.filled[0]
        schur_row(net.gram, desk.M, k, desk.ints[MEMBER], desk.ints[IS_HELD], desk.reals[SLOPE], count, log.rows[at])
        set_weights(x, 1.0 / desk.M[k, k], log.weights[at])
        log.filled[0] = at + 1
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
    own = desk.M[k, k]
    holds = gain * whole * (above - below) > 0 and own > DEPENDENT * net.gram[b, b]
    if holds:
        speed = rate_at(desk.paths, k, later) - gain * own * jump * whole  # on the other side
        holds = (-speed if rising else speed) > NO_SPEED * abs(gain) * curve.fastest * net.gram[b, b]
    if holds:
        at = log.filled[0]
        schur_row(net.gram, desk.M, k, desk.ints[MEMBER], desk.ints[IS_HELD], desk.reals[SLOPE], count, log.rows[at])
        set_weights(x, -1.0 / own, log.weights[at])
        log.filled[0] = at + 1
        _hold(desk, net, k, kink, count, gain, curve.stop)
        counts[HELD] += 1
    else:
        before = desk.reals[SLOPE, b]
        at = log.filled[1]
        row = log.turns[at]
        schur_row(net.gram, desk.M, k, desk.ints[MEMBER], desk.ints[IS_HELD], desk.reals[SLOPE], count, row)
        for a in range(len(row)):
            row[a] *= jump
        row[b] = (2 * before + jump) * jump * own / 2
        set_weights(x, 1.0, log.turn_weights[at])
        log.turned[at] = b
        log.filled[1] = at + 1
        _set_off(desk, net, k, kink, rising, x, count, gain, curve.stop)
        counts[CROSSED] += 1


@njit(**INNER_SUMS)
def _add_candidate(desk: Desk, b: int, count: int) -> int:
    desk.ints[MEMBER, count] = b
    desk.ints[PLACE, b] = count
    return count + 1


@njit(**INNER_SUMS)
def _find_candidates(desk: Desk, net: Network, curve: Curve, sides: Any, start: Any, ends: Any) -> int:
    """How many candidates the neuron has; see the module."""
    count, low, high = 0, net.table[BELOW], net.table[ABOVE]
    for b in range(len(sides)):
        side = sides[b]
        below, above = low[side], high[side]
        near = min(min(start[b], ends[b]) - below, above - max(start[b], ends[b]))
        if near < curve.margin[b]:
            count = _add_candidate(desk, b, count)
    return count


@njit(**INNER_SUMS)
def _prepare(desk: Desk, net: Network, curve: Curve, sides: Any, start: Any, gain: float, count: int) -> None:
    """The candidates at the start of the step: paths and drives, with the held entries driven as they must be."""
    n, driven = len(sides), desk.driven
    for b in range(n):
        desk.reals[SLOPE, b] = net.table[SLOPES, sides[b]]
    for p in range(1, POWERS):
        row, weights = driven[p], curve.transposed[p]
        for a in range(n):
            row[a] = desk.reals[SLOPE, a] * weights[a]
    for k in range(count):
        b = desk.ints[MEMBER, k]
        row = net.gram[b]
        for j in range(count):
            desk.M[k, j] = row[desk.ints[MEMBER, j]]
        for p in range(1, POWERS):
            total, weights = 0.0, driven[p]
            for a in range(n):
                total += row[a] * weights[a]
            desk.paths[p, k] = -gain * total
        for p in range(POWERS):
            desk.own[p, k] = curve.coefficients[b, p]
        side = sides[b]
        desk.paths[0, k] = net.kinks[side // 2] if side % 2 == 1 else start[b]
        desk.reals[MOVED, k], desk.ints[FRESH, k] = 0.0, 0
        _place_on(desk, net, k, side - side % 2, gain)  # not held yet
        desk.reals[SLOPE, b] = net.table[SLOPES, side]
    for k in range(count):
        if sides[desk.ints[MEMBER, k]] % 2 == 1:
            _hold(desk, net, k, sides[desk.ints[MEMBER, k]] // 2, count, gain, curve.stop)


@njit(**INNER_SUMS)
def _run(desk: Desk, net: Network, log: Log, curve: Curve, count: int, gain: float, counts: Any) -> None:
    """All events of the neuron, in order."""
    x, together, sign = 0.0, 0, 1.0 if gain > 0 else -1.0
    events = 0
    while True:
        k = -1
        if together <= 20 + 4 * count:
            k = overdue(desk.paths, desk.own, desk.reals, desk.ints, count, sign, x, desk.slack)
        elif together == 21 + 4 * count:
            counts[UNSETTLED] += 1
        where = x
        if k < 0:
            k, where = next_event(
                desk.paths, desk.own, desk.reals, desk.ints, count, sign, x, curve.stop,
                desk.slack, desk.value,
            )  # fmt: skip
            if k < 0 or where >= curve.stop:
                return
        if where > x:
            together = 0
            x = where
            for j in range(count):
                desk.ints[FRESH, j] = 0
        together += 1
        events += 1
        if events > net.most:
            counts[GIVEN_UP] += 1
            return
        _event(desk, net, log, curve, k, x, count, gain, counts)


@njit(**INNER_SUMS)
def follow_neuron(
    start: Any,
    ends: Any,
    drives: Any,
    sides: Any,
    gain: float,
    net: Network,
    curve: Curve,
    desk: Desk,
    log: Log,
    counts: Any,
) -> None:
    """Follow one neuron through the step, all arrays (n,).

    start: h at the start; ends: h at curve.stop with every slope as at the start and the drives of held entries zero,
    overwritten by h there; drives: of that kind, overwritten by the true ones; sides: at the start, overwritten.
    """
    n = len(sides)
    count = _find_candidates(desk, net, curve, sides, start, ends)
    if count == 0:
        return
    counts[NEURONS] += 1
    desk.slack[0] = 1e-13 * net.spread.max()
    desk.slack[1] = 1e-11 * curve.fastest
    desk.slack[2] = 1e-9 * abs(gain) * curve.fastest * net.spread.max() ** 2
    rows, turns = log.filled[0], log.filled[1]
    true, sway = desk.value, desk.driven[0]  # free again after the events
    while True:
        log.filled[0], log.filled[1] = rows, turns
        _prepare(desk, net, curve, sides, start, gain, count)
        _run(desk, net, log, curve, count, gain, counts)
        # The ends of all entries, and those that are not where they should be.
        for b in range(n):
            true[b], sway[b] = ends[b], 0.0
        for k in range(count):
            factor, row = -gain * desk.reals[MOVED, k], net.gram[desk.ints[MEMBER, k]]
            if factor != 0.0:
                for b in range(n):
                    true[b] += factor * row[b]
                    sway[b] += abs(factor * row[b])
        # An entry may also meet a kink on its way and come back: events bend its path by no more than they move it.
        late = count
        for b in range(n):
            low, high = net.table[BELOW, sides[b]], net.table[ABOVE, sides[b]]
            near = min(min(start[b], true[b]) - low, high - max(start[b], true[b]))
            if (near < 0 or near < sway[b]) and desk.ints[PLACE, b] < 0:
                late = _add_candidate(desk, b, late)
        if late == count:
            break
        count = late
        counts[ANEW] += 1
    for b in range(n):
        ends[b] = true[b]
    for k in range(count):
        b = desk.ints[MEMBER, k]
        desk.ints[PLACE, b] = -1
        drives[b] += desk.reals[MOVED, k]
        if not desk.ints[IS_HELD, k]:
            # By rounding, or after giving up, the end may lie beyond the kink; it is put on it.
            ends[b] = min(max(ends[b], desk.reals[LOW, k]), desk.reals[HIGH, k])
        else:
            ends[b] = net.kinks[desk.ints[SIDE, k] // 2]
        sides[b] = desk.ints[SIDE, k]


@njit(**SUMS)
def follow_neurons(
    start: Any,
    ends: Any,
    drives: Any,
    sides: Any,
    gains: Any,
    net: Network,
    curve: Curve,
    desk: Desk,
    log: Log,
    kinds: int,
    counts: Any,
) -> None:
    """Follow neurons one after the other, all arrays (w, n); see follow_neuron. gains (w,); kinds: see sum_up."""
    R = curve.coefficients
    n = len(R)
    at_stop = np.empty(n)
    for b in range(n):
        total = R[b, POWERS - 1]
        for p in range(POWERS - 2, -1, -1):
            total = total * curve.stop + R[b, p]
        at_stop[b] = total
    slopes = net.table[SLOPES]
    for i in range(len(sides)):
        for b in range(n):
            drives[i, b] = slopes[sides[i, b]] * at_stop[b]
    moves = np.dot(drives, net.gram)
    for i in range(len(sides)):
        for b in range(n):
            ends[i, b] = start[i, b] - gains[i] * moves[i, b]
    for i in range(len(sides)):
        follow_neuron(start[i], ends[i], drives[i], sides[i], gains[i], net, curve, desk, log, counts)
        sum_up(log, 128, kinds)
    sum_up(log, 0, kinds)
