"""Problem.output and Problem.residual: one network in closed form, and what is refused."""

import numpy as np
import pytest

import bounds

PROBLEM = bounds.Problem(np.eye(2), [0.5, -1.0])
H = np.array([[1.0, 0.0], [2.0, 3.0], [-1.0, 0.5]])
SIGNS = np.array([2.0, -2.0, 2.0])


def test_output_and_residual_of_one_network():
    f = [(2 * np.tanh(1) - 2 * np.tanh(2) + 2 * np.tanh(-1)) / 3, (-2 * np.tanh(3) + 2 * np.tanh(0.5)) / 3]
    np.testing.assert_allclose(PROBLEM.output(H, SIGNS), f, rtol=1e-15)
    np.testing.assert_allclose(PROBLEM.residual(H, SIGNS), [f[0] - 0.5, f[1] + 1.0], rtol=1e-15)
    np.testing.assert_array_equal(PROBLEM.residual(H.tolist(), SIGNS.tolist()), PROBLEM.residual(H, SIGNS))


def test_a_network_that_is_not_finite_has_no_finite_residual():
    assert np.isnan(PROBLEM.residual(np.where(H == 3.0, np.nan, H), SIGNS)).tolist() == [False, True]


def test_an_overflow_is_no_warning():
    linear = bounds.Problem(np.eye(2), [0.5, -1.0], activation="linear")
    with np.errstate(all="raise"):
        assert linear.residual([[1e300, 0.0]], [1e300]).tolist() == [np.inf, 1.0]


@pytest.mark.parametrize(
    ("pre_activations", "signs", "named"),
    [
        (H.T, SIGNS, "H must be of shape"),
        (H[:0], SIGNS[:0], "H must be of shape"),
        (H, SIGNS[:2], "signs must be of shape"),
        (H[0], SIGNS, "H must be two-dimensional"),
        ([["a", "b"]], [1.0], "H must hold numbers only"),
    ],
)
def test_bad_networks_are_refused(pre_activations, signs, named):
    with pytest.raises(bounds.LinrateError, match=named):
        PROBLEM.residual(pre_activations, signs)
