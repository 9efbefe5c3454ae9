"""Options, fixtures and the summary of `pytest verify/`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from bounds import Guarantee, LinrateError, Problem
from bounds.checks import INITS
from bounds.command_line import BAD_INPUT
from bounds.errors import WriteError
from bounds.text import printable
from verify.claims import Claim, NotApplicable, draws
from verify.report_rows import Row, row_of, write_report
from verify.run import Run
from verify.runs.confirm import decide_run
from verify.runs.regimes import paper_guarantee, plain_run, regime_run, simulable_guarantee
from verify.runs.trials import probabilistic_trials
from verify.search import counterexample
from verify.search.hypothesis_search import search as search_flows
from verify.search.record import Effort
from verify.session.budget import Shares
from verify.session.ending import BadInput, Ending
from verify.session.options import add_options, read_options
from verify.session.summary import table
from verify.verdict import Verdict

ROWS = pytest.StashKey[list[Row]]()
ENDING = pytest.StashKey[Ending]()
SHARES = pytest.StashKey[Shares]()
CUT = pytest.StashKey[list[str]]()

for name, examples in (("quick", 6), ("default", 40), ("thorough", 2000)):
    settings.register_profile(
        f"verify-{name}",
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    worker = hasattr(config, "workerinput")
    ending = config.stash[ENDING] = Ending()
    ending.begin(worker=worker)
    config.pluginmanager.register(ending)
    config.addinivalue_line("markers", "claim(id, ...): the claims that a test verifies")
    config.addinivalue_line("markers", "statistical(count=1): its verdicts may err, each with its share of --alpha")
    config.stash[CUT] = []
    options = config.option
    if getattr(options, "dist", "no") == "load":  # xdist's own choice for -n: leaves a worker idle behind long tests
        options.dist = "worksteal"
    settings.load_profile(
        "verify-thorough" if options.thorough else "verify-quick" if options.quick else "verify-default"
    )
    try:
        read_options(options)
    except LinrateError as error:
        raise BadInput(printable(error), BAD_INPUT) from None
    report = None if worker else options.report
    config.pluginmanager.register(RowCollector(config.stash[ROWS], config.stash[CUT], report))
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    config.stash[SHARES] = Shares(options.linrate_stop_at, workers)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "problem" in metafunc.fixturenames:
        names = list(metafunc.config.option.linrate_problems)
        metafunc.parametrize("problem", names, indirect=True, scope="session")
    if "conjecture" in metafunc.fixturenames:
        conjectures = metafunc.config.option.linrate_conjectures
        metafunc.parametrize("conjecture", conjectures, ids=[c.name for c in conjectures])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the selected claims: each names its claim by @pytest.mark.claim("id")."""
    wanted = {claim.id for claim in config.option.linrate_claims}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        marks = {name for mark in item.iter_markers("claim") for name in mark.args}
        unused = "conjecture" in getattr(item, "fixturenames", ()) and not config.option.linrate_conjectures
        (kept if (not marks or marks & wanted) and not unused else dropped).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)
    # One error budget for the session: each statistical verdict may err with an equal share of it.
    statistical = sum(
        sum(mark.args) if mark.args else 1 for item in kept if (mark := item.get_closest_marker("statistical"))
    )
    config.option.linrate_alpha = config.option.alpha / max(statistical, 1)
    config.stash[SHARES].expect(kept)


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[SHARES].begin(item)
    draws.LEVEL.set(item.config.option.linrate_alpha)


@pytest.fixture(scope="session")
def problem(request: pytest.FixtureRequest) -> Problem:
    """Each problem of the session."""
    found: Problem = request.config.option.linrate_problems[request.param]()
    return found


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """check(claim, run): record its rows; fail on a refutation, mark what is undecided."""

    def judge_run(claim: Claim, run: Run) -> None:
        try:
            verdict, decided = decide_run(claim, run)
            comparisons = claim.comparisons(decided)
        except NotApplicable as reason:
            pytest.skip(f"{claim.id} does not apply: {reason}")
        for comparison in comparisons:
            record(request, row_of(claim, comparison, decided, verdict))
        settle(request, claim, verdict, decided)

    return judge_run


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Callable[[Problem, str], Run]:
    """runs(problem, kind, init=None, **options): one run, cached; options: its own t_max and loss_ratio. kind "regime":
    at the width and scale of the best guarantee; "lemma-1": of the paper's method repaired; "paper": at the paper's
    scale 1, outside every promise."""
    made: dict[tuple[Any, ...], Run] = {}

    def make(problem: Problem, kind: str, *, init: str | None = None, **options: float) -> Run:
        key = (problem.name, kind, init, *sorted(options.items()))
        if key not in made:
            if kind == "paper":
                paper: dict[str, Any] = {
                    "width": 1024,
                    "scale": 1.0,
                    "seed": 0,
                    "t_max": 100.0,
                    "init": init or "independent",
                }
                made[key] = plain_run(problem, **{**paper, **options})
            else:
                inits = (init,) if init else INITS
                g = simulable_guarantee(problem, inits=inits) if kind == "regime" else paper_guarantee(problem)
                if g is None:
                    pytest.skip("no network of the required width can be simulated")
                made[key] = regime_run(problem, g, seed=0, **options)
        return made[key]

    return make


@pytest.fixture
def own_examples(request: pytest.FixtureRequest) -> None:
    """For tests on examples of their own: they belong to a session about the built-in problems, not the user's."""
    if request.config.option.data or request.config.option.builtin:
        pytest.skip("on examples of its own, not on this data")


