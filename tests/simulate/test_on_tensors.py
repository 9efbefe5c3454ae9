"""The flow with its matrices on a GPU too: the numbers of the compiled loops, and nothing large comes back.

Tensors of the CPU stand in for those of a GPU; see far.py.
"""

import functools

import numpy as np
import pytest
import torch

import bounds
import simulate
from simulate.field.arrays import Arrays
from simulate.integrators.exponential import on_tensors
from simulate.integrators.exponential.path_length import MOMENTS
from simulate.integrators.exponential.residual import along_path
from simulate.solve.loop import Loop
from tests.simulate import far

TENSORS = Arrays("float64", "cpu", tensors=True)


@pytest.mark.parametrize("stiff", [1.0, 1e4])
@pytest.mark.parametrize("previous", [False, True])
@pytest.mark.parametrize("node", ["none", "unknown", "known"])
def test_the_closed_form_of_the_residual(node, previous, stiff):
    """Of three runs at once, one of them without a step before. The compiled loops leave out rounds of the fixed point
    that change r' by 1e-13 of itself at the start, which is large where the kernel is stiff."""
    rng, runs, n, tight = np.random.default_rng(0), 3, 9, 1e-13 * max(stiff, 100.0)
    root = rng.standard_normal((runs, n, n)) / 3
    kernel = root @ root.mT
    rates, basis = np.linalg.eigh(kernel * np.geomspace(1, stiff, runs)[:, None, None])
    modes = rng.standard_normal((runs, n))
    changes = rng.standard_normal((2, runs, n, n)) / 60
    changes += changes.mT
    tau, length = np.array([0.5, 2.0, 0.1]), np.array([0.0, 0.4, 0.3]) * previous
    times, at_node = tau * 0.6, np.array([0.1, 0.2, 0.05])
    found = {"moments": np.empty((runs, MOMENTS, n)), "weights": np.empty((3, runs, n)), "end": np.empty((runs, n))}
    lengths = np.empty((3, runs))
    along_path(
        rates=rates,
        basis=basis,
        modes=modes,
        previous_change=changes[0] * (length > 0)[:, None, None],
        previous_length=length,
        change=changes[1],
        node=np.zeros(runs) if node == "none" else times,
        tau=tau,
        length_at_node=at_node if node == "known" else np.full(runs, -1.0),
        lengths=lengths,
        **found,
    )
    put = TENSORS.put
    far_away = on_tensors.along_path(
        TENSORS,
        rates=put(rates),
        basis=put(basis),
        modes=put(modes),
        tau=tau,
        previous_change=put(changes[0] * (length > 0)[:, None, None]) if previous else None,
        previous_length=length,
        change=None if node == "none" else put(changes[1]),
        node=None if node == "none" else times,
        length_at_node=put(at_node) if node == "known" else None,
    )
    for name, array in found.items():
        there = getattr(far_away, name).numpy()
        np.testing.assert_allclose(there, array, rtol=0, atol=tight * np.abs(array).max(), err_msg=name)
    np.testing.assert_allclose(far_away.length.numpy(), lengths[0], rtol=tight)
    np.testing.assert_allclose(far_away.dissipated.numpy(), lengths[2], rtol=tight)
    if node != "none":
        np.testing.assert_allclose(far_away.length_at_node.numpy(), lengths[1], rtol=tight)


def test_the_phi_functions():
    z = -np.concatenate([[0.0], np.geomspace(1e-9, 1e4, 60)])
    exponential, phi = (x.numpy() for x in on_tensors.phis(torch.from_numpy(z), on_tensors.constants("cpu")))
    np.testing.assert_allclose(exponential, np.exp(np.maximum(z, -700)), rtol=1e-15)
    u = (np.polynomial.legendre.leggauss(400)[0] + 1) / 2
    weights = np.polynomial.legendre.leggauss(400)[1] / 2
    for k in range(phi.shape[1]):  # phi_{k+1}(z): the integral over [0, 1] of exp((1 - u) z) u^k/k!
        smooth = np.abs(z) < 100
        wanted = (np.exp((1 - u) * z[smooth, None]) * u**k / on_tensors.FACTORIALS[k]) @ weights
        np.testing.assert_allclose(phi[smooth, k], wanted, rtol=1e-12)


X, Y = np.random.default_rng(1).standard_normal((6, 7)), np.random.default_rng(2).uniform(-1, 1, 6)
PLAIN = {"width": 90, "scale": 2.0, "t_max": 1.0, "loss_ratio": 0.0, "rtol": 1e-3, "integrator": "exponential"}
PLAIN |= {"save_at": [0.1, 1.0], "X_test": np.ones((2, 7))}
CASES = {  # options of the problem, and of the flow
    "tanh": ({}, {}),
    "every step": ({}, {"save_at": None, "t_max": 0.05}),
    "gelu": ({"activation": "gelu"}, {}),
    "runge-kutta": ({}, {"integrator": "runge-kutta"}),
    "relu": ({"activation": "relu"}, {"rtol": 0.1, "save_at": None, "t_max": 0.1}),
    "last layer": ({"last_layer": 2.0, "bias": 1.0}, {}),
    "more points than features": ({"embedding": bounds.RandomFeatures(dim=4)}, {}),
    "several networks": ({}, {"seeds": [1, 2, 3], "save_at": [0.0, 1.0]}),
    "low memory": ({}, {"low_memory": True}),
}


def flows(problem, options):
    found = simulate.gradient_flow(bounds.Problem(X, Y, **problem), **{**PLAIN, **options})
    return found if isinstance(found, list) else [found]


@functools.cache
def compiled(case):
    return flows(*CASES[case])


