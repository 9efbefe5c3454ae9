"""E21: the over-parameterization of Theorem 3 is not that of [18], but less."""

from __future__ import annotations

from typing import Any

from bounds import constants
from bounds.erratum.base import Claim, Demonstration, Erratum

DEEP = 4  # the width of [18] is of order (n/lambda_min)^4 (its theorem for fully connected networks)


def exponent(expression: Any, symbol: str) -> int:
    """The power with which a formula grows in `symbol` as this tends to infinity, its logarithms left out."""
    import sympy as sp

    x = next(s for s in expression.free_symbols if s.name == symbol)
    bare = expression.replace(sp.log, lambda *_: sp.Integer(1))
    return int(sp.degree(sp.Poly(sp.expand(bare.subs({s: 1 for s in bare.free_symbols if s.name != symbol})), x)))


def demonstrate() -> Demonstration:
    """Powers of n in the widths that the formulas ask for where lambda_max, hence the least scale, is of order n."""
    features = exponent(constants.D_lemma_4.symbolic, "n")
    printed, repaired = (
        exponent(width.symbolic, "chat") + exponent(width.symbolic, "n")
        for width in (constants.width_lemma_2_printed, constants.width_lemma_2)
    )
    larger = float(max(features, printed))
    most = float(max(features, repaired))
    return Demonstration(
        quantity="power of n in the larger of D and m as printed, and with Lemma 2 repaired; logarithms left out",
        printed=Claim((larger, larger), "==", (DEEP, DEEP)),
        repaired=Claim((most, most), "<=", (DEEP, DEEP)),
        evidence="exact",
        note=(
            f"D: n^{features}/lambda_min^2. m through c, whose least value is of order n/lambda_min where lambda_max is"
            f" of order n: (n/lambda_min)^{printed} as printed, n^{repaired}/lambda_min^2 with Lemma 2 repaired (E2)."
            f" [18]: n^{DEEP}/lambda_min^{DEEP} for its own Gram matrix, quoted from there."
        ),
    )


ERRATUM = Erratum(
    id="E21",
    where="section 3.2.1, after Theorem 3",
    title='"the same level of over-parameterization" as [18]',
    printed="Compared to the NTK result [18], our analysis assumes the same level of over-parameterization.",
    fails=(
        "[18] asks for a width of order n^4/lambda_min^4. Theorem 3 asks for D of order n^2 log(n)/lambda_min^2 "
        "and m of order (1 + c^2) log(n), with c at least of order lambda_max/lambda_min, hence up to "
        "n/lambda_min."
    ),
    repaired=(
        "Theorem 3 asks for less: D of order n^2/lambda_min^2 and m of at most that order as printed, or "
        "n^3/lambda_min^2 with Lemma 2 repaired, up to logarithms; and for a scale c, which the NTK scaling does "
        "not have."
    ),
    proof=(
        "lambda_max(G) <= tr(G) <= n G_max; the powers are read off the formulas of `bounds.constants`. The two "
        "lambda_min are those of different matrices, and the constants of [18] grow exponentially with the depth, so "
        "that only the powers of n compare."
    ),
    consequence="None: the theorem compares better than the sentence says, if what is meant is the power of n.",
    grade="remark",
    demonstrate=demonstrate,
)
