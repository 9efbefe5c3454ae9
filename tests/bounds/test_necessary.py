"""What is necessary: the exact statements by simulation, the bounds against guarantees and against draws."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.data.datasets import load_builtin
from bounds.necessary import determinant_tail, never_negative
from simulate import Network, Status, gradient_flow, sample_network


def orthogonal(n, activation, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.uniform(0.2, 1.0, n) * rng.choice([-1.0, 1.0], n)
    return bounds.Problem(np.diag(rng.uniform(0.7, 1.5, n) * math.sqrt(n)), y, activation=activation)


def converges(problem, network, t_max=2000.0, ratio=1e-3):
    run = gradient_flow(problem, network=network, t_max=t_max, loss_ratio=ratio, rtol=1e-3, max_steps=400)
    return run.status is Status.LOSS_REACHED


@pytest.mark.parametrize("scale", [0.3, 2.0])
def test_relu_on_orthogonal_data_converges_exactly_if_every_datum_has_an_active_pair(scale):
    problem, seen = orthogonal(3, "relu"), set()
    for seed in range(8):
        network = sample_network(problem, width=4, scale=scale, init="antisymmetric", seed=seed)
        active = bool(np.all(np.any(network.H > 0, axis=0)))
        seen.add(active)
        assert converges(problem, network) == active, seed
    assert seen == {True, False}


@pytest.mark.parametrize(("n", "delta", "width"), [(10, 0.05, 16), (20, 0.05, 18), (40, 0.05, 20), (600, 0.05, 28)])
def test_the_exact_width_of_relu_on_orthogonal_data(n, delta, width):
    problem = bounds.Problem.from_gram(np.eye(n), np.ones(n), activation="relu")
    assert bounds.necessary_width(problem, delta, init="antisymmetric") == width
    assert (1 - 2.0 ** (-width / 2)) ** n >= 1 - delta > (1 - 2.0 ** (1 - width / 2)) ** n
    half = bounds.Problem.from_gram(np.eye(n), np.arange(n) % 2.0, activation="relu")  # targets of 0 ask for nothing
    assert bounds.necessary_width(half, delta, init="antisymmetric") <= width


def test_the_probability_on_orthogonal_data():
    """(1 - 2^{-m/2})^n by drawing."""
    problem, draws, width = orthogonal(5, "relu"), 500, 6
    good = sum(
        bool(
            np.all(np.any(sample_network(problem, width=width, scale=1.0, init="antisymmetric", seed=s).H > 0, axis=0))
        )
        for s in range(draws)
    )
    p = (1 - 2.0 ** (-width / 2)) ** 5
    assert abs(good / draws - p) < 4 * math.sqrt(p * (1 - p) / draws)


@pytest.mark.parametrize(("factor", "converged"), [(1.15, True), (0.97, False)])
def test_tanh_on_orthogonal_data_needs_exactly_the_largest_target(factor, converged):
    """Two neurons and any scale above max |y|, none below."""
    problem = orthogonal(3, "tanh")
    assert bounds.necessary_scale(problem) == pytest.approx(np.max(np.abs(problem.y)), rel=1e-12)
    for seed in range(2):
        scale = factor * bounds.necessary_scale(problem, init="antisymmetric")
        network = sample_network(problem, width=2, scale=scale, init="antisymmetric", seed=seed)
        assert converges(problem, network, t_max=1e4, ratio=2e-4) == converged


@given(st.integers(0, 10**6), st.sampled_from(["tanh", "sigmoid", "clip", "sin", "erf"]), st.booleans())
def test_no_network_below_the_necessary_scale_fits(seed, activation, balanced):
    """However the weights are, f = y is out of reach."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(-1, 1, 3) + rng.choice([-2.0, 0.0, 2.0])
    problem = bounds.Problem.from_gram(np.eye(3), y, activation=activation)
    init = "antisymmetric" if balanced else "independent"
    scale = bounds.necessary_scale(problem, init=init)
    signs = np.repeat([1.0, -1.0], 3) if balanced else rng.choice([-1.0, 1.0], 6)
    H = rng.standard_normal((6, 3)) * 10 ** rng.uniform(-1, 2)
    H[0] = 50 * np.sign(y)  # saturated towards the targets
    f = 0.999 * scale * signs @ problem.activation.value(H) / 6
    assert scale > 0
    assert np.max(np.abs(f - y)) > 0


