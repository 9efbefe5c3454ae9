"""E5: the exponent of K in (71) has the wrong dimension."""

from __future__ import annotations

from flint import arb

from bounds import constants
from bounds.activation.gaussian import gaussian_probability
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose

INTERVAL, VARIANCE = (6.0, 12.0), 10


def charitable(variance: arb) -> arb:
    """K of (71) with the exponential exp(-max(|I_l|, |I_r|)^2/G_min^2): of the readings that the text allows this one
    makes K smallest, and so promises least."""
    left, right = (arb(end) for end in INTERVAL)
    return (right - left) / (6 * (2 * arb.pi() * variance).sqrt()) * (-((right / variance) ** 2)).exp()


def demonstrate() -> Demonstration:
    """One data point with G = 10, I = (6, 12): Lemma 3 promises more neurons in (8, 10) than there are."""
    g = arb(VARIANCE)
    actual = enclose(gaussian_probability(8.0, 10.0, g))
    return Demonstration(
        quantity="expected share of neurons in the middle third of I = (6, 12), G_aa = 10, to exceed K",
        printed=Claim(actual, ">=", enclose(charitable(g))),
        repaired=Claim(actual, ">=", enclose(constants.K(INTERVAL, g, g))),
        evidence="enclosed",
        note=(
            "The text at hand does not show whether max(|I_l|, |I_r|) is squared and whether there is a factor 2. The"
            " printed value is the reading with the smallest K, exp(-max^2/G_min^2); exp(-max^2/(2 G_min^2)) gives"
            " K ="
            f" {float(constants.K_printed_squared(INTERVAL, g, g)):.4f} and exp(-max/G_min^2) K ="
            f" {float(constants.K_printed(INTERVAL, g, g)):.4f}: all are refuted."
        ),
    )


ERRATUM = Erratum(
    id="E5",
    where="(56), (71), Lemma 3",
    title="(G_min)^2 in the exponent of K should be 2 G_min",
    printed=(
        "K(I, l1, l2) = (I_r - I_l)/(6 sqrt(2 pi l2)) exp(-max(|I_l|, |I_r|)^p/(k l1^2)), p and k in {1, 2}, and "
        "eta~^0 > K(I, G_min, G_max) with probability 1 - delta."
    ),
    fails=(
        "h_i(x_a) has variance G_aa, so its density decays as exp(-u^2/(2 G_aa)). Dividing by G_min^2 is "
        "dimensionally wrong (h scales as sqrt(G)) and makes K too large for large G."
    ),
    repaired="K(I, l1, l2) = (I_r - I_l)/(6 sqrt(2 pi l2)) exp(-max(|I_l|, |I_r|)^2/(2 l1)).",
    proof=(
        "On the middle third, of length |I|/3, the density of N(0, G_aa) is at least exp(-max^2/(2 G_min))/sqrt(2"
        " pi G_max); so its mass is at least 2K, and Hoeffding with m >= log(n/delta)/(2K^2) leaves more than K."
    ),
    consequence=(
        "Lemma 3 is false as printed: by the law of large numbers eta~^0 tends to its expectation, which is below"
        " K, as m grows. Theorems 1-3 survive with the repaired K. For small G (k G_min <= 2 if p = 2, k G_min "
        "max(|I_l|, |I_r|) <= 2 if p = 1) the printed K is smaller than the repaired one, hence valid."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
