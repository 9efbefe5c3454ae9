"""The key lemma and what follows from it, and Lemma 1 in its sharper forms: on the data and on random flows."""

from typing import Any

import pytest
from hypothesis import given

from bounds import Problem
from verify.claims import CLAIMS, NotApplicable
from verify.conftest import random_flow
from verify.examples import leaning
from verify.runner import plain_run
from verify.strategies import flows, problems
from verify.verdict import Verdict

NAMES = (
    "key-lemma",
    "master-theorem",
    "schur",
    "kernel-path",
    "path-lower",
    "lemma-1-sharp",
    "lemma-1-printed-few",
    "residual",
    "antisymmetric-start",
)


def marked(*names: str) -> list[Any]:
    """The names as parameters, each marked by its claim."""
    return [pytest.param(name, marks=pytest.mark.claim(name)) for name in names]


@pytest.mark.parametrize("name", marked(*NAMES))
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, name: str, kind: str) -> None:
    check(CLAIMS[name], runs(problem, kind))


@given(flows())
def test_on_random_flows(options: dict[str, Any]) -> None:
    """One flow tests all claims; one that is refuted must be refuted again at a tighter tolerance."""
    run = plain_run(**options, loss_ratio=0.0, max_steps=400)
    for name in NAMES:
        try:
            verdict = CLAIMS[name].verdict(run)
        except NotApplicable:
            continue
        if verdict is Verdict.REFUTED:
            random_flow(CLAIMS[name], options)


@pytest.mark.claim("equation-16")
@given(problems(["linear"]))
def test_equation_16_on_random_problems(problem: Problem) -> None:
    """A network whose slope varies, but never falls below 1."""
    drawn = Problem(problem.X, problem.y, activation=leaning(1.0))
    random_flow(CLAIMS["equation-16"], {"problem": drawn, "width": 16, "scale": 1.0, "seed": 0, "t_max": 5.0})
