"""The output on test points, at a state of the runs.

By what a neuron moves on the training points it moves on a test point x: dh(x) = G_xX G^+ dh(X), for every displacement
is -g G_.X v. So the pre-activations on test points are found when they are looked at, and no step need carry them;
unless G is so badly conditioned that this would lose digits: then states have a row for each test point.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.last_layer import TrainedFlow
from simulate.field.rounding import residual_rounding

# Entries of temporaries at a time, on the CPU (True) or a GPU. Of more than 2^15 entries torch would give each
# of its threads a part, which may change a last digit.
TEST_ENTRIES = {True: 2**15, False: 2**23}
MOST_GROWTH = 100.0  # times what rounding has done to h(X): more than that is not lost on the test points
ULPS = 6.0  # by which rounding on the way may have put off h(X), and so many times what the regression misses
REPRODUCED = 1e-12  # of the largest entry of its row of G_xX: that of G_xX G^+ G must be as near to it


@dataclass(frozen=True)
class Regression:
    """matrix (k, n): G_xX G^+; start (S, n, m), tests (S, k, m): the runs at their start, on the training points and on
    the test points; weights (k, n): the sizes of the entries of matrix, by which it multiplies what rounding has done
    on the training points; missed (k,): how far matrix G is from G_xX, of the largest entry of the row."""

    matrix: Array
    start: Array
    tests: Array
    weights: np.ndarray
    missed: np.ndarray

    @classmethod
    def applies(cls, matrix: np.ndarray, gram: np.ndarray, cross: np.ndarray) -> bool:
        """Whether it is as exact as rows of test points in the state; cross (k, n): G_xX."""
        return bool(_missed(matrix, gram, cross).max() <= REPRODUCED and np.abs(matrix).sum(1).max() <= MOST_GROWTH)

    @classmethod
    def from_start(cls, matrix: np.ndarray, flow: Flow, start: Array, tests: Array) -> Regression:
        """Of runs that begin there; the arguments are as above, matrix as an array of numpy."""
        assert flow.cross is not None
        missed = _missed(matrix, flow.gram, flow.cross)
        return cls(flow.arrays.put(matrix), start, tests, np.abs(matrix), missed)

    def of(self, runs: np.ndarray) -> Regression:
        """That of some of the runs; runs: which."""
        if len(runs) == len(self.start):
            return self
        return replace(self, start=self.start[runs], tests=self.tests[runs])

    def rows(self, h: Array, first: int, beyond: int) -> Array:
        """h on the test points (S, k, w), of the neurons first..beyond at a state h (S, rows, m)."""
        n, here = self.matrix.shape[1], slice(first, beyond)
        return self.tests[:, :, here] + self.matrix @ (h[:, :n, here] - self.start[:, :n, here])


def _missed(matrix: np.ndarray, gram: np.ndarray, cross: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.abs(matrix @ gram - cross).max(1) / np.maximum(np.abs(cross).max(1), 1e-300)
    return found


def tested(flow: Flow, regression: Regression | None, fine: Array, coarse: Array) -> tuple[np.ndarray, np.ndarray]:
    """(f on the test points, its error), (R, k) each, at two states h (R, rows, m). regression: of these runs; None
    where states have rows for the test points."""
    value, largest = _output(flow, regression, fine)
    apart = value - (value if coarse is fine else _output(flow, regression, coarse)[0])
    rounding = residual_rounding(flow, value, largest, targets=np.zeros(1))
    if regression is not None:  # rounding of h(X), which its regression multiplies, and of the regression
        reached = np.maximum(flow.largest(fine), flow.largest(regression.start))
        lost = ULPS * (flow.arrays.epsilon * regression.weights.sum(1) + regression.missed) * reached[:, None]
        rounding = rounding + flow.alpha * flow.scale * flow.sizes[1] * lost
    if isinstance(flow, TrainedFlow):
        rounding = rounding * np.maximum(flow.largest_weight(fine) / flow.scale, 1.0)[:, None]
    return value, np.linalg.norm(apart, axis=1, keepdims=True) + rounding


def _output(flow: Flow, regression: Regression | None, h: Array) -> tuple[np.ndarray, np.ndarray]:
    """(f on the test points (S, k), the largest |h| there (S,)); a few neurons at a time, for k may be large."""
    arrays, count = flow.arrays, flow.tests
    rows_at_once = count if regression is None else max(count, flow.n)
    width, weights = max(1, TEST_ENTRIES[arrays.numpy] // rows_at_once), flow.weights(h)

    def of_chunk(first: int, beyond: int) -> tuple[np.ndarray, np.ndarray]:
        output, largest = np.zeros((flow.runs, count)), np.zeros(flow.runs)
        for start in range(first, beyond, width):
            stop = min(start + width, beyond)
            if regression is None:
                rows = arrays.contiguous(h[:, flow.n : flow.n + count, start:stop])
            else:
                rows = regression.rows(h, start, stop)
            value, slope = (arrays.empty(*rows.shape) for _ in range(2))
            arrays.activate(flow.activation, rows, value, slope)
            output += arrays.fetch((value @ weights[:, :, start:stop].mT)[:, :, 0])
            largest = np.maximum(largest, arrays.fetch(arrays.row_max(abs(rows))).max(1))
        return output, largest

    outputs, sizes = (np.stack(part) for part in zip(*flow.map_chunks(of_chunk), strict=True))
    (output,) = reduction.total(outputs)
    return flow.alpha / flow.m * output, reduction.largest(sizes)
