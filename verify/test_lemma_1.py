"""Lemma 1 with kappa repaired."""

from typing import Any

import pytest
from hypothesis import given

from verify.claims import lemma_1
from verify.conftest import random_flow
from verify.strategies import flows

pytestmark = pytest.mark.claim("lemma-1")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(lemma_1.CLAIM, runs(problem, kind))


@given(flows())
def test_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(lemma_1.CLAIM, options)
