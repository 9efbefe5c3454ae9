"""Bad input: a typed error that names the argument or assumption, exit code 2, nothing overwritten."""

import numpy as np
import pytest

import bounds
from bounds.command_line import run
from reports.console import COMMANDS, main

GOOD = "a,b,c,y\n1,0,0.5,0.1\n0,1,0.2,-0.3\n0.3,0.1,1,0.2\n"


@pytest.fixture
def out(tmp_path):
    file = tmp_path / "old.csv"
    file.write_text("old\n")
    return file


def write(tmp_path, name, text):
    file = tmp_path / name
    file.write_text(text)
    return str(file)


def refuse(capsys, out, arguments, *words):
    """The command fails with exit code 2 and says these words; the old report is untouched."""
    assert run(main, [*arguments, "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert "Traceback" not in message
    for word in words:
        assert word in message, message
    assert out.read_text() == "old\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("nan.csv", GOOD.replace("0.5", "nan"), ["line 2", "column 'c'", "'nan'"]),
        ("infinite.csv", GOOD.replace("-0.3", "inf"), ["line 3", "column 'y'"]),
        ("words.csv", GOOD.replace("0.2,-0.3", "red,-0.3"), ["line 3", "column 'c'", "'red'"]),
        ("blank.csv", GOOD.replace("0.5", ""), ["line 2", "column 'c'", "''"]),
        ("empty.csv", "", ["empty"]),
        ("header.csv", "a,b,y\n", ["at least one row"]),
        ("one.csv", "1\n2\n", ["two columns"]),
        ("ragged.csv", "1,2\n3,4,5\n", ["cannot be read"]),
        ("same.csv", "1,2,3,0.1\n1,2,3,0.2\n", ["lambda_min", "rows 0 and 1 of X are equal"]),
        ("index.csv", ",a,b,y\n0,1.5,2,0.1\n1,3,1,0.2\n", ["row index", "index=False"]),
        ("gap.csv", "a,b,y\n\n1,2,0.1\n\n3,red,0.2\n", ["line 5", "column 'b'", "'red'"]),
        ("years.csv", "1995,1996,y\n1,2,3\n", ["line 1", "no name may be a number"]),
        ("wide.csv", "1,0.5\n2,0.1\n3,0.2\n", ["n=3 > d=1", "keep at most 1"]),
        ("zero.csv", "0,0,1\n0,0,2\n", ["Gram matrix is zero"]),
        ("data.txt", GOOD, [".csv", "'.txt'"]),
        ("fake.npz", "not an archive", ["cannot be read"]),
        ("fake.npy", "not an array", ["--target"]),
    ],
)
def test_bad_files(tmp_path, capsys, out, name, text, words):
    refuse(capsys, out, ["gaps", "--data", write(tmp_path, name, text)], *words)


