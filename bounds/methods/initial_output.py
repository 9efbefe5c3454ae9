"""How wide a network must be for ||f^0|| to be small: Lemma 2, as printed and repaired."""

from __future__ import annotations

from functools import lru_cache

from flint import arb

from bounds import constants
from bounds.activation.gaussian import mean_value, value_variance
from bounds.errors import AssumptionError
from bounds.methods.base import APriori
from bounds.numerics.arithmetic import float_up, square
from bounds.problem import Problem


def width_for_output(
    problem: Problem, prior: APriori, critical: arb, c: arb, delta: float, beta: float, name: str
) -> tuple[arb, arb]:
    """(width, residual): at that width ||f^0|| is small enough with probability 1 - delta/2, and `residual` is the norm
    of r^0 to compute with.

    critical: a of the profile; c: the scale; beta: the share of the path that may be used; name: the method's, for
    errors. Raises AssumptionError if the scale is too small for beta.
    """
    y = problem.y_norm
    if not critical > 0:
        return arb(0), y  # a = 0: no residual is too large
    if prior.output == "vector":
        room = arb(beta) / critical - y / c
        if not room > 0:
            raise AssumptionError(
                f"method {name!r} needs scale > {float_up(critical * y / arb(beta)):.6g} for beta = {beta}."
                f" Found scale = {float(c):g}. Raise the scale, or beta."
            )
        return (initial_output_constant(problem, delta / 2) / room) ** 2, y
    if not y > 0:
        raise AssumptionError(f"method {name!r} needs ||y|| > 0 (Lemma 2); found y = 0. Use method='repaired'.")
    Ls, n = problem.activation.Ls, problem.n
    if prior.output == "printed":
        width = constants.width_lemma_2_printed(n, delta, c, Ls, problem.start.gmax, y)
    else:
        V = arb(0)
        for g in problem.start.gram_diagonal:
            v = square(mean_value(problem.activation, g)) + Ls**2 * g
            sup = problem.activation.bounded_by
            V = V.max(v if sup is None else v.min(arb(sup) ** 2))
        width = constants.width_lemma_2(n, delta / 2, c, V, y)
    return width, arb(2).sqrt() * y  # because L^0 <= ||y||^2 then


@lru_cache(maxsize=64)
def initial_output_constant(problem: Problem, delta: float) -> arb:
    """B with ||f^0|| <= scale B/sqrt(m) with probability 1 - delta, independent signs (R2)."""
    mean_squares, variances = arb(0), arb(0)
    for g in problem.start.gram_diagonal:
        mean_squares += square(mean_value(problem.activation, g))
        variances += value_variance(problem.activation, g)
    return constants.B(
        mean_norm=mean_squares.nonnegative_part().sqrt(),
        variance_sum=variances.nonnegative_part(),
        lipschitz=problem.activation.Ls,
        lmax=problem.start.spectrum.lmax_ceiling,
        delta=delta,
    )
