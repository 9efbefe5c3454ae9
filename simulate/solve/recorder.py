"""Observables at save points, with the difference between two runs of different step as their error."""

from __future__ import annotations

import math

import numpy as np

from bounds.activation import Interval
from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.integrators.base import Point
from simulate.solve.observables import SCALARS, VECTORS, differ, observe, round_off

GROWING = ("path_length", "dissipated")  # sums over the run: so are their errors


class Recorder:
    """Collects the observables of S runs; memory O(T n) a run, never O(m n) per save point."""

    def __init__(self, flow: Flow, h0: Array, interval: Interval) -> None:
        self.h0, self.interval = h0, interval
        self.largest = largest(flow, h0)
        self.owners: list[np.ndarray] = []  # which runs each record is about
        self.values: list[dict[str, np.ndarray]] = []
        self.uncertain: list[dict[str, np.ndarray]] = []
        self.last = {name: np.zeros(flow.runs) for name in GROWING}
        self.sliding = Kinks(flow) if not flow.activation.smooth else None

    def record(
        self,
        flow: Flow,
        runs: np.ndarray,
        time: np.ndarray,
        fine: Point,
        fine_path: np.ndarray,
        coarse: Point,
        coarse_path: np.ndarray,
        tau: np.ndarray,
    ) -> None:
        """Save the fine states of `runs`; the coarse ones only tell the error.

        The paths (R, 3 + n) are those of a Leg; tau (R,): the steps that led here, 0 at the start.
        """
        h0 = self.h0 if len(runs) == len(self.h0) else self.h0[runs]
        scalars, vectors, size = _observed(flow, h0, fine, fine_path)
        twins = (scalars, vectors) if coarse is fine else _observed(flow, h0, coarse, coarse_path)[:2]
        gaps, points = np.empty(scalars.shape), np.empty((*vectors.shape[:2], 1))
        differ(scalars, twins[0], vectors, twins[1], fine.residual, coarse.residual - fine.residual, gaps, points)
        for name in GROWING:
            grown = gaps[:, SCALARS.index(name)]
            grown[:] = self.last[name][runs] = np.maximum(grown, self.last[name][runs])
        around = np.repeat(points, flow.n, axis=2)
        rounding = residual_rounding(flow, fine.residual, size)
        of_h = self.largest[runs]
        round_off(flow.arrays.epsilon, scalars, vectors, fine.residual, rounding, of_h, time > 0, gaps, around)
        values: dict[str, np.ndarray] = dict(zip(SCALARS, scalars.T, strict=True))
        errors: dict[str, np.ndarray] = dict(zip(SCALARS, gaps.T, strict=True))
        values.update(zip(VECTORS, vectors.swapaxes(0, 1), strict=True))
        errors.update(zip(VECTORS, around.swapaxes(0, 1), strict=True))
        if flow.rows > flow.n:
            values["test_output"], errors["test_output"] = _tested(flow, fine, coarse)
        if self.sliding is not None:
            _add_slips(flow, errors, fine, fine_path)
        values["active_fraction"], errors["active_fraction"] = self._active(flow, fine.h, coarse.h)
        if self.sliding is not None:
            values["sliding"] = self.sliding.count(flow, fine, tau)
        values["time"] = time
        self.owners.append(runs)
        self.values.append(values)
        self.uncertain.append(errors)

    def arrays(self, run: int) -> dict[str, np.ndarray]:
        """Observable name -> (T,) or (T, n), of one run."""
        return _merged(self.owners, self.values, run)

    def errors(self, run: int) -> dict[str, np.ndarray]:
        """The same for the errors."""
        return _merged(self.owners, self.uncertain, run)

    def state(self) -> dict[str, np.ndarray]:
        """Everything recorded so far, as arrays."""
        state = {f"last.{name}": values for name, values in self.last.items()}
        if not self.owners:  # no save point yet
            return state
        state["owners"] = np.concatenate(self.owners)
        for kind, records in (("value", self.values), ("error", self.uncertain)):
            state |= {f"{kind}.{name}": np.concatenate([record[name] for record in records]) for name in records[0]}
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from such a state."""
        kinds: dict[str, dict[str, np.ndarray]] = {"value": {}, "error": {}, "last": {}}
        for key, array in state.items():
            kind, _, name = key.partition(".")
            if kind in kinds:
                kinds[kind][name] = array
        self.last = kinds["last"]
        if "owners" in state:
            self.owners, self.values, self.uncertain = [state["owners"]], [kinds["value"]], [kinds["error"]]

    def _active(self, flow: Flow, fine: Array, coarse: Array) -> tuple[np.ndarray, np.ndarray]:
        """(share of neurons in I, share of those that the error of h might carry across an end of I), (R, n) each."""
        found = flow.sweep(lambda lo, hi: flow.engine.inside(flow, fine, coarse, self.interval, lo, hi), at_once=True)
        inside, unsure = sum(found) / flow.m
        return inside, unsure


class Kinks:
    """Counts the neurons that slide along a kink of sigma: h_ia there, and the field on either side pointing at it.

    Gradient flow then means the inclusion with sigma' anywhere between its one-sided values, and h_ia stays.
    """

    def __init__(self, flow: Flow) -> None:
        slope, tiny = flow.activation.slope, 1e-9
        self.sides = [
            (kink, float(slope(kink - tiny)), float(slope(kink + tiny)))
            for kink in (0.0, 1.0)
            if slope(kink - tiny) != slope(kink + tiny)
        ]

    def count(self, flow: Flow, point: Point, tau: np.ndarray) -> np.ndarray:
        """(R,): neurons that slide at one data point or more, within the distance of one step tau."""
        arrays, xp = flow.arrays, flow.arrays.xp
        weights = arrays.put(point.residual[:, :, None])
        own = arrays.put((np.diagonal(flow.gram) * point.residual)[:, :, None])
        reach = arrays.put(tau[:, None, None])

        def work(lo: int, hi: int) -> np.ndarray:
            h, push = point.h[:, : flow.n, lo:hi], flow.push[:, :, lo:hi]
            value, slope = (arrays.empty(*h.shape) for _ in range(2))
            arrays.activate(flow.activation, h, value, slope)
            pull = flow.G @ (slope * weights)
            slides = h != h
            for kink, below, above in self.sides:
                left, right = (-push * (pull + own * (side - slope)) for side in (below, above))
                near = abs(h - kink) <= reach * xp.maximum(left, -right)
                slides = slides | (near & (left > 0) & (right < 0))
            return arrays.fetch(slides.any(1).sum(-1))

        found: np.ndarray = sum(flow.sweep(work), np.zeros(flow.runs))
        return found


def residual_rounding(
    flow: Flow, residual: np.ndarray, size: np.ndarray, targets: np.ndarray | None = None
) -> np.ndarray:
    """A bound on the rounding of r, (S, n): |sigma| <= |sigma(0)| + Ls |h|, pairwise sums over m neurons.

    size: (S,), the largest |h|.
    """
    act = flow.activation
    value = abs(float(act.value(0.0))) + float(act.Ls) * size
    if act.bounded_by is not None:
        value = np.minimum(value, act.bounded_by)
    terms = 4 + math.sqrt(math.log2(flow.m + 1))
    summed = terms * flow.alpha * flow.size * value[:, None] / math.sqrt(flow.m)
    return flow.arrays.epsilon * (summed + np.abs(flow.y if targets is None else targets) + np.abs(residual))


def largest(flow: Flow, h: Array) -> np.ndarray:
    """max |h| on the training points, (S,)."""
    arrays = flow.arrays

    def work(lo: int, hi: int) -> np.ndarray:
        return arrays.fetch(arrays.row_max(arrays.xp.abs(h[:, : flow.n, lo:hi]))).max(1)

    return np.maximum.reduce(flow.sweep(work))


def _add_slips(flow: Flow, errors: dict[str, np.ndarray], fine: Point, path: np.ndarray) -> None:
    """What both runs may have missed at kinks alike: what slips in r enters r, what slips in s moves neurons."""
    in_path, in_residual = path[:, 2], np.linalg.norm(path[:, 3:], axis=1)
    errors["loss"] += in_residual * (np.linalg.norm(fine.residual, axis=1) + in_residual / 2)
    errors["output"] += in_residual[:, None]
    errors["path_length"] += in_path
    for name in ("movement", "movement_rms"):  # the key lemma bounds both
        errors[name] += np.sqrt(np.diagonal(flow.gram)) * in_path[:, None]
    errors["movement_max"] += math.sqrt(flow.m) * np.sqrt(np.diagonal(flow.gram)) * in_path[:, None]


def _observed(flow: Flow, h0: Array, point: Point, path: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(scalars, vectors, the largest |h| (R,)); see summaries.py."""
    found = flow.sweep(lambda lo, hi: flow.engine.moments(flow, point.h, h0, lo, hi), at_once=True)
    moments = found[0]
    for part in found[1:]:
        moments = np.concatenate([moments[:2] + part[:2], np.maximum(moments[2:], part[2:])])
    runs = len(point.residual)
    scalars, vectors = np.empty((runs, len(SCALARS))), np.empty((runs, len(VECTORS), flow.n))
    spectrum = point.eigenvalues, point.eigenvectors
    observe(flow.y, flow.speed, flow.m, point.residual, point.slope_gram, *spectrum, path, moments, scalars, vectors)
    return scalars, vectors, moments[3].max(1)


