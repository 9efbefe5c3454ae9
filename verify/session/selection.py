"""Which tests of `pytest verify/` a session runs, and how its error budget is shared among them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def wanted(item: pytest.Item) -> bool:
    """Whether a test is about a selected claim, or about none; tests of conjectures only where there are any.

    A test names its claims by @pytest.mark.claim("id", ...).
    """
    option = item.config.option
    if "conjecture" in getattr(item, "fixturenames", ()) and not option.linrate_conjectures:
        return False
    claims = {name for mark in item.iter_markers("claim") for name in mark.args}
    return not claims or not claims.isdisjoint(claim.id for claim in option.linrate_claims)


def statistical_verdicts(items: Sequence[pytest.Item]) -> int:
    """How many verdicts of these tests may err: one for @pytest.mark.statistical, k for statistical(k)."""
    marks = [mark for item in items if (mark := item.get_closest_marker("statistical")) is not None]
    return sum(sum(mark.args) if mark.args else 1 for mark in marks)
