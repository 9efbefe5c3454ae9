"""A whole attempt of small smooth runs in one compiled call: the step is chosen, proposed and judged, and if it is
accepted both integrations take it. What the ordinary loop does between its calls of compiled code takes several times
as long as the work where a state is small.

Loop uses it where it applies (see WholeSteps.of), and does the same in the same order where it does not. The numbers
agree to rounding: a few sums are written out here that numpy hands to BLAS there, and its power is another.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit, types

from simulate.field import reduction
from simulate.field.arrays import MANY_POINTS
from simulate.field.by_address import Types, address_of, array, caller
from simulate.field.cpu import Compiled
from simulate.field.elementwise import EXACT, INNER_EXACT
from simulate.field.flow import Flow
from simulate.field.kernels import KINDS, displacement_sizes, evaluate, in_units
from simulate.field.last_layer import TrainedFlow
from simulate.integrators.base import Integrator
from simulate.integrators.exponential.method import Exponential
from simulate.integrators.exponential.path_length import MOMENTS, node_times
from simulate.integrators.exponential.residual import along_path
from simulate.integrators.spectra import spectra
from simulate.solve.runs import LoopOptions, Runs
from simulate.solve.segment import Followed
from simulate.solve.step_control import AT_FLOOR, GROW, SAFETY, SHRINK, SMALLEST_RATIO, STRETCH
from simulate.solve.step_sums import add_path, error_ratios, quarter_times

ORDER = 4  # of the error of a step that knows the slopes of the one before


def _types(state: Any) -> dict[str, Types]:
    """The types with which the larger loops are called, for states of this type of number."""
    whole, real = types.int64, types.float64
    one, two, three, h = array(real, 1), array(real, 2), array(real, 3), array(state, 3)
    known: Any = types.UniTuple(h, 4)  # type: ignore[no-untyped-call]
    chunks, queue = array(whole, 2), array(whole, 2)
    return {
        "evaluate": (whole, chunks, queue, whole, h, known, three, three, h, h, h, h, three, array(real, 4), two),
        "displacement_sizes": (chunks, queue, whole, known, three, three, h, three, three),
        "along_path": (two, three, two, three, one, three, one, one, one, three, three, two, two),
        "node_times": (two, two, one, one, two),
        "spectra": (three, two, three),
    }


TYPES = {"float64": _types(types.float64), "float32": _types(types.float32)}
LOOPS = {
    "evaluate": evaluate,
    "displacement_sizes": displacement_sizes,
    "along_path": along_path,
    "node_times": node_times,
    "spectra": spectra,
}
EVALUATE, SIZES, ALONG, NODES, SPECTRA = range(len(LOOPS))  # their places in an array of addresses
call: Any = caller(tuple(kinds[name] for kinds in TYPES.values() for name in LOOPS))


@cache
def addresses(dtype: str) -> np.ndarray:
    """Where the loops are, in the order of LOOPS."""
    return np.array([address_of(loop, TYPES[dtype][name]) for name, loop in LOOPS.items()])


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
            and flow.activation.name in KINDS
            and len(flow.model.chunks) == 1
            and flow.n < MANY_POINTS
            and options.save_at is None
            and reduction.exchange() is None
        )
        return cls(options, scales) if applies else None

    def attempt(self, runs: Runs) -> tuple[np.ndarray, np.ndarray]:
        """(accepted, tau) (R,): which runs took their step, in place, and the length that each tried."""
        flow, model, state, options = runs.flow, runs.flow.model, runs.state, self.options
        assert isinstance(flow.backend, Compiled)
        accepted, tau = np.empty(flow.runs, dtype=np.bool_), np.empty(flow.runs)
        # Others may hold these arrays.
        for name in ("time", "tau", "steps", "rejected", "evaluations"):
            setattr(state, name, getattr(state, name).copy())
        attempt(
            addresses(np.dtype(model.arrays.real).name),
            KINDS[flow.activation.name],
            model.chunks,
            flow.backend.panels,
            writable(model.gain),
            writable(model.signs),
            model.arrays.nothing,
            writable(flow.speed_gram),
            writable(flow.y),
            np.array([flow.alpha, flow.beta, flow.scale, flow.speed, options.rtol, options.t_max]),
            flow.m,
            writable(self.scales),
            *(state.time, state.tau, state.floor, state.steps, state.rejected, state.evaluations),
            *_arrays(runs.coarse),
            *_arrays(runs.fine),
            accepted,
            tau,
        )
        return accepted, tau


def writable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that is read-only: the loops are compiled for the other type, see by_address.py."""
    return np.require(array, requirements=["C", "W"])


