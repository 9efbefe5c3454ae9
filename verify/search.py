"""Looking for a run that contradicts a claim: Hypothesis draws, a local optimiser pushes the worst draw further.

A clean search proves nothing; it says how many flows were tried and how little room the worst of them left.
"""

from __future__ import annotations

import contextlib
import math
import time as clock
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import numpy as np
from hypothesis import Phase, target
from hypothesis import strategies as st

from bounds import LinrateError, Problem
from simulate import Network
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.conjecture import FaultyConjecture
from verify.run import Run
from verify.runner import RTOL, decide, plain_run, repeated_trials
from verify.verdict import Verdict, combine

Options = dict[str, Any]
MOST_STEPS = 150
SHRINKS = 60
MOST_FRESH = 40  # networks after which a suspect draw is let go


@dataclass(frozen=True)
class Effort:
    """seed: of the whole search; pushes: runs of the local optimiser; stop_at: on the clock (time.monotonic); alpha:
    the error allowed to its refutations of claims that may fail with probability delta."""

    seed: int = 0
    pushes: int = 40
    stop_at: float = math.inf
    alpha: float = 1e-3


@dataclass
class Found:
    """What a search of one claim came to: the flows that it applied to, and the one that left least room."""

    claim: Claim
    tried: int = 0
    undecided: int = 0
    room: float = math.inf
    run: Run | None = None
    options: Options = field(default_factory=dict)
    told: Comparison | None = None
    told_by: Run | None = None
    refuted: bool = False
    cut_short: bool = False
    suspects: int = 0

    def look(self, options: Options, run: Run) -> float:
        """Count the run; its room (infinite where the claim does not apply), remembered if it is the least.

        told: the comparison with the least margin among those that the numerical error allows to decide.
        """
        found = [comparison for comparison in comparisons(self.claim, run) if not comparison.vacuous]
        if not found:
            return math.inf
        self.tried += 1
        self.undecided += combine(comparison.verdict for comparison in found) is Verdict.UNDECIDED
        for comparison in found:
            open_before = self.told is None or self.told.verdict is Verdict.UNDECIDED
            decided = comparison.verdict is not Verdict.UNDECIDED
            if open_before or (decided and self.told is not None and comparison.slack < self.told.slack):
                self.told, self.told_by = comparison, run
        room = min(room_of(comparison) for comparison in found)
        if room < self.room:
            self.room, self.run, self.options = room, run, options
        return room


class Refuted(AssertionError):
    """Raised inside Hypothesis, which then stops drawing."""


def flow(options: Options, rtol: float | None = None) -> Run:
    """The run of drawn options, at their own tolerance or another."""
    tolerance: Options = {} if rtol is None else {"rtol": rtol}
    return plain_run(**{"loss_ratio": 0.0, "max_steps": MOST_STEPS, **options, **tolerance})


def comparisons(claim: Claim, run: Run) -> list[Comparison]:
    """What the claim says of the run; nothing where it does not apply."""
    try:
        return claim.compare(run)
    except NotApplicable:
        return []


def room_of(comparison: Comparison) -> float:
    """How far the run is from refuting, relative to the sizes compared: (margin + error)/size at its least.

    A bare margin (of a conjecture, compared with zero) is taken as it is: by its own size only its sign would be left.
    """
    bare = not np.any(comparison.measured)
    size = np.ones(1) if bare else np.maximum(np.abs(comparison.theory), np.abs(comparison.measured))
    with np.errstate(all="ignore"):
        room = (comparison.margin + comparison.error) / np.where(size > 0, size, 1.0)
    return float(np.min(room, where=~np.isnan(room), initial=np.inf))


def refutes(claim: Claim, options: Options) -> Run | None:
    """The run, if it refutes the claim and does so again at a tenfold tighter tolerance."""
    try:
        verdict, run = decide(claim, lambda rtol: flow(options, rtol), options.get("rtol", RTOL))
    except FaultyConjecture:
        raise
    except (NotApplicable, LinrateError):
        return None
    return run if verdict is Verdict.REFUTED else None


def confirm(entry: Found, options: Options, effort: Effort) -> Run | None:
    """The run that refutes. A claim that may fail with probability delta is refuted by fresh networks, one after the
    other, until their failure rate is decided; the k-th suspect gets the share 1/(k (k + 1)) of alpha."""
    claim = entry.claim
    if claim.delta is None:
        return refutes(claim, options)
    if "seed" not in options:
        return None
    entry.suspects += 1

    def make(seed: int, rtol: float) -> Run:
        return flow({**options, "seed": seed}, rtol)

    try:
        found = repeated_trials(
            claim,
            make,
            delta=claim.delta,
            alpha=effort.alpha / (entry.suspects * (entry.suspects + 1)),
            trials=MOST_FRESH,
            rtol=options.get("rtol", RTOL),
            first_seed=options["seed"] + 1,
            stop_at=effort.stop_at,
        )
    except (NotApplicable, LinrateError):
        return None
    return found.run if found.verdict is Verdict.REFUTED else None


