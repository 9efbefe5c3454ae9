"""Each activation against its own definition: slopes, constants, the four number systems."""

import dataclasses
import math

import mpmath
import numpy as np
import pytest
import sympy as sp
import torch
from flint import acb, arb
from hypothesis import assume, given
from hypothesis import strategies as st

import bounds
from bounds.activation.expressions import COMPLEX
from bounds.numerics.arithmetic import ENCLOSED, square
from bounds.numerics.ranges import infimum, supremum
from simulate.field.activations import torch_ops

NAMES = bounds.known_activations()
GRID = np.linspace(-9, 9, 16001)


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_the_derivative(name):
    act = bounds.get_activation(name)
    away = GRID[np.abs(GRID - np.round(GRID)) > 1e-3]  # kinks sit at integers
    step = 1e-5
    numeric = (act.value(away + step) - act.value(away - step)) / (2 * step)
    np.testing.assert_allclose(act.slope(away), numeric, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_number_systems_agree(name):
    act = bounds.get_activation(name)
    value, slope = act.symbolic
    u = sp.Symbol("u", real=True)
    for point in (-2.5, -0.25, 0.75, 3.0):
        exact = [float(expression.subs(u, sp.Rational(point)).evalf(30)) for expression in (value, slope)]
        balls = act.both(ENCLOSED, arb(point))
        tensors = act.both(torch_ops(), torch.tensor([point], dtype=torch.float64))
        for e, ball, tensor, array in zip(exact, balls, tensors, (act.value(point), act.slope(point)), strict=True):
            assert arb(ball).overlaps(arb(e, 1e-15 * max(1.0, abs(e))))
            assert float(tensor[0]) == pytest.approx(e, rel=1e-14, abs=1e-16)
            assert float(array) == pytest.approx(e, rel=1e-13, abs=1e-16)


@pytest.mark.parametrize("name", NAMES)
def test_lipschitz_constants_are_attained_and_never_exceeded(name):
    act = bounds.get_activation(name)
    slopes = np.abs(act.slope(GRID))
    assert slopes.max() <= float(act.Ls.upper()) * (1 + 1e-14)
    assert slopes.max() >= float(act.Ls) * (1 - 1e-3)
    if act.smooth:
        bends = np.abs(np.diff(act.slope(GRID)) / np.diff(GRID))
        assert bends.max() <= float(act.L2.upper()) * (1 + 1e-9)
        assert bends.max() >= float(act.L2) * (1 - 1e-3)
    if act.bounded_by is not None:
        assert np.abs(act.value(GRID)).max() <= act.bounded_by


@pytest.mark.parametrize("name", [n for n in NAMES if bounds.get_activation(n).strip])
def test_slope_is_bounded_on_its_strip(name):
    """sigma' on the strip, from the SymPy expression at complex points."""
    act = bounds.get_activation(name)
    rho, bound = act.strip
    slope = sp.lambdify(
        sp.Symbol("u"), act.symbolic[1].subs(sp.Symbol("u", real=True), sp.Symbol("u")), ["scipy", "numpy"]
    )
    for height in (0.0, 0.5 * rho, rho):
        assert np.max(np.abs(slope(GRID + 1j * height))) <= bound * (1 + 1e-9)


@given(st.sampled_from(NAMES), st.floats(-4, 4), st.floats(0.01, 5), st.floats(0, 1))
def test_slope_floor_is_a_lower_bound(name, left, length, where):
    act = bounds.get_activation(name)
    start = max(left, act.active[0])
    interval = (start, min(start + length, act.active[1]))
    length = interval[1] - interval[0]
    assume(length > 0)
    floor = act.slope_floor(interval)
    point = interval[0] + (0.001 + 0.998 * where) * length
    assert arb(abs(float(act.slope(point)))) >= floor - 1e-14
    assert math.isfinite(float(floor))


def test_intervals_outside_the_active_region_are_refused():
    with pytest.raises(bounds.ArgumentError, match="active region"):
        bounds.get_activation("relu").slope_floor((-1.0, 1.0))
    with pytest.raises(bounds.ArgumentError, match="left < right"):
        bounds.get_activation("tanh").slope_floor((1.0, 1.0))


def test_unknown_activation_names_the_nearest():
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'tanh'"):
        bounds.get_activation("thanh")


@pytest.mark.parametrize("name", ["cubic", "polynomial"])
def test_polynomials_are_refused_with_the_reason(name):
    with pytest.raises(bounds.AssumptionError, match="not Lipschitz"):
        bounds.get_activation(name)


@pytest.mark.parametrize("name", ["tanh", "softplus", "gelu", "silu", "erf"])
def test_registry_constants_against_branch_and_bound(name):
    """The entries of the registry were derived by hand; the search over balls knows nothing of that."""
    act = bounds.get_activation(name)
    assert supremum(lambda u: act.both(ENCLOSED, u)[1]) == pytest.approx(float(act.Ls), rel=1e-4)
    u = sp.Symbol("u", real=True)
    for expression, bound in ((act.symbolic[1], act.Ls), (act.symbolic_second, act.L2)):
        found = sup_by_refinement(sp.lambdify(u, expression, "mpmath"))
        # One-sided and to 25 digits: a bound rounded down in its tenth digit is no bound.
        assert arb(mpmath.nstr(found, 30)) * (1 - arb(10) ** -14) <= bound
        assert float(bound) <= float(found) * (1 + 1e-3)


def sup_by_refinement(f):
    """max |f| by ever finer grids around the best point, in 30 digits."""
    with mpmath.workdps(30):
        low, high = mpmath.mpf(-9), mpmath.mpf(9)
        for _ in range(14):
            points = [low + (high - low) * k / 180 for k in range(181)]
            best = max(points, key=lambda x: abs(f(x)))
            width = (high - low) / 60
            low, high = best - width, best + width
        return abs(f(best))


def test_infimum_and_supremum_are_on_the_safe_side():
    assert 0.9999 <= infimum(lambda u: 1 + u * u, -3.0, 2.0) <= 1.0
    assert infimum(lambda u: u - 1, 0.0, 2.0) == 0.0
    assert 1.0 <= supremum(lambda u: 1 / (1 + u * u)) <= 1.0001
    assert supremum(lambda u: u) == math.inf


def test_a_derivative_makes_them_as_sharp_as_asked_and_keeps_them_on_the_safe_side():
    """x/(1 + x^2) - 1/5 on the line and 2 - x/(1 + x^2) on [0, 9], whose extremes are at 1; sin on a strip."""

    def slope(u):
        return (1 - u * u) / square(1 + u * u)

    largest = supremum(lambda u: u / (1 + u * u) - arb("0.2"), derivative=slope, left=0.0)
    assert 0.3 <= largest <= 0.3 * (1 + 2e-9)
    least = infimum(lambda u: 2 - u / (1 + u * u), 0.0, 9.0, derivative=lambda u: -slope(u))
    assert 1.5 * (1 - 2e-9) <= least <= 1.5
    wide = supremum(acb.sin, derivative=acb.cos, height=1.0, left=0.0, right=8.0, tolerance=1e-6)
    assert math.cosh(1.0) <= wide <= math.cosh(1.0) * (1 + 2e-6)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "linear", "elu", "clip"])
