"""Which tests of `pytest verify/` a session runs, and how many of their verdicts may err."""

from __future__ import annotations

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


def statistical_verdicts(item: pytest.Item) -> int:
    """How many verdicts of this test may err: one for @pytest.mark.statistical, k for statistical(k), else none."""
    mark = item.get_closest_marker("statistical")
    if mark is None:
        return 0
    return sum(mark.args) if mark.args else 1
