"""sigma and sigma' in floating point against balls of hundreds of digits, over all finite floats.

The certificates assume an error of at most FUNCTION_ULPS units of 2^-53: of |sigma| for sigma, of Ls for sigma', which
near a zero of sigma' is all that float64 can promise. The oracles are formulas of their own, not those of the registry.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from flint import arb, ctx
from hypothesis import given
from hypothesis import strategies as st

import bounds
from bounds.activation.base import FUNCTION_ULPS, TINY
from bounds.certificates.magnitudes import LARGEST as LARGEST_CERTIFIED
from bounds.methods.intervals import middle
from bounds.numerics.arithmetic import ENCLOSED
from simulate.field import sigmas
from simulate.field.activations import value_and_slope
from simulate.field.elementwise import relu_row, tanh_row

NAMES = bounds.known_activations()
BITS = 1400  # enough for sin(1.8e308) to 60 digits and more
UNIT = 2.0**-53
LARGEST = 1.7976931348623157e308
PI = 3.141592653589793


def points() -> np.ndarray:
    """Floats of every size and sign, near kinks, near zeros of sigma and sigma', random bit patterns."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64, 800, dtype=np.uint64).view(np.float64)
    zeros = [0.0, 1.0, -1.0, -0.7517915247, -1.2784645427, 2.0**53, 1e16, -33.0, 37.5, 38.5, 709.78, 745.13, -1e-9]
    multiples = PI / 2 * np.append(np.arange(-100, 101), rng.integers(1, 2**62, 100))
    chosen = np.concatenate(
        [
            *(sign * np.geomspace(5e-324, 1.7e308, 800) for sign in (1, -1)),
            bits[np.isfinite(bits)],
            rng.uniform(-45, 45, 800),
            rng.uniform(-2, 2, 800),
            np.linspace(-760, 760, 761),
            *(z + np.linspace(-1e-6, 1e-6, 15) for z in zeros),
            zeros,
            multiples,
            np.nextafter(multiples, math.inf),
            [LARGEST, -LARGEST, 5e-324, -5e-324, np.nextafter(1.0, 0), np.nextafter(1.0, 2)],
        ]
    )
    return np.unique(chosen)


POINTS = points()
NOTHING = arb(0).union(arb(10) ** -1000)  # what exp(-x) is for large x


def oracle(name: str, x: arb) -> tuple[arb, arb]:
    """(sigma, sigma') enclosed; what a formula is made of is evaluated where it is needed only."""
    one, zero = arb(1), arb(0)
    far = bool(abs(x) > 1e4)
    beyond = bool(abs(x) > 200)

    def exp() -> arb:
        return NOTHING if far else (-abs(x)).exp()

    def logistic(e: arb) -> arb:
        return 1 / (1 + e) if x > 0 else e / (1 + e)

    def bell() -> arb:
        return NOTHING if far else (-x * x / 2).exp()

    match name:
        case "tanh":
            square = exp() ** 2
            return x.tanh(), 4 * square / (1 + square) ** 2
        case "sigmoid":
            e = exp()
            return logistic(e), e / (1 + e) ** 2
        case "softplus":
            e = exp()
            return e.log1p() + (x if x > 0 else zero), logistic(e)
        case "relu":
            return (x, one) if x > 0 else (zero, zero)
        case "leaky_relu":
            return (x, one) if x > 0 else (arb(0.01) * x, arb(0.01) if x < 0 else zero)
        case "gelu":
            below = (NOTHING if x < 0 else one) if beyond else (-x / arb(2).sqrt()).erfc() / 2
            return x * below, below + x * bell() / (2 * arb.pi()).sqrt()
        case "silu":
            e = exp()
            return x * logistic(e), logistic(e) + x * e / (1 + e) ** 2
        case "erf":
            value = (one if x > 0 else -one) if beyond else x.erf()
            return value, 2 / arb.pi().sqrt() * bell() ** 2
        case "sin":
            return x.sin(), x.cos()
        case "cos":
            return x.cos(), -x.sin()
        case "elu":
            return (x, one) if x > 0 else (exp() - 1, exp())
        case "clip":
            return (x, one) if 0 < x < 1 else (one if x > 0 else zero, zero)
        case "linear":
            return x, one
    raise NotImplementedError(name)


