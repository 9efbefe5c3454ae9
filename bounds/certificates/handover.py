"""From a shadowed path to a certificate: the stage at which the master theorem applies, and the rate from the start.

At any stage the true state is within c z (in the units of the path length s) of the computed one, so that the methods
kernel, clipped and slopes hold with rho(s + c z) in place of rho(s). Before that, the loss at the nodes is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from flint import arb

from bounds.certificates.collocation import Reference, grid
from bounds.certificates.shadowing import LEAST_RESIDUAL, Stage, check, check_size, follow
from bounds.certificates.sizes import SLACK, Constants, Shadow
from bounds.errors import AssumptionError
from bounds.methods import clipped, kernel, slopes
from bounds.methods.base import ROOT, Profile
from bounds.numerics.arithmetic import float_down, float_up
from bounds.problem import Problem
from bounds.progress import Progress

# The path is followed until the handover certifies this share of the rate that the path so far allows,
ENOUGH = 0.9
# or until its beta is this small: a later handover could gain no larger share.
NEARLY_ALL = 0.05
STEPS = 2000  # the most that are taken
PRECISIONS = (1e-9, 2e-12)  # of `follow`, one attempt each


@dataclass(frozen=True)
class Proof:
    """L^t <= L^0 exp(-rate t) for all t >= 0.

    beta, critical: of the master theorem at the handover; path_length: a bound on the whole path; facts: how the path
    was shadowed, the time of the handover among them. Without a proof the rate is 0, and `ended` says why the path was
    followed no further than the time in `facts`.
    """

    rate: float = 0.0
    beta: float = math.inf
    critical: float = math.inf
    path_length: float = math.inf
    facts: dict[str, float] = field(default_factory=dict)
    ended: str = ""


@dataclass(frozen=True)
class Handover:
    """The master theorem applied at a stage.

    beta, critical: as in Certificate; rate, path: the certified rate from there on, and a bound of the path from there
    on; local(d): a lower bound of -(log L)' as long as |U - U~| <= d, U~ that of the reference path at the stage.
    """

    beta: float
    critical: float
    rate: float
    path: float
    local: Callable[[float], float]


def shifted(profile: Profile, offset: arb) -> Profile | None:
    """rho(s + offset), the profile at a state that is at most `offset` away; None if nothing of it is left.

    Only for the shape 1 - s/s*.
    """
    assert profile.shape is ROOT
    left = 1 - offset / profile.extent
    return Profile(profile.A * left * left, profile.extent - offset, ROOT) if left > 0 else None


def handover(k: Constants, stage: Stage, residual_norm: arb) -> Handover:
    """The handover at a stage by the method kernel, clipped or slopes, the one with the largest rate.

    residual_norm: encloses ||r|| of the computed state.
    """
    problem, c = k.problem, arb(k.c)
    # ||r|| of the true state: the computed one, the distance of the paths, and the error of the computed state.
    away = residual_norm + k.residual_distance(stage.distance)
    away += k.c * k.ls * stage.state_error * math.sqrt(problem.n) * SLACK
    profiles = []
    for method in (kernel.METHOD, clipped.METHOD, slopes.METHOD):
        try:
            method.require(problem)
        except AssumptionError:
            continue
        assert method.a_posteriori is not None
        # An error of H as a path: where the proof has sqrt(G_max) s for every a, and where it has sqrt(G_aa) s.
        size = problem.gmin if method is clipped.METHOD else problem.gmax
        profiles.append((method.a_posteriori(problem, stage.H), arb(stage.state_error) / size.sqrt()))

    def local(distance: float) -> float:
        found = [shifted(p, c * distance + blur) for p, blur in profiles]
        return max((max(float_down(2 * c**2 * p.A), 0.0) for p in found if p is not None), default=0.0)

    best = Handover(math.inf, math.inf, 0.0, math.inf, local)
    for profile, blur in profiles:
        p = shifted(profile, c * stage.distance + blur)
        if p is None or p.empty:
            continue
        critical = p.critical * away
        beta = arb((critical / c).upper())
        rate = float_down(2 * c**2 * p.remaining(beta)) if beta < 1 else 0.0
        if rate > best.rate or (best.rate == 0 and float_up(beta) < best.beta):
            path = float_up(p.path_length(beta)) if beta < 1 else math.inf
            best = Handover(float_up(beta), float_up(critical), max(rate, 0.0), path, local)
    return best


def power(k: Constants, ref: Reference, found: Shadow, signs: np.ndarray) -> Callable[[float], float]:
    """The function d -> a lower bound of P = -L' = c^2 |F(U)|^2 for |U - U~(start of the step)| <= d.

    |F(U~)| >= |P_0| - defect, and |F(U) - F(U~)| <= sqrt(lambda_max) (c L2 (sum_a G_aa r~_a^2)^{1/2} + c^2 Ls^2
    sqrt(lambda_max)) d by (D1) and (D2).
    """
    first = ref.derivative[0]
    squares = np.einsum("ia,ia->i", first, ref.velocity[0] / -signs[:, None])  # F_i' G F_i
    rounding = 1e-9 * k.root_lmax**2 * float(np.mean(np.square(first))) * first.shape[1]
    size = math.sqrt(max(float(np.mean(squares)) - rounding, 0.0)) - found.defect
    residual = np.abs(ref.residual[0]) + found.residual_error
    steep = k.c * k.l2 * float(np.linalg.norm(k.roots * residual)) + (k.c * k.ls) ** 2 * k.root_lmax

    def floor(distance: float) -> float:
        return (k.c * max(size - k.root_lmax * steep * distance * SLACK, 0.0)) ** 2 / SLACK

    return floor


class Account:
    """A lower bound of log(L^0/L^t) along the path, and the rate that it proves: the least of that bound divided by t.

    start: (lower, upper) bounds of ||r^0||; time: the last time that was added; dropped: the lower bound then; rate:
    the least ratio up to then.
    """

    def __init__(self, start: tuple[float, float]) -> None:
        self.start, self.time, self.dropped, self.rate = start, 0.0, 0.0, math.inf

    def add(self, time: float, residual: float, slope: float) -> None:
        """Add a later time at which ||r|| <= residual, with -(log L)' >= slope >= 0 until then."""
        # The bound grows linearly until then, so that its ratio to the time is least at one of the two ends.
        grown = self.dropped + slope * (time - self.time)
        ends = [grown / time] + ([self.dropped / self.time] if self.time > 0 else [])
        self.rate = min(self.rate, *ends)
        known = 2 * math.log(self.start[0] / residual) - 1e-12 if residual > 0 else grown
        self.time, self.dropped = time, max(self.dropped, grown, known)

    def allowed(self) -> float:
        """The rate that is proved up to and including the last time, infinite at the start."""
        return min(self.rate, self.dropped / self.time) / SLACK if self.time > 0 else math.inf

    def loss(self) -> float:
        """An upper bound of the loss now, never 0."""
        return self.start[1] ** 2 / 2 * math.exp(-self.dropped) * SLACK + 1e-300

    def ratio(self) -> float:
        """An upper bound of the loss now, relative to that at the start."""
        return (self.start[1] / self.start[0]) ** 2 * math.exp(-self.dropped) * SLACK


