"""Checkpoints: a resumed run is bit for bit the run that was not interrupted."""

import os
import signal

import numpy as np
import pytest

import bounds
import simulate
from bounds import command_line
from simulate import Interrupted
from simulate.cli import main

FLOW = {"width": 40, "scale": 3.0, "t_max": 2.0, "X_test": np.ones((2, 6))}
DESCENT = {"width": 40, "scale": 3.0, "step": 0.1, "steps": 60, "save_every": 7}


def after(calls):
    """A progress function that presses ctrl-C at that call."""
    count = iter(range(calls, -1, -1))

    def progress(*_):
        if next(count) == 0:
            raise KeyboardInterrupt

    return progress


def assert_same(one, two):
    assert one.status is two.status
    assert one.stats.evaluations == two.stats.evaluations
    np.testing.assert_array_equal(one.final.H, two.final.H)
    np.testing.assert_array_equal(one.time, two.time)
    for name in one.errors:
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
        np.testing.assert_array_equal(one.errors[name], two.errors[name], err_msg=name)


@pytest.mark.parametrize(
    ("run", "options"),
    [
        (simulate.gradient_flow, FLOW),
        (simulate.gradient_flow, {**FLOW, "integrator": "runge-kutta", "save_at": [0.0, 0.5, 2.0], "t_max": 2.0}),
        (simulate.gradient_flow, {**FLOW, "low_memory": True, "loss": "mean"}),
        (simulate.gradient_descent, DESCENT),
    ],
)
@pytest.mark.parametrize("stop", [0, 5])
def test_resumed_run_is_the_same_run(small, tmp_path, run, options, stop):
    file = tmp_path / "run.npz"
    whole = run(small, **options)
    with pytest.raises(Interrupted, match=r"Go on with resume=True.*--resume"):
        run(small, checkpoint=file, progress=after(stop), **options)
    assert_same(run(small, checkpoint=file, resume=True, **options), whole)
    # A finished run can be resumed too: nothing is left to do.
    assert_same(run(small, checkpoint=file, resume=True, **options), whole)
    assert [f.name for f in tmp_path.iterdir()] == ["run.npz"]


def test_stopped_before_the_first_save_point(small, tmp_path):
    options = {**FLOW, "save_at": [2.0], "t_max": 2.0}
    whole = simulate.gradient_flow(small, **options)
    with pytest.raises(Interrupted):
        simulate.gradient_flow(small, checkpoint=tmp_path / "run.npz", progress=after(1), **options)
    assert_same(simulate.gradient_flow(small, checkpoint=tmp_path / "run.npz", resume=True, **options), whole)


def test_another_run_is_named(small, tmp_path):
    file = tmp_path / "run.npz"
    simulate.gradient_flow(small, checkpoint=file, **FLOW)
    for change, message in (
        ({"rtol": 1e-5}, r"rtol is 1e-05, there 1e-06"),
        ({"seed": 1, "width": 42}, "width is 42, there 40; seed is 1, there 0"),
        ({"X_test": None}, "X_test"),
        ({"integrator": "runge-kutta"}, "integrator"),
    ):
        with pytest.raises(bounds.ArgumentError, match=message):
            simulate.gradient_flow(small, checkpoint=file, resume=True, **{**FLOW, **change})
    other = bounds.Problem(small.X, small.y + 1)
    with pytest.raises(bounds.ArgumentError, match="data is"):
        simulate.gradient_flow(other, checkpoint=file, resume=True, **FLOW)
    with pytest.raises(bounds.ArgumentError, match="integrator is 'descent'"):
        simulate.gradient_descent(small, checkpoint=file, resume=True, **DESCENT)