def test_bad_archives(tmp_path, capsys, out):
    for arrays, words in (
        ({"A": np.ones(3)}, ["must hold arrays X, y"]),
        ({"X": np.ones((3, 4)), "y": np.ones(2)}, ["y must be of shape", "(2,)"]),
        ({"X": np.ones(3), "y": np.ones(3)}, ["two-dimensional", "(3,)"]),
        ({"X": np.array([["a", "b"]]), "y": np.ones(1)}, ["numbers only"]),
        ({"X": np.array([[1.0, np.nan]]), "y": np.ones(1)}, ["nan", "X[0, 1]"]),
        ({"X": np.array([[1.0, 2.0]]), "y": np.array([np.inf])}, ["inf", "y[0]"]),
        ({"X": np.ones((0, 4)), "y": np.ones(0)}, ["at least one row"]),
        ({"X": np.array([[1e200, 1e200]]), "y": np.ones(1)}, ["overflows", "Rescale"]),
    ):
        file = tmp_path / "data.npz"
        np.savez(file, **arrays)
        refuse(capsys, out, ["gaps", "--data", str(file)], *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "missing.csv"], ["'missing.csv' does not exist"]),
        (["--builtin", "digit"], ["Did you mean 'digits'"]),
        (["--builtin", "digits", "--n", "5000"], ["n must be at most"]),
        (["--builtin", "digits", "--d", "3"], ["d must be 64"]),
        (["--builtin", "reference", "--n", "0"], ["n must be at least 1"]),
        (["--builtin", "experiment-1", "--n", "40"], ["n=40 > d=20"]),
        (["--builtin", "digits", "--data", "x.csv"], ["not both"]),
        (["--builtin", "digits", "--target", "y"], ["--target names a column"]),
        (["--data", "x.csv", "--n", "5"], ["--n is for a built-in"]),
        (["--data", "x.csv", "--data-seed", "5"], ["--data-seed is for a built-in"]),
        (["--embedding", "random-features:dim=0"], ["dim must be"]),
        (["--embedding", "random-features:width=3"], ["unknown option", "depth"]),
        (["--activation", "cubic"], ["not Lipschitz"]),
        (["--activation", "thanh"], ["Did you mean 'tanh'"]),
        (["--embedding", "quadratik"], ["Did you mean 'quadratic'"]),
        (["--delta", "0"], ["delta must be in (0, 1)", "0.0"]),
        (["--delta", "1.5"], ["1.5"]),
        (["--scale", "0"], ["scale must be"]),
        (["--scale", "nan"], ["scale must be"]),
        (["--width", "0"], ["width must be a positive integer"]),
        (["--alpha", "2"], ["alpha"]),
        (["--trials", "0"], ["trials"]),
        (["--t-max", "-1"], ["t_max"]),
        (["--seed", "-1"], ["seed"]),
        (["--width", "many"], ["--width", "many"]),
        (["--no-such-option"], ["--no-such-option"]),
    ],
)
def test_bad_options(capsys, out, arguments, words):
    refuse(capsys, out, ["gaps", *arguments], *words)


def test_a_missing_column(tmp_path, capsys, out):
    refuse(capsys, out, ["gaps", "--data", write(tmp_path, "a.csv", GOOD), "--target", "z"], "no column 'z'")


def test_odd_antisymmetric_width(capsys, out):
    refuse(capsys, out, ["flow", "--width", "7", "--init", "antisymmetric"], "Use width=8")


def test_unwritable_output(tmp_path, capsys):
    for command in ("gaps", "flow"):
        assert run(main, [command, "--out", str(tmp_path)]) == 2
        assert "is a folder" in capsys.readouterr().err
        assert run(main, [command, "--out", "/proc/none/gaps.csv"]) == 2
        assert "cannot be written" in capsys.readouterr().err


def test_unknown_command(capsys):
    assert run(main, ["gap"]) == 2
    assert "Did you mean 'gaps'" in capsys.readouterr().err


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("verify", "claims")])
def test_every_command_has_help_with_an_example(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "example:" in shown
    assert "exit codes" in shown


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        ([[1.0, np.inf]], [1.0], bounds.DataError, r"X\[0, 1\]"),
        ([[1.0, 2.0]], [[1.0]], bounds.ArgumentError, "y must be one-dimensional"),
        ([["red", 1.0]], [1.0], bounds.DataError, "numbers only"),
        ([[1.0], [2.0, 3.0]], [1.0, 2.0], bounds.DataError, "X must hold numbers"),
        (np.ones((2, 0)), np.ones(2), bounds.ArgumentError, "at least one column"),
    ],
)
def test_problem_checks_its_data(X, y, error, message):
    with pytest.raises(error, match=message):
        bounds.Problem(X, y)


def test_problem_is_frozen_and_keeps_its_own_copy():
    X, y = np.eye(2), np.ones(2)
    problem = bounds.Problem(X, y)
    X[0, 0] = 99.0
    assert problem.X[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        problem.X[0, 0] = 2.0
    with pytest.raises(AttributeError):
        problem.y = y  # type: ignore[misc]


@pytest.mark.parametrize(
    ("G", "error", "message"),
    [
        (np.ones((2, 3)), bounds.ArgumentError, "square"),
        ([[1.0, 0.1], [0.2, 1.0]], bounds.ArgumentError, "symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], bounds.AssumptionError, "positive semidefinite"),
    ],
)
def test_gram_checks(G, error, message):
    with pytest.raises(error, match=message):
        bounds.Problem.from_gram(G, [1.0, 2.0])


def test_an_embedding_needs_gram():
    with pytest.raises(bounds.ArgumentError, match="gram"):
        bounds.Problem(np.eye(2), np.ones(2), embedding=object())
