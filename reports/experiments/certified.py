"""From where on a run is certified: at the start by following its path, or later by a formula."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bounds import AssumptionError, Problem, certify
from bounds.errors import LinrateError
from reports.certificates import State, states
from reports.experiments.case import Case
from simulate import sample_network

SHADOWED = 2**19  # entries of H up to which a path is followed: minutes


@dataclass(frozen=True)
class Certified:
    """L^t <= loss exp(-rate (t - time)) for t >= time along gradient flow, proved for this network.

    method: of the certificate. If nothing is certified, rate is 0 and `reason` says
    why.
    """

    method: str
    time: float = 0.0
    loss: float = 0.0
    rate: float = 0.0
    reason: str = ""

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


def _loss(problem: Problem, state: State) -> float:
    residual = problem.residual(state[1], state[2])
    return float(residual @ residual) / 2
