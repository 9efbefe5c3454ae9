"""The verdict of a claim on a run: what seems to refute must do so again, more accurately and by another integrator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import simulate
from simulate.integrators import INTEGRATORS
from verify.claims.base import Claim
from verify.run import Run
from verify.runs.regimes import MOST_STEPS, RTOL
from verify.verdict import Verdict

TIGHTER = 10.0  # by what the tolerance of the second run is divided
FINEST = 1e-13  # the least tolerance that the step control can keep in float64
OTHERWISE_STEPS = 3000  # most steps of the second integrator, whose steps at kinks are short


def decide(
    claim: Claim, make_run: Callable[[float], Run], rtol: float = RTOL, *, by_another: bool = True
) -> tuple[Verdict, Run]:
    """The verdict of the claim on make_run(rtol), and the most accurate run that was made.

    A run that seems to refute is made again at a tolerance TIGHTER times smaller. If sigma has kinks, or the second run
    took no more evaluations than the first, the two may share their error, so the run is made a third time by another
    integrator. REFUTED is returned only if all of them refute, UNDECIDED if one of them does not. Raises NotApplicable
    if the claim says nothing about such a run.

    by_another: whether that third run is made. Without it REFUTED is only a suspicion where sigma has kinks.
    """
    run = make_run(rtol)
    verdict = claim.verdict(run)
    if verdict is not Verdict.REFUTED:
        return verdict, run
    finer = make_run(max(rtol / TIGHTER, FINEST))
    refuted = claim.verdict(finer) is Verdict.REFUTED
    independent = run.problem.activation.smooth and finer.stats.evaluations > run.stats.evaluations
    if refuted and by_another and not independent:
        refuted = claim.verdict(otherwise(run, rtol)) is Verdict.REFUTED
    return Verdict.REFUTED if refuted else Verdict.UNDECIDED, finer


def decide_run(claim: Claim, run: Run) -> tuple[Verdict, Run]:
    """`decide` for a run that was made before: it is made again, from the same network, only if it seems to refute."""
    rtol = float(run.options.get("rtol", RTOL))
    return decide(claim, lambda wanted: run if wanted >= rtol else again(run, wanted), rtol)


def again(run: Run, rtol: float) -> Run:
    """The run at another tolerance. Descent, which has no discretisation error, is returned as it is."""
    if run.integrator == "descent":
        return run
    return _flow_from(run, max_steps=MOST_STEPS, **{**run.options, "rtol": rtol})


def otherwise(run: Run, rtol: float) -> Run:
    """The flow from the same network by another integrator, up to the time at which the run ended.

    Kinks cut the steps of any tolerance, so there a tighter run may repeat the first one step by step. Descent, which
    has no discretisation error, is returned as it is.
    """
    if run.integrator == "descent":
        return run
    other = next(name for name in INTEGRATORS if name != run.integrator)
    return _flow_from(
        run,
        integrator=other,
        rtol=rtol,
        t_max=float(run.time[-1]),
        loss_ratio=0.0,
        loss=run.options["loss"],
        max_steps=OTHERWISE_STEPS,
    )


def _flow_from(run: Run, **options: Any) -> Run:
    """Gradient flow from the initial network of `run`, with its guarantee and the record of how it was drawn."""
    trajectory = simulate.gradient_flow(
        run.problem,
        network=run.network,
        scaling=run.scaling,
        dtype=run.dtype,
        interval=run.interval,
        **options,
    )
    return Run.of(replace(trajectory, init=run.init, seed=run.seed), run.guarantee)
