"""Activations from SymPy expressions: every derived constant against what is known, and the refusals."""

import math
from dataclasses import replace

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb

import bounds
from bounds.activation.expressions import COMPLEX, from_expression
from bounds.activation.registry import _REGISTRY
from bounds.data.datasets import load_builtin
from bounds.numerics.arithmetic import ENCLOSED, NUMPY, ball
from bounds.numerics.ranges import supremum
from bounds.numerics.tracked import TRACKED, Tracked

u = sp.Symbol("u")


@pytest.fixture(scope="module")
def derived():
    """Two of the registry's activations, derived anew from their formulas."""
    return {"tanh": from_expression("tanh", sp.tanh(u)), "softplus": from_expression("softplus", sp.log(1 + sp.exp(u)))}


@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_derived_constants_agree_with_the_registry(derived, name):
    mine, registered = derived[name], bounds.get_activation(name)
    assert float(registered.Ls) <= float(mine.Ls) <= float(registered.Ls) * (1 + 1e-6)
    assert float(registered.L2) <= float(mine.L2) * (1 + 1e-15) <= float(registered.L2) * (1 + 1e-4)
    assert (mine.bounded_by is None) == (registered.bounded_by is None)
    assert mine.interval == pytest.approx(registered.interval, abs=0.02)
    grid = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(mine.value(grid), registered.value(grid), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(mine.slope(grid), registered.slope(grid), rtol=1e-9, atol=1e-15)
    for interval in ((-1.0, 0.5), (0.25, 2.0)):
        floor, exact = float(mine.slope_floor(interval)), float(registered.slope_floor(interval))
        assert exact * (1 - 1e-6) <= floor <= exact


@pytest.mark.parametrize("name", ["tanh", "softplus"])
@pytest.mark.parametrize("init", ["independent", "antisymmetric"])
def test_derived_activations_give_the_same_guarantee(derived, name, init):
    X, y = load_builtin("reference")
    mine = bounds.guarantee(bounds.Problem(X, y, activation=derived[name]), method="slopes", init=init)
    registered = bounds.guarantee(bounds.Problem(X, y, activation=name), method="slopes", init=init)
    assert registered.scale <= mine.scale <= registered.scale * (1 + 1e-4)
    assert registered.width <= mine.width * (1 + 1e-6) <= registered.width * (1 + 1e-3) + 1


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "gelu", "silu", "erf"])
def test_strip_bounds_of_the_registry_by_branch_and_bound(name):
    rho, bound = bounds.get_activation(name).strip
    formula = {
        "tanh": sp.tanh(u),
        "sigmoid": 1 / (1 + sp.exp(-u)),
        "softplus": sp.log(1 + sp.exp(u)),
        "gelu": u * (1 + sp.erf(u / sp.sqrt(2))) / 2,
        "silu": u / (1 + sp.exp(-u)),
        "erf": sp.erf(u),
    }[name]
    slope = slope_of(formula)
    assert supremum(lambda z: slope(COMPLEX, z), height=rho, tolerance=1e-3) <= bound * 1.002


def slope_of(formula):
    from bounds.activation.expressions import _compile, _named

    x = sp.Symbol("u", real=True)
    return _compile(sp.diff(_named(formula.subs(u, x)), x), "test")


def test_registering_takes_three_lines_and_reaches_every_method():
    x = sp.Symbol("x", real=True)
    try:
        bounds.register_activation("bent-tanh", sp.tanh(x) + x / 4)
        problem = bounds.Problem(*load_builtin("reference"), activation="bent-tanh")
        frame = bounds.table(problem)
        assert frame["width"].notna().all()
        act = problem.activation
        assert float(act.Ls) == pytest.approx(1.25, rel=1e-6)
        assert act.slopes_at_ends == pytest.approx((0.25, 0.25))
        assert float(act.slope_floor((-math.inf, math.inf))) == pytest.approx(0.25, rel=1e-6)
        with pytest.raises(bounds.ArgumentError, match="taken"):
            bounds.register_activation("bent-tanh", sp.tanh(x))
    finally:
        _REGISTRY.pop("bent-tanh", None)


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (u**3, bounds.AssumptionError, "not Lipschitz"),
        (sp.exp(u), bounds.AssumptionError, "not Lipschitz"),
        (sp.Abs(u), bounds.ArgumentError, "Abs is not among"),
        (sp.tanh(u) * sp.Symbol("w"), bounds.ArgumentError, "exactly one symbol"),
        (sp.Integer(3), bounds.ArgumentError, "exactly one symbol"),
        ("tanh(u)", bounds.ArgumentError, "must be a SymPy expression"),
        (sp.log(u), bounds.AssumptionError, "not"),
        (u * sp.log(1 + u**2) / 1000, bounds.AssumptionError, "not Lipschitz"),  # sigma' grows like log u
        (u * sp.sin(u), bounds.AssumptionError, "not Lipschitz"),
        (sp.tanh(u) + 10**6 * (1 - sp.cos(u / 10**6)), bounds.AssumptionError, "loses digits"),
    ],
)
def test_what_cannot_be_bounded_is_refused(expression, error, message):
    with pytest.raises(error, match=message):
        from_expression("mine", expression)


