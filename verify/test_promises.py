"""The constants of Theorem 1 by every method go to the report; all of them must be positive."""

from typing import Any

import pytest

from verify.promised_rows import promise_rows


@pytest.mark.claim("theorem-1")
def test_constants(problem: Any, record_row: Any) -> None:
    rows = promise_rows(problem, 0.05)
    assert rows
    for row in rows:
        assert row["theory"] > 0
        record_row(row)