def _arrays(followed: Followed) -> tuple[np.ndarray, ...]:
    """The arrays of one integration, in the order of `attempt`."""
    state = followed.state
    previous = state.previous
    assert previous is not None
    assert state.slopes is not None
    return (
        *(state.h, state.slopes, previous.slopes, previous.kernel, previous.length),
        *(state.residual, state.slope_gram, state.kernel, state.eigenvalues, state.eigenvectors, followed.path),
    )


@njit(**INNER_EXACT)
def _evaluate(
    loops: Any,
    kind: int,
    chunks: Any,
    panels: Any,
    gain: Any,
    signs: Any,
    y: Any,
    numbers: Any,
    m: int,
    h: Any,
    slopes: Any,
    coefficients: Any,
    displaced: Any,
    slopes_out: Any,
    residual: Any,
    gram: Any,
) -> None:
    """Flow.evaluation of one run: residual (1, n), gram (1, n, n)."""
    n = residual.shape[1]
    queue = np.zeros((1, 8), dtype=np.int64)
    queue[0, 1] = 1
    outputs, grams, works = np.zeros((1, 1, n)), np.zeros((1, 1, n, n)), np.zeros((1, 0))
    call(
        loops[EVALUATE],
        kind,
        chunks,
        queue,
        0,
        h,
        slopes,
        coefficients,
        panels,
        gain,
        signs,
        displaced,
        slopes_out,
        outputs,
        grams,
        works,
    )
    in_units(outputs[0], grams[0], works[0], y, numbers[0], numbers[3], m)
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
def _modes(basis: Any, residual: Any, modes: Any) -> None:
    """modes (1, n): r in the eigenbasis."""
    for k in range(modes.shape[1]):
        modes[0, k] = 0.0
        for a in range(modes.shape[1]):
            modes[0, k] += basis[0, a, k] * residual[0, a]


@njit(**INNER_EXACT)
def _step(
    errors: bool,
    loops: Any,
    kind: int,
    chunks: Any,
    panels: Any,
    gain: Any,
    signs: Any,
    nothing: Any,
    speed_gram: Any,
    y: Any,
    numbers: Any,
    m: int,
    h: Any,
    slopes: Any,
    past: Any,
    past_kernel: Any,
    past_length: Any,
    residual: Any,
    kernel: Any,
    rates: Any,
    basis: Any,
    tau: Any,
    first: Any,
    second: Any,
    weights: Any,
    end: Any,
    lengths: Any,
    in_residual: Any,
    in_movement: Any,
) -> None:
    """Exponential.step of one run: weights (3, 1, n), end (1, n) and lengths (3, 1) of the step; first, second
    (1, n, m): the slopes at its stages; with `errors`, in_residual and in_movement (1, n)."""
    n = residual.shape[1]
    modes, times = np.empty((1, n)), np.empty((2, 1))
    found, gram, other_gram = np.empty((1, n)), np.empty((1, n, n)), np.empty((1, n, n))
    past_change, change, moments = np.empty((1, n, n)), np.empty((1, n, n)), np.empty((1, MOMENTS, n))
    at, never, unknown = np.empty(1), np.zeros(1), np.full(1, -1.0)
    expected, other_weights, other_lengths = np.empty((1, n)), np.empty((3, 1, n)), np.empty((3, 1))
    _modes(basis, residual, modes)
    for a in range(n):
        for b in range(n):
            past_change[0, a, b] = past_kernel[0, a, b] - kernel[0, a, b]
    call(loops[NODES], rates, modes, tau, past_length, times)
    known = (slopes, past, first, second)
    # The stage at the first node.
    at[0] = times[0, 0]
    call(
        loops[ALONG],
        rates,
        basis,
        modes,
        past_change,
        past_length,
        past_change,
        never,
        at,
        unknown,
        moments,
        weights,
        end,
        lengths,
    )
    _evaluate(
        loops,
        kind,
        chunks,
        panels,
        gain,
        signs,
        y,
        numbers,
        m,
        h,
        known,
        weights[:2],
        nothing,
        first,
        found,
        other_gram,
    )
    # The stage at the second node.
    node = times[0].copy()
    at[0] = times[1, 0]
    _change(speed_gram, other_gram, kernel, change)
    call(
        loops[ALONG],
        rates,
        basis,
        modes,
        past_change,
        past_length,
        change,
        node,
        at,
        unknown,
        moments,
        weights,
        expected,
        lengths,
    )
    _evaluate(loops, kind, chunks, panels, gain, signs, y, numbers, m, h, known, weights, nothing, second, found, gram)
    # The difference from the step of lower order, which uses the first node.
    if errors:
        call(
            loops[ALONG],
            rates,
            basis,
            modes,
            past_change,
            past_length,
            change,
            node,
            tau,
            unknown,
            moments,
            other_weights,
            end,
            other_lengths,
        )
    # The step itself.
    node[0] = times[1, 0]
    _change(speed_gram, gram, kernel, change)
    call(
        loops[ALONG],
        rates,
        basis,
        modes,
        past_change,
        past_length,
        change,
        node,
        tau,
        unknown,
        moments,
        weights,
        end,
        lengths,
    )
    if errors:
        difference = np.empty((4, 1, n))
        for a in range(n):
            difference[0, 0, a] = weights[0, 0, a] - other_weights[0, 0, a]
            difference[1, 0, a] = weights[1, 0, a] - other_weights[1, 0, a]
            difference[2, 0, a] = -other_weights[2, 0, a]
            difference[3, 0, a] = weights[2, 0, a]
        queue = np.zeros((1, 8), dtype=np.int64)
        queue[0, 1] = 1
        changes, squares = np.zeros((1, 1, n)), np.zeros((1, 1, n))
        call(loops[SIZES], chunks, queue, 0, known, difference, panels, slopes, changes, squares)
        for a in range(n):
            moved = -numbers[3] / m * changes[0, 0, a]
            in_residual[0, a] = abs(moved) + abs(found[0, a] - expected[0, a])
            in_movement[0, a] = numbers[1] * numbers[2] * np.sqrt(squares[0, 0, a] / m)


