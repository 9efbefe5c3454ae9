"""E22: Appendix H omits that no two data points may be parallel."""

from __future__ import annotations

import numpy as np

from bounds.data.random_features import RandomFeatures
from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.problem import Problem

DEPTH = 2  # L = 4


def demonstrate() -> Demonstration:
    """tanh, L = 4: x_2 = -x_1 (printed), x_2 at an angle (repaired)."""
    y = np.array([1.0, -1.0])
    apart = Problem(np.array([[1.0, 0.0], [0.6, 0.8]]), y, embedding=RandomFeatures(DEPTH, "tanh"))
    opposite = Problem(np.array([[1.0, 0.0], [-1.0, 0.0]]), y, embedding=RandomFeatures(DEPTH, "tanh"))
    return Demonstration(
        quantity="lambda_min(Gbar), tanh, L = 4, for x_2 = -x_1 (printed) and for x_1'x_2 = 0.6 (repaired)",
        printed=Claim((0.0, 0.0), ">", (0.0, 0.0)),
        repaired=Claim(apart.spectrum.lmin, ">", (0.0, 0.0)),
        evidence="exact",
        note=(
            "tanh is odd, so every layer has phi(-x) = -phi(x), for every width and every draw: Gbar_12 = -Gbar_11 and"
            f" (1, 1) is in the kernel of Gbar. Computed, lambda_min(Gbar) <= {max(0.0, opposite.spectrum.lmin[1]):.0e}"
            f" there, and lambda_min(Gbar) >= {apart.spectrum.lmin[0]:.4f} for the points at an angle."
        ),
    )


ERRATUM = Erratum(
    id="E22",
    where="Appendix H",
    title="that no two data points are parallel is left out",
    printed=(
        "If sigma is analytic and not a polynomial, then Condition 1 holds for the partially trained L-layer network."
    ),
    fails=(
        "Condition 1 needs lambda_min(Gbar) > 0. For two equal points, or for x and -x with an odd sigma, Gbar is "
        "singular at every depth."
    ),
    repaired="The same, if no two data points are parallel; [18] assumes it, and section 3.2.1 names it for L = 3.",
    proof=(
        "Singular: phi(-x) = -phi(x) in every layer. Positive definite: for a sigma that is analytic and no polynomial "
        "infinitely many Hermite coefficients are not 0, and the entrywise powers of a correlation matrix whose "
        "off-diagonal entries are below 1 in absolute value are positive definite from some power on (for rows of one "
        "length; in general see [18])."
    ),
    consequence="None but for data sets with equal or opposite points; the calculator certifies lambda_min(Gbar) > 0.",
    grade="proved",
    demonstrate=demonstrate,
)
