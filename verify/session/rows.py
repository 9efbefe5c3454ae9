"""Gathers what the tests of a session found and spent, and writes the report."""

from __future__ import annotations

import contextlib

import pytest

from bounds.errors import WriteError
from verify.ledger import Ledger
from verify.report_rows import Row, write_report
from verify.session.outcome import CUT, ROW, SPENT


class RowCollector:
    """A plugin of pytest that gathers the rows of all tests, run in this process or in workers.

    rows: of the tests finished so far, in the order in which they arrive. cut_short: the names of the tests that the
    time budget ended early. report: the file to which the rows are written after every test, or None. ledger: the error
    budget, of which finished tests have spent their part; one that was skipped gave no verdict and spends nothing.
    """

    def __init__(self, report: str | None, alpha: float) -> None:
        self.ledger = Ledger(alpha)
        self.rows: list[Row] = []
        self.cut_short: list[str] = []
        self.report = report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take over what a finished test has recorded."""
        if report.when != "call":
            return
        found = [{**value, "test": report.nodeid} for name, value in report.user_properties if name == ROW]  # type: ignore[dict-item]
        self.rows += found
        if not report.skipped or hasattr(report, "wasxfail"):
            for name, amount in report.user_properties:
                if name == SPENT:
                    self.ledger.spend(report.nodeid, float(amount))  # type: ignore[arg-type]
        if found and self.report:
            # Written at once: however the session ends, the rows of finished tests are kept. If the disk is full, the
            # end of the session tries again and reports the error.
            with contextlib.suppress(WriteError):
                write_report(self.rows, self.report)
        if any(name == CUT for name, _ in report.user_properties):
            self.cut_short.append(report.nodeid.rpartition("/")[2])
