"""Progress: a bar on a terminal, a line now and then in a log, nothing for what is quick or for --quiet."""

import io

import numpy as np
import pytest

import bounds
import bounds.progress
import simulate
from bounds.cli import main
from bounds.command_line import HOLDS, Parser, run
from bounds.data.datasets import load_builtin
from bounds.erratum.flow import Flow, matrix, tanh_slope
from bounds.erratum.registry import ERRATA
from bounds.methods import proved_methods
from bounds.progress import BAR, Progress, announce, telling, with_progress
from bounds.text import printable


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds on a clock that a test sets."""
    now = [100.0]
    monkeypatch.setattr(bounds.progress.clock, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    return now


def work(clock, stream, steps, seconds=1.0):
    with Progress("networks", steps, stream=stream) as progress:
        for k in range(steps):
            clock[0] += seconds
            progress.step(f"network {k}")


def test_a_terminal_has_one_line_that_is_taken_away(clock):
    stream = Terminal()
    with telling():
        work(clock, stream, 10)
    *states, last = stream.getvalue().split("\r\x1b[K")
    assert last == ""
    assert states[0] == ""  # the first second is too quick to be told
    assert states[1] == f"[{'#' * 5:.<{BAR}}] 2/10 networks, about 8 s left: network 1"
    assert len(states) == 10
    assert all(len(state) < 80 and "\n" not in state for state in states)


def test_a_log_has_a_line_now_and_then(clock):
    stream = io.StringIO()
    with telling():
        work(clock, stream, 100)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert "\x1b" not in stream.getvalue()
    assert [line.partition("] ")[2].split("/")[0] for line in lines] == ["2", "32", "62", "92"]


@pytest.mark.parametrize("way", ["quick", "quiet", "library", "dumb"])
def test_where_nothing_is_drawn(clock, way, monkeypatch):
    stream = Terminal()
    if way == "library":
        work(clock, stream, 10)
    else:
        with telling():
            if way == "quiet":
                bounds.progress.QUIET.set(True)
            if way == "dumb":
                monkeypatch.setenv("TERM", "dumb")  # obeys no escape sequences: lines as in a log
            work(clock, stream, 10, seconds=0.1 if way == "quick" else 1.0)
    assert "\x1b" not in stream.getvalue()
    assert bool(stream.getvalue()) is (way == "dumb")


def test_names_are_told_one_by_one(clock, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    with telling():
        for name in with_progress({"slopes": 1, "kernel": 2}, "methods"):
            clock[0] += 5.0
            assert name in ("slopes", "kernel")
    states = stream.getvalue().split("\r\x1b[K")
    assert states[1] == f"[{'#' * 12:.<{BAR}}] 1/2 methods, about 5 s left: slopes"


def test_without_a_total_the_time_that_it_took_is_told(clock):
    assert Progress("rows", stream=io.StringIO()).text(3.0, "a\nb") == printable("[   3.0 s] 0 rows: a b")


def test_a_run_tells_the_time_that_is_left(clock):
    """Of the time, the steps and the decades of the loss, by whichever ends the run first."""
    stream = Terminal()
    with telling(), Progress("steps", stream=stream) as progress:
        along = progress.along(t_max=100.0, loss_ratio=1e-4)
        for k, (time, loss) in enumerate([(0.0, 1.0), (1.0, 1.0), (25.0, 0.5), (30.0, 1e-2)]):
            along(time, loss, k, 0.5)
            clock[0] += 3.0
    states = [state.partition(":")[0] for state in stream.getvalue().split("\r\x1b[K")[1:-1]]
    assert states == [
        f"[{'':.<{BAR}}] 1 steps, about 5 min left",
        f"[{'#' * 6:.<{BAR}}] 2 steps, about 18 s left",
        f"[{'#' * 12:.<{BAR}}] 3 steps, about 9 s left",
    ]
    resumed = Progress("steps", stream=stream)
    along = resumed.along(steps=100)
    along(0.0, 1.0, 80, 1.0)
    clock[0] += 10.0
    along(0.0, 1.0, 90, 1.0)
    assert resumed.text(10.0, share=0.9) == f"[{'#' * 22:.<{BAR}}] 90 steps, about 10 s left"


def test_a_closed_terminal_ends_no_run(clock):
    class Closed(Terminal):
        def write(self, _):
            raise OSError("gone")

    with telling():
        work(clock, Closed(), 10)


def test_quiet_is_an_option_of_every_command_and_ends_with_it(capsys):
    def command(argv):
        options = Parser(prog="linrate", example="none").parse_args(argv)
        assert options.quiet is ("--quiet" in argv)
        announce("compiling ...")
        print("the answer")
        return HOLDS

    for arguments, expected in (([], "  compiling ...\n"), (["--quiet"], ""), ([], "  compiling ...\n")):
        assert run(command, arguments) == HOLDS
        shown = capsys.readouterr()
        assert (shown.out, shown.err) == ("the answer\n", expected)
    announce("outside of a command")
    assert capsys.readouterr().err == ""


@pytest.fixture
def said(monkeypatch):
    """What is counted, how much of it is done, in words and as a share, each time that something is said."""
    calls = []

    def say(self, doing="", share=None):
        calls.append((self.what, self.done, self.total, doing, share))

    monkeypatch.setattr(Progress, "say", say)
    return calls


def test_a_guarantee_tells_which_method_it_is_at(said):
    bounds.guarantee(bounds.Problem(*load_builtin("reference", n=2, d=4)))
    names = [method.name for method in proved_methods()]
    assert [doing for _, _, _, doing, _ in said[::2]] == names  # as it begins; and once more at its end
    assert said[-1][:3] == ("methods", len(names), len(names))


@pytest.mark.parametrize("question", ["smallest_delta", "largest_n", "smallest_lambda_min"])
def test_an_inverse_question_counts_its_guarantees(said, question):
    problem = bounds.Problem(*load_builtin("reference", n=5, d=20))
    width = bounds.guarantee(problem, method="slopes").width
    said.clear()
    getattr(bounds, question)(problem, width, method="slopes")
    assert [done for _, done, _, _, _ in said] == list(range(1, len(said) + 1))
    assert all(what.startswith("guarantees, for the ") and done <= total for what, done, total, _, _ in said)


def test_the_flow_of_an_erratum_tells_how_far_it_is(said):
    flow = Flow(np.zeros(1), np.ones(2), matrix(np.eye(1)), np.tanh, tanh_slope)
    flow.run(np.array([[1.0], [2.0]]), [3.0])
    shares = [share for _, _, _, _, share in said]
    assert shares[0] == 0
    assert 0.9 < max(shares) <= 1
    assert {doing for _, _, _, doing, _ in said} == {"flow to t = 3"}


def test_all_errata_in_a_table_are_told_one_by_one(said, monkeypatch, capsys):
    monkeypatch.setattr("bounds.commands.errata.errata", lambda: ERRATA[1:3])
    assert run(main, ["errata", "--markdown"]) == HOLDS
    assert [(what, done, doing) for what, done, _, doing, _ in said] == [
        ("errata", 0, "E2"),
        ("errata", 1, "E2"),
        ("errata", 1, "E3"),
        ("errata", 2, "E3"),
    ]
    assert "E3" in capsys.readouterr().out


def test_a_path_that_is_followed_tells_how_far_it_is(monkeypatch):
    told = []
    monkeypatch.setattr(Progress, "say", lambda self, doing="", share=None: told.append((doing, share)))
    problem = bounds.Problem(*load_builtin("experiment-1", n=4, d=20))
    start = simulate.sample_network(problem, width=64, scale=1.0, seed=0)
    found = bounds.certify(problem, start.H, signs=start.signs, method="shadowing")
    shares = [share for _, share in told if share is not None]
    assert found.holds
    assert len(shares) > 2
    assert 0 <= min(shares) < 0.2
    assert 0.5 < max(shares) <= 1
    assert all("certified below 1" in doing for doing, _ in told)
