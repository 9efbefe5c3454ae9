"""How the entries of one neuron answer to a change of drive, while some of them are held on a kink. Compiled.

A neuron moves by dh = -g G dU, where U_a, the drive of entry a, is the integral of r_a times its slope. The held ones,
A, stay on their kink: their drives answer so that h_A does not move. So a drive dU_k of an entry k outside A moves
entry b by -g S_kb dU_k and the held drives by -w dU_k, where

    w = G_AA^-1 G_Ak,  S_kb = G_kb - w' G_Ab.

S is the Schur complement of G_AA, and S_kb = 0 for b in A. Of all this only G_AA and its inverse are kept; the row of S
that an event needs is found when it comes, in 3 |A|^2 + |A| n operations. Holding one entry more, or letting one go,
changes the inverse by a matrix of rank one.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import BORROWED, BORROWED_SUMS, apart
from simulate.integrators.piecewise_linear.desk import (
    ANSWER,
    ANSWERS,
    ENTRY,
    GIVEN,
    HELD_COUNT,
    HELD_PLACE,
    HIGH_SLOPE,
    LOW_SLOPE,
    MEMBER,
    ORDER,
    POWERS,
    REST,
    ROW,
    WEIGHTS,
    Desk,
)


@njit(**BORROWED_SUMS)
def solve_held(inverse: Any, inner: Any, given: Any, rest: Any, held: int, out: Any) -> None:
    """out = G_AA^-1 given, for the `held` entries of A; rest: overwritten. One step of refinement, since updates of the
    inverse lose digits where G_AA, which is inner, is badly conditioned."""
    apart()
    for i in range(held):
        total, line = 0.0, inverse[i]
        for j in range(held):
            total += line[j] * given[j]
        out[i] = total
    for i in range(held):
        total, line = given[i], inner[i]
        for j in range(held):
            total -= line[j] * out[j]
        rest[i] = total
    for i in range(held):
        total, line = 0.0, inverse[i]
        for j in range(held):
            total += line[j] * rest[j]
        out[i] += total


@njit(**BORROWED)
def find_weights(gram: Any, desk: Desk, k: int) -> None:
    """For candidate k, which is not held: found[GIVEN] = G_Ak, found[WEIGHTS] = w and found[ANSWERS, k] = S_kk."""
    found, ints, held = desk.found, desk.ints, desk.ints[HELD_COUNT, 0]
    entries, given, weights = ints[ENTRY], found[GIVEN], found[WEIGHTS]
    b = ints[MEMBER, k]
    source = gram[b]
    for i in range(held):
        given[i] = source[entries[i]]
    solve_held(desk.inverse, desk.inner, given, found[REST], held, weights)
    own = source[b]
    for i in range(held):
        own -= weights[i] * given[i]
    found[ANSWERS, k] = own


@njit(**BORROWED)
def find_row(gram: Any, desk: Desk, k: int, count: int) -> None:
    """For candidate k, which is not held: what find_weights finds, found[ROW] = S_k for all entries, and found[ANSWERS]
    = S_kb for the candidates."""
    find_weights(gram, desk, k)
    found, ints, held = desk.found, desk.ints, desk.ints[HELD_COUNT, 0]
    row, answers, weights, entries = found[ROW], found[ANSWERS], found[WEIGHTS], ints[ENTRY]
    member = ints[MEMBER]
    source = gram[member[k]]
    n, even = len(row), held - held % 2
    for b in range(n):
        row[b] = source[b]
    for i in range(0, even, 2):  # two at a time, so that the row is read and written half as often
        first, second = weights[i], weights[i + 1]
        one, other = gram[entries[i]], gram[entries[i + 1]]
        for b in range(n):
            row[b] = row[b] - first * one[b] - second * other[b]
    for i in range(even, held):
        first, one = weights[i], gram[entries[i]]
        for b in range(n):
            row[b] -= first * one[b]
    for j in range(count):
        answers[j] = row[member[j]]


@njit(**BORROWED)
def add_held(gram: Any, desk: Desk, k: int) -> None:
    """Candidate k, whose weights have just been found, is the last of the held ones from now on. The caller adds its
    drive and its slopes."""
    inverse, inner, found, ints = desk.inverse, desk.inner, desk.found, desk.ints
    held, weights, given = ints[HELD_COUNT, 0], found[WEIGHTS], found[GIVEN]
    own, b = 1.0 / found[ANSWERS, k], ints[MEMBER, k]
    for i in range(held):
        factor, line = own * weights[i], inverse[i]
        for j in range(held):
            line[j] += factor * weights[j]
    for i in range(held):
        inverse[i, held] = inverse[held, i] = -own * weights[i]
        inner[i, held] = inner[held, i] = given[i]
    inverse[held, held], inner[held, held] = own, gram[b, b]
    ints[ORDER, held], ints[ENTRY, held] = k, b
    ints[HELD_PLACE, k] = held
    ints[HELD_COUNT, 0] = held + 1


@njit(**BORROWED)
def _swap(matrix: Any, i: int, j: int, size: int) -> None:
    for k in range(size):
        matrix[i, k], matrix[j, k] = matrix[j, k], matrix[i, k]
    for k in range(size):
        matrix[k, i], matrix[k, j] = matrix[k, j], matrix[k, i]


@njit(**BORROWED)
def remove_held(desk: Desk, k: int) -> None:
    """Candidate k is no longer one of the held ones."""
    inverse, ints = desk.inverse, desk.ints
    last, place = ints[HELD_COUNT, 0] - 1, ints[HELD_PLACE, k]
    if place != last:  # the last one takes its place
        _swap(inverse, place, last, last + 1)
        _swap(desk.inner, place, last, last + 1)
        other = ints[ORDER, last]
        ints[ORDER, place], ints[ENTRY, place] = other, ints[ENTRY, last]
        ints[HELD_PLACE, other] = place
        for p in range(POWERS):
            desk.drives[p, place], desk.wholes[p, place] = desk.drives[p, last], desk.wholes[p, last]
        for row in (LOW_SLOPE, HIGH_SLOPE):
            desk.reals[row, place] = desk.reals[row, last]
    own, gone = 1.0 / inverse[last, last], inverse[last]
    for i in range(last):
        factor, line = own * gone[i], inverse[i]
        for j in range(last):
            line[j] -= factor * gone[j]
    ints[HELD_COUNT, 0] = last


@njit(**BORROWED)
def respond(desk: Desk, count: int) -> None:
    """The candidate whose row has been found, which is not held, gets the drive desk.change, a polynomial (P,): what
    moves and the drives of the held ones answer."""
    answer, answers, weights, held = (
        desk.reals[ANSWER],
        desk.found[ANSWERS],
        desk.found[WEIGHTS],
        desk.ints[HELD_COUNT, 0],
    )
    for p in range(POWERS):
        change, path, drive = desk.change[p], desk.paths[p], desk.drives[p]
        for j in range(count):
            path[j] += answer[j] * answers[j] * change
        for i in range(held):
            drive[i] -= weights[i] * change
