"""The gap report of one data set: what the theorems ask for, what simulated networks do, and the verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bounds import AssumptionError, Guarantee, Problem
from bounds.checks import check_probability, check_scale, check_seed, check_time, check_width, instance, integer
from bounds.progress import Progress
from verify.claims import CLAIMS, Claim, NotApplicable
from verify.promised_rows import promise_rows
from verify.report_rows import Row, row_of
from verify.run import Run
from verify.runs.confirm import decide_run
from verify.runs.regimes import horizon, paper_guarantee, plain_run, regime_run, simulable_guarantee
from verify.runs.trials import probabilistic_trials
from verify.statistics import trials_needed

LOSS_RATIO = 1e-8  # of the initial loss: where the runs end


@dataclass(frozen=True)
class GapOptions:
    """Options of `gap_rows`.

    delta: failure probability of the guarantees. width, scale, seed, t_max: m, c hat, seed and final time of the run at
    the user's own choice. trials, alpha: number of networks and error budget of the verdict on Theorem 1; trials None
    means as many as alpha needs.
    """

    delta: float = 0.05
    width: int = 1024
    scale: float = 1.0
    seed: int = 0
    t_max: float = 100.0
    trials: int | None = None
    alpha: float = 0.05

    def __post_init__(self) -> None:
        """Check the options. Raises ArgumentError."""
        checked = {
            "delta": check_probability(self.delta),
            "alpha": check_probability(self.alpha, "alpha"),
            "scale": check_scale(self.scale),
            "width": check_width(self.width, "independent"),
            "t_max": check_time("t_max", self.t_max),
            "seed": check_seed(self.seed),
            "trials": None if self.trials is None else integer("trials", self.trials, 1),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def gap_rows(
    problem: Problem, options: GapOptions, *, starting: Callable[[str], None] = lambda stage: None
) -> Iterator[tuple[str, list[Row]]]:
    """The report in stages, each (what was done, its rows), so that an interruption loses no finished stage.

    1. The constants by every method. 2. A run inside the regime of the best method that can be simulated. 3. A run
    inside the regime of the paper's own method, in which Lemma 1 is not vacuous. 4. A run at the user's width and
    scale. 5. Enough independent networks for a verdict on the probability in Theorem 1.

    starting: called with what is done next, before it is done.

    Raises AssumptionError if lambda_min(G) > 0 is not certified, or if the embedding is random and was not drawn.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    instance("options", options, GapOptions)
    if problem.random:
        raise AssumptionError(
            "the gap report simulates one network, so a random embedding must be drawn. Found"
            f" {problem.embedding_name}. Give it a dimension: --embedding random-features:depth=1,dim=4096."
        )
    problem.require_positive_definite("repaired")
    starting("constants")
    yield "constants", promise_rows(problem, options.delta)
    best = simulable_guarantee(problem, options.delta)
    paper = paper_guarantee(problem, options.delta)
    for label, g in (("best method's regime", best), ("paper's method's regime", paper)):  # None: cannot be simulated
        if g is not None:
            stage = f"{label}: m={g.width}, scale={g.scale:.4g}"
            starting(stage)
            with Progress("steps") as progress:
                along = progress.along(t_max=horizon(problem, g), loss_ratio=LOSS_RATIO)
                run = regime_run(problem, g, seed=options.seed, loss_ratio=LOSS_RATIO, progress=along)
            yield stage, claim_rows(run)
    starting(f"m={options.width}, scale={options.scale:g}")
    with Progress("steps") as progress:
        drawn = {"width": options.width, "scale": options.scale, "seed": options.seed}
        along = progress.along(t_max=options.t_max, loss_ratio=LOSS_RATIO)
        plain = plain_run(problem, **drawn, t_max=options.t_max, progress=along)
    yield f"m={options.width}, scale={options.scale:g}", claim_rows(plain)
    paired = simulable_guarantee(problem, options.delta, inits=("antisymmetric",))
    if paired is not None:
        starting("Theorem 1 in repeated trials")
        yield "Theorem 1 in repeated trials", _trial_rows(problem, paired, options)


def claim_rows(run: Run) -> list[Row]:
    """The rows of every proved claim about every run."""
    rows: list[Row] = []
    for claim in CLAIMS.values():
        if claim.kind == "every run" and claim.proved:
            rows += _rows(claim, run)
    return rows


def _rows(claim: Claim, run: Run) -> list[Row]:
    """The rows of one claim; none if its hypotheses are not met by the run."""
    try:
        verdict, decided = decide_run(claim, run)
        return [row_of(claim, comparison, decided, verdict) for comparison in claim.comparisons(decided)]
    except NotApplicable:
        return []


def _trial_rows(problem: Problem, g: Guarantee, options: GapOptions) -> list[Row]:
    """The row of Theorem 1 on independent networks at the width and scale of `g`; none if it does not apply."""
    claim = CLAIMS["theorem-1"]
    try:
        # With no failure the verdict comes after as many networks as this.
        with Progress("networks", options.trials or trials_needed(g.delta, options.alpha)) as progress:
            trials: dict[str, Any] = {"alpha": options.alpha, "trials": options.trials, "progress": progress}
            return [probabilistic_trials(claim, problem, g, **trials).row(claim)]
    except NotApplicable:
        return []
