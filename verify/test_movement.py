"""Both movement bounds: (15) from below, the key lemma from above."""

from typing import Any

import pytest

from verify.claims import movement


@pytest.mark.claim("movement-lower")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_lower_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(movement.LOWER, runs(problem, kind))


@pytest.mark.claim("movement-upper")
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_upper_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(movement.UPPER, runs(problem, kind))
