"""Activations: sigma and sigma' in every number system, and the facts that the proofs use.

An activation is one entry of the registry below. What a proof needs of it:
Ls = Lip(sigma), L2 = Lip(sigma') (None where sigma is not C^{1,1}), sup |sigma|, the region on which |sigma'| is
quasi-concave (so its infimum on an interval sits at an end), an interval I on which |sigma'| is at least about half of
Ls (the default of active fractions), and a strip |Im u| <= rho on which sigma' is analytic
with |sigma'| <= bound (it controls the quadrature error of Gaussian expectations).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import arb

from bounds.arithmetic import ENCLOSED, NUMPY, Ops, symbolic
from bounds.errors import require, unknown_name

Interval = tuple[float, float]


@dataclass(frozen=True)
class Activation:
    """sigma with the constants of Assumption 2.

    `both(o, u)` returns (sigma(u), sigma'(u)) in the number system `o`; at a kink sigma' is 0, as in the paper.
    Constants are functions of `o`, so that they are exact: `lipschitz(ENCLOSED)` is a ball, and so on.
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

    @property
    def smooth(self) -> bool:
        """sigma' is Lipschitz: the slopes method and descent apply."""
        return self.slope_lipschitz is not None

    @property
    def symbolic(self) -> tuple[Any, Any]:
        """(sigma(u), sigma'(u)) as SymPy expressions in u."""
        import sympy as sp

        return self.both(symbolic(), sp.Symbol("u", real=True))

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
            return arb(self.pieces[1] if left >= 0 else min(self.pieces))
        ends = [
            arb(limit) if math.isinf(end) else abs(self.both(ENCLOSED, arb(end))[1])
            for end, limit in zip(interval, self.slopes_at_ends, strict=True)
        ]
        return ends[0].min(ends[1])

    def slope_floor_approx(self, left: Any, right: Any) -> Any:
        """The same in floating point, for arrays of intervals: used to search, never to certify."""
        if self.pieces is not None:
            return NUMPY.step(left + 1e-300) * (self.pieces[1] - min(self.pieces)) + min(self.pieces)
        return NUMPY.min(abs(self.slope(left)), abs(self.slope(right)))


def _tanh(o: Ops, u: Any) -> tuple[Any, Any]:
    t = o.tanh(u)
    return t, 1 - t * t


def _sigmoid(o: Ops, u: Any) -> tuple[Any, Any]:
    s = o.sigmoid(u)
    return s, s * (1 - s)


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
        ),
    )
}


def known_activations() -> list[str]:
    """The registered names."""
    return sorted(_REGISTRY)


def get_activation(activation: str | Activation) -> Activation:
    """The registered activation of that name; an Activation is returned as it is.

    Raises ArgumentError naming the nearest known name.
    """
    if isinstance(activation, Activation):
        return activation
    found = _REGISTRY.get(str(activation).lower())
    if found is None:
        raise unknown_name("activation", activation, _REGISTRY)
    return found
