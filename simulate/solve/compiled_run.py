"""The arrays of small smooth runs that are followed by compiled code, and those of one of them. Arrays that belong
together go from function to function in one named tuple."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from simulate.field.elementwise import INNER_EXACT


class Networks(NamedTuple):
    """What stays as it is during a call, in the notation of Flow and Model.

    loops: the addresses; kind, sigma: of the activation, see sigmas.loop_of; panels, columns: see kernels.evaluate; h0
    (S, rows, m): where the runs began; scales (n,): the spread of h_a; left, right: the ends of the interval of
    active_fraction.
    """

    loops: Any
    kind: Any
    sigma: Any
    chunks: Any
    panels: Any
    columns: Any
    gain: Any
    signs: Any
    nothing: Any
    speed_gram: Any
    y: Any
    alpha: Any
    beta: Any
    scale: Any
    speed: Any
    m: Any
    h0: Any
    scales: Any
    left: Any
    right: Any


class Integration(NamedTuple):
    """The arrays of one integration, in the notation of State, Previous (past...) and Followed, with a leading axis S;
    each function below takes those of one run."""

    h: Any
    slopes: Any
    past: Any
    past_kernel: Any
    past_length: Any
    residual: Any
    gram: Any
    kernel: Any
    rates: Any
    basis: Any
    path: Any


class Proposed(NamedTuple):
    """A step of one run that is proposed: slopes at its two stages (1, n, m), the weights of the displacement
    (3, 1, n), r at the end as it is expected (1, n), the three lengths of along_path (3, 1), and the estimated errors
    (1, n) in r and in the root mean square of h_a."""

    first: Any
    second: Any
    weights: Any
    end: Any
    lengths: Any
    in_residual: Any
    in_movement: Any


@njit(**INNER_EXACT)
def networks_of_run(given: Networks, s: int) -> Networks:
    """What is given, of run s alone."""
    one = slice(s, s + 1)
    return Networks(
        given.loops,
        given.kind,
        given.sigma,
        given.chunks,
        given.panels,
        given.columns,
        given.gain[one],
        given.signs[one],
        given.nothing,
        given.speed_gram,
        given.y,
        given.alpha,
        given.beta,
        given.scale,
        given.speed,
        given.m,
        given.h0[one],
        given.scales,
        given.left,
        given.right,
    )


@njit(**INNER_EXACT)
def integration_of_run(state: Integration, s: int) -> Integration:
    """The arrays of run s alone."""
    one = slice(s, s + 1)
    return Integration(
        state.h[one],
        state.slopes[one],
        state.past[one],
        state.past_kernel[one],
        state.past_length[one],
        state.residual[one],
        state.gram[one],
        state.kernel[one],
        state.rates[one],
        state.basis[one],
        state.path[one],
    )


@njit(**INNER_EXACT)
def like_run(state: Integration) -> Integration:
    """Arrays like those of one run, to be overwritten."""
    return Integration(
        np.empty_like(state.h[:1]),
        np.empty_like(state.slopes[:1]),
        np.empty_like(state.past[:1]),
        np.empty_like(state.past_kernel[:1]),
        np.empty_like(state.past_length[:1]),
        np.empty_like(state.residual[:1]),
        np.empty_like(state.gram[:1]),
        np.empty_like(state.kernel[:1]),
        np.empty_like(state.rates[:1]),
        np.empty_like(state.basis[:1]),
        np.empty_like(state.path[:1]),
    )


@njit(**INNER_EXACT)
def _overwrite(array: Any, by: Any) -> None:
    into, source = array.reshape(-1), by.reshape(-1)
    for k in range(len(into)):
        into[k] = source[k]


@njit(**INNER_EXACT)
def overwrite_run(state: Integration, by: Integration) -> None:
    """Overwrite the arrays of one run by others."""
    _overwrite(state.h, by.h)
    _overwrite(state.slopes, by.slopes)
    _overwrite(state.past, by.past)
    _overwrite(state.past_kernel, by.past_kernel)
    _overwrite(state.past_length, by.past_length)
    _overwrite(state.residual, by.residual)
    _overwrite(state.gram, by.gram)
    _overwrite(state.kernel, by.kernel)
    _overwrite(state.rates, by.rates)
    _overwrite(state.basis, by.basis)
    _overwrite(state.path, by.path)


@njit(**INNER_EXACT)
def empty_step(n: int, slopes: Any) -> Proposed:
    """Where a step is written. slopes (S, n, m): an array like those of its stages."""
    shape = (1, n, slopes.shape[2])
    first, second = np.empty(shape, dtype=slopes.dtype), np.empty(shape, dtype=slopes.dtype)
    weights, end, lengths = np.empty((3, 1, n)), np.empty((1, n)), np.empty((3, 1))
    return Proposed(first, second, weights, end, lengths, np.empty((1, n)), np.empty((1, n)))


@njit(**INNER_EXACT)
def new_queue() -> Any:
    """The work queue of one chunk and one thread."""
    queue = np.zeros((1, 8), dtype=np.int64)
    queue[0, 1] = 1
    return queue
