"""The integration loop. Every run is integrated twice, with step tau and with tau/2; the finer result is reported, and
the difference is its error estimate.

The coarse run chooses the steps, and the fine run follows it with each step halved. For a method of order p their
difference is 2^p - 1 times the fine run's true error where the steps resolve the flow, so the report errs on the safe
side. S runs advance together, each with its own time, step and end: none of them feels the others.
"""

from __future__ import annotations

import time as clock
from dataclasses import fields

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.rounding import residual_rounding
from simulate.integrators.base import Integrator
from simulate.integrators.piecewise_linear import pieces_of
from simulate.integrators.state import Previous, Sides, State
from simulate.solve.advance import Advance, since
from simulate.solve.forecast import Forecast
from simulate.solve.kinks import count_other_side
from simulate.solve.outcome import Checkpoints, Outcome, RunStatistics, Saved, Status, non_finite
from simulate.solve.recorder import Recorder
from simulate.solve.runs import LoopOptions, LoopState, Runs
from simulate.solve.saved_fields import flow_fields
from simulate.solve.segment import Followed
from simulate.solve.step_control import attempt, error_ratio, next_step, resolved
from simulate.solve.step_sums import stop_reasons
from simulate.solve.whole_steps import WholeSteps


class Loop:
    """The runs of one flow, from h0 (S, rows, m) until loss, time, precision or steps are exhausted."""

    def __init__(
        self,
        flow: Flow,
        integrator: Integrator,
        h0: Array,
        recorder: Recorder,
        options: LoopOptions,
        checkpoints: Checkpoints,
    ) -> None:
        self.integrator, self.h0, self.recorder, self.options = integrator, h0, recorder, options
        self.checkpoints, self.started = checkpoints, clock.perf_counter()
        self.scales = np.sqrt(np.maximum(np.diagonal(flow.gram), 1e-300))  # the spread of h_a; never zero
        self.advance = Advance(flow, integrator, recorder, options)
        self.stop_reasons = (  # in the order of step_sums.stop_reasons: the first that applies
            Status.DIVERGED,
            Status.LOSS_REACHED,
            Status.PRECISION_REACHED,
            Status.TIME_REACHED,
            Status.STEP_LIMIT,
            Status.STEP_UNDERFLOW if flow.activation.smooth else Status.KINKS,
        )
        self.whole_steps = WholeSteps.of(flow, integrator, options, self.scales)
        self.forecast = Forecast(options) if len(h0) == 1 else None  # runs that go together are small
        self.outcomes: dict[int, Outcome] = {}
        self.runs = self._resume(flow) if checkpoints.resuming else self._begin(flow)

    def integrate(self) -> list[Outcome]:
        """One Outcome for each run, in order. Each turn of the loop is one attempt of every run that is still going, or
        several."""
        if not self.checkpoints.resuming:
            self._record_at_saves(np.full(len(self.h0), True), np.zeros(len(self.h0)))
        self._take_out_ended()
        while len(self.outcomes) < len(self.h0):
            runs = self.runs

            # Save a checkpoint if it is time; after ctrl-C this raises Interrupted.
            self.checkpoints.offer(self._saved)

            # Attempt a step; record the runs that have come to a save point or to their end. Small runs take many steps
            # at once.
            if self.whole_steps is None:
                self._record_at_saves(*self._attempt())
            else:
                self.whole_steps.advance(runs, self.recorder)

            # Tell the caller how far the first run has come.
            self._report()

            # Take out the runs that have ended.
            self._take_out_ended()
        return [self.outcomes[run] for run in range(len(self.h0))]

    def _attempt(self) -> tuple[np.ndarray, np.ndarray]:
        """(accepted, tau) (R,): one attempt of every run; which took its step, and the length that each tried."""
        options, integrator, runs, state = self.options, self.integrator, self.runs, self.runs.state

        # Choose how far each run tries to go: its step, but not beyond a time that must be hit exactly.
        allowed = state.tau
        if options.save_at is None:
            allowed = resolved(runs.coarse.state, state.tau, state.floor)
        tau, until = attempt(state.time, allowed, self._goal(state))

        smooth = runs.flow.activation.smooth

        # Let the coarse run propose a step, and accept it if its estimated error is allowed.
        order = integrator.error_order(runs.coarse.state)
        saves = since(state.time, self.advance.saves_inside(state.time, until, until))
        step = integrator.step(runs.flow, runs.coarse.state, tau, errors=True, saves=saves)
        state.evaluations = state.evaluations + step.evaluations
        residual = runs.coarse.state.residual
        ratio = error_ratio(step, residual, self.scales, options.rtol, state.floor, smooth=smooth)
        accepted = ratio <= 1

        # Advance the accepted runs: the coarse one by this step, the fine one by two halves of it. Save points
        # inside the step are recorded here.
        if accepted.all():
            took = self.advance.all(runs, step, tau, until)
        else:
            step.discard()
            some = np.flatnonzero(accepted)
            took = accepted.copy()
            took[some] = self.advance.some(runs, some, tau, until)

        # One that was taken back is a rejected one, of which no error is known.
        ratio, accepted = np.where(accepted & ~took, np.inf, ratio), took

        # Choose the next step by the error, and count.
        state.tau = next_step(state.tau, tau, ratio, accepted, order)
        state.time = np.where(accepted, until, state.time)
        state.steps, state.rejected = state.steps + accepted, state.rejected + ~accepted
        return accepted, tau

    def _begin(self, flow: Flow) -> Runs:
        """All runs at time zero."""
        options = self.options
        coarse = Followed.at_start(self.integrator.start(flow, flow.arrays.copy(self.h0)))
        r = coarse.state.residual
        zeros, counts = np.zeros(flow.runs), np.zeros(flow.runs, dtype=np.int64)
        state = LoopState(
            run=np.arange(flow.runs),
            time=zeros,
            tau=np.minimum(self.integrator.first_step(flow, coarse.state, self.scales), options.t_max),
            steps=counts,
            rejected=counts,
            evaluations=counts + 2,  # at the start, of both integrations
            saved=counts,
            unresolved=counts,
            target=options.loss_ratio * (r * r).sum(1) / 2,
            floor=np.linalg.norm(residual_rounding(flow, r, self.recorder.largest), axis=1),
        )
        return Runs(flow, state, coarse, coarse.copy(flow))

    def _goal(self, state: LoopState) -> np.ndarray:
        """(R,): the next time that a step must not pass: the next save point unless it is interpolated, or the end."""
        t_max, saves = self.options.t_max, self.options.save_at
        if saves is None or self.advance.dense:
            return np.full(len(state.run), t_max)
        return np.minimum(t_max, np.append(saves, t_max)[np.minimum(state.saved, len(saves))])

    def _record_at_saves(self, moved: np.ndarray, tau: np.ndarray) -> None:
        """Record the runs that moved, where they are at a save point or have come to their end; tau: the step taken."""
        runs, saves = self.runs, self.options.save_at
        due = moved
        if saves is not None:
            state = runs.state
            state.saved = np.searchsorted(saves, state.time, side="right")
            ended = self._ended()
            at_end = np.array([k in ended for k in range(len(state.run))])
            at_save = np.concatenate([[-1.0], saves])[state.saved] == state.time
            due = (moved & at_save) | (at_end & ~at_save)  # a run may end by a step that was rejected
        if not due.any():
            return
        if not due.all():
            runs, tau = runs.select(np.flatnonzero(due)), tau[due]
        self.recorder.record(runs.flow, runs.state.run, runs.state.time, runs.fine, runs.coarse, tau)

    def _report(self) -> None:
        """Call the caller's progress function, and warn of a run that will take long."""
        progress, state = self.options.progress, self.runs.state
        loss = float((self.runs.fine.state.residual[0] ** 2).sum()) / 2
        if self.forecast is not None:
            self.forecast.look(state, loss)
        if progress is None:
            return
        time, steps, tau = state.time[0], int(state.steps[0]), float(state.tau[0])
        self.checkpoints.call(lambda: progress(time, loss, steps, tau))

    def _ended(self) -> dict[int, Status]:
        """Which of the runs that are going should end, by index, and why."""
        state, fine, options = self.runs.state, self.runs.fine.state, self.options
        reasons = np.empty(len(state.run), dtype=np.int64)
        any_ends = stop_reasons(
            residual=fine.residual,
            rates=fine.eigenvalues,
            time=state.time,
            tau=state.tau,
            target=state.target,
            floor=state.floor,
            steps=state.steps,
            t_max=options.t_max,
            max_steps=options.max_steps,
            loss_counts=options.loss_ratio > 0,
            reasons=reasons,
        )
        return {k: self.stop_reasons[reason] for k, reason in enumerate(reasons) if reason >= 0} if any_ends else {}

    def _take_out_ended(self) -> None:
        """Note the outcome of the runs that have ended, and go on with the others."""
        runs, state, ended = self.runs, self.runs.state, self._ended()
        if not ended:
            return
        seconds = self.checkpoints.seconds + clock.perf_counter() - self.started
        last = len(state.run) == 1
        for k, status in ended.items():
            stats = RunStatistics(int(state.steps[k]), int(state.rejected[k]), int(state.evaluations[k]), seconds)
            h = runs.fine.state.h[k] if last else runs.flow.arrays.copy(runs.fine.state.h[k])
            detail = self._detail(k, status, h)
            self.outcomes[int(state.run[k])] = Outcome(h, status, stats, detail)
        # Only single runs have checkpoints, and no checkpoint holds what is not finite.
        if last and Status.DIVERGED not in ended.values():
            self.checkpoints.write(self._saved)
        if len(ended) < len(state.run):
            self.runs = runs.select(np.array([k for k in range(len(state.run)) if k not in ended], dtype=np.int64))

    def _detail(self, k: int, status: Status, h: Array) -> str:
        """What there is to say about the end of run k, at h (rows, m)."""
        runs = self.runs
        if status is Status.DIVERGED:
            return non_finite(runs.flow, h, float(runs.state.time[k]))
        if not self.integrator.holds:
            return ""
        count = int(count_other_side(runs.flow, runs.fine.state, runs.coarse.state)[k])
        other = f"{count} of {runs.flow.m} neurons went another way with steps twice as long" if count else ""
        lost = int(runs.state.unresolved[k])
        given_up = (
            f"the kinks of a neuron were not followed to the end of a step {lost} times; error knows nothing of it"
        )
        return "; ".join([other] * bool(other) + [given_up] * bool(lost))

    def _saved(self) -> Saved:
        """All that the runs need to go on as if nothing had happened."""
        runs, fetch = self.runs, self.runs.flow.arrays.fetch
        saved = {f"at.{f.name}": getattr(runs.state, f.name) for f in fields(LoopState)}
        for name, followed in (("coarse", runs.coarse), ("fine", runs.fine)):
            saved |= {name: fetch(followed.state.h), f"at.{name}_path": followed.path}
            previous = followed.state.previous
            if previous is not None:
                saved |= {f"{name}.past": fetch(previous.slopes), f"{name}.past_kernel": fetch(previous.kernel)}
                saved[f"{name}.behind"] = previous.length
            sides = followed.state.sides
            if sides is not None:
                state = followed.state
                saved |= {f"{name}.sides": sides.sides.astype(np.int64), f"{name}.trend": sides.trend}
                saved |= {f"{name}.residual": state.residual, f"{name}.kernel": state.kernel}
                saved[f"{name}.squares"] = np.diagonal(state.slope_gram, axis1=1, axis2=2)
                saved[f"{name}.behind"] = sides.length
        return saved | self.recorder.state()

    def _resume(self, flow: Flow) -> Runs:
        """The runs as they were when they were saved."""
        options, counters = self.options, [f.name for f in fields(LoopState)]
        saves = np.inf if options.save_at is None else len(options.save_at)
        ends = {"at.run": 0, "at.time": options.t_max, "at.steps": options.max_steps, "at.saved": saves}
        holds = self.integrator.holds
        pieces = pieces_of(flow.activation) if holds else None
        if pieces is not None:
            ends |= {f"{name}.sides": 2 * len(pieces.kinks) for name in ("coarse", "fine")}
        saved = self.checkpoints.read(flow_fields(flow, counters, holds=holds), ends)
        put, copy = flow.arrays.put, flow.arrays.copy

        def followed(name: str) -> Followed:
            h = copy(put(saved[name]))
            if holds:
                codes, length = saved[f"{name}.sides"].astype(np.int8), saved[f"{name}.behind"]
                carried = Sides(codes, saved[f"{name}.trend"], length)
                residual, squares, kernel = (saved[f"{name}.{part}"] for part in ("residual", "squares", "kernel"))
                return Followed(State.held(flow, h, residual, squares, kernel, carried), saved[f"at.{name}_path"])
            state = State.at(flow, h)
            if state.previous is not None:
                slopes, kernel = copy(put(saved[f"{name}.past"])), flow.small.put(saved[f"{name}.past_kernel"])
                state.previous = Previous(slopes, kernel, saved[f"{name}.behind"])
            return Followed(state, saved[f"at.{name}_path"])

        state = LoopState(**{name: saved[f"at.{name}"] for name in counters})
        runs = Runs(flow, state, followed("coarse"), followed("fine"))
        self.recorder.restore(saved)
        return runs
