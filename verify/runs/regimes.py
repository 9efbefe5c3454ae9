"""Guarantees whose networks can be simulated, and runs inside and outside the regime in which a theorem speaks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import simulate
from bounds import Guarantee, Problem, constants, guarantee
from bounds.methods.intervals import bounded_interval
from verify.run import Run
from verify.wide_layers import draw_layers

RTOL = 1e-4  # relative tolerance of the coarse run; what is reported is finer, and its error is measured
STATE_BUDGET = 2 * 10**7  # most entries of the (m, n) state of a run
TRAINED_BUDGET = 10**6  # the same where the last layer is trained, whose field is not compiled
HORIZON = 20.0  # latest end of a run, in units of 1/rate: the loss falls by exp(-20) at the promised rate
MOST_STEPS = 3000  # of a gradient flow


def lemma_interval(problem: Problem) -> tuple[float, float]:
    """The bounded interval I of Lemma 1, as the repaired method chooses it."""
    return bounded_interval(problem, constants.K)


def simulable(g: Guarantee, problem: Problem, state_budget: int = STATE_BUDGET) -> bool:
    """Whether the state of a network of the guaranteed width has at most `state_budget` entries, and not more than
    TRAINED_BUDGET where the last layer is trained."""
    return g.width * problem.n <= (min(state_budget, TRAINED_BUDGET) if problem.last_layer else state_budget)


def simulable_guarantee(
    problem: Problem,
    delta: float = 0.05,
    *,
    inits: Sequence[str] = ("independent", "antisymmetric"),
    state_budget: int = STATE_BUDGET,
) -> Guarantee | None:
    """The best guarantee for the first initialisation at which its width is simulable; None if there is none."""
    for init in inits:
        g = guarantee(problem, delta, init=init)
        if simulable(g, problem, state_budget):
            return g
    return None


def paper_guarantee(problem: Problem, delta: float = 0.05, *, state_budget: int = STATE_BUDGET) -> Guarantee | None:
    """The guarantee of the paper's own method, repaired, for antisymmetric pairs; None if it is not simulable.

    At its width and scale Lemma 1 is not vacuous.
    """
    g = guarantee(problem, delta, method="repaired", init="antisymmetric")
    return g if simulable(g, problem, state_budget) else None


def horizon(problem: Problem, g: Guarantee) -> float:
    """The time at which a run at the width and scale of g is stopped at the latest: HORIZON over its rate.

    If that rate is 0, over the fastest rate that any network has. Both rates are proportional to scale^2.
    """
    Ls = float(problem.activation.Ls)
    fastest = 2 * g.scale**2 * problem.spectrum.lmax[1] * Ls**2
    return HORIZON / (g.rate if g.rate > 0 else fastest)


def plain_run(problem: Problem, *, rtol: float = RTOL, **flow_options: Any) -> Run:
    """A gradient flow without a guarantee; flow_options as in simulate.gradient_flow."""
    options: dict[str, Any] = {"interval": lemma_interval(problem), "max_steps": MOST_STEPS, **flow_options}
    return Run.of(simulate.gradient_flow(problem, rtol=rtol, **options))


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
    """A gradient flow at the width and scale of the guarantee g, which the run carries.

    If the problem's embedding is random, it is drawn too, at the dimension that g requires; `seed` names both draws.
    t_max: None for `horizon(problem, g)`. options: further ones of simulate.gradient_flow.
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
    return Run.of(trajectory, g)
