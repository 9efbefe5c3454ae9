"""A step that was accepted is taken in both integrations: the coarse one takes it as it is, the fine one as two steps
of half its length. Save points inside it are recorded on the way.

Its error was only estimated, and that of the half steps not even that: on a plateau, where r hardly changes, a step may
be accepted that throws the neurons far away. Along the flow |r| never grows, and r ends where the method expects it. An
attempt that ends otherwise (see step_sums.stands) is taken back as a whole and counts as rejected.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulate.field.flow import KEEP_SLOPES_BELOW, Flow, keeps_slopes
from simulate.integrators.base import Integrator, Saves, Step
from simulate.solve.recorder import Recorder
from simulate.solve.runs import LoopOptions, Runs
from simulate.solve.segment import Followed, Segment
from simulate.solve.step_sums import stands


def since(start: np.ndarray, saves: Saves | None) -> Saves | None:
    """The save points of each run as times after its start, which is one of start (R,)."""
    return None if saves is None else [times - begun for times, begun in zip(saves, start, strict=True)]


def looks_back(flow: Flow) -> bool:
    """Whether an attempt can be taken back. At kinks it is not: what they do to r is no sign of a step that is too
    long. Nor is it in a large state, test points included, which has no room for the two copies that this takes."""
    entries = flow.rows * flow.m
    small = entries < KEEP_SLOPES_BELOW or keeps_slopes(entries, flow.arrays, low_memory=flow.low_memory)
    return flow.activation.smooth and small


class Advance:
    """Takes accepted steps, in all runs or in some.

    dense: whether times to save are interpolated; otherwise steps end there; looks_back: see the function.
    """

    def __init__(self, flow: Flow, integrator: Integrator, recorder: Recorder, options: LoopOptions) -> None:
        self.integrator, self.recorder, self.options = integrator, recorder, options
        self.dense = integrator.dense and flow.keeps_slopes and options.save_at is not None
        self.looks_back = looks_back(flow)

    def all(self, runs: Runs, step: Step, tau: np.ndarray, until: np.ndarray) -> np.ndarray:
        """Take the step in all of these runs. tau, until (R,): its length and its end. Returns (R,): which of them took
        it; the others are where they were. Evaluations are counted for both."""
        before = [_kept(runs.flow, followed) for followed in (runs.coarse, runs.fine)] if self.looks_back else []
        took, steps = self._take(runs, step, tau, until)
        lost = np.flatnonzero(~took)
        if len(lost) == len(took):
            runs.coarse, runs.fine = before
            for taken in steps:
                taken.discard()
            return took
        for now, then in zip((runs.coarse, runs.fine), before, strict=False):
            if len(lost):
                now.overwrite(lost, then.select(lost))
            if then.state.previous is not None and not (self.dense and now is runs.coarse):
                runs.flow.recycle(then.state.previous.slopes)
        for taken in steps:
            taken.release()
        return took

    def some(self, runs: Runs, some: np.ndarray, tau: np.ndarray, until: np.ndarray) -> np.ndarray:
        """Take the step in some of the runs only, while the others wait; some: their indices. Returns which of them
        took it, in the order of `some`."""
        if not len(some):
            return np.empty(0, dtype=bool)
        going = runs.select(some)
        saves = since(going.state.time, self.saves_inside(going.state.time, until[some], until[some]))
        step = self.integrator.step(going.flow, going.coarse.state, tau[some], errors=False, saves=saves)
        took, steps = self._take(going, step, tau[some], until[some])
        for taken in steps:
            taken.release()
        runs.state.evaluations[some] = going.state.evaluations
        runs.state.unresolved[some] = going.state.unresolved
        if not took.all():
            going, some = going.select(np.flatnonzero(took)), some[took]
        runs.coarse.overwrite(some, going.coarse)
        runs.fine.overwrite(some, going.fine)
        return took

    def _take(self, runs: Runs, step: Step, tau: np.ndarray, until: np.ndarray) -> tuple[np.ndarray, list[Step]]:
        """(which of the runs may stay where the step leads (R,), steps whose arrays are to be given back). All of them
        have moved afterwards; what was recorded of those that may not stay is gone."""
        state, past = runs.state, not self.looks_back
        took, middle = np.full(len(tau), True), state.time + tau / 2
        mark = self.recorder.mark() if self.looks_back else None
        inside, recorded = self.saves_inside(state.time, until, until), self.recorder.calls
        begun = None
        if inside is not None and any(map(len, inside)):
            begun = self.recorder.ends(runs.flow, state.run, state.time, runs.fine, runs.coarse)
        whole = self._segment(runs, step, runs.coarse, state.time, until, tau, took)
        steps = [step]
        if not self.dense:
            step.release(past=past)
            steps.clear()
        runs.coarse, evaluations = whole.end, 1
        for start, end in ((state.time, middle), (middle, until)):
            saves = self.saves_inside(start, end, until)
            half_step = self.integrator.step(
                runs.flow, runs.fine.state, tau / 2, errors=False, saves=since(start, saves)
            )
            half = self._segment(runs, half_step, runs.fine, start, end, tau / 2, took)
            runs.fine = half.end
            evaluations += half_step.evaluations + 1
            if half_step.unresolved is not None:
                state.unresolved = state.unresolved + half_step.unresolved
            if saves is not None:
                self._record_inside(runs, saves, half, whole)
            if end is middle:
                half_step.release(past=past)
            else:
                steps.append(half_step)
        state.evaluations = state.evaluations + evaluations
        if begun is not None:
            ended = self.recorder.ends(runs.flow, state.run, until, runs.fine, runs.coarse)
            self.recorder.raise_inside(recorded, state.run, begun, ended)
        if mark is not None and not took.all():
            self.recorder.take_back(mark, state.run[~took])
        return took, steps

    def _segment(
        self,
        runs: Runs,
        step: Step,
        before: Followed,
        start: np.ndarray,
        until: np.ndarray,
        tau: np.ndarray,
        took: np.ndarray,
    ) -> Segment:
        """The step, taken; took (R,) becomes False where the runs may not stay where it leads."""
        residual = before.state.residual
        segment = Segment(step, before, start, until, tau)
        if self.looks_back:
            after = segment.end.state
            stands(
                before=residual,
                after=after.residual,
                predicted=after.residual if step.predicted is None else step.predicted,
                rates=after.eigenvalues,
                rtol=self.options.rtol,
                floor=runs.state.floor,
                took=took,
            )
        return segment

    def saves_inside(self, start: np.ndarray, stop: np.ndarray, until: np.ndarray) -> Saves | None:
        """For each run the save points from `start` to `stop`, which belong to the step that ends at `until`, all (R,).
        None unless the integrator is dense.

        What ends with the step is recorded as its end, which is exact; so a point between the halves is the first's."""
        if not self.dense:
            return None
        saves = self.options.save_at
        assert saves is not None
        first = np.searchsorted(saves, start, side="right")
        beyond = np.searchsorted(saves, stop, side="left") + ((stop != until) & np.isin(stop, saves))
        return [saves[i:j] for i, j in zip(first, beyond, strict=True)]

    def _record_inside(self, runs: Runs, saves: Saves, half: Segment, whole: Segment) -> None:
        """Record the runs at the save points inside a half step of the fine integration, each at its own."""
        state = runs.state
        for k in range(max((len(times) for times in saves), default=0)):
            due = np.array([run for run, times in enumerate(saves) if k < len(times)])
            times = half.start.copy()
            times[due] = [saves[run][k] for run in due]
            state.evaluations = state.evaluations + 2 * np.isin(np.arange(len(state.run)), due)
            self._record_interpolated(runs, due, times, half, whole)

    def _record_interpolated(
        self, runs: Runs, due: np.ndarray, times: np.ndarray, half: Segment, whole: Segment
    ) -> None:
        """Record those that are due, by their indices. A method of its own, so that the states live no longer."""
        flow, fine, coarse = runs.flow, half.at(times), whole.at(times)
        if len(due) < len(times):
            flow, fine, coarse = flow.select(due), fine.select(due), coarse.select(due)
        self.recorder.record(flow, runs.state.run[due], times[due], fine, coarse, whole.tau[due])


def _kept(flow: Flow, followed: Followed) -> Followed:
    """The runs with a copy of h, which steps displace in place; nothing else that they have is written to."""
    return replace(followed, state=replace(followed.state, h=flow.arrays.copy(followed.state.h)))
