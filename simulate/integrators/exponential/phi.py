"""The phi functions of exponential integrators, for many arguments at once; compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INLINED_EXACT, exp_

FACTORIALS = np.array([float(math.factorial(k)) for k in range(30)])
DEGREE = 15  # of a series on [-1, 0] for the last of the functions: its remainder is far below rounding


@njit(**EXACT)
def phis(z: Any, out: Any) -> None:
    """out[k, j] = phi_k(z_j) for z (L,) <= 0: phi_0 = exp, phi_{k+1}(z) = (phi_k(z) - 1/k!)/z, phi_k(0) = 1/k!."""
    count, size = out.shape
    inverse, series = np.empty(size), np.empty(size)
    for j in range(size):
        out[0, j] = exp_(-700.0 if z[j] < -700.0 else z[j])
        inverse[j] = 1.0 / z[j] if z[j] < -1.0 else 0.0
    for k in range(1, count):
        _upwards(out[k - 1], inverse, 1.0 / FACTORIALS[k - 1], out[k])
    # The recurrence cancels near 0; there a series gives the last, and the recurrence turned round the others.
    series[:] = 1.0 / FACTORIALS[count - 1 + DEGREE]
    for k in range(DEGREE - 1, -1, -1):
        _horner(series, z, 1.0 / FACTORIALS[count - 1 + k])
    for k in range(count - 1, 0, -1):
        _where_near(series, z, out[k])
        _horner(series, z, 1.0 / FACTORIALS[k - 1])


@njit(**INLINED_EXACT)
def _upwards(row: Any, inverse: Any, constant: float, above: Any) -> None:
    """One step of the recurrence: above = (row - constant)/z, given 1/z."""
    for j in range(len(row)):
        above[j] = (row[j] - constant) * inverse[j]


@njit(**INLINED_EXACT)
def _horner(total: Any, z: Any, constant: float) -> None:
    """One step of Horner's scheme, which is also the recurrence turned round: total = total z + constant."""
    for j in range(len(z)):
        total[j] = total[j] * z[j] + constant


@njit(**INLINED_EXACT)
def _where_near(series: Any, z: Any, row: Any) -> None:
    """Overwrite the row by the series for the z in [-1, 0]."""
    for j in range(len(z)):
        row[j] = row[j] if z[j] < -1.0 else series[j]
