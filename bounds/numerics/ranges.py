"""Suprema of |F| over an interval and over a strip around it, enclosed by branch and bound in ball arithmetic.

F is a function on balls that encloses its own range. Tails are cut into pieces up to |Re u| = 2^1000, and every
supremum or infimum here is one over |Re u| <= 2^1000; tails.py adds what lies beyond.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

from flint import acb, arb, ctx

from bounds.numerics.arithmetic import ball

REACH = 1000  # log2 of the largest |Re u| that is searched
NEAR = 16  # |u| below which the first pieces have equal length
BUDGET = 3_000  # the number of pieces that are cut in two before the search ends
UNBOUNDED = 1e8  # a supremum found to be larger counts as infinite
FAR_BITS = 2500  # precision for |u| >= NEAR: (1 - tanh(u)^2) u must not be lost in rounding

Piece = tuple[float, float]


def pieces(left: float = -math.inf, right: float = math.inf) -> Iterator[Piece]:
    """Intervals that cover (left, right) within +-2^REACH: short ones near zero, dyadic ones outside."""
    ends = [float(-(2.0**k)) for k in range(REACH, 4, -1)]
    ends += [k / 4 for k in range(-4 * NEAR, 4 * NEAR + 1)] + [2.0**k for k in range(5, REACH + 1)]
    inner = [e for e in ends if left < e < right]
    cuts = [max(left, ends[0]), *inner, min(right, ends[-1])]
    return ((a, b) for a, b in itertools.pairwise(cuts) if a < b)


def _value(F: Callable[[Any], Any], u: Any) -> Any:
    """F on the ball u, at the precision that this part of the line needs."""
    near = bool(abs(u).lower() < NEAR)
    with ctx.workprec(ctx.prec if near else FAR_BITS):
        return F(u)


def _size(value: Any) -> tuple[float, float]:
    """(lower, upper) bounds of |value| for a ball; (0, inf) if it is not finite."""
    size = abs(value)
    lower, upper = float(size.lower()), float(size.upper())
    return (lower, math.nextafter(upper, math.inf)) if upper == upper else (0.0, math.inf)


def _by_mean_value(at: Any, derivative: Callable[[Any], Any] | None, piece: Any, centre: Any) -> tuple[float, float]:
    """(lower, upper) bounds of |F| on a piece from F(centre) = at and F' on the piece: sharper on short pieces, by a
    power of their length, than F of the piece.

    F of the whole piece must be finite: it is not where a logarithm or a root meets its branch cut, and then F' may be
    analytic on the piece though F jumps there."""
    if derivative is None:
        return 0.0, math.inf
    return _size(_value(lambda u: at + derivative(u) * (u - centre), piece))


def supremum(
    F: Callable[[Any], Any],
    *,
    derivative: Callable[[Any], Any] | None = None,
    height: float = 0.0,
    tolerance: float = 1e-9,
    left: float = -math.inf,
    right: float = math.inf,
) -> float:
    """An upper bound of sup |F(u)| over left <= Re u <= right, |Re u| <= 2^1000, |Im u| <= height, within `tolerance`
    of it, relatively; infinite if none is found. F must be real on the real line, so the upper half of the strip is
    enough. derivative: F', with which far fewer pieces are needed."""
    best = 0.0
    queue: list[tuple[float, float, float, float, float]] = []

    def push(a: float, b: float, c: float, d: float) -> None:
        nonlocal best
        piece = ball(a, b) if height == 0 else acb(ball(a, b), ball(c, d))
        upper = _size(_value(F, piece))[1]
        if upper > best:  # else no point of the piece can have a larger value
            middle = arb(a + (b - a) / 2)
            centre = middle if height == 0 else acb(middle, arb(d))
            at = _value(F, centre)
            best = max(best, _size(at)[0])
            if upper < math.inf:
                upper = min(upper, _by_mean_value(at, derivative, piece, centre)[1])
        heapq.heappush(queue, (-upper, a, b, c, d))

    for a, b in pieces(left, right):
        push(a, b, 0.0, height)
    for _ in range(BUDGET):
        upper, a, b, c, d = queue[0]
        if best > UNBOUNDED:
            return math.inf
        if -upper <= max(best * (1 + tolerance), 1e-300):
            break
        heapq.heappop(queue)
        x, y = a + (b - a) / 2, c + (d - c) / 2
        if d - c > (b - a) / 2:
            push(a, b, c, y)
            push(a, b, y, d)
        else:
            push(a, x, c, d)
            push(x, b, c, d)
    return -queue[0][0]


def infimum(
    F: Callable[[Any], Any],
    left: float,
    right: float,
    *,
    derivative: Callable[[Any], Any] | None = None,
    tolerance: float = 1e-9,
) -> float:
    """A lower bound of inf |F(u)| over [left, right], within `tolerance` of it, relatively; 0 if none is found.

    derivative: F', with which far fewer pieces are needed.
    """
    best = math.inf
    queue: list[tuple[float, float, float]] = []

    def push(a: float, b: float) -> None:
        nonlocal best
        piece = ball(a, b)
        lower, upper = _size(_value(F, piece))
        if lower < best:  # else no point of the piece can have a smaller value
            centre = arb(a + (b - a) / 2)
            at = _value(F, centre)
            best = min(best, _size(at)[1])
            if upper < math.inf:
                lower = max(lower, _by_mean_value(at, derivative, piece, centre)[0])
        heapq.heappush(queue, (lower, a, b))

    for a, b in pieces(left, right):
        push(a, b)
    for _ in range(BUDGET):
        lower, a, b = queue[0]
        if lower >= best * (1 - tolerance) or best <= 1e-300:
            break
        heapq.heappop(queue)
        x = a + (b - a) / 2
        push(a, x)
        push(x, b)
    return max(math.nextafter(queue[0][0], 0.0), 0.0)
