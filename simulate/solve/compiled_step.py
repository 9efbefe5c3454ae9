"""One step of one small smooth run, compiled as a whole: Exponential.step, StagedStep.advance and Segment in one."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import INNER_EXACT
from simulate.field.kernels import in_units
from simulate.integrators.exponential.path_length import MOMENTS
from simulate.solve.compiled_loops import ALONG, EVALUATE, NODES, SIZES, SPECTRA, call
from simulate.solve.compiled_run import Integration, Networks, Proposed, new_queue
from simulate.solve.step_sums import add_path


@njit(**INNER_EXACT)
def in_modes(basis: Any, residual: Any, modes: Any) -> None:
    """modes (1, n): r in the eigenbasis."""
    for k in range(modes.shape[1]):
        modes[0, k] = 0.0
        for a in range(modes.shape[1]):
            modes[0, k] += basis[0, a, k] * residual[0, a]


@njit(**INNER_EXACT)
def _evaluate(
    given: Networks,
    h: Any,
    known: Any,
    coefficients: Any,
    displaced: Any,
    slopes_out: Any,
    residual: Any,
    gram: Any,
) -> None:
    """Flow.evaluation of one run: residual (1, n), gram (1, n, n)."""
    n = residual.shape[1]
    outputs, grams, works = np.zeros((1, 1, n)), np.zeros((1, 1, n, n)), np.zeros((1, 0))
    call(
        given.loops[EVALUATE],
        given.kind,
        given.sigma,
        given.chunks,
        new_queue(),
        0,
        h,
        known,
        coefficients,
        given.panels,
        given.columns,
        given.gain,
        given.signs,
        displaced,
        slopes_out,
        outputs,
        grams,
        works,
    )
    in_units(outputs[0], grams[0], works[0], given.y, given.alpha, given.speed, given.m)
    for a in range(n):
        residual[0, a] = outputs[0, 0, a]
        for b in range(n):
            gram[0, a, b] = grams[0, 0, a, b]


@njit(**INNER_EXACT)
def _change(speed_gram: Any, gram: Any, kernel: Any, change: Any) -> None:
    """change (1, n, n): the kernel of a slope Gram matrix, less `kernel`."""
    for a in range(len(speed_gram)):
        for b in range(len(speed_gram)):
            change[0, a, b] = speed_gram[a, b] * gram[0, a, b] - kernel[0, a, b]


@njit(**INNER_EXACT)
def _along(
    loops: Any,
    start: Integration,
    modes: Any,
    past_change: Any,
    change: Any,
    node: Any,
    until: Any,
    weights: Any,
    end: Any,
    lengths: Any,
) -> None:
    """ResidualPath: writes the last three. modes (1, n): r at the start in the eigenbasis."""
    call(
        loops[ALONG],
        start.rates,
        start.basis,
        modes,
        past_change,
        start.past_length,
        change,
        node,
        until,
        np.full(1, -1.0),
        np.empty((1, MOMENTS, modes.shape[1])),
        weights,
        end,
        lengths,
    )


@njit(**INNER_EXACT)
def propose(errors: bool, given: Networks, start: Integration, tau: Any, step: Proposed) -> None:
    """Exponential.step of one run from `start`, tau (1,) long; the estimated errors are left out unless `errors`."""
    n = start.residual.shape[1]
    loops, weights, lengths = given.loops, step.weights, step.lengths
    modes, times, at, never = np.empty((1, n)), np.empty((2, 1)), np.empty(1), np.zeros(1)
    found, gram, other_gram = np.empty((1, n)), np.empty((1, n, n)), np.empty((1, n, n))
    past_change, change = np.empty((1, n, n)), np.empty((1, n, n))
    expected, other_weights, other_lengths = np.empty((1, n)), np.empty((3, 1, n)), np.empty((3, 1))
    in_modes(start.basis, start.residual, modes)
    for a in range(n):
        for b in range(n):
            past_change[0, a, b] = start.past_kernel[0, a, b] - start.kernel[0, a, b]
    call(loops[NODES], start.rates, modes, tau, start.past_length, times)
    known = (start.slopes, start.past, step.first, step.second)
    # The stage at the first node.
    at[0] = times[0, 0]
    _along(loops, start, modes, past_change, past_change, never, at, weights, step.end, lengths)
    _evaluate(given, start.h, known, weights[:2], given.nothing, step.first, found, other_gram)
    # The stage at the second node.
    node = times[0].copy()
    at[0] = times[1, 0]
    _change(given.speed_gram, other_gram, start.kernel, change)
    _along(loops, start, modes, past_change, change, node, at, weights, expected, lengths)
    _evaluate(given, start.h, known, weights, given.nothing, step.second, found, gram)
    # The difference from the step of lower order, which uses the first node.
    if errors:
        _along(loops, start, modes, past_change, change, node, tau, other_weights, step.end, other_lengths)
    # The step itself.
    node[0] = times[1, 0]
    _change(given.speed_gram, gram, start.kernel, change)
    _along(loops, start, modes, past_change, change, node, tau, weights, step.end, lengths)
    if errors:
        difference = np.empty((4, 1, n))
        for a in range(n):
            difference[0, 0, a] = weights[0, 0, a] - other_weights[0, 0, a]
            difference[1, 0, a] = weights[1, 0, a] - other_weights[1, 0, a]
            difference[2, 0, a] = -other_weights[2, 0, a]
            difference[3, 0, a] = weights[2, 0, a]
        changes, squares = np.zeros((1, 1, n)), np.zeros((1, 1, n))
        chunks, panels, queue = given.chunks, given.panels, new_queue()
        call(loops[SIZES], chunks, queue, 0, known, difference, panels, start.slopes, changes, squares)
        for a in range(n):
            moved = -given.speed / given.m * changes[0, 0, a]
            step.in_residual[0, a] = abs(moved) + abs(found[0, a] - expected[0, a])
            step.in_movement[0, a] = given.beta * given.scale * np.sqrt(squares[0, 0, a] / given.m)


@njit(**INNER_EXACT)
def take(given: Networks, state: Integration, step: Proposed) -> None:
    """StagedStep.advance and Segment for one run, in place. step.first is overwritten."""
    n = state.residual.shape[1]
    h, slopes, first, second = state.h, state.slopes, step.first, step.second
    before = state.residual.copy()
    known = (slopes, state.past, second, second)
    _evaluate(given, h, known, step.weights, h, first, state.residual, state.gram)
    state.past_length[0] = step.lengths[0, 0]
    for a in range(n):
        for i in range(slopes.shape[2]):
            state.past[0, a, i] = slopes[0, a, i]
            slopes[0, a, i] = first[0, a, i]
        for b in range(n):
            state.past_kernel[0, a, b] = state.kernel[0, a, b]
            state.kernel[0, a, b] = given.speed_gram[a, b] * state.gram[0, a, b]
    call(given.loops[SPECTRA], state.kernel, state.rates, state.basis)
    add_path(before, state.residual, step.lengths[0], step.lengths[2], state.path)
