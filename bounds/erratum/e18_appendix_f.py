"""E18: the width of Appendix F contains lambda_min and lambda_max where Theorem 2 promises that it does not."""

from __future__ import annotations

from flint import arb

from bounds import constants
from bounds.constants.formula import Constant
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose

INTERVAL, CORRELATION = (-1, 1), arb(9) / 10


def demonstrate() -> Demonstration:
    """n = 2 and limit Gram matrices [[1, rho], [rho, 1]]: the same diagonal, eigenvalues 1 +- rho."""

    def growth(formula: Constant, smallest: arb, largest: arb) -> arb:
        """How much wider 1/(2 K^2) is than for rho = 0."""
        return (formula(INTERVAL, arb(1) / 2, arb(2)) / formula(INTERVAL, smallest, largest)) ** 2

    eigenvalues = (1 - CORRELATION) / 2, 2 * (1 + CORRELATION)
    printed, repaired = growth(constants.K, *eigenvalues), growth(constants.K, arb(1) / 2, arb(2))
    as_printed = growth(constants.K_printed_squared, *eigenvalues)
    lemma_2 = 1 + CORRELATION
    return Demonstration(
        quantity="width of Appendix F for rho = 0.9 over that for rho = 0, Gbar = [[1, rho], [rho, 1]], to be 1",
        printed=Claim(enclose(printed), "==", (1.0, 1.0)),
        repaired=Claim(enclose(repaired), "==", (1.0, 1.0)),
        evidence="enclosed",
        note=(
            f"I = (-1, 1); Gbar_min = Gbar_max = 1, lambda_min(Gbar) = 1 and 0.1. K with the exponent of E5; with the"
            f" printed one the factor is {float(as_printed):.2g}. Beside it the width of Lemma 2 grows by"
            f" {float(lemma_2):.1f} with lambda_max(Gbar). The repaired width has K(I, 1/2, 2) for both."
        ),
    )


ERRATUM = Erratum(
    id="E18",
    where="Appendix F, before (73) and (74)",
    title="the width of the proof depends on the eigenvalues of Gbar",
    printed=(
        "C depends on Gbar_min and Gbar_max, not on n or lambda_min(Gbar) (Theorem 2), by m >= log(4n/delta)/(2 K(I, "
        "lambda_min(Gbar)/2, 2 lambda_max(Gbar))^2) for Lemma 3 and m >= C c^2 log(n/delta) lambda_max(Gbar)/||y||^2"
        " for Lemma 2."
    ),
    fails=(
        "K falls to 0 as its second argument does, and lambda_max(Gbar) may be as large as n Gbar_max: the C of these"
        " two lines depends on lambda_min(Gbar) and on n."
    ),
    repaired=(
        "m >= log(4n/delta)/(2 K(I, Gbar_min/2, 2 Gbar_max)^2), the K that (73) already ends with, and 2 Gbar_max "
        "for lambda_max(Gbar) in Lemma 2 (as repaired in E2)."
    ),
    proof=(
        "On the event that is used, Gbar_min/2 <= G_min and G_max <= 2 Gbar_max. K increases in its second and "
        "decreases in its third argument, so K(I, Gbar_min/2, 2 Gbar_max) <= K(I, G_min, G_max); and Lemma 2 asks "
        "for G_max only."
    ),
    consequence="Only the proof is refuted. With the repair Theorem 2 has the dependence that it states.",
    grade="proved",
    demonstrate=demonstrate,
)
