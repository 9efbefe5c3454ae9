"""`linrate reproduce`: everything in the registries is there, the page is up to date, and what differs is noticed."""

from pathlib import Path

import pytest

import bounds
import reports.reproduce as reproduce
from bounds.command_line import run
from reports.console import main
from reports.figures.command import FIGURES
from verify.claims import CLAIMS

ROOT = Path(__file__).resolve().parent.parent.parent


def test_everything_is_there_once():
    errata = [e.id for e in bounds.errata()]
    assert list(reproduce.items()) == [*CLAIMS, *errata, *(f"figure-{figure}" for figure in FIGURES)]
    expected = {item.id: item.expected for item in reproduce.items().values()}
    assert expected["pl"] == "HOLDS"
    assert expected["printed-e3"] == "REFUTED"
    assert expected["printed-e7"] == expected["width-free-of-n"] == "UNDECIDED"


def test_the_page_is_up_to_date(capsys):
    """Run `linrate reproduce --markdown > docs/reproduce.md` where this fails."""
    assert run(main, ["reproduce", "--markdown"]) == 0
    assert capsys.readouterr().out == (ROOT / "docs" / "reproduce.md").read_text(encoding="utf-8")


def test_what_was_measured_came_out_as_expected():
    items = reproduce.items()
    for name, row in reproduce.read_measured(reproduce.MEASURED).items():
        assert row["outcome"] == items[name].expected, name
        assert row["command"] == items[name].command
        assert float(row["cpu_seconds"]) > 0


def test_a_command_is_run_and_kept(tmp_path, capsys):
    """In a process of its own; and again into the same file, which keeps what it has."""
    out = tmp_path / "times.csv"
    assert run(main, ["reproduce", "--run", "E3", "--out", str(out)]) == 0
    assert "1 of 1 came out as expected" in capsys.readouterr().out
    assert list(reproduce.read_measured(out)) == ["E3"]


def test_another_outcome_is_refuted(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reproduce, "run", lambda item: {"id": item.id, "cpu_seconds": 1.0, "outcome": "REFUTED"})
    out = tmp_path / "times.csv"
    assert run(main, ["reproduce", "--run", "pl", "printed-e3", "--out", str(out)]) == 1
    shown = capsys.readouterr().out
    assert "expected: HOLDS" in shown
    assert "1 of 2 came out as expected" in shown
    assert list(reproduce.read_measured(out)) == ["pl", "printed-e3"]


@pytest.mark.parametrize(
    ("code", "report", "outcome"),
    [
        (0, "claim,verdict,vacuous,trials\nmine,REFUTED,False,3\n", "REFUTED"),
        (3, "claim,verdict,vacuous,trials\nmine,HOLDS,True,3\n", "UNDECIDED"),
        (70, None, "exit code 70"),
        (0, None, "exit code 0"),  # a session without a report decides nothing
    ],
)
def test_the_verdict_is_that_of_the_report(tmp_path, code, report, outcome):
    file = tmp_path / "report.csv"
    if report is not None:
        file.write_text(report)
    item = reproduce.Item("mine", "words", ("verify", "--claims", "mine"), "HOLDS")
    assert reproduce._outcome(item, code, file) == outcome


def test_an_erratum_counts_by_its_exit_code(tmp_path):
    item = reproduce.Item("E5", "words", ("errata", "E5"), reproduce.REFUTED_AND_REPAIRED)
    assert reproduce._outcome(item, 0, tmp_path / "none") == reproduce.REFUTED_AND_REPAIRED
    assert reproduce._outcome(item, 1, tmp_path / "none") == "exit code 1"


def test_bad_input(tmp_path, capsys):
    assert run(main, ["reproduce", "--run", "p1"]) == 2
    assert "pl" in capsys.readouterr().err
    assert run(main, ["reproduce", "--out", str(tmp_path / "times.csv")]) == 2
    (tmp_path / "no.csv").write_text("a,b\n1,2\n")
    assert run(main, ["reproduce", "--run", "E3", "--out", str(tmp_path / "no.csv")]) == 2
    assert "not a file of linrate reproduce" in capsys.readouterr().err
    assert (tmp_path / "no.csv").read_text() == "a,b\n1,2\n"
