"""What comes back: the user's settings change nothing, no result is infinite or NaN, and what cannot fit is refused."""

import warnings

import numpy as np
import pytest

import bounds
import simulate
import verify
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from tests.four_neurons import PROBLEM, SIGNS, H, X, Y

# -- the user's own settings of numpy and of warnings ----------------------------------------------------------------


def _everything():
    problem = bounds.Problem(X, Y, activation="gelu")
    g = bounds.guarantee(problem, init="antisymmetric")
    run = simulate.gradient_flow(problem, width=8, t_max=1.0)
    descent = simulate.gradient_descent(problem, width=8, steps=3)
    certificate = bounds.certify(problem, 40 * H, signs=50 * SIGNS)
    rate = verify.failure_rate(100, 0)
    limit = bounds.required_width(bounds.Problem(X, Y, embedding=bounds.RandomFeatures()), scale=1e4)
    return g.width, g.rate, run.loss.tolist(), descent.loss.tolist(), certificate.beta, rate.upper, limit


def test_settings_of_numpy_and_of_warnings_change_nothing():
    told = _everything()
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _everything() == told
        assert np.geterr()["over"] == "raise"  # and they are the user's again afterwards


# -- results that would be no numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "activation"),
    [
        ([[1e153]], [0.1], "cos"),
        ([[1e120, 0], [0, 1e120]], [0.1, 0.2], "linear"),
        ([[1.0]], [1e160], "tanh"),
    ],
)
def test_a_flow_that_overflows_is_refused(X, y, activation):
    problem = bounds.Problem(X, y, activation=activation)
    for run in (simulate.gradient_flow, simulate.gradient_descent):
        with pytest.raises(bounds.DataError, match=r"overflows. Multiply X, y or the scale by a smaller constant"):
            run(problem, width=8)


def test_a_float32_flow_that_overflows_is_refused():
    problem = bounds.Problem(1e20 * X, Y)
    with pytest.raises(bounds.DataError, match="float32 overflows"):
        simulate.gradient_flow(problem, width=8, dtype="float32")


@pytest.mark.parametrize("size", [1e-138, 1e-100, 1.0, 1e100, 1e153])
@pytest.mark.parametrize("y_size", [0.0, 1e-300, 1e-160, 1.0, 1e154, 1e300])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_a_guarantee_is_finite_or_refused(size, y_size, init):
    problem = bounds.Problem(size * X, y_size * Y)
    for method in ("slopes", "repaired", "printed", "kernel"):
        try:
            g = bounds.guarantee(problem, method=method, init=init)
        except bounds.AssumptionError:
            continue
        for value in (g.rate, g.scale, g.beta, g.critical_scale, g.path_length):
            assert np.isfinite(value)
            assert not np.signbit(value)


def test_the_smallest_lambda_min_is_no_negative_zero():
    assert not np.signbit(float(bounds.guarantee(bounds.Problem(X, Y, activation="linear")).path_length))


# -- bombs -----------------------------------------------------------------------------------------------------------


def test_what_cannot_fit_is_refused_before_it_is_allocated():
    for embedding, message in (
        (lambda: bounds.RandomFeatures(dim=10**12), "an embedding of dim=1000000000000 at 2 points needs"),
        (lambda: get_embedding("random-features:dim=" + "9" * 31), "at most 30 digits"),
        (lambda: get_embedding(f"random-features:dim={10**29}"), "dim must be at most 9223372036854775807"),
        (lambda: bounds.RandomFeatures(depth=10**9), r"depth must be an integer in \[1, 1000\]"),
    ):
        with pytest.raises(bounds.ArgumentError, match=message):
            bounds.Problem(X, Y, embedding=embedding())
    with pytest.raises(bounds.ArgumentError, match="a network of 1000000000000000 neurons needs"):
        simulate.sample_network(PROBLEM, width=10**15, scale=1.0, seed=0)
    with pytest.raises(bounds.ArgumentError, match=r"a data set of n=1000000000000 points .* needs"):
        load_builtin("reference", n=10**12)
