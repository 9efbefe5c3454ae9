"""Lemma 1 for smooth activations."""

from typing import Any

import pytest
from hypothesis import given

from verify.claims import smooth_lemma_1
from verify.conftest import random_flow
from verify.strategies import flows

pytestmark = pytest.mark.claim("smooth-lemma-1")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(smooth_lemma_1.CLAIM, runs(problem, kind))


@given(flows(["tanh", "softplus", "sigmoid", "linear"]))
def test_on_random_flows(options: dict[str, Any]) -> None:
    random_flow(smooth_lemma_1.CLAIM, options)
