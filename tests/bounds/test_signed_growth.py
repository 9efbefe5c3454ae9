"""The exponent with signs (docs/certificates.md): its theorem at random, its eigenvalues, its steps, planted errors."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.certificates.collocation import reference_step
from bounds.certificates.shadowing import follow, shadow
from bounds.certificates.signed import Factor, largest_eigenvalue, separation, third_derivative_bound
from bounds.certificates.sizes import Constants, Shadow
from simulate import sample_network
from tests.networks import SMOOTH, networks


def exponent_of_a_step(problem, H, signs, duration):
    k = Constants(problem, abs(signs[0]))
    ref = reference_step(problem, H, signs, duration, 0.0)
    return ref, separation(k, Factor(k), ref, shadow(k, ref, 0.0), signs)


def root_of(gram):
    values, vectors = np.linalg.eigh(gram)
    return vectors * np.sqrt(np.maximum(values, 0))


@given(networks(), st.integers(0, 10**6), st.sampled_from([1e-6, 1e-3, 0.1, 1.0]))
def test_two_flows_separate_no_faster(network, seed, size):
    """<Z, F(U) - F(U~)> <= (N + c lambda_max(G^{1/2} diag(p) G^{1/2})) z^2, by a step that is as short as nothing."""
    problem, H, signs = network
    short = 1e-9 / (signs[0] * float(problem.activation.Ls)) ** 2 / problem.spectrum.lmax[1]
    _, exponent = exponent_of_a_step(problem, H, signs, short)
    Z = size * np.random.default_rng(seed).standard_normal(H.shape)
    here, there = (
        problem.activation.slope(h) * problem.residual(h, signs) for h in (H, H - signs[:, None] * (Z @ problem.gram))
    )
    z = math.sqrt(max(float(np.mean(np.einsum("ia,ab,ib->i", Z, problem.gram, Z))), 0.0))
    inner = float(np.mean(np.einsum("ia,ab,ib->i", Z, problem.gram, there - here)))
    assert inner <= exponent(z) / short * z**2 + 1e-9 * (1 + size) ** 2 * (1 + float(np.abs(here).max()))


@pytest.mark.parametrize(("sign", "grows"), [(1, True), (-1, False)])
def test_the_sign_decides_and_the_bound_is_attained(sign, grows):
    """n = m = 1: -c r sigma'' > 0 separates at exactly that rate, and with the other sign nothing separates at all."""
    problem = bounds.Problem.from_gram([[1.0]], [sign * 1.0])
    H = np.array([[math.atanh(math.sqrt(1 / 3))]])  # sigma'' = -L2
    _, exponent = exponent_of_a_step(problem, H, np.array([-1e-4]), 1e-6)
    rate = exponent(0.0) / 1e-6
    expected = 1e-4 * float(problem.activation.L2) * abs(float(problem.residual(H, np.array([-1e-4]))[0]))
    if grows:
        assert expected * 0.999 < rate < expected * 1.01
    else:
        assert rate < 0.01 * expected


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 600))
def test_largest_eigenvalue(seed, n, d, m):
    """An upper bound, and a close one, for singular Gram matrices and for matrices without a positive eigenvalue."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 10 ** rng.uniform(-1, 1)
    problem = bounds.Problem(X, np.ones(n))
    weights = rng.standard_normal((m, n)) * 10 ** rng.uniform(-6, 3) - rng.choice([0.0, 1.0])
    factor = Factor(Constants(problem, 1.0))
    root = root_of(problem.gram)
    exact = max(float(np.linalg.eigvalsh(root.T @ (w[:, None] * root))[-1]) for w in weights)
    size = float((np.abs(weights) @ np.diagonal(problem.gram)).max())
    found = largest_eigenvalue(factor, weights)
    assert exact - 1e-14 * size <= found <= max(exact, 0.0) * 1.05 + 1e-6 * size


@settings(max_examples=30)
@given(networks(), st.sampled_from([0.3, 1.0, 3.0]))
def test_the_whole_step_is_covered_not_only_its_nodes(network, length):
    problem, H, signs = network
    duration = length / (abs(signs[0]) * float(problem.activation.Ls)) ** 2 / problem.spectrum.lmax[1]
    ref, exponent = exponent_of_a_step(problem, H, signs, duration)
    root, rates = root_of(problem.gram), []
    state, points = H, 16  # the flow inside, by shorter steps of the same collocation
    for _ in range(points):
        part = reference_step(problem, state, signs, duration / points, 0.0)
        state = part.H[-1]
        second = (problem.activation.slope(state + 1e-6) - problem.activation.slope(state - 1e-6)) / 2e-6
        w = -signs[:, None] * problem.residual(state, signs) * second
        rates.append(max(0.0, *(float(np.linalg.eigvalsh(root.T @ (row[:, None] * root))[-1]) for row in w)))
    if float(np.abs(state - ref.H[-1]).max()) < 1e-6:  # both followed the same path
        assert duration * np.mean(rates[:-1]) * (1 - 1 / points) <= exponent(0.0) + 1e-6 * duration


def test_what_changes_between_the_nodes_cannot_be_left_out(monkeypatch):
    """A long step whose speeds are said to be zero has a smaller exponent."""
    problem = bounds.Problem.from_gram([[1.0]], [0.9])
    H, signs = np.linspace(-2, 2, 9)[:, None], 3.0 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 1.0])
    k = Constants(problem, 3.0)
    ref = reference_step(problem, H, signs, 0.3, 0.0)
    found = shadow(k, ref, 0.0)
    full = separation(k, Factor(k), ref, found, signs)(0.0)
    for name in ("mean_speed", "peak_speed"):
        values = {**vars(found), name: 0 * found.mean_speed}
        assert separation(k, Factor(k), ref, Shadow(**values), signs)(0.0) < full


@pytest.mark.parametrize("name", SMOOTH)
def test_third_derivatives(name):
    """Against 30 digits on a grid, and not far above; Cauchy's estimate far out."""
    activation = bounds.get_activation(name)
    functions = {
        "tanh": mpmath.tanh,
        "sigmoid": lambda u: 1 / (1 + mpmath.exp(-u)),
        "softplus": lambda u: mpmath.log(1 + mpmath.exp(u)),
        "gelu": lambda u: u * mpmath.ncdf(u),
        "erf": mpmath.erf,
        "sin": mpmath.sin,
    }
    with mpmath.workdps(40):
        largest = max(abs(mpmath.diff(functions[name], mpmath.mpf(u), 3)) for u in np.linspace(-4, 4, 41).tolist())
    found = third_derivative_bound(activation, 4)
    assert float(largest) <= found <= 1.2 * float(largest) + 0.05
    assert third_derivative_bound(activation, 4096) >= found


def test_the_exponent_is_smaller_than_without_signs():
    """Experiment 1 at n = 20, narrow: the signs take a fifth off at least."""
    problem = bounds.Problem(*bounds.data.datasets.load_builtin("experiment-1", n=20, d=20))
    network = sample_network(problem, width=64, scale=1.0, seed=0)
    k, without, last = Constants(problem, 1.0), 0.0, None
    for count, stage in enumerate(follow(problem, network.H, network.signs, precision=1e-9)):
        if stage.reference is not None:
            without += k.growth(stage.shadow.residual, stage.widest) * stage.reference.duration
        last = stage
        if count == 12:
            break
    assert last.growth < 0.8 * without
