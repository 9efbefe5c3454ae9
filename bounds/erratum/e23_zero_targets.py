"""E23: y = 0 is not excluded, and (55), (57), (65) divide by ||y||."""

from __future__ import annotations

import math

import numpy as np

from bounds.erratum.base import Claim, Demonstration, Erratum, within
from bounds.erratum.flow import Flow, matrix, rademacher, tanh_slope
from bounds.guarantee import guarantee
from bounds.problem import Problem

DELTA, SEED = 0.05, 0


def demonstrate() -> Demonstration:
    """n = 1, tanh, y = 0: no width gives L^0 <= 0; the flow converges all the same."""
    y = np.zeros(1)
    g = guarantee(Problem(np.ones((1, 1)), y), DELTA, method="slopes")
    rng = np.random.default_rng(SEED)
    signs = rademacher(rng, g.width, g.scale)
    flow = Flow(y, signs, matrix(np.eye(1)), np.tanh, tanh_slope)
    h = rng.standard_normal((g.width, 1))
    time = 2 / g.rate
    before, after = flow.loss(h), flow.loss(flow.run(h, [time], rtol=1e-10)[-1])
    return Demonstration(
        quantity="P(L^0 <= ||y||^2) at any finite width (printed); -L/L^0 at t = 2/rate (repaired), y = 0",
        printed=Claim((0.0, 0.0), ">=", (1 - DELTA, 1 - DELTA)),
        repaired=Claim(within(-after / before, 1e-6), ">=", (-math.exp(-2), -math.exp(-2))),
        evidence="exact",
        note=(
            f"f^0 has a density, so P(f^0 = 0) = 0 exactly. The repaired theorem asks for m >= {g.width} at c ="
            f" {g.scale:.3g} (`slopes`, delta = {DELTA}); there, seed {SEED}, L falls from {before:.3g} to {after:.3g}."
        ),
    )


ERRATUM = Erratum(
    id="E23",
    where="(55), (57), (65), Theorems 1-3",
    title="y = 0 is not excluded",
    printed=(
        "C depends on ||y||, for every y; by Lemma 2, m >= C c^2 log(n/delta) G_max/||y||^2 gives L^0 <= ||y||^2 with "
        "probability 1 - delta."
    ),
    fails=(
        "For y = 0 the width of Lemma 2 is a division by zero, and its conclusion L^0 <= 0 has probability 0 at every "
        "finite width. If the condition is read as one that no width fulfils, Lemma 2 is empty there, and the proof "
        "gives Theorem 1 no finite C; if y = 0 is tacitly excluded, nothing is wrong."
    ),
    repaired=(
        "y is not 0; or a (||y|| + c B/sqrt(m)) < c with B of `bounds.constants.B`, which does not divide by ||y||."
    ),
    proof=(
        "||r^0|| <= ||y|| + ||f^0|| <= ||y|| + c B/sqrt(m) with probability 1 - delta, and the master theorem of "
        "docs/theory.md needs a ||r^0|| < c only; for y = 0 that is m > a^2 B^2."
    ),
    consequence=(
        "None for y that is not 0, but C grows as 1/||y||^2 when y tends to 0, where the true requirement does "
        "not. The calculator's paper-style methods refuse y = 0, the others accept it."
    ),
    grade="reading",
    demonstrate=demonstrate,
)
