"""A time budget is shared fairly, so that late tests are tried too, and the summary says what was cut short."""

import math
import re
import time
from types import SimpleNamespace

import pytest

from tests.commands import python_m
from verify.session.budget import Shares


def item(*fixtures, statistical=False):
    return SimpleNamespace(
        fixturenames=fixtures, get_closest_marker=lambda name: SimpleNamespace(args=()) if statistical else None
    )


def test_each_test_gets_an_equal_part_of_what_is_left(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    tests = [item("search"), item("problem"), item(statistical=True), item("trials")]
    shares = Shares(130.0)
    shares.expect(tests)
    ends = []
    for one, spent in zip(tests, (2.0, 0.0, 14.0, 14.0), strict=True):
        shares.begin(one)
        ends.append(shares.end)
        now += spent
    assert ends == [110.0, 130.0, 116.0, 130.0]  # 30/3; all, for it does not search; 28/2; the rest


def test_workers_share_the_tests(monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    tests = [item("search")] * 4
    shares = Shares(140.0, workers=2)
    shares.expect(tests)
    for left in (2, 1, 1):
        shares.begin(tests[0])
        assert shares.end - 100.0 == pytest.approx(40.0 / left)


def test_no_budget_ends_nothing():
    shares = Shares(math.inf)
    shares.begin(item("search"))
    assert shares.end == math.inf


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "two workers"])
def test_late_tests_are_tried_too(processes, tmp_path):
    """Three claims about draws on one problem; the first alone would take all the time. The session counts its time
    on the clock of ticking.py, so that neither compiling nor a slow machine uses any of it."""
    (tmp_path / "mine.py").write_text(
        "from verify import conjecture\n\n"
        + "".join(
            f'@conjecture(delta=0.001)\ndef claim_{k}(run):\n    """Claim {k}."""\n    return run.loss\n\n'
            for k in "abc"
        )
    )
    session = ["verify/", "-q", "-p", "no:cacheprovider", "-p", "tests.ticking", *processes]
    options = ["--builtin", "reference", "--n", "3", "--conjectures", tmp_path / "mine.py", "--budget", "8s"]
    done = python_m("pytest", *session, *options)
    assert "3 tests were cut short by the time budget 8s:" in done.stdout, done.stdout
    trials = [int(found) for found in re.findall(r"^[! ] claim_\w +UNDECIDED +(\d+)", done.stdout, flags=re.MULTILINE)]
    assert len(trials) == 3
    assert "error budget 0.001: 0.001 spent by 3 of 3 statistical verdicts, 0 left" in done.stdout.replace("\n", " ")
    if processes:
        assert min(trials) > 1
    else:  # a third of the time, half of what is left, the rest: each as long as the others
        assert min(trials) > 3
        assert max(trials) - min(trials) <= 2
