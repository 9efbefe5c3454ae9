"""The command line as a person meets it: width, digits, help, suggestions, colour, closing sentences."""

import json

import numpy as np
import pytest

import bounds
from bounds.command_line import run
from bounds.data.datasets import load_builtin
from bounds.text import coloured, paragraph
from reports.console import COMMANDS, main
from tests.commands import python_m

PIPED = ["width", "table", "covers --width 1000", "table --embedding random-features:depth=1"]


def told(capsys, *arguments, code=0):
    assert run(main, list(arguments)) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("command", PIPED)
def test_output_fits_80_columns(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = told(capsys, *command.split(), code=3 if command.endswith(" 1000") else 0)
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize("command", ["width", "table"])
def test_each_command_ends_with_a_sentence(command, capsys):
    last = told(capsys, *command.split()).rstrip().split("\n\n")[-1]
    assert last[0].isupper()
    assert last.endswith(".")


def test_all_digits_are_in_the_json(capsys):
    problem = bounds.Problem(*load_builtin("reference"), name="reference")
    g = bounds.guarantee(problem)
    assert json.loads(told(capsys, "width", "--json")) == json.loads(g.to_json())
    rows = {row["method"]: row for row in json.loads(told(capsys, "table", "--json"))}
    assert rows[g.method]["scale"] == g.scale
    assert rows["everywhere"]["width"] is None
    covered = json.loads(told(capsys, "covers", "--width", "1000", "--json", code=3))
    assert set(covered.values()) == {None}


def test_shown_numbers_are_on_the_safe_side(capsys):
    problem = bounds.Problem(*load_builtin("reference"))
    g = bounds.guarantee(problem)
    words = told(capsys, "width").split()
    scale, rate = (float(words[words.index(name) + 1]) for name in ("scale", "rate"))
    assert g.scale <= scale < 1.001 * g.scale
    assert 0.999 * g.rate < rate <= g.rate


def test_a_width_that_covers_nothing_names_the_initialisation_that_would(capsys):
    shown = " ".join(told(capsys, "covers", "--width", "1000", code=3).split())
    assert "Use --init antisymmetric." in shown
    problem = bounds.Problem(*load_builtin("reference"))
    assert bounds.guarantee(problem, init="antisymmetric").width <= 1000


def test_help_of_a_command(capsys):
    with_help = told(capsys, "help", "width")
    assert with_help == told(capsys, "width", "--help")
    assert told(capsys, "help") == told(capsys, "--help")
    assert set(COMMANDS) <= set(told(capsys, "help").split())


def test_verify_has_its_own_help(capsys):
    shown = told(capsys, "verify", "--help")
    assert "--claims" in shown
    assert "--columns" in shown
    assert "exit codes" in shown
    assert len(shown.splitlines()) < 100


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--verson"], "Did you mean --version?"),
        (["width", "--dleta", "0.1"], "Did you mean --delta"),
        (["flow", "--loss-ration=3"], "Did you mean --loss-ratio?"),
        (["gaps", "--xyzzy"], "unknown option --xyzzy. See linrate gaps --help."),
        (["width", "--method", "shadowing"], "certifies a network that is given"),
        (["width", "--method", "slops"], "Did you mean 'slopes'?"),
        (["help", "tabel"], "Did you mean 'table'?"),
        (["slack", "--activation", "tahn"], "Did you mean tanh?"),
    ],
)
def test_suggestions(arguments, hint, capsys):
    assert run(main, arguments) == 2
    assert hint in capsys.readouterr().err


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch):
    assert coloured("HOLDS", "green") == "HOLDS"  # captured output is no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert coloured("HOLDS", "green") == "\x1b[32mHOLDS\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert coloured("HOLDS", "green") == "HOLDS"


def test_lines_break_between_words_only():
    text = "a word-with-hyphens and an-extraordinarily-long-name-that-stays-whole"
    assert paragraph(text, "  ", "    ", 20).split() == text.split()
    assert paragraph("\x1b[2J", width=20) == "\\x1b[2J"


def test_more_points_than_columns_is_one_diagnosis_whose_remedies_work(tmp_path, capsys):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 6)), rng.uniform(-1, 1, 12)
    np.savez(tmp_path / "tall.npz", X=X, y=y)
    data = ["--data", str(tmp_path / "tall.npz"), "--activation", "relu"]
    for command in (["width"], ["table"], ["gaps", "--out", str(tmp_path / "gaps.csv")]):
        assert run(main, [*command, *data]) == 2
        message = capsys.readouterr().err
        assert message.count("lambda_min(G) > 0") == 1, message
        assert "n=12 > d=6" in message
        assert "--embedding quadratic" in message
        assert "keep at most 6" in message
    assert run(main, ["width", *data, "--embedding", "quadratic"]) == 0
    np.savez(tmp_path / "tall.npz", X=X[:6], y=y[:6])
    assert run(main, ["width", *data]) == 0


def test_a_remedy_that_fails_is_not_named():
    x = np.array(
        [[1.0, 2.0], [-1.0, -2.0], [0.5, 0.1]]
    )  # x and -x: the quadratic embedding maps them to the same point
    with pytest.raises(bounds.AssumptionError) as refused:
        bounds.guarantee(bounds.Problem(x, np.ones(3)))
    assert "Quadratic" not in str(refused.value)
    assert "RandomFeatures" in str(refused.value)
    features = bounds.Problem(x, np.ones(3), embedding=bounds.RandomFeatures(depth=1))
    assert bounds.guarantee(features).width > 0


def test_warnings_do_not_touch_the_output(tmp_path):
    file = tmp_path / "d.csv"
    file.write_text("id,a,b,y\n0,1,5000,1\n1,0.3,2000,1\n2,0.7,-3000,1\n")
    done = python_m("linrate", "width", "--data", file, "--json")
    json.loads(done.stdout)
    for words in ("counts the rows", "y is constant", "very different sizes"):
        assert words in done.stderr
