"""Gradient descent (9) in function space: exact, step by step."""

from __future__ import annotations

import math
import time as clock

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow, Stages
from simulate.integrators.base import Point
from simulate.interrupt import Saver
from simulate.solve.loop import Outcome, Progress, non_finite
from simulate.solve.recorder import Recorder
from simulate.trajectory import RunStatistics, Status


class DescentState:
    """One run of descent at h (1, n + k, m), which it changes in place. residual: r (1, n) there."""

    def __init__(self, flow: Flow, h: Array) -> None:
        self.flow, self.h = flow, h
        self.slope = None if flow.low_memory else flow.empty()
        self.residual = flow.evaluate(h, self.slope).residual

    def step(self, length: float) -> float:
        """h <- h - length c G (r * sigma'(h)); returns the power (speed/m) sum_i v_i'G v_i, v = r * sigma'(h)."""
        stages = Stages(self.flow, self.h, self.slope)
        totals = stages.advance([length * self.residual], keep=self.slope, gram=False, work=True)
        self.residual = totals.residual
        return max(float(totals.power[0]), 0.0) / length**2


def descend(
    flow: Flow,
    recorder: Recorder,
    saver: Saver,
    *,
    step: float,
    steps: int,
    save_every: int,
    loss_ratio: float,
    progress: Progress | None,
) -> Outcome:
    """`steps` updates h <- h - step c G (r * sigma'(h)) from h0 (1, n + k, m), recording each save_every of them."""
    started = clock.perf_counter()
    start = saver.resumed
    h = flow.arrays.copy(recorder.h0 if start is None else flow.arrays.put(start["h"]))
    path, target, done, recorded = np.zeros((1, 3 + flow.n)), -1.0, 0, -1
    if start is not None:
        path, target, done, recorded = (start["path"], *(start[k].item() for k in ("target", "done", "recorded")))
        recorder.restore(start)
    at, status, one = DescentState(flow, h), Status.STEPS_DONE, np.zeros(1, dtype=np.int64)

    def state() -> dict[str, np.ndarray]:
        scalars = {"target": np.array(target), "done": np.array(done), "recorded": np.array(recorded)}
        return {"h": flow.arrays.fetch(h), "path": path, **scalars, **recorder.state()}

    while True:
        residual = at.residual
        loss = float((residual * residual).sum()) / 2
        if done == 0:
            target = loss_ratio * loss
        if not math.isfinite(loss):
            status = Status.DIVERGED
        elif loss_ratio > 0 and loss <= target:
            status = Status.LOSS_REACHED
        ended = done == steps or status is not Status.STEPS_DONE
        if recorded < done and (done % save_every == 0 or ended):
            point = Point.at(flow, h)
            flow.recycle(point.slope)
            recorder.record(flow, one, np.array([done * step]), point, path, point, path, np.array([step]))
            recorded = done
        if ended:
            saver.write(state)
            break
        saver.offer(state)
        power = at.step(step)
        path[0, :2] += step * math.sqrt(power), step * power
        done += 1
        if progress is not None:
            reached = done * step, loss, done, step
            saver.call(lambda: progress(*reached))  # noqa: B023  (called at once)
    seconds = saver.seconds + clock.perf_counter() - started
    detail = non_finite(flow, h[0], done * step) if status is Status.DIVERGED else ""
    return Outcome(h[0], status, RunStatistics(done, 0, done + 1, seconds), detail)
