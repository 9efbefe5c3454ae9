"""How the entries of one neuron answer to a change of drive, while some of them are held on a kink. Compiled.

A neuron moves by dh = -g G dU, where U_a, the drive of entry a, is the integral of r_a times its slope. The held ones,
A, stay on their kink: their drives answer so that h_A does not move. So a drive dU_k of an entry k outside A moves
entry b by -g S_kb dU_k and the held drives by -w dU_k, where

    w = G_AA^-1 G_Ak,  S_kb = G_kb - w' G_Ab.

S is the Schur complement of G_AA, and S_kb = 0 for b in A. Of all this only the inverse of G_AA is kept; the row of S
that an event needs is found when it comes, in 3 |A|^2 + |A| n operations. Holding one entry more, or letting one go,
changes the inverse by a matrix of rank one.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from simulate.field.elementwise import BORROWED_SUMS
from simulate.integrators.piecewise_linear.desk import (
    ANSWER,
    ANSWERS,
    HELD_COUNT,
    HELD_PLACE,
    MEMBER,
    ORDER,
    ROW,
    WEIGHTS,
)


@njit(**BORROWED_SUMS)
def find_row(gram: Any, inverse: Any, found: Any, ints: Any, k: int, count: int) -> None:
    """For candidate k, which is not held: found[ROW] = S_k, for all entries; found[ANSWERS] = S_kb for the candidates
    that move, and w for the held ones. inverse, found, ints: see Desk."""
    held, row, answers, weights = ints[HELD_COUNT, 0], found[ROW], found[ANSWERS], found[WEIGHTS]
    order, member = ints[ORDER], ints[MEMBER]
    source = gram[member[k]]
    for i in range(held):
        total, line = 0.0, inverse[i]
        for j in range(held):
            total += line[j] * source[member[order[j]]]
        weights[i] = total
    # One step of refinement: updates of the inverse lose digits where G_AA is badly conditioned.
    for i in range(held):
        total, line = source[member[order[i]]], gram[member[order[i]]]
        for j in range(held):
            total -= line[member[order[j]]] * weights[j]
        answers[i] = total
    for i in range(held):
        total, line = 0.0, inverse[i]
        for j in range(held):
            total += line[j] * answers[j]
        row[i] = total
    for i in range(held):
        weights[i] += row[i]
    for b in range(len(row)):
        row[b] = source[b]
    for i in range(held):
        factor, other = weights[i], gram[member[order[i]]]
        for b in range(len(row)):
            row[b] -= factor * other[b]
    for j in range(count):
        answers[j] = row[member[j]]
    for i in range(held):
        answers[order[i]] = weights[i]


@njit(**BORROWED_SUMS)
def add_held(inverse: Any, found: Any, ints: Any, k: int) -> None:
    """Candidate k, whose row has just been found, is one of the held ones from now on."""
    held, weights = ints[HELD_COUNT, 0], found[WEIGHTS]
    own = 1.0 / found[ANSWERS, k]
    for i in range(held):
        factor, line = own * weights[i], inverse[i]
        for j in range(held):
            line[j] += factor * weights[j]
    for i in range(held):
        inverse[i, held] = inverse[held, i] = -own * weights[i]
    inverse[held, held] = own
    ints[ORDER, held] = k
    ints[HELD_PLACE, k] = held
    ints[HELD_COUNT, 0] = held + 1


@njit(**BORROWED_SUMS)
def remove_held(inverse: Any, ints: Any, k: int) -> None:
    """Candidate k is no longer one of the held ones."""
    last, place = ints[HELD_COUNT, 0] - 1, ints[HELD_PLACE, k]
    if place != last:  # the last one takes its place
        for j in range(last + 1):
            inverse[place, j], inverse[last, j] = inverse[last, j], inverse[place, j]
        for j in range(last + 1):
            inverse[j, place], inverse[j, last] = inverse[j, last], inverse[j, place]
        other = ints[ORDER, last]
        ints[ORDER, place] = other
        ints[HELD_PLACE, other] = place
    own, gone = 1.0 / inverse[last, last], inverse[last]
    for i in range(last):
        factor, line = own * gone[i], inverse[i]
        for j in range(last):
            line[j] -= factor * gone[j]
    ints[HELD_COUNT, 0] = last


@njit(**BORROWED_SUMS)
def respond(found: Any, reals: Any, change: Any, paths: Any, count: int) -> None:
    """The candidate whose row has been found, which is not held, gets the drive `change`, a polynomial (P,): add the
    answers to `paths` (P, count): to the path of an entry that moves, to the drive of a held one."""
    answer, answers = reals[ANSWER], found[ANSWERS]
    for p in range(len(change)):
        weight, path = change[p], paths[p]
        for j in range(count):
            path[j] += answer[j] * answers[j] * weight
