"""What is necessary: one function per constant."""

from __future__ import annotations

from typing import Any

from bounds.constants.formula import constant
from bounds.numerics.arithmetic import Ops


@constant("range of a bounded sigma")
def scale_balanced(o: Ops, y_max: Any, sigma_range: Any) -> Any:
    """A smaller scale cannot represent the targets, half of the signs being positive; sigma_range = sup - inf."""
    return 2 * y_max / sigma_range


@constant("d||r||/dt >= -c^2 lambda_max Ls^2 ||r||")
def scale_for_rate(o: Ops, rate: Any, lmax: Any, lipschitz: Any) -> Any:
    """A smaller scale cannot have that rate."""
    return o.sqrt(rate / (2 * lmax)) / lipschitz


@constant("ReLU on orthogonal data, exact")
def pairs_orthogonal_relu(o: Ops, n: Any, delta: Any) -> Any:
    """k pairs fail with probability 1 - (1 - 2^-k)^n, which is at most delta for these and more."""
    return -o.log(-o.expm1(o.log(1 - delta) / n)) / o.log(o.number(2))


@constant("signs that are all equal, sigma >= 0")
def width_same_sign(o: Ops, delta: Any) -> Any:
    """m with 2^-m = delta; one more is necessary where the targets have both signs."""
    return o.log(1 / delta) / o.log(o.number(2))
