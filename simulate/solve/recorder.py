"""Observables at save points, with the difference between the coarse and the fine integration as their error."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from bounds.activation.base import Interval
from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.field.rounding import residual_rounding, travel_rounding
from simulate.integrators.state import State
from simulate.solve.kinks import SlidingCounter, add_slips, count_other_side
from simulate.solve.observables import (
    SCALARS,
    ULPS_OF_H,
    VECTORS,
    add_rounding,
    differences,
    never_falling,
    observe,
    observe_from_afar,
    raise_errors,
)
from simulate.solve.on_tests import Regression, tested
from simulate.solve.segment import Followed

GROWING = ("path_length", "dissipated")  # sums over the run, so that their errors never fall
Observables = dict[str, np.ndarray]
Mark = tuple[int, Observables]  # how many calls of record there were; the last errors of each run


class Seen(NamedTuple):
    """What is observed of one integration of B runs: residual (B, n); scalars (B, SCALARS) and vectors
    (B, VECTORS, n), see observables.py; largest (B,): the largest |h|."""

    residual: np.ndarray
    scalars: np.ndarray
    vectors: np.ndarray
    largest: np.ndarray

    @classmethod
    def empty(cls, rows: int, n: int) -> Seen:
        """Arrays for that many runs, to be overwritten."""
        scalars, vectors = np.empty((rows, len(SCALARS))), np.empty((rows, len(VECTORS), n))
        return cls(np.empty((rows, n)), scalars, vectors, np.empty(rows))


class Ends(NamedTuple):
    """Runs at the end of a step: time (R,) and the errors of their observables there."""

    time: np.ndarray
    errors: Observables


class Recorder:
    """Collects the observables of S runs; memory O(T n) a run, never O(m n) per save point.

    h0 (S, rows, m): where the runs begin; interval: I of active_fraction; regression: of the test points, where states
    have no rows for these.
    """

    def __init__(self, flow: Flow, h0: Array, interval: Interval, regression: Regression | None = None) -> None:
        self.h0, self.interval, self.regression = h0, interval, regression
        self.largest = flow.largest(h0)
        # For each call of record: the runs that it was about, their observables, and the errors of these.
        self.owners: list[np.ndarray] = []
        self.values: list[dict[str, np.ndarray]] = []
        self.uncertain: list[dict[str, np.ndarray]] = []
        self.last = {name: np.zeros(flow.runs) for name in GROWING}  # the last errors of each run
        self.sliding = SlidingCounter(flow) if not flow.activation.smooth else None

    def record(
        self, flow: Flow, runs: np.ndarray, time: np.ndarray, fine: Followed, coarse: Followed, tau: np.ndarray
    ) -> None:
        """Save the fine integration of `runs` (R,) at `time` (R,); the coarse one serves for the error only.

        flow, fine, coarse: of these runs alone; tau (R,): the steps that led here, 0 at the start.
        """
        values, errors = self._observables(flow, runs, time, fine, coarse)
        self._never_falling(runs, errors)
        counts = flow.count_inside(fine.state.h, coarse.state.h, self.interval)
        values["active_fraction"], errors["active_fraction"] = counts / flow.m
        if self.sliding is not None:
            values["sliding"] = self.sliding.count(flow, fine.state, tau)
            values["other_side"] = count_other_side(flow, fine.state, coarse.state)
        self._keep(runs, time, values, errors)

    def ends(self, flow: Flow, runs: np.ndarray, time: np.ndarray, fine: Followed, coarse: Followed) -> Ends:
        """The end of a step, for `raise_inside`; the arguments are those of `record`."""
        _, errors = self._observables(flow, runs, time, fine, coarse)
        return Ends(time, errors | {name: np.maximum(errors[name], self.last[name][runs]) for name in GROWING})

    def _observables(
        self, flow: Flow, runs: np.ndarray, time: np.ndarray, fine: Followed, coarse: Followed
    ) -> tuple[Observables, Observables]:
        """(all that is not a count of neurons, its errors), for the arguments of `record`."""
        h0 = self.start_of(runs)
        seen = _observed(flow, h0, fine)
        other = seen if coarse is fine else _observed(flow, h0, coarse)
        # Rounding. That of the displacements is in the difference of two integrations, if there are two.
        rounding, travelled = _rounding(flow, fine, seen), np.zeros((flow.runs, flow.n + flow.tests))
        if coarse is fine:
            travelled = travel_rounding(flow, fine.path[:, 0])
        values, errors = self._compared(flow, runs, time, seen, other, rounding + travelled[:, : flow.n])
        # What not every run has.
        if isinstance(flow, TrainedFlow):
            moved = values["last_layer_movement"] = flow.weight_movement(fine.state.h, h0)
            apart = flow.weight_movement(fine.state.h, coarse.state.h)  # no two norms differ by more
            of_weights = ULPS_OF_H * flow.arrays.epsilon * flow.largest_weight(fine.state.h)
            errors["last_layer_movement"] = apart + np.where(time > 0, of_weights, 0.0) + 0.0 * moved
        if flow.tests:
            values["test_output"], errors["test_output"] = self._tested(flow, runs, fine.state.h, coarse.state.h)
            if self.regression is None:
                errors["test_output"] += travelled[:, flow.n :]
            else:
                errors["test_output"] += travelled[:, : flow.n] @ self.regression.weights.T
        if self.sliding is not None:
            add_slips(flow, errors, fine)
        return values, errors

    def raise_inside(self, count: int, runs: np.ndarray, before: Ends, after: Ends) -> None:
        """Raise the errors of what was recorded inside a step of `runs` (R,), since `count` calls of record, to what
        those at its ends, before and after it, make of them (see observables.raise_errors)."""
        grown = {}
        for name in GROWING:
            after.errors[name][:] = np.maximum(before.errors[name], after.errors[name])
            grown[name] = before.errors[name].copy()
        for k in range(count, len(self.owners)):
            due, found = self.owners[k], self.uncertain[k]
            place = np.searchsorted(runs, due)
            start, until = before.time[place], after.time[place]
            share = (self.values[k]["time"] - start) / (until - start)
            for name in after.errors:
                low, high, raised = before.errors[name][place], after.errors[name][place], np.array(found[name])
                flat = [array.reshape(len(due), -1) for array in (low, high, raised)]
                raise_errors(share=share, low=flat[0], high=flat[1], errors=flat[2])
                if name in GROWING:  # rounding must not let these fall
                    raised = np.fmin(np.maximum(raised, grown[name][place]), high)
                    grown[name][place] = raised
                    self.last[name][due] = high
                found[name] = raised

    def record_seen(
        self,
        flow: Flow,
        runs: np.ndarray,
        time: np.ndarray,
        fine: Seen,
        coarse: Seen,
        counts: np.ndarray,
        ends: tuple[Flow, Array, Array] | None,
    ) -> None:
        """Save what compiled attempts have seen at B ends of steps: of the runs (B,), each in order, at time (B,).

        counts (2, B, n): see Flow.count_inside; ends: where there are test points, the flow of these runs alone and its
        two states h there.
        """
        rounding = residual_rounding(flow, fine.residual, fine.largest)
        values, errors = self._compared(flow, runs, time, fine, coarse, rounding)
        self._never_falling(runs, errors)
        if ends is not None:
            values["test_output"], errors["test_output"] = self._tested(ends[0], runs, *ends[1:])
        values["active_fraction"], errors["active_fraction"] = counts / flow.m
        self._keep(runs, time, values, errors)

    def _tested(self, flow: Flow, runs: np.ndarray, fine: Array, coarse: Array) -> tuple[np.ndarray, np.ndarray]:
        """f on the test points at the fine state of these runs, and its error."""
        return tested(flow, None if self.regression is None else self.regression.of(runs), fine, coarse)

    def start_of(self, runs: np.ndarray) -> Array:
        """The initial states of these runs."""
        return self.h0 if len(runs) == len(self.h0) else self.h0[runs]

    def _compared(
        self, flow: Flow, runs: np.ndarray, time: np.ndarray, fine: Seen, coarse: Seen, of_output: np.ndarray
    ) -> tuple[Observables, Observables]:
        """The observables that every run has, and how far those of the coarse integration are apart, with what rounding
        may have done. of_output (B, n): the rounding of r."""
        rows, n = fine.residual.shape
        scalar_errors, distances = np.empty((rows, len(SCALARS))), np.empty((rows, len(VECTORS), 1))
        differences(
            scalars=fine.scalars,
            other_scalars=coarse.scalars,
            vectors=fine.vectors,
            other_vectors=coarse.vectors,
            residual=fine.residual,
            apart=coarse.residual - fine.residual,
            scalar_errors=scalar_errors,
            distances=distances,
        )
        vector_errors = np.repeat(distances, n, axis=2)
        add_rounding(
            epsilon=flow.arrays.epsilon,
            speed=flow.speed,
            scalars=fine.scalars,
            vectors=fine.vectors,
            residual=fine.residual,
            of_output=of_output,
            largest=self.largest[runs],
            moved=time > 0,
            scalar_errors=scalar_errors,
            vector_errors=vector_errors,
        )
        values: Observables = dict(zip(SCALARS, fine.scalars.T, strict=True))
        errors: Observables = dict(zip(SCALARS, scalar_errors.T, strict=True))
        values.update(zip(VECTORS, fine.vectors.swapaxes(0, 1), strict=True))
        errors.update(zip(VECTORS, vector_errors.swapaxes(0, 1), strict=True))
        return values, errors

    def _never_falling(self, runs: np.ndarray, errors: Observables) -> None:
        """Raise the errors of sums over the run to those before them, and note them."""
        for name in GROWING:
            never_falling(runs=runs, found=errors[name], last=self.last[name])

    def _keep(self, runs: np.ndarray, time: np.ndarray, values: Observables, errors: Observables) -> None:
        values["time"] = time
        self.owners.append(runs)
        self.values.append(values)
        self.uncertain.append(errors)

    @property
    def calls(self) -> int:
        """How often something has been recorded."""
        return len(self.owners)

    def mark(self) -> Mark:
        """What has been recorded so far, for take_back."""
        return self.calls, {name: last.copy() for name, last in self.last.items()}

    def take_back(self, mark: Mark, runs: np.ndarray) -> None:
        """Forget what was recorded of these runs since the mark."""
        count, last = mark
        for name in GROWING:
            self.last[name][runs] = last[name][runs]
        for k in range(count, len(self.owners)):
            keep = ~np.isin(self.owners[k], runs)
            self.owners[k] = self.owners[k][keep]
            for records in (self.values, self.uncertain):
                records[k] = {name: array[keep] for name, array in records[k].items()}

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """Observable name -> (T,) or (T, n), of one run."""
        return _merged(self.owners, self.values, run)

    def errors(self, run: int) -> dict[str, np.ndarray]:
        """Observable name -> its errors, of the same shape as the observable."""
        return _merged(self.owners, self.uncertain, run)

    def state(self) -> dict[str, np.ndarray]:
        """Everything recorded so far, as arrays by name, for a checkpoint."""
        state = {f"last.{name}": values for name, values in self.last.items()}
        if not self.owners:  # no save point yet
            return state
        state["owners"] = np.concatenate(self.owners)
        for kind, records in (("value", self.values), ("error", self.uncertain)):
            state |= {f"{kind}.{name}": np.concatenate([record[name] for record in records]) for name in records[0]}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` returned. Other names in it are ignored."""
        kinds: dict[str, dict[str, np.ndarray]] = {"value": {}, "error": {}, "last": {}}
        for key, array in state.items():
            kind, _, name = key.partition(".")
            if kind in kinds:
                kinds[kind][name] = array
        self.last = kinds["last"]
        if "owners" in state:
            self.owners, self.values, self.uncertain = [state["owners"]], [kinds["value"]], [kinds["error"]]


