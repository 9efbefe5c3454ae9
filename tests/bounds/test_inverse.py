"""What a width covers, the best tau, the choices of the methods against fine grids, and (16)."""

import math

import numpy as np
import pytest

import bounds
from bounds.activation.gaussian import gaussian_probability_approx
from bounds.data.datasets import load_builtin
from bounds.methods.envelope import best_nu
from bounds.methods.intervals import bounded_interval, free_interval


@pytest.fixture(scope="module")
def problem():
    return bounds.Problem(*load_builtin("reference"))


@pytest.fixture(scope="module")
def rectified():
    return bounds.Problem(*load_builtin("reference"), activation="relu")


def test_smallest_delta_inverts_the_width(problem):
    width = bounds.required_width(problem, 0.01, init="antisymmetric")
    delta = bounds.smallest_delta(problem, width, init="antisymmetric")
    assert 0.0095 < delta <= 0.01 * (1 + 1e-9)
    assert bounds.required_width(problem, delta, init="antisymmetric") <= width
    assert bounds.smallest_delta(problem, 10**9, init="antisymmetric") == pytest.approx(1e-30)
    with pytest.raises(bounds.AssumptionError, match="covers nothing"):
        bounds.smallest_delta(problem, 10, init="antisymmetric")


def test_largest_n_inverts_the_width(problem):
    for k in (3, 7):
        head = bounds.Problem(problem.X[:k], problem.y[:k])
        width = bounds.required_width(head, method="slopes")
        assert bounds.largest_n(problem, width, method="slopes") >= k
        assert bounds.largest_n(problem, width - 1, method="slopes") < k
    with pytest.raises(bounds.ArgumentError, match="built from data"):
        bounds.largest_n(bounds.Problem.from_gram(problem.gram, problem.y), 10**6)


def test_smallest_lambda_min_leaves_every_closer_matrix_covered(problem):
    width = 2 * bounds.required_width(problem, method="slopes")
    least = bounds.smallest_lambda_min(problem, width, method="slopes")
    lmin = problem.spectrum.lmin[0]
    assert 0 < least < lmin
    radius = lmin - least
    for sign in (-1, 1):
        G = problem.gram + sign * 0.99 * radius * np.eye(10)
        closer = bounds.Problem.from_gram(G, problem.y)
        assert bounds.required_width(closer, method="slopes") <= width
    with pytest.raises(bounds.AssumptionError, match="covers nothing"):
        bounds.smallest_lambda_min(problem, 100, method="slopes")


@pytest.mark.parametrize("bad", [0, -1, 2.5, True])
def test_a_width_is_a_whole_number(problem, bad):
    with pytest.raises(bounds.ArgumentError, match="whole number"):
        bounds.smallest_delta(problem, bad)


@pytest.mark.parametrize("method", ["chebyshev", "slopes", "envelope"])
@pytest.mark.parametrize(("init", "scale"), [("independent", None), ("independent", 300.0), ("antisymmetric", 300.0)])
def test_the_optimal_tau_is_within_one_percent_of_a_fine_grid(problem, method, init, scale):
    best = bounds.guarantee(problem, method=method, init=init, scale=scale, tau="optimal")
    widths = []
    for tau in np.linspace(0.005, 0.995, 199):
        try:
            widths.append(bounds.required_width(problem, method=method, init=init, scale=scale, tau=float(tau)))
        except bounds.AssumptionError:
            continue
    assert best.width <= 1.01 * min(widths) + 2
    assert best.width <= bounds.required_width(problem, method=method, init=init, scale=scale)


def test_pairs_without_a_scale_have_no_optimal_tau(problem):
    with pytest.raises(bounds.ArgumentError, match="scale must be given"):
        bounds.guarantee(problem, init="antisymmetric", tau="optimal")
    with pytest.raises(bounds.ArgumentError, match="tau"):
        bounds.guarantee(problem, tau="best")


