"""E24: r of (36) is a criterion for networks all of whose layers are trained."""

from __future__ import annotations

import math

import numpy as np

from bounds import constants
from bounds.erratum.base import Claim, Demonstration, Erratum, within

WIDTHS = (64, 256)
A_FIRST, A_HIDDEN, A_LAST, B_LAST, RATE = 0.0, 1.0, 1.0, 0.0, -1.0  # b = -1/2 in the hidden layer, so that a + b = 1/2


def movement(m: int) -> float:
    """RMS over the neurons of the change of h in one step of descent on the hidden weights alone, linear sigma, r = 1.

    h = m^-a W phi with phi in {-1, 1}^m, f = m^-A v'h with v in {-1, 1}^m, learning rate m^-c.
    """
    rng = np.random.default_rng(m)
    phi, v = rng.choice([-1.0, 1.0], m), rng.choice([-1.0, 1.0], m)
    gradient = m**-A_LAST * m**-A_HIDDEN * np.outer(v, phi)
    return float(np.sqrt(np.mean((m**-A_HIDDEN * (m**-RATE * gradient) @ phi) ** 2)))


def demonstrate() -> Demonstration:
    """A parametrisation whose r is 0 because of the first layer, which is not trained here."""
    small, large = (movement(m) for m in WIDTHS)
    exponent = -math.log(large / small) / math.log(WIDTHS[1] / WIDTHS[0])
    # the term of the first layer is 2 a_1, that of the hidden one 2 a - 1
    criterion = float(constants.r_abc(A_FIRST, A_HIDDEN, A_LAST, B_LAST, RATE))
    own = B_LAST + A_LAST + RATE + 2 * A_HIDDEN - 1
    model = 0.0 + 1.0 - 1.0 + 2 * 0.5 - 1
    return Demonstration(
        quantity="features move as m^-r in the partially trained network; r measured, to be that of the criterion",
        printed=Claim(within(exponent, 1e-10), "==", (criterion, criterion)),
        repaired=Claim(within(exponent, 1e-10), "==", (own, own)),
        evidence="numerical",
        note=(
            f"a = (0, 1, 1), b_hidden = -1/2, b_last = 0, c = -1, one step at m = {WIDTHS[0]} and {WIDTHS[1]}: r of"
            f" (36) is {criterion:.0f}, from the first layer; with the hidden layer alone trained r is {own:.0f}. For"
            f" the paper's own model that r is {model:.0f}, as (36)."
        ),
    )


ERRATUM = Erratum(
    id="E24",
    where="Appendix C, (36)",
    title="a criterion for fully trained networks is applied to a partially trained one",
    printed=(
        "For the partially trained L-layer network r of (36), with its minimum over all layers and min(b_{L+1}, "
        "a_{L+1} + c), is 0; hence, according to [73], it exhibits feature learning."
    ),
    fails=(
        "[73] derives r for the training of all layers: each term of the minimum is the change that one layer's "
        "training causes. Where only layer L is trained the other terms are absent, and r of (36) may be 0 while "
        "the features of layer L do not move."
    ),
    repaired=(
        "For training in layer L alone, h moves as m^{-r} with r = b_{L+1} + a_{L+1} + c + 2 a_L - 1. For the paper's "
        "model that is 0 + 1 - 1 + 1 - 1 = 0."
    ),
    proof=(
        "One step changes W_ij by -m^{-c} r m^{-a_{L+1}} v_i sigma'(h_i) m^{-a_L} phi_j, hence h_i by m^{-a_L} "
        "sum_j dW_ij phi_j, of size m^{-c - a_{L+1} - 2 a_L - b_{L+1} + 1} for v of size m^{-b_{L+1}} and "
        "|phi|^2 of size m. (15) proves movement without any of this."
    ),
    consequence="None: the conclusion is right, by (15) and by the repaired exponent.",
    grade="remark",
    demonstrate=demonstrate,
)
