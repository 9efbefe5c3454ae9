"""A saved counterexample is data: it runs no file, writes none, and what is not as it must be is refused by name."""

import json
import subprocess
import sys

import numpy as np
import pytest

import bounds
from bounds.command_line import run as run_command
from reports.console import main
from verify import CLAIMS, conjecture
from verify.conjecture import fingerprint, load_conjectures
from verify.runs.regimes import plain_run
from verify.search import counterexample as counterexamples
from verify.search.counterexample import Source

QUIET = (
    "from verify import conjecture\n\n@conjecture\ndef quiet(run):\n"
    '    """No neuron moves by more than 0.01."""\n    return 0.01 - run.movement.max(axis=1)\n'
)


@pytest.fixture(scope="module")
def run():
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((3, 5)), rng.uniform(-1, 1, 3), name="\x1b[2Jdata")
    return plain_run(problem, width=4, scale=2.0, seed=0, t_max=1.0)


@pytest.fixture
def saved(tmp_path, run):
    return counterexamples.write(tmp_path, CLAIMS["pl"], run)


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(QUIET)
    return file


@pytest.fixture
def own(tmp_path, run, mine):
    (quiet,) = load_conjectures(mine)
    return counterexamples.write(tmp_path, quiet.as_claim(), run, conjectures=Source(mine.name, fingerprint(mine)))


def told(path):
    return json.loads(path.with_suffix(".json").read_text())


def edit(path, **changes):
    path.with_suffix(".json").write_text(json.dumps(told(path) | changes))


def test_only_the_file_that_is_given_is_run(own, mine, tmp_path, capsys):
    assert run_command(main, ["replay", str(own)]) == 2
    error = capsys.readouterr().err
    assert "--conjectures FILE" in error
    assert "'mine.py'" in error
    assert run_command(main, ["replay", str(own), "--conjectures", str(mine)]) == 1
    assert "note:" not in capsys.readouterr().out


@pytest.mark.parametrize("where", ["conjectures", "conjectures.file"])
def test_a_file_that_the_counterexample_names_is_never_run(own, tmp_path, where):
    """Neither as files of today name it nor as those of format 1 did."""
    trap = tmp_path / "trap.py"
    trap.write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\n" + QUIET)
    if where == "conjectures":
        edit(own, format=1, conjectures=str(trap))
    else:
        edit(own, conjectures={"file": str(trap), "sha256": fingerprint(trap)})
    assert run_command(main, ["replay", str(own)]) == 2
    assert not (tmp_path / "sprung").exists()


def test_bytecode_beside_the_file_is_not_run(mine, tmp_path):
    """A .pyc of other code with the right time and size."""
    import importlib.util
    import py_compile

    trap = tmp_path / "trap.py"
    trap.write_text(QUIET.replace("0.01 -", "9.99 -"))
    cached = importlib.util.cache_from_source(str(mine))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(trap), cfile=cached, dfile=str(mine), invalidation_mode=unchecked)
    (quiet,) = load_conjectures(mine)
    assert 0.01 in quiet.margin.__code__.co_consts


def test_another_file_is_told(own, mine, capsys):
    mine.write_text(QUIET + "# changed\n")
    assert run_command(main, ["replay", str(own), "--conjectures", str(mine)]) == 1
    assert "is not the file that this counterexample was saved with (mine.py, SHA-256" in capsys.readouterr().out


def test_the_hash_is_of_the_file_that_was_run(own, mine):
    assert told(own)["conjectures"] == {"file": "mine.py", "sha256": fingerprint(mine)}
    assert told(own)["format"] == 2


