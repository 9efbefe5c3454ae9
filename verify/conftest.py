"""Options, fixtures and the summary of `pytest verify/`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from bounds import LinrateError, Problem
from bounds.cli import BAD_INPUT, UNDECIDED, problem_from
from bounds.datasets import load_builtin
from bounds.errors import require
from bounds.files import check_writable
from bounds.guarantee import check_probability
from verify.claims import CLAIMS, Claim, NotApplicable, select_claims
from verify.conjecture import FaultyConjecture, load_conjectures
from verify.rows import Row, overall, row_of, tested, write_report
from verify.run import Run
from verify.runner import decide, paper_guarantee, plain_run, regime_run, simulable_guarantee
from verify.verdict import Verdict, combine

BUILTINS = ("reference", "diabetes", "digits")
ROWS = pytest.StashKey[list[Row]]()
FAULTS = pytest.StashKey[list[str]]()

for name, examples in (("quick", 6), ("default", 40), ("thorough", 2000)):
    settings.register_profile(
        f"verify-{name}",
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("linrate", "which claims to verify, on which data")
    group.addoption("--data", help=".npz (X, y), .npy, .csv or .parquet; y is the last column")
    group.addoption("--target", help="the column of y")
    group.addoption("--builtin", help="one built-in data set instead of the default three")
    group.addoption("--n", type=int, help="number of data points of a built-in set")
    group.addoption("--d", type=int, help="input dimension of a built-in set")
    group.addoption("--data-seed", type=int, help="seed of a built-in set (default 0)")
    group.addoption("--activation", default="tanh", help="name of the activation")
    group.addoption("--embedding", default="identity", help="identity, quadratic or random-features:...")
    group.addoption("--claims", help=f"comma-separated, of {', '.join(CLAIMS)}")
    group.addoption(
        "--conjectures", metavar="FILE", help="a Python file of your own conjectures; see docs/conjectures.md"
    )
    group.addoption("--report", help="write the gap report to this CSV file")
    group.addoption("--alpha", type=float, help="error budget of a statistical verdict (0.001; quick: 0.05)")
    group.addoption("--trials", type=int, help="runs behind a statistical verdict (default: what alpha needs)")
    group.addoption("--quick", action="store_true", help="fewer examples and trials")
    group.addoption("--thorough", action="store_true", help="many more examples")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []
    config.stash[FAULTS] = []
    config.addinivalue_line("markers", "claim(id): the claim that a test verifies")
    config.pluginmanager.register(RowCollector(config.stash[ROWS]))
    options = config.option
    settings.load_profile(
        "verify-thorough" if options.thorough else "verify-quick" if options.quick else "verify-default"
    )
    if options.alpha is None:
        options.alpha = 0.05 if options.quick else 1e-3
    try:
        check_probability(options.alpha, "--alpha")
        require(options.trials is None or options.trials >= 1, "--trials", "at least 1", options.trials)
        options.linrate_conjectures = load_conjectures(options.conjectures) if options.conjectures else []
        chosen = options.claims.split(",") if options.claims is not None else None
        options.linrate_claims = [] if options.linrate_conjectures and chosen is None else select_claims(chosen)
        options.linrate_problems = _problems(options)
        if options.report:
            check_writable(options.report, "--report")
    except LinrateError as error:
        pytest.exit(f"error: {error}", returncode=BAD_INPUT)


def _problems(options: Any) -> list[Problem]:
    if options.data or options.builtin:
        problem = problem_from(options)
        problem.require_positive_definite("repaired")
        return [problem]
    return [Problem(*load_builtin(name), activation=options.activation, name=name) for name in BUILTINS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "problem" in metafunc.fixturenames:
        found = metafunc.config.option.linrate_problems
        metafunc.parametrize("problem", found, ids=[Path(p.name).stem for p in found], scope="session")

    if "conjecture" in metafunc.fixturenames:
        conjectures = metafunc.config.option.linrate_conjectures
        metafunc.parametrize("conjecture", conjectures, ids=[c.name for c in conjectures])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the selected claims: each names its claim by @pytest.mark.claim("id")."""
    wanted = {claim.id for claim in config.option.linrate_claims}
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        marks = {mark.args[0] for mark in item.iter_markers("claim")}
        unused = "conjecture" in getattr(item, "fixturenames", ()) and not config.option.linrate_conjectures
        (kept if (not marks or marks & wanted) and not unused else dropped).append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Callable[..., None]:
    """check(claim, run): record its rows; fail on a refutation, mark what is undecided."""

    def judge_run(claim: Claim, run: Run) -> None:
        try:
            comparisons = claim.compare(run)
        except NotApplicable as reason:
            pytest.skip(f"{claim.id} does not apply: {reason}")
        for comparison in comparisons:
            record(request, row_of(claim, comparison, run))
        settle(claim, combine(c.verdict for c in comparisons))

    return judge_run


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest) -> Callable[[Problem, str], Run]:
    """runs(problem, kind): one run, cached. kind "regime": at the width and scale of the best guarantee; "lemma-1": of
    the paper's method repaired; "paper": at the paper's scale 1, outside every promise."""
    made: dict[tuple[str, str], Run] = {}

    def make(problem: Problem, kind: str) -> Run:
        key = (problem.name, kind)
        if key not in made:
            if kind == "paper":
                made[key] = plain_run(problem, width=1024, scale=1.0, seed=0, t_max=100.0)
            else:
                g = simulable_guarantee(problem) if kind == "regime" else paper_guarantee(problem)
                if g is None:
                    pytest.skip("no network of the required width can be simulated")
                made[key] = regime_run(problem, g, seed=0)
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


