"""What must be rejected: each statement that is false as printed, by its counterexample.

One reading of the text, or a remark, may have a counterexample too, which refutes no certain statement.
"""

from typing import Any

import pytest

from bounds import get_activation, known_activations
from verify.claims import CLAIMS
from verify.claims.expected import READINGS, REJECTED, REMARKS
from verify.claims.many_points import guess, law
from verify.report_rows import check_row, row_of
from verify.search.hypothesis_search import search
from verify.search.record import Effort
from verify.search.strategies import draws_of_a_law
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


@pytest.mark.parametrize("name", marked((*READINGS, *REMARKS)))
def test_readings_and_remarks_refute_nothing(name: str, record_row: Any) -> None:
    claim = CLAIMS[name]
    assert claim.check is not None
    found = claim.check()
    for comparison in found:
        record_row(check_row(claim, comparison))
    assert all(comparison.verdict is Verdict.REFUTED for comparison in found)
    assert claim.swept(comparison.verdict for comparison in found) is Verdict.UNDECIDED


@pytest.mark.claim("slopes-free-of-n")
@pytest.mark.statistical
def test_many_points_are_found(
    record_row: Any, effort: Effort, note_cut_short: Any, request: pytest.FixtureRequest
) -> None:
    """The search finds the effect of E10 in networks that can be run, over all geometries, activations and n."""
    if request.config.option.quick:
        pytest.skip("left out of --quick: half a minute")
    smooth = [name for name in known_activations() if get_activation(name).smooth]
    (found,) = search([CLAIMS["slopes-free-of-n"]], draws_of_a_law(law, guess, smooth), effort)
    if found.cut_short:
        note_cut_short()
    if not found.refuted or found.run is None:
        pytest.xfail(f"not found among {found.tried} flows")
    for comparison in found.claim.compare(found.run):
        record_row({**row_of(found.claim, comparison, found.run), "trials": found.tried})
