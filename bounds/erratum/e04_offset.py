"""E4: (62) bounds the sub-Gaussian norm of sigma(h) as if sigma(0) were 0."""

from __future__ import annotations

from flint import acb, arb

from bounds.erratum.base import Claim, Demonstration, Erratum, enclose
from bounds.numerics.arithmetic import ENCLOSED

VARIANCE = arb(1) / 10**4  # G_aa
REACH = 40
BISECTIONS = 30


def moment(t: arb) -> arb:
    """E exp(sigma(h)^2/t^2) for the sigmoid and h ~ N(0, VARIANCE), enclosed."""
    root = VARIANCE.sqrt()

    def integrand(z: acb, _: bool) -> acb:
        s = 1 / (1 + (-root * z).exp())
        return (s * s / (t * t) - z * z / 2).exp()

    body = acb.integral(integrand, -REACH, REACH).real / (2 * arb.pi()).sqrt()
    tail = 2 * ENCLOSED.ncdf(arb(-REACH)) * (1 / (t * t)).exp()
    return body + tail.union(arb(0))


def sub_gaussian_norm() -> arb:
    """inf {t: E exp(sigma(h)^2/t^2) <= 2}, by bisection with a certified sign at each end."""
    low, high = arb("0.5"), arb(1)
    for _ in range(BISECTIONS):
        middle = arb(((low + high) / 2).mid())
        value = moment(middle)
        if value > 2:
            low = middle
        elif value < 2:
            high = middle
        else:
            break
    return low.union(high)


def printed() -> arb:
    """The bound of (62), Ls sqrt(G_aa) M, with the least M that is right for a linear sigma: sqrt(8/3), the norm of
    N(0, 1)."""
    return VARIANCE.sqrt() / 4 * (arb(8) / 3).sqrt()


def repaired() -> arb:
    """The repaired bound of the sub-Gaussian norm: |sigma(0)|/sqrt(log 2) + Ls sqrt(G_aa) sqrt(8/3)."""
    return 1 / (2 * arb(2).log().sqrt()) + printed()


def demonstrate() -> Demonstration:
    """The sigmoid with G_aa = 1e-4: sigma(h) is nearly the constant 1/2."""
    actual = enclose(sub_gaussian_norm())
    needed = arb(actual[0]) / (VARIANCE.sqrt() / 4)
    return Demonstration(
        quantity="sub-Gaussian norm of sigma(h), sigmoid, G_aa = 1e-4",
        printed=Claim(actual, "<=", enclose(printed())),
        repaired=Claim(actual, "<=", enclose(repaired())),
        evidence="enclosed",
        note=(
            f"(62) would need M >= {float(needed):.3g} here, and M >= 2.4/sqrt(G_aa) in general: no absolute"
            " constant. The norm is found by bisection on E exp(sigma(h)^2/t^2) = 2, each expectation by verified"
            " integration."
        ),
    )


ERRATUM = Erratum(
    id="E4",
    where="(62)",
    title="the sub-Gaussian norm needs sigma(0) = 0",
    printed="||c_i sigma(h_i(x_a))||_psi2 <= c Ls sqrt(G_aa) M with an absolute constant M.",
    fails=(
        "Lipschitz continuity bounds sigma(h) - sigma(0). A constant sigma(0) has the norm |sigma(0)|/sqrt(log "
        "2), which does not shrink with G_aa."
    ),
    repaired="||c_i sigma(h_i(x_a))||_psi2 <= c (|sigma(0)|/sqrt(log 2) + Ls sqrt(8 G_aa/3)).",
    proof=(
        "|sigma(h)| <= |sigma(0)| + Ls |h| and the triangle inequality. For Z ~ N(0, 1), E exp(Z^2/t^2) = (1 - "
        "2/t^2)^{-1/2} = 2 at t^2 = 8/3; for a constant k, exp(k^2/t^2) = 2 at t = k/sqrt(log 2)."
    ),
    consequence=(
        "Lemma 2 and Theorem 1 hold for sigma(0) = 0 (with E2, E3 repaired); otherwise the width depends on "
        "sigma(0) too: see E9. The calculator uses mu_a = E sigma(h_a), which is sharper than |sigma(0)|."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