def test_a_finished_descent_goes_on(small, tmp_path):
    """60 steps, and then 40 more, are 100 steps: the same network and the same last row."""
    file = tmp_path / "run.npz"
    simulate.gradient_descent(small, checkpoint=file, **DESCENT)
    longer = DESCENT | {"steps": 100}
    on = simulate.gradient_descent(small, checkpoint=file, resume=True, **longer)
    whole = simulate.gradient_descent(small, **longer)
    np.testing.assert_array_equal(on.final.H, whole.final.H)
    assert on.loss[-1] == whole.loss[-1]
    assert set(on.time) - set(whole.time) == {60 * DESCENT["step"]}  # the old end has a row of its own
    with pytest.raises(bounds.ArgumentError, match="steps is 99, there 100"):
        simulate.gradient_descent(small, checkpoint=file, resume=True, **DESCENT | {"steps": 99})


@pytest.mark.parametrize("options", [FLOW, {**FLOW, "integrator": "runge-kutta"}, {**FLOW, "activation": "relu"}])
def test_a_finished_flow_goes_on(small, tmp_path, options):
    """To a later time: the loss there is that of a run that was not interrupted, within the errors that both report."""
    options = dict(options)
    problem = bounds.Problem(small.X, small.y, activation=options.pop("activation", "tanh"))
    file = tmp_path / "run.npz"
    short = simulate.gradient_flow(problem, checkpoint=file, **options)
    longer = options | {"t_max": 5.0}
    on = simulate.gradient_flow(problem, checkpoint=file, resume=True, **longer)
    whole = simulate.gradient_flow(problem, **longer)
    assert (short.time[-1], on.time[-1]) == (2.0, 5.0)
    assert short.time[-1] in on.time
    assert abs(on.loss[-1] - whole.loss[-1]) <= on.error[-1] + whole.error[-1]
    assert on.stats.steps > short.stats.steps


def test_files_that_are_no_checkpoint(small, tmp_path):
    with pytest.raises(bounds.DataError, match="does not exist"):
        simulate.gradient_flow(small, checkpoint=tmp_path / "none.npz", resume=True, **FLOW)
    with pytest.raises(bounds.ArgumentError, match="needs checkpoint"):
        simulate.gradient_flow(small, resume=True, **FLOW)
    (tmp_path / "text.npz").write_text("no")
    np.savez(tmp_path / "other.npz", X=np.ones(3))
    for name in ("text.npz", "other.npz"):
        with pytest.raises(bounds.DataError, match="not a checkpoint"):
            simulate.gradient_flow(small, checkpoint=tmp_path / name, resume=True, **FLOW)


def test_without_checkpoint_an_interruption_stays_one(small):
    with pytest.raises(KeyboardInterrupt) as caught:
        simulate.gradient_flow(small, progress=after(2), **FLOW)
    assert not isinstance(caught.value, Interrupted)


@pytest.mark.parametrize("command", [["flow", "--t-max", "2"], ["descent", "--steps", "40", "--save-every", "3"]])
def test_command_line(tmp_path, monkeypatch, capsys, command):
    """SIGINT leaves a file, exit code 130 and the way to resume; the resumed run ends as if nothing had happened."""
    file = str(tmp_path / "run.npz")
    command = [*command, "--builtin", "experiment-1", "--n", "5", "--width", "50"]
    assert command_line.run(main, [*command, "--out", str(tmp_path / "plain.csv")]) == 0
    count = iter(range(10**6))
    before = signal.getsignal(signal.SIGINT)  # a background shell ignores it

    def press(*_):
        if next(count) == 4:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr("bounds.progress.Progress.along", lambda *_, **limits: press)
        assert command_line.run(main, [*command, "--checkpoint", file]) == 130
    assert f"--resume {file}" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
    assert command_line.run(main, [*command, "--resume", file, "--out", str(tmp_path / "resumed.csv")]) == 0
    assert (tmp_path / "resumed.csv").read_text() == (tmp_path / "plain.csv").read_text()
    assert command_line.run(main, [*command, "--resume", file, "--width", "60"]) == 2
    assert "width is 60, there 50" in capsys.readouterr().err