def _tested(flow: Flow, fine: Point, coarse: Point) -> tuple[np.ndarray, np.ndarray]:
    """(f on the test points, its error), (R, k) each."""
    value, size = _test_output(flow, fine.h)
    gap = value - (value if coarse is fine else _test_output(flow, coarse.h)[0])
    rounding = residual_rounding(flow, value, size, targets=np.zeros(1))
    return value, np.linalg.norm(gap, axis=1, keepdims=True) + rounding


def _test_output(flow: Flow, h: Array) -> tuple[np.ndarray, np.ndarray]:
    """(f on the test points (S, k), the largest |h| there (S,)); a few neurons at a time, for k may be large."""
    arrays, few = flow.arrays, max(1, flow.piece // (flow.rows - flow.n))
    total, size = np.zeros((flow.runs, flow.rows - flow.n)), np.zeros(flow.runs)
    for lo in range(0, flow.m, few):
        rows = h[:, flow.n :, lo : lo + few]
        value, slope = (arrays.empty(*rows.shape) for _ in range(2))
        arrays.activate(flow.activation, rows, value, slope)
        total += arrays.fetch((value @ flow.c[:, :, lo : lo + few].mT)[:, :, 0])
        size = np.maximum(size, arrays.fetch(arrays.row_max(abs(rows))).max(1))
    return flow.alpha / flow.m * total, size


def _merged(owners: list[np.ndarray], records: list[dict[str, np.ndarray]], run: int) -> dict[str, np.ndarray]:
    mine = np.concatenate(owners) == run
    return {name: np.concatenate([record[name] for record in records])[mine] for name in records[0]}
