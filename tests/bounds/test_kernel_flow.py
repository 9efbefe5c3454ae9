"""The lazy flow in closed form: its differential equation, its limits, and wide networks at a large scale."""

import numpy as np
import pytest

import bounds
import simulate
from bounds.methods.kernel import limit_tangent_kernel


def test_one_point_in_closed_form():
    problem = bounds.Problem([[2.0]], [0.3], activation="relu")
    times = np.linspace(0, 3, 7)
    flow = bounds.kernel_flow(problem, times, scale=1.5)
    np.testing.assert_allclose(flow.output[:, 0], 0.3 * (1 - np.exp(-(1.5**2) * 4 * 0.5 * times)), rtol=1e-13)
    np.testing.assert_allclose(flow.loss, 0.5 * (0.3 * np.exp(-(1.5**2) * 4 * 0.5 * times)) ** 2, rtol=1e-12)


@pytest.mark.parametrize("activation", ["tanh", "relu", "leaky_relu", "linear"])
def test_the_differential_equation_on_training_and_test_points(small, activation):
    problem = bounds.Problem(small.X, small.y, activation=activation)
    points = np.vstack([small.X[:2], np.random.default_rng(0).standard_normal((3, 6))])
    step, times = 1e-5, np.array([0.0, 0.2, 1.0, 5.0])
    f = bounds.kernel_flow(problem, times, X_test=points)
    later = bounds.kernel_flow(problem, times + step, X_test=points)
    joint = bounds.Problem(np.vstack([small.X, points]), np.zeros(9), activation=activation)
    # The kernel from a Monte Carlo mean, which shares nothing with the code.
    H = np.random.default_rng(1).standard_normal((400_000, 6)) @ joint.X.T / np.sqrt(6)
    slopes = joint.activation.slope(H)
    theta = joint.gram * (slopes.T @ slopes / len(H))
    expected = -(f.output - problem.y) @ theta[:4, :]
    moved = np.hstack([later.output - f.output, later.test_output - f.test_output]) / step
    np.testing.assert_allclose(moved, expected, rtol=0.02, atol=5e-3)
    np.testing.assert_allclose(f.test_output[:, :2], f.output[:, :2], atol=1e-9)  # two of them are training points


def test_the_certified_kernel_is_the_same(small):
    theta, _ = limit_tangent_kernel(small)
    flow = bounds.kernel_flow(small, [1e-9])
    np.testing.assert_allclose(flow.output[0] / 1e-9, theta @ small.y, rtol=1e-6)


def test_a_wide_network_at_a_large_scale_follows_it(small):
    scale, times = 300.0, np.array([0.0, 0.5, 2.0])
    lazy = bounds.kernel_flow(small, times)
    options = {"width": 8192, "scale": scale, "init": "antisymmetric", "save_at": times / scale**2}
    run = simulate.gradient_flow(small, t_max=times[-1] / scale**2, loss_ratio=0, seed=0, **options)
    np.testing.assert_allclose(run.output, lazy.output, atol=0.03 * np.max(np.abs(small.y)))
    scaled = bounds.kernel_flow(small, times / scale**2, scale=scale)
    np.testing.assert_allclose(scaled.output, lazy.output, rtol=1e-9)


def test_dependent_rows_keep_a_residual():
    problem = bounds.Problem([[1.0, 0.0], [1.0, 0.0]], [1.0, -1.0])
    flow = bounds.kernel_flow(problem, [0.0, 1e6], X_test=[[1.0, 0.0]])
    np.testing.assert_allclose(flow.loss, [1.0, 1.0])
    np.testing.assert_allclose(flow.test_output, 0.0, atol=1e-9)


def test_what_is_refused(small):
    for times, words in (([-1.0], "times must be"), ([], "times must be"), ("x", "times must be")):
        with pytest.raises(bounds.LinrateError, match=words):
            bounds.kernel_flow(small, times)
    with pytest.raises(bounds.AssumptionError, match="draw"):
        bounds.kernel_flow(bounds.Problem(small.X, small.y, embedding=bounds.RandomFeatures()), [1.0])
    with pytest.raises(bounds.AssumptionError, match="clip"):
        bounds.kernel_flow(bounds.Problem(small.X, small.y, activation="clip"), [1.0])
    with pytest.raises(bounds.AssumptionError, match="Gram matrix alone"):
        bounds.kernel_flow(bounds.Problem.from_gram(small.gram, small.y), [1.0], X_test=small.X)
