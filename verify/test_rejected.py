"""What must be rejected: each statement that is false as printed, by its counterexample."""

from typing import Any

import pytest

from verify.claims import CLAIMS
from verify.expected import REJECTED
from verify.rows import check_row
from verify.test_accepted import marked
from verify.verdict import Verdict

pytestmark = pytest.mark.usefixtures("own_examples")


@pytest.mark.parametrize("name", marked(REJECTED))
def test_rejected(name: str, record_row: Any) -> None:
    claim = CLAIMS[name]
    assert claim.check is not None
    found = claim.check()
    for comparison in found:
        record_row(check_row(claim, comparison))
    assert claim.swept(comparison.verdict for comparison in found) is Verdict.REFUTED