def errors(name: str, u: np.ndarray, value: np.ndarray, slope: np.ndarray) -> list[tuple[float, float, float, float]]:
    """For each u: the error of sigma beyond TINY as a part of |sigma|, that of sigma' beyond TINY as a part of Ls, the
    error of sigma as a part of Ls max(1, |u|) and that of sigma' as a part of Ls, all in units of 2^-53."""
    found = []
    ls = bounds.get_activation(name).Ls
    with ctx.workprec(BITS):
        for x, v, s in zip(u.tolist(), value.tolist(), slope.tolist(), strict=True):
            assert math.isfinite(v), (name, x)
            assert math.isfinite(s), (name, x)
            exact_value, exact_slope = oracle(name, arb(x))
            lost, blunt = abs(arb(v) - exact_value), abs(arb(s) - exact_slope)
            beyond = (lost - TINY).nonnegative_part()
            relative = 0.0 if beyond == 0 else float((beyond / abs(exact_value)).upper())
            sizes = (
                relative,
                float(((blunt - TINY).nonnegative_part() / ls).upper()),
                float((lost / ls / max(1.0, abs(x))).upper()),
                float((blunt / ls).upper()),
            )
            found.append(tuple(size / UNIT for size in sizes))
    return found


def worst(found: list[tuple[float, float, float, float]], u: np.ndarray, column: int) -> tuple[float, float]:
    """The largest of the errors in a column and where it is made."""
    k = int(np.argmax([row[column] for row in found]))
    return found[k][column], float(u[k])


@pytest.mark.parametrize("name", NAMES)
def test_numpy_errs_by_no_more_than_is_documented(name):
    act = bounds.get_activation(name)
    with np.errstate(all="raise"):  # and nothing warns, whatever the caller has set
        value, slope = act.value_and_slope(POINTS)
    found = errors(name, POINTS, value, slope)
    for column in (0, 1):
        size, where = worst(found, POINTS, column)
        assert size <= act.ulps[column] <= FUNCTION_ULPS, (size, where)


