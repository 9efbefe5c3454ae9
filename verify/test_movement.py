"""Both movement bounds: (15) from below, the key lemma from above."""

from typing import Any

import pytest
from hypothesis import given

from verify.claims import movement
from verify.conftest import random_flow
from verify.strategies import flows


@pytest.mark.claim("movement-lower")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_lower_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(movement.LOWER, runs(problem, kind))


@pytest.mark.claim("movement-upper")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_upper_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(movement.UPPER, runs(problem, kind))


@pytest.mark.claim("movement-lower")
@given(flows())
def test_lower_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(movement.LOWER, options)


@pytest.mark.claim("movement-upper")
@given(flows())
def test_upper_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(movement.UPPER, options)
