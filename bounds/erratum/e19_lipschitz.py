"""E19: the constants of Theorem 3 cannot be independent of L_sigma, which its list omits."""

from __future__ import annotations

import math

from flint import arb

from bounds import constants
from bounds.activation.gaussian import gaussian_probability
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose
from bounds.numerics.arithmetic import ceil_int

START, DELTA, N = 20, 0.05, 2  # b: the spike lies on (b, b + 1)
INTERVAL, DIAGONAL = (-1, 1), 2  # of the linear part; Gbar_11 = Gbar_22


def clipped_square() -> arb:
    """E clip(Z, -1, 1)^2 = P(|Z| < 1) - 2 density(1) + P(|Z| > 1) = 1 - 2 density(1)."""
    return 1 - 2 * (-arb(1) / 2).exp() / (2 * arb.pi()).sqrt()


def limit_eigenvalues(start: float) -> tuple[arb, arb]:
    """(lambda_min, lambda_max) of Gbar, enclosed. With k the spike and v = E clip^2, lambda_min = E k^2 = 2 - v - 2 E k
    and lambda_max = 4 - lambda_min, where 0 <= E k <= sqrt(P(Z > b) E k^2)."""
    mean = (2 * gaussian_probability(start, math.inf, arb(1))).sqrt()
    smallest = (DIAGONAL - clipped_square()).union(DIAGONAL - clipped_square() - 2 * mean)
    return smallest, 2 * DIAGONAL - smallest


def demonstrate() -> Demonstration:
    """x = 1 and -1, y = (1, 1)/sqrt(2): a spike that no feature and no neuron meets makes Gbar positive definite."""
    smallest, largest = limit_eigenvalues(START)
    K = constants.K(INTERVAL, arb(DIAGONAL) / 2, 2 * DIAGONAL)
    scale = constants.scale_theorem_2(constants.K1(smallest, largest, INTERVAL, 1), K, 1)
    output = constants.width_lemma_2_printed(N, DELTA / 4, scale, 1, 2 * DIAGONAL, 1)
    width = ceil_int(constants.width_theorem_2(N, DELTA, K).max(output))
    dim = ceil_int(constants.D_lemma_4(N, smallest / 2, constants.kap(0, 1, 1), DELTA / 2))
    met = 2 * (arb(dim) + width) * gaussian_probability(START, math.inf, arb(1))
    # E k^2 <= A^2 P(Z > b) for the height A, and the spike rises to A within 1/2: a lower bound of L_sigma
    lipschitz = 2 * (smallest / gaussian_probability(START, math.inf, arb(1))).sqrt()
    asked = constants.D_lemma_4(N, smallest / 2, constants.kap(0, lipschitz, 1), DELTA / 2)
    promised = 1 - DELTA if asked <= dim else 0.0
    actual = (0.0, enclose(met)[1])
    return Demonstration(
        quantity="P(L tends to 0), a spike of sigma on (20, 21)",
        printed=Claim(actual, ">=", (1 - DELTA, 1 - DELTA)),
        repaired=Claim(actual, ">=", (promised, promised)),
        evidence="enclosed",
        note=(
            f"n = 2, d = 1, x = 1 and -1, y = (1, 1)/sqrt(2), delta = {DELTA}; Gbar_11 = 2, lambda_min(Gbar) ="
            f" {float(smallest):.3f}, lambda_max(Gbar) = {float(largest):.3f}, I = (-1, 1), K_s = 1. With the constants"
            f" of Appendices F and G for L_sigma = 1, the same for every spike, c = {float(scale):.3g}, m ="
            f" {width:.2e}, D = {dim}. But L_sigma is at least {float(lipschitz):.2e}, with which Lemma 4 asks for D >="
            f" {float(asked):.1e}; at the D above the repaired theorem promises nothing."
        ),
    )


ERRATUM = Erratum(
    id="E19",
    where="Theorem 3",
    title="the list of what the constants depend on omits L_sigma",
    printed=(
        "c_0, r, C_1 and C_2 depend on I, Gbar_min, Gbar_max, ||y||, K_s and the sub-Gaussian norm of pi_z (the list "
        "has no L_sigma, unlike those of Theorems 1 and 2)."
    ),
    fails=(
        "(90) asks for D proportional to L_sigma^4, and without it D may be too small: sigma may owe its positive "
        "definite Gbar to a high and narrow spike that none of the D features meets."
    ),
    repaired="C_1 and C_2 depend on L_sigma too, as (65) and (90) show.",
    proof=(
        "Let sigma = clip(u, -1, 1) + k(u), k a tent of height A on (b, b + 1), b > 1, A such that Gbar_11 = E "
        "sigma(Z)^2 = 2; x = 1 and -1 (d = 1), y = (1, 1) ||y||/sqrt(2). With v = E clip(Z, -1, 1)^2, Gbar_12 = -v - 2 "
        "E k, so Gbar has the eigenvalues E k^2 and 4 - E k^2, which tend to 2 - v > 0 and 2 + v as b grows, while "
        "nothing on the list changes: whatever the constants are, c, m and D stay bounded. But with probability at "
        "least 1 - 2 D P(Z > b) no feature meets the spike. Then phi(-1) = -phi(1), hence h_i2 = -h_i1 for ever, and G "
        "is singular with diagonal at most 1. With probability at least 1 - 2 m P(Z > b) all |h_i1| start below b; a "
        "neuron with 1 < |h| < b has slope 0 and rests, one with |h| <= 1 cannot pass 1, so no neuron meets the spike "
        "either, f_2 = -f_1 for ever, and L >= (y_1 + y_2)^2/4 = ||y||^2/2. The failures have a probability that tends"
        " to 1 as b grows. (The same with every element of Clarke's subdifferential at the kinks.)"
    ),
    consequence=(
        "Theorem 3 is false as printed. With L_sigma on the list it is what Appendix G proves (with E12; L_sigma "
        "enters C_1 as in Theorem 1): most likely an oversight."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