@pytest.fixture
def record_row(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Add a row to the report."""
    return lambda row: record(request, row)


@pytest.fixture
def effort(request: pytest.FixtureRequest) -> Effort:
    """How hard this session searches."""
    option = request.config.option
    pushes = 1000 if option.thorough else 10 if option.quick else 40
    return Effort(option.linrate_seed, pushes, request.config.stash[SHARES].end, option.linrate_alpha)


@pytest.fixture
def tell_cut(request: pytest.FixtureRequest) -> Callable[[], None]:
    """For a test that stops at effort.stop_at by itself: the summary then names it."""
    return lambda: cut_short(request)


@pytest.fixture
def search(request: pytest.FixtureRequest, effort: Effort) -> Callable[..., None]:
    """search(claims, strategy): no flow that is drawn, or pushed to from there, may refute any of the claims."""

    def sweep(claims: Sequence[Claim], strategy: st.SearchStrategy[Any]) -> None:
        for entry in search_flows(claims, strategy, effort):
            if entry.cut_short:
                cut_short(request)
            if entry.tightest is not None and entry.tightest_run is not None:
                row = row_of(entry.claim, entry.tightest, entry.tightest_run)
                record(request, {**row, "seed": effort.seed, "trials": entry.tried, "undecided": entry.undecided})
            if entry.refuted:
                settle(request, entry.claim, Verdict.REFUTED, entry.run)

    return sweep


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Callable[..., None]:
    """trials(claim, problem, guarantee, **options): a verdict on "with probability 1 - delta" at this test's alpha."""
    option = request.config.option

    def run_trials(claim: Claim, problem: Problem, g: Guarantee, **options: Any) -> None:
        try:
            found = probabilistic_trials(
                claim,
                problem,
                g,
                alpha=option.linrate_alpha,
                trials=option.trials,
                first_seed=option.linrate_seed,
                stop_at=request.config.stash[SHARES].end,
                **options,
            )
        except NotApplicable as reason:
            pytest.skip(f"{claim.id} does not apply: {reason}")
        if found.cut_short:
            cut_short(request)
        record(request, found.row(claim))
        settle(request, claim, found.verdict, found.tightest_run)

    return run_trials


def record(request: pytest.FixtureRequest, row: Row) -> None:
    """Rows travel with the test's report, so that they arrive from worker processes too: as plain Python values."""
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in row.items()}
    request.node.user_properties.append(("linrate-row", plain))


def cut_short(request: pytest.FixtureRequest) -> None:
    """Tell that the time budget ended this test early."""
    if ("linrate-cut", True) not in request.node.user_properties:
        request.node.user_properties.append(("linrate-cut", True))


def settle(request: pytest.FixtureRequest, claim: Claim, verdict: Verdict, run: Run | None = None) -> None:
    """Turn a verdict into the outcome of a test; a run that refutes is saved."""
    if verdict is Verdict.REFUTED:
        saved = ""
        if run is not None and claim.kind != "constants":
            option = request.config.option
            path = counterexample.write(option.counterexamples, claim, run, conjectures=option.linrate_source)
            margin = min(comparison.slack for comparison in claim.comparisons(run))
            again = f"linrate replay {path}" + (f" --conjectures {option.conjectures}" if option.conjectures else "")
            saved = f"\n  margin {margin:.3g} of its size; saved. Show it again: {printable(again)}"
        pytest.fail(f"{printable(claim.id)} REFUTED: {printable(claim.title)}{saved}", pytrace=False)
    if verdict is Verdict.UNDECIDED:
        stopped = [comparison.open for comparison in (claim.comparisons(run) if run else []) if comparison.open]
        why = stopped[0] if stopped else "the numerical error or the number of trials allows no verdict"
        pytest.xfail(f"{printable(claim.id)} UNDECIDED: {why}")


class RowCollector:
    """Gathers the rows of all tests, and which were cut short, in this process or in workers."""

    def __init__(self, rows: list[Row], cut: list[str], report: str | None) -> None:
        self.rows, self.cut, self.report = rows, cut, report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            found = [value for name, value in report.user_properties if name == "linrate-row"]
            self.rows += found  # type: ignore[arg-type]
            if found and self.report:  # at once: however the session ends, what is finished is kept
                with contextlib.suppress(WriteError):  # the end of the session tries again, and tells
                    write_report(self.rows, self.report)
            if any(name == "linrate-cut" for name, _ in report.user_properties):
                self.cut.append(report.nodeid.rpartition("/")[2])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    rows = session.config.stash[ROWS]
    if hasattr(session.config, "workerinput"):
        return
    ran = not session.config.option.collectonly
    session.exitstatus = session.config.stash[ENDING].of_session(exitstatus, rows, ran=ran)
    if session.config.option.report and rows:
        try:
            write_report(rows, session.config.option.report)
        except WriteError as full:
            print(f"error: {printable(full)}", file=sys.stderr)
            session.exitstatus = full.exit_code


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows, option = config.stash[ROWS], config.option
    if not rows:
        return
    terminalreporter.section("claims")
    for line in table(rows):
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"seed {option.linrate_seed}")
    shares = {row["alpha"] for row in rows if "alpha" in row}
    if shares:
        terminalreporter.write_line(
            f"error budget of all statistical verdicts {option.alpha:g}: {max(shares):.2g} for each"
        )
    if any(row["claim"].startswith("printed-") for row in rows):
        terminalreporter.write_line("printed-*: statements of the paper that are false as printed (docs/errata.md);")
        terminalreporter.write_line("UNDECIDED among them: false in one reading of the text only, or a remark")
    if cut := config.stash[CUT]:
        terminalreporter.write_line(f"{len(cut)} tests were cut short by the time budget {option.budget}:")
        for name in sorted(cut):
            terminalreporter.write_line(f"  {name}")
    if option.report:
        terminalreporter.write_line(f"{len(rows)} rows written to {option.report}")
