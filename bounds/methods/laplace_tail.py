"""The lower tail of a mean of D independent rank one matrices ww', from what is known of one of them (R7).

E exp(-theta ww') = I - A_theta exactly, A_theta = E (1 - exp(-theta |w|^2)) ww'/|w|^2, so the matrix Laplace transform
gives P(lambda_min(mean of ww') <= t) <= exp(theta t D) sum_j (1 - lambda_j(A_theta))^D for every theta > 0.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from flint import arb

from bounds.errors import AssumptionError
from bounds.numerics.arithmetic import float_up

LARGEST_DIM = 10**15  # a larger embedding dimension is refused: the search would be of no use
THETAS = np.geomspace(0.05, 10.0, 60)  # theta times the largest level, of the search


def survivals(levels: np.ndarray, theta: float, loss: float) -> list[arb]:
    """Lower bounds of the eigenvalues of A_theta: level m_j bounds E f^2 |w|^2 over a subspace of dimension j, f = u'w.

    loss: |E f^2 - 1| is at most this for every unit u. With E f^2 = g >= 1 - loss, Jensen's inequality under f^2 dP/g
    gives u'A_theta u >= g psi(m/g), psi(x) = (1 - exp(-theta x))/x, which grows with g.
    """
    g = 1 - arb(loss)
    return [g * (1 - (-arb(theta) * arb(m) / g).exp()) / (arb(m) / g) for m in levels.tolist()]


def tail(D: int, theta: float, least: arb, eigenvalues: Sequence[arb]) -> arb:
    """exp(theta least D) sum_j (1 - eigenvalues_j)^D: a bound of P(lambda_min(mean of ww') <= least)."""
    return (arb(theta) * least * D).exp() * sum(((1 - x).nonnegative_part() ** D for x in eigenvalues), arb(0))


def search_rates(levels: np.ndarray, loss: float) -> tuple[np.ndarray, np.ndarray]:
    """(thetas, rates) for `least_dim`: `survivals` in floating point, for every theta of the search."""
    thetas, g = THETAS / float(np.max(levels)), 1 - loss
    return thetas, np.log1p(g * g * np.expm1(-thetas[:, None] * levels / g) / levels)


def least_dim(thetas: np.ndarray, rates: np.ndarray, least: float, delta: float) -> tuple[float, int]:
    """(D, k): about the least D at which the bound with thetas[k] is at most delta; floating point, may be infinite.

    rates: (thetas, n), the log(1 - eigenvalue) for each theta.
    """
    top = rates.max(axis=1)

    def excess(D: float) -> np.ndarray:
        total = np.log(np.sum(np.exp(D * (rates - top[:, None])), axis=1))
        value: np.ndarray = thetas * least * D + total + D * top - math.log(delta)
        return value

    low, high = 0.0, math.log(LARGEST_DIM)
    if not np.min(excess(LARGEST_DIM)) <= 0:
        return math.inf, 0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if np.min(excess(math.exp(middle))) <= 0 else (middle, high)
    return math.exp(high), int(np.argmin(excess(math.exp(high))))


def certified_dim(D: float, theta: float, least: arb, eigenvalues: Sequence[arb], delta: arb, name: str) -> int:
    """The smallest D near the given one at which `tail` is certainly at most delta; every larger D is enough too.

    (At that D each term of the sum is below 1, so each of them falls as D grows.) Raises AssumptionError if none is
    found.
    """
    if math.isfinite(D):
        for factor in (1.0, 1 + 1e-9, 1 + 1e-6, 1 + 1e-3):
            tried = math.ceil(D * factor) + 1
            if tail(tried, theta, least, eigenvalues) <= delta:
                return tried
    raise AssumptionError(
        f"tail {name!r} finds no embedding dimension up to {LARGEST_DIM:.0e}: the points are too close together, or"
        f" delta = {float_up(delta):.3g} is too small. Use tail='lemma-4'."
    )


def dim_of_levels(levels: np.ndarray, loss: float, kept: arb, delta: float, name: str) -> int:
    """D with P(lambda_min(mean of ww') >= kept (1 + loss)) >= 1 - delta, from levels (n,) as in `survivals`."""
    thetas, rates = search_rates(levels, loss)
    least = kept * (1 + arb(loss))
    D, k = least_dim(thetas, rates, float_up(least), delta)
    theta = float(thetas[k])
    return certified_dim(D, theta, least, survivals(levels, theta, loss), arb(delta), name)
