"""Cramer's bound and the tails of the binomial law: against 60 digits, exact sums and drawn networks."""

import math

import mpmath
import numpy as np
import pytest
from flint import arb
from mpmath import mpf

import bounds
from bounds.activation.slope_envelope import envelope_of
from bounds.data.datasets import load_builtin
from bounds.gram import GramRange
from bounds.methods import get_method
from bounds.methods.deviations import (
    Sample,
    envelope_sample,
    fraction_tails,
    neurons_for,
    neurons_for_fraction,
    slope_sample,
)
from simulate import sample_network


def exact_laplace(activation, g, theta):
    """E exp(-theta sigma'(sqrt(g) Z)^2) in 30 digits."""
    slope = {
        "tanh": lambda u: mpmath.sech(u) ** 2,
        "softplus": lambda u: 1 / (1 + mpmath.exp(-u)),
        "elu": lambda u: mpmath.exp(min(u, 0)),
    }[activation]
    with mpmath.workdps(30):
        return mpmath.quad(
            lambda z: mpmath.exp(-theta * slope(mpmath.sqrt(g) * z) ** 2) * mpmath.npdf(z), [-12, -5, -2, 0, 2, 5, 12]
        )


@pytest.mark.parametrize("activation", ["tanh", "softplus", "elu"])
@pytest.mark.parametrize("theta", [0.3, 4.0, 60.0])
def test_laplace_transforms_of_slopes(activation, theta):
    """An upper bound of E exp(-theta sigma'^2), and a close one."""
    problem = bounds.Problem.from_gram(np.diag([0.2, 1.0, 5.0]), np.ones(3), activation=activation)
    for found, g in zip(slope_sample(problem).log_laplace(theta), (0.2, 1.0, 5.0), strict=True):
        exact = float(mpmath.log(exact_laplace(activation, g, theta)))
        assert exact <= found <= exact + 2e-3 * (1 + theta)


@pytest.mark.parametrize(("activation", "nu"), [("tanh", 0.4), ("relu", 0.7), ("softplus", 0.05), ("clip", 1.0)])
def test_laplace_transforms_of_envelopes(activation, nu):
    """Above the mean over a grid of the least of sigma'(u)^2 + mu (u - h)^2 over a grid, which is above e_mu; and not
    far above, though nine variances share four tables."""
    diagonal = np.linspace(0.5, 1.5, 9)
    problem = bounds.Problem.from_gram(np.diag(diagonal), np.ones(9), activation=activation)
    z, u = np.linspace(-8, 8, 1601), np.linspace(-14, 14, 2801)
    weights = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * (z[1] - z[0])
    squares = np.square(problem.activation.slope(u))
    logs = envelope_sample(problem, nu).log_laplace(3.0)
    for found, g in zip(logs, diagonal.tolist(), strict=True):
        values = np.min(squares + nu / g * np.square(u - math.sqrt(g) * z[:, None]), axis=1)
        exact = math.log(float(np.exp(-3.0 * values) @ weights))
        assert exact - 1e-6 <= found <= exact + 0.12


def test_weights_integrate_linear_interpolants():
    """The weights add up to 1 and to the variance of the interpolant of h^2, in 1e-9."""
    problem = bounds.Problem.from_gram([[2.0]], [1.0])
    sample = slope_sample(problem)
    assert float(sample.weights.sum()) == pytest.approx(1, abs=1e-10)
    assert np.all(sample.weights >= 0)


@pytest.mark.parametrize(("p", "share"), [(0.5, 0.4), (0.02, 0.01), (0.95, 0.8), (0.3, 0.29)])
def test_tails_of_the_binomial_law(p, share):
    """At every m an upper bound of P(Bin(m, p) < share m), within a small factor."""
    with mpmath.workdps(40):
        for m in sorted(
            {math.ceil(2 / share) + 1, math.ceil(5 / share), math.ceil(20 / share), math.ceil(100 / share)}
        ):
            few = math.ceil(mpf(share) * m) - 1
            exact = mpmath.fsum(mpmath.binomial(m, j) * mpf(p) ** j * (1 - mpf(p)) ** (m - j) for j in range(few + 1))
            found = float(fraction_tails(float(m), share, np.array([p]))[0])
            assert exact <= found
            if share < 0.9 * p and m > 10 / share:
                assert found <= 8 * exact


