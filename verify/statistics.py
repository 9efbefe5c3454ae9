"""Verdicts on claims that hold with probability 1 - delta, from independent trials."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bounds.checks import check_probability, integer, numpy_defaults
from bounds.errors import require
from verify.verdict import Verdict


@dataclass(frozen=True)
class FailureRate:
    """Clopper and Pearson's exact interval for the failure rate: each end errs with probability at most alpha/2.

    trials, failures, undecided: counts of runs; delta: the failure rate that the claim allows; alpha: the level.
    lower, upper: the ends of the interval. Undecided trials count as failures for `upper`, as successes for `lower`.
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


MOST_TRIALS = 10**12  # beyond, the quantiles of the Beta distribution lose their digits


@numpy_defaults
def failure_rate(
    trials: int, failures: int, *, undecided: int = 0, delta: float = 0.05, alpha: float = 1e-3
) -> FailureRate:
    """The interval and the verdict from `failures` (and `undecided`) among `trials` independent runs.

    Raises ArgumentError for alpha or delta outside (0, 1) or counts that do not fit.
    """
    alpha, delta = check_probability(alpha, "alpha"), check_probability(delta)
    trials = integer("trials", trials, 1, MOST_TRIALS)
    failures, undecided = (integer(n, v, 0) for n, v in (("failures", failures), ("undecided", undecided)))
    require(
        failures + undecided <= trials,
        "failures",
        "among the trials",
        (failures, undecided, trials),
    )
    from scipy.special import betaincinv

    bad = failures + undecided
    upper = 1.0 if bad == trials else float(betaincinv(bad + 1, trials - bad, 1 - alpha / 2))
    lower = 0.0 if failures == 0 else float(betaincinv(failures, trials - failures + 1, alpha / 2))
    return FailureRate(trials, failures, undecided, delta, alpha, lower, upper)


PRIOR = (0.1, 1.0)  # of the Beta mixture: most of its weight on rare failures, which is what the theorems promise


def log_wealth(trials: np.ndarray | int, failures: np.ndarray | int, rate: float) -> np.ndarray:
    """log of the mixture martingale against the failure rate `rate`, after `failures` among `trials` runs.

    The martingale is the likelihood under a Beta(PRIOR) mixture divided by that under `rate`. Its mean is 1 if `rate`
    is true, so by Ville's inequality the probability that it ever reaches 1/alpha is at most alpha: the test may be
    looked at, and stopped, at any time.
    """
    from scipy.special import betaln

    a, b = PRIOR
    k, n = np.asarray(failures, dtype=float), np.asarray(trials, dtype=float)
    wealth: np.ndarray = betaln(a + k, b + n - k) - betaln(a, b) - k * math.log(rate) - (n - k) * math.log1p(-rate)
    return wealth


def sequential_verdict(trials: int, failures: int, *, undecided: int = 0, delta: float, alpha: float) -> Verdict:
    """The anytime-valid verdict on "the failure rate is at most delta".

    It is wrong with probability at most alpha, however the number of trials is chosen. Undecided trials count as
    failures for HOLDS and as successes for REFUTED.
    """
    need = -math.log(alpha)
    bad = failures + undecided
    if failures > delta * trials and log_wealth(trials, failures, delta) >= need:
        return Verdict.REFUTED
    if bad < delta * trials and log_wealth(trials, bad, delta) >= need:
        return Verdict.HOLDS
    return Verdict.UNDECIDED


def confidence_sequence(trials: int, failures: int, *, undecided: int = 0, alpha: float) -> tuple[float, float]:
    """(low, high) of the failure rates that the martingale does not exclude: level 1 - alpha, at all trials at once."""
    from scipy.optimize import brentq

    def end(k: int, low: float, high: float) -> float:
        return float(brentq(lambda p: float(log_wealth(trials, k, p)) + math.log(alpha), low, high, xtol=1e-12))

    bad, tiny = failures + undecided, 1e-12
    lower = 0.0 if failures == 0 else end(failures, tiny, failures / trials - tiny if failures < trials else 1 - tiny)
    excluded = bad < trials and log_wealth(trials, bad, 1 - tiny) > -math.log(alpha)
    upper = end(bad, max(bad / trials, tiny), 1 - tiny) if excluded else 1.0
    return lower, upper


@dataclass(frozen=True)
class Power:
    """Probabilities of each verdict of a sequential test, and its mean number of runs; each run fails with `rate`."""

    rate: float
    holds: float
    refuted: float
    undecided: float
    mean_trials: float


def power(rate: float, *, delta: float, alpha: float, trials: int) -> Power:
    """The Power of a test that stops at its verdict or after `trials` runs.

    Exact, by dynamic programming over (number of runs, number of failures).
    """
    alive = np.zeros(trials + 2)  # entry k: the probability of k failures so far and no verdict yet
    alive[0] = 1.0
    ended = {Verdict.HOLDS: 0.0, Verdict.REFUTED: 0.0}
    mean = 0.0
    for n in range(1, trials + 1):
        mean += float(alive.sum())
        alive[1:] = (1 - rate) * alive[1:] + rate * alive[:-1]
        alive[0] *= 1 - rate
        k = np.arange(n + 1)
        decided = log_wealth(n, k, delta) >= -math.log(alpha)
        for verdict, side in ((Verdict.HOLDS, k < delta * n), (Verdict.REFUTED, k > delta * n)):
            out = np.flatnonzero(decided & side)
            ended[verdict] += float(alive[out].sum())
            alive[out] = 0.0
    return Power(rate, ended[Verdict.HOLDS], ended[Verdict.REFUTED], float(alive.sum()), mean)


def trials_needed(delta: float, alpha: float) -> int:
    """The least number of trials after which no failure at all proves a rate below delta at level alpha."""
    n = 1
    while sequential_verdict(n, 0, delta=delta, alpha=alpha) is not Verdict.HOLDS:
        n += 1
    return n


PATIENCE = 3  # a test gives up after this multiple of the trials that suffice without a failure


def most_trials(delta: float, alpha: float) -> int:
    """The number of trials after which a sequential test gives up; a true claim may have some failures among them."""
    return PATIENCE * trials_needed(delta, alpha)
