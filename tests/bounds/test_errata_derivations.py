"""The numbers of the errata, derived a second time: by other formulas, by drawing, by descent."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp
from flint import arb

import bounds
from bounds import constants
from bounds.data.datasets import load_builtin
from bounds.erratum import (
    e10_many_points,
    e16_reparametrisation,
    e17_step_size,
    e19_lipschitz,
    e24_partial_training,
    many_points_run,
    one_point,
)
from bounds.erratum.e01_chain_rule import lemma_1_constants
from bounds.erratum.e02_union_bound import union_bound
from bounds.erratum.e04_offset import moment
from bounds.erratum.e15_kinks import by_descent, fall
from bounds.erratum.flow import Flow, matrix, rademacher


def test_E1_constants_are_those_of_the_calculator():
    printed, repaired = lemma_1_constants()
    for mine, formula in ((printed, constants.kappa_printed), (repaired, constants.kappa)):
        values = {"lambda_min": 0.45, "lambda_max": 1.63, "K_s": 0.6, "I": 1.6}
        value = float(mine.subs({s: values[s.name] for s in mine.free_symbols}))
        assert value == pytest.approx(float(formula(0.45, 1.63, (-0.7, 0.9), 0.6)), rel=1e-12)


def test_E2_by_drawing_networks():
    """E sum f_a^2 = n v/m: ten networks exceed ||y||^2 = 1, and none of their outputs reaches it."""
    rng, n, m = np.random.default_rng(0), 4000, 200
    for _ in range(10):
        f = rademacher(rng, m, 1.0) @ np.tanh(rng.standard_normal((m, n))) / m
        assert np.sum(f**2) > 5
        assert np.max(np.abs(f)) < 1
    assert union_bound(n, m, arb(1)) < arb(1e-3)


def test_E4_the_norm_of_a_gaussian_is_sqrt_eight_thirds():
    t = sp.Symbol("t", positive=True)
    assert sp.solve(sp.Eq((1 - 2 / t**2) ** -1, 4), t) == [2 * sp.sqrt(6) / 3]
    assert moment(arb("0.7")) < 2 < moment(arb("0.5"))


def test_E10_is_about_n(demonstrated):
    """Small N converges at x_0 with the same signs; only then does the plateau say something about n."""
    counts = [int(k) for k in re.findall(r"N = \d+: (\d+) active", demonstrated["E10"].note)]
    assert len(counts) == 2
    assert counts[0] > 0
    assert counts[1] == 0


def test_E10_says_nothing_about_a_state_that_may_move_on():
    at_rest = many_points_run.Final(residual=-0.2, active=0, gap=1.0, drift=0.01, pull=0.01)
    assert at_rest.stuck
    for change in ({"active": 1}, {"drift": 2.0}, {"pull": 0.5}, {"gap": math.nan}, {"residual": 0.0}):
        assert not replace(at_rest, **change).stuck
    assert many_points_run.run(2000).stuck is False


def test_E10_gram_is_the_matrix_of_the_text():
    N, g = 7, many_points_run.COUPLING
    G = np.eye(N + 1)
    G[0, 1:] = G[1:, 0] = g / math.sqrt(N)
    V = np.random.default_rng(0).standard_normal((3, N + 1))
    product = many_points_run.network(N, np.ones(3)).gram(V)
    np.testing.assert_allclose(product, V @ G, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(np.linalg.eigvalsh(G)[[0, 1, -2, -1]], [1 - g, 1, 1, 1 + g], rtol=1e-12)
    h = np.concatenate([many_points_run.draw(N, np.random.default_rng(k)) for k in range(300)])
    np.testing.assert_allclose(h.T @ h / len(h), G, atol=0.05)


def test_E10_larger_constants_fail_later_and_smaller_problems_are_not_refuted():
    scale, width = e10_many_points.printed_constants()
    found = e10_many_points.first_failure(scale, width)
    assert found.refutes
    assert not e10_many_points.failure(found.exponent - 1, scale, width).refutes
    assert e10_many_points.first_failure(10 * scale, width).exponent > found.exponent
    assert e10_many_points.first_failure(scale, 100 * width).exponent > found.exponent
    for change in ({"push": arb(1)}, {"log_ratio": arb(0)}, {"signs": arb(1) / 2}, {"push": arb("nan")}):
        assert not replace(found, **change).refutes


def test_E10_probability_of_the_signs():
    """exp(-m D)/(m + 1) with D <= e^2/2 + e^4/9 is below the binomial law."""
    from scipy.stats import binom

    for m, e in ((10, 0.2), (1000, 0.5), (1000, 0.1), (20_000, 0.02)):
        k = round((1 + e) * m / 2)
        mean = 2 * k / m - 1
        assert -m * (mean**2 / 2 + mean**4 / 9) - math.log(m + 1) <= binom.logpmf(k, m, 0.5)


def test_E10_steps_of_the_proof():
    """The start and the push of the proof in a network with mean of signs 1/2, at the scale 1."""
    N, m, e, c, g, y0 = 2000, 800, 0.5, 1.0, many_points_run.COUPLING, many_points_run.TARGET
    rng = np.random.default_rng(0)
    signs = np.repeat([c, -c], [round(m * (1 + e) / 2), round(m * (1 - e) / 2)])
    h = rng.standard_normal((m, N + 1))
    h[:, 0] = g / math.sqrt(N) * h[:, 1:].sum(axis=1) + math.sqrt(1 - g**2) * h[:, 0]
    flow = many_points_run.network(N, signs)
    mu, inner = float(e10_many_points.mean_output()), 0.17467
    assert float(np.mean(np.clip(h, 0, 1))) == pytest.approx(mu, abs=2e-3)
    speed = c * (2 * c + y0)
    time = e * mu / (4 * speed)
    states = flow.descend(h, time / 20, 20)
    for state in states:
        r, slope = flow.residual(state)[1:], flow.slope(state)[:, 1:]
        assert np.all(r >= c * e * mu / 4)
        assert np.max(np.abs(state - h)[:, 1:]) <= speed * time
        assert np.all(slope @ r >= N * c * e * mu * inner / 8)
    carried = -signs * (states[-1] - h)[:, 0] / c
    assert np.all(carried >= time * c * (g * math.sqrt(N) * c * e * mu * inner / 8 - c - y0))
    assert np.all(carried > 0)


def test_E12_exact_law_against_draws():
    rng, D, trials = np.random.default_rng(1), 50, 20_000
    z = np.maximum(rng.standard_normal((trials, D)), 0)
    hits = int(np.sum(np.abs(np.mean(z**2, axis=1) - 0.5) <= 0.1))
    low, high = one_point.probability_close(D, 1.0, 0.1)
    assert high - low <= 1e-8
    assert abs(hits / trials - low) < 5 * math.sqrt(low * (1 - low) / trials)


def test_E12_dimension_is_the_calculators():
    for x, u in ((1.0, 0.01), (100.0, 1.0)):
        kap = constants.kap(0, 1, x**2)
        asked = constants.D_lemma_4(1, u, kap, one_point.DELTA)
        assert one_point.dimension_asked(x, u) == pytest.approx(float(asked), abs=1)
        assert one_point.deviation_promised(one_point.dimension_asked(x, u), x) == pytest.approx(u, rel=1e-4)


def test_E15_descent_converges_to_the_sliding_solution():
    errors = [abs(by_descent(step) - float(fall())) for step in (1e-2, 1e-3)]
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 3


def test_E16_theta_is_found_and_r_is_invariant():
    p, theta = e16_reparametrisation.parametrisations(), sp.Symbol("theta", real=True)
    assert e16_reparametrisation.distance(e16_reparametrisation.shift(p["mup"], sp.Rational(1, 2)), p["ours"]) == 0
    r = e16_reparametrisation.feature_exponent
    assert (r(p["ours"]), r(p["mup"]), r(p["ntk"])) == (0, 0, sp.Rational(1, 2))
    assert sp.simplify(r(e16_reparametrisation.shift(p["ours"], theta))) == 0


def test_E17_kernels_against_draws():
    S = np.array([[1.0, 0.4], [0.4, 0.7]])
    u = np.random.default_rng(0).standard_normal((200_000, 2)) @ np.linalg.cholesky(S).T
    relu = np.maximum(u, 0)
    np.testing.assert_allclose(e17_step_size.arc_cosine(S), relu.T @ relu / len(u), atol=0.01)
    active = (u > 0).astype(float)
    np.testing.assert_allclose(e17_step_size.limit_kernel(S), S * (active.T @ active) / len(u), atol=0.01)


def test_E13_refutes_the_direction_in_every_reading_of_the_exponents(demonstrated):
    d = demonstrated["E13"]
    assert d.printed.actual[1] < 1e-8  # P(|G - Gbar| >= u') itself
    assert d.repaired.actual[0] > 1 - 1e-8


def spiked(u, start, height):
    """clip(u, -1, 1) and a tent of that height on (start, start + 1)."""
    return np.clip(u, -1, 1) + height * np.maximum(0, 1 - 2 * np.abs(u - start - 0.5))


def test_E19_limit_eigenvalues_by_quadrature():
    from scipy.optimize import brentq

    start = 4.0
    z = np.linspace(-12, 12, 480_001)
    weights = np.exp(-z * z / 2)
    weights /= weights.sum()
    height = brentq(lambda A: weights @ spiked(z, start, A) ** 2 - 2, 1.0, 1e6)
    phi = np.stack([spiked(z, start, height), spiked(-z, start, height)])
    eigenvalues = np.linalg.eigvalsh((phi * weights) @ phi.T)
    smallest, largest = e19_lipschitz.limit_eigenvalues(start)
    assert smallest.contains(arb(eigenvalues[0]))
    assert largest.contains(arb(eigenvalues[1]))


def test_E19_a_network_that_meets_no_spike_cannot_separate_opposite_points():
    """D = 50 features, m = 60, a large scale: f_2 = -f_1 for ever, L >= ||y||^2/2, and it comes down to that."""
    rng = np.random.default_rng(0)
    start, height = 20.0, 1e40
    z = rng.standard_normal(50)
    phi = spiked(np.outer([1.0, -1.0], z), start, height)
    G = phi @ phi.T / len(z)
    signs = rademacher(rng, 60, 20.0)
    h = (rng.standard_normal((60, 50)) @ phi.T) / math.sqrt(50)
    y = np.full(2, math.sqrt(0.5))
    flow = Flow(y, signs, matrix(G), lambda u: spiked(u, start, height), lambda u: (np.abs(u) < 1).astype(float))
    states = flow.descend(h, 1e-3, 2000)
    losses = [flow.loss(state) for state in states]
    assert min(losses) >= 0.5 - 1e-12
    assert losses[-1] == pytest.approx(0.5, abs=1e-6)
    assert np.max(np.abs(states[-1][:, 0] + states[-1][:, 1])) < 1e-9


def test_E20_rank_and_E22_parallel_points():
    X, _ = load_builtin("experiment-1", n=40)
    assert np.linalg.matrix_rank(X) == 20
    for depth in (1, 2, 3):
        opposite = bounds.Problem(np.array([[1.0], [-1.0]]), [1.0, 1.0], embedding=bounds.RandomFeatures(depth, "tanh"))
        drawn = opposite.draw(dim=64, seed=0).gram
        np.testing.assert_allclose(drawn @ np.ones(2), 0, atol=1e-12)


def test_E24_exponent_of_the_paper_s_own_model(monkeypatch):
    """a_L = 1/2, a_{L+1} = 1, c = -1: features move by the same amount at every width, as r = 0 says."""
    monkeypatch.setattr(e24_partial_training, "A_HIDDEN", 0.5)
    assert e24_partial_training.movement(64) == pytest.approx(e24_partial_training.movement(256), rel=1e-12)
