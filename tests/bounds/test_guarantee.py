"""Guarantees and certificates: the safe side, the inverse relations, the errors."""

import math

import mpmath
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

import bounds
from bounds.data.datasets import load_builtin
from bounds.methods import METHODS
from bounds.methods.base import LINEAR_FRACTION, PARABOLA, ROOT, Profile
from bounds.numerics.arithmetic import ceil_int, float_down, float_up
from simulate import sample_network
from tests.bounds.tanh_decimals import tanh_moments
from verify.search.strategies import problems

SHAPES = {
    LINEAR_FRACTION.name: (LINEAR_FRACTION, lambda s: math.sqrt(max(1 - s, 0))),
    PARABOLA.name: (PARABOLA, lambda s: math.sqrt(max(1 - s * s, 0))),
    ROOT.name: (ROOT, lambda s: 1 - s),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("beta", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_master_theorem_by_quadrature(name, beta):
    """The closed forms of a, S and rho(S)^2 against mpmath's integral of rho."""
    shape, g = SHAPES[name]
    A, extent = 0.37, 2.2
    profile = Profile(arb(A), arb(extent), shape)
    whole = mpmath.quad(lambda s: math.sqrt(A) * g(float(s) / extent), [0, extent])
    assert float(profile.critical) == pytest.approx(1 / float(whole), rel=1e-6)
    S = float(profile.path_length(arb(beta)))
    used = mpmath.quad(lambda s: math.sqrt(A) * g(float(s) / extent), [0, S]) if S else 0.0
    assert float(used) == pytest.approx(beta * float(whole), rel=1e-6, abs=1e-12)
    assert float(profile.remaining(arb(beta))) == pytest.approx(A * g(S / extent) ** 2, rel=1e-6)


@given(st.floats(1e-300, 1e300), st.floats(0, 1e-3))
def test_rounding_goes_to_the_safe_side(value, radius):
    ball = arb(value, value * radius)
    assert arb(float_up(ball)) >= ball.upper()
    assert arb(float_down(ball)) <= ball.lower()
    if value < 1e60:
        assert arb(ceil_int(ball)) >= ball.upper()
        assert arb(ceil_int(ball) - 1) < ball.upper()


def test_widths_beyond_float_are_exact_integers():
    assert ceil_int(arb(10) ** 40 + arb("0.5")) >= 10**40
    X, y = load_builtin("digits")
    g = bounds.guarantee(bounds.Problem(X, 1e12 * y), method="printed-style")
    assert isinstance(g.width, int)
    assert g.width > 10**17
    assert g.vacuous


def reference_slopes(G, y, delta, tau, beta):
    """Scale, width and rate of the slopes method for tanh, in 40 digits, independent of the package. The width is that
    of f^0; test_against_mpmath.py has the other."""
    with mpmath.workdps(40):
        n = len(y)
        values = mpmath.eigsy(mpmath.matrix(G.tolist()), eigvals_only=True)
        lmin, lmax = min(values), max(values)
        diagonal = [mpmath.mpf(G[a, a]) for a in range(n)]

        second, _, variances = zip(*map(tanh_moments, diagonal), strict=True)
        q2 = (1 - mpmath.mpf(tau)) * min(second)
        L2 = 4 / (3 * mpmath.sqrt(3))
        a = 2 * L2 * mpmath.sqrt(max(diagonal)) / (mpmath.sqrt(lmin) * q2)
        norm = mpmath.sqrt(sum(mpmath.mpf(v) ** 2 for v in y.tolist()))
        half = mpmath.mpf(delta) / 2
        B = mpmath.sqrt(sum(variances)) + mpmath.sqrt(2 * lmax * mpmath.log(2 / half))
        scale = 2 * a * norm / beta
        width = mpmath.ceil((2 * a * B / beta) ** 2)  # what f^0 asks for
        rate = 2 * scale**2 * lmin * q2 * (1 - mpmath.mpf(beta))
        return scale, width, rate


@pytest.mark.parametrize("seed", range(6))
def test_slopes_method_is_on_the_safe_side_of_forty_digits(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 6)), int(rng.integers(6, 12))
    problem = bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n))
    delta = float(rng.uniform(0.01, 0.2))
    g = bounds.guarantee(problem, delta, method="slopes")
    exact = bounds.Problem.from_gram(problem.gram, problem.y)
    scale, width, rate = reference_slopes(exact.gram, exact.y, delta, 0.2, 0.5)
    assert g.scale >= scale * (1 - mpmath.mpf(10) ** -12)
    assert g.scale <= scale * (1 + mpmath.mpf(10) ** -8)
    assert width <= g.width
    assert g.dominant == "concentration" or g.width <= width + 1 + width * 1e-8
    assert float(rate) * (1 - 1e-7) <= g.rate
    assert g.rate <= rate * (g.scale / scale) ** 2