@njit(**INNER_EXACT)
def _advance(
    loops: Any,
    kind: int,
    chunks: Any,
    panels: Any,
    gain: Any,
    signs: Any,
    speed_gram: Any,
    y: Any,
    numbers: Any,
    m: int,
    h: Any,
    slopes: Any,
    past: Any,
    past_kernel: Any,
    past_length: Any,
    residual: Any,
    gram: Any,
    kernel: Any,
    rates: Any,
    basis: Any,
    path: Any,
    first: Any,
    second: Any,
    weights: Any,
    lengths: Any,
) -> None:
    """StagedStep.advance and Segment for one run, in place. first (1, n, m) is overwritten."""
    n = residual.shape[1]
    before = residual.copy()
    known = (slopes, past, second, second)
    _evaluate(loops, kind, chunks, panels, gain, signs, y, numbers, m, h, known, weights, h, first, residual, gram)
    past_length[0] = lengths[0, 0]
    for a in range(n):
        for i in range(slopes.shape[2]):
            past[0, a, i] = slopes[0, a, i]
            slopes[0, a, i] = first[0, a, i]
        for b in range(n):
            past_kernel[0, a, b] = kernel[0, a, b]
            kernel[0, a, b] = speed_gram[a, b] * gram[0, a, b]
    call(loops[SPECTRA], kernel, rates, basis)
    add_path(before, residual, lengths[0], lengths[2], path)


