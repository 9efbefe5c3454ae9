"""E sigma'(u) sigma'(v) for jointly Gaussian u, v, enclosed: the infinite-width tangent kernel.

With normalised Hermite coefficients a_k(g) = E sigma'(sqrt(g) Z) he_k(Z) the expectation is
sum_k a_k(g_a) a_k(g_b) rho^k, rho the correlation (Mehler's formula). By Cauchy and Schwarz the terms beyond K are at
most |rho|^(K+1) sqrt(t_a t_b), and by Parseval t_a = E sigma'^2 - sum_{k <= K} a_k(g_a)^2.
"""

from __future__ import annotations

import math

import numpy as np

from bounds.activations import Activation
from bounds.expectations import fine_nodes, slope_power
from bounds.problem import Problem
from bounds.spectrum import Spectrum, spectrum

TERMS = 80
ROUNDING = 1e-12  # of a coefficient, relative to Ls: sums of a few hundred terms of he_k(z) phi(z), each at most one


def hermite_coefficients(activation: Activation, variance: float) -> np.ndarray:
    """a_0, ..., a_TERMS of sigma'(sqrt(g) z), each within ROUNDING Ls and the quadrature's error."""
    assert activation.strip is not None
    z, weights = fine_nodes(variance, activation.strip[0])
    values = activation.slope(math.sqrt(variance) * z)
    coefficients = np.empty(TERMS + 1)
    previous, current = np.zeros_like(z), np.ones_like(z)
    for k in range(TERMS + 1):
        coefficients[k] = float(np.sum(values * current * weights))
        previous, current = current, (z * current - math.sqrt(k) * previous) / math.sqrt(k + 1)
    return coefficients


def limit_tangent_kernel(problem: Problem) -> tuple[np.ndarray, float]:
    """(H, error): H_ab = G_ab E sigma'(h_a) sigma'(h_b), (n, n), within `error` in the spectral norm.

    For smooth activations; the diagonal is G_aa E sigma'(h_a)^2.
    """
    act, G = problem.activation, problem.gram
    variances = np.diagonal(G)
    if act.pieces is not None and act.pieces[0] == act.pieces[1]:
        return G * act.pieces[0] ** 2, 0.0  # sigma' is constant
    ls = float(act.Ls.upper())
    second = [slope_power(act, g, 2) for g in problem.gram_diagonal]
    coefficients = np.array([hermite_coefficients(act, float(g)) for g in variances])
    energy = np.sum(np.square(coefficients), axis=1)
    tail = np.maximum(np.array([float(s.upper()) for s in second]) - energy, 0.0) + 4 * TERMS * ROUNDING * ls**2
    scale = np.sqrt(np.outer(variances, variances))
    correlation = np.clip(G / scale, -1.0, 1.0)
    mean = np.zeros_like(G)
    for k in range(TERMS, -1, -1):  # Horner in rho
        mean = mean * correlation + np.outer(coefficients[:, k], coefficients[:, k])
    remainder = np.abs(correlation) ** (TERMS + 1) * np.sqrt(np.outer(tail, tail)) + 4 * TERMS * ROUNDING * ls**2
    np.fill_diagonal(mean, [float(s) for s in second])
    np.fill_diagonal(remainder, [float(s.rad()) + 1e-15 * ls**2 for s in second])
    H = G * mean
    return (H + H.T) / 2, float(np.linalg.norm(scale * remainder)) * 1.01


def limit_spectrum(problem: Problem) -> Spectrum:
    """Certified enclosures of the extreme eigenvalues of the infinite-width tangent kernel."""
    H, error = limit_tangent_kernel(problem)
    forming = problem.gram_relative_error * float(np.trace(problem.gram)) * float((problem.activation.Ls**2).upper())
    return spectrum(H, error + 4 * forming)
