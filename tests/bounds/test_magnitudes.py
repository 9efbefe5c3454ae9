"""Certificates at every magnitude: exact rescalings, the borders of what is admitted, nothing to count, no residual."""

from __future__ import annotations

import dataclasses
import math
import re
import warnings

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import bounds
from bounds.activation.slope_envelope import envelope_of, mean_envelope
from bounds.certificates import handover, shadowing
from bounds.certificates.certificate import residual_norm
from bounds.certificates.collocation import reference_step
from bounds.certificates.magnitudes import LARGEST, LARGEST_GRAM, LEAST_SCALE_OF_SIGNS, in_units
from bounds.certificates.shadowing import Constants, shadow
from bounds.command_line import run
from bounds.methods import METHODS, SLOW_CERTIFICATES
from bounds.numerics.spectrum import spectrum
from reports.console import main

WITH_CERTIFICATES = [name for name, method in METHODS.items() if method.a_posteriori is not None]
ALL = [*WITH_CERTIFICATES, *SLOW_CERTIFICATES, "best"]

GRAM = np.array([[0.52, 0.15], [0.15, 0.505]])
Y = np.array([0.5, -0.3])
H = np.array([[0.3, 0.1], [-0.2, 0.4], [0.1, -0.1]])
SIGNS = np.array([1.0, -1.0, 1.0])


def certify(method, *, y=Y, gram=GRAM, h=H, signs=SIGNS, activation="tanh"):
    return bounds.certify(bounds.Problem.from_gram(gram, y, activation=activation), h, signs=signs, method=method)


def assert_sane(c):
    """Every field is a number, and what is not certified claims nothing."""
    for number in (c.rate, c.critical_scale, c.beta, c.path_length):
        assert isinstance(number, float)
        assert number >= 0  # false for NaN
    for value in c.constants.values():
        assert not (value.is_nan() if isinstance(value, arb) else math.isnan(value))
    assert c.holds == (c.rate > 0)
    assert c.reason
    if c.holds:
        assert c.beta < 1
        assert math.isfinite(c.path_length)
        assert math.isfinite(c.critical_scale)
    else:
        assert math.isinf(c.path_length)


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


@pytest.mark.parametrize("changes", [{}, *BORDERS])
@pytest.mark.parametrize("method", ALL)
def test_the_floating_point_errors_of_the_caller_change_nothing(changes, method):
    """np.seterr(all="raise") neither stops a certificate nor changes it."""

    def outcome():
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


# The reason


def test_best_names_what_holds_and_what_was_not_tried(reference):
    problem = reference["tanh"]
    rng = np.random.default_rng(0)
    h = rng.standard_normal((200, 10))
    signs = np.tile([1.0, -1.0], 100)
    small = bounds.certify(problem, h, signs=signs)
    assert not small.holds
    every = [bounds.certify(problem, h, signs=signs, method=m) for m in WITH_CERTIFICATES if m != "everywhere"]
    assert small.beta == min(c.beta for c in every)
    for words in ("no formula holds", small.method, "method='transport'", "method='shadowing'"):
        assert words in small.reason
    large = bounds.certify(problem, h, signs=2000 * signs)
    assert large.holds
    assert "largest rate" in large.reason
    for method in WITH_CERTIFICATES:
        if method not in ("everywhere", large.method):
            holds = bounds.certify(problem, h, signs=2000 * signs, method=method).holds
            assert (f", {method}" in large.reason or f": {method}" in large.reason) == holds
    kinked = bounds.certify(reference["relu"], np.abs(h), signs=signs)
    assert "method='transport'" in kinked.reason
    assert "shadowing" not in kinked.reason  # it does not apply at a kink


def test_shadowing_says_where_it_ended():
    lost = certify("shadowing", gram=[[1.0]], y=[2.0], h=[[0.1], [0.5]], signs=[1.0, 1.0])
    assert not lost.holds
    assert re.search(r"until t = [\d.e+-]+, where no formula holds", lost.reason)
    assert "until t = 0," in certify("shadowing", h=0 * H, y=1e-9 * Y).reason


def test_the_command_line_shows_the_reason(tmp_path, capsys):
    state = tmp_path / "state.npz"
    np.savez(state, X=np.eye(2), y=Y, H=H, signs=0.1 * SIGNS)
    assert run(main, ["certify", str(state)]) == 3
    assert "reason          no formula holds. The nearest is" in capsys.readouterr().out


# What is taken on trust


class Exact:
    """A user's embedding that says nothing about its rounding."""

    name = "mine"

    def gram(self, X, X2):
        return X @ X2.T


def test_an_embedding_without_a_bound_of_its_rounding_is_told():
    problem = bounds.Problem(np.eye(3), [0.1, 0.2, 0.3], embedding=Exact())
    c = bounds.certify(problem, np.zeros((2, 3)), signs=[5.0, -5.0])
    for caveats in (
        bounds.guarantee(problem).caveats,
        bounds.guarantee(problem, method="printed").caveats,
        c.caveats,
        bounds.certify(problem, np.full((2, 3), 1e3), signs=[5.0, -5.0], method="slopes").caveats,
        bounds.certify(problem, np.zeros((2, 3)), signs=[5.0, -5.0], method="shadowing").caveats,
    ):
        assert any("'mine' is taken as exact" in text for text in caveats)

    class Bounded(Exact):
        def gram_error(self, X):
            return 1e-15

    told = bounds.Problem(np.eye(3), [0.1, 0.2, 0.3], embedding=Bounded())
    assert bounds.guarantee(told).caveats == ()
    assert told.gram_relative_error == 1e-15
    assert bounds.guarantee(bounds.Problem(np.eye(3), [0.1, 0.2, 0.3])).caveats == ()


@pytest.mark.parametrize("error", [math.nan, math.inf, -1.0])
def test_a_bound_of_rounding_that_is_none_is_refused(error):
    class Wrong(Exact):
        def gram_error(self, X):
            return error

    with pytest.raises(bounds.ArgumentError, match="gram_error"):
        bounds.guarantee(bounds.Problem(np.eye(2), [0.1, 0.2], embedding=Wrong()))


@pytest.mark.parametrize(
    ("G", "message"),
    [
        ([[1.0, 2.0], [2.0, 1.0]], "positive semidefinite"),
        ([[1.0, 0.0], [0.0, -1e-17]], "-1e-17"),
        ([[-1.0]], "positive semidefinite"),
        ([[math.nan, 1.0], [1.0, 1.0]], "finite"),
        ([[1.0, math.inf], [math.inf, 1.0]], "finite"),
    ],
)
def test_no_gram_matrix(G, message):
    y = np.ones(len(G))
    with pytest.raises(bounds.LinrateError, match=message):
        bounds.Problem.from_gram(G, y)

    class Given:
        def gram(self, X, X2):
            return np.array(G)

    with pytest.raises(bounds.LinrateError):
        bounds.Problem(np.eye(len(G)), y, embedding=Given())


def test_a_computed_gram_matrix_of_dependent_data_is_accepted():
    """Its smallest eigenvalue is -1e-17 or so; nothing that needs it positive is then claimed."""
    for seed in range(20):
        X = np.random.default_rng(seed).standard_normal((5, 3))
        problem = bounds.Problem.from_gram(X @ X.T, np.ones(5))
        assert problem.spectrum.lmin[0] <= 0
        with pytest.raises(bounds.AssumptionError, match=r"lambda_min\(G\) > 0"):
            bounds.certify(problem, np.zeros((3, 5)), signs=np.ones(3), method="slopes")


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
