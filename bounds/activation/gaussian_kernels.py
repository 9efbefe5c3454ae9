"""E sigma(u) sigma(v) and E sigma'(u) sigma'(v) for jointly Gaussian u, v, each with a bound of its error.

By closed forms if there are any (arc-cosine, arcsine, ...), else by Mehler's formula: with normalised Hermite
coefficients a_k(g) = E F(sqrt(g) Z) he_k(Z) the expectation is sum_k a_k(g_a) a_k(g_b) rho^k, rho the correlation; by
Cauchy and Schwarz the terms beyond K are at most |rho|^(K+1) sqrt(t_a t_b), and by Parseval
t_a = E F^2 - sum_{k <= K} a_k(g_a)^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from flint import arb

from bounds.activation.base import Activation
from bounds.activation.gaussian import fine_nodes, slope_power, value_square
from bounds.errors import AssumptionError

TERMS = 80  # the largest K of Mehler's formula
# The error of a coefficient relative to the size of F: a sum of a few hundred terms of he_k(z) phi(z), each at most 1.
ROUNDING = 1e-12
# The error of a closed form relative to sqrt(K_aa K_bb), to be multiplied by LOSS of its variances.
EVALUATION = 512 * 2.0**-53

Kernel = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""(var u (n, 1), var v (1, n2), cov (n, n2)) -> E sigma(u) sigma(v) (n, n2)."""


