"""Verdicts on claims that hold with probability 1 - delta, from independent trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bounds.errors import require
from bounds.guarantee import check_probability
from verify.verdict import Verdict


@dataclass(frozen=True)
class FailureRate:
    """Clopper and Pearson's exact interval for the failure rate: each end errs with probability at most alpha/2.

    undecided trials count as failures for the upper end and as successes for the lower one.
    """

    trials: int
    failures: int
    undecided: int
    delta: float
    alpha: float
    lower: float
    upper: float

    @property
    def verdict(self) -> Verdict:
        """HOLDS if the failure rate is below delta, REFUTED if above, each wrong with probability <= alpha/2."""
        if self.upper <= self.delta:
            return Verdict.HOLDS
        return Verdict.REFUTED if self.lower > self.delta else Verdict.UNDECIDED


def failure_rate(
    trials: int, failures: int, *, undecided: int = 0, delta: float = 0.05, alpha: float = 1e-3
) -> FailureRate:
    """The interval and the verdict from `failures` (and `undecided`) among `trials` independent runs.

    Raises ArgumentError for alpha or delta outside (0, 1) or counts that do not fit.
    """
    check_probability(alpha, "alpha")
    check_probability(delta, "delta")
    require(trials >= 1, "trials", "at least 1", trials)
    require(
        min(failures, undecided) >= 0 and failures + undecided <= trials,
        "failures",
        "among the trials",
        (failures, undecided, trials),
    )
    from scipy.special import betaincinv

    bad = failures + undecided
    upper = 1.0 if bad == trials else float(betaincinv(bad + 1, trials - bad, 1 - alpha / 2))
    lower = 0.0 if failures == 0 else float(betaincinv(failures, trials - failures + 1, alpha / 2))
    return FailureRate(trials, failures, undecided, delta, alpha, lower, upper)


def trials_needed(delta: float, alpha: float) -> int:
    """The least number of trials after which no failure at all proves a rate below delta at level alpha/2."""
    return math.ceil(math.log(alpha / 2) / math.log1p(-delta))