@given(problems(), st.floats(0.001, 0.5), st.sampled_from(["independent", "antisymmetric"]))
def test_every_guarantee_is_finite_and_consistent(problem, delta, init):
    found = []
    for name in METHODS:
        try:
            g = bounds.guarantee(problem, delta, method=name, init=init)
        except bounds.AssumptionError:
            continue
        found.append(g)
        assert g.width >= 1
        assert 0 < g.scale < math.inf
        assert g.rate >= 0
        assert g.beta <= 0.5 * (1 + 1e-9)
        of_a_kernel = name in ("kernel", "clipped")  # which do not need lambda_min(G) > 0
        eigenvalue = problem.spectrum.lmax_ceiling if of_a_kernel else problem.spectrum.lmin_floor
        fastest = 2 * g.scale**2 * float((eigenvalue * problem.activation.Ls**2).upper())
        assert g.rate <= fastest * (1 + 1e-9)
        assert init == "independent" or g.width % 2 == 0
    assert found


@given(problems(["tanh", "softplus"]))
def test_a_larger_failure_probability_needs_no_larger_width(problem):
    widths = [bounds.required_width(problem, delta, method="slopes") for delta in (0.01, 0.05, 0.2)]
    assert widths == sorted(widths, reverse=True)


def test_a_given_scale_is_kept_and_too_small_a_one_is_refused(reference):
    tanh = reference["tanh"]
    default = bounds.guarantee(tanh, method="slopes")
    twice = bounds.guarantee(tanh, method="slopes", scale=2 * default.scale)
    assert twice.scale == 2 * default.scale
    assert twice.width < default.width
    for init in ("independent", "antisymmetric"):
        with pytest.raises(bounds.AssumptionError, match="Raise the scale"):
            bounds.guarantee(tanh, method="slopes", scale=1.0, init=init)


def test_zero_targets_need_no_scale(reference):
    zero = bounds.Problem(reference["tanh"].X, np.zeros(10))
    g = bounds.guarantee(zero, method="slopes")
    assert g.scale > 0
    assert g.rate > 0
    with pytest.raises(bounds.AssumptionError, match="y = 0"):
        bounds.guarantee(zero, method="printed-style")


def test_linear_activation_needs_only_lambda_min(reference):
    linear = reference["linear"]
    g = bounds.guarantee(linear, method="slopes", init="antisymmetric")
    assert g.critical_scale < 1e-6
    assert math.isfinite(g.path_length)
    assert g.rate <= 2 * g.scale**2 * linear.spectrum.lmin[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delta": 0.0}, "delta must be in"),
        ({"delta": 1.5}, "Found 1.5"),
        ({"delta": float("nan")}, "delta"),
        ({"delta": "0.05"}, "delta"),
        ({"scale": 0.0}, "scale must be a positive"),
        ({"scale": float("inf")}, "scale"),
        ({"beta": 1.0}, "beta"),
        ({"tau": 0.0}, "tau"),
        ({"init": "antisymetric"}, "init"),
        ({"method": "slope"}, "Did you mean 'slopes'"),
    ],
)
def test_bad_arguments(reference, arguments, message):
    with pytest.raises(bounds.ArgumentError, match=message):
        bounds.guarantee(reference["tanh"], **arguments)