def prove(problem: Problem, H: np.ndarray, signs: np.ndarray, norm: Callable[[np.ndarray], arb]) -> Proof:
    """Follow the path from H (m, n) until the master theorem applies; a Proof of rate 0 if it never does.

    signs (m,); norm(H): ||r|| at H, enclosed. If the path cannot be followed far enough, or not accurately enough for a
    good rate, it is followed once more with a smaller defect. The scale and G_max must be of size one
    (magnitudes.in_units).
    """
    check(problem)
    check_size(H)
    best = Proof()
    for precision in PRECISIONS:
        found = _prove(problem, H, signs, norm, precision)
        if found.rate > best.rate or not best.facts:
            best = found
        if best.rate > 0 and best.rate >= best.facts["rate before"] / 2:
            break
        if found.facts["steps"] >= STEPS:
            break  # a smaller defect takes more steps
    return best


def _prove(
    problem: Problem, H: np.ndarray, signs: np.ndarray, norm: Callable[[np.ndarray], arb], precision: float
) -> Proof:
    """One attempt of `prove`, with the precision of `follow`."""
    k = Constants(problem, float(abs(signs[0])))
    start = norm(H)
    account = Account((max(float_down(start), 0.0), float_up(start)))
    if account.start[0] == 0:
        nothing = "the residual there is zero within its rounding: nothing has to converge"
        return Proof(facts={"time": 0.0, "steps": 0}, ended=nothing)
    rank = len(H) * int(np.linalg.matrix_rank(problem.gram, hermitian=True))  # at most that of a tangent kernel
    if rank < problem.n:
        singular = f"the tangent kernel of so few neurons has at most the rank {rank} < n at every state"
        return Proof(facts={"time": 0.0, "steps": 0}, ended=singular)
    best: Proof | None = None
    ended = "no further step can be proved"
    path = 0.0  # a bound of the path length so far
    worst = 0.0  # the largest defect of a step so far
    extra = 0.0  # a bound of the error of ||r|| inside the last step
    sizes = [0.0]  # ||r|| of the reference path at the INSIDE times of the last step
    local = None  # Handover.local of the stage before
    progress = Progress("steps along the path")
    highest = 0.0  # the first beta that is finite
    for count, stage in enumerate(follow(problem, H, signs, precision=precision)):
        ref, found = stage.reference, stage.shadow
        # What the step proves about the loss and the path length.
        if ref is not None and found is not None and local is not None:
            extra = (float(np.linalg.norm(found.residual_error)) + k.residual_distance(stage.widest)) * SLACK
            sizes = np.linalg.norm(grid().interpolate @ ref.residual, axis=1).tolist()
            before, floor = account.loss(), power(k, ref, found, signs)
            for x, size in zip((ref.duration * grid().inside).tolist(), sizes, strict=True):
                distance = (stage.widest + found.speed * x) * SLACK
                slope = max(local(distance), floor(distance) / before)
                account.add(stage.time - ref.duration + x, (size + extra) * SLACK, slope)
            fallen = before - max(sizes[-1] - extra, 0.0) ** 2 / 2 / SLACK
            path += math.sqrt(ref.duration * fallen) * SLACK  # Cauchy and Schwarz on the integral of sqrt(-L')
            worst = max(worst, found.defect)
        # What the master theorem proves from here on, and whether that is the best total so far.
        end = handover(k, stage, norm(stage.H))
        local = end.local
        highest = highest or (end.beta if math.isfinite(end.beta) else 0.0)
        progress.done = count
        progress.say(f"beta {end.beta:.3g}, certified below 1", _share_done(highest, end.beta))
        if end.rate > 0 and (best is None or min(account.allowed(), end.rate) > best.rate):
            facts = {
                "time": stage.time,
                "steps": count,
                "distance": stage.distance,
                "defect": worst,
                "exponent": stage.growth,
                "loss ratio": account.ratio(),
                "rate before": account.allowed() if count else end.rate,
                "rate after": end.rate,
            }
            best = Proof(min(account.allowed(), end.rate), end.beta, end.critical, path + end.path, facts)
        # Stop if following the path any further cannot gain much, or is of no use.
        if end.beta <= NEARLY_ALL or end.rate >= ENOUGH * account.allowed():
            break
        if account.start[0] < LEAST_RESIDUAL * k.c:
            ended = f"the residual is below {LEAST_RESIDUAL:g} of the scale, too small to follow"
            break
        if 2 * extra > sizes[-1] and (best is not None or end.beta >= 1):
            ended = "the true path is no longer known well enough against the residual"
            break
        if count >= STEPS:
            ended = f"{STEPS} steps are too few"
            break
    progress.close()
    return best if best is not None else Proof(facts={"time": stage.time, "steps": count}, ended=ended)


def _share_done(highest: float, beta: float) -> float | None:
    """The part of the way from the first beta to NEARLY_ALL that is done, in log beta; None if one is 0 or infinite."""
    if not NEARLY_ALL < highest < math.inf or not 0 < beta < math.inf:
        return None
    return min(max(math.log(highest / beta) / math.log(highest / NEARLY_ALL), 0.0), 1.0)
