"""The gap report over a grid: its file, its rows, what is kept, the summary and the ladder."""

import csv
import json

import numpy as np
import pytest

import bounds
import simulate
from bounds.command_line import run
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from reports import grid as report
from reports.cli import main
from reports.grid import COLUMNS, measured_rate, summary_rows
from reports.grid_file import EXAMPLE, grid_of, read_grid
from reports.ladder import ladder_rows

pytest.importorskip("yaml")
GRID = """\
builtin: reference
n: [3, 4]
d: 30
width: 256
scale: [1, 20]
method: [printed, slopes]
t_max: 100
"""


def test_the_example_is_a_grid(tmp_path):
    (tmp_path / "grid.yaml").write_text(EXAMPLE)
    grid = read_grid(tmp_path / "grid.yaml")
    assert len(grid.points) == 2 * 2 * 2 * 2 * 2 * 2 * 2 * 2 * 3
    assert grid.methods == ("printed", "repaired", "slopes", "kernel")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("n: [10", "cannot be read as YAML"),
        ("- 3", "must hold lines such as"),
        ("widht: 3", "Did you mean 'width'"),
        ("n: ten", "n must be a positive integer"),
        ("n: [[1, 2]]", "a value or a list of values"),
        ("n: []", "must not be an empty list"),
        ("scale: -1", "scale must be a positive"),
        ("last_layer: -1", "last_layer must be the mobility"),
        ("activation: tanhh", "Did you mean 'tanh'"),
        ("method: slope", "Did you mean 'slopes'"),
        ("n: !!python/object/apply:os.system ['touch here']", "cannot be read as YAML"),
        (
            "seed: [" + ", ".join(map(str, range(400))) + "]\nn: [" + ", ".join(map(str, range(1, 300))) + "]",
            "Split it",
        ),
        ("seed: " + "9" * 100_001, "longer than"),
    ],
)
def test_a_file_that_is_no_grid(tmp_path, capsys, text, message):
    (tmp_path / "grid.yaml").write_text(text)
    assert run(main, ["gaps", "--grid", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "gaps.csv")]) == 2
    assert message in capsys.readouterr().err
    assert [f.name for f in tmp_path.iterdir()] == ["grid.yaml"]


def test_biases_and_a_trained_last_layer_in_a_grid():
    """What is trained is part of the problem of each point: another scale is asked for, another run is measured."""
    grid = grid_of(
        {
            "n": 3,
            "d": 30,
            "width": 32,
            "t_max": 1.0,
            "method": "slopes",
            "last_layer": [0, 4.0],
            "embedding": ["identity", "identity+bias=1.0", "identity+fixed-bias=1.0"],
        }
    )
    found = {}
    for point in grid.points:
        for row in report.point_rows(point, grid.methods):
            if row["quantity"] == "scale":
                problem = bounds.Problem(
                    *load_builtin("reference", n=3, d=30),
                    embedding=get_embedding(point.embedding),
                    last_layer=point.last_layer,
                )
                asked = bounds.guarantee(problem, method="slopes", init="antisymmetric")
                assert row["theory"] == asked.scale
                found[row["embedding"], row["last_layer"]] = (row["theory"], row["loss_ratio"])
    assert len(set(found.values())) == 6


def test_options_that_do_not_go_together(tmp_path, capsys):
    assert run(main, ["gaps", "--grid", "x", "--builtin", "digits", "--out", str(tmp_path / "x.csv")]) == 2
    assert "not both" in capsys.readouterr().err
    assert run(main, ["gaps", "--resume", "x", "--out", str(tmp_path / "x.csv")]) == 2
    assert "Leave it out" in capsys.readouterr().err


