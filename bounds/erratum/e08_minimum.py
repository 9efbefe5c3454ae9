"""E8: (40), (41), (47), (49) subtract the least moved share where the largest is needed."""

from __future__ import annotations

from flint import arb

from bounds.erratum.base import Claim, Demonstration, Erratum

INTERVAL, MARGIN, TIME, TARGET = 3, 2, 2, 9  # I = (-3, 3), I_0 = (-1, 1), xi = 2


def demonstrate() -> Demonstration:
    """n = 2, m = 1, G = I, linear, h^0 = 0, y = (0, 9): point 1 rests, point 2 leaves I."""
    h = (arb(0), TARGET * (1 - (-arb(TIME)).exp()))  # the exact flow h_a = y_a (1 - exp(-t))
    active = [float(abs(u) < INTERVAL) for u in h]
    moved = [float(abs(u) >= MARGIN) for u in h]
    started = 1.0  # h^0 = 0 lies in I_0 for both points

    def floor(share: float) -> tuple[float, float]:
        return (started - share,) * 2

    actual = (min(active),) * 2
    return Demonstration(
        quantity="least share of active neurons over the data points at t = 2",
        printed=Claim(actual, ">=", floor(min(moved))),
        repaired=Claim(actual, ">=", floor(max(moved))),
        evidence="exact",
        note=(
            f"n = 2, m = 1, G = I, sigma(u) = u, c = 1, h^0 = (0, 0), y = (0, {TARGET}), I = (-3, 3), I_0 = (-1, 1),"
            f" xi = 2. At t = {TIME} the flow is at h = (0, {float(h[1]):.3f}): shares active {active}, moved"
            f" {moved}."
        ),
    )


ERRATUM = Erratum(
    id="E8",
    where="(40), (41), (47), (49)",
    title="min over the moved share should be max",
    printed=(
        "min_a {share of neurons in I at x_a} >= min_a {share in I_0 at t = 0} - min_a {share moved by xi at "
        "x_a}, as far as the text at hand shows the last operator; (41), (47), (49) likewise."
    ),
    fails="The point with few active neurons need not be the one with few moved neurons.",
    repaired="The last min is a max over a.",
    proof="For each a, active_a >= started_a - moved_a >= min started - max moved; take the least a on the left.",
    consequence=(
        "If the PDF has a max there, nothing is wrong. If it has a min, none follows: (46) bounds the moved "
        "share by the same number for every a, and that is all that (48)-(54) use."
    ),
    grade="reading",
    demonstrate=demonstrate,
)
