"""An exponential method for piecewise linear activations, which follows every neuron exactly from kink to kink.

Between kinks everything is linear in R(t), the integral of r; so a neuron that is told R needs no small steps. A step
goes through the neurons twice. The first time R comes from the kernel at the start and its trend; what the neurons do
then tells how the kernel changes along the path (kernel_changes.py), from which r follows once more (panels.py). The
second pass ends the step: the new r is the sum over the neurons as they are, and how far it is from the r that they
were told is the error of the step.

Entries of h may be held on a kink, which the field points at from both sides (they slide): see events.py.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.integrators.base import Inside, Saves, Step
from simulate.integrators.piecewise_linear import panels
from simulate.integrators.piecewise_linear.curve import bulge, fit, rest_of
from simulate.integrators.piecewise_linear.desk import GIVEN_UP, UNSETTLED, Curve
from simulate.integrators.piecewise_linear.kernel_changes import LEGENDRE
from simulate.integrators.piecewise_linear.pieces import Pieces, pieces_of
from simulate.integrators.piecewise_linear.sweep import Neurons, Stops, Swept
from simulate.integrators.state import Sides, State

GROWN = 2.0  # times |r| at the start of a step: beyond this what a kernel that changes says of r is wrong
KEPT = 2**27  # bytes that a step keeps for save points; each further one is found by going on from the last
MATRICES = 6  # (n, n) in float64, for each save point: the change of the kernel until then, and what sums it up
FIRST_SHARE = 0.1  # of the time in which the fastest mode of r decays, in the first step


class PiecewiseLinear:
    """See the module. The error estimate behaves like one of order 4, but where few neurons cross it is jumps of size
    1/m, which no order describes; see docs/simulate.md."""

    name = "piecewise-linear"
    dense = True
    holds = True

    def start(self, flow: Flow, h: Array) -> State:
        """See Integrator.start. An entry that begins on a kink is on the side where sigma' is that of the kink."""
        pieces, runs = pieces_of_flow(flow), flow.runs
        sides = pieces.sides(h[:, : flow.n])
        evaluation = flow.evaluate(h)
        kernel = flow.kernel(evaluation.slope_gram)
        squares = np.diagonal(evaluation.slope_gram, axis1=1, axis2=2)
        carried = Sides(sides, np.zeros((runs, flow.n, flow.n)), np.zeros(runs))
        return State.held(flow, h, evaluation.residual, squares, kernel, carried)

    def first_step(self, flow: Flow, state: State, scales: np.ndarray) -> np.ndarray:
        """See Integrator.first_step."""
        fastest = state.eigenvalues[:, -1]
        return np.where(fastest > 0, FIRST_SHARE / np.where(fastest > 0, fastest, 1.0), math.inf)

    def error_order(self, state: State) -> int:
        """The same from every state."""
        return 4

    def step(
        self, flow: Flow, state: State, tau: np.ndarray, *, errors: bool, saves: Saves | None = None
    ) -> PiecewiseLinearStep:
        """See Integrator.step. Two evaluations. The second pass looks at the neurons at the save points, as many as fit
        into KEPT bytes."""
        assert state.sides is not None
        pieces, runs = pieces_of_flow(flow), range(flow.runs)
        # By the size of the whole network, for all processes that share it must do the same.
        size = flow.m * (flow.rows * state.h.itemsize + flow.n) + 8 * MATRICES * flow.n**2
        most = int(KEPT / flow.runs / size)
        ends = None
        if not flow.low_memory:
            ends = flow.arrays.empty(*state.h.shape), np.empty_like(state.sides.sides)
        parts = []
        for run in runs:
            neurons = Neurons(flow, pieces, run, state.h[run], state.sides.sides[run])
            into = None if ends is None else (ends[0][run], ends[1][run])
            parts.append(
                _follow(neurons, state, run, float(tau[run]), into, saves[run][:most] if saves else np.zeros(0))
            )
        mismatch = np.stack([np.abs(part.prediction.r[-1] - part.swept.residual) for part in parts])
        unresolved = np.array([part.unresolved for part in parts])
        # No mismatch knows of neurons that were given up, nor of what a wrong kernel hides: a shorter step is to do it.
        mismatch[(unresolved > 0) | ~np.array([part.settled for part in parts])] = math.inf
        return PiecewiseLinearStep(
            flow=flow,
            begun=state,
            parts=parts,
            ends=ends,
            length=np.array([part.prediction.ways[-1, 0] for part in parts]),
            dissipated=np.array([part.prediction.ways[-1, 1] for part in parts]),
            evaluations=2,
            predicted=np.stack([part.prediction.r[-1] for part in parts]),
            residual_error=mismatch if errors else None,
            movement_error=np.zeros(mismatch.shape) if errors else None,
            follows_kinks=True,
            unresolved=unresolved,
        )


