"""The gap report: its columns, its rows, and that an interruption leaves no half row."""

import csv
import io
import json
import os
import signal
import time

import numpy as np
import pandas as pd
import pytest

import bounds
import simulate
from bounds.command_line import run
from bounds.data.datasets import load_builtin, load_test
from bounds.data.files import write_atomically
from reports.console import main
from tests.commands import started
from verify.report_rows import COLUMNS


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """gaps on a user's own CSV, once."""
    folder = tmp_path_factory.mktemp("gaps")
    rng = np.random.default_rng(4)
    data = pd.DataFrame(rng.standard_normal((5, 9)), columns=[f"x{k}" for k in range(8)] + ["height"])
    data = data[["height", *[c for c in data if c != "height"]]]
    data.to_csv(folder / "own.csv", index=False)
    out = folder / "new" / "gaps.csv"
    code = run(main, ["gaps", "--data", str(folder / "own.csv"), "--target", "height", "--t-max", "20", "--width", "64",
                      "--out", str(out)])  # fmt: skip
    assert code == 0
    return pd.read_csv(out)


def test_columns_and_rows(report):
    assert list(report.columns) == list(COLUMNS)
    assert (report["n"] == 5).all()
    assert (report["d"] == 8).all()
    claims = {"equation-14", "pl", "lemma-1", "smooth-lemma-1", "rate", "theorem-1", "movement-lower", "movement-upper"}
    assert claims <= set(report["claim"])
    assert report["proved"].dropna().all()
    assert set(report["verdict"]) <= {"HOLDS", "REFUTED", "UNDECIDED"}
    assert report["linrate"].notna().all()
    assert report["torch"].notna().all()


def test_gaps_are_on_the_right_side_of_one(report):
    tested = report[(report["trials"] != 0) & (report["verdict"] == "HOLDS")]
    assert (tested[tested["side"] == "upper"]["gap"] >= 1 - 1e-9).all()
    assert (tested[tested["side"] == "lower"]["gap"] <= 1 + 1e-9).all()
    recomputed = tested["theory"] / tested["measured"]
    np.testing.assert_allclose(tested["gap"], recomputed, rtol=1e-12)


def test_the_verdicts_asked_for_are_there(report):
    for claim in ("lemma-1", "pl", "rate"):
        mine = report[(report["claim"] == claim) & ~report["vacuous"].astype(bool)]
        assert (mine["verdict"] == "HOLDS").all()
        assert len(mine)
    trials = report[report["trials"] > 0]
    assert (trials["failures"] == 0).all()


def test_constants_are_those_of_the_calculator(report):
    asked = report[(report["quantity"] == "required width") & (report["method"] == "slopes")]
    assert set(asked["init"]) == {"independent", "antisymmetric"}
    assert (asked["theory"] == asked["width"]).all()


def test_atomic_write_keeps_the_old_file_when_it_fails(tmp_path):
    file = tmp_path / "report.csv"
    write_atomically(file, "old\n")
    with pytest.raises(AttributeError):
        write_atomically(file, None)
    assert file.read_text() == "old\n"
    assert [p.name for p in tmp_path.iterdir()] == ["report.csv"]


def test_interrupted_report_holds_whole_rows(tmp_path):
    """SIGINT while trials run: exit code 130, and the rows so far, each complete."""
    out = tmp_path / "gaps.csv"
    command = ["reports", "gaps", "--builtin", "diabetes", "--trials", "100000", "--out", out]
    with started(*command, told="stderr", fresh=False) as process:
        lines = [process.told.readline() for _ in range(4)]  # four stages done, the trials have begun
        time.sleep(0.5)
        os.kill(process.pid, signal.SIGINT)
        process.wait(120)
        rest = process.told.read()
    assert process.code == 130, (lines, rest)
    rows = pd.read_csv(out)
    assert len(rows) > 20
    assert rows["commit"].notna().all()


def test_flow_writes_its_observables_and_a_state_that_certifies(tmp_path, capsys):
    csv, state = tmp_path / "run.csv", tmp_path / "state.npz"
    arguments = ["flow", "--builtin", "reference", "--width", "1100", "--scale", "12", "--init", "antisymmetric"]
    assert run(main, [*arguments, "--out", str(csv), "--state-out", str(state)]) == 0
    assert "LOSS_REACHED" in capsys.readouterr().out
    frame = pd.read_csv(csv)
    assert frame["loss"].is_monotonic_decreasing
    assert run(main, ["certify", str(state)]) == 0
    assert "holds           True" in capsys.readouterr().out
    assert run(main, ["certify", str(state), "--activation", "relu"]) == 2  # the state knows its activation
    assert "contradicts" in capsys.readouterr().err


def test_a_state_remembers_its_embedding(tmp_path, capsys):
    state = tmp_path / "state.npz"
    arguments = ["flow", "--builtin", "experiment-1", "--n", "4", "--embedding", "quadratic", "--width", "200"]
    network = ["--scale", "2000", "--init", "antisymmetric", "--t-max", "1e-6", "--state-out", str(state)]
    assert run(main, [*arguments, *network]) == 0
    capsys.readouterr()
    run(main, ["certify", str(state), "--json"])
    shown = json.loads(capsys.readouterr().out)
    with np.load(state) as saved:
        problem = bounds.Problem(saved["X"], saved["y"], embedding=bounds.Quadratic())
        c = bounds.certify(problem, saved["H"], signs=saved["signs"])
    assert shown["rate"] == c.rate


