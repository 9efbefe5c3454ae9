"""The pictures of bounds and simulate: what is drawn is what the objects hold; what cannot be is told early."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import bounds
import simulate
from bounds.command_line import run as run_command
from bounds.pictures import style
from bounds.pictures.certificate import ingredients
from reports.console import main
from verify import Run

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture
def axes():
    with style.drawing(1, 1, style.SIZE) as (_, found):
        yield found[0, 0]


@pytest.fixture
def panels():
    with style.drawing(1, 3, (9, 3), sharey=True) as (_, found):
        yield found[0]


def line(axes, beginning):
    """Times and values of the curve whose label begins so."""
    return next(c for c in axes.get_lines() if str(c.get_label()).startswith(beginning)).get_data()


@pytest.fixture(scope="module")
def flow(small):
    return simulate.gradient_flow(small, width=512, scale=3.0, t_max=2.0, init="antisymmetric")


@pytest.fixture(scope="module")
def small():
    rng = np.random.default_rng(0)
    return bounds.Problem(rng.standard_normal((4, 40)) / 6, rng.standard_normal(4) / 3, name="small")


def test_a_run_is_drawn_with_its_error_and_what_is_certified(flow, axes):
    assert flow.plot(axes, lazy=True) is axes
    t, loss = line(axes, "measured")
    np.testing.assert_array_equal(loss, flow.loss)
    assert axes.get_yscale() == "log"
    assert len(axes.collections) == 1  # the band
    start, bound = line(axes, "certified from")
    measured = np.exp(np.interp(start, t, np.log(loss)))
    assert np.all(measured <= bound * (1 + 1e-3))
    _, lazy = line(axes, "lazy flow")
    np.testing.assert_array_equal(lazy, bounds.kernel_flow(flow.problem, flow.time, scale=3.0).loss)


def test_the_first_certified_time_is_found_along_the_flow(small, axes):
    run = simulate.gradient_flow(small, width=512, scale=0.6, t_max=100.0, init="antisymmetric")
    start = bounds.certify(small, run.initial.H, signs=run.initial.signs)
    assert not start.holds
    run.plot(axes)
    times, bound = line(axes, "certified from t")
    assert 0 < times[0] < run.time[-1]
    at = np.exp(np.interp(times, run.time, np.log(run.loss)))
    assert bound[0] == pytest.approx(at[0], rel=1e-2)
    assert np.all(at <= bound * (1 + 1e-3))


@pytest.mark.parametrize(("made", "why"), [("descent", "gradient flow"), ("shared", "share"), ("layer", "last layer")])
def test_where_no_theorem_speaks_of_a_run_the_legend_says_why(small, axes, made, why):
    if made == "descent":
        run = simulate.gradient_descent(small, width=64, scale=3.0, step=0.01, steps=20)
    elif made == "layer":
        layered = bounds.Problem(small.X, small.y, last_layer=1.0)
        run = simulate.gradient_flow(layered, width=64, scaling="ntk", t_max=1.0)
    else:  # one process of several holds only its own neurons
        run = simulate.gradient_flow(small, width=64, scale=3.0, t_max=1.0)
        run = dataclasses.replace(run, width=128)
    run.plot(axes)
    told = [str(curve.get_label()) for curve in axes.get_lines()]
    assert any(label.startswith("nothing is certified: ") and why in label for label in told)
    assert not any(label.startswith("certified") for label in told)


@pytest.mark.parametrize("scaling", ["ntk", "mf"])
def test_a_run_in_another_scaling_is_certified_as_the_same_flow_in_the_papers(small, axes, scaling):
    chosen = {"width": 512, "init": "antisymmetric", "scaling": scaling, "scale": 8.0 if scaling == "mf" else 0.3}
    run = simulate.gradient_flow(small, t_max=60.0, **chosen)
    run.plot(axes)
    times, bound = line(axes, "certified from")
    at = np.exp(np.interp(times, run.time, np.log(run.loss)))
    assert bound[0] == pytest.approx(at[0], rel=1e-2)
    assert np.all(at <= bound * (1 + 1e-3))
    assert bound[-1] < 0.9 * bound[0]  # the curve falls: its clock is that of the run


def test_the_time_of_the_mean_loss_is_that_of_its_curve(small, axes):
    run = simulate.gradient_flow(small, width=512, scale=8.0, t_max=1.0, init="antisymmetric", loss="mean")
    run.plot(axes)
    times, bound = line(axes, "certified from the start")
    rate = bounds.certify(small, run.initial.H, signs=run.initial.signs).rate / small.n
    np.testing.assert_allclose(bound, run.loss[0] * np.exp(-rate * times), rtol=1e-9)


def test_a_promise_is_drawn_beside_the_run(small, axes):
    g = bounds.guarantee(small, init="antisymmetric")
    run = simulate.gradient_flow(small, width=g.width, scale=g.scale, init=g.init, t_max=1 / g.rate)
    Run.of(run, g).plot(axes)
    times, bound = line(axes, "promised")
    np.testing.assert_allclose(bound, run.loss[0] * np.exp(-g.rate * times), rtol=1e-12)


def test_the_table_is_drawn_with_what_is_necessary(small, panels):
    table = bounds.table(small, init="antisymmetric")
    assert table.plot(panels, enough={"width": 6}) is panels
    for axis, column in zip(panels, ("width", "scale"), strict=False):
        drawn = sorted(v for c in axis.get_lines() if c.get_marker() == "o" for v in c.get_xdata())
        assert drawn == sorted(float(v) for v in table[column].dropna())
    names = [text.get_text() for text in panels[0].get_yticklabels()]
    widths = table.set_index("method")["width"].dropna()
    assert names == sorted(widths.index, key=lambda name: -widths[name])
    (impossible,) = panels[2].patches
    rate = float(table["possible_rate"].iloc[0] / table["scale"].iloc[0] ** 2)
    assert impossible.get_x() == pytest.approx(rate)
    with pytest.raises(bounds.ArgumentError, match="enough must be"):
        table.plot(panels, enough={"depth": 1})


def test_no_network_falls_faster_than_is_possible(small):
    run = simulate.gradient_flow(small, width=64, scale=2.0, t_max=1.0)
    rates = np.log(run.loss[0] / run.loss[1:]) / run.time[1:]
    assert np.all(rates <= bounds.possible_rate(small, 2.0))
    trained = bounds.Problem(small.X, small.y, last_layer=1.0)
    with pytest.raises(bounds.AssumptionError, match="last_layer=0"):
        bounds.possible_rate(trained, 2.0)
    assert bounds.table(trained)["possible_rate"].isna().all()
    with pytest.raises(bounds.ArgumentError, match="scale must be"):
        bounds.possible_rate(bounds.Problem(1e9 * np.eye(2), [1.0, 2.0]), 1e150)


def test_a_certificate_shows_what_is_used_up(small, axes):
    network = simulate.sample_network(small, width=256, scale=9.0, seed=0, init="antisymmetric")
    holds = bounds.certify(small, network.H, signs=network.signs)
    assert holds.holds
    assert all(0 <= share < 1 for share, _ in ingredients(holds).values())
    assert holds.plot(axes) is axes
    assert "holds" in axes.get_title()
    fails = bounds.certify(small, network.H, signs=network.signs / 50)
    shares = [share for share, _ in ingredients(fails).values()]
    assert not fails.holds
    assert max(shares) >= 1
    assert shares[0] == fails.beta


@pytest.mark.parametrize("ax", ["axes", 3, [1, 2, 3]])
def test_what_is_no_axes_is_refused(flow, ax):
    with pytest.raises(bounds.ArgumentError, match="ax must be axes"):
        flow.plot(ax)
    with pytest.raises(bounds.ArgumentError, match="axes must be an array of 3 axes"):
        bounds.table(flow.problem).plot(ax)


def test_new_axes_are_those_of_a_notebook(flow):
    from matplotlib import pyplot

    matplotlib.use("agg")
    axes = flow.plot(certified=False)
    assert axes.figure.number in pyplot.get_fignums()
    pyplot.close(axes.figure)


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_a_picture_is_written_as_its_suffix_says(tmp_path, suffix, flow):
    path = tmp_path / f"a.{suffix}"
    for _ in range(2):
        with style.picture_file(path) as axes:
            flow.plot(axes, certified=False)
        first = path.read_bytes()
    assert first == path.read_bytes()
    assert first[:5] == {"png": b"\x89PNG\r", "svg": b"<?xml", "pdf": b"%PDF-"}[suffix]


@pytest.mark.parametrize("command", [["flow"], ["table"], ["gaps"], ["slack"], ["scaling"], ["coverage"]])
def test_a_wrong_suffix_is_told_before_any_work(command, capsys, monkeypatch):
    monkeypatch.setattr("bounds.problem.Problem.__init__", lambda *_: pytest.fail("there was work"))
    monkeypatch.setattr("reports.slack.slack_rows", lambda **_: pytest.fail("there was work"))
    monkeypatch.setattr("reports.coverage.coverage_rows", lambda _: pytest.fail("there was work"))
    assert run_command(main, [*command, "--plot", "picture.jpg"]) == 2
    assert "one of .png, .svg, .pdf. Found 'picture.jpg'" in capsys.readouterr().err


def test_without_matplotlib_the_way_to_it_is_told(flow, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(bounds.AssumptionError, match=r"pip install 'linrate\[plot\]'"):
        flow.plot()
    assert run_command(main, ["flow", "--plot", "a.png"]) == 2
    assert "pip install" in capsys.readouterr().err


def test_nothing_is_imported_before_something_is_drawn():
    code = "import sys, bounds.cli, simulate.cli, verify.cli, reports.cli; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