def _two_slopes(left: float, right: float) -> Kernel:
    """sigma(u) = left u for u < 0, right u for u > 0 (arc-cosine kernel; Cho and Saul 2009)."""

    def rectified(root: np.ndarray, cosine: np.ndarray) -> np.ndarray:
        # sin and cos of the same angle: near cosine = 1 their errors cancel, those of sqrt(1 - cosine^2) would not.
        angle = np.arccos(np.clip(cosine, -1.0, 1.0))
        return root * (np.sin(angle) + (math.pi - angle) * np.cos(angle)) / (2 * math.pi)

    def kernel(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        root = np.sqrt(a * b)
        cosine = c / np.maximum(root, 1e-300)
        same: np.ndarray = (left**2 + right**2) * rectified(root, cosine)
        return same if left == 0 or right == 0 else same - 2 * left * right * rectified(root, -cosine)

    return kernel


def _erf(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Arcsine kernel (Williams 1997)."""
    return 2 / math.pi * np.arcsin(2 * c / np.sqrt((1 + 2 * a) * (1 + 2 * b)))


def _gelu(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """By Stein's identity in u and v: with D = E phi(u) phi(v) and T = E Phi(u) Phi(v),
    E u Phi(u) v Phi(v) = c T + D (ab + c^2 (1/(1 + a) + 1/(1 + b) - 1))."""
    A, B = 1 + a, 1 + b
    T = 0.25 + np.arcsin(np.clip(c / np.sqrt(A * B), -1.0, 1.0)) / (2 * math.pi)
    D = 1 / (2 * math.pi * np.sqrt(A * B - c * c))
    return c * T + D * (a * b + c * c * (1 / A + 1 / B - 1))


def _sin(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    half = (a + b) / 2
    return np.exp(np.abs(c) - half) * -np.expm1(-2 * np.abs(c)) / 2 * np.sign(c)


def _cos(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
    half = (a + b) / 2
    return (np.exp(c - half) + np.exp(-c - half)) / 2


CLOSED: dict[str, Kernel] = {"erf": _erf, "gelu": _gelu, "sin": _sin, "cos": _cos, "linear": lambda a, b, c: c}

# What cancels near correlation one costs more roundings the larger the variance: 1 - sin^2 of the arcsine for erf,
# (1 + a)(1 + b) - c^2 for GELU, the exponents c - (a + b)/2 for sin and cos.
LOSS: dict[str, Callable[[float], float]] = {
    "erf": lambda g: math.sqrt(1 + 2 * g),
    "gelu": lambda g: math.sqrt(1 + g),
    "sin": lambda g: 1 + g,
    "cos": lambda g: 1 + g,
}


def polynomial_kernel(coefficients: Sequence[float]) -> Kernel:
    """sigma(u) = sum_k coefficients[k] u^k, exactly: its Hermite expansion is finite.

    Not Lipschitz beyond degree one, so no activation of a trained layer; as a random feature it is one.
    """
    degree = len(coefficients) - 1

    def hermite(g: np.ndarray, k: int) -> np.ndarray:
        # E (sqrt(g) Z)^p he_k(Z) = g^{p/2} p! / (2^j j! sqrt(k!)), j = (p - k)/2.
        total = np.zeros_like(g)
        for p in range(k, degree + 1, 2):
            j = (p - k) // 2
            moment = math.factorial(p) / (2**j * math.factorial(j) * math.sqrt(math.factorial(k)))
            total = total + coefficients[p] * moment * g ** (p / 2)
        return total

    def kernel(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> np.ndarray:
        rho = c / np.sqrt(np.maximum(a * b, 1e-300))
        return np.asarray(sum(hermite(a, k) * hermite(b, k) * rho**k for k in range(degree + 1)))

    return kernel


def value_kernel(activation: Activation, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, float]:
    """(K, e): K_ij = E sigma(u_i) sigma(v_j), (n, n2), each entry within e sqrt(E sigma(u_i)^2 E sigma(v_j)^2).

    a (n,), b (n2,): the variances of u and v; c (n, n2): their covariances. Raises AssumptionError if neither a
    closed form nor a strip of analyticity is known.
    """
    if activation.pieces is not None or activation.name in CLOSED:
        kernel = _two_slopes(*activation.pieces) if activation.pieces else CLOSED[activation.name]
        largest = float(max(np.max(a), np.max(b)))
        loss = LOSS[activation.name](largest) if activation.name in LOSS else 1.0
        return kernel(a[:, None], b[None, :], c), EVALUATION * loss
    if activation.strip is None:
        raise AssumptionError(
            f"E sigma(u) sigma(v) is not known for {activation.name!r}: it has kinks and no closed form here."
            " Use relu, leaky_relu, or a smooth activation."
        )
    second = {g: value_square(activation, arb(g)) for g in {*a.tolist(), *b.tolist()}}
    K, error = _mehler(activation.value, activation, a, b, c, second)
    sizes = np.sqrt(np.outer([float(second[g].lower()) for g in a.tolist()], [float(second[g]) for g in b.tolist()]))
    return K, float(np.max(error / np.maximum(sizes, 1e-300))) * 1.01


def slope_kernel(activation: Activation, g: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Q, error): Q_ab = E sigma'(h_a) sigma'(h_b), (n, n), each entry within error (n, n). g (n,), c (n, n).

    Raises AssumptionError for an activation without a strip, unless sigma' is constant.
    """
    if activation.pieces is not None and activation.pieces[0] == activation.pieces[1]:
        return np.full_like(c, activation.pieces[0] ** 2), np.zeros_like(c)
    if activation.strip is None:
        raise AssumptionError(
            f"the limit of the tangent kernel is not computed for {activation.name!r}, whose sigma' is not analytic."
            " Use method='slopes' or 'envelope', or a certificate for the network drawn."
        )
    second = {v: slope_power(activation, arb(v), 2) for v in g.tolist()}
    Q, error = _mehler(activation.slope, activation, g, g, c, second)
    np.fill_diagonal(Q, [float(second[v]) for v in g.tolist()])
    np.fill_diagonal(error, [float(second[v].rad()) + 1e-15 * float(activation.Ls) ** 2 for v in g.tolist()])
    return Q, error


def _mehler(
    F: Callable[[np.ndarray], np.ndarray],
    activation: Activation,
    a: np.ndarray,
    b: np.ndarray,
    c: np.ndarray,
    second: dict[float, arb],
) -> tuple[np.ndarray, np.ndarray]:
    """(sum_k a_k(g_a) a_k(g_b) rho^k, a bound of its error); second: E F^2 for each variance."""
    coefficients = {g: hermite_coefficients(F, activation, g) for g in second}
    size = {g: float(s.upper()) for g, s in second.items()}
    # sqrt(g) z is rounded, which moves sigma' by up to L2 times as much.
    steep = 2.0**-51 * max(1.0, float((activation.L2 / activation.Ls).upper()))
    lost = {g: ROUNDING + activation.slack * (1 + g) + steep * math.sqrt(g) for g in size}
    slack = {g: 4 * TERMS * lost[g] * max(s, float(activation.Ls) ** 2) for g, s in size.items()}
    tail = {g: max(size[g] - float(np.sum(np.square(coefficients[g]))), 0.0) + slack[g] for g in second}
    left, right = (np.array([coefficients[g] for g in v.tolist()]) for v in (a, b))
    correlation = np.clip(c / np.sqrt(np.maximum(np.outer(a, b), 1e-300)), -1.0, 1.0)
    total = np.zeros_like(c)
    for k in range(TERMS, -1, -1):  # Horner in rho
        total = total * correlation + np.outer(left[:, k], right[:, k])
    tails = np.sqrt(np.outer([tail[g] for g in a.tolist()], [tail[g] for g in b.tolist()]))
    rounding = np.sqrt(np.outer([slack[g] for g in a.tolist()], [slack[g] for g in b.tolist()]))
    return total, np.abs(correlation) ** (TERMS + 1) * tails + rounding


def hermite_coefficients(F: Callable[[np.ndarray], np.ndarray], activation: Activation, variance: float) -> np.ndarray:
    """a_0, ..., a_TERMS of F(sqrt(g) z), F = sigma or sigma', each within ROUNDING and the quadrature's error."""
    assert activation.strip is not None
    z, weights = fine_nodes(variance, activation.strip[0])
    values = F(math.sqrt(variance) * z)
    coefficients = np.empty(TERMS + 1)
    previous, current = np.zeros_like(z), np.ones_like(z)
    for k in range(TERMS + 1):
        coefficients[k] = float(np.sum(values * current * weights))
        previous, current = current, (z * current - math.sqrt(k) * previous) / math.sqrt(k + 1)
    return coefficients
