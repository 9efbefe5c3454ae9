"""E3: (66) drops the cross term of |f - y|^2. The shortest file here: a template for the next erratum."""

from __future__ import annotations

from flint import arb

from bounds.erratum.base import Claim, Demonstration, Erratum, enclose


def demonstrate() -> Demonstration:
    """n = m = 1, sigma = u, c = 1, h = -1, y = 1: f^0 = -y."""
    f, y = arb(-1), arb(1)
    actual = enclose((f - y) ** 2 / 2)
    return Demonstration(
        quantity="L^0 for f^0 = -y, ||y|| = 1",
        printed=Claim(actual, "<=", enclose(f**2 / 2 + y**2 / 2)),
        repaired=Claim(actual, "<=", enclose((abs(f) + abs(y)) ** 2 / 2)),
        evidence="exact",
        note="||f^0|| <= ||y|| holds, and L^0 = 2 ||y||^2; the repaired number is (||f^0|| + ||y||)^2/2.",
    )


ERRATUM = Erratum(
    id="E3",
    where="(66)",
    title="the cross term of |f - y|^2 is dropped",
    printed="||f^0|| <= ||y|| implies L^0 = (1/2) sum |f_a - y_a|^2 <= (1/2) sum f_a^2 + (1/2) ||y||^2 <= ||y||^2.",
    fails="|f - y|^2 <= f^2 + y^2 is false where f and y have opposite signs.",
    repaired=(
        "L^0 <= (||f^0|| + ||y||)^2/2. So ||f^0|| <= ||y|| gives 2 ||y||^2, and ||y||^2 needs ||f^0|| <= (sqrt(2)"
        " - 1) ||y||."
    ),
    proof="The triangle inequality ||f - y|| <= ||f|| + ||y||, squared; (1 + sqrt(2) - 1)^2/2 = 1.",
    consequence="A constant: the width of Lemma 2 grows by (sqrt(2) - 1)^{-2} = 5.83, or c_0 by sqrt(2).",
    grade="proved",
    demonstrate=demonstrate,
)
