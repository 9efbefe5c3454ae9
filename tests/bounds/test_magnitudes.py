"""Certificates at every magnitude: exact rescalings, the borders of what is admitted, guarantees far out."""

from __future__ import annotations

import math
import re
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.activation.slope_envelope import envelope_of, mean_envelope
from bounds.certificates import shadowing
from bounds.certificates.collocation import reference_step
from bounds.certificates.magnitudes import LARGEST, LARGEST_GRAM, LEAST_SCALE_OF_SIGNS, in_units
from bounds.certificates.shadowing import Constants, shadow
from bounds.methods import METHODS
from tests.three_neurons import ALL, GRAM, SIGNS, H, Y, assert_sane, certify

# Exact rescalings


@pytest.mark.parametrize("method", [m for m in ALL if m != "everywhere"])
@pytest.mark.parametrize("k", [-900, -500, -60, 7, 490])
def test_targets_and_signs_in_other_units(method, k):
    """y, signs -> 2^k times themselves, to the last bit; where the rate is no float it is refused by name."""
    signs = 4 * SIGNS
    one = certify(method, signs=signs)
    assert one.holds or method in ("repaired", "markov", "chebyshev", "envelope", "kernel")
    try:
        other = certify(method, y=np.ldexp(Y, k), signs=np.ldexp(signs, k))
    except bounds.ArgumentError as error:
        if "must allow a rate" not in str(error):
            raise
        assert one.holds
        assert k in (-900, -500)
        return
    assert (other.holds, other.method) == (one.holds, one.method)
    assert other.rate == math.ldexp(one.rate, 2 * k)
    if method == "shadowing":
        assert other.critical_scale == math.ldexp(one.critical_scale, k)
        assert (other.beta, other.path_length) == (one.beta, one.path_length)
        assert other.constants["distance"] == math.ldexp(one.constants["distance"], -k)
        assert other.constants["defect"] == math.ldexp(one.constants["defect"], k)
        assert other.constants["time"] == math.ldexp(one.constants["time"], -2 * k)
    else:  # the absolute allowance for underflow in the residual does not scale
        assert other.critical_scale == pytest.approx(math.ldexp(one.critical_scale, k), rel=1e-12)
        assert other.beta == pytest.approx(one.beta, rel=1e-12)
        assert other.path_length == pytest.approx(one.path_length, rel=1e-12)


@pytest.mark.parametrize("method", ["slopes", "kernel", "shadowing"])
@pytest.mark.parametrize("k", [-164, -40, 1, 40, 164])
def test_the_gram_matrix_in_other_units(method, k):
    """G -> 4^k G with H kept: the same path, run through 4^k times as fast."""
    one = certify(method, signs=4 * SIGNS)
    other = certify(method, signs=4 * SIGNS, gram=np.ldexp(GRAM, 2 * k))
    assert other.rate == pytest.approx(math.ldexp(one.rate, 2 * k), rel=1e-12)
    assert other.beta == pytest.approx(one.beta, rel=1e-12)
    assert other.path_length == pytest.approx(math.ldexp(one.path_length, -k), rel=1e-12)


@pytest.mark.parametrize("method", ["markov", "chebyshev", "envelope", "best"])
def test_a_homogeneous_activation_in_other_units(method):
    """ReLU, H and y -> 2^k times themselves: the same rate. The interval is chosen by G, so only `holds` is exact."""
    scale = 200.0 * SIGNS
    h = np.abs(H)
    one, other = (certify(method, y=a * Y, h=a * h, signs=scale, activation="relu") for a in (1.0, 2.0))
    assert_sane(one)
    assert_sane(other)


def test_the_roundings_of_a_step_do_not_vanish():
    """The bounds of a step's roundings are never below what underflow can take, however small the network's state."""
    problem = bounds.Problem.from_gram(GRAM, 1e-90 * Y)
    h = 1e-200 * H
    ref = reference_step(problem, h, SIGNS, 0.1, 0.0)
    found = shadow(Constants(problem, 1.0), ref, 0.0)
    assert found.state_error >= shadowing.TINY
    assert np.all(found.residual_error >= shadowing.TINY)
    assert found.rounding >= shadowing.TINY
    assert shadowing.TINY < 1e-20 * shadowing.LEAST_RESIDUAL  # and far below the roundings of any path that is followed


def test_the_units_are_of_size_one():
    problem = bounds.Problem.from_gram(1e-90 * GRAM, 1e70 * Y).within(1e-99)
    units = in_units(problem, 3e70 * SIGNS)
    assert 1 <= abs(units.signs[0]) < 2
    assert 1 <= float(units.problem.gmax) < 4
    factor = 2.0**units.gram
    np.testing.assert_array_equal(units.problem.gram * factor, problem.gram)
    assert units.problem.gram_radius * factor == problem.gram_radius
    assert units.problem.spectrum.lmin[0] * factor == problem.spectrum.lmin[0]
    assert units.problem.spectrum.lmax[1] * factor == problem.spectrum.lmax[1]
    np.testing.assert_array_equal(np.ldexp(units.problem.y, units.scale), problem.y)


