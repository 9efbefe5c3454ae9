"""The default integrator for piecewise linear activations against exact flows, and the error that it reports."""

import numpy as np
import pytest

import bounds
import simulate
from simulate import Network
from tests.simulate.closed_forms import orthogonal, sliding_pair
from tests.simulate.filippov import PIECES
from tests.simulate.kinked_problems import compare, summary
from tests.simulate.test_filippov import PAIR, SLIDING, TIMES


def test_reported_error_covers_the_true_error():
    """Ten problems of `python -m benchmarks kinks-error`: the first six, and four with few data points, where the
    distance between the two runs alone is up to 12 times too small."""
    found = summary([compare(seed) for seed in (*range(6), 12, 15, 19, 23)])
    assert found["not_done"] == 0
    assert found["within_1"] >= 0.95
    assert found["largest"] <= 3
    assert found["median"] > 0.3 / 30  # an error that always covers says little


@pytest.mark.parametrize(("activation", "y", "h", "sign", "same", "leak"), SLIDING)
def test_one_sliding_neuron(activation, y, h, sign, same, leak):
    """Its loss in closed form, and that it slides and, with a leak, is released."""
    problem = bounds.Problem.from_gram(PAIR, y, activation=activation)
    start = Network(np.array([h]), np.array([sign]))
    run = simulate.gradient_flow(problem, network=start, t_max=TIMES[-1], save_at=TIMES, loss_ratio=0.0, rtol=1e-5)
    exact = sliding_pair(same, leak, TIMES)
    assert np.all(abs(run.loss - exact) <= 3 * run.error + 1e-12)
    np.testing.assert_allclose(run.loss, exact, rtol=1e-4)
    np.testing.assert_array_equal(run.sliding, [0, 0, 1, 1, 1, 0 if leak else 1, 0 if leak else 1])


@pytest.mark.parametrize("activation", PIECES)
def test_orthogonal_data(activation):
    """Every data point on its own, in closed form; some losses never reach zero, as neurons die."""
    rng = np.random.default_rng(3)
    n, m, times = 4, 30, TIMES
    H, signs, diagonal = rng.standard_normal((m, n)), 2 * rng.choice([-1.0, 1.0], m), rng.uniform(0.5, 2, n)
    y = rng.uniform(-3, 3, n)
    problem = bounds.Problem.from_gram(np.diag(diagonal), y, activation=activation)
    run = simulate.gradient_flow(
        problem, network=Network(H, signs), t_max=times[-1], save_at=times, loss_ratio=0.0, rtol=1e-6
    )
    exact = orthogonal(H, signs, diagonal, y, activation, times)
    np.testing.assert_allclose(run.output - y, exact, atol=1e-4)
    assert np.all(abs(run.loss - (exact**2).sum(1) / 2) <= 3 * run.error + 1e-12)
