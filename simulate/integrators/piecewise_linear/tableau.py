"""How the candidates of one neuron answer to a change of drive: the Gram matrix with the held ones pivoted in.

A neuron moves by dh = -g G dU, where U_a, the drive of entry a, is the integral of r_a times its slope. The candidates
are the entries that may meet a kink. Some of them, the held ones A, stay on their kink: their drives answer so that
h_A does not move. Let E be the other candidates. With

    M_AA = G_AA^-1,  M_AE = -G_AA^-1 G_AE,  M_EA = G_EA G_AA^-1,  M_EE = G_EE - G_EA G_AA^-1 G_AE,

a drive dU_E moves h_E by -g M_EE dU_E and the held drives by dU_A = M_AE dU_E. Holding one entry more, or letting one
go, is one pivot. Compiled.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import INNER_SUMS


@njit(**INNER_SUMS)
def pivot(M: Any, k: int, count: int) -> None:
    """Hold entry k of the first `count` candidates, or let it go."""
    inverse = 1.0 / M[k, k]
    chosen = M[k]
    for i in range(count):
        if i == k:
            continue
        row, factor = M[i], M[i, k] * inverse
        for j in range(count):
            row[j] -= factor * chosen[j]
        row[k] = factor
    for j in range(count):
        chosen[j] *= -inverse
    chosen[k] = inverse


@njit(**INNER_SUMS)
def respond(M: Any, k: int, count: int, change: Any, answer: Any, paths: Any) -> None:
    """Entry k, which is not held, gets the drive `change`, a polynomial (P,): add the answers to `paths` (P, count).

    answer (count,): -g for an entry that moves, whose path this is; -1 for a held one, whose drive it is. (For those
    M_jk = -M_kj.)
    """
    row = M[k]
    for p in range(len(change)):
        weight, path = change[p], paths[p]
        for j in range(count):
            path[j] += answer[j] * row[j] * weight
