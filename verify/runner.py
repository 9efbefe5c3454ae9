"""Making the runs that claims are tested on."""

from __future__ import annotations

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
from verify.statistics import FailureRate, failure_rate
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
    """Independent trials of a probabilistic claim, with the comparison that came nearest to failing."""

    rate: FailureRate
    tightest: Comparison
    run: Run

    def row(self, claim: Claim) -> Row:
        """The row of the report: the tightest comparison, the verdict of all trials."""
        return {
            **row_of(claim, self.tightest, self.run),
            "seed": f"0..{self.rate.trials - 1}",
            "trials": self.rate.trials,
            "failures": self.rate.failures,
            "verdict": self.rate.verdict.value,
        }


def probabilistic_trials(
    claim: Claim, problem: Problem, g: Guarantee, trials: int, alpha: float, *, rtol: float = RTOL, **options: Any
) -> Trials:
    """Runs with seeds 0, ..., trials - 1 at the width and scale of g, and the exact interval of their failure rate.

    rtol and options as in regime_run.
    """
    outcomes: list[Verdict] = []
    nearest: tuple[float, Comparison, Run] | None = None
    for seed in range(trials):

        def make(rtol: float, seed: int = seed) -> Run:
            return regime_run(problem, g, seed=seed, rtol=rtol, **options)

        verdict, run = decide(claim, make, rtol)
        outcomes.append(verdict)
        for comparison in claim.compare(run):
            slack = float(comparison.margin[comparison.worst] - comparison.error[comparison.worst])
            if nearest is None or slack < nearest[0]:
                nearest = (slack, comparison, run)
    assert nearest is not None
    counts = failure_rate(
        trials,
        outcomes.count(Verdict.REFUTED),
        undecided=outcomes.count(Verdict.UNDECIDED),
        delta=g.delta,
        alpha=alpha,
    )
    return Trials(counts, nearest[1], nearest[2])
