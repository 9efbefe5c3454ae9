"""float64 with a running error bound: how many digits an expression loses when it is evaluated as it is written.

A Tracked holds a ball of the exact values over a whole piece of the real line, and a bound of the error of float64
evaluation anywhere on that piece; every operation adds its own rounding. Elementary functions of numpy and scipy are
assumed to err by at most FUNCTION; a result that might overflow has an infinite error.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from flint import arb

from bounds.numerics.arithmetic import ENCLOSED, Ops, square

UNIT = 2.0**-53  # the relative rounding error of one operation
FUNCTION = 8 * UNIT  # the relative error of an elementary function
LEAST = arb(2) ** -1074  # the error of an underflow
LARGEST = 2.0**1023  # results of at least this size may overflow
UNKNOWN = arb("inf")


@dataclass(frozen=True)
class Tracked:
    """value: encloses the exact values on a piece; error: a bound of the error of float64 anywhere on it."""

    value: arb
    error: arb

    def __add__(self, other: Any) -> Tracked:
        x = lift(other)
        return _rounded(self.value + x.value, self.error + x.error, UNIT)

    def __mul__(self, other: Any) -> Tracked:
        x = lift(other)
        error = abs(self.value) * x.error + abs(x.value) * self.error + self.error * x.error
        return _rounded(self.value * x.value, error, UNIT)

    def __truediv__(self, other: Any) -> Tracked:
        x = lift(other)
        value, room = self.value / x.value, abs(x.value) - x.error
        return _rounded(value, (self.error + abs(value) * x.error) / room if room > 0 else UNKNOWN, UNIT)

    def __rtruediv__(self, other: Any) -> Tracked:
        return lift(other) / self

    def __neg__(self) -> Tracked:
        return Tracked(-self.value, self.error)

    def __sub__(self, other: Any) -> Tracked:
        return self + -lift(other)

    def __rsub__(self, other: Any) -> Tracked:
        return lift(other) - self

    __radd__ = __add__
    __rmul__ = __mul__

    @property
    def around(self) -> arb:
        """A ball that contains every value that float64 evaluation may give."""
        return self.value + arb(0, self.error.upper())


def _rounded(value: arb, error: arb, unit: float) -> Tracked:
    """The result of one operation on arguments whose errors alone move it by `error`."""
    size = abs(value) + error
    return Tracked(value, arb((error + unit * size + LEAST).upper()) if size < LARGEST else UNKNOWN)


def lift(x: Any) -> Tracked:
    """A number as a Tracked; a constant that is not an integer carries the rounding of its own conversion."""
    if isinstance(x, Tracked):
        return x
    rounding = 0.0 if float(x).is_integer() else UNIT * abs(float(x))
    return Tracked(arb(float(x), rounding), arb(rounding))


def _function(f: Callable[[Any], arb], derivative: Callable[[arb], arb]) -> Callable[[Any], Tracked]:
    """The function f on Tracked arguments; f and `derivative`, that is f', enclose their values on a ball."""

    def tracked(x: Any) -> Tracked:
        argument = lift(x)
        if not argument.error.is_finite():
            return Tracked(f(argument.value), UNKNOWN)
        moved = abs(derivative(argument.around)) * argument.error
        return _rounded(f(argument.value), arb(moved.upper()), FUNCTION)

    return tracked


TRACKED: Ops = SimpleNamespace(
    number=float,
    pi=math.pi,
    exp=_function(ENCLOSED.exp, ENCLOSED.exp),
    sigmoid=_function(ENCLOSED.sigmoid, lambda x: ENCLOSED.sigmoid(x) * ENCLOSED.sigmoid(-x)),
    softplus=_function(ENCLOSED.softplus, ENCLOSED.sigmoid),
    tanh=_function(ENCLOSED.tanh, ENCLOSED.sech2),
    sech2=_function(ENCLOSED.sech2, lambda x: 2 * ENCLOSED.tanh(x) * ENCLOSED.sech2(x)),
    erf=_function(ENCLOSED.erf, lambda x: 2 / arb.pi().sqrt() * (-square(x)).exp()),
    atan=_function(ENCLOSED.atan, lambda x: 1 / (1 + square(x))),
    sin=_function(ENCLOSED.sin, lambda x: arb(1)),
    cos=_function(ENCLOSED.cos, lambda x: arb(1)),
    log=_function(ENCLOSED.log, lambda x: 1 / x if x > 0 else UNKNOWN),
    sqrt=_function(ENCLOSED.sqrt, lambda x: 1 / (2 * x.sqrt()) if x > 0 else UNKNOWN),
)
