"""One pass over all neurons: each is followed through the step, and what they do to the residual and the kernel."""

from __future__ import annotations

from copy import copy
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
    Desk,
    Network,
    new_desk,
    new_seen,
)
from simulate.integrators.piecewise_linear.distinct import distinct_points
from simulate.integrators.piecewise_linear.follow import follow_neurons
from simulate.integrators.piecewise_linear.kernel_changes import LEGENDRE, Log, new_log, sums_of
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


class Stops(NamedTuple):
    """Where the neurons of a run are looked at on their way. shares (S,): of the path that are done there, in
    increasing order; h (S, rows, m), sides (S, n, m): there, which a pass fills in."""

    shares: np.ndarray
    h: Array
    sides: np.ndarray


def network_of(gram: np.ndarray, pieces: Pieces) -> Network:
    """What the compiled loops know of the network."""
    spread = np.sqrt(np.maximum(np.diagonal(gram), 1e-300))
    kinks, slopes, count = pieces.kinks, pieces.slopes, len(pieces.kinks)
    table = np.zeros((4, 2 * count + 1))
    table[BELOW], table[ABOVE] = np.inf, -np.inf
    table[BELOW, ::2], table[ABOVE, ::2] = np.append(-np.inf, kinks), np.append(kinks, np.inf)
    table[SLOPES, ::2] = slopes
    table[OFFSETS, 1::2] = pieces.values
    nearest = np.maximum(np.arange(count + 1) - 1, 0)
    table[OFFSETS, ::2] = pieces.values[nearest] - slopes * kinks[nearest]
    return Network(np.ascontiguousarray(gram), spread, kinks, slopes, table, 6 * len(gram) * count + 100)


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

    h (rows, m) and sides (n, m): where the step begins; distinct: which data points are, None if all are.
    """

    def __init__(self, flow: Flow, pieces: Pieces, run: int, h: Array, sides: np.ndarray) -> None:
        self.flow, self.pieces, self.h, self.sides = flow, pieces, h, sides
        self.distinct = distinct_points(flow.gram, h)
        gram = flow.gram if self.distinct is None else flow.gram[np.ix_(self.distinct.first, self.distinct.first)]
        self.net = network_of(gram, pieces)
        self.gain = np.asarray(flow.model.gain[run, 0], dtype=np.float64)
        self.signs = np.asarray(flow.model.signs[run, 0], dtype=np.float64)

    def moved(self, h: Array, sides: np.ndarray) -> Neurons:
        """The same neurons elsewhere."""
        other = copy(self)
        other.h, other.sides = h, sides
        return other

    def sweep(
        self, curve: Curve, moments: bool, into: tuple[Array, np.ndarray] | None = None, stops: Stops | None = None
    ) -> list[Swept]:
        """Follow all neurons until curve.stop: what is found at each of the stops, and last at the end.

        moments: of the kernel's change, else the whole of it; only without stops. into: (h, sides) of the same shapes,
        where the state at the end goes, which may be those of the start."""
        flow, distinct = self.flow, self.distinct
        # The rows of the points on which the neurons are followed, and what these are in all rows.
        rows, of = (slice(flow.n), slice(None)) if distinct is None else (distinct.first, distinct.of)
        n, curve = len(self.net.gram), curve if distinct is None else distinct.summed(curve)
        shares = np.zeros(0) if stops is None else np.minimum(stops.shares, curve.stop)
        places = len(shares) + 1
        weights = len(LEGENDRE) if moments else places

        def sweep_chunk(start: int, stop: int) -> tuple[np.ndarray, ...]:
            desk, log = self._room(places)
            log.sums[:weights], log.half[:weights] = 0.0, 0.0
            counts, (output, over, squares) = np.zeros(COUNTS, dtype=np.int64), np.zeros((3, places, n))
            for low in range(start, stop, BLOCK):
                high = min(low + BLOCK, stop)
                here = np.ascontiguousarray(self.h[rows, low:high].T, dtype=np.float64)
                sides = np.array(self.sides[rows, low:high].T, order="C")  # a copy, which the pass overwrites
                ends, drives, gain = np.empty(here.shape), np.empty(here.shape), self.gain[low:high]
                seen = new_seen(shares, high - low, n)
                follow_neurons(here, ends, drives, sides, gain, self.net, curve, desk, log, moments, seen, counts)
                found = [(seen.h[:, k], seen.drives[:, k], seen.sides[:, k]) for k in range(len(shares))]
                for k, (at, driven, on) in enumerate([*found, (ends, drives, sides)]):
                    if flow.arrays.real is not np.float64:  # what is stored is what counts
                        at = at.astype(flow.arrays.real).astype(np.float64)
                    outputs(at, on, self.signs[low:high], self.net.table, output[k], over[k], squares[k])
                    to = into
                    if stops is not None and k < len(shares):
                        to = stops.h[k], stops.sides[k]
                    if to is not None:
                        to[0][: flow.n, low:high], to[1][:, low:high] = at.T[of], on.T[of]
                        if flow.moved is not None:
                            moved = flow.moved[:, rows] @ (gain[:, None] * driven).T
                            to[0][flow.n :, low:high] = self.h[flow.n :, low:high] - moved
            return output, squares, sums_of(log, weights), counts

        parts = flow.map_chunks(sweep_chunk)
        stacked = [np.stack([part[k] for part in parts]) for k in range(4)]
        output, squares, changes, counts = reduction.total(*stacked)
        residual, squares = flow.alpha / flow.m * output[:, of] - flow.y, squares[:, of]
        changes = changes if distinct is None else distinct.spread_out(changes)
        changes = flow.speed / flow.m * (changes + changes.transpose(0, 2, 1))
        if moments:
            return [Swept(residual[0], squares[0] / flow.m, np.tensordot(LEGENDRE, changes, 1), counts)]
        changes = np.cumsum(changes, axis=0)  # of the parts of the path
        return [Swept(residual[k], squares[k] / flow.m, changes[k : k + 1], counts) for k in range(places)]

    def _room(self, places: int) -> tuple[Desk, Log]:
        """What a thread works with, kept from pass to pass."""
        kept, n = self.flow.buffers.passes, len(self.net.gram)
        if kept is None or len(kept[1].sums) < places or kept[0].value.shape != (n,):
            kept = self.flow.buffers.passes = new_desk(n), new_log(n, self.net.most, places)
        return kept
