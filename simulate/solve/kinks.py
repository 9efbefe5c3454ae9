"""Neurons at the kinks of a piecewise linear activation: how many slide along one, and what the run may have missed."""

from __future__ import annotations

import math

import numpy as np

from simulate.field import reduction
from simulate.field.flow import Flow
from simulate.integrators.state import Sides, State
from simulate.solve.segment import Followed

PLACES = (0.0, 1.0)  # where the registered activations may have kinks
ELSEWHERE = 0.1  # of the spread of h: two integrations of a neuron that are farther apart went different ways
BESIDE = 1e-9  # how far from a kink the one-sided slopes are taken


class SlidingCounter:
    """Counts the neurons that slide along a kink of sigma: h_ia there, and the field on either side pointing at it.

    Gradient flow then means the inclusion with sigma' anywhere between its one-sided values, and h_ia stays.
    """

    def __init__(self, flow: Flow) -> None:
        slope = flow.activation.slope
        self.sides = [  # (kink, slope below, slope above)
            (kink, float(slope(kink - BESIDE)), float(slope(kink + BESIDE)))
            for kink in PLACES
            if slope(kink - BESIDE) != slope(kink + BESIDE)
        ]

    def count(self, flow: Flow, state: State, tau: np.ndarray) -> np.ndarray:
        """(R,): neurons that slide at one data point or more, within the distance of one step tau (R,)."""
        if state.sides is not None:  # they are known
            return _held(flow, state.sides)
        arrays, xp, model = flow.arrays, flow.arrays.xp, flow.model
        weights = arrays.put(state.residual[:, :, None])
        own = arrays.put((np.diagonal(flow.gram) * state.residual)[:, :, None])
        reach = arrays.put(tau[:, None, None])

        def count_in_chunk(start: int, stop: int) -> np.ndarray:
            h, gain = state.h[:, : flow.n, start:stop], flow.beta * flow.weights(state.h)[:, :, start:stop]
            value, slope = (arrays.empty(*h.shape) for _ in range(2))
            arrays.activate(flow.activation, h, value, slope)
            Gv = model.gram @ (slope * weights)
            slides = h != h  # nowhere, so far
            for kink, below, above in self.sides:
                # dh/dt if h were just below or just above the kink: only its own slope changes.
                left, right = (-gain * (Gv + own * (side - slope)) for side in (below, above))
                near = abs(h - kink) <= reach * xp.maximum(left, -right)
                slides = slides | (near & (left > 0) & (right < 0))
            return arrays.fetch(slides.any(1).sum(-1))

        count: np.ndarray
        (count,) = reduction.total(np.stack(flow.map_chunks(count_in_chunk)))
        return count


def _held(flow: Flow, sides: Sides) -> np.ndarray:
    """(R,): neurons with an entry that is held on a kink."""

    def count_in_chunk(start: int, stop: int) -> np.ndarray:
        return np.asarray((sides.sides[:, :, start:stop] & 1).any(1).sum(-1), dtype=np.float64)

    count: np.ndarray
    (count,) = reduction.total(np.stack(flow.map_chunks(count_in_chunk)))
    return count


def count_other_side(flow: Flow, fine: State, coarse: State) -> np.ndarray:
    """(R,): neurons that the two integrations have led to different places: by more than ELSEWHERE sqrt(G_aa) at some
    data point. Near a kink that repels them it takes little to decide on which side they go on."""
    arrays = flow.arrays
    reach = arrays.put(ELSEWHERE * np.sqrt(np.diagonal(flow.gram))[:, None])

    def count_in_chunk(start: int, stop: int) -> np.ndarray:
        gap = abs(fine.h[:, : flow.n, start:stop] - coarse.h[:, : flow.n, start:stop])
        return arrays.fetch((gap > reach).any(1).sum(-1))

    count: np.ndarray
    (count,) = reduction.total(np.stack(flow.map_chunks(count_in_chunk)))
    return count


def add_slips(flow: Flow, errors: dict[str, np.ndarray], fine: Followed) -> None:
    """Add to the errors what both integrations may have missed at kinks alike (see Followed.path): what slips in r
    enters the loss and the output, what slips in s moves neurons."""
    in_path, in_residual = fine.path[:, 2], np.linalg.norm(fine.path[:, 3:], axis=1)
    errors["loss"] += in_residual * (np.linalg.norm(fine.state.residual, axis=1) + in_residual / 2)
    errors["output"] += in_residual[:, None]
    errors["path_length"] += in_path
    spread = np.sqrt(np.diagonal(flow.gram))
    for name in ("movement", "movement_rms"):  # the key lemma bounds both
        errors[name] += spread * in_path[:, None]
    errors["movement_max"] += math.sqrt(flow.m) * spread * in_path[:, None]
