"""Users' conjectures: true ones hold, false ones are refuted, faulty ones are called so, all from the command line."""

import numpy as np
import pytest

import bounds
from tests.commands import python_m
from verify import FaultyConjecture, Verdict, conjecture
from verify.conjecture import load_conjectures
from verify.runs.regimes import plain_run

HEAD = "import numpy as np\nfrom verify import conjecture\n\n@conjecture{how}\ndef mine(run):\n    return {body}\n"


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4))
    return plain_run(problem, width=32, scale=2.0, seed=0, t_max=3.0)


def verdict(run, body):
    return conjecture(body).as_claim().verdict(run)


def test_verdicts(run):
    assert verdict(run, lambda r: 1.0 + 0 * r.loss) is Verdict.HOLDS
    assert verdict(run, lambda r: r.loss[-1] - r.loss) is Verdict.REFUTED
    assert verdict(run, lambda r: 5.0) is Verdict.HOLDS


def test_numerical_error_is_propagated(run):
    """A margin smaller than the error of the observable that it is made of decides nothing."""
    k, loss, error = 3, run.loss[3], run.error[3]
    assert error > 0
    hair = 0.3 * error
    assert verdict(run, lambda r: np.where(np.arange(len(r.time)) == k, r.loss - loss + hair, 1.0)) is Verdict.UNDECIDED
    assert verdict(run, lambda r: np.where(np.arange(len(r.time)) == k, r.loss - loss - hair, 1.0)) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (lambda r: 1 / 0, "ZeroDivisionError"),
        (lambda r: r.no_such_thing, "AttributeError"),
        (lambda r: r.loss * np.nan, "NaN at time 0"),
        (lambda r: r.loss[:2], "must return shape"),
        (lambda r: r.output, "must return shape"),
        (lambda r: np.array(["a"] * len(r.time)), "real numbers"),
        (lambda r: r.loss > 0, "real numbers"),
        (lambda r: None, "real numbers"),
    ],
)
def test_faulty_conjectures_name_their_line(run, body, message):
    with pytest.raises(FaultyConjecture, match=message) as caught:
        verdict(run, body)
    assert "test_conjectures.py:" in str(caught.value)


@pytest.mark.parametrize(("arguments", "message"), [({"delta": 2.0}, "delta"), ({"given": "theorem-9"}, "given")])
def test_bad_declarations(arguments, message):
    with pytest.raises(bounds.ArgumentError, match=message):
        conjecture(**arguments)


def pytest_verify(tmp_path, how, body, *arguments):
    file = tmp_path / "mine.py"
    file.write_text(HEAD.format(how=how, body=body))
    options = ["--quick", "--builtin", "diabetes", "--conjectures", file, *arguments]
    return python_m("pytest", "verify/", "-q", *options)


@pytest.mark.parametrize(
    ("how", "body", "code", "words"),
    [
        ("", "np.append(-np.diff(run.loss), 0.0)", 0, ["mine", "HOLDS"]),
        ("", "0.001 - run.movement.max(axis=1)", 1, ["REFUTED"]),
        ("", "run.loss * np.nan", 2, ["faulty conjecture", "mine.py:4", "NaN"]),
        ("", "run.nothing", 2, ["faulty conjecture", "AttributeError"]),
        ("(delta=0.3, given='theorem-1')", "run.loss[0] - run.loss", 0, ["HOLDS"]),
        ("(delta=0.3, given='theorem-1')", "run.loss - run.loss[0]", 1, ["REFUTED"]),
    ],
)
def test_on_the_command_line(tmp_path, how, body, code, words):
    done = pytest_verify(tmp_path, how, body)
    assert done.returncode == code, done.stdout
    for word in words:
        assert word in done.stdout


def test_bad_files(tmp_path):
    with pytest.raises(bounds.DataError, match="does not exist"):
        load_conjectures(tmp_path / "none.py")
    empty = tmp_path / "empty.py"
    empty.write_text("x = 1\n")
    with pytest.raises(bounds.ArgumentError, match="no function decorated"):
        load_conjectures(empty)
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    with pytest.raises(bounds.DataError, match="SyntaxError"):
        load_conjectures(broken)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "missing.csv"], ["'missing.csv' does not exist"]),
        (["--activation", "thanh"], ["Did you mean 'tanh'"]),
        (["--claims", "lemma1"], ["Did you mean 'lemma-1'"]),
        (["--claims", ""], ["claim"]),
        (["--alpha", "7"], ["--alpha"]),
        (["--report", "/proc/none/x.csv"], ["cannot be written"]),
        (["--builtin", "experiment-1", "--n", "40"], ["n=40 > d=20"]),
    ],
)
def test_bad_options_of_pytest_verify(arguments, words):
    done = python_m("pytest", "verify/", "-q", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    for word in words:
        assert word in done.stdout + done.stderr
