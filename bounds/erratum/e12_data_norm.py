"""E12: (86) drops the norm of the data and sigma(0), so Lemma 4 has no such constant."""

from __future__ import annotations

from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.erratum.one_point import DELTA, deviation_promised, dimension_asked, probability_close

D, U = 10_000, 1.0


def demonstrate() -> Demonstration:
    """n = d = 1, ReLU features, D = 1e4: the deviation of G grows as ||x||^2."""
    norm = 100.0
    wide = deviation_promised(D, norm)
    chances = {x: sum(probability_close(D, x, U)) / 2 for x in (1.0, 10.0, norm)}
    promised = (1 - DELTA, 1 - DELTA)
    return Demonstration(
        quantity=f"P(|G - Gbar| <= u) for n = 1, ||x|| = 100, D = {D}; u = 1 (printed), u = {wide:.0f} (repaired)",
        printed=Claim(probability_close(D, norm, U), ">=", promised),
        repaired=Claim(probability_close(D, norm, wide), ">=", promised),
        evidence="numerical",
        note=(
            "Exact law of G, a binomial mixture of chi-squared laws: P(|G - Gbar| <= 1) = "
            + ", ".join(f"{p:.3g} at ||x|| = {x:.0f}" for x, p in chances.items())
            + f". Without ||x||, Lemma 4 with explicit constants asks for D >= {dimension_asked(1.0, U)} whatever x is;"
            f" with it, D >= {dimension_asked(norm, U):.2g} at ||x|| = 100. Any other absolute constant fails at a"
            " larger ||x||."
        ),
    )


ERRATUM = Erratum(
    id="E12",
    where="(86), Lemma 4, Theorem 3",
    title="the norm of the data and sigma(0) are dropped",
    printed=(
        "||sigma(x_a'Z)||_psi2 <= Ls ||x_a'Z||_psi2 <= Ls ||Z||_psi2, hence Lemma 4: D >= C n^2 u^{-2} "
        "log(n/delta) with C independent of the data. (The factor 1/sqrt(d) of (23) is left out there.)"
    ),
    fails=(
        "||Z||_psi2 is a supremum over unit vectors (85), so ||x_a'Z||_psi2 can be ||x_a|| ||Z||_psi2; and the "
        "first step needs sigma(0) = 0, as in E4."
    ),
    repaired=(
        "kap = max_a [|sigma(0)|/sqrt(log 2) + Ls (||x_a||/sqrt(d)) ||Z||_psi2] and D >= (4 kap^4 n^2/u^2 + 2 "
        "kap^2 n/u) log(n(n+1)/delta) give ||G - Gbar||_F <= u with probability 1 - delta; ||Z||_psi2 = sqrt(8/3)"
        " for Gaussian z."
    ),
    proof=(
        "X = sigma(x_a'z/sqrt(d)) sigma(x_b'z/sqrt(d)) has E exp(|X|/kap^2) <= 2 by 2|st| <= s^2 + t^2 and "
        "Cauchy-Schwarz, so E|X|^p <= p! kap^{2p} and Bernstein gives P(|mean - EX| >= t) <= 2 exp(-D t^2/(4 "
        "kap^4 + 2 kap^2 t)). Take t = u/n and a union bound over the n(n+1)/2 entries."
    ),
    consequence=(
        "Lemma 4 is false as printed. Theorem 3 survives with C_2 depending on max ||x_a||^2/d and sigma(0); for "
        "ReLU and Gaussian z the former is twice the largest diagonal entry of Gbar, on which C_2 may depend as "
        "printed."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
