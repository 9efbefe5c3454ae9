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

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import BORROWED, BORROWED_SUMS, SUMS, apart
from simulate.integrators.piecewise_linear.candidates import add_candidate, find_candidates
from simulate.integrators.piecewise_linear.desk import (
    ABOVE,
    ANEW,
    BELOW,
    COUNTS,
    ENTRY,
    FRESH,
    GIVEN,
    GIVEN_UP,
    HELD_COUNT,
    HIGH,
    IS_HELD,
    LOW,
    MEMBER,
    MOVED,
    NEURONS,
    ORDER,
    PLACE,
    POWERS,
    REST,
    SIDE,
    SLACK_DRIVE,
    SLACK_PATH,
    SLACK_SPEED,
    SLOPE,
    SLOPES,
    UNSETTLED,
    WEIGHTS,
    Curve,
    Desk,
    Network,
    Seen,
)
from simulate.integrators.piecewise_linear.events import event, place_on
from simulate.integrators.piecewise_linear.held import add_held, find_weights, solve_held
from simulate.integrators.piecewise_linear.kernel_changes import Log, sum_up
from simulate.integrators.piecewise_linear.looks import begin_looks, finish_looks, look
from simulate.integrators.piecewise_linear.search import CELLS, next_event, overdue, value_of

# The next event is looked for first in a cell so many times as long as the mean distance of the events so far, but no
# shorter than this share of the usual cells, so that it is long beside AHEAD.
GAPS, FINEST = 8.0, 0.01


@njit(**BORROWED_SUMS)
def _weigh(row: Any, driven: Any, factor: float, out: Any, k: int) -> None:
    """out[p, k] = factor row' driven[p] for p >= 1, all at once, so that the row is read once."""
    apart()
    one, two, three, four, five, six = driven[1], driven[2], driven[3], driven[4], driven[5], driven[6]
    t1 = t2 = t3 = t4 = t5 = t6 = 0.0
    for a in range(len(row)):
        entry = row[a]
        t1 += entry * one[a]
        t2 += entry * two[a]
        t3 += entry * three[a]
        t4 += entry * four[a]
        t5 += entry * five[a]
        t6 += entry * six[a]
    out[1, k], out[2, k], out[3, k] = factor * t1, factor * t2, factor * t3
    out[4, k], out[5, k], out[6, k] = factor * t4, factor * t5, factor * t6


@njit(**BORROWED)
def _drive_held(desk: Desk, net: Network, curve: Curve) -> None:
    """The drives of the held entries at the start, such that they do not move: G_AA U_A = -G_AB U_B."""
    found, entries, order, held = desk.found, desk.ints[ENTRY], desk.ints[ORDER], desk.ints[HELD_COUNT, 0]
    given, solved = found[GIVEN], found[WEIGHTS]
    for i in range(held):
        _weigh(net.gram[entries[i]], desk.driven, -1.0, desk.drives, i)
        desk.drives[0, i] = 0.0
        desk.reals[MOVED, order[i]] = 0.0
    for p in range(POWERS - 1, 0, -1):
        drive, weights = desk.drives[p], desk.driven[p]
        for i in range(held):
            given[i] = drive[i]
        solve_held(desk.inverse, desk.inner, given, found[REST], held, solved)
        for i in range(held):
            drive[i] = weights[entries[i]] = solved[i]
            desk.reals[MOVED, order[i]] = (desk.reals[MOVED, order[i]] + solved[i]) * curve.stop


@njit(**BORROWED)
def _prepare(desk: Desk, net: Network, curve: Curve, sides: Any, start: Any, gain: float, count: int) -> None:
    """The candidates at the start of the step: paths and drives, with the held entries driven as they must be."""
    n, driven = len(sides), desk.driven
    desk.ints[HELD_COUNT, 0] = 0
    for b in range(n):
        desk.reals[SLOPE, b] = net.table[SLOPES, sides[b]]
    for p in range(1, POWERS):
        row, weights = driven[p], curve.transposed[p]
        for a in range(n):
            row[a] = desk.reals[SLOPE, a] * weights[a]
    for k in range(count):
        b = desk.ints[MEMBER, k]
        desk.reals[MOVED, k], desk.ints[FRESH, k], desk.paths[0, k] = 0.0, 0, start[b]
        if sides[b] % 2 == 1:
            place = desk.ints[HELD_COUNT, 0]
            for p in range(POWERS):
                desk.wholes[p, place] = curve.coefficients[b, p]
            find_weights(net.gram, desk, k)
            add_held(net.gram, desk, k)
        place_on(desk, net, k, sides[b], gain)
    _drive_held(desk, net, curve)
    for k in range(count):
        if not desk.ints[IS_HELD, k]:
            _weigh(net.gram[desk.ints[MEMBER, k]], driven, -gain, desk.paths, k)


