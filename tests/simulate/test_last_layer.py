"""A trained last layer: against autograd in weight space, conserved quantities, and everything that a run can do."""

import functools

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import bounds
import simulate
from simulate import Interrupted, setup
from simulate.field.arrays import Arrays
from simulate.network import scaling_of
from tests.simulate.test_checkpoint import after, assert_same

RNG = np.random.default_rng(7)
X, Y, NEW = RNG.standard_normal((3, 4)), RNG.uniform(-1, 1, 3), RNG.standard_normal((2, 4))
KAP, M = 0.7, 6
W, SIGNS = RNG.standard_normal((M, 4)), 1.5 * np.array([1.0, -1, 1, 1, -1, -1])
TORCH = {"tanh": torch.tanh, "gelu": torch.nn.functional.gelu, "softplus": torch.nn.functional.softplus}


def problem(activation="tanh", kap=KAP, **options):
    return bounds.Problem(X, Y, activation=activation, last_layer=kap, **options)


def full_network(activation, kap, scaling, x, w, c):
    """(output at x, its rate of change): the whole network in torch, all weights moved by autograd's gradients.

    A weight of the first layer has the mobility mu = beta m/alpha for which (11) has its factor beta, c_i kap mu."""
    row = scaling_of(scaling, M)
    w, c = (torch.tensor(v, requires_grad=True) for v in (w, c))
    f = row.alpha / M * c @ TORCH[activation](w @ torch.tensor(x).T / 2)
    loss = ((f - torch.tensor(Y)) ** 2).sum() / 2
    grad_w, grad_c = torch.autograd.grad(loss, [w, c])
    mobility = row.beta * M / row.alpha
    return f.detach().numpy(), -mobility * grad_w.numpy(), -kap * mobility * grad_c.numpy()


@functools.cache
def oracle(activation, scaling, times):
    """[(w, c)] at the times, by scipy's method of order 8 in weight space."""

    def rates(_, state):
        w, c = state[: W.size].reshape(W.shape), state[W.size :]
        return np.concatenate([v.ravel() for v in full_network(activation, KAP, scaling, X, w, c)[1:]])

    start = np.concatenate([(W * scaling_of(scaling, M).spread).ravel(), SIGNS])
    found = solve_ivp(rates, (0, times[-1]), start, "DOP853", times, rtol=1e-10, atol=1e-10).y.T
    return [(state[: W.size].reshape(W.shape), state[W.size :]) for state in found]


def started(activation="tanh", scaling="ours", kap=KAP):
    weights = W * scaling_of(scaling, M).spread
    found = simulate.network_of_weights(problem(activation, kap), weights, SIGNS, X_test=NEW)
    return simulate.Network(found.H, found.signs, found.H_test, scaling)


@pytest.mark.parametrize("integrator", ["exponential", "runge-kutta"])
@pytest.mark.parametrize(("activation", "scaling"), [("tanh", "ours"), ("gelu", "ntk"), ("softplus", "mf")])
def test_the_flow_of_the_whole_network(integrator, activation, scaling):
    """h, c and f, at test points too, against autograd and small steps in weight space."""
    start = started(activation, scaling)
    run = simulate.gradient_flow(
        problem(activation), network=start, X_test=NEW, integrator=integrator, save_at=[0.0, 0.5, 2.0], t_max=2.0,
        loss_ratio=0, rtol=1e-10,
    )  # fmt: skip
    for k, (w, c) in enumerate(oracle(activation, scaling, (0.5, 2.0)), 1):
        f, _, _ = full_network(activation, KAP, scaling, X, w, c)
        np.testing.assert_allclose(run.output[k], f, rtol=0, atol=2e-8)
        moved = np.sqrt(np.mean((c - SIGNS) ** 2))
        assert run.last_layer_movement[k] == pytest.approx(moved, abs=2e-8)
        assert moved > 1e-3
    np.testing.assert_allclose(run.final.H, w @ X.T / 2, rtol=0, atol=2e-8)
    np.testing.assert_allclose(run.final.signs, c, rtol=0, atol=2e-8)
    value = TORCH[activation](torch.tensor(w @ NEW.T / 2)).numpy()
    test = scaling_of(scaling, M).alpha / M * c @ value
    np.testing.assert_allclose(run.test_output[-1], test, rtol=0, atol=2e-8)
    np.testing.assert_array_equal(run.initial.signs, SIGNS)