@pytest.mark.parametrize("case", CASES)
def test_a_flow(monkeypatch, case):
    """The same steps and the same numbers as by the compiled loops."""
    plain = compiled(case)
    far.use(monkeypatch)
    for a, b in zip(plain, flows(*CASES[case]), strict=True):
        tight = 1e-3 if case == "relu" else 1e-9  # steps at kinks are chosen by rounding
        assert b.status is a.status
        for name in (*a.errors, "time", "final.H"):
            one, two = (run.final.H if name == "final.H" else getattr(run, name) for run in (a, b))
            size = a.kernel_max_eig if name == "kernel_min_eig" else one
            np.testing.assert_allclose(two, one, rtol=tight, atol=tight * np.abs(size).max(), err_msg=name)
        if case != "relu":
            np.testing.assert_allclose(b.error, a.error, rtol=1e-3, atol=1e-13)
            assert b.stats.evaluations == a.stats.evaluations


@pytest.mark.parametrize(("dtype", "activation"), [("float64", "softplus"), ("float32", "tanh")])
def test_the_reported_error_at_the_floor(monkeypatch, dtype, activation):
    """Two ways to round differ by less than what is reported, down to where nothing but rounding is left."""
    options = {"dtype": dtype, "t_max": 1e6, "save_at": [0.1, 1e6], "loss_ratio": 1e-35, "rtol": 0.1, "scale": 20.0}
    (plain,) = flows({"activation": activation}, options)
    far.use(monkeypatch)
    (there,) = flows({"activation": activation}, options)
    assert there.status is plain.status is simulate.Status.PRECISION_REACHED
    for name in ("loss", "output", "test_output", "kernel_max_eig"):
        apart = np.abs(getattr(there, name)[0] - getattr(plain, name)[0])
        assert np.all(apart <= there.errors[name][0] + plain.errors[name][0]), name


def test_the_rounding_of_a_small_eigenvalue(monkeypatch):
    """At the start, where both integrations are one: the least eigenvalue, 1e-8 of the largest, found in two ways."""
    options = {"save_at": [0.0, 1e-3], "t_max": 1e-3}
    (plain,) = flows(*CASES["more points than features"][:1], options)
    assert plain.kernel_min_eig[0] < 1e-6 * plain.kernel_max_eig[0]
    far.use(monkeypatch)
    (there,) = flows(*CASES["more points than features"][:1], options)
    apart = np.abs(there.kernel_min_eig - plain.kernel_min_eig)
    assert np.all(apart <= plain.errors["kernel_min_eig"])


def test_nothing_moves_where_every_slope_is_zero(monkeypatch):
    """A path of length zero, by which nothing may be divided."""
    far.use(monkeypatch)
    dead = simulate.Network(-np.ones((8, 6)), np.ones(8))
    run = simulate.gradient_flow(bounds.Problem(X, Y, activation="relu"), network=dead, **DEAD)
    np.testing.assert_array_equal(run.final.H, dead.H)
    assert run.status is simulate.Status.TIME_REACHED
    np.testing.assert_allclose(run.loss, Y @ Y / 2)


DEAD = {"t_max": 1.0, "loss_ratio": 0.0, "integrator": "exponential", "save_at": [0.5, 1.0]}


@pytest.mark.parametrize("integrator", ["exponential", "runge-kutta"])
def test_what_comes_back_in_a_step(monkeypatch, integrator):
    """Six copies of a few numbers for each data point in a step that is taken, one in a step that is rejected."""
    far.use(monkeypatch)
    copies = []

    def spied(loop, attempt=Loop._attempt):
        far.Far.fetched.clear()
        accepted, tau = attempt(loop)
        copies.append((bool(accepted[0]), list(far.Far.fetched)))
        return accepted, tau

    monkeypatch.setattr(Loop, "_attempt", spied)
    options = {"integrator": integrator, "width": 200, "save_at": [1.0]}
    flows({}, options)
    taken, rejected = ([found for ok, found in copies if ok is wanted] for wanted in (True, False))
    n, attempt, half, state = len(X), 2 * len(X) + 2, 2, 4 * len(X)
    predicted = n if integrator == "exponential" else 0
    attempt, half = attempt + predicted, half + predicted
    assert len(taken) > 4
    assert all(found == [attempt, state, half, state, half, state] for found in taken)
    assert all(found == [attempt] for found in rejected)


def test_descent(monkeypatch):
    """One copy for each step."""
    options = {"width": 90, "scale": 2.0, "step": 0.1, "steps": 20, "save_every": 20, "X_test": np.ones((2, 7))}
    plain = simulate.gradient_descent(bounds.Problem(X, Y), **options)
    far.use(monkeypatch)
    there = simulate.gradient_descent(bounds.Problem(X, Y), **options)
    for name in plain.errors:
        a = getattr(plain, name)
        np.testing.assert_allclose(getattr(there, name), a, rtol=1e-11, atol=1e-12 * np.abs(a).max(), err_msg=name)
    assert far.Far.fetched.count(len(X) + 1) == options["steps"]


def test_a_resumed_run(monkeypatch, tmp_path):
    far.use(monkeypatch)
    options = {**PLAIN, "save_at": None, "t_max": 0.1}
    whole = simulate.gradient_flow(bounds.Problem(X, Y), **options)
    half = {**options, "checkpoint": tmp_path / "run.npz"}
    simulate.gradient_flow(bounds.Problem(X, Y), max_steps=3, **half)
    again = simulate.gradient_flow(bounds.Problem(X, Y), resume=True, **half)
    np.testing.assert_allclose(again.loss, whole.loss, rtol=1e-12)
    np.testing.assert_array_equal(again.time, whole.time)
