"""The data of the paper's experiments: teachers, and test points of the same law."""

import numpy as np
import pytest

import bounds
from bounds.data.datasets import TEACHER, load_builtin, load_test


def test_the_teacher_is_a_network_of_the_model():
    """y sqrt(5)/5 is the output (2) of 5 neurons on the quadratic embedding, at training and at test points."""
    rng = np.random.default_rng([7, TEACHER])
    W, signs = rng.standard_normal((5, 6, 6)), 2.0 * rng.integers(0, 2, 5) - 1.0
    for X, y in (load_builtin("experiment-2", n=9, d=6, seed=7), load_test("experiment-2", k=4, d=6, seed=7)):
        problem = bounds.Problem(X, y, activation="relu", embedding=bounds.Quadratic())
        phi = problem.embedding.features(X) / 6  # sqrt(D) = d
        np.testing.assert_allclose(problem.output(W.reshape(5, -1) @ phi.T, signs) * np.sqrt(5), y)


@pytest.mark.parametrize("name", ["reference", "experiment-1", "experiment-2", "experiment-3"])
def test_test_points_are_others_of_the_same_law(name):
    X, y = load_builtin(name, n=400, seed=3)
    X_test, y_test = load_test(name, k=4000, seed=3)
    assert X_test.shape == (4000, X.shape[1])
    assert not set(X[:, 2].tolist()) & set(X_test[:, 2].tolist())
    np.testing.assert_allclose(X_test.mean(0), 0, atol=6 * X_test.std() / 4000**0.5)
    assert np.std(y_test) == pytest.approx(np.std(y), rel=0.25)
    np.testing.assert_array_equal(X_test, load_test(name, k=4000, seed=3)[0])
    assert not np.array_equal(X_test, load_test(name, k=4000, seed=4)[0])


def test_experiment_3_test_points_obey_its_law():
    X, y = load_test("experiment-3", k=1000)
    np.testing.assert_array_equal(np.abs(X[:, 0]) + np.abs(X[:, 1]), 1)
    np.testing.assert_array_equal(y, np.where(X[:, 0] != 0, 1.0, -1.0))


def test_bad_requests():
    with pytest.raises(bounds.ArgumentError, match="measured data"):
        load_test("digits")
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'experiment-2'"):
        load_test("experiment-22")
    with pytest.raises(bounds.ArgumentError, match="k must be a positive integer"):
        load_test("experiment-1", k=0)
