"""Quantities for large v = |Re u|, enclosed as c v^p for all v >= R, with c a ball and p rational.

A Germ is a real quantity, a Far a complex one. The operations are those of interval arithmetic. A growing quantity that
would have to be bounded, and a quotient by a quantity that may vanish, raise Unbounded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import acb, arb

from bounds.numerics.arithmetic import ball, square


class Unbounded(Exception):
    """No enclosure of the form c v^p is known for a quantity."""


@dataclass(frozen=True)
class Germ:
    """A real quantity whose value is in c v^p, c a ball, for all v >= R."""

    c: arb
    p: Fraction
    R: float

    def power(self, p: Fraction) -> arb:
        """R^p."""
        return (arb(self.R).log() * p.numerator / p.denominator).exp()

    @property
    def ball(self) -> arb:
        """A ball that contains all its values; Unbounded if it grows."""
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
    """A complex quantity re + i im."""

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
        """1 or -1 if the real part grows without limit, 0 if both parts stay bounded."""
        if self.re.p <= 0:
            return 0
        if not (self.re.c > 0 or self.re.c < 0):
            raise Unbounded
        return 1 if self.re.c > 0 else -1

    def by_balls(self, real: Callable[[arb], arb], complex: Callable[[acb], acb]) -> Far:
        """f(self) from f on real or complex balls, for a quantity that stays bounded."""
        found = acb(real(self.re.ball)) if self.real else complex(acb(self.re.ball, self.im.ball))
        if not (found.real.is_finite() and found.imag.is_finite()):
            raise Unbounded
        return Far(self.constant(found.real), self.constant(arb(0) if self.real else found.imag))

    def size(self) -> tuple[arb, arb]:
        """(lower, upper) bounds of the modulus."""
        (a, b), (_, d) = self.re.size(), self.im.size()
        return a, (square(b) + square(d)).sqrt() if b.is_finite() and d.is_finite() else arb("inf")
