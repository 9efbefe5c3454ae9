"""Gradient descent (9) in function space: exact, step by step."""

from __future__ import annotations

import contextlib
import math
import time as clock
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.sparse.linalg import ArpackError, eigsh

from bounds.checks import real
from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.flow import Evaluation, Flow
from simulate.field.rounding import residual_rounding
from simulate.field.stages import Stages
from simulate.integrators.state import State
from simulate.solve.outcome import Checkpoints, Outcome, Progress, RunStatistics, Saved, Status, non_finite
from simulate.solve.recorder import Recorder
from simulate.solve.saved_fields import descent_fields
from simulate.solve.segment import Followed
from simulate.solve.step_rules import DescentPoint, StepRule

ITERATED = 256  # data points from which Lanczos' method finds the largest eigenvalue faster
RESTARTS = 5  # of it, after which the usual method would have been faster
GROWN = 1e12  # the loss has diverged when it is so many times what the data and the network at the start can make it


@dataclass(frozen=True)
class DescentOptions:
    """What a descent is asked for, as in gradient_descent.

    step: its length in the caller's time, or the rule for it; clock: the caller's time over that of the flow; save_at:
    times to record, None for each save_every steps.
    """

    step: float | StepRule
    clock: float
    steps: int
    save_every: int
    save_at: np.ndarray | None
    loss_ratio: float
    progress: Progress | None


class DescentState:
    """One run of descent at h (1, rows, m), which it changes in place.

    residual (1, n): r there; slopes: sigma' there, None with low_memory; fastest: the largest rate at which a direction
    of r decays there, None unless it is `watched`.
    """

    def __init__(self, flow: Flow, h: Array, *, watched: bool) -> None:
        self.flow, self.h, self.watched = flow, h, watched
        self.slopes = None if flow.low_memory else flow.empty()
        self._arrive(flow.evaluate(h, self.slopes))

    def _arrive(self, evaluation: Evaluation) -> None:
        """Note the flow at a state, the power of the displacement that led there too."""
        self.residual, self.power = self.flow.small.fetch_together(evaluation.residual, evaluation.power)
        self.fastest = self._fastest(evaluation.slope_gram)

    def _fastest(self, slope_gram: Array) -> float | None:
        """The largest eigenvalue of the kernel; NaN where that is not finite."""
        if not self.watched:
            return None
        kernel = self.flow.small.fetch(self.flow.kernel(slope_gram)[0])
        return largest_eigenvalue(kernel) if np.isfinite(kernel).all() else math.nan

    def step(self, length: float) -> float:
        """h <- h - length c G (r * sigma'(h)); returns the power (speed/m) sum_i v_i'G v_i, v = r * sigma'(h)."""
        stages = Stages(self.flow, self.h, self.slopes)
        self._arrive(stages.advance([length * self.residual], slopes=self.slopes, gram=self.watched, work=True))
        return max(float(self.power[0]), 0.0) / length / length  # whose square may not be a number

    def dead(self) -> bool:
        """Whether every slope is zero at every data point, and if the last layer is trained every value, too."""
        return not bool(self.flow.evaluate(self.h).slope_gram[0].any())


def largest_eigenvalue(matrix: np.ndarray) -> float:
    """That of a symmetric matrix, to rounding."""
    n, size = len(matrix), float(np.abs(matrix).max())
    if n >= ITERATED and size > 0:
        start = np.random.default_rng(0).standard_normal(n)  # at right angles to no eigenvector that data may have
        # Of a matrix of size 1, for the tolerance is absolute for small ones.
        options = {"k": 1, "which": "LA", "v0": start, "tol": 0, "maxiter": RESTARTS, "return_eigenvectors": False}
        with contextlib.suppress(ArpackError):
            return float(eigsh(matrix / size, **options)[0]) * size
    return float(scipy.linalg.eigvalsh(matrix, subset_by_index=[n - 1, n - 1])[0])


