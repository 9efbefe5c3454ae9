"""E15: with sigma' = 0 at kinks, (11) and (14) are false where neurons slide along a kink."""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds.erratum.base import Claim, Demonstration, Erratum, enclose
from bounds.erratum.flow import Flow, matrix

START, STOP = arb("0.5"), arb(1)
STEP = 1e-3


def arrival() -> tuple[arb, arb]:
    """(t, h_2) when h_1 reaches 0: until then h_1 + 1 + h_2 = 2.1 q, h_1 + 1 - h_2 = 0.1 q^3, q = exp(-t/2)."""
    low, high = arb("0.9"), arb(1)
    for _ in range(60):
        q = arb(((low + high) / 2).mid())
        value = q**3 / 10 + arb("2.1") * q - 2
        if value > 0:
            high = q
        elif value < 0:
            low = q
        else:
            break
    q = low.union(high)
    return -2 * q.log(), arb("2.1") * q - 1


def drop(weight: arb) -> arb:
    """weight times the integral of h_2^2 over the times (START, STOP), in which h_1 slides on its kink and
    h_2 = h_2(t_1) exp(-0.75 (t - t_1)), t_1 the time when it arrives there."""
    t1, h = arrival()
    return weight * h**2 * ((-1.5 * (START - t1)).exp() - (-1.5 * (STOP - t1)).exp()) / 1.5


def fall() -> arb:
    """L(START) - L(STOP), L = (1 + h_2^2)/2 on the kink."""
    t1, h = arrival()
    return (h**2 / 2) * ((-1.5 * (START - t1)).exp() - (-1.5 * (STOP - t1)).exp())


def by_descent(step: float) -> float:
    """L(START) - L(STOP) by gradient descent (9) with sigma'(0) = 0 and steps of this length; as the steps shrink, its
    limit is the flow's own fall of the loss, by definition."""
    flow = Flow(
        np.array([-1.0, 0.0]),
        np.ones(1),
        matrix(np.array([[1, -0.5], [-0.5, 1]])),
        lambda u: np.maximum(u, 0),
        lambda u: (u > 0).astype(float),
    )
    states = flow.descend(np.array([[0.1, 1.0]]), step, round(1 / step))
    return flow.loss(states[len(states) // 2]) - flow.loss(states[-1])


def demonstrate() -> Demonstration:
    """ReLU, n = 2, m = c = 1, G_12 = -1/2, y = (-1, 0), h^0 = (0.1, 1): h_1 slides on 0 from t = 0.176 on."""
    t1, h = arrival()
    followed = (h * (-0.75 * (START - t1)).exp()) ** 2 / 2 * (1 - arb(-1).exp())
    actual = enclose(fall())
    return Demonstration(
        quantity="L(0.5) - L(1), to equal the integral of the right side of (14)",
        printed=Claim(actual, "==", enclose(drop(arb(1)))),
        repaired=Claim(actual, "==", enclose(drop(arb("0.75")))),
        evidence="enclosed",
        note=(
            f"h_1 reaches 0 at t = {float(t1):.5f} and stays. (14) with sigma'(0) = 0 has the integrand h_2^2;"
            f" following (11) with sigma'(0) = 0 from t = 0.5, too, gives {float(followed):.5f}. Gradient descent"
            f" with step {STEP}: {by_descent(STEP):.4f}."
        ),
    )


ERRATUM = Erratum(
    id="E15",
    where="section 2.2: (8)-(11), (14)",
    title="the convention sigma'(0) = 0 at kinks",
    printed=(
        "sigma'(x) denotes the derivative where it exists and 0 otherwise; with it gradient flow obeys (11) and L"
        " obeys (14)."
    ),
    fails=(
        "A neuron pushed to the kink from both sides slides along it. On the kink the convention makes h_1 move "
        "away, which brings it back at once: (11) has no solution there, and (14) gives the wrong decrease."
    ),
    repaired=(
        "Gradient flow is any solution of (11) with sigma'(h_ia) replaced by some theta_ia in Clarke's "
        "subdifferential; (14) then holds with theta. On the kink here theta = h_2/2."
    ),
    proof=(
        "On h_1 = 0, r = (1, h_2): dh_1/dt = -(theta - h_2/2) = 0 gives theta = h_2/2 in [0, 1], dh_2/dt = -(h_2 "
        "- theta/2) = -0.75 h_2, and v'Gv = theta^2 - theta h_2 + h_2^2 = 0.75 h_2^2 = -d/dt (1 + h_2^2)/2. "
        "Beside the kink dh_1/dt is -(1 - h_2/2) < 0 above and h_2/2 > 0 below, so sliding is the only solution. "
        "In general d/dt sigma(h_ia) = theta_ia dh_ia/dt for almost every t: both sides vanish on a kink where "
        "the neuron rests, and it can cross a kink only in a set of times of measure zero."
    ),
    consequence=(
        "The theorems hold for every solution of the inclusion: the proofs use only |theta_ia| <= Ls, |theta_ia| "
        ">= K_s on I, and (14)."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
