"""Eigenvalues and eigenvectors of many small matrices; compiled, for numpy's calls would take longer than the work."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT


@njit(**EXACT)
def spectra(kernel: Any, values: Any, vectors: Any) -> None:
    """Eigenvalues (S, n), none below 0, and eigenvectors (S, n, n) of the matrices (S, n, n); not a number where a
    matrix is not finite."""
    for s in range(len(kernel)):
        if np.isfinite(kernel[s]).all():
            found, basis = np.linalg.eigh(kernel[s])
            values[s] = np.maximum(found, 0.0)  # rounding may leave a small negative one
            vectors[s] = basis
        else:
            values[s], vectors[s] = np.nan, np.nan