def _observed(flow: Flow, h0: Array, runs: Followed) -> Seen:
    state: State = runs.state
    moments = flow.moments(state.h, h0)
    seen = Seen.empty(flow.runs, flow.n)
    known: dict[str, Any] = {"y": flow.y, "speed": flow.speed, "m": flow.m, "residual": state.residual}
    known |= {"rates": state.eigenvalues, "path": runs.path, "moments": moments}
    known |= {"scalars": seen.scalars, "vectors": seen.vectors}
    if state.squares is None:
        observe(slope_gram=state.slope_gram, basis=state.eigenvectors, **known)
    else:
        observe_from_afar(squares=state.squares, modes=state.modes(), **known)
    return seen._replace(residual=state.residual, largest=moments[3].max(1))


def _rounding(flow: Flow, runs: Followed, seen: Seen) -> np.ndarray:
    """The rounding of r (R, n), in units of the largest |c_i| where these have grown."""
    found = residual_rounding(flow, seen.residual, seen.largest)
    if isinstance(flow, TrainedFlow):
        found = found * np.maximum(flow.largest_weight(runs.state.h) / flow.scale, 1.0)[:, None]
    return found


def _merged(owners: list[np.ndarray], records: list[dict[str, np.ndarray]], run: int) -> dict[str, np.ndarray]:
    """All that was recorded of one run, by name."""
    mine = np.concatenate(owners) == run
    found = {name: np.concatenate([record[name] for record in records]) for name in records[0]}
    return found if mine.all() else {name: array[mine] for name, array in found.items()}
