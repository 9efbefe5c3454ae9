"""What a test does with a verdict: rows for the report, and pass, fail, skip or xfail for pytest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from bounds import Guarantee, Problem
from bounds.text import printable
from verify.claims import CLAIMS, Claim, NotApplicable
from verify.report_rows import Row, row_of
from verify.run import Run
from verify.runs.confirm import decide_run
from verify.runs.trials import probabilistic_trials
from verify.search import counterexample
from verify.search.hypothesis_search import search
from verify.search.record import Effort
from verify.verdict import Verdict

# Names of the properties by which a test's report carries its rows, and whether the time budget ended it early.
ROW = "linrate-row"
CUT = "linrate-cut"
SPENT = "linrate-spent"  # one for each statistical verdict: the share of --alpha with which it may err


def check_run(request: pytest.FixtureRequest, claim: Claim, run: Run) -> None:
    """Record the rows of a claim about one run; fail if it is refuted, xfail if undecided, skip if not applicable."""
    try:
        verdict, decided = decide_run(claim, run)
        comparisons = claim.comparisons(decided)
    except NotApplicable as reason:
        pytest.skip(f"{claim.id} does not apply: {reason}")
    for comparison in comparisons:
        record(request, row_of(claim, comparison, decided, verdict))
    settle(request, claim, verdict, decided)


def search_flows(
    request: pytest.FixtureRequest, effort: Effort, claims: Sequence[Claim], strategy: st.SearchStrategy[Any]
) -> None:
    """Search drawn flows for a refutation of the claims; record the tightest flow of each, fail if one is refuted."""
    for entry in search(claims, strategy, effort):
        if entry.cut_short:
            cut_short(request)
        if entry.tightest is not None and entry.tightest_run is not None:
            row = row_of(entry.claim, entry.tightest, entry.tightest_run)
            record(request, {**row, "seed": effort.seed, "trials": entry.tried, "undecided": entry.undecided})
        if entry.refuted:
            settle(request, entry.claim, Verdict.REFUTED, entry.run)


def run_trials(
    request: pytest.FixtureRequest, effort: Effort, claim: Claim, problem: Problem, g: Guarantee, **options: Any
) -> None:
    """Repeated trials of a claim that may fail with the probability delta of g, settled at the level effort.alpha."""
    try:
        found = probabilistic_trials(
            claim,
            problem,
            g,
            alpha=effort.alpha,
            trials=request.config.option.trials,
            first_seed=effort.seed,
            stop_at=effort.stop_at,
            # The file of a user's own claims is not known elsewhere.
            executor=request.config.option.linrate_executor if claim.id in CLAIMS else None,
            **options,
        )
    except NotApplicable as reason:
        pytest.skip(f"{claim.id} does not apply: {reason}")
    if found.cut_short:
        cut_short(request)
    record(request, found.row(claim))
    settle(request, claim, found.verdict, found.tightest_run)


def record(request: pytest.FixtureRequest, row: Row) -> None:
    """Attach a row to the test's report, by which it arrives from worker processes too; so in plain Python values."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    request.node.user_properties.append((ROW, plain))


def cut_short(request: pytest.FixtureRequest) -> None:
    """Note in the test's report that the time budget ended this test early."""
    if (CUT, True) not in request.node.user_properties:
        request.node.user_properties.append((CUT, True))


def settle(request: pytest.FixtureRequest, claim: Claim, verdict: Verdict, run: Run | None = None) -> None:
    """End the test by the verdict: REFUTED fails, UNDECIDED is an xfail with its reason, HOLDS returns.

    run: the run that decided. One that refutes is saved, and the message says how to replay it.
    """
    if verdict is Verdict.REFUTED:
        saved = "" if run is None or claim.kind == "constants" else f"\n  {_save(request.config.option, claim, run)}"
        pytest.fail(f"{printable(claim.id)} REFUTED: {printable(claim.title)}{saved}", pytrace=False)
    if verdict is Verdict.UNDECIDED:
        reasons = [comparison.open for comparison in (claim.comparisons(run) if run else []) if comparison.open]
        reason = reasons[0] if reasons else "the numerical error or the number of trials allows no verdict"
        pytest.xfail(f"{printable(claim.id)} UNDECIDED: {reason}")


def _save(option: Any, claim: Claim, run: Run) -> str:
    """Save the run that refutes; a line with its margin and the command that replays it."""
    path = counterexample.write(option.counterexamples, claim, run, conjectures=option.linrate_source)
    slack = min(comparison.slack for comparison in claim.comparisons(run))
    command = f"linrate replay {path}" + (f" --conjectures {option.conjectures}" if option.conjectures else "")
    return f"margin {slack:.3g} of its size; saved. Show it again: {printable(command)}"
