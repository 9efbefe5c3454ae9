"""Independent trials of a claim that may fail with probability delta, until its failure rate is decided."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bounds import Guarantee, Problem
from bounds.progress import Progress
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.report_rows import Row, row_of
from verify.run import Run
from verify.runs.confirm import decide
from verify.runs.regimes import RTOL, regime_run
from verify.statistics import confidence_sequence, most_trials, sequential_verdict
from verify.verdict import Verdict


@dataclass(frozen=True)
class Trials:
    """The outcome of independent trials of a probabilistic claim.

    trials, failures, undecided: how many runs were made, refuted the claim, and decided nothing.
    delta: the failure probability that the claim allows; alpha: the error probability of `verdict`.
    interval: (low, high) of the failure rate, valid at level 1 - alpha whenever the trials were stopped.
    seeds: of the first and the last run. cut_short: whether the time budget ended the trials.
    tightest, tightest_run: the comparison with the least slack over all trials, and its run.
    """

    trials: int
    failures: int
    undecided: int
    delta: float
    alpha: float
    interval: tuple[float, float]
    seeds: tuple[int, int]
    verdict: Verdict
    tightest: Comparison
    tightest_run: Run
    cut_short: bool = False

    def row(self, claim: Claim) -> Row:
        """The row of the report: the tightest comparison, with the verdict of all trials."""
        return {
            **row_of(claim, self.tightest, self.tightest_run),
            "seed": f"{self.seeds[0]}..{self.seeds[1]}",
            "delta": self.delta,
            "trials": self.trials,
            "failures": self.failures,
            "undecided": self.undecided,
            "alpha": self.alpha,
            "failure_rate_low": self.interval[0],
            "failure_rate_high": self.interval[1],
            "verdict": claim.swept([self.verdict]).value,
        }


def repeated_trials(
    claim: Claim,
    make: Callable[[int, float], Run],
    *,
    delta: float,
    alpha: float,
    trials: int | None = None,
    rtol: float = RTOL,
    first_seed: int = 0,
    stop_at: float = math.inf,
    progress: Progress | None = None,
) -> Trials:
    """make(seed, rtol) for one seed after the other, until the failure rate is decided against delta at level alpha.

    At most `trials` of them (None: most_trials), and none begins after the clock (time.monotonic) has reached stop_at,
    except the first. A run about which the claim says nothing counts as undecided. progress: told of each. Raises
    NotApplicable if the claim says nothing about any of the runs.
    """
    most = trials or most_trials(delta, alpha)
    failures = 0
    undecided = 0
    made = 0
    tightest: tuple[float, Comparison, Run] | None = None
    not_applicable: NotApplicable | None = None
    verdict = Verdict.UNDECIDED
    while made < most and verdict is Verdict.UNDECIDED and (made == 0 or clock.monotonic() < stop_at):
        if progress is not None and made:
            progress.step(f"{failures} failed")
        seed = first_seed + made
        made += 1
        try:
            of_this_run, run = decide(claim, lambda rtol, seed=seed: make(seed, rtol), rtol)  # type: ignore[misc]
            comparisons = claim.comparisons(run)
        except NotApplicable as reason:  # for example a loss below its numerical error: no evidence either way
            undecided += 1
            not_applicable = reason
            continue
        failures += of_this_run is Verdict.REFUTED
        undecided += of_this_run is Verdict.UNDECIDED
        for comparison in comparisons:
            slack = comparison.slack
            if tightest is None or slack < tightest[0]:
                tightest = (slack, comparison, run)
        verdict = sequential_verdict(made, failures, undecided=undecided, delta=delta, alpha=alpha)
    if tightest is None:
        raise not_applicable or NotApplicable("no trial was made")
    _, comparison, run = tightest
    return Trials(
        trials=made,
        failures=failures,
        undecided=undecided,
        delta=delta,
        alpha=alpha,
        interval=confidence_sequence(made, failures, undecided=undecided, alpha=alpha),
        seeds=(first_seed, first_seed + made - 1),
        verdict=verdict,
        tightest=comparison,
        tightest_run=run,
        cut_short=made < most and verdict is Verdict.UNDECIDED,
    )


def probabilistic_trials(
    claim: Claim,
    problem: Problem,
    g: Guarantee,
    *,
    alpha: float,
    trials: int | None = None,
    rtol: float = RTOL,
    first_seed: int = 0,
    stop_at: float = math.inf,
    progress: Progress | None = None,
    **options: Any,
) -> Trials:
    """Repeated trials at the width and scale of the guarantee g, against its delta; options as in regime_run."""

    def make(seed: int, rtol: float) -> Run:
        return regime_run(problem, g, seed=seed, rtol=rtol, **options)

    chosen: dict[str, Any] = {"alpha": alpha, "trials": trials, "rtol": rtol, "first_seed": first_seed}
    return repeated_trials(claim, make, delta=g.delta, stop_at=stop_at, progress=progress, **chosen)
