"""The hooks and fixtures of `pytest verify/`; what they do stands in verify/session/."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bounds import LinrateError, Problem
from bounds.command_line import BAD_INPUT
from bounds.errors import WriteError
from bounds.text import printable
from verify.claims import Claim, draws
from verify.ledger import Ledger
from verify.report_rows import Row, write_report
from verify.run import Run
from verify.search.record import Effort
from verify.session import outcome, selection, summary
from verify.session.budget import Shares
from verify.session.confidence import write_ledger
from verify.session.data_runs import DataRuns
from verify.session.ending import BadInput, Ending
from verify.session.options import add_options, read_options
from verify.session.rows import RowCollector

ENDING = pytest.StashKey[Ending]()
SHARES = pytest.StashKey[Shares]()
COLLECTED = pytest.StashKey[RowCollector]()
PUSHES = {"quick": 10, "default": 40, "thorough": 1000}  # runs of the local optimiser for each claim

# Flows that Hypothesis draws at random for each claim; the search climbs with as many again.
for profile, examples in (("quick", 6), ("default", 40), ("thorough", 2000)):
    settings.register_profile(
        f"verify-{profile}",
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def _profile(option: Any) -> str:
    """How hard the session searches: "quick", "default" or "thorough"."""
    return "thorough" if option.thorough else "quick" if option.quick else "default"


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    option = config.option
    worker = hasattr(config, "workerinput")  # a process of pytest-xdist
    ending = Ending()
    ending.begin(worker=worker)
    config.stash[ENDING] = ending
    config.pluginmanager.register(ending)
    config.addinivalue_line("markers", "claim(id, ...): the claims that a test verifies")
    config.addinivalue_line("markers", "statistical(count=1): its verdicts may err, each with its share of --alpha")
    if getattr(option, "dist", "no") == "load":  # pytest-xdist's default for -n leaves workers idle behind long tests
        option.dist = "worksteal"
    settings.load_profile(f"verify-{_profile(option)}")
    try:
        read_options(option)
    except LinrateError as error:
        raise BadInput(printable(error), BAD_INPUT) from None
    collected = RowCollector(None if worker else option.report, option.alpha)
    config.stash[COLLECTED] = collected
    config.pluginmanager.register(collected)
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    config.stash[SHARES] = Shares(option.linrate_stop_at, workers)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "problem" in metafunc.fixturenames:
        names = list(metafunc.config.option.linrate_problems)
        metafunc.parametrize("problem", names, indirect=True, scope="session")
    if "conjecture" in metafunc.fixturenames:
        conjectures = metafunc.config.option.linrate_conjectures
        metafunc.parametrize("conjecture", conjectures, ids=[c.name for c in conjectures])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        (kept if selection.wanted(item) else dropped).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
    # One error budget for the session: each statistical verdict may err with an equal share of it.
    verdicts = sum(map(selection.statistical_verdicts, kept))
    config.option.linrate_alpha = Ledger(config.option.alpha).share(max(verdicts, 1))
    config.stash[SHARES].expect(kept)


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[SHARES].begin(item)
    share = item.config.option.linrate_alpha
    draws.LEVEL.set(share)
    # What the test spends travels with its report, from workers too, to the ledger of the session.
    item.user_properties += [(outcome.SPENT, share)] * selection.statistical_verdicts(item)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if hasattr(session.config, "workerinput"):
        return
    option = session.config.option
    rows = session.config.stash[COLLECTED].rows
    session.exitstatus = session.config.stash[ENDING].of_session(exitstatus, rows, ran=not option.collectonly)
    if rows:
        try:
            if option.report:
                write_report(rows, option.report)
            if option.ledger:
                write_ledger(rows, session.config.stash[COLLECTED].ledger, option.ledger)
        except WriteError as full:
            print(f"error: {printable(full)}", file=sys.stderr)
            session.exitstatus = full.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    collected = config.stash[COLLECTED]
    if collected.rows:
        terminalreporter.section("claims")
        for line in summary.lines(collected.rows, collected.cut_short, config.option, collected.ledger):
            terminalreporter.write_line(line, red=line.startswith("!"))


@pytest.fixture(scope="session")
def problem(request: pytest.FixtureRequest) -> Problem:
    """Each problem of the session."""
    found: Problem = request.config.option.linrate_problems[request.param]()
    return found


@pytest.fixture(scope="session")
def runs() -> DataRuns:
    """runs(problem, kind, init=None, **options): the run of that kind on a problem; see DataRuns."""
    return DataRuns()


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Callable[[Claim, Run], None]:
    """check(claim, run): record the rows of the claim about the run, and pass, fail, xfail or skip."""
    return partial(outcome.check_run, request)


@pytest.fixture
def own_examples(request: pytest.FixtureRequest) -> None:
    """For tests on examples of their own: skipped in a session about the user's data."""
    if request.config.option.data or request.config.option.builtin:
        pytest.skip("on examples of its own, not on this data")


@pytest.fixture
def record_row(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """record_row(row): add a row to the report."""
    return partial(outcome.record, request)


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Effort:
    """How hard this test may search, and until when."""
    option = request.config.option
    return Effort(
        seed=option.linrate_seed,
        pushes=PUSHES[_profile(option)],
        stop_at=request.config.stash[SHARES].end,
        alpha=option.linrate_alpha,
    )


@pytest.fixture
def note_cut_short(request: pytest.FixtureRequest) -> Callable[[], None]:
    """For a test that stops at effort.stop_at by itself, and then calls this: the summary names the test."""
    return partial(outcome.cut_short, request)


@pytest.fixture
def search(request: pytest.FixtureRequest, effort: Effort) -> Callable[[Sequence[Claim], st.SearchStrategy[Any]], None]:
    """search(claims, strategy): fail if a drawn flow, or one pushed to from there, refutes one of the claims."""
    return partial(outcome.search_flows, request, effort)


@pytest.fixture
def trials(request: pytest.FixtureRequest, effort: Effort) -> Callable[..., None]:
    """trials(claim, problem, guarantee, **options): settle a claim that may fail with the guarantee's delta."""
    return partial(outcome.run_trials, request, effort)
