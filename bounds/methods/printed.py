"""Theorem 1 with the constants as printed. Not proved: kept so that the paper can be compared with its repair."""

from __future__ import annotations

from bounds import constants
from bounds.methods.base import APriori, Method, no_check, paper_profile
from bounds.methods.intervals import bounded_interval
from bounds.problem import Problem


def a_priori(problem: Problem, failure: float, tau: float) -> APriori:
    """Lemma 1 with 9/2, Lemma 3 with the printed exponent, m >= log(n/delta)/(2 K^2)."""
    interval = bounded_interval(problem.start, constants.K_printed)
    K = constants.K_printed(interval, problem.start.gmin, problem.start.gmax)
    slope = problem.activation.slope_floor(interval)
    lmin, lmax = problem.spectrum.lmin_floor, problem.spectrum.lmax_ceiling
    kappa = constants.kappa_printed(lmin, lmax, interval, slope)
    return APriori(
        paper_profile(problem, slope, K, kappa),
        concentration=constants.width_lemma_3(problem.n, failure, K),
        output="printed",
        choices={"interval": interval, "K": K, "K_s": slope, "kappa": kappa},
    )


METHOD = Method(
    name="printed",
    source="Theorem 1 as printed: (58), (65), Lemma 3",
    proved=False,
    check=no_check,
    a_priori=a_priori,
    a_posteriori=None,
    drift=None,
    caveats=(
        "E1: (52)-(54) lose a factor sqrt(2)",
        "E2: (64) lacks a factor n",
        "E3: (66) needs ||f0|| <= (sqrt(2) - 1)||y||",
        "E4: (62) needs sigma(0) = 0",
        "E5: the exponent of K in (71) is dimensionally wrong; read here as max(|I_l|, |I_r|)/G_min^2",
        "E14: (57) holds with 1 - 2 delta, not delta",
        "the absolute constant of (65) is unspecified; read here as Hoeffding's, 2 Ls^2 G_max",
    ),
)