@njit(**BORROWED)
def _run(
    desk: Desk,
    net: Network,
    log: Log,
    curve: Curve,
    count: int,
    gain: float,
    begun: Any,
    seen: Seen,
    i: int,
    counts: Any,
) -> None:
    """All events of neuron i, in order, and what is seen of it at the stops; see looks.py."""
    x, together, sign = 0.0, 0, 1.0 if gain > 0 else -1.0
    events, passed = 0, 0
    while True:
        k = -1
        if together <= 20 + 4 * count:
            k = overdue(desk, count, sign, x)
        elif together == 21 + 4 * count:
            counts[UNSETTLED] += 1
        where = x
        if k < 0:
            first = (curve.stop - x) / CELLS
            if events > 0:
                first = min(first, max(GAPS * x / events, FINEST * first))
            k, where = next_event(desk, count, sign, x, curve.stop, first)
            if k < 0 or where >= curve.stop:
                break
        while passed < len(seen.stops) and seen.stops[passed] < where:
            look(desk, net, curve, count, begun, seen, i, passed)
            passed += 1
        if where > x:
            together = 0
            x = where
            for j in range(count):
                desk.ints[FRESH, j] = 0
        together += 1
        events += 1
        if events > net.most:
            counts[GIVEN_UP] += 1
            break
        event(desk, net, log, curve, k, x, count, gain, counts)
    for later in range(passed, len(seen.stops)):
        look(desk, net, curve, count, begun, seen, i, later)


@njit(**BORROWED)
def follow_neuron(
    i: int,
    start: Any,
    ends: Any,
    drives: Any,
    sides: Any,
    gain: float,
    net: Network,
    curve: Curve,
    desk: Desk,
    log: Log,
    seen: Seen,
    counts: Any,
) -> None:
    """Follow neuron i of the block through the step, all arrays (n,).

    start: h at the start; ends: h at curve.stop with every slope as at the start and the drives of held entries zero,
    overwritten by h there; drives: of that kind, overwritten by the true ones; sides: at the start, overwritten.
    """
    n = len(sides)
    count = find_candidates(desk, net, curve, sides, start, ends)
    if count == 0:
        return
    counts[NEURONS] += 1
    holding, letting_go, turning = log.filled[0], log.filled[1], log.filled[2]
    for c in range(COUNTS):
        desk.counts[c] = counts[c]
    true, sway = desk.value, desk.driven[0]  # free again after the events
    while True:
        log.filled[0], log.filled[1], log.filled[2] = holding, letting_go, turning
        _prepare(desk, net, curve, sides, start, gain, count)
        _run(desk, net, log, curve, count, gain, sides, seen, i, counts)
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
                late = add_candidate(desk, b, late)
        if late == count:
            break
        count = late
        desk.counts[ANEW] += 1
        for c in range(COUNTS):  # what has been counted on the way is undone
            counts[c] = desk.counts[c]
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
    moments: bool,
    seen: Seen,
    counts: Any,
) -> None:
    """Follow neurons one after the other, all arrays (w, n); see follow_neuron. gains (w,); moments: see sum_up."""
    n, slopes = len(curve.coefficients), net.table[SLOPES]
    at_stop = np.empty(n)
    for b in range(n):
        at_stop[b] = value_of(curve.coefficients[b], curve.stop)
    for i in range(len(sides)):
        for b in range(n):
            drives[i, b] = slopes[sides[i, b]] * at_stop[b]
    moves = np.dot(drives, net.gram)
    for i in range(len(sides)):
        for b in range(n):
            ends[i, b] = start[i, b] - gains[i] * moves[i, b]
    begin_looks(net, curve, sides, seen)
    widest = net.spread.max()
    desk.slack[SLACK_PATH], desk.slack[SLACK_DRIVE] = 1e-13 * widest, 1e-11 * curve.fastest
    for i in range(len(sides)):
        desk.slack[SLACK_SPEED] = 1e-9 * abs(gains[i]) * curve.fastest * widest**2
        follow_neuron(i, start[i], ends[i], drives[i], sides[i], gains[i], net, curve, desk, log, seen, counts)
        sum_up(log, log.batch, moments, seen.stops)
    sum_up(log, 1, moments, seen.stops)
    finish_looks(start, gains, net, seen)
