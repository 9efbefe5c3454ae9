"""Gradient flow against exact solutions, an independent integrator, and its own claimed order and error."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import bounds
import simulate
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.integrators import INTEGRATORS, State, get_integrator
from simulate.integrators.exponential.phi import phis
from simulate.network import Network, scaling_of
from verify.search.strategies import flows

TIGHT = {"rtol": 1e-9, "loss_ratio": 0.0}
BOTH = pytest.mark.parametrize("integrator", [name for name in INTEGRATORS if name != "piecewise-linear"])


def network(m, n, seed=0, scale=1.0, spread=1.0):
    rng = np.random.default_rng(seed)
    return Network(spread * rng.standard_normal((m, n)), scale * rng.choice([-1.0, 1.0], m))


def gram(n, seed=0):
    X = np.random.default_rng(seed).standard_normal((n, n + 2))
    G = X @ X.T / (n + 2)
    return (G + G.T) / 2


@BOTH
def test_linear_activation(integrator):
    """r(t) = exp(-scale^2 G t) r(0)."""
    G, y = gram(4), np.array([1.0, -0.5, 0.3, 2.0])
    problem = bounds.Problem.from_gram(G, y, activation="linear")
    start = network(6, 4, scale=2.0)
    times = [0.0, 0.1, 0.5, 2.0]
    t = simulate.gradient_flow(problem, network=start, save_at=times, t_max=2.0, integrator=integrator, **TIGHT)
    for k, time in enumerate(times):
        exact = expm(-4.0 * G * time) @ (t.output[0] - y)
        np.testing.assert_allclose(t.output[k] - y, exact, rtol=1e-7, atol=1e-12)


@BOTH
def test_one_point_tanh_invariant(integrator):
    """n = 1: (h/2 + sinh(2h)/4) / c_i shifts by the same amount for every neuron."""
    problem = bounds.Problem.from_gram([[1.3]], [0.4])
    start = network(30, 1, seed=3, scale=1.5)
    t = simulate.gradient_flow(problem, network=start, t_max=3.0, integrator=integrator, **TIGHT)
    conserved = [state.H[:, 0] / 2 + np.sinh(2 * state.H[:, 0]) / 4 for state in (t.initial, t.final)]
    shift = (conserved[1] - conserved[0]) / start.signs
    np.testing.assert_allclose(shift, shift[0], rtol=1e-7)
    assert abs(shift[0]) > 0.1


def test_one_point_relu_neurons_move_together_or_freeze():
    """n = 1, ReLU: active neurons all move by -c_i tau; those below zero never move."""
    problem = bounds.Problem.from_gram([[1.0]], [0.3], activation="relu")
    start = network(40, 1, seed=5, scale=1.0)
    t = simulate.gradient_flow(problem, network=start, t_max=5.0, rtol=1e-6, loss_ratio=0.0)
    moved = (t.final.H - t.initial.H)[:, 0] / -start.signs
    frozen = start.H[:, 0] < 0
    assert np.all(moved[frozen] == 0)
    through = ~frozen & (t.final.H[:, 0] > 1e-3)
    assert through.sum() > 5
    np.testing.assert_allclose(moved[through], moved[through][0], rtol=1e-5)


def test_diagonal_gram_decouples():
    y = np.array([0.4, -0.7, 0.1])
    whole = bounds.Problem.from_gram(0.8 * np.eye(3), y)
    start = network(12, 3, seed=7, scale=1.2)
    t = simulate.gradient_flow(whole, network=start, t_max=2.0, save_at=[2.0], **TIGHT)
    for a in range(3):
        alone = bounds.Problem.from_gram([[0.8]], [y[a]])
        one = Network(start.H[:, [a]], start.signs)
        s = simulate.gradient_flow(alone, network=one, t_max=2.0, save_at=[2.0], **TIGHT)
        np.testing.assert_allclose(t.final.H[:, a], s.final.H[:, 0], rtol=1e-7, atol=1e-9)


def test_zero_targets_depend_on_scale_squared_times_time():
    problem = bounds.Problem.from_gram(gram(3), np.zeros(3))
    one, four = network(10, 3, scale=1.0), network(10, 3, scale=4.0)
    slow = simulate.gradient_flow(problem, network=one, t_max=1.6, save_at=[1.6], **TIGHT)
    fast = simulate.gradient_flow(problem, network=four, t_max=0.1, save_at=[0.1], **TIGHT)
    np.testing.assert_allclose(fast.final.H, slow.final.H, rtol=1e-7)
    assert fast.loss[-1] == pytest.approx(16 * slow.loss[-1], rel=1e-7)


@BOTH
@pytest.mark.parametrize("activation", ["tanh", "softplus", "sigmoid"])
def test_against_scipy(integrator, activation):
    problem = bounds.Problem.from_gram(gram(3, seed=2), np.array([0.5, -0.2, 0.9]), activation=activation)
    start = network(8, 3, seed=2, scale=2.0)
    c = start.signs[:, None]

    def rate(_, flat):
        h = flat.reshape(8, 3)
        r = (c * problem.activation.value(h)).mean(0) - problem.y
        return (-c * ((r * problem.activation.slope(h)) @ problem.gram)).ravel()

    exact = solve_ivp(rate, (0, 4.0), start.H.ravel(), method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    t = simulate.gradient_flow(problem, network=start, t_max=4.0, integrator=integrator, **TIGHT)
    np.testing.assert_allclose(t.final.H.ravel(), exact, atol=2e-8)
    assert np.abs(t.errors["output"][-1]).max() > 0


def test_sliding_along_a_kink():
    """n=2, m=1, G12=-1/2: h_2 slides on zero and the loss falls by 0.13828 on [1/2, 1], not by the 0.1657 of (14)."""
    problem = bounds.Problem.from_gram([[1.0, -0.5], [-0.5, 1.0]], [-1.0, 0.0], activation="relu")
    start = Network(np.array([[1.0, 0.1]]), np.array([1.0]))
    start = Network(start.H[:, ::-1].copy(), start.signs)
    t = simulate.gradient_flow(
        problem, network=start, t_max=1.0, save_at=[0.0, 0.5, 1.0], rtol=1e-3, loss_ratio=0.0, max_steps=20_000
    )
    assert t.time[-1] == 1.0
    assert t.loss[1] - t.loss[2] == pytest.approx(0.13828, abs=2e-3)


@BOTH
def test_observed_order(integrator):
    """Halving fixed steps divides the error by at least 2^p: p = 4 for the exponential method, 5 for the reference."""
    order = {"exponential": 4, "runge-kutta": 5}[integrator]
    problem = bounds.Problem.from_gram(gram(3, seed=4), np.array([0.8, -0.6, 0.4]))
    start = network(6, 3, seed=4, scale=1.5, spread=0.7)

    def solve(stepper, steps):
        arrays = Arrays(torch.float64, torch.device("cpu"))
        flow = Flow(problem, start.signs[None], scaling_of("ours", 6), arrays)
        state = State.at(flow, start.H.T[None].copy())
        for _ in range(steps):
            state = get_integrator(stepper).step(flow, state, np.array([1.0 / steps]), errors=False).advance(state)
        return state.h

    exact = solve("runge-kutta", 400)
    errors = [np.abs(solve(integrator, steps) - exact).max() for steps in (8, 16, 32)]
    for coarse, fine in itertools.pairwise(errors):
        assert math.log2(coarse / fine) > order - 0.4


def test_exponential_method_takes_steps_that_stiffness_forbids_others():
    """G with condition number 1e5: the exponential method needs a fraction of the evaluations."""
    values = np.logspace(-5, 0, 5)
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 5)))[0]
    G = (Q * values) @ Q.T
    problem = bounds.Problem.from_gram((G + G.T) / 2, np.linspace(-1, 1, 5))
    start = network(40, 5, scale=30.0, spread=0.3)
    runs = {
        name: simulate.gradient_flow(problem, network=start, t_max=5.0, rtol=1e-5, loss_ratio=0.0, integrator=name)
        for name in ("exponential", "runge-kutta")
    }
    assert runs["exponential"].stats.evaluations * 8 < runs["runge-kutta"].stats.evaluations
    assert runs["exponential"].loss[-1] == pytest.approx(runs["runge-kutta"].loss[-1], rel=1e-3)


def test_phi_functions_against_mpmath():
    import mpmath

    arguments = -np.concatenate([[0.0], np.logspace(-12, 5, 200), [0.999999, 1.0, 1.000001]])
    found = np.empty((8, len(arguments)))
    phis(arguments, found)
    for z, computed in zip(arguments, found.T, strict=True):
        with mpmath.workdps(150):
            x = mpmath.mpf(float(z))
            exact = mpmath.exp(x)
            for k, value in enumerate(computed):
                assert float(value) == pytest.approx(float(exact), rel=1e-11, abs=1e-300)
                exact = (exact - 1 / mpmath.factorial(k)) / x if x else 1 / mpmath.factorial(k + 1)


@settings(max_examples=40)
@given(flows(["tanh", "softplus", "sigmoid"]))
def test_reported_error_covers_the_true_error(options):
    """The loss and the output lie within three reported errors of a reference that is four digits finer."""
    times = [options["t_max"] / 4, options["t_max"]]
    rough = simulate.gradient_flow(**options, save_at=times, rtol=1e-3, loss_ratio=0.0)
    exact = simulate.gradient_flow(**options, save_at=times, rtol=1e-7, loss_ratio=0.0, integrator="runge-kutta")
    for name in ("loss", "output", "mean_square_slope", "path_length"):
        difference = np.abs(getattr(rough, name) - getattr(exact, name))
        allowed = 3 * rough.errors[name] + exact.errors[name] + 1e-12 * np.abs(getattr(exact, name))
        assert np.all(difference <= allowed), (name, difference, rough.errors[name])


def test_loss_far_below_single_precision():
    """The loss is resolved down to 1e-20 of its initial value in float64."""
    problem = bounds.Problem.from_gram(gram(4), np.array([0.5, -0.5, 0.2, 0.1]))
    t = simulate.gradient_flow(problem, width=64, scale=20.0, seed=0, init="antisymmetric", loss_ratio=1e-20, t_max=50)
    assert t.status is simulate.Status.LOSS_REACHED
    assert t.error[-1] < 0.5 * t.loss[-1]


def test_float32_reports_a_larger_error(small):
    common = {"width": 64, "seed": 0, "t_max": 5.0, "save_at": [5.0], "loss_ratio": 0.0}
    double = simulate.gradient_flow(small, **common)
    single = simulate.gradient_flow(small, dtype="float32", rtol=1e-4, **common)
    assert single.dtype == "float32"
    assert single.error[-1] > double.error[-1]
    assert abs(single.loss[-1] - double.loss[-1]) <= 3 * single.error[-1] + double.error[-1]
