"""The linear rate: certified for one network, and promised by Theorem 1 before it is drawn."""

from typing import Any

import pytest
from hypothesis import given

from verify.claims import rate, theorem_1
from verify.conftest import random_flow, settle
from verify.runner import probabilistic_trials, simulable_guarantee
from verify.statistics import trials_needed
from verify.strategies import flows


@pytest.mark.claim("rate")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_certified_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(rate.CLAIM, runs(problem, kind))


@pytest.mark.claim("rate")
@given(flows())
def test_certified_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(rate.CLAIM, options)


@pytest.mark.claim("theorem-1")
def test_promised(problem: Any, record_row: Any, request: pytest.FixtureRequest) -> None:
    """Enough independent networks for a verdict on "with probability 1 - delta" at level alpha."""
    option = request.config.option
    g = simulable_guarantee(problem, 0.25 if option.quick else 0.05, inits=("antisymmetric",))
    if g is None:
        pytest.skip("no network of the required width can be simulated")
    trials = option.trials or trials_needed(g.delta, option.alpha)
    found = probabilistic_trials(theorem_1.CLAIM, problem, g, trials, option.alpha)
    record_row(found.row(theorem_1.CLAIM))
    settle(theorem_1.CLAIM, found.rate.verdict)
