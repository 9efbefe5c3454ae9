"""The PL inequality with the measured slopes."""

from typing import Any

import pytest
from hypothesis import given

from verify.claims import pl
from verify.conftest import random_flow
from verify.strategies import flows

pytestmark = pytest.mark.claim("pl")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(pl.CLAIM, runs(problem, kind))


@given(flows())
def test_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(pl.CLAIM, options)
