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
from verify.runs.regimes import RTOL, decide, plain_run, repeated_trials
from verify.verdict import Verdict, combine

Options = dict[str, Any]
MOST_STEPS = 150
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


def flow(options: Options, rtol: float | None = None) -> Run:
    """The run of drawn options, at their own tolerance or another."""
    tolerance: Options = {} if rtol is None else {"rtol": rtol}
    return plain_run(**{"loss_ratio": 0.0, "max_steps": MOST_STEPS, **options, **tolerance})


def comparisons(claim: Claim, run: Run) -> list[Comparison]:
    """What the claim says of the run; nothing where it does not apply."""
    try:
        return claim.comparisons(run)
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
