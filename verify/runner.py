"""Making the runs that claims are tested on."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import simulate
from bounds import Guarantee, Problem, constants, guarantee
from bounds.methods.intervals import bounded_interval
from verify.claims.base import Claim, Comparison
from verify.layers import draw_layers
from verify.rows import Row, row_of
from verify.run import Run
from verify.statistics import confidence_sequence, most_trials, sequential_verdict
from verify.verdict import Verdict

RTOL = 1e-4  # of the coarse run; what is reported is finer, and its error is measured
STATE_BUDGET = 2 * 10**7  # entries of the m x n state that a run may have
TIGHTER = 10.0


def lemma_interval(problem: Problem) -> tuple[float, float]:
    """The bounded I of Lemma 1, as the repaired method chooses it."""
    return bounded_interval(problem, constants.K)


def plain_run(problem: Problem, *, rtol: float = RTOL, **flow_options: Any) -> Run:
    """A gradient flow outside any promise; flow_options as in simulate.gradient_flow."""
    options: dict[str, Any] = {"interval": lemma_interval(problem), "max_steps": 3000, **flow_options}
    return Run(simulate.gradient_flow(problem, rtol=rtol, **options))


def simulable_guarantee(
    problem: Problem,
    delta: float = 0.05,
    *,
    inits: Sequence[str] = ("independent", "antisymmetric"),
    state_budget: int = STATE_BUDGET,
) -> Guarantee | None:
    """The best guarantee whose width fits the budget, for the first of the initialisations that has one."""
    for init in inits:
        g = guarantee(problem, delta, init=init)
        if g.width * problem.n <= state_budget:
            return g
    return None


def paper_guarantee(problem: Problem, delta: float = 0.05, *, state_budget: int = STATE_BUDGET) -> Guarantee | None:
    """The guarantee of the paper's own method, repaired, for antisymmetric pairs: there Lemma 1 is not vacuous."""
    g = guarantee(problem, delta, method="repaired", init="antisymmetric")
    return g if g.width * problem.n <= state_budget else None


def regime_run(
    problem: Problem, g: Guarantee, *, seed: int, rtol: float = RTOL, loss_ratio: float = 1e-8, **options: Any
) -> Run:
    """Gradient flow inside the theorem's own regime: at the width and scale of the guarantee.

    A random embedding is drawn too, at the dimension of the guarantee; the seed names both draws.
    """
    if problem.random:
        assert g.embedding_dim is not None
        problem = draw_layers(problem, g.embedding_dim, seed)
    t_max = 20.0 / g.rate if g.rate > 0 else 1.0
    trajectory = simulate.gradient_flow(
        problem,
        width=g.width,
        scale=g.scale,
        init=g.init,
        seed=seed,
        rtol=rtol,
        loss_ratio=loss_ratio,
        t_max=t_max,
        interval=lemma_interval(problem),
        max_steps=3000,
        **options,
    )
    return Run(trajectory, g)


def decide(claim: Claim, make_run: Callable[[float], Run], rtol: float = RTOL) -> tuple[Verdict, Run]:
    """The verdict on make_run(rtol); a refutation must survive a run at a tenfold tighter tolerance."""
    run = make_run(rtol)
    verdict = claim.verdict(run)
    if verdict is Verdict.REFUTED:
        run = make_run(rtol / TIGHTER)
        again = claim.verdict(run)
        verdict = again if again is Verdict.REFUTED else Verdict.UNDECIDED
    return verdict, run


@dataclass(frozen=True)
class Trials:
    """Independent trials of a probabilistic claim, with the comparison that came nearest to failing.

    interval: of the failure rate, valid at level 1 - alpha whenever the trials were stopped; seeds: the first and last.
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
    run: Run

    def row(self, claim: Claim) -> Row:
        """The row of the report: the tightest comparison, the verdict of all trials."""
        return {
            **row_of(claim, self.tightest, self.run),
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
) -> Trials:
    """make(seed, rtol) for one seed after the other, until the failure rate is decided against delta at level alpha.

    At most `trials` of them (None: most_trials), and none begins after the clock (time.monotonic) says stop_at.
    """
    most = trials or most_trials(delta, alpha)
    failures = undecided = done = 0
    nearest: tuple[float, Comparison, Run] | None = None
    verdict = Verdict.UNDECIDED
    while done < most and verdict is Verdict.UNDECIDED and (done == 0 or clock.monotonic() < stop_at):
        seed = first_seed + done
        one, run = decide(claim, lambda rtol, seed=seed: make(seed, rtol), rtol)  # type: ignore[misc]
        done += 1
        failures += one is Verdict.REFUTED
        undecided += one is Verdict.UNDECIDED
        for comparison in claim.compare(run):
            slack = comparison.slack
            if nearest is None or slack < nearest[0]:
                nearest = (slack, comparison, run)
        verdict = sequential_verdict(done, failures, undecided=undecided, delta=delta, alpha=alpha)
    assert nearest is not None
    interval = confidence_sequence(done, failures, undecided=undecided, alpha=alpha)
    seeds = (first_seed, first_seed + done - 1)
    return Trials(done, failures, undecided, delta, alpha, interval, seeds, verdict, nearest[1], nearest[2])


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
    **options: Any,
) -> Trials:
    """Repeated trials at the width and scale of g; options as in regime_run."""

    def make(seed: int, rtol: float) -> Run:
        return regime_run(problem, g, seed=seed, rtol=rtol, **options)

    return repeated_trials(
        claim, make, delta=g.delta, alpha=alpha, trials=trials, rtol=rtol, first_seed=first_seed, stop_at=stop_at
    )
