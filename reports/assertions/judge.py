"""An assertion of section 4 as a statement about independent pairs of runs, with an exact test.

A statement is true or false in each of N independent trials (a repetition, or a pair of runs on one data set). It HOLDS
if it is true significantly more often than in every second one, and is REFUTED if significantly less often, by the sign
test at LEVEL; otherwise it is UNDECIDED. Runs that failed are no trials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.assertions.trials import Trials
from reports.experiments.case import Result
from verify.verdict import Verdict

LEVEL = 0.05


@dataclass(frozen=True)
class Assertion:
    """id, where: its name, and the place in the paper; words: the statement; effect: what the number in the table is;
    trials(runs): one for each independent trial; runs: all of its experiment."""

    id: str
    where: str
    words: str
    effect: str
    experiment: str
    trials: Trials


@dataclass(frozen=True)
class Finding:
    """trials, true: how many, and in how many of them the statement is true; effect, spread: mean and standard
    deviation; p: of the exact sign test, in the direction of the verdict."""

    assertion: Assertion
    trials: int
    true: int
    effect: float
    spread: float
    p: float
    verdict: Verdict


def sign_test(true: int, trials: int) -> tuple[float, float]:
    """(probability of at least, of at most `true` successes in so many fair coins), exactly."""
    weights = [math.comb(trials, k) for k in range(trials + 1)]
    return sum(weights[true:]) / 2**trials, sum(weights[: true + 1]) / 2**trials


def judge_assertion(assertion: Assertion, runs: Sequence[Result]) -> Finding:
    """The finding about one assertion; UNDECIDED without trials."""
    found = [(true, effect) for true, effect in assertion.trials(runs) if math.isfinite(effect)]
    true, effects = sum(t for t, _ in found), [e for _, e in found]
    above, below = sign_test(true, len(found))
    verdict = Verdict.HOLDS if above <= LEVEL else Verdict.REFUTED if below <= LEVEL else Verdict.UNDECIDED
    mean = float(np.mean(effects)) if effects else math.nan
    spread = float(np.std(effects, ddof=1)) if len(effects) > 1 else math.nan
    return Finding(assertion, len(found), true, mean, spread, min(above, below), verdict)