OPTIONS = {"t_max": 1.0, "rtol": 1e-4, "loss_ratio": 1e-8, "loss": "sum", "save_at": None}
WRONG = [
    ({"options": {**OPTIONS, "checkpoint": "important"}}, "options.checkpoint"),
    ({"options": {**OPTIONS, "resume": True}}, "options.resume"),
    ({"options": {**OPTIONS, "t_max": "1"}}, "options.t_max"),
    ({"options": {**OPTIONS, "t_max": float("nan")}}, "options.t_max"),
    ({"options": {**OPTIONS, "t_max": float("inf")}}, "options.t_max"),
    ({"options": {**OPTIONS, "t_max": True}}, "options.t_max"),
    ({"options": {**OPTIONS, "rtol": 10**400}}, "options.rtol"),
    ({"options": {**OPTIONS, "loss": "other"}}, "options.loss"),
    ({"options": {**OPTIONS, "loss": ["sum"]}}, "options.loss"),
    ({"options": {**OPTIONS, "save_at": [0.5, 0.5]}}, "options.save_at"),
    ({"options": {**OPTIONS, "save_at": [0.5, "x"]}}, "options.save_at[1]"),
    ({"options": {**OPTIONS, "save_at": [0.5, 2.0]}}, "options.save_at"),
    ({"options": {k: v for k, v in OPTIONS.items() if k != "rtol"}}, "options.rtol"),
    ({"options": {"step": 0.1, "steps": 2.5, "loss": "sum"}}, "options.steps"),
    ({"options": {"step": 0.0, "steps": 2, "loss": "sum"}}, "options.step"),
    ({"options": []}, "options"),
    ({"scaling": "theirs"}, "scaling"),
    ({"interval": [1.0]}, "interval"),
    ({"interval": [1.0, 0.0]}, "interval"),
    ({"interval": [float("nan"), 1.0]}, "interval"),
    ({"promise": {"delta": 0.5}}, "promise"),
    ({"promise": {"delta": 2, "method": "slopes", "init": "independent", "width": 1, "scale": 1, "rate": 1}}, "delta"),
    ({"seed": -1}, "seed"),
    ({"init": "mine"}, "init"),
    ({"margin": "none"}, "margin"),
    ({"claim": 5}, "claim"),
    ({"title": None}, "title"),
    ({"conjectures": {"file": "a.py", "sha256": "00"}}, "conjectures.sha256"),
    ({"conjectures": "a.py"}, "conjectures"),
    ({"versions": {"numpy": 2}}, "versions.numpy"),
    ({"format": "2"}, "format"),
    ({"format": 3}, "format 3"),
    ({"more": 1}, "'more'"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_what_is_not_as_it_must_be_is_refused(saved, changes, field):
    edit(saved, **changes)
    with pytest.raises(bounds.DataError) as refused:
        counterexamples.read(saved)
    assert field in str(refused.value)
    assert str(refused.value).isprintable()


def test_a_checkpoint_is_never_written(saved, tmp_path):
    victim = tmp_path / "important.txt"
    victim.write_text("keep")
    edit(saved, options={**OPTIONS, "checkpoint": str(victim)})
    assert run_command(main, ["replay", str(saved)]) == 2
    assert victim.read_text() == "keep"


@pytest.mark.parametrize("text", ["", "[]", "null", "[" * 10**5, "\xff", '{"format": 2}'])
def test_no_counterexample_at_all(saved, text):
    saved.with_suffix(".json").write_bytes(text.encode("latin-1"))
    with pytest.raises(bounds.DataError, match="no counterexample of linrate"):
        counterexamples.read(saved)


ARRAYS = [
    ({"H": np.ones((4, 2))}, "H"),
    ({"H": np.ones((5, 3))}, "H"),
    ({"H": np.full((4, 3), np.nan)}, "H"),
    ({"H": np.ones((4, 3)) * 1j}, "H"),
    ({"H": np.array([["a"] * 3] * 4)}, "H"),
    ({"y": np.ones((3, 1))}, "y"),
    ({"y": np.ones(0)}, "y"),
    ({"gram": np.ones((3, 2))}, "gram"),
    ({"gram": -np.eye(3)}, "Gram matrix must be positive semidefinite"),
    ({"signs": np.zeros(4)}, "signs"),
    ({"signs": np.array([1.0, 2.0, 1.0, 1.0])}, "signs"),
    ({"time": np.array([0.0, 0.0])}, "time"),
]


@pytest.mark.parametrize(("changes", "field"), ARRAYS)
def test_arrays_that_do_not_fit_are_refused(saved, changes, field):
    with np.load(saved) as stored:
        arrays = {name: stored[name] for name in stored.files}
    np.savez(saved, **(arrays | changes))
    with pytest.raises(bounds.DataError) as refused:
        counterexamples.read(saved)
    assert field in str(refused.value)


def test_text_of_a_file_does_not_reach_the_terminal_as_it_is(saved, own, mine, capsys):
    mine.write_text(QUIET.replace("No neuron", "\x1b]0;owned\x07No neuron"))
    for path, more in ((saved, []), (own, ["--conjectures", str(mine)])):
        run_command(main, ["replay", str(path), *more])
        shown = capsys.readouterr()
        assert "\\x1b[2Jdata" in shown.out
        assert all(line.isprintable() for line in (shown.out + shown.err).splitlines())


def test_names_make_no_paths(tmp_path, run):
    margin = conjecture(lambda run: -1.0)
    claim = margin.as_claim()
    object.__setattr__(claim, "id", "../../else where")
    assert counterexamples.write(tmp_path / "here", claim, run).parent == tmp_path / "here"


REPL = (
    "from verify import conjecture\n@conjecture(delta=.5)\ndef typed(run):\n    return run.loss\nprint(typed.where)\n"
)


@pytest.mark.parametrize("how", ["-c", "-"])
def test_a_conjecture_may_be_typed(how):
    """In python -c, on standard input, in a cell: no file holds its source."""
    command = [sys.executable, "-c", REPL] if how == "-c" else [sys.executable, "-"]
    done = subprocess.run(command, input="" if how == "-c" else REPL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() in ("<string>:2", "<stdin>:2")


def test_a_conjecture_in_a_cell_of_a_notebook():
    names = {}
    exec(compile(REPL.replace("print(typed.where)", ""), "<ipython-input-1>", "exec"), names)
    assert names["typed"].where == "<ipython-input-1>:2"
    assert conjecture(max).where == "unknown:0"


def test_the_mobility_of_a_trained_last_layer_is_kept(tmp_path):
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((3, 5)), rng.uniform(-1, 1, 3), last_layer=2.0)
    run = plain_run(problem, width=4, scale=2.0, seed=0, t_max=0.2)
    path = counterexamples.write(tmp_path, CLAIMS["pl"], run)
    again = counterexamples.read(path).make(1e-4)
    assert again.problem.last_layer == 2.0
    np.testing.assert_allclose(again.last_layer_movement[-1], run.last_layer_movement[-1], rtol=1e-6)
    edit(path, last_layer=-1.0)
    with pytest.raises(bounds.DataError, match="last_layer"):
        counterexamples.read(path)
