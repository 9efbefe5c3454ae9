"""What the compiled loops know of the network and of the step, and the arrays with which a thread works."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

POWERS = 7  # coefficients of the polynomials in x; some loops name each of them
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


class Seen(NamedTuple):
    """What is seen of a block of neurons at stops on their way, without their being disturbed.

    stops (S,): the shares of the path that are done there, in increasing order, at most Curve.stop; h, drives, sides
    (w, S, n): there."""

    stops: np.ndarray
    h: np.ndarray
    drives: np.ndarray
    sides: np.ndarray


def new_seen(stops: np.ndarray, width: int, n: int) -> Seen:
    """For that many neurons."""
    shape = (width, len(stops), n)
    return Seen(stops, np.empty(shape), np.empty(shape), np.empty(shape, np.int8))


class Desk(NamedTuple):
    """What a thread works with; its arrays hold nothing between neurons but the row PLACE of `ints`, which is -1.

    inverse, inner (n, n), found (5, n): see held.py; paths, drives, wholes (POWERS, n): see search.py; driven
    (POWERS, n): to be overwritten; reals and ints (.., n): rows of numbers, named below; change (POWERS,): a change of
    drive; value (n,): to be overwritten; slack (3,): what rounding may do to the room of a path and of a drive, and to
    the speed of a path; counts (COUNTS,): those before the neuron.
    """

    inverse: np.ndarray
    inner: np.ndarray
    found: np.ndarray
    paths: np.ndarray
    drives: np.ndarray
    wholes: np.ndarray
    driven: np.ndarray
    reals: np.ndarray
    ints: np.ndarray
    change: np.ndarray
    value: np.ndarray
    slack: np.ndarray
    counts: np.ndarray


# Rows of reals. For each candidate: the piece of h on which it moves, without bounds while it is held; how it answers
# to a drive; the change of its drive until the end. For each entry: its slope, zero for held ones. For each held one:
# the slopes below and above its kink.
LOW, HIGH, ANSWER, MOVED, SLOPE, LOW_SLOPE, HIGH_SLOPE = range(7)
# Rows of ints. For each candidate: whether it is held; whether it has just been set off from a kink, 1 upwards, -1
# downwards; the entry that it is; its side; its place among the held ones. For each entry: its place among the
# candidates. For each held one: the candidate and the entry that it is. And, first in its row, the number of held ones.
IS_HELD, FRESH, MEMBER, SIDE, HELD_PLACE, PLACE, ORDER, ENTRY, HELD_COUNT = range(9)
# Rows of found: see held.py.
ROW, ANSWERS, WEIGHTS, GIVEN, REST = range(5)
SLACK_PATH, SLACK_DRIVE, SLACK_SPEED = range(3)
# Rows of Network.table, by side: where h is at least and at most, beyond any for held entries; sigma', zero for these;
# and sigma at h = 0 if it went on like this, or at the kink.
BELOW, ABOVE, SLOPES, OFFSETS = range(4)


def new_desk(n: int) -> Desk:
    """A desk for n data points."""
    ints = np.zeros((9, n), dtype=np.int64)
    ints[PLACE] = -1
    return Desk(
        inverse=np.zeros((n, n)),
        inner=np.zeros((n, n)),
        found=np.zeros((5, n)),
        paths=np.zeros((POWERS, n)),
        drives=np.zeros((POWERS, n)),
        wholes=np.zeros((POWERS, n)),
        driven=np.zeros((POWERS, n)),
        reals=np.zeros((7, n)),
        ints=ints,
        change=np.zeros(POWERS),
        value=np.zeros(n),
        slack=np.zeros(3),
        counts=np.zeros(COUNTS, dtype=np.int64),
    )
