"""One pass over all neurons: each is followed through the step, and what they do to the residual and the kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.elementwise import EXACT
from simulate.field.flow import Flow
from simulate.integrators.piecewise_linear.desk import (
    ABOVE,
    BELOW,
    COUNTS,
    OFFSETS,
    SLOPES,
    Curve,
    Network,
    new_desk,
)
from simulate.integrators.piecewise_linear.follow import follow_neurons
from simulate.integrators.piecewise_linear.kernel_changes import LEGENDRE, new_log, sums_of
from simulate.integrators.piecewise_linear.pieces import Pieces

BLOCK = 128  # neurons whose products with G are one matrix product


class Swept(NamedTuple):
    """What a pass finds for one run. residual (n,): r at the end; squares (n,): the mean of sigma'(h_a)^2 there, held
    entries not counted; changes (W, n, n): of the kernel, the whole of it, W = 1, or its first three Legendre moments
    along the path; counts (COUNTS,): see desk.py."""

    residual: np.ndarray
    squares: np.ndarray
    changes: np.ndarray
    counts: np.ndarray


def network_of(flow: Flow, pieces: Pieces) -> Network:
    """What the compiled loops know of the network."""
    spread = np.sqrt(np.maximum(np.diagonal(flow.gram), 1e-300))
    kinks, slopes, count = pieces.kinks, pieces.slopes, len(pieces.kinks)
    table = np.zeros((4, 2 * count + 1))
    table[BELOW], table[ABOVE] = np.inf, -np.inf
    table[BELOW, ::2], table[ABOVE, ::2] = np.append(-np.inf, kinks), np.append(kinks, np.inf)
    table[SLOPES, ::2] = slopes
    table[OFFSETS, 1::2] = pieces.values
    nearest = np.maximum(np.arange(count + 1) - 1, 0)
    table[OFFSETS, ::2] = pieces.values[nearest] - slopes * kinks[nearest]
    return Network(np.ascontiguousarray(flow.gram), spread, kinks, slopes, table, 6 * flow.n * count + 100)


@njit(**EXACT)
def outputs(h: Any, sides: Any, signs: Any, table: Any, output: Any, over: Any, squares: Any) -> None:
    """output (n,) += sum_i c_i sigma(h_i), squares (n,) += sum_i sigma'(h_i)^2, by the sides; h, sides: (w, n).

    over (n,): what rounding has added to output so far, zero at first (Kahan's sum: one after the other the terms would
    lose sqrt(m) roundings of the largest partial sum, and a run near its floor would reject all steps)."""
    slopes, offsets = table[SLOPES], table[OFFSETS]
    for i in range(len(h)):
        for a in range(h.shape[1]):
            slope = slopes[sides[i, a]]
            term = signs[i] * (offsets[sides[i, a]] + slope * h[i, a]) - over[a]
            total = output[a] + term
            over[a] = (total - output[a]) - term
            output[a] = total
            squares[a] += slope * slope


class Neurons:
    """The neurons of one run of a flow, as the passes see them.

    h (n + k, m) and sides (n, m): where the step begins.
    """

    def __init__(self, flow: Flow, pieces: Pieces, run: int, h: Array, sides: np.ndarray) -> None:
        self.flow, self.pieces, self.h, self.sides = flow, pieces, h, sides
        self.net = network_of(flow, pieces)
        self.gain = np.asarray(flow.model.gain[run, 0], dtype=np.float64)
        self.signs = np.asarray(flow.model.signs[run, 0], dtype=np.float64)

    def sweep(self, curve: Curve, moments: bool, into: tuple[Array, np.ndarray] | None = None) -> Swept:
        """Follow all neurons until curve.stop. moments: of the kernel's change, else the whole of it.

        into: (h, sides) of the same shapes, where the state there goes, which may be those of the start."""
        flow, n = self.flow, self.flow.n

        def sweep_chunk(start: int, stop: int) -> tuple[np.ndarray, ...]:
            if flow.buffers.passes is None:
                flow.buffers.passes = new_desk(n), new_log(n, self.net.most)
            desk, log = flow.buffers.passes
            log.sums[:], log.half[:] = 0.0, 0.0
            counts, output, over, squares = np.zeros(COUNTS, dtype=np.int64), np.zeros(n), np.zeros(n), np.zeros(n)
            for low in range(start, stop, BLOCK):
                high = min(low + BLOCK, stop)
                here = np.ascontiguousarray(self.h[:n, low:high].T, dtype=np.float64)
                sides = np.array(self.sides[:, low:high].T, order="C")  # a copy, which the pass overwrites
                ends, drives, gain = np.empty(here.shape), np.empty(here.shape), self.gain[low:high]
                follow_neurons(here, ends, drives, sides, gain, self.net, curve, desk, log, moments, counts)
                if flow.arrays.real is not np.float64:  # what is stored is what counts
                    ends = ends.astype(flow.arrays.real).astype(np.float64)
                outputs(ends, sides, self.signs[low:high], self.net.table, output, over, squares)
                if into is not None:
                    into[0][:n, low:high], into[1][:, low:high] = ends.T, sides.T
                    if flow.cross is not None:
                        moved = flow.cross @ (gain[:, None] * drives).T
                        into[0][n:, low:high] = self.h[n:, low:high] - moved
            return output, squares, sums_of(log, moments), counts

        parts = flow.map_chunks(sweep_chunk)
        stacked = [np.stack([part[k] for part in parts]) for k in range(4)]
        output, squares, changes, counts = reduction.total(*stacked)
        residual = flow.alpha / flow.m * output - flow.y
        changes = changes + changes.transpose(0, 2, 1)
        if moments:
            changes = np.tensordot(LEGENDRE, changes, 1)
        return Swept(residual, squares / flow.m, flow.speed / flow.m * changes, counts)
