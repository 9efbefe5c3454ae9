"""What must be accepted: every proved claim, on the example runs or on examples of its own."""

from collections.abc import Iterable
from typing import Any

import pytest

from verify.claims import CLAIMS
from verify.claims.expected import ACCEPTED
from verify.report_rows import check_row, row_of
from verify.runs.examples import sweep
from verify.verdict import Verdict


def marked(names: Iterable[str]) -> list[Any]:
    """The names as parameters, each marked by its claim and by how many statistical verdicts its check gives."""
    counts = {name: CLAIMS[name].statistical for name in names}
    marks = {name: [pytest.mark.statistical(count)] if count else [] for name, count in counts.items()}
    return [pytest.param(name, marks=[pytest.mark.claim(name), *marks[name]]) for name in counts]


pytestmark = pytest.mark.usefixtures("own_examples")
# Claims over the draw of network and flow need repeated trials: test_theorem_1.py, test_theorem_3.py.
SWEPT = [name for name in ACCEPTED if CLAIMS[name].kind != "with probability 1 - delta"]


@pytest.mark.parametrize("name", marked(SWEPT))
def test_accepted(name: str, record_row: Any) -> None:
    claim = CLAIMS[name]
    found = [(comparison, run) for comparison, run in sweep(claim) if not comparison.vacuous]
    assert found, "no example on which the claim says something"
    for comparison, run in found:
        record_row(check_row(claim, comparison) if run is None else row_of(claim, comparison, run))
    assert claim.swept(comparison.verdict for comparison, _ in found) is Verdict.HOLDS
