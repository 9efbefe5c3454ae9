"""The PL inequality with the measured slopes."""

from typing import Any

import pytest

from verify.claims import pl

pytestmark = pytest.mark.claim("pl")


@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, kind: str) -> None:
    check(pl.CLAIM, runs(problem, kind))
