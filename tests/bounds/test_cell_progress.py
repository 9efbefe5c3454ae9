"""The line that tells how many cells are done, on a terminal and in a log."""

from bounds.cells import progress
from bounds.cells.progress import CellProgress


def test_the_line_of_progress(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    lines: list[str] = []
    bar = CellProgress(write=lines.append)
    bar.begin(40)
    for _ in range(10):
        bar.known()
    for k in range(10):
        now[0] += 1.0
        bar.step(failed=k == 3)
    assert lines[-1] == "[##########..........] 20/40 cells, 1 failed, 1/s, about 20 s left"
    assert len(lines) == 11
    assert lines[0] == "[....................] 0/40 cells"  # at once: the first cell may take long
    for _ in range(20):
        bar.step()
    bar.end()
    assert lines[-2:] == ["[####################] 40/40 cells, 1 failed, 3/s, in about 10 s", "\n"]


def test_the_line_tells_how_much_of_a_cell_is_done(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    lines: list[str] = []
    bar = CellProgress(write=lines.append, what="problems")
    bar.begin(2)
    now[0] = 10.0
    bar.inside(0.5, "m = 64")
    assert lines[-1] == "[#####...............] 0/2 problems, about 30 s left: m = 64"
    now[0] = 20.0
    bar.step()
    assert lines[-1] == "[##########..........] 1/2 problems, 20 s each, about 20 s left"
    bar.clear()
    assert lines[-1] == ""
    bar.inside(0.25, "m = 8")  # too soon after the last line
    assert lines[-1] == ""


def test_a_line_is_no_longer_than_the_terminal(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "40")
    progress.to_terminal("x" * 100)
    assert capsys.readouterr().err == "\r\x1b[K" + "x" * 39


def test_in_a_log_there_is_a_line_now_and_then(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(progress.clock, "monotonic", lambda: now[0])
    for quiet, count in ((False, 7), (True, 0)):
        bar = CellProgress(quiet=quiet)
        bar.begin(300)
        for _ in range(300):
            now[0] += 1.0
            bar.step()
        bar.end()
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == count, lines
    assert "\x1b" not in "".join(lines)
