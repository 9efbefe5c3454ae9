"""The compiled tanh, against balls that hold the exact values; and what float32 does to a run of descent."""

import numpy as np
import pytest
from flint import arb, ctx

import bounds
import simulate
from simulate.field.elementwise import tanh_row
from simulate.field.single import tanh_row_single

EDGES = np.arange(-60.5, 61) * np.log(2) / 2  # where one reduced argument follows another
POINTS = np.concatenate([np.linspace(-21, 21, 2001), EDGES, EDGES - 1e-9, EDGES + 1e-9, np.geomspace(1e-300, 1, 300)])


@pytest.mark.parametrize(
    ("row", "dtype", "of_value", "relative", "of_slope"),
    [(tanh_row, np.float64, 2.8e-16, 4.3e-16, 6.5e-16), (tanh_row_single, np.float32, 1.6e-7, 2.4e-7, 3.6e-7)],
)
def test_errors_are_those_that_are_documented(row, dtype, of_value, relative, of_slope):
    u = POINTS.astype(dtype)
    slope, zero, one = np.empty_like(u), np.zeros(1, dtype), np.ones(1, dtype)
    value = [row(u[k : k + 1].copy(), zero, zero, slope[k : k + 1], one, 1) for k in range(len(u))]
    with ctx.workprec(200):
        for x, found, rate in zip(u.tolist(), value, slope.tolist(), strict=True):
            exact = arb(x).tanh()
            assert abs(arb(float(found)) - exact) <= of_value, x
            assert abs(arb(float(found)) - exact) <= relative * abs(exact) + arb(float(np.finfo(dtype).tiny)), x
            assert abs(arb(rate) - (1 - exact * exact)) <= of_slope, x


@pytest.mark.parametrize(("row", "dtype"), [(tanh_row, np.float64), (tanh_row_single, np.float32)])
def test_what_is_not_finite(row, dtype):
    u = np.array([np.inf, -np.inf, np.nan], dtype)
    slope, zero, one = np.empty_like(u), np.zeros(1, dtype), np.ones(1, dtype)
    value = [row(u[k : k + 1].copy(), zero, zero, slope[k : k + 1], one, 1) for k in range(3)]
    np.testing.assert_array_equal(value, [1, -1, np.nan])
    np.testing.assert_array_equal(slope, [0, 0, np.nan])


@pytest.mark.parametrize("size", [1e-4, 1e-12])
def test_tiny_pre_activations_are_as_accurate_as_others(size):
    """The relative error of tanh counts there: h is small, and the scale makes up for it."""
    rng = np.random.default_rng(4)
    problem = bounds.Problem(size * rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4))
    options = {"width": 64, "scale": 2 / size, "step": 0.05, "steps": 40, "seed": 0}
    exact, short = (simulate.gradient_descent(problem, dtype=dtype, **options) for dtype in ("float64", "float32"))
    assert exact.loss[-1] < 0.5 * exact.loss[0]
    for name in ("loss", "output"):
        apart = np.abs(getattr(exact, name) - getattr(short, name))
        assert np.all(apart <= short.errors[name] + exact.errors[name]), name


def test_descent_in_float32_is_within_its_reported_error(small):
    options = {"width": 700, "scale": 2.0, "step": 0.1, "steps": 60, "save_every": 20}
    options["X_test"] = np.random.default_rng(3).standard_normal((3, small.d))
    exact, short = (simulate.gradient_descent(small, dtype=dtype, **options) for dtype in ("float64", "float32"))
    assert short.loss[-1] < 0.1 * short.loss[0]
    for name, error in short.errors.items():
        apart = np.abs(getattr(exact, name) - getattr(short, name))
        assert np.all(apart <= error), name
    assert np.max(np.abs(exact.output - short.output)) > 0
