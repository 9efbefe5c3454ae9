"""Many attempts of small smooth runs in one compiled call: the step is chosen, proposed and judged, and if it is
accepted both integrations take it and are observed. What the ordinary loop does between its calls of compiled code
takes several times as long as the work where a state is small.

Loop uses it where it applies (see WholeSteps.of), and does the same in the same order where it does not. The numbers
agree to rounding: a few sums are written out here that numpy hands to BLAS there, and its power is another.
"""

from __future__ import annotations

import numpy as np

from simulate.field import reduction
from simulate.field.arrays import MANY_POINTS
from simulate.field.cpu import Compiled
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.field.sigmas import loop_of
from simulate.integrators.base import Integrator
from simulate.integrators.exponential.method import Exponential
from simulate.solve.advance import looks_back
from simulate.solve.compiled_attempts import Counters, Limits, Records, attempts
from simulate.solve.compiled_loops import addresses
from simulate.solve.compiled_run import Integration, Networks
from simulate.solve.recorder import Recorder, Seen
from simulate.solve.runs import LoopOptions, Runs
from simulate.solve.segment import Followed

TURNS = 64  # attempts of each run in a call, at most
COST = 2**21  # of a call, so that it lasts a tenth of a second: the attempts of a run cost as `cost` says


def cost(n: int, m: int) -> int:
    """Of an attempt, in units of an entry of the state: the neurons, the eigenvectors, and all else."""
    return n * m + n**3 // 4 + 2500


class WholeSteps:
    """Attempts of all the runs of a flow. See the module."""

    def __init__(self, options: LoopOptions, scales: np.ndarray) -> None:
        self.options, self.scales = options, scales

    @classmethod
    def of(cls, flow: Flow, integrator: Integrator, options: LoopOptions, scales: np.ndarray) -> WholeSteps | None:
        """None where the ordinary loop is needed: for states of several chunks or in another process, other methods and
        activations, and times to save, which are interpolated."""
        applies = (
            type(integrator) is Exponential
            and isinstance(flow.backend, Compiled)
            and not isinstance(flow, TrainedFlow)
            and flow.keeps_previous
            and loop_of(flow.activation) is not None
            and len(flow.model.chunks) == 1
            and flow.n < MANY_POINTS
            and options.save_at is None
            and reduction.exchange() is None
        )
        return cls(options, scales) if applies else None

    def advance(self, runs: Runs, recorder: Recorder) -> None:
        """Attempts of all runs, in place, until one of them has ended or it is time to look after them; each step that
        is taken is recorded. There is one attempt where somebody looks on, or test points have to be observed."""
        flow, state, options, n = runs.flow, runs.state, self.options, runs.flow.n
        one = options.progress is not None or flow.tests > 0
        turns = 1 if one else max(1, min(TURNS, COST // (flow.runs * cost(n, flow.m))))
        # Others may hold these arrays.
        for name in ("time", "tau", "steps", "rejected", "evaluations"):
            setattr(state, name, getattr(state, name).copy())
        records = Records.empty(turns * flow.runs, n)
        taken = attempts(
            self._networks(flow, recorder.start_of(state.run), recorder.interval),
            Counters(*(writable(getattr(state, name)) for name in Counters._fields)),
            Limits(turns, options.rtol, options.t_max, options.max_steps, options.loss_ratio > 0, looks_back(flow)),
            _integration(runs.coarse),
            _integration(runs.fine),
            records,
        )
        if not taken:
            return
        fine, coarse = (Seen(*(array[:taken] for array in seen)) for seen in (records.fine, records.coarse))
        time, counts, moved, ends = records.time[:taken], records.counts[:, :taken], records.run[:taken], None
        if taken < len(records.run) // 2:  # what is kept would hold all rows
            fine, coarse = (Seen(*(array.copy() for array in seen)) for seen in (fine, coarse))
            time, counts = time.copy(), counts.copy()
        if flow.tests:
            there = runs if taken == flow.runs else runs.select(moved)
            ends = there.flow, there.fine.state.h, there.coarse.state.h
        recorder.record_seen(flow, state.run[moved], time, fine, coarse, counts, ends)

    def _networks(self, flow: Flow, h0: np.ndarray, interval: tuple[float, float]) -> Networks:
        model = flow.model
        assert isinstance(flow.backend, Compiled)
        loop = loop_of(flow.activation)
        assert loop is not None
        return Networks(
            loops=addresses(np.dtype(model.arrays.real).name),
            kind=loop[0],
            sigma=loop[1],
            chunks=model.chunks,
            panels=flow.backend.panels,
            columns=flow.backend.columns,
            gain=writable(model.gain),
            signs=writable(model.signs),
            nothing=model.arrays.nothing,
            speed_gram=writable(flow.speed_gram),
            y=writable(flow.y),
            alpha=float(flow.alpha),
            beta=float(flow.beta),
            scale=float(flow.scale),
            speed=float(flow.speed),
            m=flow.m,
            h0=writable(h0),
            scales=writable(self.scales),
            left=float(interval[0]),
            right=float(interval[1]),
        )


def writable(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that is read-only: the loops are compiled for the other type, see by_address.py."""
    flags = array.flags
    return array if flags.c_contiguous and flags.writeable else np.array(array, order="C")


def _integration(followed: Followed) -> Integration:
    state = followed.state
    previous = state.previous
    assert previous is not None
    assert state.slopes is not None
    return Integration(
        *(state.h, state.slopes, previous.slopes, previous.kernel, previous.length),
        *(state.residual, state.slope_gram, state.kernel, state.eigenvalues, state.eigenvectors, followed.path),
    )
