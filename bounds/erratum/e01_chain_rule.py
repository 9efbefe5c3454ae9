"""E1: (52)-(54) differentiate sqrt(2L) where 2 sqrt(L) is needed."""

from __future__ import annotations

from typing import Any

from flint import arb

from bounds.erratum.base import Claim, Demonstration, Erratum, enclose


def derivative(o: Any, factor: Any, L: Any, dL: Any) -> Any:
    """The time derivative of factor sqrt(L), given L and dL = dL/dt."""
    return factor / 2 * dL / o(L)


def lemma_1_constants() -> tuple[Any, Any]:
    """kappa of Lemma 1 by integrating (52) with sqrt(2L) and with 2 sqrt(L), as SymPy expressions."""
    import sympy as sp

    lmin, lmax, slope, length, L = sp.symbols("lambda_min lambda_max K_s I L", positive=True)
    C1 = lmax / sp.sqrt(lmin) / (length / 3)  # (46) with xi = |I|/3
    C2 = C1 / (sp.sqrt(2) * sp.sqrt(lmin) * slope)  # (51)
    printed, repaired = (sp.simplify(sp.Rational(3, 2) * C2 * F / sp.sqrt(L)) for F in (sp.sqrt(2 * L), 2 * sp.sqrt(L)))
    return printed, repaired


def demonstrate() -> Demonstration:
    """L = 1 and L' = -1: the derivative of sqrt(2L) is -1/sqrt(2), and -1 >= -0.707 is false."""
    import sympy as sp

    t = sp.Symbol("t")
    L = sp.Function("L", positive=True)(t)
    rate = sp.diff(L, t) / sp.sqrt(L)
    ratios = [sp.simplify(rate / sp.diff(F, t)) for F in (sp.sqrt(2 * L), 2 * sp.sqrt(L))]
    printed, repaired = lemma_1_constants()

    def ball_sqrt(x: arb) -> arb:
        return arb(x).sqrt()

    actual = enclose(arb(-1) / ball_sqrt(arb(1)))
    return Demonstration(
        quantity="L'/sqrt(L) at L = 1, L' = -1, to be at least d/dt of the function on the right of (52)",
        printed=Claim(actual, ">=", enclose(derivative(ball_sqrt, arb(2).sqrt(), arb(1), arb(-1)))),
        repaired=Claim(actual, ">=", enclose(derivative(ball_sqrt, arb(2), arb(1), arb(-1)))),
        evidence="exact",
        note=(
            f"SymPy: (L'/sqrt(L)) / (d/dt sqrt(2L)) = {ratios[0]} and (L'/sqrt(L)) / (d/dt 2 sqrt(L)) = {ratios[1]}"
            f" for every L > 0. Integrated, Lemma 1 gets kappa = {printed} as printed and {repaired} as repaired (I"
            " stands for I_r - I_l)."
        ),
    )


ERRATUM = Erratum(
    id="E1",
    where="(52)-(54), Lemma 1",
    title="sqrt(2L) differentiated as if it were 2 sqrt(L)",
    printed=(
        "d/dt (2/3) eta^{3/2} >= (C_2/c) L' L^{-1/2} >= (C_2/c) d/dt (2L)^{1/2}, hence the terms (2L)^{1/2} of "
        "(53), (54) and the sqrt(2) of (57), (58)."
    ),
    fails=(
        "d/dt (2L)^{1/2} = L'/(2L)^{1/2}, and L' <= 0: dividing a negative number by the larger (2L)^{1/2} gives "
        "the larger number, so the second inequality points the wrong way by a factor sqrt(2). (If 2 (L)^{1/2} "
        "was meant, the sqrt(2) of (57), (58) must be 2.)"
    ),
    repaired=(
        "L' L^{-1/2} = d/dt (2 L^{1/2}). Lemma 1 holds with kappa = 9 lambda_max/(sqrt(2) K_s lambda_min |I|); "
        "the printed chain would give 9/2 for 9/sqrt(2)."
    ),
    proof=(
        "For F = k L^{1/2}, dF/dt = (k/2) L' L^{-1/2}, and L' <= 0 gives L' L^{-1/2} >= dF/dt exactly when k >= "
        "2. With k = 2, (2/3)(eta_t^{3/2} - eta_0^{3/2}) >= (2 C_2/c)(sqrt(L^t) - sqrt(L^0)) and 3 C_2 = kappa "
        "because C_2 = 3 lambda_max/(sqrt(2) K_s lambda_min |I|)."
    ),
    consequence=(
        "Theorems 1-3 survive with c_0 larger by sqrt(2): c >= 9 sqrt(2) ||y|| lambda_max/(K_s |I| K^{3/2} "
        "lambda_min). Only the proof with 9/2 is refuted, not Lemma 1 with 9/2. The typeset kappa after (19) is "
        "not legible in the text at hand; (77) shows 9 with no readable divisor, which, if meant, is safe because"
        " 9 >= 9/sqrt(2)."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
