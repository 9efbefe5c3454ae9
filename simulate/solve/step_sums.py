"""Compiled loops over the data points for each step, for numpy's calls would take longer than the work. Each is called
from one place only, with the same argument names: step_control.py, segment.py or loop.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT, INNER_EXACT

# In units of the error that a step is allowed, relative to r at its start: by how much |r| may grow in a step that was
# accepted, and how far r may be from where the method expects it. What was measured on random flows stays below 2.3 and
# 21; in steps that led astray |r| grew by 116 and more, or missed its place by 5e4 and more.
GROWTH, ASTRAY = 4.0, 100.0


@njit(**EXACT)
def quarter_times(rates: Any, modes: Any, tau: Any, times: Any) -> None:
    """times (S,): when the norm of exp(-rates t) modes is a quarter of what it was, but tau (S,) if that is earlier.

    rates, modes: (S, n).
    """
    for s in range(len(tau)):
        whole = (modes[s] * modes[s]).sum()
        times[s], time = tau[s], 0.0
        # Newton's method for log(sum of decaying exponentials) = log(1/16). The function is convex, so steps from the
        # left never overshoot.
        while time < tau[s]:
            total, slope = 0.0, 0.0
            for j in range(modes.shape[1]):
                left = modes[s, j] * modes[s, j] * np.exp(-2 * rates[s, j] * time)
                total, slope = total + left, slope + 2 * rates[s, j] * left
            if not slope > 0:
                break
            ahead = np.log(total / whole) + np.log(16.0)
            if ahead <= 0.05:  # near enough
                times[s] = time
                break
            time += ahead * total / slope


@njit(**EXACT)
def add_path(before: Any, after: Any, length: Any, dissipated: Any, path: Any) -> None:
    """Add a step to the path length s and to the integral of P, columns 0 and 1 of a path (S, 3 + n).

    before, after (S, n): the residuals at its ends; length, dissipated (S,): the step's integrals of sqrt(P) and of P.
    """
    for s in range(len(length)):
        # s is scaled by the root of the loss that was really lost to that which the step reckons with.
        lost = 0.0  # twice the loss
        for j in range(before.shape[1]):
            lost += (before[s, j] - after[s, j]) * (before[s, j] + after[s, j])
        if dissipated[s] > 0:
            path[s, 0] += length[s] * np.sqrt(max(lost / 2, 0.0) / dissipated[s])
        path[s, 1] += dissipated[s]


@njit(**INNER_EXACT)
def _norm(vector: Any) -> float:
    """The Euclidean norm."""
    total = 0.0
    for x in vector:
        total += x * x
    return np.sqrt(total)


@njit(**EXACT)
def error_ratios(
    residual: Any,
    predicted: Any,
    in_residual: Any,
    in_movement: Any,
    scales: Any,
    rtol: float,
    floor: Any,
    power: int,
    ratios: Any,
) -> None:
    """ratios (S,): see step_control.error_ratio.

    residual, predicted (S, n): r at both ends of the step; in_residual, in_movement (S, n): the estimated errors;
    power: of the error in the movement.
    """
    for s in range(len(residual)):
        before, after, error, largest = _norm(residual[s]), _norm(predicted[s]), _norm(in_residual[s]), 0.0
        for a in range(len(scales)):
            moved = in_movement[s, a] / scales[a]
            largest = moved if moved > largest or moved != moved else largest  # NaN stays
        # Relative to the smaller residual, for a long step may end far below where it began.
        ratio = max(error / (rtol * min(before, after) + floor[s]), largest**power / rtol)
        ratios[s] = ratio if np.isfinite(before + after + error + largest) and np.isfinite(ratio) else np.inf


@njit(**EXACT)
def stands(before: Any, after: Any, predicted: Any, rates: Any, rtol: float, floor: Any, took: Any) -> None:
    """took (S,) becomes False where a step of a smooth flow has led where the flow does not go: what is found there is
    not finite, |r| has grown, which it never does along the flow, or r is far from where the method expects it.

    before, after, predicted (S, n): r at both ends, and at the second as it is expected; rates (S, n): eigenvalues
    there; floor (S,): the rounding of r.
    """
    for s in range(len(took)):
        start, end, apart = _norm(before[s]), _norm(after[s]), 0.0
        for a in range(before.shape[1]):
            apart += (after[s, a] - predicted[s, a]) ** 2
        allowed = rtol * start + floor[s]
        fits = end - start <= GROWTH * allowed and np.sqrt(apart) <= ASTRAY * allowed
        took[s] = took[s] and fits and np.isfinite(end + rates[s, 0])


@njit(**EXACT)
def stop_reasons(
    residual: Any,
    rates: Any,
    time: Any,
    tau: Any,
    target: Any,
    floor: Any,
    steps: Any,
    t_max: float,
    max_steps: int,
    loss_counts: bool,
    reasons: Any,
) -> bool:
    """Whether any run should end, and why: reasons (S,) are places in Loop.stop_reasons, in the same order, or -1.

    residual, rates (S, n); time, tau, target (a loss), floor (the rounding of r), steps: (S,); loss_counts: whether the
    loss may end a run.
    """
    any_ends = False
    for s in range(len(time)):
        size, reason = _norm(residual[s]), -1
        if not np.isfinite(size + rates[s, 0]):
            reason = 0
        elif loss_counts and size * size / 2 <= target[s]:
            reason = 1
        elif loss_counts and size <= 4 * floor[s]:
            reason = 2
        elif time[s] >= t_max:
            reason = 3
        elif steps[s] >= max_steps:
            reason = 4
        elif time[s] + tau[s] <= time[s] * (1 + 1e-14):  # the step is lost in the rounding of the time
            reason = 5
        reasons[s] = reason
        any_ends |= reason >= 0
    return any_ends