@pytest.mark.parametrize("activation", ["tanh", "relu", "softplus", "sigmoid"])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_necessary_is_below_what_is_guaranteed(activation, init):
    problem = bounds.Problem(*load_builtin("reference"), activation=activation)
    g = bounds.guarantee(problem, init=init)
    assert bounds.necessary_width(problem, init=init) <= g.width
    assert bounds.necessary_scale(problem, init=init, rate=g.rate) <= g.scale
    frame = bounds.table(problem, init=init)
    assert set(frame["necessary_width"]) == {bounds.necessary_width(problem, init=init)}
    assert set(frame["necessary_scale"]) == {bounds.necessary_scale(problem, init=init)}


def test_signs_that_are_all_equal():
    """Targets of both signs: 6 neurons at delta = 0.05, for five are all of one sign with probability 1/16 > 0.05."""
    problem = bounds.Problem.from_gram(np.eye(2), [1.0, -1.0], activation="softplus")
    assert bounds.necessary_width(problem) == 6
    assert 2.0 ** (1 - 5) > 0.05 >= 2.0 ** (1 - 6)
    positive = bounds.Problem.from_gram(np.eye(2), [1.0, 1.0], activation="softplus")
    assert bounds.necessary_width(positive) == 5
    assert bounds.necessary_width(bounds.Problem.from_gram(np.eye(2), [0.0, 0.0], activation="softplus")) == 1
    assert bounds.necessary_width(problem, init="antisymmetric") == 2
    H, wrong = np.random.default_rng(0).standard_normal((5, 2)), np.ones(5)
    network = gradient_flow(problem, network=Network(H, wrong), t_max=50.0)
    assert network.loss[-1] >= 0.5


def test_who_is_never_negative():
    found = {name: never_negative(bounds.get_activation(name)) for name in bounds.known_activations()}
    values = np.linspace(-30, 30, 4001)
    for name, claimed in found.items():
        assert not claimed or np.all(bounds.get_activation(name).value(values) >= 0), name
    assert {"relu", "softplus", "sigmoid", "clip"} <= {name for name, claimed in found.items() if claimed}


@settings(max_examples=10)
@given(st.integers(0, 10**6), st.integers(2, 4), st.integers(0, 12))
def test_the_determinant_of_random_features(seed, n, more):
    """E det G = det(Gbar) prod (1 - i/D), by drawing features of a law that is not Gaussian."""
    rng = np.random.default_rng(seed)
    D, draws = n + more, 4000
    mixing = rng.standard_normal((n, n))
    features = np.einsum("ab,sbd->sad", mixing, np.exp(rng.standard_normal((draws, n, D)) * 0.3) - 1.0)
    moment = math.exp(0.18) - 2 * math.exp(0.045) + 1  # E (exp(0.3 z) - 1)^2
    mean = math.exp(0.045) - 1
    Gbar = mixing @ (moment * np.eye(n) + mean**2 * (1 - np.eye(n))) @ mixing.T
    determinants = np.linalg.det(np.einsum("sad,sbd->sab", features, features) / D) / np.linalg.det(Gbar)
    expected = math.prod(1 - i / D for i in range(n))
    error = float(np.std(determinants)) / math.sqrt(draws)
    assert abs(float(np.mean(determinants)) - expected) < 6 * error + 1e-12
    assert float(determinant_tail(D, n, 0.5)) == pytest.approx(2.0**n * expected)


@pytest.mark.parametrize(("n", "dim"), [(10, 11), (20, 23), (40, 46)])
def test_necessary_embedding_dimensions(n, dim):
    limit = bounds.Problem(
        *load_builtin("experiment-1", n=n, d=20), activation="tanh", embedding=bounds.RandomFeatures()
    )
    assert bounds.necessary_embedding_dim(limit) == n
    assert bounds.necessary_embedding_dim(limit, kappa=0.5) == dim
    assert float(determinant_tail(dim - 1, n, 0.5)) < 0.95 <= float(determinant_tail(dim, n, 0.5))
    with pytest.raises(bounds.AssumptionError, match="RandomFeatures"):
        bounds.necessary_embedding_dim(bounds.Problem(*load_builtin("reference")))


def test_a_name_does_not_make_an_activation_nonnegative():
    """The name of a registered activation, given to tanh: what is known of the other one is not used."""
    disguised = dataclasses.replace(bounds.get_activation("tanh"), name="sigmoid")
    assert not never_negative(disguised)
    assert never_negative(bounds.get_activation("sigmoid"))
