"""The one loop: two runs in lock step for an honest error.

The coarse run is advanced with adaptive steps; the fine run follows it with each step halved. What is reported is the
fine run, and their difference is its error estimate: for a method of order p it is 2^p - 1 times the fine run's true
error where the steps resolve the flow, so the report errs on the safe side.

S runs advance together, each with its own time, step and end: none of them feels the others.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.integrators.base import Integrator, Point, Step
from simulate.interrupt import Saver
from simulate.solve.recorder import Recorder, residual_rounding
from simulate.solve.step_control import Leg, error_ratio, first_step, resolved
from simulate.solve.step_sums import endings
from simulate.trajectory import RunStatistics, Status

SAFETY, SHRINK, GROW = 0.9, 0.2, 5.0
ENDINGS = (  # in the order of bookkeeping.endings, the first that applies
    Status.DIVERGED,
    Status.LOSS_REACHED,
    Status.PRECISION_REACHED,
    Status.TIME_REACHED,
    Status.STEP_LIMIT,
)
Progress = Callable[[float, float, int, float], None]


@dataclass(frozen=True)
class Control:
    """t_max, rtol and loss_ratio as in gradient_flow; save_at: (T,) increasing times, or None for every step."""

    t_max: float
    rtol: float
    loss_ratio: float
    max_steps: int
    save_at: np.ndarray | None
    progress: Progress | None = None


@dataclass(frozen=True)
class Outcome:
    """How one run ended. h: (n + k, m); detail: where and when, if it is not finite."""

    h: Array
    status: Status
    stats: RunStatistics
    detail: str = ""


@dataclass
class Progressed:
    """What the loop keeps of each run that is going, (R,) or (R, 3 + n) each: all of it goes into a checkpoint."""

    run: np.ndarray
    time: np.ndarray
    tau: np.ndarray
    steps: np.ndarray
    rejected: np.ndarray
    evaluations: np.ndarray
    saved: np.ndarray  # how many of save_at are behind
    target: np.ndarray
    floor: np.ndarray
    coarse_path: np.ndarray = field(repr=False)
    fine_path: np.ndarray = field(repr=False)

    def select(self, keep: np.ndarray) -> Progressed:
        """Some of the runs."""
        return Progressed(*(getattr(self, f.name)[keep] for f in fields(self)))


class Loop:
    """The runs of one flow, from h0 (S, n + k, m) until loss, time, precision or steps are exhausted."""

    def __init__(
        self, flow: Flow, stepper: Integrator, h0: Array, recorder: Recorder, control: Control, saver: Saver
    ) -> None:
        self.flow, self.stepper, self.h0, self.recorder, self.control = flow, stepper, h0, recorder, control
        self.saver, self.started = saver, clock.perf_counter()
        self.scales = np.sqrt(np.maximum(np.diagonal(flow.gram), 1e-300))
        self.dense = stepper.dense and flow.roomy and control.save_at is not None
        self.endings = (*ENDINGS, Status.STEP_UNDERFLOW if flow.activation.smooth else Status.KINKS)
        self.outcomes: dict[int, Outcome] = {}

    def integrate(self) -> list[Outcome]:
        """One Outcome for each run, in order."""
        if self.saver.resumed is not None:
            self._restore(self.saver.resumed)
        else:
            self._begin()
        self._finish()
        while len(self.at.run):
            self.saver.offer(self._state)
            self._round()
            self._finish()
        return [self.outcomes[run] for run in range(len(self.h0))]

    def _begin(self) -> None:
        flow, control = self.flow, self.control
        self.coarse = Point.at(flow, flow.arrays.copy(self.h0))
        self.fine = self.coarse.twin(flow)
        r = self.coarse.residual
        rounding = residual_rounding(flow, r, self.recorder.largest)
        zeros, counts = np.zeros(flow.runs), np.zeros(flow.runs, dtype=np.int64)
        tau = np.minimum(first_step(flow, self.coarse, self.scales), control.t_max)
        self.at = Progressed(
            run=np.arange(flow.runs),
            time=zeros,
            tau=tau,
            steps=counts,
            rejected=counts,
            evaluations=counts + 2,
            saved=counts,
            target=control.loss_ratio * (r * r).sum(1) / 2,
            floor=np.linalg.norm(rounding, axis=1),
            coarse_path=np.zeros((flow.runs, 3 + flow.n)),
            fine_path=np.zeros((flow.runs, 3 + flow.n)),
        )
        self._save(np.full(flow.runs, True), tau * 0)

    def _round(self) -> None:
        """One attempt of each run; those whose attempt is accepted go on."""
        at, control, flow = self.at, self.control, self.flow
        goal, allowed = np.full(len(at.run), control.t_max), at.tau
        if control.save_at is None:
            allowed = resolved(self.coarse, at.tau)
        elif not self.dense:
            following = np.append(control.save_at, control.t_max)[np.minimum(at.saved, len(control.save_at))]
            goal = np.minimum(goal, following)
        to_goal = ~(at.time + 1.01 * allowed < goal)
        attempt = np.where(to_goal, goal - at.time, allowed)
        until = np.where(to_goal, goal, at.time + attempt)
        step = self.stepper.step(flow, self.coarse, attempt, errors=True)
        at.evaluations = at.evaluations + step.evaluations
        ratio = error_ratio(
            step, self.coarse.residual, self.scales, control.rtol, at.floor, smooth=flow.activation.smooth
        )
        accepted = ratio <= 1
        exponent = -1 / self.stepper.error_order(self.coarse)
        factor = SAFETY * np.maximum(np.where(np.isfinite(ratio), ratio, 1.0), 1e-12) ** exponent
        if accepted.all():
            self.coarse, self.fine = self._advance(flow, self.coarse, self.fine, step, attempt, until, at)
        else:
            step.discard()
            if accepted.any():  # the others wait while these go on
                some = np.flatnonzero(accepted)
                part, going = flow.select(some), at.select(some)
                coarse, fine = self.coarse.select(some), self.fine.select(some)
                again = self.stepper.step(part, coarse, attempt[some], errors=False)
                coarse, fine = self._advance(part, coarse, fine, again, attempt[some], until[some], going)
                self.coarse.replace(some, coarse)
                self.fine.replace(some, fine)
                for path in ("coarse_path", "fine_path", "evaluations"):
                    getattr(at, path)[some] = getattr(going, path)
        grown = attempt * np.minimum(GROW, factor)
        shrunk = attempt * np.where(np.isfinite(ratio), np.maximum(SHRINK, factor), SHRINK)
        kept = np.where(attempt < at.tau, np.maximum(at.tau, grown), grown)
        at.tau = np.where(accepted, kept, shrunk)
        at.time = np.where(accepted, until, at.time)
        at.steps, at.rejected = at.steps + accepted, at.rejected + ~accepted
        self._save(accepted, attempt)
        if (progress := control.progress) is not None:
            reached = at.time[0], float((self.fine.residual[0] ** 2).sum()) / 2, int(at.steps[0]), float(at.tau[0])
            self.saver.call(lambda: progress(*reached))

    def _advance(
        self,
        flow: Flow,
        coarse: Point,
        fine: Point,
        step: Step,
        attempt: np.ndarray,
        until: np.ndarray,
        at: Progressed,
    ) -> tuple[Point, Point]:
        """Both runs after the step: the coarse one by it, the fine one by two of half its length."""
        middle = at.time + attempt / 2
        whole = Leg(flow, step, coarse, at.coarse_path, at.time, until, attempt)
        coarse, at.coarse_path = whole.end, whole.path
        if not self.dense:
            step.discard()
        evaluations = 1
        for start, end in ((at.time, middle), (middle, until)):
            half = self.stepper.step(flow, fine, attempt / 2, errors=False)
            leg = Leg(flow, half, fine, at.fine_path, start, end, attempt / 2)
            fine, at.fine_path = leg.end, leg.path
            evaluations += half.evaluations + 1
            if self.dense:
                self._save_within(flow, at, leg, whole)
            half.discard()
        if self.dense:
            step.discard()
        at.evaluations = at.evaluations + evaluations
        return coarse, fine

    def _save_within(self, flow: Flow, at: Progressed, leg: Leg, whole: Leg) -> None:
        """Record the runs at the save points that lie inside a leg of the fine run."""
        saves = self.control.save_at
        assert saves is not None
        first = np.searchsorted(saves, leg.start, side="right")
        beyond = np.searchsorted(saves, leg.until, side="left")
        # What ends with the step is recorded as its end, which is exact; so a point between the halves is the first's.
        beyond += (leg.until != whole.until) & np.isin(leg.until, saves)
        for k in range(int((beyond - first).max(initial=0))):
            due = np.flatnonzero(first + k < beyond)
            times = leg.start.copy()
            times[due] = saves[first[due] + k]
            at.evaluations = at.evaluations + 2 * np.isin(np.arange(len(at.run)), due)
            self._record_within(flow, at.run, due, times, leg, whole)

    def _record_within(
        self, flow: Flow, runs: np.ndarray, due: np.ndarray, times: np.ndarray, leg: Leg, whole: Leg
    ) -> None:
        """Record those that are due; their states live no longer than that."""
        (fine, fine_path), (coarse, coarse_path) = leg.at(flow, times), whole.at(flow, times)
        if len(due) < len(runs):
            flow, fine, coarse = flow.select(due), fine.select(due), coarse.select(due)
        self.recorder.record(
            flow, runs[due], times[due], fine, fine_path[due], coarse, coarse_path[due], whole.tau[due]
        )

    def _ended(self) -> dict[int, Status]:
        """Which of the runs that are going should end, and why."""
        at, control = self.at, self.control
        reasons = np.empty(len(at.run), dtype=np.int64)
        here = self.fine.residual, self.fine.eigenvalues, at.time, at.tau, at.target, at.floor, at.steps
        if not endings(*here, control.t_max, control.max_steps, control.loss_ratio > 0, reasons):
            return {}
        return {k: self.endings[reason] for k, reason in enumerate(reasons) if reason >= 0}

    def _save(self, moved: np.ndarray, tau: np.ndarray) -> None:
        """Record the runs that moved, where they are at a save point or have come to their end."""
        at, saves = self.at, self.control.save_at
        due = moved
        if saves is not None:
            at.saved = np.searchsorted(saves, at.time, side="right")
            ended = self._ended()
            at_end = np.array([k in ended for k in range(len(at.run))])
            here = np.concatenate([[-1.0], saves])[at.saved] == at.time
            due = (moved & here) | (at_end & ~here)  # a run may end by a step that was rejected
        if not due.any():
            return
        flow, fine, coarse = self.flow, self.fine, self.coarse
        if not due.all():
            some = np.flatnonzero(due)
            flow, fine, coarse = flow.select(some), fine.select(some), coarse.select(some)
            at, tau = at.select(some), tau[some]
        self.recorder.record(flow, at.run, at.time, fine, at.fine_path, coarse, at.coarse_path, tau)

    def _finish(self) -> None:
        """Take out of the batch the runs that are done."""
        at = self.at
        ended = self._ended()
        if not ended:
            return
        seconds = self.saver.seconds + clock.perf_counter() - self.started
        for k, status in ended.items():
            stats = RunStatistics(int(at.steps[k]), int(at.rejected[k]), int(at.evaluations[k]), seconds)
            h = self.fine.h[k] if len(at.run) == 1 else self.flow.arrays.copy(self.fine.h[k])
            detail = non_finite(self.flow, h, float(at.time[k])) if status is Status.DIVERGED else ""
            self.outcomes[int(at.run[k])] = Outcome(h, status, stats, detail)
        if len(at.run) == 1:
            self.saver.write(self._state)
        keep = np.array([k for k in range(len(at.run)) if k not in ended], dtype=np.int64)
        self.at = at.select(keep)
        if len(keep):
            self.flow, self.coarse = self.flow.select(keep), self.coarse.select(keep)
            self.fine = self.fine.select(keep)

    def _state(self) -> dict[str, np.ndarray]:
        """All that a run needs to go on as if nothing had happened."""
        fetch = self.flow.arrays.fetch
        state = {f"at.{f.name}": getattr(self.at, f.name) for f in fields(self.at)}
        for name, point in (("coarse", self.coarse), ("fine", self.fine)):
            state[name] = fetch(point.h)
            if point.past is not None and point.past_kernel is not None:
                state |= {f"{name}.past": fetch(point.past), f"{name}.past_kernel": point.past_kernel}
                state[f"{name}.behind"] = point.behind
        return state | self.recorder.state()

    def _restore(self, state: dict[str, np.ndarray]) -> None:
        put, copy = self.flow.arrays.put, self.flow.arrays.copy
        self.at = Progressed(*(state[f"at.{f.name}"] for f in fields(Progressed)))
        self.coarse, self.fine = (Point.at(self.flow, copy(put(state[name]))) for name in ("coarse", "fine"))
        for name, point in (("coarse", self.coarse), ("fine", self.fine)):
            if point.past is not None:
                point.past, point.past_kernel = copy(put(state[f"{name}.past"])), state[f"{name}.past_kernel"]
                point.behind = state[f"{name}.behind"]
        self.recorder.restore(state)


def non_finite(flow: Flow, h: Array, time: float) -> str:
    """Where and when a run (n, m) stopped being finite."""
    values = flow.arrays.fetch(h[: flow.n])
    bad = np.argwhere(~np.isfinite(values.T))
    if not len(bad):
        return f"by time {time:.6g} the output overflows, though every pre-activation is finite"
    i, a = (int(k) for k in bad[0])
    return f"by time {time:.6g} the pre-activation of neuron {i} at data point {a} is {values[a, i]}"
