"""The user's conjectures (--conjectures file.py): on the data, on random flows, in repeated trials."""

from typing import Any

import pytest
from hypothesis import given, target

from verify.claims import NotApplicable
from verify.conjecture import Conjecture
from verify.runner import decide, plain_run, probabilistic_trials, simulable_guarantee
from verify.statistics import trials_needed
from verify.strategies import flows
from verify.verdict import Verdict


def test_on_data(conjecture: Conjecture, problem: Any, runs: Any, check: Any) -> None:
    """On the data of this session, inside the theorem's regime and, where no regime is given, at scale 1 too."""
    if conjecture.delta is not None:
        pytest.skip("a probabilistic conjecture is tested in repeated trials")
    claim = conjecture.as_claim()
    for kind in ("regime",) if conjecture.given else ("regime", "paper"):
        check(claim, runs(problem, kind))


def test_on_random_flows(conjecture: Conjecture) -> None:
    """A search over small problems, driven towards small margins."""
    if conjecture.delta is not None or conjecture.given is not None:
        pytest.skip("stated for the theorem's own regime only")
    claim = conjecture.as_claim()

    @given(flows())
    def search(options: dict[str, Any]) -> None:
        def make(rtol: float) -> Any:
            return plain_run(**options, rtol=rtol, loss_ratio=0.0, max_steps=400)

        try:
            verdict, run = decide(claim, make)
        except NotApplicable:
            return
        comparison = claim.compare(run)[0]
        target(-float(comparison.margin[comparison.worst]))
        if verdict is Verdict.REFUTED:
            at = float(comparison.at[comparison.worst[0]])
            margin = float(comparison.margin[comparison.worst])
            pytest.fail(f"{claim.id} REFUTED: margin {margin:.3g} at time {at:.3g}", pytrace=False)

    search()


def test_in_repeated_trials(
    conjecture: Conjecture, problem: Any, record_row: Any, request: pytest.FixtureRequest
) -> None:
    """Independent networks at the width and scale of Theorem 1, and the exact interval of the failure rate."""
    if conjecture.delta is None:
        pytest.skip("a conjecture about every run is tested on each run")
    from dataclasses import replace

    from verify.conftest import settle

    option, claim = request.config.option, conjecture.as_claim()
    g = simulable_guarantee(problem, inits=("antisymmetric",))
    if g is None:
        pytest.skip("no network of the required width can be simulated")
    g = replace(g, delta=conjecture.delta)
    trials = option.trials or trials_needed(conjecture.delta, option.alpha)
    found = probabilistic_trials(claim, problem, g, trials, option.alpha)
    record_row(found.row(claim))
    settle(claim, found.rate.verdict)