@pytest.mark.parametrize("variance", [0.04, 1.0, 7.3])
def test_closed_moments_against_quadrature(name, variance):
    act = bounds.get_activation(name)
    found = act.moments(arb(variance))
    root = mpmath.sqrt(variance)
    cuts = [-14, -4, 0, 1 / root, 4 + 1 / root, 14 + 1 / root]

    def mean(which, power):
        return mpmath.quad(lambda z: float(act.both_float(root * z)[which]) ** power * mpmath.npdf(z), cuts)

    act = _FloatView(act)
    pairs = (
        (found.slope_square, mean(1, 2)),
        (found.slope_fourth, mean(1, 4)),
        (found.mean, mean(0, 1)),
        (found.second, mean(0, 2)),
    )
    for ball, quadrature in pairs:
        assert float(ball) == pytest.approx(float(quadrature), rel=1e-9, abs=1e-12)


class _FloatView:
    def __init__(self, act):
        self.act = act

    def both_float(self, u):
        return self.act.value(float(u)), self.act.slope(float(u))


def test_a_derivative_does_not_hide_a_branch_cut():
    """log(c + e^w) is analytic on the strip, but its principal value jumps there, and its derivative does not tell."""
    c = arb(1) / 10**6

    def F(z):
        return COMPLEX.log(c + COMPLEX.exp(30 * z / (9 + z * z)))

    def derivative(z):
        power = COMPLEX.exp(30 * z / (9 + z * z))
        return power / (c + power) * (30 / (9 + z * z) - 60 * z * z / (9 + z * z) ** 2)

    # Continued from the real line: log(c + e^w) = w + log(1 + c e^-w), and |c e^-w| < 1.
    w = 30 * 0.95j / (9 - 0.95**2)
    true = abs(w + np.log(1 + 1e-6 * np.exp(-w)))
    found = supremum(F, derivative=derivative, height=0.95, left=-0.125, right=0.125, tolerance=1e-3)
    assert found >= true


def test_pairs_may_be_lists():
    """Results are kept by activation, which needs its hash."""
    mine = dataclasses.replace(bounds.get_activation("relu"), name="mine", interval=[0.0, math.inf], pieces=[0.0, 1.0])
    problem = bounds.Problem(np.eye(2), [1, 2], activation=mine)
    assert bounds.guarantee(problem, 0.05, method="envelope").width > 0
