"""Activations: sigma and sigma' in every number system, and the facts that the proofs use.

An activation is one entry of the registry below, or a SymPy expression given to register_activation. What a proof
needs of it: Ls = Lip(sigma), L2 = Lip(sigma') (None where sigma is not C^{1,1}), sup |sigma|, the region on which
|sigma'| is quasi-concave (so its infimum on an interval sits at an end), an interval I on which |sigma'| is at least
about half of Ls (the default of active fractions), and the means of sigma and sigma' under N(0, g): by a strip
|Im u| <= rho on which sigma' is analytic with |sigma'| <= bound (it controls the quadrature error), or in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from bounds.arithmetic import ENCLOSED, NUMPY, Ops, symbolic
from bounds.errors import ArgumentError, AssumptionError, require, unknown_name
from bounds.ranges import infimum

Interval = tuple[float, float]


@dataclass(frozen=True)
class Moments:
    """E sigma'^2, E sigma'^4, E sigma and E sigma^2 under N(0, g), enclosed."""

    slope_square: arb
    slope_fourth: arb
    mean: arb
    second: arb


@dataclass(frozen=True)
class Activation:
    """sigma with the constants of Assumption 2.

    `both(o, u)` returns (sigma(u), sigma'(u)) in the number system `o`; at a kink sigma' is 0, as in the paper.
    Constants are functions of `o`, so that they are exact: `lipschitz(ENCLOSED)` is a ball, and so on.
    pieces: the slopes left and right of 0 where sigma is linear on both sides; moments(g): closed forms, needed where
    there is no strip, with bend, a bound of |(sigma'^2)''| between kinks (which must be integers). unimodal: |sigma'|
    is quasi-concave on `active`; else its infimum is found by branch and bound. slack: float64 evaluation of sigma
    and sigma' errs by at most slack Ls max(1, |u|) beyond a few units in the last place.
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
    slack: float = 0.0

    @property
    def slope_bound(self) -> float:
        """A bound of |sigma'| on the strip, or on the real line where there is none."""
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

    def value(self, u: Any) -> Any:
        """sigma(u) for a float or an array."""
        return self.both(NUMPY, u)[0]

    def slope(self, u: Any) -> Any:
        """sigma'(u) for a float or an array."""
        return self.both(NUMPY, u)[1]

    @property
    def Ls(self) -> arb:
        """Lip(sigma), enclosed."""
        return arb(self.lipschitz(ENCLOSED))

    @property
    def L2(self) -> arb:
        """Lip(sigma'), enclosed; only for smooth activations."""
        assert self.slope_lipschitz is not None
        return arb(self.slope_lipschitz(ENCLOSED))

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
            return arb(infimum(lambda u: self.both(ENCLOSED, u)[1], left, right))
        floor = self.Ls
        for end, limit in zip(interval, self.slopes_at_ends, strict=True):
            at_limit = math.isinf(end) or (end in self.active and limit > 0)
            floor = floor.min(arb(limit) if at_limit else abs(self.both(ENCLOSED, arb(end))[1]))
        return floor

    def slope_floor_approx(self, left: Any, right: Any) -> Any:
        """The same in floating point, for arrays of intervals: used to search, never to certify."""
        if self.pieces is not None:
            return NUMPY.step(left + 1e-300) * (self.pieces[1] - min(self.pieces)) + min(self.pieces)
        if self.slopes_at_ends[0] == self.slopes_at_ends[1] > 0 and self.unimodal:
            return self.slopes_at_ends[0] + 0 * left
        if self.unimodal:
            return NUMPY.min(abs(self.slope(left)), abs(self.slope(right)))
        samples = [self.slope(left + (NUMPY.min(right, left + 40) - left) * k / 32) for k in range(33)]
        lowest, highest = np.minimum.reduce(samples), np.maximum.reduce(samples)
        return np.where(lowest * highest > 0, np.minimum(abs(lowest), abs(highest)), 0.0)


def _tanh(o: Ops, u: Any) -> tuple[Any, Any]:
    t = o.tanh(u)
    return t, 1 - t * t


def _sigmoid(o: Ops, u: Any) -> tuple[Any, Any]:
    s = o.sigmoid(u)
    return s, s * (1 - s)


def _gelu(o: Ops, u: Any) -> tuple[Any, Any]:
    mass = o.ncdf(u)
    return u * mass, mass + u * o.npdf(u)


def _silu(o: Ops, u: Any) -> tuple[Any, Any]:
    s = o.sigmoid(u)
    return u * s, s * (1 + u * o.sigmoid(-u))


def _elu(o: Ops, u: Any) -> tuple[Any, Any]:
    below = o.exp(-o.positive(-u))
    return o.positive(u) + below - 1, below


def _clip(o: Ops, u: Any) -> tuple[Any, Any]:
    return o.positive(u) - o.positive(u - 1), o.step(u) * o.step(1 - u)


def _two_slopes(left: float, right: float) -> Callable[[arb], Moments]:
    """Moments of sigma(u) = left u for u < 0, right u for u > 0."""
    low, high = arb(left), arb(right)

    def moments(g: arb) -> Moments:
        square = (low * low + high * high) / 2
        return Moments(square, (low**4 + high**4) / 2, (high - low) * (g / (2 * arb.pi())).sqrt(), square * g)

    return moments


def _elu_moments(g: arb) -> Moments:
    s = g.sqrt()

    def below(k: int) -> arb:  # E exp(k h) on h < 0
        return (arb(k * k) * g / 2).exp() * ENCLOSED.ncdf(-k * s)

    half = arb(1) / 2
    return Moments(
        below(2) + half,
        below(4) + half,
        (g / (2 * arb.pi())).sqrt() + below(1) - half,
        g / 2 + below(2) - 2 * below(1) + half,
    )


def _clip_moments(g: arb) -> Moments:
    s = g.sqrt()
    t = 1 / s
    above = ENCLOSED.ncdf(-t)
    inside = arb(1) / 2 - above
    return Moments(
        inside,
        inside,
        s * (ENCLOSED.npdf(arb(0)) - ENCLOSED.npdf(t)) + above,
        g * (inside - t * ENCLOSED.npdf(t)) + above,
    )


INF = math.inf
_REGISTRY: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation(
            name="tanh",
            both=_tanh,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: 4 / (3 * o.sqrt(3)),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-0.88, 0.88),
            strip=(math.pi / 4, 2.0000001),  # |sech^2| <= 1/cos^2(pi/4)
        ),
        Activation(
            name="sigmoid",
            both=_sigmoid,
            lipschitz=lambda o: o.number(1) / 4,
            slope_lipschitz=lambda o: 1 / (6 * o.sqrt(3)),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-1.76, 1.76),
            strip=(math.pi / 2, 0.5000001),  # sech^2(u/2)/4
        ),
        Activation(
            name="softplus",
            both=lambda o, u: (o.softplus(u), o.sigmoid(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1) / 4,
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(0.0, INF),
            strip=(math.pi / 2, 1.0),  # |1 + exp(-u)| >= 1 where cos(Im u) >= 0
        ),
        Activation(
            name="relu",
            both=lambda o, u: (o.positive(u), o.step(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=None,
            active=(0.0, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(0.0, INF),
            pieces=(0.0, 1.0),
            moments=_two_slopes(0.0, 1.0),
        ),
        Activation(
            name="leaky_relu",
            both=lambda o, u: (o.positive(u) - o.positive(-u) / 100, o.step(u) + o.step(-u) / 100),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(0.01, 1.0),
            interval=(0.0, INF),
            pieces=(0.01, 1.0),
            moments=_two_slopes(0.01, 1.0),
        ),
        Activation(
            name="gelu",
            both=_gelu,
            lipschitz=lambda o: o.ncdf(o.sqrt(o.number(2))) + o.sqrt(o.number(2)) * o.npdf(o.sqrt(o.number(2))),
            slope_lipschitz=lambda o: 2 / o.sqrt(2 * o.pi),  # sigma'' = phi(u) (2 - u^2), largest at 0
            bounded_by=None,
            active=(-0.75179, INF),  # sigma' vanishes at -0.751791..., rises to sqrt(2), falls to 1
            slopes_at_ends=(0.0, 1.0),
            interval=(0.1, INF),
            strip=(1.0, 2.0402),
        ),
        Activation(
            name="silu",
            both=_silu,
            lipschitz=lambda o: o.number(10998393202) / 10**10,  # 1.09983932012..., at u = 2.39935...; rounded up
            slope_lipschitz=lambda o: o.number(1) / 2,
            bounded_by=None,
            active=(-1.27846, INF),  # sigma' vanishes at -1.278464..., rises to 2.3993..., falls to 1
            slopes_at_ends=(0.0, 1.0),
            interval=(0.1, INF),
            strip=(math.pi / 2, 1.583),
        ),
        Activation(
            name="erf",
            both=lambda o, u: (o.erf(u), 2 / o.sqrt(o.pi + 0 * u) * o.exp(-u * u)),
            lipschitz=lambda o: 2 / o.sqrt(o.number(1) * o.pi),
            slope_lipschitz=lambda o: 2 * o.sqrt(2 / (o.number(1) * o.pi)) * o.exp(-o.number(1) / 2),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-0.83, 0.83),
            strip=(1.0, 3.0673),
        ),
        Activation(
            name="sin",
            both=lambda o, u: (o.sin(u), o.cos(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=1.0,
            active=(-1.5707963, 1.5707963),
            slopes_at_ends=(0.0, 0.0),
            interval=(-1.04, 1.04),
            strip=(1.0, 1.5430807),  # |cos(x + iy)| <= cosh(y)
        ),
        Activation(
            name="cos",
            both=lambda o, u: (o.cos(u), -o.sin(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=1.0,
            active=(0.0, 3.1415926),
            slopes_at_ends=(0.0, 0.0),
            interval=(0.53, 2.61),
            strip=(1.0, 1.5430807),
        ),
        Activation(
            name="elu",
            both=_elu,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(-0.69, INF),
            moments=_elu_moments,
            bend=4.0,  # (exp(2u))'' on u < 0
        ),
        Activation(
            name="clip",
            both=_clip,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=1.0,
            active=(0.0, 1.0),
            slopes_at_ends=(1.0, 1.0),
            interval=(0.0, 1.0),
            moments=_clip_moments,
            bend=0.0,
        ),
        Activation(
            name="linear",
            both=lambda o, u: (u, u * 0 + 1),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(0),
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(1.0, 1.0),
            interval=(-INF, INF),
            pieces=(1.0, 1.0),
            moments=_two_slopes(1.0, 1.0),
        ),
    )
}


NOT_LIPSCHITZ = ("polynomial", "quadratic", "square", "cubic", "cube", "exp")


def known_activations() -> list[str]:
    """The registered names."""
    return sorted(_REGISTRY)


def get_activation(activation: str | Activation) -> Activation:
    """The registered activation of that name; an Activation is returned as it is.

    Raises ArgumentError naming the nearest known name, AssumptionError for a name that stands for a function which is
    not Lipschitz.
    """
    if isinstance(activation, Activation):
        return activation
    name = str(activation).lower()
    if name in NOT_LIPSCHITZ:
        raise AssumptionError(
            f"activation {name!r} is not Lipschitz, which Assumption 2 asks for: sup |sigma'| is infinite, and for u^3"
            f" the loss can stall where sigma'(0) = 0. Use one of {', '.join(known_activations())}, or saturate it."
        )
    found = _REGISTRY.get(name)
    if found is None:
        raise unknown_name("activation", activation, _REGISTRY)
    return found


def register_activation(name: str, expression: Any) -> Activation:
    """Make sigma(u) = expression known by `name`, with every constant derived: see expressions.from_expression.

    expression: a SymPy expression in one symbol, such as tanh(u) + u/4. Raises ArgumentError for a name that is taken.
    """
    from bounds.expressions import from_expression

    key = str(name).lower()
    if key in _REGISTRY or key in NOT_LIPSCHITZ:
        raise ArgumentError(f"name must be new. Found {name!r}, which is taken; choose another.")
    _REGISTRY[key] = from_expression(key, expression)
    return _REGISTRY[key]
