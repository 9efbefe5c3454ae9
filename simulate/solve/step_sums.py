"""Compiled loops over the data points for each step: numpy's calls would take longer than the work."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import EXACT


@njit(**EXACT)
def spectra(kernel: Any, values: Any, vectors: Any) -> None:
    """Eigenvalues (S, n), none below 0, and eigenvectors; not a number where the matrix is not finite."""
    for s in range(len(kernel)):
        if np.isfinite(kernel[s]).all():
            found, basis = np.linalg.eigh(kernel[s])
            values[s] = np.maximum(found, 0.0)
            vectors[s] = basis
        else:
            values[s], vectors[s] = np.nan, np.nan


@njit(**EXACT)
def quarter_times(rates: Any, modes: Any, tau: Any, times: Any) -> None:
    """When the norm of exp(-rates t) modes is a quarter of what it was, but tau if that is earlier."""
    for s in range(len(tau)):
        whole = (modes[s] * modes[s]).sum()
        times[s], time = tau[s], 0.0
        # log(sum of decaying exponentials) is convex, so Newton's steps from the left never overshoot.
        while time < tau[s]:
            total, slope = 0.0, 0.0
            for j in range(modes.shape[1]):
                left = modes[s, j] * modes[s, j] * np.exp(-2 * rates[s, j] * time)
                total, slope = total + left, slope + 2 * rates[s, j] * left
            if not slope > 0:
                break
            ahead = np.log(total / whole) + np.log(16.0)
            if ahead <= 0.05:
                times[s] = time
                break
            time += ahead * total / slope


@njit(**EXACT)
def add_path(before: Any, after: Any, length: Any, dissipated: Any, path: Any) -> None:
    """Add a step to s and to the integral of P, the first columns of a path, from the residuals (S, n) at its ends."""
    for s in range(len(length)):
        lost = 0.0
        for j in range(before.shape[1]):
            lost += (before[s, j] - after[s, j]) * (before[s, j] + after[s, j])
        if dissipated[s] > 0:
            path[s, 0] += length[s] * np.sqrt(max(lost / 2, 0.0) / dissipated[s])
        path[s, 1] += dissipated[s]


@njit(**EXACT)
def _norm(vector: Any) -> float:
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
    """See control.error_ratio."""
    for s in range(len(residual)):
        before, after, error, largest = _norm(residual[s]), _norm(predicted[s]), _norm(in_residual[s]), 0.0
        for a in range(len(scales)):
            moved = in_movement[s, a] / scales[a]
            largest = moved if moved > largest or moved != moved else largest  # NaN stays
        # A long step may end far below where it began.
        ratio = max(error / (rtol * min(before, after) + floor[s]), largest**power / rtol)
        ratios[s] = ratio if np.isfinite(before + after + error + largest) and np.isfinite(ratio) else np.inf


@njit(**EXACT)
def endings(
    residual: Any,
    rates: Any,
    time: Any,
    tau: Any,
    target: Any,
    floor: Any,
    steps: Any,
    t_max: float,
    max_steps: int,
    wanted: bool,
    reasons: Any,
) -> bool:
    """Whether any run should end, and why: reasons (S,) are places in Loop.endings, whose order is that here, or -1.
    wanted: whether the loss may end a run."""
    ended = False
    for s in range(len(time)):
        size, reason = _norm(residual[s]), -1
        if not np.isfinite(size + rates[s, 0]):
            reason = 0
        elif wanted and size * size / 2 <= target[s]:
            reason = 1
        elif wanted and size <= 4 * floor[s]:
            reason = 2
        elif time[s] >= t_max:
            reason = 3
        elif steps[s] >= max_steps:
            reason = 4
        elif time[s] + tau[s] <= time[s] * (1 + 1e-14):
            reason = 5
        reasons[s] = reason
        ended |= reason >= 0
    return ended