class Prediction(NamedTuple):
    """The path of r that the neurons of a run go by.

    edges (J + 1,); r, R (N, n) and ways (N, 2): see panels.solve; curve: R as a polynomial in the share of the path.
    """

    edges: np.ndarray
    r: np.ndarray
    R: np.ndarray
    ways: np.ndarray
    curve: Curve


class RunInside(NamedTuple):
    """A run inside a step: at a time, where that share of its path is done; neurons: as they are there; swept: what is
    found there; changes (n, n): of the kernel until then."""

    time: float
    share: float
    neurons: Neurons
    swept: Swept
    changes: np.ndarray


class Part(NamedTuple):
    """The step of one run: its neurons at the start, the prediction that they went by, and what they did.

    trend (n, n): of the kernel over the whole path, as the first pass found it; unresolved: how many were given up in
    either pass, for their events found no end; settled: whether r can be as the kernel of the first pass has it, else
    the second pass went by that at the start; stops: where the second pass has looked at the neurons on their way.
    """

    neurons: Neurons
    prediction: Prediction
    swept: Swept
    trend: np.ndarray
    unresolved: int
    settled: bool
    stops: list[RunInside]


def pieces_of_flow(flow: Flow) -> Pieces:
    """The pieces of the activation, which has some."""
    pieces = pieces_of(flow.activation)
    assert pieces is not None
    return pieces


def _shares_at_nodes(edges: np.ndarray, ways: np.ndarray) -> np.ndarray:
    """(N,): the share of the path that is done at the nodes; of the time, if there is no path."""
    way, whole = ways[:, 0], ways[-1, 0]
    return way / whole if whole > 0 else panels.node_times(edges) / edges[-1]


def _share_at(prediction: Prediction, time: float) -> float:
    """The share of the path that is done at a time of the step."""
    way, whole = float(panels.interpolated(prediction.edges, prediction.ways, time)[0]), float(prediction.ways[-1, 0])
    return min(max(way / whole if whole > 0 else time / float(prediction.edges[-1]), 0.0), 1.0)


def _follow(
    neurons: Neurons, state: State, run: int, tau: float, into: tuple[Array, np.ndarray] | None, times: np.ndarray
) -> Part:
    """One run from the state over tau; see the module. into: where its end goes; times: save points in increasing
    order."""
    flow, sides = neurons.flow, state.sides
    assert sides is not None
    rates, basis, kernel = state.eigenvalues[run], np.ascontiguousarray(state.eigenvectors[run]), state.kernel[run]
    start, previous = state.residual[run : run + 1], float(sides.length[run])
    spread = np.sqrt(np.maximum(np.diagonal(flow.gram), 0.0))
    edges = panels.panel_edges(rates[-1], tau)
    free, forced = panels.exponentials(rates, edges)

    def solve(changes: np.ndarray, shares: np.ndarray, otherwise: Prediction | None = None) -> Prediction:
        r, R, ways = panels.solve(rates, basis, start, edges, free, forced, changes, np.ascontiguousarray(shares))
        # |r| never grows along the flow. A polynomial for the kernel may have negative eigenvalues, by which it would.
        if otherwise is not None and not (r * r).sum(1).max() <= GROWN**2 * (start * start).sum():
            return otherwise
        x = _shares_at_nodes(edges, ways)
        coefficients = fit(x, R)
        margin = spread * math.sqrt(flow.beta / flow.alpha) * bulge(x, R, kernel)
        fastest = float(np.abs(coefficients[:, 1:]).sum(1).max())
        return Prediction(
            edges, r, R, ways, Curve(coefficients, np.ascontiguousarray(coefficients.T), margin, 1.0, fastest)
        )

    # By the kernel at the start; then, for as long a way as the step before was, with its trend.
    nothing = np.zeros((0, flow.n, flow.n))
    prediction = solve(nothing, np.zeros((0, len(panels.node_times(edges)))))
    if previous > 0:
        prediction = solve(sides.trend[run][None], np.minimum(prediction.ways[:, 0], previous)[None], prediction)
    # What the neurons do, the kernel along the path that follows from it, and what they do then.
    (first,) = neurons.sweep(prediction.curve, True)
    degrees = np.arange(len(LEGENDRE))
    legendre = np.polynomial.legendre.legvander(2 * _shares_at_nodes(edges, prediction.ways) - 1, degrees[-1]).T
    again = solve((2 * degrees + 1)[:, None, None] * first.changes, legendre, prediction)
    settled, prediction = again is not prediction, again
    count, (rows, m) = len(times), neurons.h.shape
    at_saves = Stops(
        np.array([_share_at(prediction, float(time)) for time in times]),
        flow.arrays.empty(count, rows, m),
        np.empty((count, flow.n, m), dtype=neurons.sides.dtype),
    )
    *found, last = neurons.sweep(prediction.curve, False, into, at_saves)
    stops = [
        RunInside(float(time), float(share), neurons.moved(h, sides), there, there.changes[0])
        for time, share, h, sides, there in zip(times, *at_saves, found, strict=True)
    ]
    given_up = first.counts + last.counts
    # The slope of the line that fits the change of the kernel over the path best.
    trend = 6 * first.changes[1]
    return Part(neurons, prediction, last, trend, int(given_up[GIVEN_UP] + given_up[UNSETTLED]), settled, stops)