def test_methods_say_where_they_do_not_apply(reference):
    with pytest.raises(bounds.AssumptionError, match="kink"):
        bounds.guarantee(reference["relu"], method="slopes")
    X, y = load_builtin("experiment-1", n=40)
    with pytest.raises(bounds.AssumptionError, match="n=40 > d=20"):
        bounds.guarantee(bounds.Problem(X, y), method="slopes")


def test_more_points_than_dimensions_need_the_kernel_method():
    """n = 40 > d = 20, which Corollary 1 excludes: only the tangent kernel itself is positive definite."""
    X, y = load_builtin("experiment-1", n=40)
    problem = bounds.Problem(X, y)
    g = bounds.guarantee(problem, init="antisymmetric")
    assert g.method == "clipped"  # like kernel, at a smaller scale and width
    kernel = bounds.guarantee(problem, init="antisymmetric", method="kernel")
    assert g.scale < 0.7 * kernel.scale
    assert g.width < 0.75 * kernel.width
    assert g.width < 10**5
    network = sample_network(problem, width=g.width, scale=g.scale, seed=0, init="antisymmetric")
    c = bounds.certify(problem, network.H, signs=network.signs)
    assert c.holds
    assert c.rate >= g.rate
    with pytest.raises(bounds.AssumptionError, match="kink"):
        bounds.guarantee(bounds.Problem(X, y, activation="relu"), method="kernel")
    repeated = bounds.Problem(np.vstack([X, X[:1]]), np.append(y, 0.0))
    with pytest.raises(bounds.AssumptionError, match="repeated"):
        bounds.guarantee(repeated, method="kernel")


@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_a_network_drawn_as_promised_is_certified(reference, activation, init):
    """The a priori statement goes through the a posteriori one: nearly every draw has its certificate."""
    problem = reference[activation]
    method = "envelope" if activation == "relu" else "slopes"
    g = bounds.guarantee(problem, method=method, init=init)
    for seed in range(3):
        network = sample_network(problem, width=g.width, scale=g.scale, seed=seed, init=init)
        c = bounds.certify(problem, network.H, signs=network.signs, method=method)
        assert c.holds
        assert c.rate >= g.rate
        assert c.beta <= g.beta * (1 + 1e-9)


def test_certificate_by_hand():
    """n = m = 1, tanh, G = 1, h = 0, y = 1/2, c = 4: q = 1, l = L2, a = 2 L2, beta = a/2/4, rate = 32 (1 - beta)."""
    problem = bounds.Problem.from_gram([[1.0]], [0.5])
    c = bounds.certify(problem, [[0.0]], signs=[4.0], method="slopes")
    beta = 2 * (4 / (3 * math.sqrt(3))) * 0.5 / 4
    assert c.beta == pytest.approx(beta, rel=1e-12)
    assert c.rate == pytest.approx(32 * (1 - beta), rel=1e-12)
    assert c.rate <= 32 * (1 - beta)
    assert c.holds


def test_no_certificate_below_the_critical_scale(small):
    c = bounds.certify(small, np.zeros((4, 4)), signs=0.01 * np.array([1, -1, 1, -1]))
    assert not c.holds
    assert c.rate == 0
    assert c.critical_scale > 0.01
    assert math.isinf(c.path_length)


@pytest.mark.parametrize(
    ("H", "signs", "message"),
    [
        (np.zeros((3, 5)), np.ones(3), "H must be of shape"),
        (np.zeros((3, 4)), np.ones(4), "signs must be of shape"),
        (np.full((3, 4), np.nan), np.ones(3), "H must be finite"),
        (np.zeros((3, 4)), ["a", "b", "c"], "signs must hold numbers"),
        ([[1.0], [2.0, 3.0]], np.ones(2), "H must hold numbers"),
        (np.zeros((3, 4)), np.array([1.0, 2.0, -1.0]), "one scale"),
        (np.zeros((3, 4)), np.zeros(3), "one scale"),
    ],
)
def test_bad_networks(small, H, signs, message):
    with pytest.raises(bounds.LinrateError, match=message):
        bounds.certify(small, H, signs=signs)


