"""linrate slack: the bisection, the promise that a network must keep, and the table."""

import csv
import math

import pytest

import bounds
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
