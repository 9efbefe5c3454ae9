"""Independent trials of a claim that may fail with probability delta, until its failure rate is decided.

They are counted in the order of their seeds, wherever they are done: in this process, in others, or on a cluster.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time as clock
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from bounds import Guarantee, LinrateError, Problem
from bounds.cells.engines import Executor, open_engine
from bounds.errors import EngineError
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


@dataclass(frozen=True)
class Trial:
    """One of them: its verdict, the comparison with the least slack, and the run unless it was made elsewhere."""

    verdict: Verdict
    nearest: Comparison
    run: Run | None


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
    executor: Executor = None,
    progress: Progress | None = None,
) -> Trials:
    """make(seed, rtol) for one seed after the other, until the failure rate is decided against delta at level alpha.

    At most `trials` of them (None: most_trials), and none begins after the clock (time.monotonic) has reached stop_at,
    except the first. A run about which the claim says nothing counts as undecided. progress: told of each. executor:
    where they are done, as in bounds.cells.open_engine; then `make` must be a function of a module, and so must what
    the claim calls.

    Raises NotApplicable if the claim says nothing about any of the runs, EngineError if what does the work has gone.
    """
    most = trials or most_trials(delta, alpha)
    failures = 0
    undecided = 0
    made = 0
    tightest: tuple[float, int, Trial] | None = None
    not_applicable: NotApplicable | None = None
    verdict = Verdict.UNDECIDED
    one = functools.partial(_trial, claim, make, rtol, executor is None)
    with contextlib.closing(_in_order(one, range(first_seed, first_seed + most), executor)) as trials_made:
        while made < most and verdict is Verdict.UNDECIDED and (made == 0 or clock.monotonic() < stop_at):
            if progress is not None and made:
                progress.step(f"{failures} failed")
            seed, trial = first_seed + made, next(trials_made)
            made += 1
            if isinstance(trial, NotApplicable):  # for example a loss below its numerical error: no evidence either way
                undecided += 1
                not_applicable = trial
                continue
            failures += trial.verdict is Verdict.REFUTED
            undecided += trial.verdict is Verdict.UNDECIDED
            if tightest is None or trial.nearest.slack < tightest[0]:
                tightest = (trial.nearest.slack, seed, trial)
            verdict = sequential_verdict(made, failures, undecided=undecided, delta=delta, alpha=alpha)
    if tightest is None:
        raise not_applicable or NotApplicable("no trial was made")
    _, seed, trial = tightest
    if trial.run is None:  # a run of many neurons does not travel: the one that is shown is made again
        again = _trial(claim, make, rtol, True, seed)
        assert isinstance(again, Trial)
        trial = again
    assert trial.run is not None
    return Trials(
        trials=made,
        failures=failures,
        undecided=undecided,
        delta=delta,
        alpha=alpha,
        interval=confidence_sequence(made, failures, undecided=undecided, alpha=alpha),
        seeds=(first_seed, first_seed + made - 1),
        verdict=verdict,
        tightest=trial.nearest,
        tightest_run=trial.run,
        cut_short=made < most and verdict is Verdict.UNDECIDED,
    )


def _trial(
    claim: Claim, make: Callable[[int, float], Run], rtol: float, keep: bool, seed: int
) -> Trial | NotApplicable:
    """The trial of one seed, or why the claim says nothing about it; keep: the run too."""
    try:
        verdict, run = decide(claim, functools.partial(make, seed), rtol)
        nearest = min(claim.comparisons(run), key=lambda comparison: comparison.slack)
    except NotApplicable as reason:
        return reason
    return Trial(verdict, nearest, run if keep else None)


def _in_order(
    one: Callable[[int], Trial | NotApplicable], seeds: Sequence[int], executor: Executor
) -> Generator[Trial | NotApplicable, None, None]:
    """one(seed) for each seed, in their order, however they are done; few more are begun than are asked for."""
    if executor is None:
        yield from map(one, seeds)
        return
    with open_engine(executor) as engine:
        early: dict[int, Any] = {}
        following = 0
        for index, outcome in engine(functools.partial(_told, one), seeds):
            if outcome.error:
                raise EngineError(f"the trial with seed {seeds[index]} ended without a result: {outcome.error}")
            early[index] = outcome.value
            while following in early:
                trial = early.pop(following)
                if isinstance(trial, LinrateError):
                    raise trial
                yield trial
                following += 1


def _told(one: Callable[[int], Trial | NotApplicable], seed: int) -> Trial | NotApplicable | LinrateError:
    """In another process: an error that is the user's to mend travels as what it is."""
    try:
        return one(seed)
    except LinrateError as error:
        return error


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
    executor: Executor = None,
    progress: Progress | None = None,
    **options: Any,
) -> Trials:
    """Repeated trials at the width and scale of the guarantee g, against its delta; options as in regime_run."""
    return repeated_trials(
        claim,
        functools.partial(_regime_run, problem, g, options),
        delta=g.delta,
        alpha=alpha,
        trials=trials,
        rtol=rtol,
        first_seed=first_seed,
        stop_at=stop_at,
        executor=executor,
        progress=progress,
    )


def _regime_run(problem: Problem, g: Guarantee, options: dict[str, Any], seed: int, rtol: float) -> Run:
    return regime_run(problem, g, seed=seed, rtol=rtol, **options)
