"""Lemma 1 for smooth activations."""

from typing import Any

import pytest

from verify.claims import smooth_lemma_1

pytestmark = pytest.mark.claim("smooth-lemma-1")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(smooth_lemma_1.CLAIM, runs(problem, kind))
