"""Files that somebody else wrote: bombs, pipes and arrays that are not what they should be end in a DataError."""

import io
import os
import struct
import zipfile

import numpy as np
import pytest

import bounds
import simulate
from bounds.command_line import run
from bounds.data.archives import Field, read_archive
from bounds.data.files import LIMIT, size_limit
from bounds.data.readers import load_file
from bounds.data.state import read_state
from reports.console import main
from simulate.checkpoint import Interrupted
from simulate.solve.saved_fields import FORMAT

STATE = {
    "X": np.eye(3, 4),
    "y": np.ones(3),
    "H": np.arange(15.0).reshape(5, 3),
    "signs": np.array([1.0, -1.0, 1.0, 1.0, -1.0]),
}
FLOW = {"width": 40, "scale": 3.0, "t_max": 2.0, "X_test": np.ones((2, 6))}
STAGED = {"integrator": "exponential", "rtol": 1e-6, "save_at": [0.0, 0.02, 0.05], "t_max": 0.05, "max_steps": 9}
DESCENT = {"width": 40, "scale": 3.0, "step": 0.1, "steps": 60, "save_every": 7}


def head_only(shape, dtype="<f8"):
    """A .npy member that claims a shape and holds nothing."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                stream = io.BytesIO()
                np.save(stream, content)
                content = stream.getvalue()
            made.writestr(f"{name}.npy", content)
    return path


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    """A megabyte of zeros in a kilobyte, under a limit of half a megabyte; the message tells how to change that."""
    zeros = archive(tmp_path / "bomb.npz", {"X": np.zeros((1000, 125)), "y": np.zeros(1000)})
    assert zeros.stat().st_size < 10_000
    assert load_file(zeros)[0].shape == (1000, 125)
    monkeypatch.setenv(LIMIT, "0.0005")
    with pytest.raises(bounds.DataError, match=rf"takes 0\.001 GB unpacked; the limit is 0\.0005 GB.*{LIMIT}=1"):
        load_file(zeros)
    np.save(tmp_path / "X.npy", np.zeros((1000, 125)))
    np.save(tmp_path / "y.npy", np.zeros(1000))
    with pytest.raises(bounds.DataError, match="limit"):
        load_file(tmp_path / "X.npy", str(tmp_path / "y.npy"))
    (tmp_path / "wide.csv").write_text("1,2\n" * 10_000)
    with pytest.raises(bounds.DataError, match="limit"):
        load_file(tmp_path / "wide.csv")
    monkeypatch.setenv(LIMIT, "1")
    assert load_file(tmp_path / "wide.csv")[0].shape == (10_000, 1)


@pytest.mark.parametrize("text", ["many", "1e999", "nan"])
def test_the_limit_must_be_a_number(monkeypatch, text):
    monkeypatch.setenv(LIMIT, text)
    with pytest.raises(bounds.ArgumentError, match=f"{LIMIT} must be a number of gigabytes"):
        size_limit()


def test_a_head_that_claims_more_than_there_is(tmp_path):
    """numpy would allocate 8e15 bytes."""
    for shape in ("(1000000000000000,)", "(10, 10)", "(-1,)", "(True,)", "(2.0,)"):
        file = archive(tmp_path / "claims.npz", {"X": head_only(shape), "y": np.ones(3)})
        with pytest.raises(bounds.DataError, match=r"array 'X'|cannot be read"):
            load_file(file)
    (tmp_path / "X.npy").write_bytes(head_only("(1000000000000000, 2)"))
    np.save(tmp_path / "y.npy", np.ones(3))
    with pytest.raises(bounds.DataError, match=r"X\.npy"):
        load_file(tmp_path / "X.npy", str(tmp_path / "y.npy"))


@pytest.mark.parametrize("dtype", ["|O", "<c16", "<M8[s]", "<U5", "[('a', '<f8')]"])
def test_only_real_numbers_are_data(tmp_path, dtype):
    file = tmp_path / "data.npz"
    if dtype == "|O":
        np.savez(file, X=np.array([[1.0, None]], dtype=object), y=np.ones(1))
    elif dtype.startswith("["):
        np.savez(file, X=np.zeros((1, 2), dtype=[("a", "<f8")]), y=np.ones(1))
    else:
        np.savez(file, X=np.zeros((1, 2), dtype=dtype), y=np.ones(1))
    with pytest.raises(bounds.DataError, match="'X' must hold numbers only"):
        load_file(file)


def test_pipes_and_devices_are_no_input(tmp_path, capsys):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "endless.csv").symlink_to("/dev/zero")
    (tmp_path / "endless.npz").symlink_to("/dev/urandom")
    for name in ("pipe.csv", "endless.csv", "endless.npz"):
        assert run(main, ["width", "--data", str(tmp_path / name)]) == 2
    for name in ("pipe.csv", "endless.npz"):
        assert run(main, ["certify", str(tmp_path / name)]) == 2
        assert run(main, ["flow", "--resume", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("Name a file.") == 7


def test_parquet_is_checked_before_it_is_read(tmp_path, monkeypatch):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table({"a": np.zeros(10**6), "y": np.zeros(10**6)}), tmp_path / "runs.parquet")
    assert (tmp_path / "runs.parquet").stat().st_size < 10**5
    monkeypatch.setenv(LIMIT, "0.01")
    with pytest.raises(bounds.DataError, match="limit"):
        load_file(tmp_path / "runs.parquet")
    pq.write_table(pa.table({"a": ["x", "y"], "y": [1.0, 2.0]}), tmp_path / "text.parquet")
    with pytest.raises(bounds.DataError, match="not numeric"):
        load_file(tmp_path / "text.parquet")
    pq.write_table(pa.table({"a": [1.0, 2.0], "b": [1, 2], "y": [1.0, 2.0]}), tmp_path / "good.parquet")
    X, y = load_file(tmp_path / "good.parquet")
    np.testing.assert_array_equal(X, [[1.0, 1.0], [2.0, 2.0]])
    np.testing.assert_array_equal(y, [1.0, 2.0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"H": np.ones((5, 4))}, r"'H' must be of shape \(m, n\) with n = 3 as in 'X'. Found \(5, 4\)"),
        ({"H": np.ones(5)}, "'H' must be of shape"),
        ({"signs": np.ones(4)}, r"'signs' must be of shape \(m,\) with m = 5 as in 'H'"),
        ({"y": np.ones((3, 1))}, "'y' must be of shape"),
        ({"X": np.ones((3, 4), dtype=complex)}, "'X' must hold numbers only"),
        ({"H": np.full((5, 3), np.nan)}, r"'H' must be finite. Found nan at H\[0, 0\]"),
        ({"H": None}, "either H, .* or W, .*. It holds neither"),
        ({"W": np.ones((5, 4))}, "either H, .* or W, .*. It holds both"),
        ({"H": None, "W": np.ones(5)}, r"'W' must be of shape \(m, D\)"),
        ({"signs": None}, "must hold arrays.*Missing: .'signs'."),
        ({"extra": np.ones(2)}, "do not belong there: .'extra'."),
        ({"format": np.array(2)}, "is of format 2; this version reads 1"),
        ({"format": np.array(1.0)}, "'format' must hold int64"),
        ({"activation": np.array(["tanh", "relu"])}, "'activation' must hold one text"),
        ({"embedding": np.array(3.0)}, "'embedding' must hold one text"),
    ],
)
def test_states_are_checked(tmp_path, change, words):
    arrays = {name: array for name, array in {**STATE, **change}.items() if array is not None}
    np.savez(tmp_path / "state.npz", **arrays)
    with pytest.raises(bounds.DataError, match=words):
        read_state(tmp_path / "state.npz")


def test_a_state_by_hand_is_read(tmp_path):
    np.savez(tmp_path / "state.npz", **{**STATE, "H": np.arange(15).reshape(5, 3)})
    found = read_state(tmp_path / "state.npz")
    np.testing.assert_array_equal(found.H, STATE["H"])
    assert found.H.dtype == np.float64
    assert found.activation is None


def test_two_arrays_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "two.npz", "w") as made:
        made.writestr("X.npy", head_only("(0,)"))
        with pytest.warns(UserWarning, match="Duplicate"):
            made.writestr("X.npy", head_only("(0,)"))
    with pytest.raises(bounds.DataError, match="two arrays of one name"):
        read_archive(tmp_path / "two.npz", "file", {"X": Field("number")})


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """A flow and a descent that were stopped: (problem, run, options, file)."""
    folder = tmp_path_factory.mktemp("checkpoints")
    rng = np.random.default_rng(1)
    problem = bounds.Problem(rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4))
    relu = bounds.Problem(problem.X, problem.y, activation="relu")
    made = {}
    for name, mine, function, options in (
        ("flow", problem, simulate.gradient_flow, FLOW),
        ("relu", relu, simulate.gradient_flow, {**FLOW, **STAGED}),
        ("kinks", relu, simulate.gradient_flow, {**FLOW, "save_at": [0.0, 1.0, 2.0], "rtol": 1e-7}),
        ("descent", problem, simulate.gradient_descent, DESCENT),
    ):
        count = iter(range(10**6))

        def press(*_, count=count):
            if next(count) == 6:
                raise KeyboardInterrupt

        with pytest.raises(Interrupted):
            function(mine, checkpoint=folder / f"{name}.npz", progress=press, **options)
        made[name] = (mine, function, options, folder / f"{name}.npz")
    return made


def resumed(entry, arrays, file):
    problem, function, options, _ = entry
    np.savez(file, **arrays)
    return function(problem, checkpoint=file, resume=True, **options)


@pytest.mark.parametrize("which", ["flow", "relu", "kinks", "descent"])
def test_every_array_of_a_checkpoint_is_checked(checkpoints, tmp_path, which):
    """Missing, unknown, of another shape or dtype, or not finite: each is named; the right file resumes."""
    entry, file = checkpoints[which], tmp_path / "run.npz"
    with np.load(entry[3]) as stored:
        good = {name: stored[name] for name in stored.files}
    resumed(entry, good, file)
    assert len(good) > 25
    for k, (name, array) in enumerate(good.items()):
        others = {key: value for key, value in good.items() if key != name}
        changes = [others, {**good, name: np.stack([array, array])}, {**good, f"{name}.more": array}]
        if array.dtype.kind in "fi":
            changes += [{**good, name: array.astype(np.float32)}, {**good, name: array.astype(np.complex128)}]
        if array.dtype.kind == "f":
            bad = array.copy()
            bad[(-1,) * bad.ndim] = np.nan
            changes += [{**good, name: bad}, {**good, name: np.full_like(array, np.inf)}]
        for arrays in (changes[k % len(changes)], changes[(k + 3) % len(changes)]):  # two of them, in turn
            with pytest.raises(bounds.DataError, match=name.partition(".")[0]):
                resumed(entry, arrays, file)


@pytest.mark.parametrize(
    ("which", "name", "value"),
    [
        ("flow", "at.run", 1),
        ("flow", "at.time", -1.0),
        ("flow", "at.time", 3.0),
        ("flow", "at.tau", -1.0),
        ("flow", "at.steps", -5),
        ("flow", "at.steps", 10**9),
        ("relu", "at.saved", 7),
        ("flow", "owners", 3),
        ("flow", "format", FORMAT + 1),
        ("flow", "last.path_length", -1.0),
        ("flow", "coarse.behind", -1.0),
        ("descent", "done", 61),
        ("descent", "recorded", -2),
        ("descent", "recorded", 61),
        ("descent", "target", -1.0),
    ],
)
def test_numbers_that_no_run_leaves(checkpoints, tmp_path, which, name, value):
    with np.load(checkpoints[which][3]) as stored:
        arrays = {key: stored[key] for key in stored.files}
    arrays[name] = np.full_like(arrays[name], value)
    with pytest.raises(bounds.DataError, match=name):
        resumed(checkpoints[which], arrays, tmp_path / "run.npz")


@pytest.mark.parametrize("options", ["[1]", "3", "{", "[" * 20_000, "null", '"text"'])
def test_options_that_are_none(checkpoints, tmp_path, options):
    with np.load(checkpoints["flow"][3]) as stored:
        arrays = {key: stored[key] for key in stored.files}
    with pytest.raises(bounds.DataError, match="not a checkpoint of linrate"):
        resumed(checkpoints["flow"], {**arrays, "options": np.array(options)}, tmp_path / "run.npz")


def test_a_run_that_diverges_leaves_no_checkpoint_that_is_not_finite(small, tmp_path, monkeypatch):
    """The last one before stays, and resumes to the same end."""
    monkeypatch.setattr(simulate.checkpoint, "FIRST", np.inf)  # no checkpoint on the way, however slow the machine
    huge = {"width": 40, "scale": 1e10, "step": 1e150, "steps": 60}
    linear = bounds.Problem(small.X, small.y, activation="linear")
    run_ = simulate.gradient_descent(linear, checkpoint=tmp_path / "run.npz", **huge)
    assert run_.status is simulate.Status.DIVERGED
    assert not (tmp_path / "run.npz").exists()