@pytest.mark.parametrize("name", NAMES)
def test_single_floats_are_evaluated_like_arrays(name):
    act = bounds.get_activation(name)
    for u in (-1e300, -33.0, -3.0, -1e-9, 0.0, 0.25, 1.0, 1e16):
        value, slope = act.value_and_slope(np.array([u]))
        assert float(act.value(u)) == pytest.approx(float(value[0]), rel=1e-14, abs=TINY)
        assert float(act.slope(u)) == pytest.approx(float(slope[0]), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_balls_contain_the_exact_values(name):
    act = bounds.get_activation(name)
    for u in POINTS.tolist():
        with ctx.workprec(BITS):
            exact = oracle(name, arb(u))
        for ball, ours in zip(act.both(ENCLOSED, arb(u)), exact, strict=True):
            assert arb(ball).overlaps(ours), u


@pytest.mark.parametrize("name", NAMES)
def test_balls_are_thin(name):
    """Containing the exact value is no use if the ball holds everything: sigma' keeps its sign far out."""
    act = bounds.get_activation(name)
    for u in (-300.5, -40.25, -5.5, -1e-9, 0.5, 5.5, 40.25, 300.5):
        for ball in act.both(ENCLOSED, arb(u)):
            assert arb(ball).is_exact() or float(arb(ball).rad()) <= 1e-12 * float(abs(arb(ball)).upper())


def test_slopes_far_out_keep_their_digits():
    """1 - tanh^2 and s (1 - s) are zero, or lose every digit, where tanh and s round to one."""
    for name in ("tanh", "sigmoid", "silu", "elu", "softplus"):
        act = bounds.get_activation(name)
        for u in (-300.0, -38.0, -20.0):
            with ctx.workprec(BITS):
                exact = oracle(name, arb(u))[1]
            assert float(act.slope(u)) == pytest.approx(float(exact), rel=1e-13)
    assert float(bounds.get_activation("tanh").slope(200.0)) > 0


@pytest.mark.parametrize("name", NAMES)
def test_torch_errs_by_no_more_than_is_documented(name):
    u = torch.from_numpy(POINTS[::3].copy())
    value, slope = torch.empty_like(u), torch.empty_like(u)
    value_and_slope(bounds.get_activation(name), u.clone(), value, slope)
    found = errors(name, POINTS[::3], value.numpy(), slope.numpy())
    for column in (2, 3):
        size, where = worst(found, POINTS[::3], column)
        assert size <= FUNCTION_ULPS, (size, where)


@pytest.mark.parametrize("name", NAMES)
def test_compiled_loops_err_by_no_more_than_is_documented(name):
    u = POINTS[::3].copy()
    found = errors(name, u, *compiled(name, u))
    for column in (2, 3):
        size, where = worst(found, u, column)
        assert size <= FUNCTION_ULPS, (size, where)


def compiled(name: str, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sigma and sigma' as the compiled loops compute them, whose value may take the place of u."""
    value, slope, again = np.empty_like(u), np.empty_like(u), u.copy()
    sigmas.ROWS[name](u, value, slope, len(u))
    sigmas.ROWS[name](again, again, np.empty_like(u), len(u))
    np.testing.assert_array_equal(again, value)
    return value, slope


@pytest.mark.parametrize(("name", "row"), [("tanh", tanh_row), ("relu", relu_row)])
def test_rows_with_a_displacement_are_the_same_functions(name, row):
    u, one, none = POINTS[::3].copy(), np.ones(1), np.zeros(1)
    value, slope = np.empty_like(u), np.empty_like(u)
    for k in range(len(u)):
        value[k] = row(u[k : k + 1], none, none, slope[k : k + 1], one, 1)
    for ours, other in zip(compiled(name, u), (value, slope), strict=True):
        np.testing.assert_allclose(ours, other, rtol=0, atol=2 * UNIT)


def test_elu_just_below_zero_lies_in_the_enclosure_of_the_residual():
    """exp(u) - 1 at u = -1e-9 keeps seven digits."""
    from bounds.certificates.by_profile import residual_norm

    problem = bounds.Problem([[1.0]], [0.0], activation="elu")
    h = -1e-9
    norm = residual_norm(problem, np.array([[h]]), np.array([1.0]))
    assert norm.overlaps(abs(arb(h).expm1()))
    assert float(norm.rad()) <= 1e-13 * float(norm)
    value, slope = problem.activation.both(ENCLOSED, arb(h))
    assert float(value.rad()) <= 1e-14 * abs(float(value))
    assert slope.contains(arb(h).exp().mid())


@pytest.mark.parametrize("method", ["repaired", "markov", "chebyshev", "envelope", "transport", "best"])
@pytest.mark.parametrize("far", [2.0**53, 1e16, 1e100, 1e300])
def test_a_saturated_clip_is_not_certified(method, far):
    """sigma(1e16) = 1, not 0: f = 10 (1 + 0.5)/2 = 7.5, and the loss of the true flow stops at 25/8 = 3.125, where
    every neuron has left (0, 1)."""
    problem = bounds.Problem([[1.0]], [2.5], activation="clip")
    H, signs = np.array([[far], [0.5]]), np.array([10.0, 10.0])
    assert problem.activation.value(H).tolist() == [[1.0], [0.5]]
    if far > LARGEST_CERTIFIED:  # beyond the magnitudes that certificates are about, which is said
        with pytest.raises(bounds.ArgumentError, match=r"max \|H\| must be at most"):
            bounds.certify(problem, H, signs=signs, method=method)
    else:
        assert not bounds.certify(problem, H, signs=signs, method=method).holds


def test_the_leak_of_leaky_relu_is_one_number():
    """float64(0.01) exceeds 1/100 by 2e-19: the slope, its floor and the moments must mean the same number."""
    act = bounds.get_activation("leaky_relu")
    slope = arb(act.both(ENCLOSED, arb(-1))[1])
    assert slope == arb(float(act.slope(-1.0))) == act.slope_floor((-2.0, -1.0))
    assert act.moments(arb(1)).slope_square.contains((slope * slope + 1) / 2)


def test_sigma_at_zero_is_enclosed():
    """log(2) is no float64: as the bound of |sigma(0)| its rounding down is no bound."""
    zero = bounds.get_activation("softplus").at_zero
    with ctx.workprec(200):
        assert zero.contains(arb(2).log())
    assert bounds.get_activation("sigmoid").at_zero == 0.5


@given(st.floats(-1e6, 1e6), st.floats(1e-12, 1e6), st.floats(1e-6, 0.49))
def test_the_middle_of_an_interval_is_rounded_inwards(left, length, share):
    """Every neuron that is counted is at least xi away from the ends, in exact arithmetic."""
    right = left + length
    xi = share * length
    low, high = middle((left, right), xi)
    assert Fraction(low) >= Fraction(left) + Fraction(xi)
    assert Fraction(high) <= Fraction(right) - Fraction(xi)
