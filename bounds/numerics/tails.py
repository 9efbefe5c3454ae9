"""Enclosures of expressions on |Re u| >= R up to infinity, which branch and bound over bounded pieces cannot give.

These are the functions of the number system of germs.py. A quantity that decays faster than any power is carried as a
small multiple of v^-DECAY, v = |Re u|.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from flint import acb, arb, ctx

from bounds.numerics.arithmetic import ENCLOSED, Ops, ball, square
from bounds.numerics.germs import Far, Germ, Unbounded
from bounds.numerics.ranges import infimum, supremum

DECAY = 32  # the largest power of decay that is kept
BITS = 256  # the precision of the balls
RADII = (2.0**16, 2.0**40, 2.0**1000)  # the values of R tried: a small one is sharper, a large one succeeds more often
LOG_POWER = Fraction(1, 8)  # log v <= v^(1/8) log(R)/R^(1/8) for v >= R >= exp(8)


def _exp(w: Far) -> Far:
    """exp: what decays faster than v^-DECAY becomes a ball times a power of v."""
    if w.sign > 0:
        raise Unbounded
    if w.sign == 0:
        modulus = w.constant(w.re.ball.exp())
    else:
        # v^q exp(-b v^p) falls from v = R on if q <= b p R^p.
        speed = float((-w.re.c).lower()) * float(w.re.p) * float(w.re.power(w.re.p).lower())
        if not speed >= 1:
            raise Unbounded
        q = Fraction(math.floor(min(float(DECAY), speed)))
        top = (w.re.c.upper() * w.re.power(w.re.p)).exp() * w.re.power(q)
        modulus = Germ(ball(0, top.upper()), -q, w.re.R)
    if w.real:
        return Far(modulus, w.im)
    turned = (w.im.ball.cos(), w.im.ball.sin()) if w.im.p <= 0 else (ball(-1, 1), ball(-1, 1))
    return Far(modulus.scaled(turned[0]), modulus.scaled(turned[1]))


def _small(w: Far, least: Callable[[arb], arb]) -> Far | None:
    """f(w) for a real w that tends to 0, where least(w^2) <= f(w)/w <= 1."""
    if not (w.real and w.re.p < 0):
        return None
    return Far(w.re.scaled(least(square(w.re.ball)).union(1)), w.im)


def _sin(w: Far) -> Far:
    """sin; for a real argument that tends to 0, close to the argument."""
    near = _small(w, lambda s: 1 - s / 6)
    if near is not None:
        return near
    x = w.re.ball if w.re.p <= 0 else None
    sine, cosine = (ball(-1, 1), ball(-1, 1)) if x is None else (x.sin(), x.cos())
    y = w.im.ball
    return Far(w.constant(sine * y.cosh()), w.constant(cosine * y.sinh()))


def _cos(w: Far) -> Far:
    x = w.re.ball if w.re.p <= 0 else None
    sine, cosine = (ball(-1, 1), ball(-1, 1)) if x is None else (x.sin(), x.cos())
    y = w.im.ball
    return Far(w.constant(cosine * y.cosh()), w.constant(-sine * y.sinh()))


def _sigmoid(w: Far) -> Far:
    """The sigmoid, by the exponential that decays."""
    if w.sign == 0:
        return w.by_balls(ENCLOSED.sigmoid, lambda z: 1 / (1 + (-z).exp()))
    e = _exp(w if w.sign < 0 else -w)
    return (1 + e).inverse() if w.sign > 0 else e / (1 + e)


def _tanh(w: Far) -> Far:
    """tanh, by the exponential that decays; for a real argument that tends to 0, close to the argument."""
    if w.sign == 0:
        return _small(w, lambda s: 1 - s / 3) or w.by_balls(ENCLOSED.tanh, acb.tanh)
    e = _exp(-2 * w if w.sign > 0 else 2 * w)
    return (1 - 2 * e / (1 + e)) * w.sign


def _sech2(w: Far) -> Far:
    """1/cosh^2, by the exponential that decays."""
    if w.sign == 0:
        return w.by_balls(ENCLOSED.sech2, lambda z: 1 - z.tanh() ** 2)
    e = _exp(-2 * w if w.sign > 0 else 2 * w)
    inverse = (1 + e).inverse()
    return 4 * e * inverse * inverse


def _softplus(w: Far) -> Far:
    """The softplus: max(0, w) and a rest that decays, if w grows."""
    if w.sign == 0:
        return _log(1 + _exp(w))
    e = _exp(w if w.sign < 0 else -w)  # |log(1 + e) - e| <= |e|^2 for |e| <= 1/2
    if not e.size()[1] < 0.5:
        raise Unbounded
    rest = e + e.disc(e.re.squared + e.im.squared)
    return w + rest if w.sign > 0 else rest


def _erf(w: Far) -> Far:
    """erf: 1 or -1 and a rest that decays, if w grows."""
    if w.sign == 0:
        return w.by_balls(ENCLOSED.erf, acb.erf)
    e = _exp(-(w * w))  # |erfc(z)| <= |exp(-z^2)| for Re z >= 0
    gap = Germ(arb(abs(e.re.c).upper() + abs(e.im.c).upper()), e.re.p, e.re.R)
    return w.lift(w.sign) + w.disc(gap)


def _atan(w: Far) -> Far:
    if w.sign:
        return w.sign * arb.pi() / 2 - _atan(w.inverse())
    near = _small(w, lambda s: 1 - s / 3)
    if near is None and not abs(w.im.ball) < 1:
        raise Unbounded
    return near or w.by_balls(ENCLOSED.atan, acb.atan)


def _quotient(w: Far) -> Germ:
    """im/re for re > 0, where the principal branches of sqrt and log are analytic."""
    if not w.re.c > 0:
        raise Unbounded
    return w.im * w.re.inverse()


def _log(w: Far) -> Far:
    """log of a quantity with a positive real part."""
    q = _quotient(w)
    first = w.constant(w.re.c.log() + (1 + square(q.ball)).log() / 2)
    if w.re.p != 0:
        p = w.re.p.numerator * arb(1) / w.re.p.denominator
        first = Germ(p * ball(0, (arb(w.re.R).log() / w.re.power(LOG_POWER)).upper()), LOG_POWER, w.re.R) + first
    return Far(first, w.im if w.real else _atan(Far(q, w.constant(arb(0)))).re)


def _sqrt(w: Far) -> Far:
    """The principal square root of a quantity with a positive real part."""
    q = _quotient(w)
    root = Germ(w.re.c.sqrt(), w.re.p / 2, w.re.R)
    if w.real:
        return Far(root, w.im)
    first = (((1 + square(q.ball)).sqrt() + 1) / 2).sqrt()
    return Far(root.scaled(first), (root * q).scaled(1 / (2 * first)))


FAR: Ops = SimpleNamespace(
    number=arb,
    pi=arb.pi(),
    sqrt=_sqrt,
    exp=_exp,
    log=_log,
    sin=_sin,
    cos=_cos,
    tanh=_tanh,
    sech2=_sech2,
    sigmoid=_sigmoid,
    softplus=_softplus,
    erf=_erf,
    atan=_atan,
)


def beyond(F: Callable[[Ops, Any], Any], side: int, *, height: float = 0.0) -> tuple[float, float, float]:
    """(R, lower, upper): bounds of |F(FAR, u)| on Re u >= R (side = 1) or Re u <= -R (side = -1), |Im u| <= height.

    (2^1000, 0, inf) if no bound is found.
    """
    for R in RADII:
        with ctx.workprec(BITS):
            zero, one = Fraction(0), Fraction(1)
            u = Far(Germ(arb(side), one, R), Germ(ball(-height, height) if height else arb(0), zero, R))
            try:
                low, high = u.lift(F(FAR, u)).size()
            except (Unbounded, AttributeError):  # AttributeError: from an operation that FAR lacks
                continue
            if high.is_finite() or RADII[-1] == R:
                upper = float(high.upper())
                return R, max(math.nextafter(float(low.lower()), 0.0), 0.0), math.nextafter(upper, math.inf)
    return RADII[-1], 0.0, math.inf


def supremum_on_the_line(
    F: Callable[[Ops, Any], Any],
    o: Ops,
    *,
    derivative: Callable[[Ops, Any], Any] | None = None,
    height: float = 0.0,
    tolerance: float = 1e-9,
) -> float:
    """ranges.supremum of |F(o, u)| over the whole strip |Im u| <= height, infinite if no bound is found for the tails.

    o: the number system of balls, complex ones if height > 0. derivative: F', if it is known.
    """
    left, right = (beyond(F, side, height=height) for side in (-1, 1))
    outside = max(left[2], right[2])
    if math.isinf(outside):
        return outside
    first = None if derivative is None else lambda u: derivative(o, u)
    ends = {"left": -left[0], "right": right[0]}
    inside = supremum(lambda u: F(o, u), derivative=first, height=height, tolerance=tolerance, **ends)
    return max(inside, outside)


def infimum_on_the_line(
    F: Callable[[Ops, Any], Any],
    o: Ops,
    left: float,
    right: float,
    *,
    derivative: Callable[[Ops, Any], Any] | None = None,
) -> float:
    """ranges.infimum of |F(o, u)| over [left, right], whose ends may be infinite; 0 if the tails have no bound.

    derivative: F', if it is known.
    """
    least = math.inf
    if left == -math.inf:
        R, lower, _ = beyond(F, -1)
        left, least = min(-R, right), min(least, lower)
    if right == math.inf:
        R, lower, _ = beyond(F, 1)
        right, least = max(R, left), min(least, lower)
    if least == 0 or left >= right:
        return least
    first = None if derivative is None else lambda u: derivative(o, u)
    return min(least, infimum(lambda u: F(o, u), left, right, derivative=first))
