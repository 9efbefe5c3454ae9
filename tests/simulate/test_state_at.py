"""The network at a chosen time, against runs that end there."""

import numpy as np
import pytest

import bounds
import simulate
from simulate import state_at


@pytest.mark.parametrize(("activation", "loss"), [("tanh", "sum"), ("tanh", "mean"), ("relu", "sum")])
def test_of_a_flow(small, activation, loss):
    """Where the loss is what the run reports there, within the error of the run."""
    problem = bounds.Problem(small.X, small.y, activation=activation)
    run = simulate.gradient_flow(
        problem, width=40, scale=2.0, loss=loss, save_at=[0.0, 0.7, 2.0], t_max=2.0, loss_ratio=0.0, scaling="ntk"
    )
    middle = state_at(run, 0.7)
    loss_there = float(np.sum(np.square(problem.y - _output(problem, middle)))) / 2
    assert abs(loss_there - run.loss[1]) <= 2 * run.error[1] + 1e-12
    assert state_at(run, 0.0) is run.initial
    assert (middle.scaling, middle.scale) == ("ntk", 2.0)


@pytest.mark.parametrize("step", [0.1, "residual"])
def test_of_descent(small, step):
    """Bit for bit the state after the last step that ends by then."""
    run = simulate.gradient_descent(small, width=40, scale=2.0, step=step, steps=9)
    found = state_at(run, float(run.time[5]))
    wanted = simulate.gradient_descent(small, width=40, scale=2.0, step=step, steps=5).final
    np.testing.assert_array_equal(found.H, wanted.H)
    between = state_at(run, float(run.time[5] + run.time[6]) / 2)
    np.testing.assert_array_equal(between.H, wanted.H)


def test_what_is_refused(small):
    run = simulate.gradient_descent(small, width=8, step=lambda point: 0.1, steps=3)
    with pytest.raises(bounds.ArgumentError, match="chosen by a function"):
        state_at(run, 0.1)
    with pytest.raises(bounds.ArgumentError, match="where the run ends"):
        state_at(run, 1.0)
    with pytest.raises(bounds.ArgumentError, match=r"simulate\.Trajectory"):
        state_at(small, 1.0)


def _output(problem, network):
    return np.sqrt(network.width) / network.width * (network.signs @ problem.activation.value(network.H))