def test_a_fraction_that_is_no_smaller_than_the_probability_has_no_width():
    assert not neurons_for_fraction([arb(0.3), arb(0.5)], arb(0.3), 0.05).is_finite()
    assert neurons_for_fraction([arb(0.3), arb(0.5)], arb(0.29), 0.05).is_finite()


def test_exponents_are_added_up_not_multiplied_by_the_number_of_data():
    """One weak datum among a thousand strong ones costs as much as that datum alone."""
    alone = neurons_for(np.array([0.1]), np.array([1.0]), 0.05)
    together = neurons_for(np.array([0.1, 1.0]), np.array([1.0, 1000.0]), 0.05)
    assert alone == pytest.approx(math.log(20) / 0.1, rel=1e-6)
    assert alone <= together < 1.01 * alone
    assert neurons_for(np.array([0.1, 0.0]), np.array([1.0, 1.0]), 0.05) == math.inf


def test_the_level_inverts_the_width():
    problem = bounds.Problem(*load_builtin("reference"))
    sample = slope_sample(problem)
    width = sample.neurons(0.3, 0.05)
    assert sample.level(width, 0.05) == pytest.approx(0.3, rel=2e-2)
    assert sample.level(2 * width, 0.05) > 0.3


def test_a_wide_diagonal_has_no_sample_and_falls_back_on_second_moments():
    problem = bounds.Problem(*load_builtin("reference")).within(0.05)
    assert slope_sample(problem) is None
    assert bounds.guarantee(problem, method="slopes", init="antisymmetric").width > 500
    with pytest.raises(bounds.AssumptionError, match="needs the Gram matrix itself"):
        bounds.guarantee(problem, method="transport")


def test_a_range_of_gram_matrices_is_not_widened_by_a_radius():
    """The range has bounds of its own: a radius on top of them must not be dropped in silence."""
    problem = bounds.Problem(2 * np.eye(3), np.ones(3))
    known = problem.given(GramRange(tuple(problem.gram_diagonal), problem.spectrum))
    with pytest.raises(bounds.ArgumentError, match="widen its bounds"):
        known.within(1.0)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("method", ["slopes", "envelope", "chebyshev", "transport"])
def test_networks_of_the_promised_width_keep_the_level(activation, method):
    """By drawing: what the profile supposes fails for fewer networks than delta (tau = 0.5: few neurons)."""
    problem = bounds.Problem(*load_builtin("reference"), activation=activation)
    if method == "slopes" and activation == "relu":
        pytest.skip("needs a smooth activation")
    g = bounds.guarantee(problem, 0.2, method=method, init="antisymmetric", tau=0.5)
    prior = get_method(method).a_priori(problem, 0.2, 0.5)
    pairs, failures, draws = g.width // 2, 0, 100
    for seed in range(draws):
        H = sample_network(problem, width=pairs, scale=1.0, seed=seed).H
        if method == "slopes":
            least = np.mean(np.square(problem.activation.slope(H)), axis=0).min()
            failures += bool(least < float(prior.choices["q_squared"]))
        elif method == "chebyshev":
            interval, xi = prior.choices["interval"], float(prior.choices["xi"])
            least = np.mean((interval[0] + xi <= H) & (interval[1] - xi >= H), axis=0).min()
            failures += bool(least < 0.5 * float(prior.choices["pi"]))
        else:
            nus = prior.choices["nus"] if method == "transport" else [float(prior.choices["nu"])]
            levels = prior.choices["A"] if method == "transport" else [float(prior.choices["A"])]
            means = [
                min(
                    float(np.mean(envelope_of(problem.activation, v, nu)(H[:, a])))
                    for a, v in enumerate(problem.gram_diagonal)
                )
                for nu in nus
            ]
            failures += any(mean < level for mean, level in zip(means, levels, strict=True))
    assert failures <= 0.2 * draws
    assert failures > 0 or method in ("chebyshev", "transport")  # the bound is close enough to be met


def test_a_wrong_laplace_transform_is_caught():
    """Half the true X in place of X gives a width that is too large; twice X one that is too small."""
    problem = bounds.Problem(*load_builtin("reference"))
    sample = slope_sample(problem)
    double = Sample(2 * sample.values, sample.weights, sample.counts, sample.blur)
    assert double.neurons(0.3, 0.05) < sample.neurons(0.3, 0.05) / 2
