"""Test points whose pre-activations are found from those on the training points, against such as states carry."""

import numpy as np
import pytest

import bounds
import simulate
from simulate.network import regression_of
from simulate.solve import on_tests

RUNS = {
    "flow": lambda p, **o: simulate.gradient_flow(p, t_max=2.0, save_at=[0.3, 2.0], loss_ratio=0, **o),
    "every step": lambda p, **o: simulate.gradient_flow(p, t_max=2.0, loss_ratio=0, **o),
    "low memory": lambda p, **o: simulate.gradient_flow(p, t_max=2.0, loss_ratio=0, low_memory=True, **o),
    "descent": lambda p, **o: simulate.gradient_descent(p, steps=30, step=0.05, save_every=10, **o),
}
TESTS = np.random.default_rng(3).standard_normal((5, 9))


def data(n=6, d=9):
    rng = np.random.default_rng(2)
    return rng.standard_normal((n, d)), rng.uniform(-1, 1, n)


def carries(problem):
    """Whether states of the problem have rows for the test points."""
    cross = problem.embedding.gram(TESTS, problem.X)
    return not on_tests.Regression.applies(regression_of(problem, TESTS), problem.gram, cross)


# There is no low memory with a trained last layer.
KINDS = [(act, 0.0, how) for act in ("tanh", "relu") for how in RUNS]
KINDS += [("tanh", 0.5, how) for how in RUNS if how != "low memory"]


@pytest.mark.parametrize(("act", "last_layer", "how"), KINDS)
def test_carried_rows_and_regression_agree(act, last_layer, how, monkeypatch):
    """Within the errors that they report for rounding, which are those of the same steps."""
    X, y = data()
    problem = bounds.Problem(X, y, activation=act, last_layer=last_layer)
    options = {"width": 50, "scale": 2.0, "seed": 1, "X_test": TESTS}
    found = RUNS[how](problem, **options)
    assert not carries(problem)
    monkeypatch.setattr(on_tests, "MOST_GROWTH", 0.0)
    carried = RUNS[how](problem, **options)
    assert carries(problem)
    np.testing.assert_allclose(found.loss, carried.loss, rtol=1e-12)
    np.testing.assert_allclose(found.test_output, carried.test_output, atol=1e-13)
    np.testing.assert_allclose(found.final.H_test, carried.final.H_test, atol=1e-13)
    assert np.all(
        np.abs(found.test_output - carried.test_output) <= found.errors["test_output"] + carried.errors["test_output"]
    )


def test_rounding_in_float32_is_within_the_reported_error():
    problem = bounds.Problem(*data())
    options = {"width": 50, "scale": 2.0, "seed": 1, "X_test": TESTS}
    exact, short = (RUNS["descent"](problem, **options, dtype=dtype) for dtype in ("float64", "float32"))
    assert np.all(np.abs(short.test_output - exact.test_output) <= short.errors["test_output"])


@pytest.mark.parametrize("seed", [27, 44])
def test_what_the_regression_misses_is_within_the_reported_error(seed, monkeypatch):
    """Of nearly singular data, though its weights are small: G_xX G^+ G is only nearly G_xX."""
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, 10)), rng.uniform(-1, 1, 8)
    X[1] = X[0] + 1e-2 * X[1]
    problem = bounds.Problem(X, y)
    tests = np.stack([X[0] + 0.5 * X[2], 0.2 * rng.standard_normal(10)])
    options = {"width": 20, "scale": 2.0, "seed": 1, "X_test": tests, "steps": 300, "save_every": 50}

    def follow():
        return simulate.gradient_descent(problem, step=0.25 / np.trace(problem.gram), **options)

    found = follow()
    monkeypatch.setattr(on_tests, "MOST_GROWTH", 0.0)
    carried = follow()
    apart = np.abs(found.test_output - carried.test_output)
    assert apart.max() > 0  # the regression was used
    assert np.all(apart <= found.errors["test_output"] + carried.errors["test_output"])


def test_badly_conditioned_data_carry_their_test_points():
    """A regression with large weights would multiply what rounding has done to the training points."""
    X, y = data()
    X[1] = X[0] + 1e-6 * X[1]
    problem = bounds.Problem(X, y)
    assert np.abs(regression_of(problem, TESTS)).sum(1).max() > on_tests.MOST_GROWTH
    assert carries(problem)


def test_singular_data_do_not():
    """Two equal points share their weight: the pseudo-inverse reproduces every row of features in the span."""
    X, y = data(n=12, d=9)
    problem = bounds.Problem(X, y)
    assert np.linalg.matrix_rank(problem.gram) == 9
    assert not carries(problem)
