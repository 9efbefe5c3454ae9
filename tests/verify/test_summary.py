"""The table at the end of `pytest verify/`: groups, marks, totals, and lines that end between words."""

from bounds.command_line import run as run_command
from verify.cli import main as verify_main
from verify.session.summary import table

ROW = {
    "verdict": "HOLDS", "vacuous": False, "slack": 0.25, "quantity": "eta (active fraction)", "data": "reference",
    "activation": "tanh", "width": 8, "scale": 1.0, "init": "independent", "time_end": 3.0, "loss_ratio": 0.1,
    "status": "TIME_REACHED",
}  # fmt: skip


def lines(*changes, width=80):
    return table([{**ROW, **change} for change in changes], width)


def test_groups_totals_and_marks():
    shown = lines(
        {"claim": "pl"},
        {"claim": "rate", "verdict": "REFUTED", "slack": -0.5},
        {"claim": "printed-e1", "verdict": "REFUTED", "slack": -1.0},
        {"claim": "printed-e2"},
        {"claim": "slopes-free-of-n", "verdict": "UNDECIDED"},
        {"claim": "mine"},
    )
    headings = [line for line in shown if "(" in line and line.split(" (")[0][0].islower() and ": " in line]
    assert [line.rpartition(" ")[2] for line in headings if line[0] != "!"][:3] == ["(2)", "(2)", "(1)"]
    assert "your conjectures (1)" in shown
    assert sorted(line.split()[1] for line in shown if line.startswith("! ")) == ["printed-e2", "rate"]
    assert shown[-1] == "6 claims: 3 HOLDS, 2 REFUTED, 1 UNDECIDED; 2 unexpected, marked !."


def test_no_line_is_wider_than_the_terminal_or_breaks_a_word():
    row = {"claim": "pl", "open": "the search was stopped before it had tried enough " * 3}
    words = {word for line in lines(row, width=400) for word in line.split()}
    for width in (80, 100):
        for line in lines(row, width=width):
            assert len(line) <= width
            assert set(line.removesuffix("...").split()) <= words


def test_processes_without_what_starts_them(monkeypatch, capsys):
    monkeypatch.setattr("verify.cli.importlib.util.find_spec", lambda name: None)
    assert run_command(verify_main, ["verify", "--quick", "-n", "2"]) == 2
    assert "pip install pytest-xdist" in capsys.readouterr().err
