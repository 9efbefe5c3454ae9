"""Gaussian expectations against closed forms, mpmath quadrature and arb's own rigorous integration."""

import functools
import math
from dataclasses import replace

import flint
import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import acb, arb

import bounds
from bounds.activation.gaussian import (
    gaussian_probability,
    mean_value,
    second_moment_ratio,
    slope_power,
    value_variance,
)
from bounds.activation.slope_envelope import _table, envelope_of, mean_envelope, population_moments
from bounds.methods.kernel import limit_tangent_kernel

SMOOTH = [n for n in bounds.known_activations() if bounds.get_activation(n).strip]
VARIANCES = (1e-4, 0.7, 60.0)


def gaussian_mean(function, variance):
    """E function(sqrt(g) Z) to 30 digits."""
    with mpmath.workdps(22):
        root = mpmath.sqrt(variance)
        points = [-16, -8, -4, -2, -1, 0, 1, 2, 4, 8, 16]
        return mpmath.quad(lambda z: function(root * z) * density(z), points, maxdegree=8)


@functools.cache
def density(z):
    """Of the normal law; the nodes of all integrals are the same."""
    return mpmath.npdf(z)


def mpmath_functions(name):
    """(sigma, sigma') from the SymPy expressions, for mpmath; each value is computed once."""
    expressions = bounds.get_activation(name).symbolic
    return [functools.cache(sp.lambdify(sp.Symbol("u", real=True), e, "mpmath")) for e in expressions]


def contains(ball, exact):
    with mpmath.workdps(30):
        return ball.overlaps(arb(mpmath.nstr(exact, 25)))


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("variance", VARIANCES)
def test_smooth_expectations_contain_the_exact_value(name, variance):
    act = bounds.get_activation(name)
    value, slope = mpmath_functions(name)
    g = arb(variance)
    for power in (2, 4):
        ball = slope_power(act, g, power)
        assert contains(ball, gaussian_mean(lambda u, p=power: slope(u) ** p, variance))
        assert float(ball.rad()) < 1e-11
    mean = gaussian_mean(value, variance)
    assert contains(mean_value(act, g), mean)
    exact = gaussian_mean(lambda u: value(u) ** 2, variance) - mean**2
    assert arb(mpmath.nstr(exact, 25)) <= arb(value_variance(act, g).upper()) + 1e-18


def test_trapezoidal_rule_agrees_with_rigorous_integration():
    g = arb(0.7)

    def integrand(z, _):
        return acb(g.sqrt() * z).sech() ** 4 * (-z * z / 2).exp() / acb(2 * arb.pi()).sqrt()

    with flint.ctx.workprec(80):
        rigorous = acb.integral(integrand, -14, 14).real
    assert slope_power(bounds.get_activation("tanh"), g, 2).overlaps(rigorous)


@pytest.mark.parametrize("variance", VARIANCES)
def test_relu_closed_forms(variance):
    act, g = bounds.get_activation("relu"), arb(variance)
    assert slope_power(act, g, 2).contains(arb(0.5))
    assert float(mean_value(act, g)) == pytest.approx(math.sqrt(variance / (2 * math.pi)), rel=1e-14)
    assert float(value_variance(act, g)) == pytest.approx(variance * (0.5 - 1 / (2 * math.pi)), rel=1e-14)


def test_monte_carlo_agrees():
    """Five-sigma agreement of every moment with 4e6 draws: fails by chance less than once in a million."""
    z = np.random.default_rng(0).standard_normal(4_000_000)
    for name in bounds.known_activations():
        act = bounds.get_activation(name)
        sample = np.square(act.slope(math.sqrt(1.3) * z))
        error = 5 * sample.std() / math.sqrt(len(z)) + 1e-15
        assert abs(float(slope_power(act, arb(1.3), 2)) - sample.mean()) <= error


def test_probability_of_an_interval():
    assert float(gaussian_probability(-1.0, 1.0, arb(1))) == pytest.approx(math.erf(1 / math.sqrt(2)), rel=1e-14)
    assert gaussian_probability(0.0, math.inf, arb(3)).contains(arb(0.5))
    tail = gaussian_probability(8.0, 9.0, arb(1))  # no cancellation in the tail
    exact = (math.erfc(8 / math.sqrt(2)) - math.erfc(9 / math.sqrt(2))) / 2
    assert float(tail) == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("name", [*SMOOTH, "elu", "clip"])
