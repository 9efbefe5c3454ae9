"""Looking for a run that contradicts a claim: Hypothesis draws, a local optimiser pushes the worst draw further.

A clean search proves nothing; it says how many flows were tried and how little room the worst of them left.
"""

from __future__ import annotations

import contextlib
import math
import time as clock
from collections.abc import Sequence
from typing import Any

import hypothesis
import numpy as np
from hypothesis import Phase, target
from hypothesis import strategies as st

from bounds import LinrateError, Problem
from simulate import Network
from verify.claims.base import Claim
from verify.conjecture import FaultyConjecture
from verify.run import Run
from verify.search.record import Effort, Found, Options, confirm, flow
from verify.search.shrink import shrink

RECENT = 256  # pushed flows that are kept


class Enough(Exception):
    """Raised inside Hypothesis, which then stops drawing."""


def search(
    claims: Sequence[Claim], strategy: st.SearchStrategy[Options | list[Options]], effort: Effort
) -> list[Found]:
    """Every claim on each flow that Hypothesis draws, one or several at a time, then pushed from its own worst one.
    Ends at the first refutation, which is shrunk."""
    found = [Found(claim) for claim in claims]
    faults: list[FaultyConjecture] = []
    left = 2 * hypothesis.settings().max_examples  # half of them climbing towards less room

    def enough() -> bool:
        return bool(faults) or left <= 0 or any(entry.refuted or entry.cut_short for entry in found)

    def one(drawn: Options | list[Options]) -> None:
        nonlocal left
        if not enough():
            try:
                least = min(look(options) for options in (drawn if isinstance(drawn, list) else [drawn]))
                if math.isfinite(least):
                    target(-max(min(least, 1e3), -1e3))
            except FaultyConjecture as fault:
                faults.append(fault)
            left -= 1
        if enough():  # to draw costs time too; Hypothesis replays what raised, and must see it raise again
            raise Enough

    def look(options: Options) -> float:
        if enough():
            return math.inf
        if clock.monotonic() > effort.stop_at:
            for entry in found:
                entry.cut_short = True
            return math.inf
        run = flow(options)
        rooms = [entry.look(options, run) for entry in found]
        for entry, room in zip(found, rooms, strict=True):
            if room < 0 and (confirmed := confirm(entry, options, effort)) is not None:
                entry.refuted, entry.room, entry.run, entry.options = True, room, confirmed, options
                break
        return min(rooms)

    # Hypothesis would shrink number by number, each at the price of two runs; `shrink` halves the network instead.
    cheap = hypothesis.settings(phases=(Phase.generate, Phase.target), report_multiple_bugs=False)
    with contextlib.suppress(Enough):
        cheap(hypothesis.seed(effort.seed)(hypothesis.given(strategy)(one)))()
    if faults:
        raise faults[0]
    made: dict[tuple[Any, ...], Run] = {}
    for entry in found:
        if not any(other.refuted for other in found):
            push(entry, effort, made)
        if entry.refuted:
            shrink(entry, effort)
    return found


def push(entry: Found, effort: Effort, made: dict[tuple[Any, ...], Run]) -> None:
    """A (1+1) evolution strategy from the worst flow: state, geometry, targets, scale and length move together.

    The step grows after an improvement and shrinks otherwise, about one in five being kept. made: flows run before;
    claims with the same worst flow begin with the same moves.
    """
    if entry.run is None or not math.isfinite(entry.room):
        return
    rng = np.random.default_rng([effort.seed, 1])
    size = 0.1
    for _ in range(effort.pushes):
        if clock.monotonic() > effort.stop_at:
            entry.cut_short = True
            return
        before = entry.room
        try:
            options = _moved(entry.options, size, rng)
            room = entry.look(options, _once(options, made))
        except FaultyConjecture:
            raise
        except LinrateError:  # the move left the domain: not a step that counts
            room = math.inf
        size = min(size * 1.5, 1.0) if room < before else size * 0.9
        if room < 0 and room < before and (confirmed := confirm(entry, options, effort)) is not None:
            entry.refuted, entry.run = True, confirmed
            return


def _once(options: Options, made: dict[tuple[Any, ...], Run]) -> Run:
    """The run of these options, taken from those made before where it is among them."""
    problem, network = options["problem"], options.get("network")
    arrays = (problem.gram, problem.y) + ((network.H, network.signs) if network is not None else ())
    others = sorted(item for item in options.items() if item[0] not in ("problem", "network"))
    key = (problem.activation.name, *others, *(array.tobytes() for array in arrays))
    if key not in made:
        if len(made) == RECENT:
            del made[next(iter(made))]
        made[key] = flow(options)
    return made[key]


def _moved(options: Options, size: float, rng: np.random.Generator) -> Options:
    """The options with a random part of their numbers moved by about `size` of themselves."""
    problem, network = options["problem"], options.get("network")
    moved = dict(options)
    if network is None and "seed" in options:  # a claim about draws: another draw, and half of the time no more
        moved["seed"] = int(rng.integers(2**31))
        if rng.random() < 0.5:
            return moved
    if network is not None and rng.random() < 0.8:
        spread = np.sqrt(np.maximum(np.diagonal(problem.gram), 1e-300))
        kick = size * rng.standard_normal(network.H.shape) * spread
        if rng.random() < 0.5:  # all neurons alike: the means move
            kick = np.broadcast_to(kick[:1], network.H.shape)
        moved["network"] = Network(network.H + kick, network.signs)
    if network is not None and rng.random() < 0.3:
        factor = math.exp(size * rng.standard_normal())
        moved["network"] = Network(moved["network"].H, factor * network.signs)
        moved["t_max"] = options["t_max"] / factor**2
    y, G = problem.y, problem.gram
    if rng.random() < 0.5:
        y = y + size * rng.standard_normal(problem.n) * max(float(np.max(np.abs(y))), 1e-3)
    if rng.random() < 0.3:
        mix = np.eye(problem.n) + 0.3 * size * rng.standard_normal(G.shape)
        G = mix @ G @ mix.T
    if y is not problem.y or G is not problem.gram:
        G = (G + G.T) / 2
        moved["problem"] = Problem.from_gram(G, y, activation=problem.activation, name=problem.name)
    if rng.random() < 0.3:
        moved["t_max"] = moved["t_max"] * math.exp(size * rng.standard_normal())
    return moved
