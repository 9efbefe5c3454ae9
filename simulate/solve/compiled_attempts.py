"""Attempts of small smooth runs, compiled: what Loop._attempt and Advance do, in the same order, and what recorder.py
observes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INNER_EXACT
from simulate.solve.compiled_loops import INSIDE, MOVED, OBSERVE, call
from simulate.solve.compiled_run import (
    Integration,
    Networks,
    Proposed,
    empty_step,
    integration_of_run,
    like_run,
    networks_of_run,
    new_queue,
    overwrite_run,
)
from simulate.solve.compiled_step import in_modes, propose, take
from simulate.solve.recorder import Seen
from simulate.solve.step_control import AT_FLOOR, GROW, SAFETY, SHRINK, SMALLEST_RATIO, STRETCH
from simulate.solve.step_sums import error_ratios, quarter_times, stands, stop_reasons

ORDER = 4  # of the error of a step that knows the slopes of the one before


class Counters(NamedTuple):
    """Those of LoopState that attempts change or read, (S,) each, by the same names."""

    time: Any
    tau: Any
    steps: Any
    rejected: Any
    evaluations: Any
    target: Any
    floor: Any


class Limits(NamedTuple):
    """What ends a call: turns, how many attempts of each run; looks_back: see Advance; the others as in LoopOptions,
    loss_counts as in stop_reasons."""

    turns: Any
    rtol: Any
    t_max: Any
    max_steps: Any
    loss_counts: Any
    looks_back: Any


class Records(NamedTuple):
    """What is observed of B accepted steps: run (B,), its place among the runs of the call; time (B,); what is seen of
    both integrations; counts (2, B, n): see Flow.count_inside."""

    run: np.ndarray
    time: np.ndarray
    fine: Seen
    coarse: Seen
    counts: np.ndarray

    @classmethod
    def empty(cls, rows: int, n: int) -> Records:
        """Arrays for that many steps, to be overwritten."""
        run, time, counts = np.empty(rows, dtype=np.int64), np.empty(rows), np.empty((2, rows, n))
        return cls(run, time, Seen.empty(rows, n), Seen.empty(rows, n), counts)


@njit(**INNER_EXACT)
def _attempt(
    s: int,
    given: Networks,
    counters: Counters,
    limits: Limits,
    coarse: Integration,
    fine: Integration,
    step: Proposed,
    coarse_before: Integration,
    fine_before: Integration,
) -> bool:
    """One attempt of run s, whose arrays alone are in given, coarse and fine; whether it took its step. step and those
    before: what is overwritten."""
    n, rtol, t_max, floor = coarse.residual.shape[1], limits.rtol, limits.t_max, counters.floor
    time, allowed = counters.time, counters.tau
    modes, tau, half, resolved, ratio = np.empty((1, n)), np.empty(1), np.empty(1), np.empty(1), np.empty(1)
    # How far the run tries to go; see step_control.resolved and step_control.attempt.
    in_modes(coarse.basis, coarse.residual, modes)
    quarter_times(coarse.rates, modes, allowed[s : s + 1], resolved)
    size = 0.0
    for k in range(n):
        size += modes[0, k] * modes[0, k]
    tau[0] = allowed[s] if size <= (AT_FLOOR * floor[s]) ** 2 else resolved[0]
    until = t_max
    if time[s] + STRETCH * tau[0] < t_max:
        until = time[s] + tau[0]
    else:
        tau[0] = t_max - time[s]
    counters.evaluations[s] += 2
    # The coarse integration proposes a step; if its estimated error is allowed, it takes it, and the fine one takes
    # two halves.
    accepted, took, residual = True, np.full(1, True), np.empty((1, n))
    for k in range(3):
        first = k == 0
        state = coarse if first else fine
        propose(first, given, state, tau if first else half, step)
        if first:
            error_ratios(
                coarse.residual,
                step.end,
                step.in_residual,
                step.in_movement,
                given.scales,
                rtol,
                floor[s : s + 1],
                1,
                ratio,
            )
            accepted, half[0] = ratio[0] <= 1, tau[0] / 2
            if not accepted:
                break
            if limits.looks_back:
                overwrite_run(coarse_before, coarse)
                overwrite_run(fine_before, fine)
        for a in range(n):
            residual[0, a] = state.residual[0, a]
        take(given, state, step)
        if limits.looks_back:
            stands(residual, state.residual, step.end, state.rates, rtol, floor[s : s + 1], took)
    if accepted:
        counters.evaluations[s] += 7
        if not took[0]:  # what was taken is taken back, see advance.py
            overwrite_run(coarse, coarse_before)
            overwrite_run(fine, fine_before)
            accepted, ratio[0] = False, np.inf
    if accepted:
        time[s] = until
        counters.steps[s] += 1
    else:
        counters.rejected[s] += 1
    # The next step; see step_control.next_step.
    finite = np.isfinite(ratio[0])
    factor = SAFETY * max(ratio[0] if finite else 1.0, SMALLEST_RATIO) ** (-1 / ORDER)
    if accepted:
        grown = tau[0] * min(GROW, factor)
        allowed[s] = max(allowed[s], grown) if tau[0] < allowed[s] else grown
    else:
        allowed[s] = tau[0] * (max(SHRINK, factor) if finite else SHRINK)
    return accepted


@njit(**INNER_EXACT)
def _see(given: Networks, state: Integration, row: int, seen: Seen) -> None:
    """Write what recorder.py observes of one run into a row of what is seen."""
    n, here = state.residual.shape[1], slice(row, row + 1)
    sums, maxima, together = np.empty((1, 2, 1, n)), np.empty((1, 2, 1, n)), np.empty((4, 1, n))
    call(given.loops[MOVED], state.h, given.h0, given.chunks, new_queue(), 0, sums, maxima)
    largest = 0.0
    for a in range(n):
        for k in range(2):
            together[k, 0, a], together[2 + k, 0, a] = sums[0, k, 0, a], maxima[0, k, 0, a]
        size = maxima[0, 1, 0, a]
        largest = size if size > largest or size != size else largest  # NaN stays
        seen.residual[row, a] = state.residual[0, a]
    seen.largest[row] = largest
    call(
        given.loops[OBSERVE],
        given.y,
        given.speed,
        given.m,
        state.residual,
        state.gram,
        state.rates,
        state.basis,
        state.path,
        together,
        seen.scalars[here],
        seen.vectors[here],
    )


@njit(**EXACT)
def attempts(
    given: Networks, counters: Counters, limits: Limits, coarse: Integration, fine: Integration, records: Records
) -> int:
    """Attempts of each run in turn, until one of them should end; changes counters, coarse and fine in place. Returns
    how many steps it has written into the records."""
    runs, n, taken = len(counters.time), coarse.residual.shape[1], 0
    step, reasons = empty_step(n, coarse.slopes), np.empty(runs, dtype=np.int64)
    coarse_before, fine_before = like_run(coarse), like_run(fine)
    for _ in range(limits.turns):
        for s in range(runs):
            one, here, there = networks_of_run(given, s), integration_of_run(fine, s), integration_of_run(coarse, s)
            if not _attempt(s, one, counters, limits, there, here, step, coarse_before, fine_before):
                continue
            records.run[taken], records.time[taken] = s, counters.time[s]
            _see(one, here, taken, records.fine)
            _see(one, there, taken, records.coarse)
            counts = np.empty((1, 2, 1, n))
            left, right, chunks = given.left, given.right, given.chunks
            call(given.loops[INSIDE], here.h, there.h, left, right, chunks, new_queue(), 0, counts)
            for k in range(2):
                for a in range(n):
                    records.counts[k, taken, a] = counts[0, k, 0, a]
            taken += 1
        if stop_reasons(
            fine.residual,
            fine.rates,
            counters.time,
            counters.tau,
            counters.target,
            counters.floor,
            counters.steps,
            limits.t_max,
            limits.max_steps,
            limits.loss_counts,
            reasons,
        ):
            break
    return taken
