"""float64 with a running error bound: how many digits an expression loses when it is evaluated as it is written.

A Tracked holds an array and a bound of its error; every operation adds what it rounds. Elementary functions of numpy
and scipy are taken to err by at most FUNCTION units in the last place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from bounds.arithmetic import NUMPY, Ops

UNIT = 2.0**-53
FUNCTION = 8 * UNIT


@dataclass(frozen=True)
class Tracked:
    """value (array) and a bound of its error (array)."""

    value: np.ndarray
    error: np.ndarray

    def __add__(self, other: Any) -> Tracked:
        x = lift(other)
        return _rounded(self.value + x.value, self.error + x.error)

    def __mul__(self, other: Any) -> Tracked:
        x = lift(other)
        error = np.abs(self.value) * x.error + np.abs(x.value) * self.error + self.error * x.error
        return _rounded(self.value * x.value, error)

    def __truediv__(self, other: Any) -> Tracked:
        x = lift(other)
        value = self.value / x.value
        room = np.abs(x.value) - x.error
        error = np.where(room > 0, (self.error + np.abs(value) * x.error) / np.maximum(room, 1e-300), np.inf)
        return _rounded(value, error)

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


def _rounded(value: np.ndarray, error: np.ndarray) -> Tracked:
    return Tracked(value, error + UNIT * np.abs(value))


def lift(x: Any) -> Tracked:
    """A number or an array as a Tracked; a constant that is no integer was rounded itself."""
    if isinstance(x, Tracked):
        return x
    value = np.asarray(x, dtype=np.float64)
    return Tracked(value, np.where(value == np.round(value), 0.0, UNIT * np.abs(value)))


def _lipschitz(f: Callable[[Any], Any], constant: float) -> Callable[[Any], Tracked]:
    def tracked(x: Any) -> Tracked:
        argument = lift(x)
        value = np.asarray(f(argument.value))
        return Tracked(value, constant * argument.error + FUNCTION * np.abs(value))

    return tracked


def _growing(f: Callable[[Any], Any]) -> Callable[[Any], Tracked]:
    """For 0 <= f' <= f: exp and sigmoid."""

    def tracked(x: Any) -> Tracked:
        argument = lift(x)
        value = np.asarray(f(argument.value))
        return Tracked(value, value * np.expm1(argument.error) + FUNCTION * value)

    return tracked


def _shrinking(f: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Any], Tracked]:
    """For a decreasing derivative on x > 0: log and sqrt."""

    def tracked(x: Any) -> Tracked:
        argument = lift(x)
        value = np.asarray(f(argument.value))
        least = argument.value - argument.error
        error = np.where(least > 0, argument.error * derivative(np.maximum(least, 1e-300)), np.inf)
        return Tracked(value, error + FUNCTION * np.abs(value))

    return tracked


TRACKED: Ops = SimpleNamespace(
    number=float,
    pi=math.pi,
    exp=_growing(np.exp),
    sigmoid=_growing(NUMPY.sigmoid),
    softplus=_lipschitz(NUMPY.softplus, 1.0),
    tanh=_lipschitz(np.tanh, 1.0),
    erf=_lipschitz(NUMPY.erf, 1.1284),
    atan=_lipschitz(np.arctan, 1.0),
    sin=_lipschitz(np.sin, 1.0),
    cos=_lipschitz(np.cos, 1.0),
    log=_shrinking(np.log, lambda x: 1 / x),
    sqrt=_shrinking(np.sqrt, lambda x: 0.5 / np.sqrt(x)),
)
