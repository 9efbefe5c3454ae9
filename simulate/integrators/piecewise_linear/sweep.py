"""One pass over all neurons: each is followed through the step, and what they do to the residual and the kernel."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.elementwise import EXACT
from simulate.field.flow import Flow
from simulate.integrators.piecewise_linear.events import COUNTS, Curve, Network, follow_neurons, new_desk
from simulate.integrators.piecewise_linear.kernel_changes import new_log
from simulate.integrators.piecewise_linear.pieces import Pieces

BLOCK = 128  # neurons whose products with G are one matrix product


class Swept(NamedTuple):
    """What a pass finds for one run. residual (n,): r at the end; squares (n,): the mean of sigma'(h_a)^2 there, held
    entries not counted; changes (W, n, n): of the kernel, with the weights of kernel_changes.py; counts (COUNTS,): see
    events.py."""

    residual: np.ndarray
    squares: np.ndarray
    changes: np.ndarray
    counts: np.ndarray


def network_of(flow: Flow, pieces: Pieces) -> Network:
    """What the compiled loops know of the network."""
    spread = np.sqrt(np.maximum(np.diagonal(flow.gram), 1e-300))
    most = 6 * flow.n * len(pieces.kinks) + 100
    return Network(np.ascontiguousarray(flow.gram), spread, pieces.kinks, pieces.slopes, most)


@njit(**EXACT)
def outputs(h: Any, sides: Any, signs: Any, kinks: Any, values: Any, slopes: Any, output: Any, squares: Any) -> None:
    """output (n,) += sum_i c_i sigma(h_i), squares (n,) += sum_i sigma'(h_i)^2, by the sides; h, sides: (w, n)."""
    for i in range(len(h)):
        for a in range(h.shape[1]):
            side = sides[i, a]
            piece = side // 2
            if side % 2 == 1:
                output[a] += signs[i] * values[piece]
            else:
                kink = max(piece - 1, 0)
                output[a] += signs[i] * (values[kink] + slopes[piece] * (h[i, a] - kinks[kink]))
                squares[a] += slopes[piece] ** 2


class Neurons:
    """The neurons of one run of a flow, as the passes see them.

    h (n + k, m) and sides (n, m): where the step begins.
    """

    def __init__(self, flow: Flow, pieces: Pieces, run: int, h: Array, sides: np.ndarray) -> None:
        self.flow, self.pieces, self.h, self.sides = flow, pieces, h, sides
        self.net = network_of(flow, pieces)
        self.gain = np.asarray(flow.model.gain[run, 0], dtype=np.float64)
        self.signs = np.asarray(flow.model.signs[run, 0], dtype=np.float64)

    def sweep(self, curve: Curve, kinds: int, into: tuple[Array, np.ndarray] | None = None) -> Swept:
        """Follow all neurons until curve.stop. kinds: how many weights of the kernel's changes are wanted.

        into: (h, sides) of the same shapes, where the state there goes, which may be those of the start."""
        flow, n, pieces = self.flow, self.flow.n, self.pieces

        def sweep_chunk(start: int, stop: int) -> tuple[np.ndarray, ...]:
            held = flow.buffers.__dict__
            if "piecewise linear" not in held:
                held["piecewise linear"] = new_desk(n), new_log(n, self.net.most)
            desk, log = held["piecewise linear"]
            log.sums[:kinds], log.half[:kinds] = 0.0, 0.0
            counts, output, squares = np.zeros(COUNTS, dtype=np.int64), np.zeros(n), np.zeros(n)
            for low in range(start, stop, BLOCK):
                high = min(low + BLOCK, stop)
                here = np.ascontiguousarray(self.h[:n, low:high].T, dtype=np.float64)
                sides = np.array(self.sides[:, low:high].T, order="C")  # a copy, which the pass overwrites
                ends, drives, gain = np.empty(here.shape), np.empty(here.shape), self.gain[low:high]
                follow_neurons(here, ends, drives, sides, gain, self.net, curve, desk, log, kinds, counts)
                if flow.arrays.real is not np.float64:  # what is stored is what counts
                    ends = ends.astype(flow.arrays.real).astype(np.float64)
                outputs(ends, sides, self.signs[low:high], pieces.kinks, pieces.values, pieces.slopes, output, squares)
                if into is not None:
                    into[0][:n, low:high], into[1][:, low:high] = ends.T, sides.T
                    if flow.cross is not None:
                        moved = flow.cross @ (gain[:, None] * drives).T
                        into[0][n:, low:high] = self.h[n:, low:high] - moved
            changes = log.sums[:kinds] + log.half[:kinds] + log.half[:kinds].transpose(0, 2, 1)
            return output, squares, changes, counts

        parts = flow.map_chunks(sweep_chunk)
        stacked = [np.stack([part[k] for part in parts]) for k in range(4)]
        output, squares, changes, counts = reduction.total(*stacked)
        residual = flow.alpha / flow.m * output - flow.y
        return Swept(residual, squares / flow.m, flow.speed / flow.m * changes, counts)
