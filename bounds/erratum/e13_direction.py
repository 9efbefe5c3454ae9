"""E13: (89) has the inequality reversed, (91) and (92) square u'."""

from __future__ import annotations

from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.erratum.one_point import DELTA, dimension_asked, probability_close

U = 0.01


def demonstrate() -> Demonstration:
    """n = d = 1, ReLU, x = 1, u' = 0.01: D is what Lemma 4 asks for with explicit constants."""
    D = dimension_asked(1.0, U)
    promised = (1 - DELTA, 1 - DELTA)
    low, high = probability_close(D, 1.0, U)
    squared = sum(probability_close(D, 1.0, U**2)) / 2
    return Demonstration(
        quantity="P(|G - Gbar| >= u') (printed), P(|G - Gbar| <= u') (repaired), u' = 0.01",
        printed=Claim((max(0.0, 1 - high), 1 - low), ">=", promised),
        repaired=Claim((low, high), ">=", promised),
        evidence="numerical",
        note=(
            f"n = 1, ReLU, x = 1, delta = {DELTA}, D = {D}; exact law of G, whose error of 1e-9 is the probability"
            f" shown. With the square of (91), (92) on u' alone, P(|G - Gbar| <= (u')^2) = {squared:.3g}."
        ),
    )


ERRATUM = Erratum(
    id="E13",
    where="(89)-(92)",
    title="a reversed inequality, and u' squared",
    printed=(
        "After (89): |G_ab - Gbar_ab| >= u with probability at least 1 - delta'. (91), (92), as far as the text at "
        "hand shows the exponents: ||G - Gbar||_F against (u')^2."
    ),
    fails=(
        "(88) bounds the probability of a large deviation, so a small one has probability 1 - delta'. n^2 entries"
        " within u'/n give ||G - Gbar||_F^2 <= (u')^2, hence ||G - Gbar||_F <= u'."
    ),
    repaired=(
        "|G_ab - Gbar_ab| <= u with probability at least 1 - delta', and ||G - Gbar||_2 <= ||G - Gbar||_F <= u'."
    ),
    proof="sum_ab (u'/n)^2 = (u')^2, and the spectral norm is at most the Frobenius norm.",
    consequence=(
        "None: a slip of the pen, and perhaps a second; (84) is stated with u. (If the norms of (91), (92) carry a "
        "square that the text at hand lost, only the direction of (89) is wrong, which is what is computed here.)"
    ),
    grade="proved",
    demonstrate=demonstrate,
)
