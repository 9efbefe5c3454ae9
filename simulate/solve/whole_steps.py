"""Many attempts of small smooth runs in one compiled call: the step is chosen, proposed and judged, and if it is
accepted both integrations take it and are observed. What the ordinary loop does between its calls of compiled code
takes several times as long as the work where a state is small.

Loop uses it where it applies (see WholeSteps.of), and does the same in the same order where it does not. The numbers
agree to rounding: a few sums are written out here that numpy hands to BLAS there, and its power is another.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field import reduction
from simulate.field.arrays import MANY_POINTS
from simulate.field.cpu import Compiled
from simulate.field.elementwise import EXACT, INNER_EXACT
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.field.sigmas import loop_of
from simulate.integrators.base import Integrator
from simulate.integrators.exponential.method import Exponential
from simulate.solve.compiled_step import (
    INSIDE,
    MOVED,
    OBSERVE,
    Integration,
    Networks,
    Proposed,
    addresses,
    call,
    empty_step,
    in_modes,
    integration_of_run,
    networks_of_run,
    new_queue,
    propose,
    take,
)
from simulate.solve.recorder import Recorder, Seen
from simulate.solve.runs import LoopOptions, Runs
from simulate.solve.segment import Followed
from simulate.solve.step_control import AT_FLOOR, GROW, SAFETY, SHRINK, SMALLEST_RATIO, STRETCH
from simulate.solve.step_sums import error_ratios, quarter_times, stop_reasons

ORDER = 4  # of the error of a step that knows the slopes of the one before
TURNS = 64  # attempts of each run in a call, at most
COST = 2**21  # of a call, so that it lasts a tenth of a second: the attempts of a run cost as `cost` says


def cost(n: int, m: int) -> int:
    """Of an attempt, in units of an entry of the state: the neurons, the eigenvectors, and all else."""
    return n * m + n**3 // 4 + 2500


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
    """What ends a call: turns, how many attempts of each run; the others as in LoopOptions, loss_counts as in
    stop_reasons."""

    turns: Any
    rtol: Any
    t_max: Any
    max_steps: Any
    loss_counts: Any


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


class WholeSteps:
    """Attempts of all the runs of a flow. See the module."""

    def __init__(self, options: LoopOptions, scales: np.ndarray) -> None:
        self.options, self.scales = options, scales

    @classmethod
    def of(cls, flow: Flow, integrator: Integrator, options: LoopOptions, scales: np.ndarray) -> WholeSteps | None:
        """None where the ordinary loop is needed: for states of several chunks or in another process, other methods and
        activations, and times to save, which are interpolated."""
        applies = (
            type(integrator) is Exponential
            and isinstance(flow.backend, Compiled)
            and not isinstance(flow, TrainedFlow)
            and flow.keeps_previous
            and loop_of(flow.activation) is not None
            and len(flow.model.chunks) == 1
            and flow.n < MANY_POINTS
            and options.save_at is None
            and reduction.exchange() is None
        )
        return cls(options, scales) if applies else None

    def advance(self, runs: Runs, recorder: Recorder) -> None:
        """Attempts of all runs, in place, until one of them has ended or it is time to look after them; each step that
        is taken is recorded. There is one attempt where somebody looks on, or test points have to be observed."""
        flow, state, options, n = runs.flow, runs.state, self.options, runs.flow.n
        one = options.progress is not None or flow.tests > 0
        turns = 1 if one else max(1, min(TURNS, COST // (flow.runs * cost(n, flow.m))))
        # Others may hold these arrays.
        for name in ("time", "tau", "steps", "rejected", "evaluations"):
            setattr(state, name, getattr(state, name).copy())
        records = Records.empty(turns * flow.runs, n)
        taken = attempts(
            self._networks(flow, recorder.start_of(state.run), recorder.interval),
            Counters(*(writable(getattr(state, name)) for name in Counters._fields)),
            Limits(turns, options.rtol, options.t_max, options.max_steps, options.loss_ratio > 0),
            _integration(runs.coarse),
            _integration(runs.fine),
            records,
        )
        if not taken:
            return
        fine, coarse = (Seen(*(array[:taken] for array in seen)) for seen in (records.fine, records.coarse))
        time, counts, moved, ends = records.time[:taken], records.counts[:, :taken], records.run[:taken], None
        if taken < len(records.run) // 2:  # what is kept would hold all rows
            fine, coarse = (Seen(*(array.copy() for array in seen)) for seen in (fine, coarse))
            time, counts = time.copy(), counts.copy()
        if flow.tests:
            there = runs if taken == flow.runs else runs.select(moved)
            ends = there.flow, there.fine.state.h, there.coarse.state.h
        recorder.record_seen(flow, state.run[moved], time, fine, coarse, counts, ends)

    def _networks(self, flow: Flow, h0: np.ndarray, interval: tuple[float, float]) -> Networks:
        model = flow.model
        assert isinstance(flow.backend, Compiled)
        loop = loop_of(flow.activation)
        assert loop is not None
        return Networks(
            loops=addresses(np.dtype(model.arrays.real).name),
            kind=loop[0],
            sigma=loop[1],
            chunks=model.chunks,
            panels=flow.backend.panels,
            gain=writable(model.gain),
            signs=writable(model.signs),
            nothing=model.arrays.nothing,
            speed_gram=writable(flow.speed_gram),
            y=writable(flow.y),
            alpha=float(flow.alpha),
            beta=float(flow.beta),
            scale=float(flow.scale),
            speed=float(flow.speed),
            m=flow.m,
            h0=writable(h0),
            scales=writable(self.scales),
            left=float(interval[0]),
            right=float(interval[1]),
        )


def writable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that is read-only: the loops are compiled for the other type, see by_address.py."""
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else np.array(array, order="C")


def _integration(followed: Followed) -> Integration:
    state = followed.state
    previous = state.previous
    assert previous is not None
    assert state.slopes is not None
    return Integration(
        *(state.h, state.slopes, previous.slopes, previous.kernel, previous.length),
        *(state.residual, state.slope_gram, state.kernel, state.eigenvalues, state.eigenvectors, followed.path),
    )


@njit(**INNER_EXACT)
def _attempt(
    s: int, given: Networks, counters: Counters, limits: Limits, coarse: Integration, fine: Integration, step: Proposed
) -> bool:
    """One attempt of run s, whose arrays alone are in given, coarse and fine; whether it took its step. step: what is
    overwritten."""
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
    accepted = True
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
        take(given, state, step)
    if accepted:
        counters.evaluations[s] += 7
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
    for _ in range(limits.turns):
        for s in range(runs):
            one, here, there = networks_of_run(given, s), integration_of_run(fine, s), integration_of_run(coarse, s)
            if not _attempt(s, one, counters, limits, there, here, step):
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
