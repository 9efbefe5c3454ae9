"""The one loop: step control on the residual, two runs in lock step for an honest error.

The coarse run is advanced with adaptive steps; the fine run follows it with each step halved. What is reported is the
fine run, and their difference is its error estimate: for a method of order p it is 2^p - 1 times the fine run's true
error where the steps resolve the flow, so the report errs on the safe side.
"""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from simulate.flow import Flow
from simulate.integrators.base import Integrator, Point, Step
from simulate.observe import Recorder
from simulate.trajectory import RunStatistics, Status

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0


@dataclass(frozen=True)
class Control:
    """t_max, rtol and loss_ratio as in gradient_flow; save_at: (T,) increasing times, or None for every step."""

    t_max: float
    rtol: float
    loss_ratio: float
    max_steps: int
    save_at: np.ndarray | None
    progress: Callable[[float, float, int, float], None] | None = None


def integrate(
    flow: Flow, stepper: Integrator, h0: torch.Tensor, recorder: Recorder, control: Control
) -> tuple[torch.Tensor, Status, RunStatistics]:
    """Run from h0 (n, m) until the loss, the time, the precision or the steps are exhausted."""
    started, flow.evaluations = clock.perf_counter(), 0
    coarse, fine = Point.at(flow, h0), Point.at(flow, h0)
    coarse_path = fine_path = np.zeros(2)
    time, steps, rejected = 0.0, 0, 0
    target = control.loss_ratio * float(coarse.residual @ coarse.residual) / 2
    scales = np.sqrt(np.maximum(np.diagonal(flow.gram), 1e-300))
    floor = float(np.linalg.norm(recorder.residual_rounding(coarse)))
    tau = min(_first_step(flow, coarse, scales), control.t_max)
    saves = list(control.save_at) if control.save_at is not None else None

    def done() -> Status | None:
        size = float(np.linalg.norm(fine.residual))
        if not math.isfinite(size):
            return Status.DIVERGED
        if control.loss_ratio > 0 and size * size / 2 <= target:
            return Status.LOSS_REACHED
        if control.loss_ratio > 0 and size <= 4 * floor:
            return Status.PRECISION_REACHED
        if time >= control.t_max:
            return Status.TIME_REACHED
        return Status.STEP_LIMIT if steps >= control.max_steps else None

    def save(final: bool) -> None:
        due = saves is None or (bool(saves) and time >= saves[0])
        if due or final:
            recorder.record(time, fine, fine_path, coarse, coarse_path)
        while saves and time >= saves[0]:
            saves.pop(0)

    status = done()
    save(status is not None)
    while status is None:
        goal = min(control.t_max, saves[0] if saves else math.inf)
        allowed = tau if saves is not None else _resolved(coarse, tau)
        attempt = allowed if time + 1.01 * allowed < goal else goal - time
        proposal = stepper.step(flow, coarse, attempt)
        ratio = _error_ratio(proposal, coarse.residual, scales, control.rtol, floor)
        if not ratio <= 1:
            rejected += 1
            flow.recycle(proposal.h)
            tau = attempt * (max(SHRINK, SAFETY * ratio ** (-1 / stepper.error_order)) if ratio < math.inf else SHRINK)
            if time + tau <= time * (1 + 1e-14):
                status = Status.STEP_UNDERFLOW if flow.activation.smooth else Status.KINKS
                save(True)
            continue
        coarse, coarse_path = _advance(flow, proposal, coarse, coarse_path, h0)
        for _ in range(2):
            fine, fine_path = _advance(flow, stepper.step(flow, fine, attempt / 2), fine, fine_path, h0)
        time = goal if attempt == goal - time else time + attempt
        steps += 1
        grown = attempt * min(GROW, SAFETY * max(ratio, 1e-12) ** (-1 / stepper.error_order))
        tau = max(tau, grown) if attempt < tau else grown
        status = done()
        save(status is not None)
        if control.progress is not None:
            control.progress(time, float(fine.residual @ fine.residual) / 2, steps, tau)
    return fine.h, status, RunStatistics(steps, rejected, flow.evaluations, clock.perf_counter() - started)


def _advance(flow: Flow, step: Step, before: Point, path: np.ndarray, h0: torch.Tensor) -> tuple[Point, np.ndarray]:
    """The point after a step, and (s, integral of P) there.

    s integrates sqrt(-dL/dt), so the step's share is scaled to the loss that was really lost: at kinks the P of a
    one-sided slope overstates it. The integral of P itself is kept as it is, for equation (14) is tested against it.
    """
    after = Point.at(flow, step.h)
    flow.recycle(before.slope, *(() if before.h is h0 else (before.h,)))
    lost = float(before.residual @ before.residual - after.residual @ after.residual) / 2
    correction = math.sqrt(max(lost, 0.0) / step.dissipated) if step.dissipated > 0 else 0.0
    return after, path + np.array([step.path * correction, step.dissipated])


def _first_step(flow: Flow, point: Point, scales: np.ndarray) -> float:
    """A step in which the neurons move by about a hundredth of their spread, if r stayed as it is."""
    speed = abs(flow.beta * float(flow.c[0].abs())) * np.abs(flow.gram) @ np.abs(point.residual)
    fastest = float(np.max(speed * float(flow.activation.Ls) / scales))
    return 0.01 / fastest if fastest > 0 else math.inf


def _resolved(point: Point, tau: float) -> float:
    """tau, or the time in which the residual falls to a quarter: where every step is recorded, none skips the decay."""
    modes = np.square(point.eigenvectors.T @ point.residual)
    target = float(modes.sum()) / 16

    def left(t: float) -> float:
        return float(modes @ np.exp(-2 * point.eigenvalues * t))

    if left(tau) >= target:
        return tau
    low, high = 0.0, tau
    while high > 1.05 * low:
        # Decay times spread over decades: bisect in the logarithm once a lower end is known.
        middle = math.sqrt(low * high) if low > 0 else high / 16
        low, high = (middle, high) if left(middle) >= target else (low, middle)
    return low


def _error_ratio(step: Step, residual: np.ndarray, scales: np.ndarray, rtol: float, floor: float) -> float:
    """The step's estimated local error in units of what rtol allows; inf where it is not a number."""
    size = float(np.linalg.norm(residual))
    in_residual = float(np.linalg.norm(step.residual_error)) / (rtol * size + floor)
    in_movement = float(np.max(step.movement_error / scales)) / rtol
    ratio = max(in_residual, in_movement)
    return ratio if math.isfinite(ratio) else math.inf
