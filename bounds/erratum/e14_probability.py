"""E14: (57) holds with probability 1 - delta, not delta, and the two lemmas must share delta."""

from __future__ import annotations

import math

from flint import arb

from bounds import constants
from bounds.activation.gaussian import gaussian_probability
from bounds.activation.registry import get_activation
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose

DELTA = 1 - 1e-9
INTERVAL = (-1.0, 1.0)


def more_than(m: int, share: arb, p: arb) -> arb:
    """P(Binomial(m, p) > m share), enclosed."""
    total = arb(0)
    for k in range(m + 1):
        if k > m * share:
            total += math.comb(m, k) * p**k * (1 - p) ** (m - k)
    return total


def demonstrate() -> Demonstration:
    """tanh, n = 1, G = 1, I = (-1, 1), delta near 1: (57) at t = 0 needs an active neuron."""
    slope = get_activation("tanh").slope_floor(INTERVAL)
    K = constants.K(INTERVAL, 1, 1)
    m = math.ceil(float((1 / arb(DELTA)).log() / (2 * K**2)))
    active, third = gaussian_probability(*INTERVAL, arb(1)), gaussian_probability(-1 / 3, 1 / 3, arb(1))
    scale = 9 / (slope * 2 * K * K.sqrt())  # (58) for ||y|| = 1
    constant = m / ((1 + scale**2) * (1 / arb(DELTA)).log())
    split = math.ceil(float((2 / arb(DELTA)).log() / (2 * K**2)))
    return Demonstration(
        quantity=f"P((57) at t = 0), tanh, n = 1, G = 1, I = (-1, 1); m = {m} (printed), m = {split} (repaired)",
        printed=Claim(enclose(more_than(m, arb(0), active)), ">=", (DELTA, DELTA)),
        repaired=Claim((enclose(more_than(split, K, third))[0], 1.0), ">=", enclose(1 - arb(DELTA))),
        evidence="enclosed",
        note=(
            "delta = 1 - 1e-9: log(n/delta) is about 1e-9, so m = 1 satisfies m >= log(n/delta)/(2K^2) and m >= C (1"
            f" + c^2/||y||^2) log(n/delta) for every C up to {float(constant):.0f} at the least scale of (58). (57)"
            f" has a positive right side, so it needs the one neuron to start in I: probability {float(active):.4f}."
            f" With delta/2 for each lemma, m = {split}."
        ),
    )


ERRATUM = Erratum(
    id="E14",
    where="(57)",
    title='"with probability at least delta"',
    printed="If m >= C (1 + c^2/||y||^2) log(n/delta), then (57) holds with probability at least delta.",
    fails=(
        "Lemmas 2 and 3 hold with probability 1 - delta each. For delta < 1/2 the printed sentence says too "
        "little; for delta near 1 it says too much. Both lemmas at once have 1 - 2 delta."
    ),
    repaired=(
        "With probability at least 1 - delta, if both lemmas are used at delta/2: m >= C (1 + c^2/||y||^2) "
        "log(2n/delta)."
    ),
    proof=(
        "P(A and B) >= 1 - P(not A) - P(not B) >= 1 - delta/2 - delta/2. (log(2n/delta) cannot be absorbed into C"
        " log(n/delta) when n = 1 and delta is near 1; it can for delta <= 1/2.)"
    ),
    consequence="None beyond log(n/delta) -> log(2n/delta).",
    grade="proved",
    demonstrate=demonstrate,
)