@dataclass(frozen=True, kw_only=True)
class PiecewiseLinearStep(Step):
    """See Step. begun: the state where it begins; parts: one for each run; ends: h and sides at the end, None with
    low_memory, where the second pass is repeated in place once the step is taken; further: by run, where it was stopped
    last at a time at which the second pass had not looked at it."""

    begun: State
    parts: list[Part]
    ends: tuple[Array, np.ndarray] | None
    further: dict[int, RunInside] = field(default_factory=dict)

    def advance(self, start: State) -> State:
        """See Step.advance."""
        h, sides = (start.h, _sides(start)) if self.ends is None else self.ends
        if self.ends is None:
            for run, part in enumerate(self.parts):
                part.neurons.sweep(part.prediction.curve, False, (h[run], sides[run]))
        changes = np.stack([part.swept.changes for part in self.parts])
        trend = np.stack([part.trend for part in self.parts])
        whole = np.where(self.length > 0, self.length, np.inf)
        carried = Sides(sides, trend / whole[:, None, None], self.length)
        return self._state(h, [part.swept for part in self.parts], start.kernel + changes[:, 0], carried)

    def inside(self, time: np.ndarray) -> Inside:
        """See Step.inside: the neurons where the path is at that time. With low_memory there is none.

        The second pass has looked at them there, or they go on from where they were stopped last, unless that is later:
        times in increasing order cost no more than one pass together."""
        flow, begun = self.flow, self.begun
        h, sides = flow.arrays.empty(*begun.h.shape), np.empty_like(_sides(begun))
        swept, ways, predicted = [], np.zeros((flow.runs, 2)), np.zeros((flow.runs, flow.n))
        kernel = begun.kernel.copy()
        for run, part in enumerate(self.parts):
            prediction, at = part.prediction, float(time[run])
            ways[run] = panels.interpolated(prediction.edges, prediction.ways, at)
            predicted[run] = panels.interpolated(prediction.edges, prediction.r, at)
            stop = self._stop(run, at)
            h[run], sides[run] = stop.neurons.h, stop.neurons.sides
            kernel[run] += stop.changes
            swept.append(stop.swept)
        carried = Sides(sides, np.zeros(kernel.shape), np.zeros(flow.runs))
        return Inside(self._state(h, swept, kernel, carried), ways[:, 0], ways[:, 1], predicted)

    def _stop(self, run: int, time: float) -> RunInside:
        """A run at that time."""
        part = self.parts[run]
        known = [*part.stops, *([self.further[run]] if run in self.further else [])]
        for stop in known:
            if stop.time == time:
                return stop
        prediction, start, share = part.prediction, part.neurons, _share_at(part.prediction, time)
        nothing = np.zeros(self.begun.kernel[run].shape)
        behind = [stop for stop in known if stop.share <= share and stop.share < 1]
        last = max(behind, key=lambda stop: stop.share, default=RunInside(0.0, 0.0, start, part.swept, nothing))
        h, sides = self.flow.arrays.empty(*start.h.shape), np.empty_like(start.sides)
        (swept,) = last.neurons.sweep(rest_of(prediction.curve, last.share, share), False, (h, sides))
        self.further[run] = RunInside(time, share, start.moved(h, sides), swept, last.changes + swept.changes[0])
        return self.further[run]

    def _state(self, h: Array, swept: list[Swept], kernel: np.ndarray, carried: Sides) -> State:
        residual, squares = np.stack([each.residual for each in swept]), np.stack([each.squares for each in swept])
        return State.held(self.flow, h, residual, squares, kernel, carried)


def _sides(state: State) -> np.ndarray:
    assert state.sides is not None
    return state.sides.sides
