"""The key lemma and what follows from it, and Lemma 1 in its sharper forms on the data."""

from typing import Any

import pytest

from verify.claims import CLAIMS

NAMES = (
    "key-lemma",
    "master-theorem",
    "schur",
    "kernel-path",
    "path-lower",
    "lemma-1-sharp",
    "lemma-1-printed-few",
    "residual",
    "antisymmetric-start",
)


def marked(*names: str) -> list[Any]:
    """The names as parameters, each marked by its claim."""
    return [pytest.param(name, marks=pytest.mark.claim(name)) for name in names]


@pytest.mark.parametrize("name", marked(*NAMES))
@pytest.mark.parametrize("kind", ["regime", "lemma-1", "paper"])
def test_on_data(problem: Any, runs: Any, check: Any, name: str, kind: str) -> None:
    check(CLAIMS[name], runs(problem, kind))
