"""linrate slack: the bisection, the promise that a network must keep, and the table."""

import csv
import math
import re

import pytest

import bounds
from bounds.cells import progress as cell_progress
from bounds.cells.progress import CellProgress
from bounds.command_line import run as run_command
from bounds.data.datasets import load_builtin
from reports import slack
from reports.console import main


def test_bisection_finds_the_threshold():
    for threshold in (2, 17, 64):
        assert slack.bisect(lambda k, least=threshold: k >= least, 1, 64) == (threshold, "threshold")
    assert slack.bisect(lambda k: True, 1, 64) == (1, "at most")
    assert slack.bisect(lambda k: False, 1, 64) == (None, "none")


@pytest.fixture(scope="module")
def reference_problem():
    return bounds.Problem(*load_builtin("reference"))


def test_the_rate_is_that_of_the_slowest_network(reference_problem):
    """In the regime: between the promise and the fastest possible rate. Zero where a target is out of reach."""
    g = bounds.guarantee(reference_problem, method="slopes", init="antisymmetric")
    trial = slack.Trial(reference_problem, g.init, trials=2, seed=0, slowest=g.rate / g.scale**2)
    fastest = 2 * g.scale**2 * float(reference_problem.spectrum.lmax_ceiling)
    assert g.rate < trial.rate(g.width, g.scale) < fastest
    alone = [slack.Trial(reference_problem, g.init, 1, seed, trial.slowest).rate(64, g.scale) for seed in (0, 1)]
    assert trial.rate(64, g.scale) == min(alone)
    assert trial.rate(64, 0.1) == 0.0  # |f| < 0.1 < max |y|


def test_the_networks_that_are_tried_are_told(monkeypatch):
    monkeypatch.setattr(slack, "METHODS", ("slopes", "printed"))
    monkeypatch.setattr(slack, "INITS", ("antisymmetric",))
    monkeypatch.setattr(slack, "WIDTH", 32)
    monkeypatch.setattr(slack, "DEEPEST", 3)
    monkeypatch.setattr(cell_progress, "EVERY", 0.0)
    lines: list[str] = []
    progress = CellProgress(write=lines.append, what="problems")
    for _, rows in slack.slack_rows(trials=1, activations=("tanh",), progress=progress):
        assert len(rows) == 6
    assert lines[0] == "[....................] 0/1 problems"
    assert re.fullmatch(r"\[\.{20}] 0/1 problems: tanh, antisymmetric, slopes, m = 32, scale \S+", lines[1])
    left = [line for line in lines if " left: tanh, antisymmetric, " in line]
    done = [f"[{'#' * (20 * quantities // 6):.<20}]" for quantities in (1, 3, 4)]  # the rate needs no further network
    assert list(dict.fromkeys(line[:22] for line in left)) == done


def test_the_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(slack, "ACTIVATIONS", ("tanh", "relu"))
    monkeypatch.setattr(slack, "METHODS", ("slopes", "printed"))
    monkeypatch.setattr(slack, "INITS", ("antisymmetric",))
    monkeypatch.setattr(slack, "WIDTH", 32)
    monkeypatch.setattr(slack, "DEEPEST", 3)
    out = tmp_path / "new" / "slack.csv"
    assert run_command(main, ["slack", "--trials", "1", "--out", str(out)]) == 0
    with out.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(r["activation"], r["method"]) for r in rows[::3]] == [
        ("tanh", "slopes"),
        ("tanh", "printed"),
        ("relu", "printed"),
    ]
    assert [r["quantity"] for r in rows[:3]] == ["width", "scale", "rate"]
    assert list(rows[0]) == list(slack.COLUMNS)
    for row in rows:
        assert row["proved"] == str(row["method"] != "printed")
        assert row["commit"]
        assert row["seed"] == "0"
        required, sufficient = float(row["required"]), float(row["sufficient"])
        slacks = sufficient / required if row["quantity"] == "rate" else required / sufficient
        assert math.isclose(float(row["slack"]), slacks, rel_tol=1e-12)
        assert float(row["slack"]) >= 1
    assert "(printed)" in capsys.readouterr().out
    assert run_command(main, ["slack", "--trials", "0", "--out", str(out)]) == 2