@njit(**EXACT)
def attempt(
    loops: Any,
    kind: int,
    chunks: Any,
    panels: Any,
    gain: Any,
    signs: Any,
    nothing: Any,
    speed_gram: Any,
    y: Any,
    numbers: Any,
    m: int,
    scales: Any,
    time: Any,
    allowed: Any,
    floor: Any,
    steps: Any,
    rejected: Any,
    evaluations: Any,
    h: Any,
    slopes: Any,
    past: Any,
    past_kernel: Any,
    past_length: Any,
    residual: Any,
    gram: Any,
    kernel: Any,
    rates: Any,
    basis: Any,
    path: Any,
    fine_h: Any,
    fine_slopes: Any,
    fine_past: Any,
    fine_past_kernel: Any,
    fine_past_length: Any,
    fine_residual: Any,
    fine_gram: Any,
    fine_kernel: Any,
    fine_rates: Any,
    fine_basis: Any,
    fine_path: Any,
    accepted: Any,
    tried: Any,
) -> None:
    """One attempt of each run; writes accepted, tried (R,), and in place what has changed.

    numbers: alpha, beta, scale, speed, rtol, t_max; the arrays from `h` to `path` are those of the coarse integration,
    in the notation of State, Previous and Followed; those of the fine one follow. allowed (R,): LoopState.tau.
    """
    n, rtol, t_max = residual.shape[1], numbers[4], numbers[5]
    shape = (1, n, h.shape[2])
    first, second = np.empty(shape, dtype=h.dtype), np.empty(shape, dtype=h.dtype)
    modes, tau, half, resolved, ratio = np.empty((1, n)), np.empty(1), np.empty(1), np.empty(1), np.empty(1)
    weights, end, lengths = np.empty((3, 1, n)), np.empty((1, n)), np.empty((3, 1))
    in_residual, in_movement = np.empty((1, n)), np.empty((1, n))
    for s in range(len(time)):
        one = slice(s, s + 1)
        # How far the run tries to go; see step_control.resolved and step_control.attempt.
        _modes(basis[one], residual[one], modes)
        quarter_times(rates[one], modes, allowed[one], resolved)
        size = 0.0
        for k in range(n):
            size += modes[0, k] * modes[0, k]
        tau[0] = allowed[s] if size <= (AT_FLOOR * floor[s]) ** 2 else resolved[0]
        until = t_max
        if time[s] + STRETCH * tau[0] < t_max:
            until = time[s] + tau[0]
        else:
            tau[0] = t_max - time[s]
        evaluations[s] += 2
        # The coarse integration proposes a step; if its estimated error is allowed, it takes it, and the fine one takes
        # two halves.
        for k in range(3):
            coarse = k == 0
            h_k = (h if coarse else fine_h)[one]
            slopes_k = (slopes if coarse else fine_slopes)[one]
            past_k = (past if coarse else fine_past)[one]
            past_kernel_k = (past_kernel if coarse else fine_past_kernel)[one]
            past_length_k = (past_length if coarse else fine_past_length)[one]
            residual_k = (residual if coarse else fine_residual)[one]
            gram_k = (gram if coarse else fine_gram)[one]
            kernel_k = (kernel if coarse else fine_kernel)[one]
            rates_k = (rates if coarse else fine_rates)[one]
            basis_k = (basis if coarse else fine_basis)[one]
            path_k = (path if coarse else fine_path)[one]
            length = tau if coarse else half
            _step(
                coarse,
                loops,
                kind,
                chunks,
                panels,
                gain[one],
                signs[one],
                nothing,
                speed_gram,
                y,
                numbers,
                m,
                h_k,
                slopes_k,
                past_k,
                past_kernel_k,
                past_length_k,
                residual_k,
                kernel_k,
                rates_k,
                basis_k,
                length,
                first,
                second,
                weights,
                end,
                lengths,
                in_residual,
                in_movement,
            )
            if coarse:
                error_ratios(residual_k, end, in_residual, in_movement, scales, rtol, floor[one], 1, ratio)
                accepted[s], tried[s], half[0] = ratio[0] <= 1, tau[0], tau[0] / 2
                if not accepted[s]:
                    break
            _advance(
                loops,
                kind,
                chunks,
                panels,
                gain[one],
                signs[one],
                speed_gram,
                y,
                numbers,
                m,
                h_k,
                slopes_k,
                past_k,
                past_kernel_k,
                past_length_k,
                residual_k,
                gram_k,
                kernel_k,
                rates_k,
                basis_k,
                path_k,
                first,
                second,
                weights,
                lengths,
            )
        if accepted[s]:
            evaluations[s] += 7
            time[s] = until
            steps[s] += 1
        else:
            rejected[s] += 1
        # The next step; see step_control.next_step.
        finite = np.isfinite(ratio[0])
        factor = SAFETY * max(ratio[0] if finite else 1.0, SMALLEST_RATIO) ** (-1 / ORDER)
        if accepted[s]:
            grown = tau[0] * min(GROW, factor)
            allowed[s] = max(allowed[s], grown) if tau[0] < allowed[s] else grown
        else:
            allowed[s] = tau[0] * (max(SHRINK, factor) if finite else SHRINK)
