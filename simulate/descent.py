"""Gradient descent (9) in function space: exact, step by step."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable

import numpy as np
import torch

from simulate.flow import Flow
from simulate.integrators.base import Point
from simulate.observe import Recorder
from simulate.trajectory import RunStatistics, Status


def descend(
    flow: Flow,
    h: torch.Tensor,
    recorder: Recorder,
    *,
    step: float,
    steps: int,
    save_every: int,
    loss_ratio: float,
    progress: Callable[[float, float, int, float], None] | None,
) -> tuple[torch.Tensor, Status, RunStatistics]:
    """`steps` updates h <- h - step c G (r * sigma'(h)) from h (n, m), recording each save_every of them."""
    started, flow.evaluations = clock.perf_counter(), 0
    path, target, status = np.zeros(2), -1.0, Status.STEPS_DONE
    done = 0
    for done in range(steps + 1):
        residual, slope = flow.evaluate(h)
        loss = float(residual @ residual) / 2
        if done == 0:
            target = loss_ratio * loss
        if not math.isfinite(loss):
            status = Status.DIVERGED
        elif loss_ratio > 0 and loss <= target:
            status = Status.LOSS_REACHED
        ended = done == steps or status is not Status.STEPS_DONE
        if done % save_every == 0 or ended:
            point = Point.at(flow, h)
            recorder.record(done * step, point, path, point, path)
        if ended:
            break
        moved, dissipation = flow.descent_step(h, slope, step * residual)
        power = max(dissipation, 0.0) / step**2
        path = path + np.array([step * math.sqrt(power), step * power])
        flow.recycle(slope, *(() if h is recorder.h0 else (h,)))
        h = moved
        if progress is not None:
            progress(done * step, loss, done, step)
    return h, status, RunStatistics(done, 0, flow.evaluations, clock.perf_counter() - started)
