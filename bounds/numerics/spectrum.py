"""Certified enclosures of the extreme eigenvalues of a symmetric matrix.

The lower bound is Rump's (Verification of positive definiteness, BIT 46, 2006): if floating-point Cholesky of B runs
to completion then lambda_min(B) >= -gamma_{n+1}/(1 - gamma_{n+1}) tr(B), gamma_k = k u/(1 - k u), for every order of
its inner products. Applied to G - s I it proves lambda_min(G) >= s minus that, and applied to s I - G the upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.errors import AssumptionError

UNIT_ROUNDOFF = 2.0**-53  # u of float64
LARGE = 300  # the order above which Lanczos is faster than a whole eigendecomposition
LEAST_LARGE = 1e-250  # Lanczos is used only if the largest entry exceeds this: the inverse must not overflow


@dataclass(frozen=True)
class Spectrum:
    """Enclosures (lower, upper) of lambda_min and lambda_max."""

    lmin: tuple[float, float]
    lmax: tuple[float, float]

    @property
    def lmin_floor(self) -> arb:
        """A lower bound of lambda_min, exact as a number; every theorem here holds with it in place of lambda_min."""
        return arb(max(self.lmin[0], 0.0))

    @property
    def lmax_ceiling(self) -> arb:
        """An upper bound of lambda_max, exact as a number; every theorem here holds with it in place of lambda_max."""
        return arb(self.lmax[1])


def gamma(k: int) -> float:
    """gamma_k = k u / (1 - k u), a bound on k accumulated roundings; 1% is added for its own."""
    return 1.01 * k * UNIT_ROUNDOFF / (1 - k * UNIT_ROUNDOFF)


def _extremes(matrix: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Approximations of the smallest and the largest eigenvalue with their vectors; nothing here is certified.

    A whole eigendecomposition costs some 30 Cholesky factorisations, so large matrices take Lanczos, for the smallest
    eigenvalue with the inverse if there is one. An eigenvalue's error is about the square of its vector's.
    """
    n = len(matrix)
    if n > LARGE and np.max(np.abs(matrix)) > LEAST_LARGE:
        from scipy.linalg import LinAlgError, cho_factor, cho_solve
        from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

        start = np.random.default_rng(0).standard_normal(n)
        try:
            high, top = eigsh(matrix, k=1, which="LA", v0=start, tol=1e-7)
            try:
                factor = cho_factor(matrix)
                operator = LinearOperator((n, n), matvec=lambda x: cho_solve(factor, x), dtype=np.float64)
                inverse, bottom = eigsh(operator, k=1, which="LA", v0=start, tol=1e-7)
                low = 1 / inverse[0]
            except LinAlgError:
                flipped = high[0] * np.eye(n) - matrix
                gap, bottom = eigsh(flipped, k=1, which="LA", v0=start, tol=1e-7)
                low = high[0] - gap[0]
            return [(float(low), bottom[:, 0]), (float(high[0]), top[:, 0])]
        except ArpackError:  # no convergence, or a vector that vanishes
            pass
    values, vectors = np.linalg.eigh(matrix)
    return [(float(values[0]), vectors[:, 0]), (float(values[-1]), vectors[:, -1])]


def _proved_lower(matrix: np.ndarray, shift: float) -> float | None:
    """A certified lower bound of lambda_min(matrix) close to `shift`; None if Cholesky breaks down."""
    n = len(matrix)
    shifted = matrix.copy()
    diagonal = np.diagonal(matrix)
    shifted[np.diag_indices(n)] = diagonal - shift
    try:
        np.linalg.cholesky(shifted)
    except np.linalg.LinAlgError:
        return None
    trace = float(np.sum(np.abs(np.diagonal(shifted)))) * 1.0000001
    cholesky = gamma(n + 1) / (1 - gamma(n + 1)) * trace
    subtraction = 2 * UNIT_ROUNDOFF * float(np.max(np.abs(diagonal)) + abs(shift))
    return shift - 1.01 * (cholesky + subtraction) - 1e-300


def lower_bound(matrix: np.ndarray, estimate: float) -> float:
    """A certified lower bound of lambda_min(matrix), tight to about n^2 u times its norm."""
    n = len(matrix)
    scale = float(np.max(np.sum(np.abs(matrix), axis=1))) or 1.0
    slack = max(4 * n * UNIT_ROUNDOFF * scale, 1e-300)  # never zero, or the search would not end
    while slack < 4 * scale:
        proved = _proved_lower(matrix, estimate - slack)
        if proved is not None:
            return proved
        slack *= 4
    return -scale  # Gershgorin's bound, if every Cholesky factorisation breaks down


def spectrum(matrix: np.ndarray, error: float = 0.0) -> Spectrum:
    """Enclose the extreme eigenvalues of every symmetric matrix within `error` (2-norm) of `matrix`.

    matrix: (n, n) float64, symmetric. By Weyl's inequality `error` widens each side.
    """
    pad = error * 1.01
    quotients, estimates = [], _extremes(matrix)
    for _, v in estimates:
        # A Rayleigh quotient bounds lambda_min from above and lambda_max from below, up to its own rounding.
        rounding = 4 * gamma(2 * len(matrix) + 4) * float(np.sum(np.abs(v)) ** 2 * np.max(np.abs(matrix)))
        quotients.append((float(v @ (matrix @ v)) / float(v @ v), rounding + pad + 1e-300))
    (low, low_error), (high, high_error) = quotients
    return Spectrum(
        lmin=(lower_bound(matrix, estimates[0][0]) - pad, low + low_error),
        lmax=(high - high_error, -lower_bound(-matrix, -estimates[1][0]) + pad),
    )


def eigenvalues(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """(values, vectors, error): each eigenvalue of a symmetric matrix (n, n), in ascending order, is within `error` of
    values[j]; vectors[:, j] approximates its vector.

    With computed V and Lambda the eigenvalues of V Lambda V' are t_j Lambda_j with t_j between the extreme eigenvalues
    of V'V (Ostrowski), and those of the matrix are within ||matrix - V Lambda V'|| of them (Weyl).
    """
    n = len(matrix)
    values, vectors = np.linalg.eigh(matrix)
    largest = float(np.max(np.abs(values)))
    rounding = gamma(2 * n + 4) * n  # of either product, whose factors have rows and columns of norm about 1
    defect = float(np.linalg.norm(vectors.T @ vectors - np.eye(n))) + rounding
    residual = float(np.linalg.norm(matrix - (vectors * values) @ vectors.T)) + 2 * rounding * largest
    if not defect < 0.1:
        raise AssumptionError("the eigenvectors of a matrix could not be computed: the data are too badly conditioned.")
    return values, vectors, 1.1 * (residual + defect * largest) + 1e-300
