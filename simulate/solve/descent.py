"""Gradient descent (9) in function space: exact, step by step."""

from __future__ import annotations

import math
import time as clock

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.stages import Stages
from simulate.integrators.state import State
from simulate.solve.outcome import Checkpoints, Outcome, Progress, RunStatistics, Saved, Status, non_finite
from simulate.solve.recorder import Recorder
from simulate.solve.saved_fields import descent_fields
from simulate.solve.segment import Followed


class DescentState:
    """One run of descent at h (1, n + k, m), which it changes in place. residual (1, n): r there; slopes: sigma' there,
    None with low_memory."""

    def __init__(self, flow: Flow, h: Array) -> None:
        self.flow, self.h = flow, h
        self.slopes = None if flow.low_memory else flow.empty()
        self.residual = flow.evaluate(h, self.slopes).residual

    def step(self, length: float) -> float:
        """h <- h - length c G (r * sigma'(h)); returns the power (speed/m) sum_i v_i'G v_i, v = r * sigma'(h)."""
        stages = Stages(self.flow, self.h, self.slopes)
        evaluation = stages.advance([length * self.residual], slopes=self.slopes, gram=False, work=True)
        self.residual = evaluation.residual
        return max(float(evaluation.power[0]), 0.0) / length / length  # whose square may not be a number


def descend(
    flow: Flow,
    recorder: Recorder,
    checkpoints: Checkpoints,
    *,
    step: float,
    steps: int,
    save_every: int,
    loss_ratio: float,
    progress: Progress | None,
) -> Outcome:
    """`steps` updates h <- h - step c G (r * sigma'(h)) from h0 (1, n + k, m), recording each save_every of them.

    step: in the time of the flow; loss_ratio, progress as in gradient_descent.
    """
    started = clock.perf_counter()
    ends = {"done": steps, "recorded": steps}
    resumed = checkpoints.read(descent_fields(flow), ends) if checkpoints.resuming else None
    # Where it begins: at h0, or where an earlier run was saved.
    if resumed is None:
        h, path = flow.arrays.copy(recorder.h0), np.zeros((1, 3 + flow.n))
        target, done, recorded = -1.0, 0, -1
    else:
        h, path = flow.arrays.copy(flow.arrays.put(resumed["h"])), resumed["path"]
        target, done, recorded = resumed["target"].item(), resumed["done"].item(), resumed["recorded"].item()
        recorder.restore(resumed)
    run, status, first = DescentState(flow, h), Status.STEPS_DONE, np.zeros(1, dtype=np.int64)

    def saved() -> Saved:
        counters = {"target": np.array(target), "done": np.array(done), "recorded": np.array(recorded)}
        return {"h": flow.arrays.fetch(h), "path": path, **counters, **recorder.state()}

    while True:
        # Does the run end here?
        loss = float((run.residual * run.residual).sum()) / 2
        if done == 0:
            target = loss_ratio * loss
        if not math.isfinite(loss):
            status = Status.DIVERGED
        elif loss_ratio > 0 and loss <= target:
            status = Status.LOSS_REACHED
        ended = done == steps or status is not Status.STEPS_DONE
        # Record it if it is time. There is one integration only, so the errors are those of rounding.
        if recorded < done and (done % save_every == 0 or ended):
            state = State.at(flow, h)
            flow.recycle(state.slopes)
            here = Followed(state, path)
            recorder.record(flow, first, np.array([done * step]), here, here, np.array([step]))
            recorded = done
        # Save it; no checkpoint holds what is not finite.
        if ended:
            if status is not Status.DIVERGED:
                checkpoints.write(saved)
            break
        checkpoints.offer(saved)
        # One step.
        power = run.step(step)
        path[0, :2] += step * math.sqrt(power), step * power
        done += 1
        if progress is not None:
            time, number = done * step, done
            checkpoints.call(lambda: progress(time, loss, number, step))  # noqa: B023  (called at once)
    seconds = checkpoints.seconds + clock.perf_counter() - started
    detail = non_finite(flow, h[0], done * step) if status is Status.DIVERGED else ""
    return Outcome(h[0], status, RunStatistics(done, 0, done + 1, seconds), detail)
