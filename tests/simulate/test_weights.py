"""Weights in, weights out: the same network as autograd in weight space."""

import dataclasses

import numpy as np
import pytest
import torch

import bounds
import simulate


def case(embedding, n=4, d=3, m=10):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((n, d)), rng.uniform(-1, 1, n)
    problem = bounds.Problem(X, y, embedding=embedding)
    if problem.random:
        problem = problem.draw(dim=7, seed=1)
    phi = problem.embedding.features(X)
    return problem, phi, rng.standard_normal((m, phi.shape[1])), 2.0 * rng.choice([-1.0, 1.0], m)


EMBEDDINGS = [bounds.Identity(), bounds.Quadratic(), bounds.RandomFeatures(depth=2, activation="erf")]


@pytest.mark.parametrize("embedding", EMBEDDINGS, ids=["identity: singular G", "quadratic", "random features"])
def test_descent_of_weights(embedding):
    """50 steps of autograd on W (m, D) against descent in function space, with weights at both ends."""
    problem, phi, W, signs = case(embedding)
    np.testing.assert_allclose(phi @ phi.T / phi.shape[1], problem.gram, rtol=1e-12, atol=1e-14)
    start = simulate.network_of_weights(problem, W, signs)
    run = simulate.gradient_descent(problem, network=start, step=0.1, steps=50)
    w = torch.tensor(W, requires_grad=True)
    features, c, y = (torch.tensor(np.array(a)) for a in (phi / np.sqrt(phi.shape[1]), signs, problem.y))
    for _ in range(50):
        loss = 0.5 * ((c @ torch.tanh(w @ features.T) / len(signs) - y) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - 0.1 * len(signs) * gradient).detach().requires_grad_()
    np.testing.assert_allclose(simulate.weights_of(run, W), w.detach().numpy(), rtol=0, atol=1e-11)


def test_predictions_of_the_weights_are_those_of_the_test_points():
    problem, _, W, signs = case(bounds.Identity())
    points = np.random.default_rng(3).standard_normal((5, 3))
    start = simulate.network_of_weights(problem, W, signs, X_test=points)
    run = simulate.gradient_flow(problem, network=start, X_test=points, t_max=5.0)
    end = simulate.network_of_weights(problem, simulate.weights_of(run, W), signs, X_test=points)
    predicted = signs @ np.tanh(end.H_test) / len(signs)
    np.testing.assert_allclose(predicted, run.test_output[-1], rtol=0, atol=1e-11)


def test_bad_weights():
    problem, _, W, signs = case(bounds.Identity())
    with pytest.raises(bounds.ArgumentError, match=r"W must be of shape \(m, D\) with D = 3. Found \(10, 2\)"):
        simulate.network_of_weights(problem, W[:, :2], signs)
    with pytest.raises(bounds.ArgumentError, match=r"signs must be of shape \(m,\) with m = 10"):
        simulate.network_of_weights(problem, W, signs[:3])
    with pytest.raises(bounds.AssumptionError, match=r"features can be computed\. Found 'gram'"):
        simulate.network_of_weights(bounds.Problem.from_gram(problem.gram + np.eye(4), problem.y), W, signs)
    limit = bounds.Problem(problem.X, problem.y, embedding=bounds.RandomFeatures())
    with pytest.raises(bounds.AssumptionError, match=r"drawn with problem\.draw"):
        simulate.network_of_weights(limit, W, signs)
    run = simulate.gradient_flow(problem, width=10, t_max=0.1)
    with pytest.raises(bounds.ArgumentError, match="the weights that the run began from"):
        simulate.weights_of(run, W)


def test_a_part_of_a_network_is_not_certified_for_the_whole(small):
    run = simulate.gradient_flow(small, width=16, scale=1.0, seed=0, t_max=0.1)
    part = dataclasses.replace(run, final=simulate.Network(run.final.H[:7], run.final.signs[:7]))
    assert len(run.neurons()) == 16
    with pytest.raises(bounds.ArgumentError, match="7 of 16 neurons are here"):
        part.neurons()


def test_weights_that_may_not_be_written(small):
    """Small flows are followed by loops that are compiled for arrays that may be."""
    start = simulate.sample_network(small, width=16, scale=1.0, seed=0)
    signs = np.frombuffer(start.signs.tobytes())
    run = simulate.gradient_flow(small, network=simulate.Network(start.H, signs), t_max=0.5)
    own = simulate.gradient_flow(small, network=start, t_max=0.5)
    np.testing.assert_array_equal(run.loss, own.loss)