def test_envelope_table_is_a_lower_bound_everywhere(name):
    act = bounds.get_activation(name)
    u = np.linspace(-14, 14, 400_001)
    p = np.square(act.slope(u))
    envelope = envelope_of(act, arb(1), 0.5)
    for h in np.random.default_rng(3).uniform(-8, 8, 60):
        exact = np.min(p + 0.5 * np.square(u - h))
        assert envelope(np.array([h]))[0] <= exact + 1e-9
        assert envelope(np.array([h]))[0] >= exact - 4e-3
    table = _table(act, 0.5, 9.5, True)
    assert np.all(table.lower <= table.upper)


@pytest.mark.parametrize("name", bounds.known_activations())
def test_envelope_moments_bracket_monte_carlo(name):
    act, nu = bounds.get_activation(name), 0.4
    first, second = population_moments(act, arb(1.2), nu)
    h = math.sqrt(1.2) * np.random.default_rng(5).standard_normal(400_000)
    sample = envelope_of(act, arb(1.2), nu)(h)
    assert abs(sample.mean() - float(first)) <= 5 * sample.std() / math.sqrt(len(h)) + 2e-3
    assert np.square(sample).mean() <= float(second) + 5 * np.square(sample).std() / math.sqrt(len(h))


def test_the_mean_envelope_is_rounded_down_whatever_its_size():
    """The mean of m equal numbers may exceed them by roundings of their size, 1e7 here."""
    steep = 7777.7
    act = replace(bounds.get_activation("relu"), pieces=(0.0, steep), lipschitz=lambda o: o.number(steep))
    for m in range(3, 80):
        assert arb(mean_envelope(act, arb(1), 1.0, np.full(m, 1e9))) <= arb(steep) ** 2


def bivariate_mean(name, g1, g2, covariance):
    """E sigma'(u) sigma'(v) by two-dimensional Gauss-Legendre quadrature on +-9 standard deviations."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z, w = 9 * nodes, 9 * weights * np.exp(-0.5 * (9 * nodes) ** 2) / math.sqrt(2 * math.pi)
    rho = covariance / math.sqrt(g1 * g2)
    slope = bounds.get_activation(name).slope
    u = math.sqrt(g1) * z[:, None]
    v = math.sqrt(g2) * (rho * z[:, None] + math.sqrt(1 - rho * rho) * z[None, :])
    return float(w @ (slope(u) * slope(v)) @ w)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(("g1", "g2", "rho"), [(1.0, 1.0, 0.3), (0.2, 4.0, -0.9), (9.0, 9.0, 0.99), (1e-3, 2.0, 0.5)])
def test_limit_tangent_kernel_contains_quadrature(name, g1, g2, rho):
    covariance = rho * math.sqrt(g1 * g2)
    problem = bounds.Problem.from_gram([[g1, covariance], [covariance, g2]], [1.0, 0.0], activation=name)
    H, error = limit_tangent_kernel(problem)
    assert abs(H[0, 1] - covariance * bivariate_mean(name, g1, g2, covariance)) <= error + 1e-10 * g1 * g2
    assert error < 1e-3 * max(g1, g2)
    for a, g in ((0, g1), (1, g2)):
        assert H[a, a] == pytest.approx(g * float(slope_power(problem.activation, arb(g), 2)), rel=1e-12)


def test_limit_tangent_kernel_of_the_linear_network_is_G():
    problem = bounds.Problem.from_gram([[1.0, 0.25], [0.25, 0.5]], [1.0, 0.0], activation="linear")
    H, error = limit_tangent_kernel(problem)
    np.testing.assert_array_equal(H, problem.gram)
    assert error == 0


def test_moment_ratio_takes_the_worst_data_point():
    act = bounds.get_activation("tanh")
    least, ratio = second_moment_ratio(act, [arb(0.5), arb(2)])
    assert least.overlaps(slope_power(act, arb(2), 2))
    assert ratio.overlaps(slope_power(act, arb(2), 4) / slope_power(act, arb(2), 2) ** 2)
