"""Every proved claim about every run, on the data of the session. A new claim of this kind needs no test file."""

from typing import Any

import pytest

from verify.claims import CLAIMS

# Not here: gradient descent, whose runs are made in test_descent.py; and (16), which needs an activation whose slope is
# bounded away from zero on the whole line, and is searched on such activations in test_random_flows.py.
ELSEWHERE = (
    "descent-step",
    "descent-rate",
    "descent-step-last-layer",
    "descent-rate-last-layer",
    "equation-16",
)
ON_DATA = [c.id for c in CLAIMS.values() if c.kind == "every run" and c.proved and c.id not in ELSEWHERE]


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.claim(name)) for name in ON_DATA])
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, name: str, kind: str) -> None:
    """The claim on one gradient flow of each kind; the fixture `runs` says which flows these are."""
    check(CLAIMS[name], runs(problem, kind))
