"""Looking for a run that contradicts a claim: Hypothesis draws flows, a local optimiser pushes the worst one further.

A clean search proves nothing; it says how many flows were tried and how little room the worst of them left.
"""

from __future__ import annotations

import contextlib
import math
import time as clock
from collections.abc import Sequence
from typing import Any

import hypothesis
from hypothesis import Phase, target
from hypothesis import strategies as st

from verify.claims.base import Claim
from verify.conjecture import FaultyConjecture
from verify.run import Run
from verify.search.push import push
from verify.search.record import Effort, Found, Options, confirm, flow
from verify.search.shrink import shrink

LARGEST_TARGET = 1e3  # rooms beyond are all the same to Hypothesis, which climbs towards less room


class Enough(Exception):
    """Raised inside Hypothesis, which then stops drawing."""


def search(
    claims: Sequence[Claim], strategy: st.SearchStrategy[Options | list[Options]], effort: Effort
) -> list[Found]:
    """Search for a refutation of each claim; one Found for each of them, in order.

    Every flow that Hypothesis draws from `strategy`, one or several at a time, is tried with all the claims. Then each
    claim is pushed from the flow that left it least room. The search ends at the first refutation, which is shrunk, or
    when the clock reaches effort.stop_at. Raises FaultyConjecture if a conjecture cannot be evaluated.
    """
    found = [Found(claim) for claim in claims]
    faults: list[FaultyConjecture] = []
    draws_left = 2 * hypothesis.settings().max_examples  # half of them drawn at random, half climbing

    def enough() -> bool:
        return bool(faults) or draws_left <= 0 or any(entry.refuted or entry.cut_short for entry in found)

    def try_drawn(drawn: Options | list[Options]) -> None:
        nonlocal draws_left
        if not enough():
            try:
                least = min(least_room(options) for options in (drawn if isinstance(drawn, list) else [drawn]))
                if math.isfinite(least):
                    target(-max(min(least, LARGEST_TARGET), -LARGEST_TARGET))
            except FaultyConjecture as fault:
                faults.append(fault)
            draws_left -= 1
        # Drawing costs time too, so Hypothesis is stopped; it replays an example that raised and must see it raise
        # again, so every later call raises as well.
        if enough():
            raise Enough

    def least_room(options: Options) -> float:
        """The least room that the flow leaves to any of the claims; a confirmed refutation is recorded."""
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
                entry.refuted = True
                entry.room = room
                entry.run = confirmed
                entry.options = options
                break
        return min(rooms)

    # Hypothesis would shrink number by number, each at the price of two runs; `shrink` halves the network instead.
    without_shrinking = hypothesis.settings(phases=(Phase.generate, Phase.target), report_multiple_bugs=False)
    drawing = hypothesis.seed(effort.seed)(hypothesis.given(strategy)(try_drawn))
    with contextlib.suppress(Enough):
        without_shrinking(drawing)()
    if faults:
        raise faults[0]
    recent: dict[tuple[Any, ...], Run] = {}
    for entry in found:
        if not any(other.refuted for other in found):
            push(entry, effort, recent)
        if entry.refuted:
            shrink(entry, effort)
    return found
