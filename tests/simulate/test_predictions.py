"""Predictions on test points, against exact kernel regression and autograd in weight space."""

import math

import numpy as np
import pytest
import torch
from scipy.linalg import expm

import bounds
import simulate
from simulate import Network, sample_network

EMBEDDINGS = {
    "identity": bounds.Identity(),
    "quadratic": bounds.Quadratic(),
    "drawn": bounds.RandomFeatures(depth=1, dim=40, seed=0),
    "limit": bounds.RandomFeatures(depth=1),
}


def data(n=4, d=3, k=5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.uniform(-1, 1, n), rng.standard_normal((k, d))


@pytest.mark.parametrize("embedding", EMBEDDINGS)
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_joint_draw(embedding, init):
    """The training part is that of the draw without test points; together they have the joint Gram matrix."""
    X, y, X_test = data(n=5, d=3)  # n > d: G of the identity is singular
    problem = bounds.Problem(X, y, embedding=EMBEDDINGS[embedding])
    m = 200_000
    joint = sample_network(problem, width=m, scale=1.0, seed=2, init=init, X_test=X_test)
    alone = sample_network(problem, width=m, scale=1.0, seed=2, init=init)
    np.testing.assert_array_equal(joint.H, alone.H)
    both = np.concatenate([X, X_test])
    wanted = problem.embedding.gram(both, both)
    H = np.concatenate([joint.H, joint.H_test], axis=1)
    drawn = m // 2 if init == "antisymmetric" else m
    spread = np.sqrt((wanted**2 + np.outer(np.diag(wanted), np.diag(wanted))) / drawn)
    assert np.all(np.abs(H.T @ H / m - wanted) < 6 * spread)


@pytest.mark.parametrize("embedding", EMBEDDINGS)
def test_training_points_as_test_points(embedding):
    X, y, _ = data(n=5, d=3)
    problem = bounds.Problem(X, y, embedding=EMBEDDINGS[embedding])
    t = simulate.gradient_flow(problem, width=64, scale=2.0, X_test=X[[2, 0]], t_max=3.0)
    np.testing.assert_allclose(t.test_output, t.output[:, [2, 0]], atol=1e-7)
    if embedding != "identity":
        np.testing.assert_allclose(t.test_output, t.output[:, [2, 0]], atol=1e-10)


def test_linear_activation_is_kernel_regression():
    """f_test(t) = f_test(0) - G_*X (I - exp(-scale^2 G t)) G^{-1} r(0)."""
    X, y, X_test = data(n=4, d=6)
    problem = bounds.Problem(X, y, activation="linear")
    times = [0.0, 0.2, 1.0, 5.0]
    t = simulate.gradient_flow(
        problem, width=30, scale=2.0, X_test=X_test, save_at=times, t_max=5.0, rtol=1e-9, loss_ratio=0.0
    )
    G, cross = problem.gram, problem.embedding.gram(X_test, X)
    for k, time in enumerate(times):
        moved = np.eye(4) - expm(-4.0 * G * time)
        exact = t.test_output[0] - cross @ moved @ np.linalg.solve(G, t.output[0] - y)
        np.testing.assert_allclose(t.test_output[k], exact, rtol=1e-7, atol=1e-10)
        assert np.all(np.abs(t.test_output[k] - exact) <= 3 * t.errors["test_output"][k] + 1e-13)


@pytest.mark.parametrize("embedding", ["identity", "quadratic", "drawn"])
@pytest.mark.parametrize("scaling", ["ours", "ntk"])
def test_descent_equals_autograd_on_the_weights(embedding, scaling):
    """W (m, D) trained by autograd predicts what the function-space run predicts, train and test, to 1e-10."""
    X, y, X_test = data(n=4, d=5)
    problem = bounds.Problem(X, y, embedding=EMBEDDINGS[embedding])
    features = {
        "identity": lambda Z: Z,
        "quadratic": lambda Z: np.einsum("ai,aj->aij", Z, Z).reshape(len(Z), -1),
        "drawn": lambda Z: EMBEDDINGS["drawn"].features(Z),
    }[embedding]
    Phi, Phi_test = (torch.tensor(features(Z)) for Z in (X, X_test))
    D, m, step, scale = Phi.shape[1], 24, 0.02, 1.5
    rng = np.random.default_rng(3)
    half, signs = rng.standard_normal((m // 2, D)), scale * rng.choice([-1.0, 1.0], m // 2)
    W = torch.tensor(np.concatenate([half, half]), requires_grad=True)  # antisymmetrised at initialisation
    c = torch.tensor(np.concatenate([signs, -signs]))
    alpha, rate = (math.sqrt(m), step) if scaling == "ntk" else (1.0, m * step)

    def outputs(Z):
        return alpha / m * (c @ torch.tanh(W @ Z.T / math.sqrt(D)))

    H, H_test = ((W @ Z.T / math.sqrt(D)).detach().numpy().copy() for Z in (Phi, Phi_test))
    start = Network(H, c.numpy(), H_test)
    predicted, losses = [], []
    for _ in range(1001):
        r = outputs(Phi) - torch.tensor(y)
        predicted.append(outputs(Phi_test).detach().numpy().copy())
        losses.append(0.5 * (r**2).sum().item())
        (gradient,) = torch.autograd.grad(0.5 * (r**2).sum(), W)
        with torch.no_grad():
            W -= rate * gradient
    t = simulate.gradient_descent(problem, network=start, step=step, steps=1000, X_test=X_test, scaling=scaling)
    np.testing.assert_allclose(t.loss, losses, rtol=1e-10, atol=1e-25)
    np.testing.assert_allclose(t.test_output, predicted, rtol=1e-9, atol=1e-11)
    assert t.loss[-1] < 0.9 * t.loss[0]


def test_training_part_does_not_feel_the_test_points(small):
    options = {"width": 40, "scale": 2.0, "t_max": 2.0}
    without = simulate.gradient_flow(small, **options)
    with_test = simulate.gradient_flow(small, X_test=np.ones((3, 6)), **options)
    assert without.test_output is None
    assert with_test.test_output.shape == (len(with_test.time), 3)
    np.testing.assert_array_equal(with_test.loss, without.loss)
    assert "test_output_2" in with_test.to_frame().columns


def test_bad_test_points(small):
    rows = np.ones((2, 6))
    with pytest.raises(bounds.ArgumentError, match="Gram matrix alone"):
        simulate.gradient_flow(bounds.Problem.from_gram(np.eye(2), [1.0, 0.0]), width=4, X_test=np.ones((1, 2)))
    with pytest.raises(bounds.ArgumentError, match="d = 6"):
        simulate.gradient_flow(small, width=4, X_test=np.ones((2, 5)))
    with pytest.raises(bounds.DataError, match="X_test must be finite"):
        simulate.gradient_flow(small, width=4, X_test=rows * np.nan)
    start = sample_network(small, width=4, scale=1.0, seed=0)
    with pytest.raises(bounds.ArgumentError, match=r"H_test of shape \(m, 2\)"):
        simulate.gradient_flow(small, network=start, X_test=rows)
    with pytest.raises(bounds.ArgumentError, match="to match X_test"):
        simulate.gradient_flow(small, network=Network(start.H, start.signs, np.ones((4, 3))), X_test=rows)
    with pytest.raises(bounds.ArgumentError, match="H_test must be of shape"):
        Network(start.H, start.signs, np.ones((5, 3)))


def test_a_run_on_features_that_are_not_drawn_says_so():
    X, y = np.random.default_rng(3).standard_normal((5, 3)), np.linspace(-1, 1, 5)
    limit = bounds.Problem(X, y, embedding=bounds.RandomFeatures(depth=1))
    run = simulate.gradient_flow(limit, width=16, t_max=1.0, rtol=1e-3)
    assert "not drawn" in run.ending
    assert "not drawn" in simulate.gradient_descent(limit, width=16, steps=1).ending
    drawn = simulate.gradient_flow(limit.draw(dim=20, seed=0), width=16, t_max=1.0, rtol=1e-3)
    assert drawn.ending == drawn.status.value
