"""What a search of one claim has come to, and when a run of it refutes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bounds import LinrateError
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.conjecture import FaultyConjecture
from verify.run import Run
from verify.runs.confirm import decide
from verify.runs.regimes import RTOL, plain_run
from verify.runs.trials import repeated_trials
from verify.verdict import Verdict, combine

Options = dict[str, Any]  # of one flow, as plain_run takes them
MOST_STEPS = 150  # of a flow of the search
MOST_FRESH_NETWORKS = 40  # drawn to confirm one suspected refutation of a claim about draws


@dataclass(frozen=True)
class Effort:
    """How hard a search tries.

    seed: of the whole search; pushes: runs of the local optimiser for each claim; stop_at: when it ends, on the clock
    (time.monotonic); alpha: the error probability of its refutations of claims that may fail with probability delta.
    """

    seed: int = 0
    pushes: int = 40
    stop_at: float = math.inf
    alpha: float = 1e-3


@dataclass
class Found:
    """What a search of one claim came to.

    tried, undecided: flows to which the claim applied, and those of them that decided nothing.
    room, run, options: the least room of any flow, and that flow; once `refuted`, the flow that refutes.
    tightest, tightest_run: the comparison with the least slack among those that decide, and its run.
    cut_short: whether the time budget ended the search. suspects: how many flows were tried with fresh networks.
    """

    claim: Claim
    tried: int = 0
    undecided: int = 0
    room: float = math.inf
    run: Run | None = None
    options: Options = field(default_factory=dict)
    tightest: Comparison | None = None
    tightest_run: Run | None = None
    refuted: bool = False
    cut_short: bool = False
    suspects: int = 0

    def look(self, options: Options, run: Run) -> float:
        """Count the run, remember it if it leaves the least room so far, and return its room.

        The room is infinite if the claim does not apply to the run, or says nothing at its width and scale.
        """
        found = [comparison for comparison in comparisons(self.claim, run) if not comparison.vacuous]
        if not found:
            return math.inf
        self.tried += 1
        self.undecided += combine(comparison.verdict for comparison in found) is Verdict.UNDECIDED
        for comparison in found:
            # The first comparison stands until one decides; after that only those that decide count.
            nothing_decided = self.tightest is None or self.tightest.verdict is Verdict.UNDECIDED
            decides = comparison.verdict is not Verdict.UNDECIDED
            if nothing_decided or (decides and self.tightest is not None and comparison.slack < self.tightest.slack):
                self.tightest = comparison
                self.tightest_run = run
        room = min(room_of(comparison) for comparison in found)
        if room < self.room:
            self.room = room
            self.run = run
            self.options = options
        return room


def flow(options: Options, rtol: float | None = None) -> Run:
    """The run of these options, at their own tolerance (None) or at another."""
    tolerance: Options = {} if rtol is None else {"rtol": rtol}
    return plain_run(**{"loss_ratio": 0.0, "max_steps": MOST_STEPS, **options, **tolerance})


def comparisons(claim: Claim, run: Run) -> list[Comparison]:
    """The comparisons of the claim with the run; none if the claim does not apply to it."""
    try:
        return claim.comparisons(run)
    except NotApplicable:
        return []


def room_of(comparison: Comparison) -> float:
    """How far the run is from refuting, relative to the sizes compared: (margin + error)/size at its least.

    The margin of a conjecture, which is compared with zero, is not divided: by its own size only its sign would remain.
    """
    sizes = np.maximum(np.abs(comparison.theory), np.abs(comparison.measured))
    compared_with_zero = not np.any(comparison.measured)
    size = np.ones(1) if compared_with_zero else sizes
    with np.errstate(all="ignore"):
        room = (comparison.margin + comparison.error) / np.where(size > 0, size, 1.0)
    return float(np.min(room, where=~np.isnan(room), initial=np.inf))


def refutes(claim: Claim, options: Options, *, by_another: bool = True) -> Run | None:
    """The run of these options if it refutes the claim and is confirmed, else None. by_another: see `decide`."""
    try:
        rtol = options.get("rtol", RTOL)
        verdict, run = decide(claim, lambda wanted: flow(options, wanted), rtol, by_another=by_another)
    except FaultyConjecture:
        raise
    except (NotApplicable, LinrateError):
        return None
    return run if verdict is Verdict.REFUTED else None


def confirm(entry: Found, options: Options, effort: Effort) -> Run | None:
    """A run that refutes the claim of `entry` beyond doubt, found from a flow that seems to; None if there is none.

    A claim that may fail with probability delta is not refuted by one network. So fresh networks are drawn, one after
    the other, until their failure rate is decided; the k-th such test may err with the share 1/(k (k + 1)) of
    effort.alpha, and these shares add up to 1.
    """
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
            trials=MOST_FRESH_NETWORKS,
            rtol=options.get("rtol", RTOL),
            first_seed=options["seed"] + 1,
            stop_at=effort.stop_at,
        )
    except (NotApplicable, LinrateError):
        return None
    return found.tightest_run if found.verdict is Verdict.REFUTED else None
