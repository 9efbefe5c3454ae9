"""Equation (14) as an equality."""

from typing import Any

import pytest

from verify.claims import energy

pytestmark = pytest.mark.claim("equation-14")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(energy.CLAIM, runs(problem, kind))
