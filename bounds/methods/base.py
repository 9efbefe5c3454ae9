"""What every method of proof supplies, and the master theorem they all feed.

Master theorem. Let s(t) be the path length, the integral of sqrt(-dL/dt), and suppose
-dL/dt >= scale^2 rho(s)^2 ||r||^2 with rho nonincreasing. Then d||r||/ds <= -scale rho(s). So if
scale * integral(rho) > ||r^0||, the whole path is at most S with scale * integral_0^S(rho) = ||r^0||, and
L^t <= L^0 exp(-2 scale^2 rho(S)^2 t) for all t. With beta = ||r^0|| / (scale * integral(rho)) < 1 the value rho(S)^2
depends only on beta. Every method here has rho(s) = sqrt(A) g(s/s*), with one of four shapes g.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from flint import arb

from bounds import constants
from bounds.errors import AssumptionError
from bounds.methods.step_profile import StepProfile
from bounds.neurons import Neurons
from bounds.problem import Problem


def _disc_fraction(x: arb) -> arb:
    """(2/pi)(x sqrt(1 - x^2) + arcsin x): the part of a quarter disc's area left of x."""
    return 2 / arb.pi() * (x * (1 - x * x).nonnegative_part().sqrt() + x.asin())


def _disc_quantile(beta: arb) -> arb:
    """A ball around x with _disc_fraction(x) = beta, by bisection; its ends are certified."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        value = _disc_fraction(arb(middle))
        if value <= beta:
            low = middle
        elif value >= beta:
            high = middle
        else:  # within rounding of the quantile: certify 1e-13 on either side of it instead
            if _disc_fraction(arb(middle - 1e-13)) <= beta <= _disc_fraction(arb(middle + 1e-13)):
                low, high = max(low, middle - 1e-13), min(high, middle + 1e-13)
            break
    return arb(low).union(arb(high))


@dataclass(frozen=True)
class Shape:
    """A nonincreasing function g on [0, 1] with g(0) = 1.

    integral(): of g over [0, 1]; position(beta): the x at which the share beta of the integral is used up;
    remaining(beta): g(x)^2 there.
    """

    name: str
    integral: Callable[[], arb]
    remaining: Callable[[arb], arb]
    position: Callable[[arb], arb]


def _two_thirds(x: arb) -> arb:
    return x.nonnegative_part().root(3) ** 2


LINEAR_FRACTION = Shape(
    "sqrt(1 - s)", lambda: arb(2) / 3, lambda b: _two_thirds(1 - b), lambda b: 1 - _two_thirds(1 - b)
)
PARABOLA = Shape("sqrt(1 - s^2)", lambda: arb.pi() / 4, lambda b: 1 - _disc_quantile(b) ** 2, _disc_quantile)
CONSTANT = Shape("1", lambda: arb(1), lambda b: arb(1), lambda b: b)
ROOT = Shape("1 - s", lambda: arb(1) / 2, lambda b: 1 - b, lambda b: 1 - (1 - b).nonnegative_part().sqrt())


@dataclass(frozen=True)
class Profile:
    """rho(s) = sqrt(A) g(s/s*): how the rate constant may shrink along the path.

    A: a lower bound of rho(0)^2; extent: s*, the path length at which rho reaches zero, infinite for the constant shape
    and for no other; shape: g, one of the four.
    """

    A: arb
    extent: arb
    shape: Shape

    @property
    def empty(self) -> bool:
        """rho is not certified positive anywhere: nothing is claimed at any scale."""
        return not (self.A > 0 and self.extent > 0)  # a comparison with NaN is false

    @property
    def critical(self) -> arb:
        """a = 1 / integral(rho), the scale above which a residual of norm one converges; infinite if rho is empty."""
        if self.empty:
            return arb("inf")
        if self.shape is CONSTANT:
            return arb(0)  # rho never falls: every scale is large enough
        return 1 / (self.A.sqrt() * self.extent * self.shape.integral())

    def remaining(self, beta: arb) -> arb:
        """rho(S)^2 for beta = a ||r^0|| / scale; the certified rate is 2 scale^2 times this."""
        return self.A * self.shape.remaining(beta)

    def path_length(self, beta: arb) -> arb:
        """S, a bound on the whole path; infinite for the constant shape, for which beta = 0 at every path length."""
        if self.shape is CONSTANT:
            return arb("inf")
        return self.extent * self.shape.position(beta)


@dataclass(frozen=True)
class APriori:
    """Before the network is drawn: the profile it has with probability 1 - failure if m >= concentration.

    choices: what the method chose and found, by name, for Guarantee.constants; output: how ||f^0|| is bounded, "vector"
    (||f^0|| <= scale B/sqrt m), "union" (L^0 <= ||y||^2, the paper's way with its factor n restored) or "printed"
    (without it).
    """

    profile: Profile | StepProfile
    concentration: arb
    output: str = "vector"
    choices: dict[str, Any] = field(default_factory=dict)


def drift(problem: Problem, eigenvalue: arb, slope: arb) -> arb:
    """sqrt(eigenvalue kap) slope: what a trained last layer may take from c rho(s), per unit of path length; see
    last_layer.py. 0 where the last layer is fixed."""
    return constants.drift_last_layer(eigenvalue, problem.last_layer, slope) if problem.last_layer else arb(0)


def usual_drift(problem: Problem) -> arb:
    """The drift of every method that bounds mean square slopes from below, and uses lambda_min(G)."""
    return drift(problem, problem.spectrum.lmin_floor, problem.activation.Ls)


@dataclass(frozen=True)
class Method:
    """One way of proof: three functions, and the source of the proof.

    check(problem): raises AssumptionError if the method does not apply; a_priori(problem, failure, tau): returns
    APriori, which may fail with that probability, at a mean a share tau below its expectation;
    a_posteriori(problem, H): returns the Profile of one network, H (m, n); None if the method has no such statement.
    proved: False for the printed constants; caveats: what is wrong with them; needs_positive_definite: the method asks
    for lambda_min(G) > 0; drift: what a trained last layer takes from its profile, None if it is about a fixed one.
    """

    name: str
    source: str
    proved: bool
    check: Callable[[Problem], None]
    a_priori: Callable[[Problem, float, float], APriori]
    a_posteriori: Callable[[Problem, np.ndarray | Neurons], Profile] | None
    caveats: tuple[str, ...] = ()
    needs_positive_definite: bool = True
    drift: Callable[[Problem], arb] | None = usual_drift

    def require(self, problem: Problem) -> None:
        """Raise AssumptionError if the method does not apply to the problem."""
        if self.drift is None and problem.last_layer:
            raise AssumptionError(
                f"method {self.name!r} is about a fixed last layer. Found last_layer = {problem.last_layer:g}."
                " Use method='repaired', or last_layer=0."
            )
        self.check(problem)
        if self.needs_positive_definite:
            problem.require_positive_definite(self.name)


def paper_profile(problem: Problem, slope: arb, eta: arb, kappa: arb) -> Profile:
    """The paper's own form: eta^{3/2} falls by at most kappa sqrt(L^0)/scale, so a = kappa/(sqrt(2) eta^{3/2})."""
    lmin = problem.spectrum.lmin_floor
    # s* = 3/(2 a sqrt(A)), written so that eta = 0 gives an extent of 0.
    return Profile(lmin * slope**2 * eta, 3 * eta / (arb(2).sqrt() * kappa * slope * lmin.sqrt()), LINEAR_FRACTION)


def no_check(problem: Problem) -> None:
    """The `check` of methods that apply to every problem with lambda_min(G) > 0: it accepts all of them."""


def zoom_minimise(
    objective: Callable[..., np.ndarray], lows: list[float], highs: list[float], points: int = 17, rounds: int = 24
) -> tuple[float, ...]:
    """An approximate minimiser of a vectorised objective on a box, by a grid that shrinks around the best point.

    lows, highs: the corners of the box; points: of the grid along each axis, one where the box has no extent; rounds:
    the number of grids. The result is only a choice (of an interval, of xi): every choice gives a valid bound, a good
    one a sharper bound.
    """
    low, high = np.array(lows), np.array(highs)
    best, best_value = (low + high) / 2, math.inf
    for _ in range(rounds):
        axes = [np.linspace(a, b, points if a != b else 1) for a, b in zip(low, high, strict=True)]
        grid = np.meshgrid(*axes, indexing="ij")
        with np.errstate(all="ignore"):
            values = np.nan_to_num(np.asarray(objective(*grid), dtype=float), nan=np.inf)
        k = int(np.argmin(values))
        if values.flat[k] < best_value:
            best, best_value = np.array([g.flat[k] for g in grid]), float(values.flat[k])
        width = (high - low) / 3.2  # each box is 1/1.6 as wide as the one before
        low, high = np.maximum(lows, best - width), np.minimum(highs, best + width)
    return tuple(float(v) for v in best)
