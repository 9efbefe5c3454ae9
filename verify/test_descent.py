"""Gradient descent (9) for smooth activations: each step, and the rate, on the data and on random problems.

The last layer is fixed or trained."""

import time as clock
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import simulate
from bounds import Problem
from verify.claims import CLAIMS, NotApplicable
from verify.run import Run
from verify.runs.regimes import simulable_guarantee
from verify.search.record import Effort
from verify.search.strategies import problems
from verify.verdict import Verdict

NAMES = ("descent-step", "descent-rate", "descent-step-last-layer", "descent-rate-last-layer")
STEPS = 60


def descent(problem: Problem, *, width: int, scale: float, init: str, share: float, seed: int = 0) -> Run:
    """A run of descent, with the step at which the first term of w (docs/theory.md), with that of a trained last layer,
    is `share` at the start."""
    eigenvalue = scale**2 * float((problem.spectrum.lmax_ceiling * problem.activation.Ls**2).upper())
    if problem.last_layer:
        start = simulate.sample_network(problem, width=width, scale=scale, init=init, seed=seed)
        # lambda_max of the kernel of the last layer, (1/m) sum_i sigma(h_ia) sigma(h_ib)
        eigenvalue += problem.last_layer * float(np.linalg.norm(problem.activation.value(start.H), 2)) ** 2 / width
    step = 2 * share / eigenvalue
    options: dict[str, Any] = {"step": step, "steps": STEPS, "loss_ratio": 1e-12}
    return Run.of(simulate.gradient_descent(problem, width=width, scale=scale, init=init, seed=seed, **options))


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.claim(name)) for name in NAMES])
def test_on_data(problem: Any, check: Any, name: str) -> None:
    """At twice the scale of Theorem 1, with a step that gives away about a quarter of the decrease."""
    g = simulable_guarantee(problem, inits=("antisymmetric",))
    if g is None:
        pytest.skip("no network of the required width can be simulated")
    check(CLAIMS[name], descent(problem, width=g.width, scale=2 * g.scale, init=g.init, share=0.25))


@pytest.mark.claim(*NAMES)
@given(
    problems(["tanh", "softplus", "sigmoid", "sin"]),
    st.integers(1, 64),
    st.integers(-1, 3),
    st.floats(0.01, 0.99),
    st.sampled_from((0.0, 0.1, 1.0, 10.0)),
    st.integers(0, 1000),
)
def test_on_random_problems(
    effort: Effort,
    note_cut_short: Any,
    problem: Problem,
    half: int,
    power: int,
    share: float,
    mobility: float,
    seed: int,
) -> None:
    """Any width and scale, the last layer fixed or trained, and steps up to w = 1."""
    if clock.monotonic() > effort.stop_at:
        note_cut_short()
        return
    if mobility:
        problem = Problem.from_gram(problem.gram, problem.y, activation=problem.activation, last_layer=mobility)
    run = descent(problem, width=2 * half, scale=10.0**power, init="antisymmetric", share=share, seed=seed)
    for name in NAMES:
        try:
            found = CLAIMS[name].compare(run)
        except NotApplicable:
            continue
        assert CLAIMS[name].swept(c.verdict for c in found) is not Verdict.REFUTED, f"{name} refuted: {found}"