@pytest.mark.parametrize("step", [0.05, "stable"])
def test_descent_of_the_whole_network(step):
    """Each step of (9) moves W and c at once, by autograd's gradients at the same point."""
    run = simulate.gradient_descent(problem(), network=started(), step=step, steps=20, X_test=NEW)
    w, c = W.copy(), SIGNS.copy()
    for k, length in enumerate(np.diff(run.time)):
        f, rate_w, rate_c = full_network("tanh", KAP, "ours", X, w, c)
        np.testing.assert_allclose(run.output[k], f, rtol=0, atol=1e-12)
        power = (rate_w**2).sum() / M + (rate_c**2).sum() / (M * KAP)
        assert run.power[k] == pytest.approx(power, rel=1e-9)
        w, c = w + length * rate_w, c + length * rate_c
    np.testing.assert_allclose(run.final.H, w @ X.T / 2, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.final.signs, c, rtol=0, atol=1e-12)


def test_a_conserved_quantity_of_linear_networks():
    """One datum, sigma(u) = u: kap h_i^2 - G c_i^2 never changes, and L falls by the power."""
    one = bounds.Problem([[2.0]], [5.0], activation="linear", last_layer=3.0)
    run = simulate.gradient_flow(one, width=5, scale=0.5, seed=1, rtol=1e-8)
    kept = [3 * n.H[:, 0] ** 2 - 4 * n.signs**2 for n in (run.initial, run.final)]
    np.testing.assert_allclose(kept[1], kept[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(run.loss[0] - run.loss[-1], run.dissipated[-1], rtol=1e-6)
    assert np.max(np.abs(run.final.signs - run.initial.signs)) > 0.5


def test_the_kernel_has_the_part_of_the_last_layer():
    """kernel_min_eig and power at the start, from their definitions in numpy."""
    p, start = problem(), started()
    run = simulate.gradient_flow(p, network=simulate.Network(start.H, start.signs), t_max=1e-3)
    slope, value = p.activation.slope(start.H), p.activation.value(start.H)
    theta = p.gram * (slope.T @ slope) / M + KAP / 1.5**2 * (value.T @ value) / M
    assert run.kernel_min_eig[0] == pytest.approx(np.linalg.eigvalsh(theta)[0], rel=1e-10)
    r = p.residual(start.H, start.signs)
    assert run.power[0] == pytest.approx(1.5**2 * r @ theta @ r, rel=1e-10)


def test_a_small_mobility_is_near_a_fixed_layer():
    options = {"width": 40, "scale": 2.0, "t_max": 2.0, "save_at": [0.0, 1.0, 2.0], "rtol": 1e-9, "loss_ratio": 0}
    fixed, trained = (simulate.gradient_flow(problem(kap=kap), **options) for kap in (0.0, 1e-9))
    np.testing.assert_allclose(trained.output, fixed.output, rtol=0, atol=1e-7)
    assert fixed.last_layer_movement is None
    assert 0 < trained.last_layer_movement[-1] < 1e-8


@pytest.mark.parametrize("integrator", ["exponential", "runge-kutta"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_reported_errors(integrator, activation):
    """A run at a loose tolerance is within ten times its reported errors of one at a tight tolerance."""
    options = {"width": 40, "scale": 2.0, "t_max": 1.0, "save_at": [0.0, 0.5, 1.0], "loss_ratio": 0}
    ratios = (1e-3, 1e-8) if activation == "tanh" else (1e-1, 1e-3)
    loose = simulate.gradient_flow(problem(activation), integrator=integrator, rtol=ratios[0], **options)
    tight = simulate.gradient_flow(problem(activation), integrator="runge-kutta", rtol=ratios[1], **options)
    for name in ("loss", "output", "path_length", "last_layer_movement", "movement_rms"):
        allowed = 10 * (loose.errors[name] + tight.errors[name])
        assert np.all(np.abs(getattr(loose, name) - getattr(tight, name)) <= allowed), name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_torch_operators_do_the_same(monkeypatch, dtype):
    """What a GPU runs, on the CPU."""
    options = {"width": 90, "scale": 2.0, "t_max": 2.0, "save_at": [0.0, 0.3, 2.0], "X_test": NEW, "loss_ratio": 0}
    plain = simulate.gradient_flow(problem("gelu"), rtol=1e-5, **options)
    monkeypatch.setattr(setup, "Arrays", functools.partial(Arrays, tensors=True))
    tensors = simulate.gradient_flow(problem("gelu"), rtol=1e-5, dtype=dtype, **options)
    tight = 1e-9 if dtype == "float64" else 3e-4
    for name in (*plain.errors, "time"):
        a, b = getattr(plain, name), getattr(tensors, name)
        np.testing.assert_allclose(b, a, rtol=tight, atol=tight * np.abs(a).max(), err_msg=name)
    np.testing.assert_allclose(tensors.final.signs, plain.final.signs, rtol=0, atol=10 * tight)


def test_float32_on_the_cpu():
    options = {"width": 90, "scale": 2.0, "t_max": 2.0, "save_at": [0.0, 2.0], "loss_ratio": 0}
    one, two = (simulate.gradient_flow(problem(), dtype=dtype, **options) for dtype in ("float64", "float32"))
    for name in ("output", "last_layer_movement"):
        assert np.all(np.abs(getattr(one, name) - getattr(two, name)) <= one.errors[name] + two.errors[name])


def test_runs_that_are_advanced_together():
    """Bit for bit what each of them gives alone, though they end at different times."""
    options = {"width": 40, "scale": 2.0, "t_max": 3.0, "loss_ratio": 1e-2, "X_test": NEW}
    together = simulate.gradient_flow(problem(), seeds=[1, 2, 3], **options)
    for seed, run in zip([1, 2, 3], together, strict=True):
        alone = simulate.gradient_flow(problem(), seed=seed, **options)
        np.testing.assert_array_equal(run.loss, alone.loss)
        np.testing.assert_array_equal(run.final.signs, alone.final.signs)
        np.testing.assert_array_equal(run.last_layer_movement, alone.last_layer_movement)


@pytest.mark.parametrize("integrator", ["exponential", "runge-kutta", "descent"])
def test_a_resumed_run_is_the_same_run(tmp_path, integrator):
    options = {"width": 40, "scale": 3.0, "X_test": NEW}
    options |= {"step": 0.1, "steps": 30} if integrator == "descent" else {"t_max": 2.0, "integrator": integrator}
    run = simulate.gradient_descent if integrator == "descent" else simulate.gradient_flow
    whole = run(problem(), **options)
    with pytest.raises(Interrupted):
        run(problem(), checkpoint=tmp_path / "run.npz", progress=after(3), **options)
    again = run(problem(), checkpoint=tmp_path / "run.npz", resume=True, **options)
    assert_same(again, whole)
    np.testing.assert_array_equal(again.final.signs, whole.final.signs)
    with pytest.raises(bounds.ArgumentError, match=r"belongs to another run: .*last_layer"):
        run(problem(kap=2.0), checkpoint=tmp_path / "run.npz", resume=True, **options)
    with pytest.raises(bounds.ArgumentError, match=r"belongs to another run: .*last_layer"):
        run(problem(kap=0.0), checkpoint=tmp_path / "run.npz", resume=True, **options)


def test_a_run_goes_on_from_where_another_ended():
    """From the final network, whose c_i have several sizes."""
    options = {"X_test": NEW, "rtol": 1e-8, "loss_ratio": 0}
    whole = simulate.gradient_flow(problem(), network=started(), t_max=2.0, **options)
    half = simulate.gradient_flow(problem(), network=started(), t_max=1.0, **options)
    rest = simulate.gradient_flow(problem(), network=half.final, t_max=1.0, **options)
    assert len(np.unique(np.abs(half.final.signs))) > 1
    assert half.final.scale == pytest.approx(np.sqrt(np.mean(half.final.signs**2)))
    np.testing.assert_allclose(rest.final.signs, whole.final.signs, rtol=0, atol=1e-6)
    np.testing.assert_allclose(rest.test_output[-1], whole.test_output[-1], rtol=0, atol=1e-6)
    with pytest.raises(bounds.ArgumentError, match=r"one magnitude.*last_layer=1\.0"):
        simulate.gradient_flow(problem(kap=0.0), network=half.final, X_test=NEW)


def test_predictions_and_weights():
    run = simulate.gradient_flow(problem(), width=40, scale=2.0, t_max=2.0)
    np.testing.assert_allclose(run.predict(X), run.output[-1], rtol=0, atol=1e-10)
    assert "last_layer_movement" in run.to_frame()
    given = simulate.gradient_flow(problem(), network=started(), X_test=NEW, t_max=2.0, rtol=1e-9)
    w = simulate.weights_of(given, W)
    np.testing.assert_allclose(given.final.signs @ np.tanh(w @ NEW.T / 2) / M, given.test_output[-1], atol=1e-12)


def test_what_is_refused():
    with pytest.raises(bounds.ArgumentError, match=r"low_memory keeps no slopes"):
        simulate.gradient_flow(problem(), width=8, low_memory=True)
    with pytest.raises(bounds.ArgumentError, match=r"'piecewise-linear'.*trained last layer\. Use integrator='expo"):
        simulate.gradient_flow(problem("relu"), width=8, integrator="piecewise-linear")
    assert simulate.gradient_flow(problem("relu"), width=8, t_max=0.1).integrator == "exponential"
    for bad in (-1.0, float("inf"), "much"):
        with pytest.raises(bounds.ArgumentError, match=r"last_layer must be the mobility"):
            problem(kap=bad)