@pytest.mark.parametrize("activation", ["tanh", "softplus", "gelu", "relu", "clip", "sin"])
@pytest.mark.parametrize("power", [1.0, 1.5])
def test_interval_and_margin_are_within_one_percent_of_a_fine_grid(activation, power):
    """1/(K_s xi pi^power), hence the scale and, where the output dominates, the width."""
    problem = bounds.Problem(*load_builtin("reference"), activation=activation)
    act = problem.activation
    gmin, gmax = float(problem.gmin), float(problem.gmax)

    def cost(left, xi, width):
        right = np.where(np.isinf(width), np.inf, left + 2 * xi + np.where(np.isinf(width), 0.0, width))
        mass = np.minimum(*(gaussian_probability_approx(left + xi, right - xi, g) for g in (gmin, gmax)))
        floor = act.slope_floor_approx(left, np.minimum(right, 1e6))
        with np.errstate(divide="ignore"):
            value = 1 / (floor * xi * np.maximum(mass, 0.0) ** power)
        return np.where(right <= act.active[1], value, np.inf)

    interval, xi = free_interval(problem, power)
    mine = float(cost(*(np.array(v) for v in (interval[0], xi, interval[1] - interval[0] - 2 * xi))))
    low = max(act.active[0], -3.0)
    high = min(act.active[1], 3.0)
    lefts = np.linspace(low, high - 1e-6, 81)
    xis = np.geomspace(1e-2, 2.0, 81)
    widths = np.array([np.inf]) if math.isinf(interval[1]) else np.geomspace(1e-3, 6.0, 61)
    grid = cost(*np.meshgrid(lefts, xis, widths, indexing="ij"))
    assert mine <= 1.01 * float(np.nanmin(grid))


def test_the_paper_s_interval_and_the_envelope_s_mu_are_within_one_percent(problem, rectified):
    from bounds import constants
    from bounds.activation.slope_envelope import population_moments

    for p in (problem, rectified):
        gmin, gmax = float(p.gmin), float(p.gmax)

        def cost(left, right, p=p, gmin=gmin, gmax=gmax):
            k = constants.K.approx((left, right), gmin, gmax)
            with np.errstate(divide="ignore", invalid="ignore"):
                return 1 / (p.activation.slope_floor_approx(left, right) * (right - left) * k**1.5)

        left, right = bounded_interval(p, constants.K)
        low = max(p.activation.active[0], -3.0)
        a, b = np.meshgrid(np.linspace(low, 3, 241), np.linspace(low, 4, 281), indexing="ij")
        grid = np.where(b > a, cost(a, np.maximum(b, a + 1e-9)), np.inf)
        assert float(cost(np.array(left), np.array(right))) <= 1.01 * np.nanmin(grid)

        def scale(nu, p=p):
            return math.sqrt(nu) / min(float(population_moments(p.activation, g, nu)[0]) for g in p.gram_diagonal)

        assert scale(best_nu(p)) <= 1.01 * min(scale(float(nu)) for nu in np.geomspace(1e-2, 10, 61))


def test_everywhere_is_sixteen_for_every_width_and_scale():
    X, y = load_builtin("reference")
    leaky = bounds.Problem(X, y, activation="leaky_relu")
    for init, width in (("independent", 1), ("antisymmetric", 2)):
        g = bounds.guarantee(leaky, method="everywhere", init=init, scale=3.0)
        assert g.width == width
        exact = float(bounds.constants.rate_everywhere(3.0, leaky.spectrum.lmin[0], 0.01))
        assert exact * (1 - 1e-9) <= g.rate <= exact * (1 + 1e-12)
    H = np.random.default_rng(0).standard_normal((3, 10))
    certificate = bounds.certify(leaky, H, signs=np.array([2.0, -2.0, 2.0]), method="everywhere")
    assert certificate.holds
    assert certificate.rate > 0
    with pytest.raises(bounds.AssumptionError, match="needs inf"):
        bounds.guarantee(bounds.Problem(X, y), method="everywhere")


def test_theorem_2_and_best_for_every_activation_with_a_tau(problem):
    drawn = bounds.Problem(*load_builtin("experiment-1", n=8, d=4), embedding=bounds.RandomFeatures())
    best = bounds.guarantee(drawn, scale=5000.0, init="antisymmetric", tau="optimal")
    assert best.embedding_dim
    assert best.width <= bounds.required_width(drawn, scale=5000.0, init="antisymmetric")


def test_an_uncertain_gram_matrix_stays_uncertain():
    """largest_n keeps the radius of `within`; the separation of a random limit is not that of a realisation."""
    four = bounds.Problem(2 * np.eye(4), np.ones(4), activation="relu")
    loose = four.within(0.3 * four.spectrum.lmin[0])
    same = {"method": "envelope", "init": "antisymmetric"}
    sure = bounds.guarantee(four, **same)
    with pytest.raises(bounds.AssumptionError):
        bounds.guarantee(loose, scale=sure.scale, **same)
    with pytest.raises(bounds.AssumptionError, match="covers nothing"):
        bounds.largest_n(loose, 8, scale=sure.scale, **same)
    limit = bounds.Problem(*load_builtin("experiment-1", n=4, d=4), embedding=bounds.RandomFeatures())
    with pytest.raises(bounds.AssumptionError, match="Draw the embedding"):
        bounds.smallest_lambda_min(limit, 10**9)
