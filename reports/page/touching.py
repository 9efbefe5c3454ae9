"""Which errata of the paper touch a data set, and why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bounds import Erratum, Problem, errata
from bounds.dependence import most_parallel_rows

NEARLY_PARALLEL = 0.999  # |cosine| of two rows from which they are named

Touches = Callable[[Problem], str]  # why an erratum matters here; "" if it does not


def _always(why: str) -> Touches:
    return lambda problem: why


def _kink(problem: Problem) -> str:
    return "" if problem.activation.smooth else f"{problem.activation.name} has a kink."


def _many_points(problem: Problem) -> str:
    return (
        f"n = {problem.n} > d = {problem.d}." if problem.embedding_name == "identity" and problem.n > problem.d else ""
    )


def _at_zero(problem: Problem) -> str:
    return f"sigma(0) is not 0 for {problem.activation.name}." if not problem.activation.at_zero.is_zero() else ""


def _zero_targets(problem: Problem) -> str:
    return "y = 0." if not np.any(problem.y) else ""


def _unbounded_interval(problem: Problem) -> str:
    low, high = problem.activation.interval
    return f"the interval I of {problem.activation.name} is unbounded." if np.isinf(low) or np.isinf(high) else ""


def _parallel(problem: Problem) -> str:
    if problem.embedding is None or problem.n < 2:
        return ""
    a, b, cosine = most_parallel_rows(problem.X)
    return f"rows {a} and {b} have |cosine| {cosine:.6f}." if cosine >= NEARLY_PARALLEL else ""


def _random(problem: Problem) -> str:
    return "the embedding is random." if problem.embedding_name.startswith("random-features") else ""


TOUCHES: dict[str, Touches] = {
    "E1": _always("the scale and the rate of Theorem 1 use it."),
    "E2": _always("the width for the initial output uses it."),
    "E3": _always("the bound of the initial loss uses it."),
    "E4": _at_zero,
    "E5": _always("the width of Lemma 3 uses it."),
    "E7": _unbounded_interval,
    "E9": _at_zero,
    "E11": _many_points,
    "E12": _random,
    "E14": _always("it is the probability in Theorem 1."),
    "E15": _kink,
    "E19": _random,
    "E22": _parallel,
    "E23": _zero_targets,
}


def errata_of(problem: Problem) -> list[tuple[Erratum, str]]:
    """The errata that bear on a guarantee for this problem, each with the reason."""
    found = []
    for erratum in errata():
        why = TOUCHES.get(erratum.id, _always(""))(problem)
        if why:
            found.append((erratum, why))
    return found