def test_descent_command(capsys):
    assert run(main, ["descent", "--builtin", "experiment-1", "--width", "64", "--steps", "50"]) == 0
    assert "STEPS_DONE" in capsys.readouterr().out


def test_descent_by_a_rule_with_test_points(tmp_path, capsys):
    """It stops at the loss ratio, and the error on the test points is that of the function."""
    problem = ["--builtin", "experiment-2", "--n", "20", "--d", "30", "--activation", "relu"]
    asked = ["--width", "64", "--step", "residual", "--loss-ratio", "0.01", "--test-points", "7"]
    assert run(main, ["descent", *problem, *asked, "--out", str(tmp_path / "run.csv")]) == 0
    shown = capsys.readouterr().out
    assert "LOSS_REACHED" in shown
    X, y = load_test("experiment-2", k=7, d=30)
    train = bounds.Problem(*load_builtin("experiment-2", n=20, d=30), activation="relu")
    same = simulate.gradient_descent(train, width=64, step="residual", loss_ratio=0.01, save_every=100, X_test=X)
    assert f"-> {np.mean(np.square(same.test_output[-1] - y)):.6g} (mean of (f - y)^2 on 7 points)" in shown
    with open(tmp_path / "run.csv") as stream:
        assert float(list(csv.DictReader(stream))[-1]["test_output_6"]) == same.test_output[-1, 6]


def test_test_points_from_a_file_are_read_and_scaled_as_the_data_are(tmp_path, capsys):
    X, y = load_builtin("reference", n=4, d=6)
    X_test, y_test = load_test("reference", k=3, d=6)
    for name, points in (("train", np.c_[3 * X, y]), ("test", np.c_[3 * X_test, y_test])):
        np.savetxt(tmp_path / f"{name}.csv", points, delimiter=",", header="a,b,c,d,e,f,y", comments="", fmt="%.17g")
    arguments = ["flow", "--data", str(tmp_path / "train.csv"), "--scale-columns", "--width", "32", "--t-max", "1"]
    assert run(main, [*arguments, "--test", str(tmp_path / "test.csv"), "--rtol", "1e-3"]) == 0
    shown = capsys.readouterr().out
    sizes = np.sqrt(np.mean(np.square(X), axis=0))
    same = simulate.gradient_flow(
        bounds.Problem(X / sizes, y), width=32, t_max=1.0, rtol=1e-3, X_test=X_test / sizes, save_at=[0.0, 1.0]
    )
    expected = np.mean(np.square(same.test_output[-1] - y_test))
    assert float(shown.partition("test ")[2].split()[2]) == pytest.approx(expected, rel=1e-2)
    for wrong, words in (
        (["--test-points", "3"], "Name a file with --test"),
        (["--test", "missing.csv"], "missing.csv"),
        (["--test", "y.npy"], "not .npy"),
    ):
        assert run(main, [*arguments, *wrong]) == 2
        assert words in capsys.readouterr().err


def test_tables_on_the_command_line(capsys):
    assert run(main, ["table", "--builtin", "diabetes", "--activation", "relu"]) == 0
    shown = capsys.readouterr().out
    assert "envelope" in shown
    assert "kink" in shown
    assert run(main, ["width", "--n", "10", "--d", "100", "--init", "antisymmetric"]) == 0
    shown = capsys.readouterr().out
    g = bounds.guarantee(bounds.Problem(*bounds_data()), init="antisymmetric")
    assert f"width  {g.width}" in shown


def bounds_data():
    from bounds.data.datasets import load_builtin

    return load_builtin("reference", n=10, d=100)


def test_unnamed_columns_of_a_data_frame_are_a_header(tmp_path):
    from bounds.data.readers import load_file

    frame = pd.DataFrame(np.random.default_rng(0).standard_normal((3, 4)))
    frame.to_csv(tmp_path / "unnamed.csv", index=False)
    X, y = load_file(tmp_path / "unnamed.csv")
    assert X.shape == (3, 3)
    np.testing.assert_allclose(y, frame[3])


def test_every_reader_gives_the_same_data(tmp_path):
    from bounds.data.readers import load_file

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((4, 3)), rng.standard_normal(4)
    np.savez(tmp_path / "a.npz", X=X, y=y)
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "y.npy", y)
    table = np.column_stack([X, y])
    stream = io.StringIO()
    np.savetxt(stream, table, delimiter=",", fmt="%.17g")
    (tmp_path / "b.csv").write_text(stream.getvalue())
    for name, target in (("a.npz", None), ("b.csv", None), ("X.npy", str(tmp_path / "y.npy"))):
        X2, y2 = load_file(tmp_path / name, target)
        np.testing.assert_array_equal(X2, X)
        np.testing.assert_array_equal(y2, y)


def test_an_undrawn_embedding_is_refused_at_once(tmp_path, capsys):
    arguments = ["gaps", "--builtin", "experiment-1", "--embedding", "random-features:depth=1", "--out"]
    started = time.perf_counter()
    assert run(main, [*arguments, str(tmp_path / "gaps.csv")]) == 2
    assert "must be drawn" in capsys.readouterr().err
    assert time.perf_counter() - started < 30
    assert not (tmp_path / "gaps.csv").exists()