@pytest.mark.parametrize("k", [-400, 300])
def test_the_restart_in_other_units(k):
    """The loss falls with H, y = 0: the same state is the first certified one, whatever the units of the scale."""
    problem = bounds.Problem.from_gram(GRAM, 0 * Y)
    states = [(float(t), 8 * 0.5**t * np.abs(H), 4 * np.ones(3)) for t in range(30)]
    one = bounds.first_certified(problem, states)
    other = bounds.first_certified(problem, [(t, h, np.ldexp(c, k)) for t, h, c in states])
    assert one is not None
    assert other is not None
    assert 0 < one.index == other.index
    assert other.certificate.rate == math.ldexp(one.certificate.rate, 2 * k)


# The borders


def rescaled(error, arrays):
    """The remedy of an error, carried out as it says."""
    text = str(error)
    power = int(re.search(r"2\*\*(-?\d+)", text).group(1))
    arrays = dict(arrays)
    if "Multiply y and signs" in text:
        names, power = ("y", "signs"), power
    elif "Divide y" in text:
        names, power = ("y",), -power
    elif "Multiply the Gram matrix" in text:
        names = ("gram",)
    else:
        assert "Multiply H and y" in text
        names = ("h", "y")
    for name in names:
        arrays[name] = np.ldexp(arrays[name], power)
    return arrays


OUTSIDE = [
    ({"y": 1e160 * Y, "signs": 1e160 * SIGNS}, r"the scale.*1e\+160"),
    ({"y": 1e200 * Y, "signs": 1e200 * SIGNS}, r"the scale.*1e\+200"),
    ({"y": 1e-300 * Y, "signs": 1e-300 * SIGNS}, "the scale.*1e-300"),
    ({"signs": 1e160 * SIGNS}, "the scale"),
    ({"signs": 1e-170 * SIGNS}, r"max \|y\| / scale"),
    ({"signs": 5e-324 * SIGNS}, r"max \|y\| / scale"),
    ({"y": 1e155 * Y}, r"max \|y\| / scale.*5e\+154"),
    ({"y": 1e308 * Y}, r"max \|y\| / scale"),
    ({"gram": 1e140**2 * GRAM}, r"Gram matrix.*5\.2\d*e\+279"),
    ({"gram": 1e-200 * GRAM}, r"Gram matrix.*5\.2\d*e-201"),
    ({"h": 1e150 * H, "y": 1e140 * Y, "activation": "leaky_relu", "signs": 1e100 * SIGNS}, r"max \|H\|.*4e\+149"),
]


@pytest.mark.parametrize(("changes", "message"), OUTSIDE)
@pytest.mark.parametrize("method", ["best", "slopes", "transport", "shadowing"])
def test_what_is_out_of_range_is_named_with_a_rescaling_that_works(changes, message, method):
    arrays = {"y": Y, "gram": GRAM, "h": H, "signs": SIGNS, **changes}
    with pytest.raises(bounds.ArgumentError, match=message):
        certify(method, **arrays)
    for _ in range(4):
        try:
            c = certify(method, **arrays)
        except bounds.AssumptionError:  # a kink: the magnitudes are admitted
            return
        except bounds.ArgumentError as error:
            arrays = rescaled(error, arrays)
        else:
            assert_sane(c)
            return
    pytest.fail("the rescalings lead nowhere")


def test_an_activation_without_a_rescaling_says_so():
    with pytest.raises(bounds.ArgumentError, match=r"max \|H\|.*no exact rescaling"):
        certify("slopes", h=1e60 * H)


BORDERS = [
    {"y": 0.99 * LARGEST * np.array([1.0, -1.0])},
    {"h": 0.99 * LARGEST * np.array([[1.0, -1.0], [0.0, 1.0], [-1.0, 0.3]])},
    {"gram": 1.9 * LARGEST_GRAM * GRAM},
    {"gram": 2.1 / LARGEST_GRAM * GRAM},
    {"y": 1e150 * Y, "signs": 1e150 * SIGNS},
    {"y": 1.1 * LEAST_SCALE_OF_SIGNS * Y, "signs": 1.1 * LEAST_SCALE_OF_SIGNS * SIGNS},
    {"y": 1e-320 * Y},
    {"y": 0 * Y, "h": 1e-320 * H},
    {"h": 0 * H, "y": 1e-200 * Y},
    {"gram": np.diag([1.0, 1e-15])},
]


@pytest.mark.parametrize("changes", BORDERS)
@pytest.mark.parametrize("activation", ["tanh", "softplus", "relu"])
@pytest.mark.parametrize("method", ["best", "transport", "shadowing"])
def test_at_the_borders_nothing_overflows(changes, activation, method):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            c = certify(method, activation=activation, **changes)
        except bounds.AssumptionError:
            return
        except bounds.ArgumentError as error:
            if "must allow a rate" not in str(error):
                raise
            return
    assert_sane(c)


