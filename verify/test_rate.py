"""The linear rate: certified for one network, and promised by Theorem 1 before it is drawn."""

from typing import Any

import pytest

from verify.claims import rate, theorem_1
from verify.runs.regimes import simulable_guarantee


@pytest.mark.claim("rate")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_certified_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(rate.CLAIM, runs(problem, kind))


@pytest.mark.claim("theorem-1")
@pytest.mark.statistical
def test_promised(problem: Any, trials: Any, request: pytest.FixtureRequest) -> None:
    """Independent networks until there is a verdict on "with probability 1 - delta"."""
    delta = 0.5 if request.config.option.quick else 0.05
    g = simulable_guarantee(problem, delta, inits=("antisymmetric",))
    if g is None:
        pytest.skip("no network of the required width can be simulated")
    trials(theorem_1.CLAIM, problem, g)
