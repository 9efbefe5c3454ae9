"""Each activation against its own definition: slopes, constants, the four number systems."""

import math

import numpy as np
import pytest
import sympy as sp
import torch
from flint import arb
from hypothesis import assume, given
from hypothesis import strategies as st

import bounds
from bounds.arithmetic import ENCLOSED
from simulate.functions import TORCH

NAMES = bounds.known_activations()
GRID = np.linspace(-9, 9, 4001)


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_the_derivative(name):
    act = bounds.get_activation(name)
    away = GRID[np.abs(GRID) > 1e-3]
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
        tensors = act.both(TORCH, torch.tensor([point], dtype=torch.float64))
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
    slope = sp.lambdify(sp.Symbol("u"), act.symbolic[1].subs(sp.Symbol("u", real=True), sp.Symbol("u")), "numpy")
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
