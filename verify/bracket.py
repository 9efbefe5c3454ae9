"""The constant of a width law, between one at which the law is refuted and one at which it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bounds import Problem
from bounds.checks import check_probability
from bounds.errors import ArgumentError, AssumptionError, require
from verify.conjecture import Conjecture
from verify.runs.regimes import simulable
from verify.runs.trials import probabilistic_trials
from verify.verdict import Verdict


@dataclass(frozen=True)
class Bracket:
    """The law is refuted with the constant `refuted` and holds with `holds`; constants between them are undecided.

    tried: (constant, verdict, failures, trials) of each test, in order.
    """

    refuted: float
    holds: float
    tried: tuple[tuple[float, str, int, int], ...]


def bracket(
    law: Callable[[float], Conjecture],
    problem: Problem,
    low: float,
    high: float,
    *,
    steps: int = 4,
    alpha: float = 0.05,
    seed: int = 0,
) -> Bracket:
    """Bisect, on a logarithmic scale, the constant C of a law: law(C) is a conjecture with delta and width (or scale).

    low, high: constants with which the law is refuted and holds; steps: of the bisection, which ends early if a test
    stays undecided. Each of the steps + 2 tests errs with probability at most alpha/(steps + 2), so that both ends of
    the result are right with probability 1 - alpha. seed: of the first network of each test.

    Raises ArgumentError unless law(low) is refuted and law(high) holds; AssumptionError if a network of the law's width
    is too wide to be simulated.
    """
    require(0 < low < high, "low, high", "0 < low < high", (low, high))
    require(steps >= 0, "steps", "at least 0", steps)
    check_probability(alpha, "alpha")
    share = alpha / (steps + 2)
    tried: list[tuple[float, str, int, int]] = []

    def verdict(C: float) -> Verdict:
        """The verdict on law(C) by repeated trials."""
        conjecture = law(C)
        require(conjecture.delta is not None, "law", "a conjecture with delta", conjecture.name)
        g = conjecture.regime(problem)
        if not simulable(g, problem):
            raise AssumptionError(f"width {g.width} for {problem.name} cannot be simulated. Take fewer rows.")
        options: dict[str, Any] = conjecture.options(problem)
        found = probabilistic_trials(conjecture.as_claim(), problem, g, alpha=share, first_seed=seed, **options)
        tried.append((C, found.verdict.value, found.failures, found.trials))
        return found.verdict

    for name, C, wanted in (("low", low, Verdict.REFUTED), ("high", high, Verdict.HOLDS)):
        if verdict(C) is not wanted:
            raise ArgumentError(f"{name} must be a constant at which the law is {wanted.value}. Found {tried[-1]}.")
    for _ in range(steps):
        middle = math.sqrt(low * high)
        found = verdict(middle)
        if found is Verdict.UNDECIDED:
            break
        low, high = (middle, high) if found is Verdict.REFUTED else (low, middle)
    return Bracket(low, high, tuple(tried))
