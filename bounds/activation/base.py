"""What an activation is: sigma and sigma' in every number system, and the facts that the proofs use.

What a proof needs: Ls = Lip(sigma), L2 = Lip(sigma') (None if sigma is not C^{1,1}), sup |sigma|, the region on
which |sigma'| is quasi-concave (so its infimum on an interval sits at an end), an interval I on which |sigma'| is at
least about half of Ls (the default of active fractions), and the means of sigma and sigma' under N(0, g): by a strip
|Im u| <= rho on which sigma' is analytic with |sigma'| <= bound (it controls the quadrature error), or in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from bounds.errors import AssumptionError, require
from bounds.numerics.arithmetic import ENCLOSED, NUMPY, Ops, symbolic
from bounds.numerics.tails import infimum_on_the_line

Interval = tuple[float, float]

FUNCTION_ULPS = 64  # units of 2^-53 that the certificates allow float64 evaluation of sigma and sigma' to err by
TINY = 2.0**-1022  # the absolute error that they allow besides, for results that underflow


@dataclass(frozen=True)
class Moments:
    """E sigma'^2, E sigma'^4, E sigma and E sigma^2 under N(0, g), enclosed."""

    slope_square: arb
    slope_fourth: arb
    mean: arb
    second: arb


@dataclass(frozen=True, repr=False)
class Activation:
    """sigma with the constants of Assumption 2.

    `both(o, u)` returns (sigma(u), sigma'(u)) in the number system `o`; at a kink sigma' is 0, as in the paper.
    Constants are functions of `o`, so that they are exact: `lipschitz(ENCLOSED)` is a ball, and so on. pieces: the
    slopes left and right of 0 if sigma is linear on both sides; moments(g): closed forms, needed if there is no strip,
    with bend, a bound of |(sigma'^2)''| between kinks (which must be integers). unimodal: |sigma'| is quasi-concave on
    `active`; else its infimum is found by branch and bound. parity: see `parity_slopes`; None where it is not known.
    expression: the SymPy expression that all was derived from, None for an Activation written by hand.

    float64 evaluation, on which the certificates rely: for every finite float u with |u| <= reach, sigma errs by at
    most ulps[0] 2^-53 |sigma(u)| + TINY and sigma' by ulps[1] 2^-53 Ls + TINY, each plus slack Ls max(1, |u|). The
    certificates allow FUNCTION_ULPS for both `ulps`. In the registry `ulps` are measured and rounded up, and slack
    is 0 (tests/bounds/test_float64.py); for an expression slack and reach are proved, given that each elementary
    function errs by at most 8 units; for an Activation that is built by hand they are the responsibility of its author.
    """

    name: str
    both: Callable[[Ops, Any], tuple[Any, Any]]
    lipschitz: Callable[[Ops], Any]
    slope_lipschitz: Callable[[Ops], Any] | None
    bounded_by: float | None
    active: Interval
    slopes_at_ends: Interval
    interval: Interval
    strip: tuple[float, float] | None = None
    pieces: tuple[float, float] | None = None
    moments: Callable[[arb], Moments] | None = None
    bend: float | None = None
    unimodal: bool = True
    parity: Callable[[Ops], tuple[Any, Any, Any]] | None = None
    slack: float = 0.0
    reach: float = math.inf
    ulps: tuple[float, float] = (FUNCTION_ULPS, FUNCTION_ULPS)
    expression: Any = None

    def __post_init__(self) -> None:
        for field in ("active", "slopes_at_ends", "interval", "strip", "pieces", "ulps"):
            pair = getattr(self, field)
            if pair is not None:  # a list would do as well, but results are kept by activation, which needs its hash
                object.__setattr__(self, field, tuple(pair))

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"

    def __copy__(self) -> Activation:
        return self

    def __deepcopy__(self, _: Any) -> Activation:
        """Itself, for it never changes."""
        return self

    @property
    def slope_bound(self) -> float:
        """A bound of |sigma'| on the strip, or on the real line if there is no strip."""
        return self.strip[1] if self.strip is not None else float(self.Ls.upper())

    @property
    def slope_square_bend(self) -> float:
        """A bound of |(sigma'^2)''| between kinks; by Cauchy's estimate where sigma' is analytic on a strip."""
        if self.strip is not None:
            rho, bound = self.strip
            return 2 * bound**2 / rho**2
        assert self.bend is not None
        return self.bend

    @property
    def smooth(self) -> bool:
        """sigma' is Lipschitz: the slopes method and descent apply."""
        return self.slope_lipschitz is not None

    @property
    def symbolic(self) -> tuple[Any, Any]:
        """(sigma(u), sigma'(u)) as SymPy expressions in u."""
        import sympy as sp

        return self.both(symbolic(), sp.Symbol("u", real=True))

    @property
    def symbolic_second(self) -> Any:
        """sigma''(u) as a SymPy expression in u, away from kinks."""
        import sympy as sp

        return sp.diff(self.symbolic[1], sp.Symbol("u", real=True))

    def value_and_slope(self, u: Any) -> tuple[Any, Any]:
        """(sigma(u), sigma'(u)) for a float or an array, without warnings: intermediate results that overflow or
        underflow do no harm to the result."""
        with np.errstate(all="ignore"):
            value, slope = self.both(NUMPY, u)
            return value, slope

    def value(self, u: Any) -> Any:
        """sigma(u) for a float or an array."""
        return self.value_and_slope(u)[0]

    def slope(self, u: Any) -> Any:
        """sigma'(u) for a float or an array."""
        return self.value_and_slope(u)[1]

    def require_reach(self, name: str, largest: float) -> None:
        """AssumptionError if float64 evaluation is not known to be accurate up to |u| = largest in the array `name`."""
        if not largest <= self.reach:
            raise AssumptionError(
                f"activation {self.name!r} keeps its digits in float64 only for |u| <= {self.reach:.3g}. Found entries"
                f" of {name} up to {largest:.3g}: rescale the data, or write the expression without large powers of u."
            )

    @property
    def at_zero(self) -> arb:
        """sigma(0), enclosed."""
        return arb(self.both(ENCLOSED, arb(0))[0])

    @property
    def Ls(self) -> arb:
        """Lip(sigma), enclosed."""
        return arb(self.lipschitz(ENCLOSED))

    @property
    def L2(self) -> arb:
        """Lip(sigma'), enclosed; only for smooth activations."""
        assert self.slope_lipschitz is not None
        return arb(self.slope_lipschitz(ENCLOSED))

    @property
    def parity_slopes(self) -> tuple[arb, arb, arb]:
        """(middle, half, even), enclosed: the odd part of sigma has its slope within `half` of `middle`, the even part
        its slope within `even` of 0, almost everywhere. half = 0 exactly means that the odd part is linear.

        Of an activation without `parity` only |sigma'| <= Ls is known, which bounds both parts.
        """
        if self.pieces is not None:
            left, right = (arb(s) for s in self.pieces)
            return (left + right) / 2, arb(0), abs(right - left) / 2
        if self.parity is None:
            return arb(0), self.Ls, self.Ls
        middle, half, even = (arb(value) for value in self.parity(ENCLOSED))
        return middle, half, even

    def slope_floor(self, interval: Interval) -> arb:
        """K_s: the infimum of |sigma'| over an open interval inside the active region, enclosed.

        Raises ArgumentError for an interval that is empty or leaves the active region.
        """
        left, right = interval
        low, high = self.active
        require(left < right, "interval", "an open interval (left, right) with left < right", interval)
        require(
            low <= left and right <= high,
            "interval",
            f"inside the active region ({low}, {high}) of {self.name}",
            interval,
        )
        if self.pieces is not None:
            low, high = (abs(s) for s in self.pieces)
            return arb(high if left >= 0 else min(low, high))
        if not self.unimodal:
            return arb(infimum_on_the_line(lambda o, u: self.both(o, u)[1], ENCLOSED, left, right))
        floor = self.Ls
        for end, limit in zip(interval, self.slopes_at_ends, strict=True):
            at_limit = math.isinf(end) or (end in self.active and limit > 0)
            floor = floor.min(arb(limit) if at_limit else abs(self.both(ENCLOSED, arb(end))[1]))
        return floor

    def slope_floor_approx(self, left: Any, right: Any) -> Any:
        """K_s in floating point, for arrays of intervals: used to search, never to certify."""
        if self.pieces is not None:
            return NUMPY.step(left + 1e-300) * (self.pieces[1] - min(self.pieces)) + min(self.pieces)
        if self.slopes_at_ends[0] == self.slopes_at_ends[1] > 0 and self.unimodal:
            return self.slopes_at_ends[0] + 0 * left
        if self.unimodal:
            return NUMPY.min(abs(self.slope(left)), abs(self.slope(right)))
        samples = [self.slope(left + (NUMPY.min(right, left + 40) - left) * k / 32) for k in range(33)]
        lowest, highest = np.minimum.reduce(samples), np.maximum.reduce(samples)
        return np.where(lowest * highest > 0, np.minimum(abs(lowest), abs(highest)), 0.0)