def test_the_report_over_a_grid(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    parquet = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "grid.yaml").write_text(GRID)
    command = ["gaps", "--grid", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "gaps.csv")]
    assert run(main, command) == 0
    with (tmp_path / "gaps.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 2 * 2 * 2 * 4
    for row in rows:
        if row["gap"]:
            assert float(row["gap"]) == pytest.approx(float(row["theory"]) / float(row["measured"]))
        if row["source"] == "certificate" and row["applies"] == "True" and row["quantity"] == "rate":
            assert 0 < float(row["gap"]) <= 1  # a lower bound of the rate
        if row["source"] == "certificate" and row["applies"] == "True" and row["quantity"] == "movement":
            assert float(row["gap"]) >= 1  # an upper bound of the movement
    certified = {row["scale"] for row in rows if row["quantity"] == "rate" and row["applies"] == "True"}
    assert certified == {"20.0"}
    assert parquet.read_table(tmp_path / "gaps.parquet").num_rows == len(rows)
    assert {f"gaps-ladder.{kind}" for kind in ("csv", "png", "svg")} <= {f.name for f in tmp_path.iterdir()}
    with (tmp_path / "gaps-summary.csv").open() as lines:
        summary = {(row["method"], row["quantity"]): row for row in csv.DictReader(lines)}
    assert summary["slopes", "rate"]["applies"] == "2"
    # Again: nothing is run.
    monkeypatch.setattr(report, "point_rows", None)
    before = (tmp_path / "gaps.csv").read_bytes()
    assert run(main, command) == 0
    assert (tmp_path / "gaps.csv").read_bytes() == before
    (kept,) = tmp_path.glob("gaps-cells-*")
    manifest = json.loads((kept / "manifest.json").read_text())
    assert manifest["grid"]["scale"] == [1, 20]
    (kept / "manifest.json").write_text(json.dumps({**manifest, "commit": "of another day"}))
    capsys.readouterr()
    assert run(main, command) == 2
    assert "commit 'of another day', not" in capsys.readouterr().err
    assert run(main, [*command, "--resume", str(tmp_path / "new"), "--quiet"]) == 0  # the way out that is named
    assert "4 of 4 points failed" in capsys.readouterr().out


def test_a_point_that_fails_is_a_row(tmp_path):
    (tmp_path / "grid.yaml").write_text("builtin: digits\nn: [400, 3]\nd: 64\nwidth: 16\nmethod: slopes\nt_max: 1")
    found = list(report.grid_rows(read_grid(tmp_path / "grid.yaml"), directory=tmp_path / "cells"))
    assert [rows[0]["status"] for _, rows in found] == ["FAILED", "TIME_REACHED"]
    assert "at most 360" in found[0][1][0]["detail"]


def test_the_measured_rate_is_the_largest_that_is_true():
    X, y = load_builtin("reference", n=3, d=20)
    run = simulate.gradient_flow(bounds.Problem(X, y), width=64, scale=5.0)
    rate = measured_rate(run)
    certain = run.loss > 10 * run.error
    assert np.all(run.loss[certain] <= run.loss[0] * np.exp(-rate * run.time[certain]) * (1 + 1e-9))
    assert np.any(run.loss[certain][1:] > run.loss[0] * np.exp(-1.001 * rate * run.time[certain][1:]))


def test_the_summary_counts_what_applies():
    common = {"method": "slopes", "quantity": "rate"}
    rows = [{**common, "gap": gap, "applies": gap is not None} for gap in (0.5, 0.25, None)]
    (first, *_) = [row for row in summary_rows(rows) if row["quantity"] == "rate"]
    assert first == {**common, "points": 3, "applies": 2, "gap_median": 0.375, "gap_least": 0.25, "gap_largest": 0.5}


def test_the_ladder_ends_in_a_certificate(small):
    rows = ladder_rows(small, delta=0.05, width=256, seed=0)
    assert rows[-1]["method"] == "certificate"
    assert rows[-1]["scale"] <= min(row["scale"] for row in rows if row["proved"]) * (1 + 1e-9)
    assert [row["method"] for row in rows if row["init"] == "independent"][:3] == [
        "printed",
        "printed-style",
        "repaired",
    ]
