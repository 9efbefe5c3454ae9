"""The joint choice of method, tau and beta: the smallest width, scale or time, under bounds on the others.

A search on a grid of (tau, beta) that shrinks around the best point. Every point tried is a guarantee of its own, so
the search decides only how good the answer is, never whether it is true.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bounds.errors import ArgumentError, AssumptionError, require
from bounds.promise import Guarantee, Request
from bounds.rounding import rounded

Objective = Callable[[Guarantee], float]

OBJECTIVES: dict[str, Objective] = {
    "width": lambda g: g.width,
    "scale": lambda g: g.scale,
    "rate": lambda g: 1 / g.rate if g.rate > 0 else math.inf,
}
NEEDED = {"width": "scale", "scale": "width", "rate": "scale"}  # the limit without which there is no best choice
TAUS = np.geomspace(0.04, 0.9, 9)
BETAS = np.array([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96])
ROUNDS = 5  # finer grids after the first one
POINTS = 5  # of a finer grid along each axis


@dataclass(frozen=True)
class Limits:
    """What the guarantee may cost at most: width, scale; and the least rate. None: no limit."""

    width: int | None = None
    scale: float | None = None
    rate: float | None = None

    def excess(self, g: Guarantee) -> float:
        """By how much a guarantee breaks the limits, as a sum of logarithms; 0 if it keeps them."""
        broken = 0.0
        for value, limit in ((g.width, self.width), (g.scale, self.scale)):
            if limit is not None and value > limit:
                broken += math.log(value / limit)
        if self.rate is not None and g.rate < self.rate:
            broken += math.log(self.rate / g.rate) if g.rate > 0 else math.inf
        return broken

    def __str__(self) -> str:
        given = {"most_width": self.width, "most_scale": self.scale, "least_rate": self.rate}
        return ", ".join(f"{name} = {value:g}" for name, value in given.items() if value is not None)


def choose(
    request: Request,
    answer: Callable[[Request], Guarantee],
    methods: Sequence[str],
    minimise: str | Objective,
    limits: Limits,
) -> Guarantee:
    """The best guarantee found; see bounds.guarantee for the arguments. `answer` computes one guarantee.

    Raises ArgumentError if a limit is missing without which there is no best choice, or if the objective returns no
    number; AssumptionError if nothing that was tried keeps the limits.
    """
    if isinstance(minimise, str):
        require(minimise in OBJECTIVES, "minimise", "one of width, scale, rate, or a function of a guarantee", minimise)
        needed = NEEDED[minimise]
        given = getattr(limits, needed) is not None or (needed == "scale" and request.scale is not None)
        require(given, f"most_{needed}", f"given with minimise={minimise!r}, for else there is no best choice", None)
    objective = OBJECTIVES[minimise] if isinstance(minimise, str) else minimise
    best: Guarantee | None = None
    score = (math.inf, math.inf, math.inf)
    refusal = AssumptionError("no proved method applies.")

    def look(names: Sequence[str], taus: np.ndarray, betas: np.ndarray) -> None:
        nonlocal best, score, refusal
        for one in _requests(request, names, taus, betas, limits.scale):
            try:
                found = answer(one)
            except AssumptionError as error:
                refusal = error
                continue
            value = (limits.excess(found), _number(objective(found)), -found.rate)
            if value < score:
                best, score = found, value

    look(methods, TAUS, BETAS)
    if best is None:
        raise refusal
    # Around the best point, with its method only; a scale that is given at its limit leaves beta to be found.
    ratio = float(TAUS[1] / TAUS[0])
    width = 0.5
    for _ in range(ROUNDS):
        tau, beta = best.constants["tau"], min(max(best.beta, 0.02), 0.99)
        steps = np.linspace(-1, 1, POINTS)
        logit = math.log(beta / (1 - beta)) + width * steps
        look([best.method], np.clip(tau * ratio**steps, 0.002, 0.995), 1 / (1 + np.exp(-logit)))
        ratio, width = ratio**0.45, width * 0.45
    if score[0] > 0:
        raise AssumptionError(
            f"no choice of tau and beta was found within {limits}. The nearest, by {best.method!r}: width {best.width},"
            f" scale {rounded(best.scale, 'up')}, rate {rounded(best.rate, 'down')}. Raise"
            " most_width or most_scale, or lower least_rate."
        )
    return best


def _number(value: object) -> float:
    """The value of an objective. Raises ArgumentError if it is none."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    if math.isnan(number):
        raise ArgumentError(f"minimise must return a number for each guarantee. Found {value!r}.")
    return number


def _requests(
    request: Request, names: Sequence[str], taus: np.ndarray, betas: np.ndarray, most_scale: float | None
) -> Iterator[Request]:
    """One request for each method, tau, beta and scale: the given scale, or the least for that beta and the largest."""
    scales = [request.scale] if request.scale is not None or most_scale is None else [None, most_scale]
    for name in names:
        for tau in taus.tolist():
            for beta in betas.tolist():
                for scale in scales:
                    yield replace(request, method=name, tau=tau, beta=beta, scale=scale)
