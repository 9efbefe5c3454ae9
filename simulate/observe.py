"""Observables at save points, with the difference between two runs of different step as their error."""

from __future__ import annotations

import math

import numpy as np

from bounds.activation import Interval
from simulate.arrays import Array
from simulate.flow import Flow
from simulate.integrators.base import Point, apply

GROWING = ("path_length", "dissipated")  # sums over the run: so are their errors
MOVEMENTS = ("movement", "movement_rms", "movement_max")


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
        values, rounding = self._observe(flow, runs, h0, time, fine, fine_path)
        twin = values if coarse is fine else self._observe(flow, runs, h0, time, coarse, coarse_path)[0]
        errors: dict[str, np.ndarray] = {}
        for name, value in values.items():
            difference = _difference(name, value, twin[name], coarse.residual - fine.residual, fine.residual)
            if name in GROWING:
                difference = self.last[name][runs] = np.maximum(difference, self.last[name][runs])
            errors[name] = difference + rounding.get(name, 64 * flow.arrays.epsilon * np.abs(value))
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

    def _observe(
        self, flow: Flow, runs: np.ndarray, h0: Array, time: np.ndarray, point: Point, path: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(observables, their rounding where it is not a few ulps of the value)."""
        r = point.residual
        found = flow.sweep(lambda lo, hi: flow.engine.moments(flow, point.h, h0, lo, hi), at_once=True)
        absolute, square = (sum(part[k] for part in found) for k in (0, 1))
        farthest, size = (np.maximum.reduce([part[k] for part in found]) for k in (2, 3))
        modes = apply(point.eigenvectors.mT, r)
        values = {
            "loss": (r * r).sum(1) / 2,
            "output": r + flow.y,
            "mean_square_slope": np.diagonal(point.slope_gram, axis1=1, axis2=2).copy(),
            "path_length": path[:, 0].copy(),
            "dissipated": path[:, 1].copy(),
            "power": (point.eigenvalues * modes * modes).sum(1),
            "movement": absolute / flow.m,
            "movement_rms": np.sqrt(square / flow.m),
            "movement_max": farthest,
            "kernel_min_eig": point.eigenvalues[:, 0] / flow.speed,
            "kernel_max_eig": point.eigenvalues[:, -1] / flow.speed,
        }
        output_rounding = residual_rounding(flow, r, size.max(1))
        rounding = {
            "output": output_rounding,
            "loss": (np.abs(r) * output_rounding + output_rounding**2 / 2).sum(1),
        }
        started = (time > 0).astype(float)  # before, nothing has moved: exactly zero
        for name in GROWING:
            rounding[name] = started * 64 * flow.arrays.epsilon * np.abs(values[name])
        for name in MOVEMENTS:  # h is stored to a few ulps of itself, however little it moved
            rounding[name] = (started * 8 * flow.arrays.epsilon * self.largest[runs])[:, None] + 0.0 * values[name]
        if flow.rows > flow.n:
            values["test_output"], size = _test_output(flow, point.h)
            rounding["test_output"] = residual_rounding(flow, values["test_output"], size, targets=np.zeros(1))
        return values, rounding

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


def _difference(name: str, value: np.ndarray, twin: np.ndarray, apart: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """How far the two runs are apart, in norms that do not vanish where one component happens to cross."""
    if name == "loss":
        distance = np.linalg.norm(apart, axis=1)
        return distance * (np.linalg.norm(residual, axis=1) + distance / 2)
    if name in ("output", "test_output"):
        gap = value - twin
        return np.linalg.norm(gap, axis=1, keepdims=True) + 0.0 * gap
    gap = np.abs(value - twin)
    return gap if gap.ndim == 1 else gap.max(1, keepdims=True) + 0.0 * gap


def _add_slips(flow: Flow, errors: dict[str, np.ndarray], fine: Point, path: np.ndarray) -> None:
    """What both runs may have missed at kinks alike: what slips in r enters r, what slips in s moves neurons."""
    in_path, in_residual = path[:, 2], np.linalg.norm(path[:, 3:], axis=1)
    errors["loss"] += in_residual * (np.linalg.norm(fine.residual, axis=1) + in_residual / 2)
    errors["output"] += in_residual[:, None]
    errors["path_length"] += in_path
    for name in ("movement", "movement_rms"):  # the key lemma bounds both
        errors[name] += np.sqrt(np.diagonal(flow.gram)) * in_path[:, None]
    errors["movement_max"] += math.sqrt(flow.m) * np.sqrt(np.diagonal(flow.gram)) * in_path[:, None]


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
