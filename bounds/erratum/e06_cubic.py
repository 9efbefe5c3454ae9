"""E6: the cubic activation is named among those with |sigma'| bounded below."""

from __future__ import annotations

import math

import numpy as np

from bounds.erratum.base import Claim, Demonstration, Erratum, within
from bounds.erratum.flow import Flow, matrix

TIME = 1000.0
ERROR = 1e-6


def demonstrate() -> Demonstration:
    """n = m = 1, G = c = 1, y = -1, h^0 = 1: h decreases to 0, where sigma' vanishes, and stays positive."""
    y, one, h0 = np.array([-1.0]), np.array([1.0]), np.ones((1, 1))
    cubic = Flow(y, one, matrix(np.eye(1)), lambda u: u**3, lambda u: 3 * u**2)
    mended = Flow(y, one, matrix(np.eye(1)), lambda u: u + u**3, lambda u: 1 + 3 * u**2)
    final = cubic.loss(cubic.run(h0, [TIME])[-1])
    after = mended.loss(mended.run(h0, [1.0])[-1])
    return Demonstration(
        quantity="limit of L for u^3 (printed); L at t = 1 for u + u^3 (repaired)",
        printed=Claim((0.5, final + ERROR), "<=", (0.0, 0.0)),
        repaired=Claim(within(after, ERROR), "<=", within(mended.loss(h0) * math.exp(-2), 1e-12)),
        evidence="numerical",
        note=(
            "1/2 is an exact lower bound: h > 0 is invariant, so f > 0 and L > 1/2 for ever; the upper end is the"
            f" flow at t = {TIME:.0f}, L = {final:.4f}. (16) promises L -> 0 for any K_s > 0. With u + u^3, K_s = 1,"
            f" and L^1 = {after:.3g} <= L^0 exp(-2)."
        ),
    )


ERRATUM = Erratum(
    id="E6",
    where="text before (16)",
    title="the cubic has sigma'(0) = 0",
    printed=(
        'Activations with |sigma\'| >= K_s > 0 everywhere, "such as linear, cubic or (smoothed) Leaky ReLU", '
        "satisfy L' <= -2 c^2 lambda_min K_s^2 L, hence L -> 0."
    ),
    fails="The derivative 3u^2 of the cubic vanishes at 0: there is no such K_s.",
    repaired="(16) holds with K_s = inf |sigma'|, which is 0 for u^3 (no promise) and 1 for u + u^3.",
    proof=(
        "(14) gives L' <= -c^2 lambda_min sum_a r_a^2 (1/m) sum_i sigma'(h_ia)^2 <= -2 c^2 lambda_min "
        "inf|sigma'|^2 L. In the example h' = -3h^2(h^3 + 1) < 0 vanishes only at h = 0, so h falls to 0 and L to"
        " 1/2."
    ),
    consequence="None for the theorems; the example should read linear, u + u^3 or leaky ReLU.",
    grade="proved",
    demonstrate=demonstrate,
)
