"""Eigenvalues and eigenvectors of many small matrices; compiled, for numpy's calls would take longer than the work."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT


@njit(**EXACT)
def spectra(kernel: Any, values: Any, vectors: Any) -> None:
    """Eigenvalues (S, n), none below 0, and eigenvectors (S, n, n) of the matrices (S, n, n); not a number where a
    matrix is not finite.

    Entries are written one by one: the assignment of an array to a row takes five seconds to compile, for the text of
    the error that it might raise.
    """
    n = kernel.shape[1]
    for s in range(len(kernel)):
        finite = True
        for a in range(n):
            for b in range(n):
                finite &= np.isfinite(kernel[s, a, b])
        if finite:
            found, basis = np.linalg.eigh(kernel[s])
            for a in range(n):
                values[s, a] = 0.0 if found[a] < 0 else found[a]  # rounding may leave a small negative one
                for b in range(n):
                    vectors[s, a, b] = basis[a, b]
        else:
            values[s, :], vectors[s, :, :] = np.nan, np.nan
