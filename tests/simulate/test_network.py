"""The draw of the network, statuses, arguments, descent."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

import bounds
import simulate
from simulate import Network, Status, sample_network


def test_same_seed_same_network(small):
    one, two = (sample_network(small, width=32, scale=2.0, seed=9) for _ in range(2))
    other = sample_network(small, width=32, scale=2.0, seed=10)
    assert np.array_equal(one.H, two.H)
    assert np.array_equal(one.signs, two.signs)
    assert not np.array_equal(one.H, other.H)


def test_rows_are_gaussian_with_covariance_G(small):
    """Each whitened squared norm is chi-square with n degrees of freedom; Kolmogorov-Smirnov at level 1e-6."""
    H = sample_network(small, width=20_000, scale=1.0, seed=0).H
    white = np.linalg.solve(np.linalg.cholesky(small.gram), H.T)
    assert stats.kstest(np.square(white).sum(0), stats.chi2(small.n).cdf).pvalue > 1e-6
    signs = sample_network(small, width=20_000, scale=3.0, seed=0).signs
    assert set(np.abs(signs)) == {3.0}
    assert stats.binomtest(int((signs > 0).sum()), len(signs)).pvalue > 1e-6


def test_antisymmetric_pairs_cancel(small):
    network = sample_network(small, width=200, scale=5.0, seed=1, init="antisymmetric")
    t = simulate.gradient_flow(small, network=network, t_max=1e-3)
    assert np.abs(t.output[0]).max() < 1e-14
    assert t.loss[0] == pytest.approx(0.5 * float(small.y @ small.y), rel=1e-14)


def test_table_1_scalings(small):
    """NTK at width m is ours with f multiplied by sqrt(m) and the flow unchanged in the linear limit."""
    ours = sample_network(small, width=100, scale=1.0, seed=0)
    mf = sample_network(small, width=100, scale=1.0, seed=0, scaling="mf")
    np.testing.assert_allclose(mf.H, ours.H / 10)
    # With random features the sum over D of them is divided by D: 1/sqrt D, whatever the width is.
    X = np.random.default_rng(0).standard_normal((3, 2))
    features = bounds.Problem(X, np.ones(3), embedding=bounds.RandomFeatures(dim=64), bias=0.5)
    drawn = {"width": 100, "scale": 1.0, "seed": 0}
    mf = sample_network(features, **drawn, scaling="mf")
    np.testing.assert_allclose(mf.H, sample_network(features, **drawn).H / 8)
    ntk = simulate.gradient_flow(small, width=4096, seed=0, scaling="ntk", init="antisymmetric", t_max=5.0)
    mean_field = simulate.gradient_flow(small, width=4096, seed=0, init="antisymmetric", t_max=5.0)
    assert ntk.movement[-1].mean() < 0.05 * mean_field.movement[-1].mean()
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'ntk'"):
        simulate.gradient_flow(small, width=8, scaling="ntkk")


@pytest.mark.parametrize(("activation", "n"), [("tanh", 5), ("relu", 5), ("softplus", 3)])
def test_descent_equals_autograd_in_weight_space(activation, n):
    """(9) in function space against torch autograd on W, 1000 steps, to 1e-10 relative."""
    rng = np.random.default_rng(n)
    X, y = rng.standard_normal((n, 7)), rng.uniform(-1, 1, n)
    problem = bounds.Problem(X, y, activation=activation)
    m, d, step, scale = 24, 7, 0.02, 1.5
    W = torch.tensor(rng.standard_normal((m, d)), requires_grad=True)
    signs = scale * rng.choice([-1.0, 1.0], m)
    inputs, targets, c = (torch.tensor(a) for a in (X, y, signs))
    sigma = {"tanh": torch.tanh, "relu": torch.relu, "softplus": torch.nn.functional.softplus}[activation]
    start = Network((W @ inputs.T / math.sqrt(d)).detach().numpy().copy(), signs)
    losses = []
    for _ in range(1001):
        loss = 0.5 * ((c @ sigma(W @ inputs.T / math.sqrt(d)) / m - targets) ** 2).sum()
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, W)
        with torch.no_grad():
            W -= m * step * gradient
    t = simulate.gradient_descent(problem, network=start, step=step, steps=1000)
    np.testing.assert_allclose(t.loss, losses, rtol=1e-10)
    assert t.loss[-1] < 0.1 * t.loss[0]
    assert t.status is Status.STEPS_DONE


def test_descent_follows_the_flow_for_small_steps(small):
    flow = simulate.gradient_flow(small, width=64, seed=0, t_max=1.0, save_at=[1.0], rtol=1e-8)
    descent = simulate.gradient_descent(small, width=64, seed=0, step=1e-3, steps=1000, save_every=1000)
    assert descent.time[-1] == pytest.approx(1.0)
    assert descent.loss[-1] == pytest.approx(flow.loss[-1], rel=2e-3)


def test_statuses_name_the_remedy(small):
    reached = simulate.gradient_flow(small, width=64, scale=30.0, seed=0, init="antisymmetric", loss_ratio=1e-3)
    assert reached.status is Status.LOSS_REACHED
    assert reached.loss[-1] <= 1e-3 * reached.loss[0]
    early = simulate.gradient_flow(small, width=16, seed=0, t_max=0.01)
    assert early.status is Status.TIME_REACHED
    assert early.time[-1] == 0.01
    assert "raise t_max" in early.status.value
    short = simulate.gradient_flow(small, width=16, seed=0, max_steps=3)
    assert short.status is Status.STEP_LIMIT
    linear = bounds.Problem(small.X, small.y, activation="linear")
    with np.errstate(all="ignore"):
        gone = simulate.gradient_descent(linear, width=16, step=1e3, steps=500, seed=0, save_every=100)
    assert gone.status is Status.DIVERGED


def test_save_times_are_hit(small):
    times = [0.0, 0.5, 0.7, 2.0]
    t = simulate.gradient_flow(small, width=32, seed=0, t_max=3.0, save_at=times, loss_ratio=0.0)
    np.testing.assert_allclose(t.time[:4], times)
    frame = t.to_frame()
    assert len(frame) == len(t.time)
    assert {"time", "loss", "output_3", "path_length"} <= set(frame.columns)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 0}, "width must be a positive integer"),
        ({"width": -3}, "Found -3"),
        ({"width": 2.5}, "width"),
        ({"width": 5, "init": "antisymmetric"}, "Use width=6"),
        ({"scale": -1.0}, "scale must be"),
        ({"scale": float("nan")}, "scale"),
        ({"seed": -1}, "seed"),
        ({"t_max": 0.0}, "t_max"),
        ({"t_max": math.inf}, "t_max"),
        ({"rtol": 0.0}, "rtol"),
        ({"loss_ratio": 1.0}, "loss_ratio"),
        ({"dtype": "float16"}, "dtype"),
        ({"device": "gpu"}, "device"),
        ({"integrator": "exponental"}, "Did you mean 'exponential'"),
        ({"save_at": [2.0, 1.0]}, "increasing times"),
        ({"save_at": [1.0, 9999.0]}, "t_max"),
        ({"interval": (1.0, 0.0)}, "interval"),
        ({"network": Network(np.zeros((2, 9)), np.ones(2))}, r"shape \(m, 4\)"),
        ({"network": Network(np.zeros((2, 4)), np.array([1.0, 2.0]))}, "one magnitude"),
    ],
)
def test_bad_arguments(small, arguments, message):
    with pytest.raises(bounds.ArgumentError, match=message):
        simulate.gradient_flow(small, **arguments)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is present")
def test_no_gpu_is_said_so(small):
    with pytest.raises(bounds.ArgumentError, match="sees no GPU"):
        simulate.gradient_flow(small, device="cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_agrees_with_the_cpu(small):
    runs = [
        simulate.gradient_flow(small, width=64, seed=0, t_max=5.0, save_at=[5.0], device=device)
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_array_equal(runs[0].initial.H, runs[1].initial.H)
    assert runs[0].loss[-1] == pytest.approx(runs[1].loss[-1], rel=1e-8)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_products_in_float32_keep_their_digits_whatever_torch_is_set_to(small, monkeypatch):
    options = {"width": 4096, "seed": 0, "t_max": 1.0, "save_at": [1.0], "device": "cuda", "dtype": "float32"}
    plain = simulate.gradient_flow(small, **options)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    np.testing.assert_array_equal(simulate.gradient_flow(small, **options).output, plain.output)
    assert torch.backends.cuda.matmul.allow_tf32
