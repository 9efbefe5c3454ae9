"""Certificates where there is nothing to count, no residual, or a path that is not followed."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from flint import arb

import bounds
from bounds.certificates import handover
from bounds.certificates.by_profile import residual_norm
from bounds.certificates.collocation import reference_step
from bounds.methods import METHODS
from bounds.numerics.spectrum import spectrum
from tests.three_neurons import ALL, GRAM, SIGNS, H, Y, assert_sane, certify

# Nothing to count: A = 0


def test_a_method_that_counts_no_neuron_says_nothing_at_any_scale():
    """h = 1 lies outside the middle third of I: eta = 0, and no scale is large enough."""
    problem = bounds.Problem([[1.0]], [0.1])
    c = bounds.certify(problem, [[1.0]], signs=[1.0], method="repaired")
    assert (c.holds, c.critical_scale, c.beta) == (False, math.inf, math.inf)
    best = bounds.certify(problem, [[1.0]], signs=[1.0])
    betas = {m: bounds.certify(problem, [[1.0]], signs=[1.0], method=m).beta for m in ("envelope", "slopes", "kernel")}
    assert best.method == min(betas, key=betas.__getitem__)
    assert best.beta == min(betas.values())


DEAD = [("tanh", 1e3), ("sigmoid", 800.0), ("relu", -1.0), ("clip", 5.0), ("gelu", -60.0), ("softplus", -1e3)]


@pytest.mark.parametrize(("activation", "h"), [*DEAD, ("leaky_relu", -1.0), ("linear", 3.0)])
@pytest.mark.parametrize("method", ALL)
def test_dead_networks_have_no_certificate(activation, h, method):
    try:
        c = certify(method, h=np.full((3, 2), h), activation=activation)
    except bounds.AssumptionError:
        return
    assert_sane(c)
    if (activation, h) in DEAD:
        assert (c.holds, c.critical_scale, c.beta) == (False, math.inf, math.inf)
        assert float(c.constants.get("A", 0)) == 0


def test_a_network_dead_at_one_point_of_many():
    """More than 300 points, whose eigenvalues are found by Lanczos: a kernel that vanishes has none to start from."""
    rng = np.random.default_rng(0)
    problem = bounds.Problem.from_gram(np.eye(310), rng.uniform(-1, 1, 310))
    assert_sane(bounds.certify(problem, np.full((2, 310), 1e3), signs=np.ones(2), method="kernel"))
    for matrix in (np.zeros((310, 310)), 1e-310 * np.eye(310)):
        assert spectrum(matrix).lmin[0] <= 0 <= spectrum(matrix).lmax[1]


# No residual


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_norm_of_a_residual_that_vanishes_is_enclosed(n):
    """y is f as computed: r is 0 within rounding, its norm a small number, not NaN."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        h, signs = rng.standard_normal((4, n)), np.ones(4)
        y = signs @ np.tanh(h) / 4
        problem = bounds.Problem.from_gram(np.eye(n), y)
        found = residual_norm(problem, h, signs)
        assert found.is_finite()
        assert float(found.upper()) < 1e-13
        for method in ("best", "slopes", "kernel"):
            c = bounds.certify(problem, h, signs=signs, method=method)
            assert c.holds
            assert c.beta < 1e-12


@pytest.mark.parametrize("method", ALL)
def test_a_network_that_has_converged(method):
    """y = 0 = f: 0 <= 0 at every rate; a formula gives that of a small residual, shadowing has nothing to follow."""
    if method == "everywhere":
        c = certify(method, y=0 * Y, h=0 * H, activation="linear")
    else:
        c = certify(method, y=0 * Y, h=0 * H)
    assert_sane(c)
    if method == "shadowing":
        assert not c.holds
        assert "nothing has to converge" in c.reason
    else:
        assert c.holds
        assert c.critical_scale < 1e-300
        assert c.path_length < 1e-300


def test_a_guarantee_is_not_made_from_an_empty_profile(monkeypatch):
    from bounds.methods import slopes

    honest = slopes.a_priori

    def empty(problem, delta, tau):
        prior = honest(problem, delta, tau)
        return dataclasses.replace(prior, profile=dataclasses.replace(prior.profile, A=arb(0)))

    monkeypatch.setitem(METHODS, "slopes", dataclasses.replace(slopes.METHOD, a_priori=empty))
    for y in (Y, 0 * Y):
        with pytest.raises(bounds.AssumptionError, match="says nothing here"):
            bounds.guarantee(bounds.Problem.from_gram(GRAM, y), method="slopes", scale=10.0)


# Paths that are not followed


def test_a_path_of_too_many_steps_is_not_followed_once_more(monkeypatch):
    """A smaller defect takes more steps, never fewer."""
    tried = []
    honest = handover.follow

    def follow(*arguments, **options):
        tried.append(options["precision"])
        return honest(*arguments, **options)

    monkeypatch.setattr(handover, "follow", follow)
    monkeypatch.setattr(handover, "STEPS", 1)
    c = bounds.certify(bounds.Problem([[1.0]], [0.1]), [[1.0]], signs=[1.0], method="shadowing")
    assert not c.holds
    assert "1 steps are too few" in c.reason
    assert len(tried) == 1


def test_a_step_without_a_next_sweep_keeps_what_it_has(monkeypatch):
    def singular(*arguments):
        raise np.linalg.LinAlgError

    monkeypatch.setattr(np.linalg, "solve", singular)
    problem = bounds.Problem.from_gram(GRAM, Y)
    ref = reference_step(problem, H, SIGNS, 0.01, 0.0)
    assert np.all(np.isfinite(ref.H))


def test_a_path_whose_residual_is_tiny_is_not_followed():
    """tanh saturated, so that no formula holds, and y = 1e-150 away from f = 0: below what TINY leaves visible."""
    problem = bounds.Problem.from_gram([[1.0]], [1e-150])
    h, signs = np.array([[30.0], [30.0]]), np.array([1.0, -1.0])
    found = handover._prove(problem, h, signs, lambda state: arb(1e-150), 1e-9)
    assert found.rate == 0
    assert "too small to follow" in found.ended