def search(
    claims: Sequence[Claim], strategy: st.SearchStrategy[Options | list[Options]], effort: Effort
) -> list[Found]:
    """Every claim on each flow that Hypothesis draws, one or several at a time, then pushed from its own worst one.
    Ends at the first refutation, which is shrunk."""
    found = [Found(claim) for claim in claims]
    faults: list[FaultyConjecture] = []
    left = 2 * hypothesis.settings().max_examples  # half of them climbing towards less room

    def one(drawn: Options | list[Options]) -> None:
        nonlocal left
        if any(entry.refuted for entry in found):  # Hypothesis replays what raised, and must see it raise again
            raise Refuted
        if faults or left <= 0:  # the rest of the draws is passed over
            return
        left -= 1
        try:
            least = min(look(options) for options in (drawn if isinstance(drawn, list) else [drawn]))
        except FaultyConjecture as fault:
            faults.append(fault)
            return
        if least < math.inf:
            target(-max(min(least, 1e3), -1e3))

    def look(options: Options) -> float:
        if clock.monotonic() > effort.stop_at:
            for entry in found:
                entry.cut_short = True
            return math.inf
        run = flow(options)
        rooms = [entry.look(options, run) for entry in found]
        for entry, room in zip(found, rooms, strict=True):
            if room < 0 and (confirmed := confirm(entry, options, effort)) is not None:
                entry.refuted, entry.room, entry.run, entry.options = True, room, confirmed, options
                raise Refuted(entry.claim.id)
        return min(rooms)

    # Hypothesis would shrink number by number, each at the price of two runs; `shrink` halves the network instead.
    cheap = hypothesis.settings(phases=(Phase.generate, Phase.target), report_multiple_bugs=False)
    with contextlib.suppress(Refuted):
        cheap(hypothesis.seed(effort.seed)(hypothesis.given(strategy)(one)))()
    if faults:
        raise faults[0]
    for entry in found:
        if not any(other.refuted for other in found):
            push(entry, effort)
        if entry.refuted:
            shrink(entry, effort)
    return found


def push(entry: Found, effort: Effort) -> None:
    """A (1+1) evolution strategy from the worst flow: state, geometry, targets, scale and length move together.

    The step grows after an improvement and shrinks otherwise, about one in five being kept.
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
            room = entry.look(options, flow(options))
        except FaultyConjecture:
            raise
        except LinrateError:  # the move left the domain: not a step that counts
            room = math.inf
        size = min(size * 1.5, 1.0) if room < before else size * 0.9
        if room < 0 and room < before and (confirmed := confirm(entry, options, effort)) is not None:
            entry.refuted, entry.run = True, confirmed
            return


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


def shrink(entry: Found, effort: Effort) -> None:
    """Drop neurons and data points from a refuting flow as long as it still refutes, in at most SHRINKS attempts."""
    options, left = entry.options, SHRINKS
    if options.get("network") is None or entry.run is None:
        return
    for axis in ("neurons", "points"):
        part = _count(options, axis) // 2
        while part >= 1:
            start = 0
            while start < _count(options, axis) and _count(options, axis) > part:
                if clock.monotonic() > effort.stop_at or left == 0:
                    return
                left -= 1
                smaller = _without(options, axis, start, part)
                confirmed = refutes(entry.claim, smaller)
                if confirmed is None:
                    start += part
                else:
                    options = entry.options = smaller
                    entry.run = confirmed
            part //= 2


def _count(options: Options, axis: str) -> int:
    shape: tuple[int, int] = options["network"].H.shape
    return shape[0] if axis == "neurons" else shape[1]


def _without(options: Options, axis: str, start: int, part: int) -> Options:
    """The options without the neurons (or data points) start, ..., start + part - 1."""
    network, problem = options["network"], options["problem"]
    keep = np.ones(_count(options, axis), dtype=bool)
    keep[start : start + part] = False
    if axis == "neurons":
        return {**options, "network": Network(network.H[keep], network.signs[keep])}
    fewer = Problem.from_gram(
        problem.gram[np.ix_(keep, keep)], problem.y[keep], activation=problem.activation, name=problem.name
    )
    return {**options, "problem": fewer, "network": Network(network.H[:, keep], network.signs)}
