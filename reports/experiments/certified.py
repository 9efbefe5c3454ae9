"""From where on a run is certified: at the start by following its path, or later by a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from bounds import AssumptionError, Problem, certify
from bounds.errors import LinrateError
from reports.certificates import states
from reports.experiments.case import Case, certified_end, run_case
from simulate import Status, sample_network
from simulate.falling import State

MIDDLE, LEAST = -5, -8  # exponents of the loss ratios at which a certificate is tried late in a run
SHADOWED = 2**19  # entries of H up to which a path is followed: minutes


@dataclass(frozen=True)
class Certified:
    """L^t <= loss exp(-rate (t - time)) for t >= time along gradient flow, proved for this network.

    method: of the certificate. If nothing is certified, rate is 0 and `reason` says why. origin: the versions that
    found it, of one that was kept.
    """

    method: str
    time: float = 0.0
    loss: float = 0.0
    rate: float = 0.0
    reason: str = ""
    origin: dict[str, str] = field(default_factory=dict)

    def curve(self, time: float) -> float:
        """The bound of the loss at a later time."""
        return self.loss * math.exp(-self.rate * (time - self.time))


def at_start(case: Case) -> Certified:
    """The certificate of the network as it is drawn, by shadowing; for a smooth activation."""
    problem = case.problem()
    network = sample_network(problem, width=case.width, scale=case.scale, seed=case.seed, init=case.init)
    if case.width * case.n > SHADOWED:
        return Certified("shadowing", reason="the state is too large to be followed in minutes")
    try:
        found = certify(problem, network.H, signs=network.signs, method="shadowing")
    except LinrateError as error:
        return Certified("shadowing", reason=str(error))
    if not found.holds:
        return Certified("shadowing", reason=found.reason)
    return Certified("shadowing", 0.0, _loss(problem, (0.0, network.H, network.signs)), found.rate)


def later(case: Case, methods: tuple[str, ...], t_max: float) -> Certified:
    """The first state along the flow that one of the methods, which are formulas, certifies."""
    problem = case.problem()
    network = sample_network(problem, width=case.width, scale=case.scale, seed=case.seed, init=case.init)
    reason = "no state of the run is certified"
    for state in states(problem, network, t_max):
        for method in methods:
            try:
                found = certify(problem, state[1], signs=state[2], method=method)
            except AssumptionError as error:
                reason = str(error)
                continue
            if found.holds:
                return Certified(method, state[0], _loss(problem, state), found.rate)
            reason = found.reason
    return Certified(methods[0], reason=reason)


def late_in_run(case: Case) -> Certified:
    """A state of the run of the case, as late as need be, from which the flow is certified by a formula.

    The loss there is a power of ten times the first one, the largest that is found: from MIDDLE upwards as long as the
    certificate holds, else downwards to LEAST. This works for ReLU too, where no certificate holds early.
    """
    found = _certified_at(case, MIDDLE)
    if found.rate == 0:
        later_on = (_certified_at(case, exponent) for exponent in range(MIDDLE - 1, LEAST - 1, -1))
        return next((c for c in later_on if c.rate > 0), found)
    for exponent in range(MIDDLE + 1, 0):
        earlier = _certified_at(case, exponent)
        if earlier.rate == 0:
            break
        found = earlier
    return found


def _certified_at(case: Case, exponent: int) -> Certified:
    """The certificate of the state of the run at which the loss is that power of ten times the first one."""
    run = run_case(replace(case, loss_ratio=10.0**exponent, test=0, saves=1), None, None)
    if run.status is not Status.LOSS_REACHED:
        return Certified("formula", reason=f"the run ends before 1e{exponent} of the first loss: {run.status.value}")
    try:
        found, rate = certified_end(run)
    except AssumptionError as error:
        return Certified("formula", reason=str(error))
    if not found.holds:
        return Certified(found.method, reason=found.reason)
    return Certified(found.method, float(run.time[-1]), float(run.loss[-1]), rate)


def _loss(problem: Problem, state: State) -> float:
    residual = problem.residual(state[1], state[2])
    return float(residual @ residual) / 2