def descend(flow: Flow, recorder: Recorder, checkpoints: Checkpoints, options: DescentOptions) -> Outcome:
    """Updates h <- h - step c G (r * sigma'(h)) from h0 (1, rows, m), some of them recorded."""
    started, steps, rule = clock.perf_counter(), options.steps, options.step
    resumed = checkpoints.read(descent_fields(flow), {"done": steps, "recorded": steps}) if checkpoints.resuming else {}
    # Where it begins: at h0, or where an earlier run was saved.
    if not resumed:
        h, path = flow.arrays.copy(recorder.h0), np.zeros((1, 3 + flow.n))
        target, done, recorded, time, first_loss = -1.0, 0, -1, 0.0, 0.0
    else:
        h, path = flow.arrays.copy(flow.arrays.put(resumed["h"])), resumed["path"]
        target, done, recorded = resumed["target"].item(), resumed["done"].item(), resumed["recorded"].item()
        time, first_loss = resumed["elapsed"].item(), resumed["first"].item()
        recorder.restore(resumed)
    run, status = DescentState(flow, h, watched=callable(rule)), Status.STEPS_DONE
    length, before = 0.0, -1.0 if done == 0 else time  # of the step that led here, and the time before it
    dead, too_long = run.fastest == 0, ""

    def saved() -> Saved:
        counters = {"target": np.array(target), "done": np.array(done), "recorded": np.array(recorded)}
        counters |= {"elapsed": np.array(time), "first": np.array(first_loss)}
        return {"h": flow.arrays.fetch(h), "path": path, **counters, **recorder.state()}

    while True:
        # Does the run end here?
        loss = float((run.residual * run.residual).sum()) / 2
        if done == 0:
            target, first_loss = options.loss_ratio * loss, loss
        floor = np.linalg.norm(residual_rounding(flow, run.residual, recorder.largest))
        if not math.isfinite(loss) or loss > GROWN * (first_loss + _largest_loss(flow, recorder)):
            status = Status.DIVERGED
        elif options.loss_ratio > 0 and loss <= target:
            status = Status.LOSS_REACHED
        elif options.loss_ratio > 0 and math.sqrt(2 * loss) <= 4 * floor:
            status = Status.PRECISION_REACHED
        elif dead:
            status = Status.DEAD
        ended = done == steps or status is not Status.STEPS_DONE
        # Record it if it is time. There is one integration only, so the errors are those of rounding.
        if recorded < done and (ended or _due(options, done, before, time)):
            state = State.at(flow, h)
            flow.recycle(state.slopes)
            here = Followed(state, path)
            recorder.record(flow, np.zeros(1, dtype=np.int64), np.array([time]), here, here, np.array([length]))
            recorded = done
            limit = 2 / float(state.eigenvalues[0, -1]) if state.eigenvalues[0, -1] > 0 else math.inf
            if not callable(rule) and not too_long and rule / options.clock > limit:
                too_long = (
                    f"the step {rule:.3g} is beyond the limit of stability {limit * options.clock:.3g} after"
                    f" {done} steps: the residual grows in one direction. Use a smaller step, or step='stable'"
                )
        if options.progress is not None and done > 0:
            report, at = options.progress, (time * options.clock, loss, done, length * options.clock)
            checkpoints.call(lambda: report(*at))  # noqa: B023  (called at once)
        # Save it; no checkpoint holds what is not finite.
        if ended:
            if math.isfinite(loss):
                checkpoints.write(saved)
            break
        checkpoints.offer(saved)
        # One step.
        if callable(rule):
            fastest = run.fastest
            limit = options.clock * (2 / fastest if fastest else math.inf)
            length = _chosen(rule, DescentPoint(done, time * options.clock, loss, first_loss, limit)) / options.clock
        else:
            length = rule / options.clock
        power = run.step(length)
        path[0, :2] += length * math.sqrt(power), length * power
        done, before = done + 1, time
        time = time + length if callable(rule) else done * length  # without rounding for a fixed step
        dead = power == 0 and loss > 0 and run.dead()
    seconds = checkpoints.seconds + clock.perf_counter() - started
    detail = too_long
    if status is Status.DIVERGED:
        detail = non_finite(flow, h[0], time) if not math.isfinite(loss) else _grown(flow, h[0], time, loss)
    return Outcome(h[0], status, RunStatistics(done, 0, done + 1, seconds), detail)


def _due(options: DescentOptions, done: int, before: float, time: float) -> bool:
    """Whether a state is recorded; time: its own, before: that of the state before it."""
    if options.save_at is None:
        return done % options.save_every == 0
    # Sums of steps are rounded, so that a time is reached a little early.
    reached = [np.searchsorted(options.save_at, t * options.clock * (1 + 1e-12), side="right") for t in (before, time)]
    return bool(reached[1] > reached[0])


def _largest_loss(flow: Flow, recorder: Recorder) -> float:
    """A bound of the loss of every network whose pre-activations are no larger than those at the start."""
    sigma = flow.activation
    value = abs(float(sigma.value(0.0))) + float(sigma.Ls) * float(np.max(recorder.largest))
    if sigma.bounded_by is not None:
        value = min(value, sigma.bounded_by)
    return flow.n / 2 * (float(np.max(np.abs(flow.y))) + flow.alpha * flow.scale * value) ** 2


def _grown(flow: Flow, h: Array, time: float, loss: float) -> str:
    """Where a run (rows, m) has gone that is finite still, as a sentence."""
    values = np.abs(flow.arrays.fetch(h[: flow.n]))
    a, i = np.unravel_index(np.argmax(values), values.shape)
    found = reduction.everyone(np.array([values[a, i], flow.first + i, a]))
    value, i, a = found[np.argmax(found[:, 0])]
    return f"by time {time:.6g} the loss is {loss:.3g}; neuron {i:.0f} at data point {a:.0f} has gone to {value:.3g}"


def _chosen(rule: StepRule, point: DescentPoint) -> float:
    """The step that the rule chooses. Raises ArgumentError unless it is a positive finite number."""
    length = rule(point)
    rule_in_words = "a function of a DescentPoint that returns a positive finite number"
    return real("step", length, rule_in_words, lambda s: 0 < s < math.inf)