def random_flow(claim: Claim, options: dict[str, Any]) -> None:
    """One example of a property test: no flow that Hypothesis draws may refute the claim."""

    def make(rtol: float) -> Run:
        return plain_run(**options, rtol=rtol, loss_ratio=0.0, max_steps=400)

    try:
        verdict, run = decide(claim, make)
    except NotApplicable:
        return
    assert verdict is not Verdict.REFUTED, f"{claim.id} refuted: {claim.compare(run)}"


def record(request: pytest.FixtureRequest, row: Row) -> None:
    """Rows travel with the test's report, so that they arrive from worker processes too."""
    request.node.user_properties.append(("linrate-row", row))


def settle(claim: Claim, verdict: Verdict) -> None:
    """Turn a verdict into the outcome of a test."""
    if verdict is Verdict.REFUTED:
        pytest.fail(f"{claim.id} REFUTED: {claim.title}", pytrace=False)
    if verdict is Verdict.UNDECIDED:
        pytest.xfail(f"{claim.id} UNDECIDED: the numerical error or the number of trials allows no verdict")


class RowCollector:
    """Gathers the rows of all tests, in this process or in workers."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call":
            self.rows += [value for name, value in report.user_properties if name == "linrate-row"]  # type: ignore[misc]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """A conjecture that cannot be evaluated is bad input, not a refutation."""
    report = yield
    if call.excinfo is not None and issubclass(call.excinfo.type, FaultyConjecture):
        report.longrepr = f"faulty conjecture: {call.excinfo.value}"
        item.config.stash[FAULTS].append(str(call.excinfo.value))
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    rows = session.config.stash[ROWS]
    if hasattr(session.config, "workerinput"):
        return
    if session.config.option.report and rows:
        write_report(rows, session.config.option.report)
    if session.config.stash[FAULTS]:
        session.exitstatus = BAD_INPUT
    elif exitstatus == 0 and rows and overall(rows) is Verdict.UNDECIDED:
        session.exitstatus = UNDECIDED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    rows = config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("claims")
    names = list(dict.fromkeys([*CLAIMS, *(row["claim"] for row in tested(rows))]))
    wide = max(16, *(len(name) for name in names))
    terminalreporter.write_line(f"{'claim':{wide}} {'verdict':10} {'rows':>5} {'tightest gap':>13}  where")
    for name in names:
        mine = [row for row in tested(rows) if row["claim"] == name]
        if not mine:
            continue
        told = [row for row in mine if not row["vacuous"]] or mine
        verdict = combine(Verdict(row["verdict"]) for row in told).value
        if all(row["vacuous"] for row in mine):
            verdict = "vacuous"
        worst = min(told, key=_looseness)
        gap = worst["gap"]
        where = "its own example"
        if "data" in worst:
            where = f"{worst['data']} {worst['activation']} m={worst['width']} scale={worst['scale']:.4g}"
        terminalreporter.write_line(
            f"{name:{wide}} {verdict:10} {len(mine):5d} {gap:13.4g}  {worst['quantity']} on {where}"
        )
    if any(row["claim"].startswith("printed-") for row in rows):
        terminalreporter.write_line("printed-*: statements of the paper that are false as printed (docs/errata.md)")
    if config.option.report:
        terminalreporter.write_line(f"{len(rows)} rows written to {config.option.report}")


def _looseness(row: Row) -> float:
    """How far the gap is from 1 on a logarithmic scale, whichever side the bound is on."""
    gap = row["gap"]
    if not gap or gap != gap or gap < 0:
        return float("inf")
    return max(gap, 1 / gap)
