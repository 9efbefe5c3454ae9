"""python -m proofs.reference > proofs/reference_data.v: the guarantee of the reference problem, as definitions for Coq.

The numbers that bounds.guarantee starts from (the safe ends of its balls) and those that it prints, all exactly, as
fractions. proofs/reference.v proves that the ones lead to the others. tests/verify/test_proofs.py notices when the file
is out of date.
"""

from fractions import Fraction

from flint import arb

import bounds
from bounds.data.datasets import load_builtin
from bounds.methods.deviations import slope_sample
from bounds.methods.slopes import LEAST_L2
from bounds.numerics.arithmetic import float_up

DELTA, TAU = 0.05, 0.2
HEAD = """(** Written by `python -m proofs.reference`: what bounds.guarantee(method="slopes") starts from and prints
    for the reference problem, n = 10, d = 100, tanh, antisymmetric pairs, beta = 1/2. From below: lmin of G, and
    q2 = 0.8 min_a E X_a with X_a = sigma'(h_a)^2, and exponent_0 to exponent_9, with which
    P(mean of X_a over m independent pairs <= q2) <= exp(-m exponent_a). From above: Gmax, L2 and Y = ||y||. Printed:
    width, scale and rate. *)
Require Import Reals.
Open Scope R_scope.
"""


def exact(value: float | arb) -> str:
    """The number as a fraction; a ball must be a single point."""
    if isinstance(value, arb):
        mantissa, exponent = value.man_exp()
        fraction = int(mantissa) * Fraction(2) ** int(exponent)
    else:
        fraction = Fraction(value)
    return f"{fraction.numerator} / {fraction.denominator}"


def reference() -> str:
    """The text of proofs/reference_data.v."""
    X, y = load_builtin("reference")
    problem = bounds.Problem(X, y, activation="tanh")
    found = bounds.guarantee(problem, DELTA, method="slopes", init="antisymmetric", beta=0.5, tau=TAU)
    sample = slope_sample(problem)
    assert sample is not None
    exponents = sample.exponents(float_up(found.constants["q_squared"]))
    numbers = {
        "lmin": problem.spectrum.lmin_floor.lower(),
        "q2": found.constants["q_squared"].lower(),
        "Gmax": problem.gmax.upper(),
        "L2": problem.activation.L2.max(LEAST_L2).upper(),
        "Y": problem.y_norm.upper(),
        "delta": DELTA,
        "width": found.width,
        "scale": found.scale,
        "rate": found.rate,
        **{f"exponent_{a}": float(e) for a, e in enumerate(exponents.repeat(sample.counts.astype(int)))},
    }
    return HEAD + "".join(f"Definition {name} : R := {exact(value)}.\n" for name, value in numbers.items())


if __name__ == "__main__":
    print(reference(), end="")
