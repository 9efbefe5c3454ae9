"""Expressions on |Re u| >= R, all the way to infinity: what branch and bound over pieces cannot reach.

A Germ is a real quantity in c v^p for all v >= R, with c a ball and p rational; v = |Re u|. A Far is a complex one, its
real and imaginary part. The operations are those of interval arithmetic, in which what decays faster than any power is
carried as a small multiple of v^-DECAY. Growing exponentials, and quotients by what may vanish, raise Unbounded.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from flint import acb, arb, ctx

from bounds.arithmetic import ENCLOSED, Ops, ball, square
from bounds.ranges import infimum, supremum

DECAY = 32
BITS = 256
RADII = (2.0**16, 2.0**40, 2.0**1000)  # where a tail may begin; nearer is sharper, further is known more often
LOG_POWER = Fraction(1, 8)  # log v <= v^(1/8) log(R)/R^(1/8) for v >= R >= exp(8)


class Unbounded(Exception):
    """Nothing is known of a quantity far out."""


@dataclass(frozen=True)
class Germ:
    """A quantity in c v^p for all v >= R."""

    c: arb
    p: Fraction
    R: float

    def power(self, p: Fraction) -> arb:
        """R^p."""
        return (arb(self.R).log() * p.numerator / p.denominator).exp()

    @property
    def ball(self) -> arb:
        """All its values; Unbounded where it grows."""
        if self.p > 0 and not self.c.is_zero():
            raise Unbounded
        return self.c if self.p == 0 else self.c * ball(0, self.power(self.p).upper())

    def __add__(self, x: Germ) -> Germ:
        if self.c.is_zero() or x.c.is_zero():
            return x if self.c.is_zero() else self
        high, low = (self, x) if self.p >= x.p else (x, self)
        shrunk = low.c if low.p == high.p else low.c * ball(0, self.power(low.p - high.p).upper())
        return Germ(high.c + shrunk, high.p, self.R)

    def __mul__(self, x: Germ) -> Germ:
        return Germ(self.c * x.c, self.p + x.p, self.R)

    def scaled(self, factor: Any) -> Germ:
        """factor times self, for a number or a ball."""
        return Germ(self.c * factor, self.p, self.R)

    @property
    def squared(self) -> Germ:
        """Its square, never negative."""
        return Germ(square(self.c), 2 * self.p, self.R)

    def inverse(self) -> Germ:
        """1/self."""
        if self.c.contains(0):
            raise Unbounded
        return Germ(1 / self.c, -self.p, self.R)

    def size(self) -> tuple[arb, arb]:
        """(lower, upper) bounds of its absolute value."""
        c, edge = abs(self.c), self.power(self.p)
        low, high = arb(c.lower()), arb(c.upper())
        if self.p == 0 or self.c.is_zero():
            return low, high
        return (low * edge, arb("inf")) if self.p > 0 else (arb(0), high * edge)


@dataclass(frozen=True)
class Far:
    """re + i im."""

    re: Germ
    im: Germ

    def lift(self, x: Any) -> Far:
        """A number in the same number system."""
        return x if isinstance(x, Far) else Far(self.constant(arb(x)), self.constant(arb(0)))

    def constant(self, c: arb) -> Germ:
        return Germ(c, Fraction(0), self.re.R)

    def disc(self, germ: Germ) -> Far:
        """A complex quantity at most as large as a germ."""
        around = germ.scaled(ball(-1, 1))
        return Far(around, self.constant(arb(0)) if self.real else around)

    @property
    def real(self) -> bool:
        return bool(self.im.c.is_zero())

    def __add__(self, x: Any) -> Far:
        y = self.lift(x)
        return Far(self.re + y.re, self.im + y.im)

    def __neg__(self) -> Far:
        return Far(self.re.scaled(-1), self.im.scaled(-1))

    def __sub__(self, x: Any) -> Far:
        return self + -self.lift(x)

    def __rsub__(self, x: Any) -> Far:
        return self.lift(x) + -self

    def __mul__(self, x: Any) -> Far:
        y = self.lift(x)
        return Far(self.re * y.re + (self.im * y.im).scaled(-1), self.re * y.im + self.im * y.re)

    def inverse(self) -> Far:
        """1/self."""
        if self.real:
            return Far(self.re.inverse(), self.im)
        q = self.im * self.re.inverse()
        first = (self.re * (self.constant(arb(1)) + q.squared)).inverse()
        return Far(first, (q * first).scaled(-1))

    def __truediv__(self, x: Any) -> Far:
        return self * self.lift(x).inverse()

    def __rtruediv__(self, x: Any) -> Far:
        return self.lift(x) * self.inverse()

    __radd__ = __add__
    __rmul__ = __mul__

    @property
    def sign(self) -> int:
        """1 or -1 where the real part grows without limit, 0 where both parts stay bounded."""
        if self.re.p <= 0:
            return 0
        if not (self.re.c > 0 or self.re.c < 0):
            raise Unbounded
        return 1 if self.re.c > 0 else -1

    def by_balls(self, real: Callable[[arb], arb], complex: Callable[[acb], acb]) -> Far:
        """f(self) from f on real or complex balls, for what stays bounded."""
        found = acb(real(self.re.ball)) if self.real else complex(acb(self.re.ball, self.im.ball))
        if not (found.real.is_finite() and found.imag.is_finite()):
            raise Unbounded
        return Far(self.constant(found.real), self.constant(arb(0) if self.real else found.imag))

    def size(self) -> tuple[arb, arb]:
        """(lower, upper) bounds of the modulus."""
        (a, b), (_, d) = self.re.size(), self.im.size()
        return a, (square(b) + square(d)).sqrt() if b.is_finite() and d.is_finite() else arb("inf")


def _exp(w: Far) -> Far:
    if w.sign > 0:
        raise Unbounded
    if w.sign == 0:
        modulus = w.constant(w.re.ball.exp())
    else:
        # v^q exp(-b v^p) falls from R on where q <= b p R^p.
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
    if w.sign == 0:
        return w.by_balls(ENCLOSED.sigmoid, lambda z: 1 / (1 + (-z).exp()))
    e = _exp(w if w.sign < 0 else -w)
    return (1 + e).inverse() if w.sign > 0 else e / (1 + e)


def _tanh(w: Far) -> Far:
    if w.sign == 0:
        return _small(w, lambda s: 1 - s / 3) or w.by_balls(ENCLOSED.tanh, acb.tanh)
    e = _exp(-2 * w if w.sign > 0 else 2 * w)
    return (1 - 2 * e / (1 + e)) * w.sign


def _sech2(w: Far) -> Far:
    if w.sign == 0:
        return w.by_balls(ENCLOSED.sech2, lambda z: 1 - z.tanh() ** 2)
    e = _exp(-2 * w if w.sign > 0 else 2 * w)
    inverse = (1 + e).inverse()
    return 4 * e * inverse * inverse


def _softplus(w: Far) -> Far:
    if w.sign == 0:
        return _log(1 + _exp(w))
    e = _exp(w if w.sign < 0 else -w)  # |log(1 + e) - e| <= |e|^2 for |e| <= 1/2
    if not e.size()[1] < 0.5:
        raise Unbounded
    rest = e + e.disc(e.re.squared + e.im.squared)
    return w + rest if w.sign > 0 else rest


def _erf(w: Far) -> Far:
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
    q = _quotient(w)
    first = w.constant(w.re.c.log() + (1 + square(q.ball)).log() / 2)
    if w.re.p != 0:
        p = w.re.p.numerator * arb(1) / w.re.p.denominator
        first = Germ(p * ball(0, (arb(w.re.R).log() / w.re.power(LOG_POWER)).upper()), LOG_POWER, w.re.R) + first
    return Far(first, w.im if w.real else _atan(Far(q, w.constant(arb(0)))).re)


def _sqrt(w: Far) -> Far:
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

    (2^1000, 0, inf) where nothing is known.
    """
    for R in RADII:
        with ctx.workprec(BITS):
            zero, one = Fraction(0), Fraction(1)
            u = Far(Germ(arb(side), one, R), Germ(ball(-height, height) if height else arb(0), zero, R))
            try:
                low, high = u.lift(F(FAR, u)).size()
            except (Unbounded, AttributeError):  # AttributeError: of an operation that FAR lacks
                continue
            if high.is_finite() or RADII[-1] == R:
                upper = float(high.upper())
                return R, max(math.nextafter(float(low.lower()), 0.0), 0.0), math.nextafter(upper, math.inf)
    return RADII[-1], 0.0, math.inf


def supremum_on_the_line(
    F: Callable[[Ops, Any], Any], o: Ops, *, height: float = 0.0, tolerance: float = 1e-9
) -> float:
    """ranges.supremum of |F(o, u)| over the whole strip |Im u| <= height, infinite where no bound is found far out.

    o: the number system of balls, complex ones where height > 0.
    """
    left, right = (beyond(F, side, height=height) for side in (-1, 1))
    outside = max(left[2], right[2])
    if math.isinf(outside):
        return outside
    inside = supremum(lambda u: F(o, u), height=height, tolerance=tolerance, left=-left[0], right=right[0])
    return max(inside, outside)


def infimum_on_the_line(F: Callable[[Ops, Any], Any], o: Ops, left: float, right: float) -> float:
    """ranges.infimum of |F(o, u)| over [left, right], whose ends may be infinite; 0 where no bound is found far out."""
    least = math.inf
    if left == -math.inf:
        R, lower, _ = beyond(F, -1)
        left, least = min(-R, right), min(least, lower)
    if right == math.inf:
        R, lower, _ = beyond(F, 1)
        right, least = max(R, left), min(least, lower)
    return min(least, infimum(lambda u: F(o, u), left, right)) if left < right else least
