"""The pictures of reports, and the two commands that came with them: scaling and coverage."""

import csv
import math

import numpy as np
import pytest

import bounds
import reports
from bounds.command_line import run
from bounds.data.datasets import load_builtin
from bounds.pictures.style import drawing
from reports import coverage, gap_picture, scaling
from reports.console import main

pytest.importorskip("matplotlib")


def panels(columns):
    with drawing(1, columns, (8, 4)) as (_, axes):
        return axes[0]


@pytest.fixture(scope="module")
def problem():
    X, y = load_builtin("reference", n=4, d=40)
    return bounds.Problem(X, y, name="reference")


ROW = {
    "claim": "pl", "quantity": "-dL/dt", "method": "", "width": 8, "scale": 1.0, "verdict": "HOLDS", "vacuous": False,
    "gap": 0.5,
}  # fmt: skip


def test_gaps_are_drawn_by_quantity_and_method():
    changes = [{}, {"gap": 2.0, "width": 9}, {"method": "slopes", "verdict": "REFUTED"}, {"vacuous": True}]
    changes += [{"gap": math.nan}, {"gap": math.inf}, {"trials": 0}]
    rows = [{**ROW, **change} for change in changes]
    (axes,) = panels(1)
    assert reports.draw_gaps(rows, axes) is axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["pl: -dL/dt", "pl: -dL/dt, by slopes"]
    drawn = sorted(float(x) for curve in axes.get_lines() for x in curve.get_xdata() if curve.get_linestyle() == "None")
    assert drawn == [0.5, 0.5, 2.0]
    assert any("REFUTED" in str(curve.get_label()) for curve in axes.get_lines())
    assert gap_picture.size(rows)[1] < gap_picture.size([*rows, {**ROW, "claim": "rate"}])[1]
    with pytest.raises(bounds.ArgumentError, match="rows must be"):
        reports.draw_gaps(rows[3:], axes)


def test_features_stop_moving_in_the_ntk_scaling_only(problem):
    """The exponents of the width are known: 0 for the paper's scaling and mean field, -1/2 for NTK."""
    options = reports.ScalingOptions(widths=(16, 64, 256), seeds=3, t_max=2.0)
    rows = list(reports.scaling_rows(problem, options))
    assert len(rows) == 27
    found = {s: scaling.exponent(rows, s, "movement") for s in scaling.SCALINGS}
    assert found["ours"] == pytest.approx(0, abs=0.1)
    assert found["mf"] == pytest.approx(0, abs=0.1)
    assert found["ntk"] == pytest.approx(-0.5, abs=0.12)
    assert scaling.exponent(rows, "ntk", "kernel_change") < -0.5
    axes = panels(3)
    assert reports.draw_scaling(rows, axes, problem=problem) is axes
    assert [axis.get_yscale() for axis in axes] == ["log"] * 3
    with pytest.raises(bounds.ArgumentError, match="rows must be"):
        reports.draw_scaling([], axes)


@pytest.mark.parametrize("wrong", [{"widths": (8,)}, {"widths": "ab"}, {"seeds": 0}, {"scale": -1.0}, {"t_max": 0}])
def test_wrong_options_of_scaling(wrong):
    with pytest.raises(bounds.ArgumentError, match=next(iter(wrong))):
        reports.ScalingOptions(**wrong)


def test_the_command_scaling(tmp_path, capsys):
    out, plot = tmp_path / "s.csv", tmp_path / "s.svg"
    options = ["--n", "3", "--widths", "8", "16", "--seeds", "1", "--t-max", "1"]
    assert run(main, ["scaling", *options, "--out", str(out), "--plot", str(plot)]) == 0
    with out.open() as lines:
        rows = list(csv.DictReader(lines))
    assert [row["scaling"] for row in rows] == ["ours", "ours", "ntk", "ntk", "mf", "mf"]
    assert "width m (neurons)" in plot.read_text()
    assert "The features move like m^" in capsys.readouterr().out


def test_coverage_of_errors_and_of_delta(monkeypatch):
    monkeypatch.setattr(coverage, "METHODS", (("tanh", "exponential"),))
    options = reports.CoverageOptions(seeds=2, rtols=(1e-2,), trials=3, deltas=(0.5,))
    rows = [row for row in reports.coverage_rows(options) if row["kind"]]
    assert [row["kind"] for row in rows] == ["error", "error", "delta"]
    assert all(0 < row["ratio"] <= 1 for row in rows[:2])
    assert (rows[2]["failures"], rows[2]["trials"], rows[2]["rate_low"]) == (0, 3, 0.0)
    axes = panels(2)
    assert reports.draw_coverage(rows, axes) is axes
    steps = axes[0].get_lines()[0]
    np.testing.assert_allclose(steps.get_xdata(), sorted(row["ratio"] for row in rows[:2]))
    assert list(steps.get_ydata()) == [0.5, 1.0]


def test_a_failure_rate_above_delta_is_refuted(monkeypatch, capsys):
    row = {"kind": "delta", "delta": 0.1, "width": 8, "trials": 50, "failures": 40, "rate_low": 0.6, "rate_high": 0.9}
    monkeypatch.setattr(coverage, "coverage_rows", lambda _: iter([row]))
    assert run(main, ["coverage", "--quick"]) == 1
    assert "40 of 50 networks fail" in capsys.readouterr().out
