"""Lemma 1 with kappa repaired."""

from typing import Any

import pytest

from verify.claims import lemma_1

pytestmark = pytest.mark.claim("lemma-1")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(lemma_1.CLAIM, runs(problem, kind))
