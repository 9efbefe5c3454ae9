"""The local optimiser of the search: from the flow with the least room it moves towards flows with less."""

from __future__ import annotations

import math
import time as clock
from typing import Any

import numpy as np

from bounds import LinrateError, Problem
from simulate import Network
from verify.conjecture import FaultyConjecture
from verify.run import Run
from verify.search.record import Effort, Found, Options, confirm, flow

RECENT = 256  # runs that are remembered
FIRST_STEP, LARGEST_STEP = 0.1, 1.0  # of the relative size of a move
GROW, SHRINK = 1.5, 0.9  # factors of the step after a move that leaves less room, and after one that does not


def push(entry: Found, effort: Effort, recent: dict[tuple[Any, ...], Run]) -> None:
    """A (1+1) evolution strategy from the flow of `entry` with the least room.

    Initial state, geometry, targets, scale and length of the flow are moved together. The factors of the step are in
    balance if about one move in five leaves less room. `entry` is updated, and holds a refutation if one was found.
    recent: runs by their options, filled here; claims with the same worst flow begin with the same moves.
    """
    if entry.run is None or not math.isfinite(entry.room):
        return
    rng = np.random.default_rng([effort.seed, 1])
    size = FIRST_STEP
    for _ in range(effort.pushes):
        if clock.monotonic() > effort.stop_at:
            entry.cut_short = True
            return
        before = entry.room
        try:
            options = _moved(entry.options, size, rng)
            room = entry.look(options, _run_of(options, recent))
        except FaultyConjecture:
            raise
        except LinrateError:  # the move left the domain, for example to a Gram matrix that is not positive
            room = math.inf
        size = min(size * GROW, LARGEST_STEP) if room < before else size * SHRINK
        if room < 0 and room < before and (confirmed := confirm(entry, options, effort)) is not None:
            entry.refuted = True
            entry.run = confirmed
            return


def _run_of(options: Options, recent: dict[tuple[Any, ...], Run]) -> Run:
    """The run of these options, from `recent` if it is there; the oldest of RECENT runs makes room for a new one."""
    problem = options["problem"]
    network = options.get("network")
    arrays = [problem.gram, problem.y]
    if network is not None:
        arrays += [network.H, network.signs]
    others = sorted(item for item in options.items() if item[0] not in ("problem", "network"))
    key = (problem.activation.name, *others, *(array.tobytes() for array in arrays))
    if key not in recent:
        if len(recent) == RECENT:
            del recent[next(iter(recent))]
        recent[key] = flow(options)
    return recent[key]


def _moved(options: Options, size: float, rng: np.random.Generator) -> Options:
    """The options with a random part of their numbers moved by about `size` of themselves."""
    problem = options["problem"]
    network = options.get("network")
    moved = dict(options)
    # A claim about draws: another draw, and half of the time nothing else.
    if network is None and "seed" in options:
        moved["seed"] = int(rng.integers(2**31))
        if rng.random() < 0.5:
            return moved
    # The initial pre-activations, in units of their standard deviation sqrt(G_aa) under the draw.
    if network is not None and rng.random() < 0.8:
        spread = np.sqrt(np.maximum(np.diagonal(problem.gram), 1e-300))
        kick = size * rng.standard_normal(network.H.shape) * spread
        if rng.random() < 0.5:  # all neurons alike, so that their mean moves
            kick = np.broadcast_to(kick[:1], network.H.shape)
        moved["network"] = Network(network.H + kick, network.signs)
    # The scale; the time of a flow is proportional to 1/scale^2.
    if network is not None and rng.random() < 0.3:
        factor = math.exp(size * rng.standard_normal())
        moved["network"] = Network(moved["network"].H, factor * network.signs)
        moved["t_max"] = options["t_max"] / factor**2
    # The targets and the Gram matrix.
    y = problem.y
    G = problem.gram
    if rng.random() < 0.5:
        y = y + size * rng.standard_normal(problem.n) * max(float(np.max(np.abs(y))), 1e-3)
    if rng.random() < 0.3:
        mix = np.eye(problem.n) + 0.3 * size * rng.standard_normal(G.shape)
        G = mix @ G @ mix.T
    if y is not problem.y or G is not problem.gram:
        G = (G + G.T) / 2
        moved["problem"] = Problem.from_gram(G, y, activation=problem.activation, name=problem.name)
    # The length of the flow.
    if rng.random() < 0.3:
        moved["t_max"] = moved["t_max"] * math.exp(size * rng.standard_normal())
    return moved
