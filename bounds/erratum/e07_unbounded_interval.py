"""E7: Assumption 2 allows an unbounded I, for which the middle third and K are undefined."""

from __future__ import annotations

from flint import arb

from bounds import constants
from bounds.activation.gaussian import gaussian_probability
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose

MARGIN = 0.5  # xi


def demonstrate() -> Demonstration:
    """ReLU, G_aa = 1, I = (0, R): K -> 0 as R grows to the whole active region."""
    import sympy as sp

    right = sp.Symbol("I_r", positive=True)
    limits = []
    for formula in (constants.K, constants.K_printed):
        values = {"lambda_1": 1, "lambda_2": 1, "I_l": 0, "I_r": right}
        K = formula.symbolic.subs({s: values[s.name] for s in formula.symbolic.free_symbols})
        limits.append(float(sp.limit(K, right, sp.oo)))
    best = constants.K((0, 1), 1, 1)
    return Demonstration(
        quantity="share of neurons certified to start well inside I (ReLU, G_aa = 1), to be positive",
        printed=Claim((min(limits), max(limits)), ">", (0.0, 0.0)),
        repaired=Claim(enclose(gaussian_probability(MARGIN, float("inf"), arb(1))), ">", (0.0, 0.0)),
        evidence="exact",
        note=(
            "The true value is the limit (SymPy) of K(I, 1, 1) for I = (0, R), R to infinity, with the printed and"
            f" with the repaired exponent. Shrinking I to (0, 1) gives K = {float(best):.4f}; I_0 = (xi, infinity)"
            f" with xi = {MARGIN} holds the share P(Z > xi) of the repaired claim."
        ),
    )


ERRATUM = Erratum(
    id="E7",
    where="Assumption 2, (18), (38), Lemma 3",
    title="I may be unbounded (ReLU), and then its middle third is undefined",
    printed=(
        "Assumption 2 asks for an open interval I in R with |sigma'| >= K_s, satisfied by ReLU; xi = (I_r - "
        "I_l)/3, and K is a positive number."
    ),
    fails=(
        "The text before (38) foresees an I without boundaries, but (18), (19) and Lemma 3 use its thirds. For "
        "ReLU I = (0, infinity): thirds do not exist, and K = infinity times 0. The limit is 0, so c_0 = "
        "const/K^{3/2} and the width 1/K^2 are infinite."
    ),
    repaired=(
        "Any I_0 in I with dist(I_0, complement of I) >= xi serves, with I and xi free: I_0 = (xi, infinity) for "
        "ReLU. Or shrink I to a bounded interval first."
    ),
    proof=(
        "(39)-(46) use of I_0 only that a neuron starting in I_0 and leaving I has moved by xi; P(N(0, G_aa) in "
        "I_0) > 0 takes the place of 2K in Lemma 3."
    ),
    consequence=(
        "If I is meant to be bounded, as (0, 1) for ReLU, nothing is wrong, and Theorems 1-3 survive. With free I_0"
        " they also get much better constants (methods `markov`, `chebyshev`)."
    ),
    grade="reading",
    demonstrate=demonstrate,
)
