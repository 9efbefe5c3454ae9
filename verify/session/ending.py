"""How a session of pytest ends: which exit code, what is kept when it is stopped, and that no worker outlives it."""

from __future__ import annotations

import os
import threading
import time as clock
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from bounds.command_line import BAD_INPUT, HOLDS, INTERNAL, REFUTED, UNDECIDED
from bounds.errors import LinrateError
from bounds.signals import exit_code, listen, listen_no_more
from verify.conjecture import FaultyConjecture
from verify.report_rows import Row, overall
from verify.verdict import Verdict

WHY = "linrate-failure"  # property of a failed test's report with the reason; so it arrives from workers too
EVERY = 1.0  # seconds between two checks of a worker that its controller is alive

# Raised for bad input, it ends the session with one line, before which pytest shows the name of the class, "error".
BadInput: Any = type("error", (pytest.exit.Exception,), {})


class Watcher:
    """A plugin that records what pytest's exit code does not show: a signal, and a fault of pytest's own.

    stop: the interrupt that stopped the session, or None; broken: whether pytest reported an internal error.
    """

    def __init__(self) -> None:
        self.stop: KeyboardInterrupt | None = None
        self.broken = False

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        if isinstance(excinfo.value, KeyboardInterrupt) and not isinstance(excinfo.value, pytest.Session.Interrupted):
            self.stop = excinfo.value

    def pytest_internalerror(self) -> None:
        self.broken = True

    def code(self, status: int) -> int:
        """Our exit code of a session that pytest ended with `status`."""
        if self.stop is not None:
            return exit_code(self.stop)
        return INTERNAL if self.broken else BAD_INPUT if status == pytest.ExitCode.USAGE_ERROR else status


class Ending(Watcher):
    """A plugin that distinguishes failed tests: a refuted claim, bad input, or a crash, which is a fault of linrate.

    failures: the reasons so far, of "refuted", "faulty" and "crashed"; passed: whether a test has passed; heard: the
    signals that end the session in order, and their handlers before.
    """

    def __init__(self) -> None:
        super().__init__()
        self.failures: set[str] = set()
        self.passed = False
        self.heard: dict[int, Any] = {}

    def begin(self, *, worker: bool) -> None:
        """Tie a worker's life to its controller; in the controller, turn signals into an orderly end."""
        if worker:
            end_with_parent()
        else:
            self.heard = listen()

    def pytest_unconfigure(self) -> None:
        listen_no_more(self.heard)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and call.excinfo is not None:
            if issubclass(call.excinfo.type, FaultyConjecture):
                report.longrepr = f"faulty conjecture: {call.excinfo.value}"
            report.user_properties.append((WHY, why(call)))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed = self.passed or (report.when == "call" and report.passed)
        if report.failed:  # a report without a reason is that of a crashed worker
            self.failures.add(str(dict(report.user_properties).get(WHY, "crashed")))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failures.add("crashed")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if "crashed" in self.failures:
            terminalreporter.write_line(
                "internal error: a test crashed, which decides nothing. This is a fault of linrate: please report its"
                " last line with the command and what `linrate --version` prints."
            )

    def of_session(self, status: int, rows: Iterable[Row], *, ran: bool = True) -> int:
        """The exit code of the session, as docs/verify.md lists them; pytest's own 1 to 5 mean something else.

        status: that of pytest; rows: of the report; ran: False if the tests were only collected.
        """
        if self.stop is not None or self.broken:
            return self.code(status)
        if "faulty" in self.failures or status in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED):
            return BAD_INPUT
        if "refuted" in self.failures:
            return REFUTED
        if self.failures or status != pytest.ExitCode.OK:
            return INTERNAL
        rows = list(rows)
        if ran and not (rows or self.passed):
            return UNDECIDED  # every test was skipped: no evidence is no verdict
        return UNDECIDED if rows and overall(rows) is Verdict.UNDECIDED else HOLDS


def why(call: pytest.CallInfo[None]) -> str:
    """Why a phase of a test failed: "refuted", "faulty" (bad input) or "crashed".

    Only the body of a test refutes, by pytest.fail or by an assertion of its own; one deeper in the code is a crash.
    """
    assert call.excinfo is not None
    if issubclass(call.excinfo.type, LinrateError):
        return "faulty"
    own_assertion = call.excinfo.type is AssertionError and _in_a_test_file(call.excinfo)
    failed = own_assertion or call.excinfo.errisinstance(pytest.fail.Exception)
    return "refuted" if call.when == "call" and failed else "crashed"


def _in_a_test_file(excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
    """Whether the exception was raised in a file test_*.py."""
    return Path(excinfo.traceback[-1].path).name.startswith("test_")


def end_with_parent() -> None:
    """End this process at most about EVERY seconds after its parent process, even if the parent was killed."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            clock.sleep(EVERY)
        os._exit(1)

    threading.Thread(target=watch, name="linrate-parent", daemon=True).start()