def test_balls_contain_the_complex_values():
    """The complex number system against mpmath, at the corners and the middle of boxes."""
    from flint import acb

    functions = {
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
        "erf": mpmath.erf,
        "tanh": mpmath.tanh,
        "sech2": lambda z: mpmath.sech(z) ** 2,
    }
    for name, exact in functions.items():
        for a, b, c, d in ((-3.0, -2.5, 0.0, 0.5), (0.5, 1.0, 0.25, 1.0), (-0.25, 0.25, 0.5, 0.75)):
            enclosure = getattr(COMPLEX, name)(acb(ball(a, b), ball(c, d)))
            for x in (a, (a + b) / 2, b):
                for y in (c, (c + d) / 2, d):
                    value = exact(mpmath.mpc(x, y))
                    assert enclosure.real.contains(float(value.real)) or enclosure.real.overlaps(
                        ball(float(value.real) - 1e-15, float(value.real) + 1e-15)
                    )
    assert not math.isfinite(float(abs(COMPLEX.log(acb(ball(-1.0, 1.0), ball(-0.5, 0.5)))).upper()))
    assert ENCLOSED.sigmoid(ball(2.0**8, 2.0**9)) <= 1.0001


def test_lost_digits_are_counted():
    """1 + K(1 - cos(u/K)) cancels in float64: the enclosure must hold what 50 digits give."""
    from bounds.activation.gaussian import mean_value, slope_power

    K = 1000
    act = from_expression("lossy", sp.tanh(u) + K * (1 - sp.cos(u / K)))
    assert 0 < act.slack < 1e-11
    for g in (1e-4, 1.0):
        with mpmath.workdps(50):
            root, cuts = mpmath.sqrt(g), [-14, -7, -3, -1, 0, 1, 3, 7, 14]
            slope = mpmath.quad(
                lambda z, s=root: (mpmath.sech(s * z) ** 2 + mpmath.sin(s * z / K)) ** 2 * mpmath.npdf(z), cuts
            )
            mean = K * (1 - mpmath.exp(-mpmath.mpf(g) / (2 * K * K)))
            assert slope_power(act, arb(g), 2).overlaps(arb(mpmath.nstr(slope, 40)))
            assert mean_value(act, arb(g)).overlaps(arb(mpmath.nstr(mean, 40)))


RUNNING = {
    sp.exp(-u * u) / (1 + u * u): lambda x: mpmath.exp(-x * x) / (1 + x * x),
    100 * (1 - sp.cos(u / 100)): lambda x: 100 * (1 - mpmath.cos(x / 100)),
    sp.sqrt(1 + u * u) - 1: lambda x: mpmath.sqrt(1 + x * x) - 1,
    sp.log(2 + u * u) + sp.atan(u) + sp.erf(u / 3): lambda x: (
        mpmath.log(2 + x * x) + mpmath.atan(x) + mpmath.erf(x / 3)
    ),
    sp.tanh(3 * u) - u / (1 + sp.exp(-u)): lambda x: mpmath.tanh(3 * x) - x / (1 + mpmath.exp(-x)),
}


@pytest.mark.parametrize("formula", RUNNING)
@pytest.mark.parametrize(("left", "right"), [(-8.0, -7.5), (-0.25, 0.0), (0.0, 0.25), (2.0, 2.5), (64.0, 128.0)])
def test_running_error_bounds_contain_the_error_on_a_whole_piece(formula, left, right):
    evaluate, grid = slope_free(formula), np.linspace(left, right, 41)
    with np.errstate(all="ignore"):
        computed = evaluate(NUMPY, grid)
    tracked = evaluate(TRACKED, Tracked(ball(left, right), arb(0)))
    with mpmath.workdps(60):
        for x, v in zip(grid.tolist(), computed.tolist(), strict=True):
            exact = RUNNING[formula](mpmath.mpf(x))
            assert arb(mpmath.nstr(abs(mpmath.mpf(v) - exact), 30)) <= tracked.error
            assert tracked.value.overlaps(arb(mpmath.nstr(exact, 50)))
    assert tracked.error < 1e-10


def test_what_overflows_has_no_error_bound():
    evaluate = slope_free(sp.sqrt(1 + u * u))
    assert evaluate(TRACKED, Tracked(arb(2.0**500), arb(0))).error < 2.0**460
    assert not evaluate(TRACKED, Tracked(arb(2.0**520), arb(0))).error.is_finite()


def test_an_expression_is_refused_beyond_the_range_in_which_it_keeps_its_digits():
    """sqrt(1 + u^2) is infinite in float64 from |u| = 1e154 on."""
    act = replace(bounds.get_activation("softplus"), name="mine", reach=1e100)
    problem = bounds.Problem([[1.0]], [0.5], activation=act)
    with pytest.raises(bounds.AssumptionError, match="keeps its digits in float64 only for"):
        bounds.certify(problem, [[1e150], [0.5]], signs=[10.0, 10.0])


def slope_free(formula):
    from bounds.activation.expressions import _compile

    return _compile(formula, "test")


@pytest.mark.parametrize(
    ("formula", "largest"),
    [(u / (1 + u**2), 0.5), (u / sp.sqrt(1 + u**2), 1.0), (sp.atan(u), math.pi / 2), (sp.tanh(u - 30), 1.0)],
)
def test_rational_and_shifted_activations_are_accepted(formula, largest):
    act = from_expression("mine", formula)
    assert float(act.Ls) == pytest.approx(1.0, rel=1e-3)
    assert act.interval[0] < act.interval[1]
    assert act.bounded_by >= largest
    assert act.bounded_by == pytest.approx(largest, rel=1e-2)


@pytest.mark.parametrize("formula", [sp.log(1 + u**2), sp.sqrt(1 + u**2)])
def test_an_unbounded_activation_is_not_bounded_by_its_size_at_a_large_argument(formula):
    """log(1 + 2^2000) = 1386 bounds no supremum over the line."""
    act = from_expression("mine", formula)
    assert act.bounded_by is None
    assert act.reach >= 1e100
