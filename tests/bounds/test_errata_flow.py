"""The small flow that demonstrations of errata use, against exact solutions and the simulator."""

import numpy as np
import pytest

import bounds
from bounds.erratum.flow import Flow, matrix, rademacher, tanh_slope


def test_a_flow_that_stops_early_raises():
    explosive = Flow(np.zeros(1), np.ones(1), matrix(np.eye(1)), lambda u: u, lambda u: -u)  # h' = h^2
    with pytest.raises(RuntimeError, match="stopped"):
        explosive.run(np.ones((1, 1)), [2.0])


def test_the_flow_is_equation_11():
    """For n = 1, tanh, h/2 + sinh(2h)/4 + eps tau is conserved, and descent with small steps follows the flow."""
    rng = np.random.default_rng(3)
    signs, h = rademacher(rng, 6, 2.0), rng.standard_normal((6, 1))
    flow = Flow(np.array([0.7]), signs, matrix(np.array([[1.3]])), np.tanh, tanh_slope)
    late = flow.run(h, [1.5])[-1]
    moved = signs * ((late - h) / 2 + (np.sinh(2 * late) - np.sinh(2 * h)) / 4)[:, 0]
    assert np.ptp(moved) < 1e-6
    near = flow.descend(h, 1e-3, 1500)[-1]
    assert np.max(np.abs(near - late)) < 3e-3


def test_the_flow_agrees_with_the_simulator():
    import simulate

    rng = np.random.default_rng(4)
    G = np.array([[1.0, 0.3], [0.3, 0.8]])
    signs, h = rademacher(rng, 5, 1.5), rng.standard_normal((5, 2))
    problem = bounds.Problem.from_gram(G, [0.4, -0.2])
    network = simulate.Network(h, signs)
    there = simulate.gradient_flow(problem, network=network, t_max=1.0, loss_ratio=0.0, rtol=1e-9, save_at=[1.0])
    here = Flow(problem.y, signs, matrix(G), np.tanh, tanh_slope)
    assert here.loss(here.run(h, [1.0])[-1]) == pytest.approx(float(there.loss[-1]), rel=1e-6)