def conditioned(smallest, y=(1.0, 0.5, -0.5), **options):
    """n = 3 with eigenvalues 1, 1, smallest."""
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((3, 3)))[0]
    G = (Q * [1.0, 1.0, smallest]) @ Q.T
    return bounds.Problem.from_gram((G + G.T) / 2, y, **options)


@pytest.mark.parametrize("smallest", [1e-13, 3e-14, 1e-3, 0.5])
@pytest.mark.parametrize("method", ["printed-style", "slopes", "chebyshev"])
@pytest.mark.parametrize("beta", [0.5, 0.9, 1 - 1e-10])
def test_no_promise_at_a_scale_below_the_critical_one(smallest, method, beta):
    """A given scale a hair below what beta allows is refused, however uncertain lambda_min is."""
    problem = conditioned(smallest)
    for init in ("independent", "antisymmetric"):
        enough = bounds.guarantee(problem, method=method, init=init, beta=beta)
        factor = 1.0 if init == "antisymmetric" or method == "printed-style" else 0.5
        with pytest.raises(bounds.AssumptionError, match="Raise the scale"):
            bounds.guarantee(problem, method=method, init=init, beta=beta, scale=0.999 * factor * enough.scale)
        assert enough.beta <= beta * (1 + 1e-9)


def test_rounding_never_turns_a_finite_number_into_a_promise_of_infinity():
    assert float_down(arb(10) ** 400) < math.inf
    assert float_up(-(arb(10) ** 400)) > -math.inf


@pytest.mark.parametrize(
    ("problem", "options"),
    [
        (lambda: bounds.Problem([[1e-155]], [1.0]), {}),
        (lambda: bounds.Problem([[0.0, 0.0], [1.0, 2.0]], [1.0, 2.0]), {}),
        (lambda: bounds.Problem([[1e8, 1.0]], [1.0]), {}),
        (lambda: conditioned(0.5, y=(1e160, 0.0, 0.0)), {}),
        (lambda: conditioned(0.5, y=(1e308, 0.0, 0.0)), {}),
        (lambda: conditioned(0.5), {"beta": 1e-200}),
        (lambda: conditioned(0.5), {"delta": 5e-324}),
        (lambda: conditioned(0.5), {"scale": 10**400}),
    ],
)
def test_extreme_input_is_refused_by_name(problem, options):
    with pytest.raises(bounds.LinrateError):
        bounds.guarantee(problem(), **options)


def test_a_method_that_overflows_does_not_stop_the_others():
    """Variances 1 and 1e-9: K of the paper's method underflows beyond writing down; `best` is another method."""
    problem = bounds.Problem.from_gram([[1.0, 0.0], [0.0, 1e-9]], [1.0, 0.5])
    assert bounds.guarantee(problem).method not in ("repaired", "printed-style")


def test_numpy_numbers_are_numbers(reference):
    g = bounds.guarantee(reference["tanh"], np.float32(0.05), scale=np.int64(100), beta=np.float32(0.5))
    assert g.scale == 100.0


def test_certificates_do_not_depend_on_the_units():
    """y, scale -> 1e-170 times themselves changes nothing: no norm may underflow."""
    H, signs = np.array([[0.3], [0.3]]), np.array([1.0, -1.0])
    big, tiny = (
        bounds.certify(bounds.Problem.from_gram([[1.0]], [u]), H, signs=u * signs, method="slopes")
        for u in (1.0, 1e-170)
    )
    assert big.holds == tiny.holds
    assert tiny.beta == pytest.approx(big.beta, rel=1e-9)


def test_mean_square_slope_of_a_million_neurons_is_enclosed():
    """A constant column: the mean is known exactly, the sum of a million terms is not."""
    from bounds.methods.slopes import mean_square_slope

    problem = bounds.Problem.from_gram(np.eye(2), [0.0, 0.0])
    H = np.full((1_000_000, 2), 0.3)
    exact = 1 / arb("0.3").cosh() ** 4
    assert abs(mean_square_slope(problem, H) - exact) < 1e-9
    assert mean_square_slope(problem, H).contains(float(exact.mid()))
