"""E11: Corollary 1 has no condition on the scale."""

from __future__ import annotations

import math

import numpy as np

from bounds.erratum.base import Claim, Demonstration, Erratum, within
from bounds.erratum.flow import Flow, matrix, pairs, tanh_slope
from bounds.guarantee import guarantee
from bounds.problem import Problem

WIDTH, TIME, SEED, DELTA = 100, 1000.0, 0, 0.05


def demonstrate() -> Demonstration:
    """tanh, n = d = 1, x = 1, y = 2, c = 1: |f| < 1, so L > 1/2 whatever the width."""
    y = np.array([2.0])
    mended = guarantee(Problem(np.ones((1, 1)), y), DELTA, method="slopes", init="antisymmetric")

    def losses(width: int, scale: float, time: float) -> tuple[float, float]:
        signs, h = pairs(np.random.default_rng(SEED), width, 1, scale)
        flow = Flow(y, signs, matrix(np.eye(1)), np.tanh, tanh_slope)
        return flow.loss(h), flow.loss(flow.run(h, [time])[-1])

    _, late = losses(WIDTH, 1.0, TIME)
    first, after = losses(mended.width, mended.scale, 2 / mended.rate)
    return Demonstration(
        quantity="limit of L at c = 1 (printed); L at t = 2/rate at the scale asked for (repaired)",
        printed=Claim((0.5, late + 1e-7), "<=", (0.0, 0.0)),
        repaired=Claim(within(after, 1e-7), "<=", within(first * math.exp(-2), 1e-12)),
        evidence="numerical",
        note=(
            f"1/2 is an exact lower bound, (|y| - c)^2/2. The upper end is the flow with m = {WIDTH} at t ="
            f" {TIME:.0f}, seed {SEED}: L = {late:.4f}. The theorem asks for c >= {mended.scale:.4g}, m >="
            f" {mended.width} (`slopes`, antisymmetric, delta = {DELTA}); there L = {after:.3g} at t = 2/rate, L^0 ="
            f" {first:.3g}."
        ),
    )


ERRATUM = Erratum(
    id="E11",
    where="Corollary 1",
    title="no condition on the scale and the width",
    printed=(
        "If the data are linearly independent, then under Assumptions 1-3 and gradient flow the training loss of "
        "the shallow network converges to zero at a linear rate."
    ),
    fails=(
        "Assumption 1 allows any c > 0. For bounded sigma, |f| <= c sup|sigma|, so a target beyond that is never "
        "reached; and the statement is not made with a probability."
    ),
    repaired=(
        "Corollary 1 with the hypotheses of Theorem 1: c >= c_0 lambda_max/lambda_min, m large, with probability "
        "1 - delta."
    ),
    proof=(
        "With them it is Theorem 1 for G = X X'/d, positive definite exactly when the data are linearly independent."
    ),
    consequence="A matter of wording: the corollary is Theorem 1 with its hypotheses left out.",
    grade="proved",
    demonstrate=demonstrate,
)
