"""Making the runs that claims are tested on."""

from __future__ import annotations

import math
import time as clock
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import simulate
from bounds import Guarantee, Problem, constants, guarantee
from bounds.methods.intervals import bounded_interval
from simulate.integrators import INTEGRATORS
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.report_rows import Row, row_of
from verify.run import Run
from verify.statistics import confidence_sequence, most_trials, sequential_verdict
from verify.verdict import Verdict
from verify.wide_layers import draw_layers

RTOL = 1e-4  # of the coarse run; what is reported is finer, and its error is measured
STATE_BUDGET = 2 * 10**7  # entries of the m x n state that a run may have
HORIZON = 20.0  # of a run, in units of 1/rate: the loss falls by exp(-20) if the rate is as promised
MOST_STEPS = 3000
TIGHTER, FINEST = 10.0, 1e-13
OTHERWISE_STEPS = 3000  # of the second integrator, whose steps at kinks are short


def lemma_interval(problem: Problem) -> tuple[float, float]:
    """The bounded I of Lemma 1, as the repaired method chooses it."""
    return bounded_interval(problem, constants.K)


def plain_run(problem: Problem, *, rtol: float = RTOL, **flow_options: Any) -> Run:
    """A gradient flow outside any promise; flow_options as in simulate.gradient_flow."""
    options: dict[str, Any] = {"interval": lemma_interval(problem), "max_steps": MOST_STEPS, **flow_options}
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


def simulable(g: Guarantee, problem: Problem) -> bool:
    """Whether a network of that width fits the budget."""
    return g.width * problem.n <= STATE_BUDGET


def horizon(problem: Problem, g: Guarantee) -> float:
    """Where a run at the width and scale of g is stopped at the latest: 20 over its rate, or, where that is 0, over the
    fastest rate that there is. Both are proportional to scale^2."""
    act, lmax = problem.activation, problem.spectrum.lmax[1]
    return HORIZON / (g.rate if g.rate > 0 else 2 * g.scale**2 * lmax * float(act.Ls) ** 2)


def regime_run(
    problem: Problem,
    g: Guarantee,
    *,
    seed: int,
    rtol: float = RTOL,
    loss_ratio: float = 1e-8,
    t_max: float | None = None,
    **options: Any,
) -> Run:
    """Gradient flow at the width and scale of the guarantee, for a theorem's own its regime; t_max: by default horizon.

    A random embedding is drawn too, at the dimension of the guarantee; the seed names both draws.
    """
    if problem.random:
        assert g.embedding_dim is not None
        problem = draw_layers(problem, g.embedding_dim, seed)
    trajectory = simulate.gradient_flow(
        problem,
        width=g.width,
        scale=g.scale,
        init=g.init,
        seed=seed,
        rtol=rtol,
        loss_ratio=loss_ratio,
        t_max=horizon(problem, g) if t_max is None else t_max,
        interval=lemma_interval(problem),
        max_steps=MOST_STEPS,
        **options,
    )
    return Run(trajectory, g)


def decide(claim: Claim, make_run: Callable[[float], Run], rtol: float = RTOL) -> tuple[Verdict, Run]:
    """The verdict on make_run(rtol). A refutation must survive a run at a tenfold tighter tolerance and, where that may
    be no second opinion, a run by another integrator."""
    run = make_run(rtol)
    if claim.verdict(run) is not Verdict.REFUTED:
        return claim.verdict(run), run
    finer = make_run(max(rtol / TIGHTER, FINEST))
    refuted = claim.verdict(finer) is Verdict.REFUTED
    if refuted and (not run.problem.activation.smooth or finer.stats.evaluations <= run.stats.evaluations):
        refuted = claim.verdict(otherwise(run, rtol)) is Verdict.REFUTED
    return Verdict.REFUTED if refuted else Verdict.UNDECIDED, finer


def decide_run(claim: Claim, run: Run) -> tuple[Verdict, Run]:
    """The same for a run that is there already: made again, from the same network, only where it seems to refute."""
    rtol = float(run.options.get("rtol", RTOL))
    return decide(claim, lambda wanted: run if wanted >= rtol else again(run, wanted), rtol)


def again(run: Run, rtol: float) -> Run:
    """The run once more at another tolerance. Descent, which is exact, is returned as it is."""
    if run.integrator == "descent":
        return run
    trajectory = simulate.gradient_flow(
        run.problem,
        network=run.network,
        scaling=run.scaling,
        dtype=run.dtype,
        interval=run.interval,
        max_steps=MOST_STEPS,
        **{**run.options, "rtol": rtol},
    )
    return Run(replace(trajectory, init=run.init, seed=run.seed), run.guarantee)


def otherwise(run: Run, rtol: float) -> Run:
    """The same network followed by another integrator up to where the run ended: at kinks, which cut the steps of any
    tolerance, a tighter run may repeat the first step by step. Descent, which is exact, is returned as it is."""
    if run.integrator == "descent":
        return run
    trajectory = simulate.gradient_flow(
        run.problem,
        network=run.network,
        integrator=next(name for name in INTEGRATORS if name != run.integrator),
        rtol=rtol,
        t_max=float(run.time[-1]),
        loss_ratio=0.0,
        loss=run.options["loss"],
        scaling=run.scaling,
        dtype=run.dtype,
        interval=run.interval,
        max_steps=OTHERWISE_STEPS,
    )
    return Run(replace(trajectory, init=run.init, seed=run.seed), run.guarantee)


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
    cut_short: bool = False

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

    At most `trials` of them (None: most_trials), and none begins after the clock (time.monotonic) says stop_at. A run
    that the claim does not apply to counts as undecided; NotApplicable where it applies to none.
    """
    most = trials or most_trials(delta, alpha)
    failures = undecided = done = 0
    nearest: tuple[float, Comparison, Run] | None = None
    silent: NotApplicable | None = None
    verdict = Verdict.UNDECIDED
    while done < most and verdict is Verdict.UNDECIDED and (done == 0 or clock.monotonic() < stop_at):
        seed = first_seed + done
        done += 1
        try:
            one, run = decide(claim, lambda rtol, seed=seed: make(seed, rtol), rtol)  # type: ignore[misc]
            told = claim.comparisons(run)
        except NotApplicable as reason:  # such as a loss below its numerical error: no evidence either way
            undecided, silent = undecided + 1, reason
            continue
        failures += one is Verdict.REFUTED
        undecided += one is Verdict.UNDECIDED
        for comparison in told:
            slack = comparison.slack
            if nearest is None or slack < nearest[0]:
                nearest = (slack, comparison, run)
        verdict = sequential_verdict(done, failures, undecided=undecided, delta=delta, alpha=alpha)
    if nearest is None:
        raise silent or NotApplicable("no trial was made")
    cut = done < most and verdict is Verdict.UNDECIDED
    interval = confidence_sequence(done, failures, undecided=undecided, alpha=alpha)
    seeds = (first_seed, first_seed + done - 1)
    return Trials(done, failures, undecided, delta, alpha, interval, seeds, verdict, nearest[1], nearest[2], cut)


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
