"""Embedding dimensions that are certified by drawing features: the randomised tail, and the binomial certificate."""

import math

import mpmath
import numpy as np
import pytest
from flint import arb

import bounds
from bounds.data.datasets import load_builtin
from bounds.embedding_trials import binomial_limit, draws_without_failure, embedding_trials, keeps_half
from bounds.methods import randomised_tail


def problem(X, activation, depth=1):
    return bounds.Problem(X, np.ones(len(X)), embedding=bounds.RandomFeatures(depth, activation))


# -- the randomised certificate --------------------------------------------------------------------------------------


def test_the_estimate_stays_below_the_truth_at_every_seed(monkeypatch):
    """n = 1, linear features: A_theta = 1 - E exp(-theta z^2) = 1 - (1 + 2 theta)^{-1/2} exactly."""
    monkeypatch.setattr(randomised_tail, "DRAWS", 20_000)
    monkeypatch.setattr(randomised_tail, "PILOT", 2000)
    p = problem(np.array([[0.7]]), "linear")
    for seed in range(15):
        estimate, excess, loss = randomised_tail._certificate(p, p.embedding, 0.05, seed)
        exact = 1 - (1 + 2 * arb(estimate.theta)) ** (-arb(1) / 2)
        assert arb(float(estimate.values[0])) / (1 + arb(excess)) <= exact
        assert float(estimate.values[0]) == pytest.approx(float(exact), rel=0.1)
        assert loss < 1e-12


def test_the_certificate_is_sharper_and_depends_on_its_seed_alone(monkeypatch):
    monkeypatch.setattr(randomised_tail, "DRAWS", 100_000)
    p = problem(load_builtin("reference", n=6, d=4)[0], "relu")
    found = [bounds.required_embedding_dim(p, tail="monte-carlo", seed=seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]
    assert max(found) < bounds.required_embedding_dim(p, tail="whitened") / 3
    assert randomised_tail.charge(0.05) == 1e-9
    assert randomised_tail.charge(1e-8) == 1e-10
    failures = sum(not keeps_half(p, p.draw(dim=found[0], seed=s)) for s in range(100))
    assert failures <= 12  # P(more than 12 of 100 at 5%) < 2e-3, and the rate is far lower


def test_too_few_draws_certify_nothing(monkeypatch):
    monkeypatch.setattr(randomised_tail, "DRAWS", 60)
    monkeypatch.setattr(randomised_tail, "PILOT", 60)
    p = problem(load_builtin("reference", n=6, d=4)[0], "relu")
    with pytest.raises(bounds.AssumptionError, match="Use tail='whitened'"):
        bounds.required_embedding_dim(p, tail="monte-carlo", seed=5)


# -- the binomial certificate ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("draws", "failures", "alpha"), [(405, 0, 1e-9), (50, 3, 0.01), (608, 8, 1e-9), (10, 10, 0.1)])
def test_the_limit_is_that_of_clopper_and_pearson(draws, failures, alpha):
    p = binomial_limit(draws, failures, alpha)
    if failures == draws:
        assert p == 1.0
        return
    with mpmath.workdps(60):
        q = mpmath.mpf(p)
        below = mpmath.fsum(mpmath.binomial(draws, k) * q**k * (1 - q) ** (draws - k) for k in range(failures + 1))
        assert below <= mpmath.mpf(alpha)
        assert below >= mpmath.mpf(alpha) * (1 - 1e-9)


def test_405_draws_without_a_failure_are_needed():
    assert draws_without_failure(0.05, 1e-9) == 405
    assert binomial_limit(405, 0, 1e-9) <= 0.05 < binomial_limit(404, 0, 1e-9)


@pytest.mark.parametrize("depth", [1, 2])
def test_a_dimension_is_certified_by_drawing_for_any_depth(depth):
    p = problem(load_builtin("reference", n=4, d=3)[0], "relu", depth)
    found = embedding_trials(p, 256 * depth, 0.2, alpha=1e-3)
    assert found.holds
    assert found.failure_rate <= 0.2
    assert found.draws == math.ceil(1.5 * draws_without_failure(0.2, 1e-3))
    few = embedding_trials(p, 4, 0.2, alpha=1e-3, draws=10)
    assert (few.holds, few.failure_rate) == (False, 1.0)
    with pytest.raises(bounds.AssumptionError, match="random embedding"):
        embedding_trials(p.draw(dim=5), 4)
    with pytest.raises(bounds.ArgumentError, match="pass draws"):
        embedding_trials(p, 4, 1e-8)
