"""Gradient descent (9) in function space: exact, step by step."""

from __future__ import annotations

import math
import time as clock

import numpy as np

from simulate.arrays import Array
from simulate.flow import Flow
from simulate.integrators.base import Point
from simulate.interrupt import Saver
from simulate.loop import Outcome, Progress, non_finite
from simulate.observe import Recorder
from simulate.trajectory import RunStatistics, Status


class DescentState:
    """One run of descent at h (1, n + k, m), which it changes in place."""

    def __init__(self, flow: Flow, h: Array) -> None:
        self.flow, self.h = flow, h
        self.slope = None if flow.low_memory else flow.empty()

    def residual(self) -> np.ndarray:
        """r (1, n) at the present state; remembers the slopes."""
        flow = self.flow
        output = np.zeros((1, flow.n, 1))
        for part in flow.blocks():
            h = flow.cut(self.h, part, flow.n)
            value, _ = flow.activated(h, part, self.slope)
            output += flow.arrays.fetch(flow.arrays.product(value, flow.cut(flow.c, part).mT))
        self.r: np.ndarray = flow.alpha / flow.m * output[:, :, 0] - flow.y
        return self.r

    def step(self, length: float) -> float:
        """h <- h - length c G (r * sigma'(h)) with that r; returns the power (speed/m) sum_i v_i'G v_i, v = r * S."""
        flow, xp, power = self.flow, self.flow.arrays.xp, 0.0
        weight = flow.arrays.put(length * self.r[:, :, None])
        for part in flow.blocks():
            h, driven, pull = flow.cut(self.h, part), flow.buffer(0, part), flow.buffer(1, part, flow.rows)
            slope = flow.buffer(2, part) if self.slope is None else flow.cut(self.slope, part)
            if self.slope is None:
                flow.arrays.activate(flow.activation, flow.cut(h, slice(0, h.shape[2]), flow.n), driven, slope)
            xp.multiply(slope, weight, out=driven)
            flow.arrays.product(flow.G_all, driven, out=pull)
            whole = slice(0, h.shape[2])
            power += float(flow.arrays.fetch(xp.multiply(driven, flow.cut(pull, whole, flow.n), out=driven).sum()))
            flow.displace(part, h, pull, h)
        return max(flow.speed / flow.m * power, 0.0) / length**2


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
    path, target, done, recorded = np.zeros((1, 4)), -1.0, 0, -1
    if start is not None:
        path, target, done, recorded = (start["path"], *(start[k].item() for k in ("target", "done", "recorded")))
        recorder.restore(start)
    at, status, one = DescentState(flow, h), Status.STEPS_DONE, np.zeros(1, dtype=np.int64)

    def state() -> dict[str, np.ndarray]:
        scalars = {"target": np.array(target), "done": np.array(done), "recorded": np.array(recorded)}
        return {"h": flow.arrays.fetch(h), "path": path, **scalars, **recorder.state()}

    while True:
        residual = at.residual()
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
        path = path + step * np.array([[math.sqrt(power), power, 0.0, 0.0]])
        done += 1
        if progress is not None:
            reached = done * step, loss, done, step
            saver.call(lambda: progress(*reached))  # noqa: B023  (called at once)
    seconds = saver.seconds + clock.perf_counter() - started
    detail = non_finite(flow, h[0], done * step) if status is Status.DIVERGED else ""
    return Outcome(h[0], status, RunStatistics(done, 0, done + 1, seconds), detail)
