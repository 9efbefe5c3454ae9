"""E9: the width of Theorem 1 cannot be independent of sigma(0)."""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from bounds.erratum.base import Claim, Demonstration, Erratum, enclose, within
from bounds.erratum.flow import Array, Flow, matrix, pairs, rademacher, tanh_slope
from bounds.guarantee import guarantee
from bounds.problem import Problem

OFFSET = 1e10  # b of sigma = b + tanh
SIMULATED_OFFSET, SIMULATED_WIDTH, SIMULATED_SCALE = 1e6, 2001, 10.0
SEED = 0
DELTA = 0.05


def shifted_tanh(offset: float, y: Array, signs: Array) -> Flow:
    """The flow of one data point with G = 1 and sigma = offset + tanh, target y and signs (m,)."""
    return Flow(y, signs, matrix(np.eye(1)), lambda u: offset + np.tanh(u), tanh_slope)


def floor(offset: float, width: int, scale: float) -> arb:
    """L >= (c b/m - c - 1)^2/2 for every draw and all t: |mean of signs| >= 1/m for odd m, |tanh| <= 1 = |y|."""
    return (arb(scale) * arb(offset) / width - arb(scale) - 1) ** 2 / 2


def demonstrate() -> Demonstration:
    """n = 1, y = 1, at the width and scale that the printed constants ask for; they do not see b."""
    y = np.ones(1)
    problem = Problem(np.ones((1, 1)), y)
    asked = guarantee(problem, DELTA, method="printed")
    width = asked.width + 1 - asked.width % 2
    rng = np.random.default_rng(SEED)
    signs = rademacher(rng, SIMULATED_WIDTH, SIMULATED_SCALE)
    plain = shifted_tanh(SIMULATED_OFFSET, y, signs)
    h = rng.standard_normal((SIMULATED_WIDTH, 1))
    losses = [plain.loss(state) for state in (h, plain.run(h, [1.0], rtol=1e-6)[-1])]

    mended = guarantee(problem, DELTA, method="slopes", init="antisymmetric")
    signs, h = pairs(rng, mended.width, 1, mended.scale)
    fitted = shifted_tanh(SIMULATED_OFFSET, y, signs)
    time = 2 / mended.rate
    after = fitted.loss(fitted.run(h, [time], rtol=1e-8)[-1])
    return Demonstration(
        quantity=f"limit of L, sigma = {OFFSET:.0e} + tanh (printed); L at t = 2/rate, antisymmetric (repaired)",
        printed=Claim((enclose(floor(OFFSET, width, asked.scale))[0], math.inf), "<=", (0.0, 0.0)),
        repaired=Claim(within(after, 1e-5), "<=", within(fitted.loss(h) * math.exp(-2), 1e-12)),
        evidence="enclosed",
        note=(
            f"n = 1, G = 1, y = 1, delta = {DELTA}: the printed constants, the same for every b, ask for c ="
            f" {asked.scale:.4g} and m = {asked.width}. With m = {width} and b = {OFFSET:.0e} every draw keeps L >="
            f" {float(floor(OFFSET, width, asked.scale)):.4g} for ever. Simulated with b = {SIMULATED_OFFSET:.0e}, m"
            f" = {SIMULATED_WIDTH}, c = {SIMULATED_SCALE:.0f}, seed {SEED}: L^0 = {losses[0]:.3g}, L^1 ="
            f" {losses[1]:.3g}. Antisymmetric pairs with m = {mended.width}, c = {mended.scale:.3g}, b ="
            f" {SIMULATED_OFFSET:.0e}: L = {after:.3g} at t = 2/rate."
        ),
    )


ERRATUM = Erratum(
    id="E9",
    where="Theorem 1",
    title="the constants cannot be independent of sigma(0)",
    printed=(
        "c_0, r and C depend on I, G_min, G_max, ||y||, Ls and K_s only: for c >= c_0 lambda_max/lambda_min and m"
        " >= C (1 + c^2) log(n/delta), L^t <= L^0 exp(-r c^2 lambda_min t) with probability 1 - delta."
    ),
    fails=(
        "b + tanh has the Ls and K_s of tanh for every b. The output contains c b times the mean of the signs, "
        "which no training of W changes, while the trainable part stays within c."
    ),
    repaired=(
        "m >= 16 a^2 B^2 with B of `bounds.constants.B`, which contains ||E sigma(h)||, and a of the method; or "
        "antisymmetric pairs, for which sigma(0) cancels and the width does not see it."
    ),
    proof=(
        "For odd m, |mean of signs| >= 1/m, so |f - y| >= c b/m - c - |y| > 0 for all t once b > m (1 + |y|/c): "
        "whatever c_0 and C are, choose c, then m, then b. For even m the same holds with probability 1 - P(mean "
        "= 0) >= 1 - 1/sqrt(m). Repaired: docs/theory.md (initial output); in pairs sum_i c_i b = 0 and f^0 = 0."
    ),
    consequence=(
        "Theorem 1 is false as printed, whatever its constants. It survives with C depending also on E sigma(h), "
        "or with the printed dependence under antisymmetric initialisation."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
