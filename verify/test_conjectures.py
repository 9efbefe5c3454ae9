"""The user's conjectures (--conjectures file.py): on the data, on random flows, in repeated trials."""

from typing import Any

import pytest

from verify.conjecture import Conjecture
from verify.runs.regimes import simulable
from verify.search.strategies import flows


def test_on_data(conjecture: Conjecture, problem: Any, runs: Any, check: Any) -> None:
    """On the data of this session, inside the theorem's regime and, where no regime is given, at scale 1 too."""
    if conjecture.delta is not None:
        pytest.skip("a probabilistic conjecture is tested in repeated trials")
    claim = conjecture.as_claim()
    for kind in ("regime",) if conjecture.given else ("regime", "paper"):
        check(claim, runs(problem, kind, init=conjecture.init, **conjecture.options(problem)))


def test_on_random_flows(conjecture: Conjecture, search: Any) -> None:
    """A search over small problems that climbs towards small margins."""
    if conjecture.delta is not None or conjecture.given is not None:
        pytest.skip("stated for the theorem's own regime only")
    search([conjecture.as_claim()], flows())


@pytest.mark.statistical
def test_in_repeated_trials(conjecture: Conjecture, problem: Any, trials: Any) -> None:
    """Independent networks at the width and scale of Theorem 1, or of the conjecture's own laws."""
    if conjecture.delta is None:
        pytest.skip("a conjecture about every run is tested on each run")
    g = conjecture.regime(problem)
    if not simulable(g, problem):
        pytest.skip(f"no network of the required width {g.width} can be simulated")
    trials(conjecture.as_claim(), problem, g, **conjecture.options(problem))