def caches():
    """What certificates keep from one call to the next, but for the tables of activations."""
    modules = [m for name, m in sys.modules.items() if name.startswith(("bounds.methods.", "bounds.certificates."))]
    return {value for module in modules for value in vars(module).values() if hasattr(value, "cache_clear")}


@pytest.mark.parametrize("changes", [{}, *BORDERS])
@pytest.mark.parametrize("method", ALL)
def test_the_floating_point_errors_of_the_caller_change_nothing(changes, method):
    """np.seterr(all="raise") neither stops a certificate nor changes it, when nothing is kept from an earlier call."""

    def outcome():
        for cache in caches():
            cache.cache_clear()
        try:
            return repr(certify(method, **changes))
        except bounds.LinrateError as error:
            return repr(error)

    expected = outcome()
    with np.errstate(all="raise"):
        assert outcome() == expected


def test_a_rate_that_is_no_float_is_refused_and_the_rescaling_gives_it():
    arrays = {"gram": 1e90 * GRAM, "y": 1e149 * Y, "signs": 1e150 * SIGNS}
    with pytest.raises(bounds.ArgumentError, match=r"must allow a rate.*e\+38") as refused:
        certify("slopes", **arrays)
    c = certify("slopes", **rescaled(refused.value, arrays))
    assert c.holds
    assert 1e-4 < c.rate < 1e4


MAGNITUDES = st.sampled_from([-290.0, -150.0, -80.0, -20.0, 0.0, 0.5, 1.0, 20.0, 49.0, 99.0, 149.0])


@settings(max_examples=60)
@given(
    st.integers(0, 10**6),
    st.sampled_from(bounds.known_activations()),
    st.sampled_from(ALL),
    st.tuples(MAGNITUDES, MAGNITUDES, MAGNITUDES, MAGNITUDES),
)
def test_every_certificate_is_sane_or_refused(seed, activation, method, powers):
    """Any magnitudes of scale, targets, G and H: numbers without NaN, or an error that names a quantity."""
    rng = np.random.default_rng(seed)
    n, m = int(rng.integers(1, 4)), int(rng.integers(1, 6))
    scale, target, size, state = (10.0**p for p in powers)
    X = rng.standard_normal((n, 3))
    signs = scale * np.where(rng.random(m) < 0.5, 1.0, -1.0)
    y = rng.uniform(-1, 1, n) * min(target * scale, 1e300) * (rng.random() < 0.8)
    h = rng.standard_normal((m, n)) * state * (rng.random() < 0.8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            c = certify(method, y=y, gram=size * (X @ X.T), h=h, signs=signs, activation=activation)
        except bounds.LinrateError:
            return
    assert_sane(c)


# Absolute allowances are of the size of what they are for


def test_the_mean_envelope_of_a_steep_activation_is_a_lower_bound():
    """Slopes of 1000: envelopes are of size 10^6, and so is the rounding of their mean."""
    import sympy as sp

    from bounds.activation.expressions import from_expression

    steep = from_expression("steep", 1000 * sp.tanh(sp.Symbol("u", real=True)))
    problem = bounds.Problem.from_gram([[1.0]], [0.1], activation=steep)
    variance = problem.gram_diagonal[0]
    values_of = envelope_of(steep, variance, 1e6)
    for seed in range(20):
        h = 0.5 * np.random.default_rng(seed).standard_normal((200, 1))
        values = values_of(h[:, 0])
        exact = math.fsum(values.tolist()) / len(values)
        assert exact > 1e4
        assert mean_envelope(steep, variance, 1e6, h[:, 0]) <= exact - 1e-8


def test_a_guarantee_of_a_saturating_activation_far_out_is_refused_by_its_assumption():
    """Variances of 1e280: no interval is found where tanh has a slope; that is no wrong argument of the caller's."""
    problem = bounds.Problem.from_gram(1e280 * GRAM, Y)
    for method in METHODS:
        with pytest.raises(bounds.AssumptionError):
            bounds.guarantee(problem, method=method)
    with pytest.raises(bounds.AssumptionError, match="no proved method applies"):
        bounds.guarantee(problem)


def test_a_guarantee_of_a_rate_beyond_any_float_is_refused():
    """Not the largest float: relu, G of size 1e280, and a scale of 1e150."""
    problem = bounds.Problem.from_gram(1e280 * GRAM, Y, activation="relu")
    with pytest.raises(bounds.AssumptionError, match="beyond any float"):
        bounds.guarantee(problem, method="envelope", scale=1e150)
    assert math.isfinite(bounds.guarantee(problem, method="envelope").rate)


def test_where_the_slopes_never_vanish_the_rate_is_promised_without_a_path():
    """(16) holds whatever ||f^0|| is, so that nothing bounds the path of an independent draw: infinite, not refused."""
    for activation in ("leaky_relu", "linear"):
        g = bounds.guarantee(bounds.Problem.from_gram(GRAM, Y, activation=activation), method="everywhere")
        assert g.rate > 0
        assert math.isinf(g.path_length)
