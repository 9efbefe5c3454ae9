"""The inverse questions: which problems does a given width still cover?

Each answer is on the safe side of its own search: the guarantee was computed at the value returned, and asks for no
more than the given width. Searches bisect, since every required width falls with delta and with lambda_min(G), and
grows with n.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

from bounds.checks import check_probability, instance, integer, numpy_defaults
from bounds.errors import AssumptionError, require
from bounds.guarantee import guarantee
from bounds.problem import Problem
from bounds.progress import Progress

LEAST_DELTA = 1e-30  # the smallest failure probability that is tried
STEPS = 40  # of a bisection of real numbers


def _covers(
    problem: Problem | Callable[[], Problem], delta: float, width: int, same: dict[str, Any], progress: Progress
) -> bool:
    """Whether the guarantee asks for at most `width` neurons; False if no method applies to the problem.

    progress: counts the guarantees.
    """
    try:
        return guarantee(problem if isinstance(problem, Problem) else problem(), delta, **same).width <= width
    except AssumptionError:
        return False
    finally:
        progress.step()


def _check(problem: Any, width: Any) -> int:
    """Check the problem, and return the width as an int."""
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    return integer("width", width, 1, None, "a whole number >= 1")


def _refuse(problem: Problem, width: int, least: str) -> AssumptionError:
    """The error for a width that does not even cover the easiest question, `least`."""
    return AssumptionError(
        f"a width of {width} covers nothing: even {least} asks for more, or no method applies (n = {problem.n})."
        " Raise the width, or give a larger scale."
    )


def _searching(what: str, most: int) -> Progress:
    """The progress of a search for `what` that computes that many guarantees at most."""
    return Progress(f"guarantees, for the {what}", most)


def _bisect(covered: Callable[[float], bool], good: float, bad: float) -> float:
    """The last covered value on the way from `good` to `bad`."""
    for _ in range(STEPS):
        middle = (good + bad) / 2
        if covered(middle):
            good = middle
        else:
            bad = middle
    return good


@numpy_defaults
def smallest_delta(problem: Problem, width: int, **same: Any) -> float:
    """The smallest failure probability at which `width` neurons are enough, rounded up; at least 1e-30.

    same: as for guarantee (method, init, scale, beta, tau). Raises AssumptionError if the width is too small for every
    delta < 1.
    """
    width = _check(problem, width)

    most, least = math.log(0.999), math.log(LEAST_DELTA)
    with _searching("smallest delta", STEPS + 2) as progress:

        def covered(log_delta: float) -> bool:
            return _covers(problem, math.exp(log_delta), width, same, progress)

        if not covered(most):
            raise _refuse(problem, width, "delta = 0.999")
        return math.exp(least) if covered(least) else math.exp(_bisect(covered, most, least))


@numpy_defaults
def largest_n(problem: Problem, width: int, delta: float = 0.05, **same: Any) -> int:
    """The largest k such that `width` neurons are enough for the first k data points.

    Raises AssumptionError if one data point is too many, ArgumentError for a problem made by from_gram.
    """
    width, delta = _check(problem, width), check_probability(delta)
    require(
        problem.embedding is not None, "problem", "built from data X, for its first rows are taken", "a Gram matrix"
    )

    def head(k: int) -> Problem:
        """The problem of the first k data points."""
        first = Problem(
            problem.X[:k], problem.y[:k], problem.activation, problem.embedding, last_layer=problem.last_layer
        )
        # A principal submatrix of a matrix within u of another is within u of the other's.
        return first.within(problem.gram_radius) if problem.gram_radius else first

    with _searching("largest n", problem.n.bit_length() + 2) as progress:
        if _covers(problem, delta, width, same, progress):
            return problem.n
        if not _covers(partial(head, 1), delta, width, same, progress):
            raise _refuse(problem, width, "one data point")
        good, bad = 1, problem.n
        while bad - good > 1:
            middle = (good + bad) // 2
            covered = _covers(partial(head, middle), delta, width, same, progress)
            good, bad = (middle, bad) if covered else (good, middle)
        return good


@numpy_defaults
def smallest_lambda_min(problem: Problem, width: int, delta: float = 0.05, **same: Any) -> float:
    """The smallest separation of the data that `width` neurons still cover: lambda_min(G) - u, where every Gram matrix
    within u of this one in the spectral norm is covered. Rounded up.

    Raises AssumptionError if the width does not cover the problem itself.
    """
    width, delta = _check(problem, width), check_probability(delta)
    if problem.random:
        raise AssumptionError("smallest_lambda_min is about one Gram matrix. Draw the embedding: problem.draw(dim=D).")
    lmin = float(problem.spectrum.lmin_floor)

    with _searching("smallest lambda_min(G)", STEPS + 1) as progress:

        def covered(radius: float) -> bool:
            return _covers(problem.within(radius), delta, width, same, progress)

        if not _covers(problem, delta, width, same, progress):
            raise _refuse(problem, width, "this Gram matrix")
        return lmin - _bisect(covered, 0.0, lmin)
