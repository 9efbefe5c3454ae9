"""What expressions do far out, to infinity: enclosures against values, and what has no bound."""

import math

import mpmath
import pytest
import sympy as sp
from flint import acb, arb, ctx

from bounds.activation.expressions import COMPLEX, _compile, _named
from bounds.numerics.arithmetic import ENCLOSED, ball
from bounds.numerics.tails import FAR, beyond, infimum_on_the_line, supremum_on_the_line

u = sp.Symbol("u", real=True)


def compiled(expression):
    return _compile(_named(expression), "test")


BOUNDED = {
    sp.tanh(u): 1,
    sp.sin(u): 1,
    sp.atan(u): math.pi / 2,
    sp.erf(u / 3): 1,
    u / (1 + u**2): 0,
    u / sp.sqrt(1 + u**2): 1,
    u * sp.exp(-(u**2)): 0,
    u**3 * (1 - sp.tanh(u)) * (1 + sp.tanh(u)): None,  # written so that the cancellation hides the decay
    u * sp.sin(1 / u): 1,
    sp.sqrt(1 + u**2) / (2 + sp.cos(u) + sp.sqrt(u**2 + 3)): 1,
    sp.log(1 + u**2) / sp.sqrt(1 + u**2): 0,
    sp.log(2 + sp.sin(sp.log(1 + u**2))): math.log(3),
    1 / (1 + sp.exp(-u)) + sp.exp(sp.sin(u)): 1 + math.e,
    sp.tanh(sp.sin(u)): math.tanh(1),
}
UNBOUNDED = [
    sp.log(1 + u**2),
    sp.sqrt(1 + u**2),
    u * sp.sin(u),
    u + sp.sin(u),
    u * sp.atan(u),
    sp.log(1 + sp.exp(u)),
    sp.sin(u) * sp.log(1 + u**2),
    sp.exp(u),
]


@pytest.mark.parametrize("expression", BOUNDED)
def test_a_bounded_tail_is_bounded_and_holds_the_values(expression):
    F, limit = compiled(expression), BOUNDED[expression]
    exact = sp.lambdify(u, expression, "mpmath")
    for side in (-1, 1):
        R, low, high = beyond(F, side)
        if limit is None:  # not seen to be bounded, which is safe
            continue
        assert high <= limit + 1e-3
        with mpmath.workdps(60):
            for x in (R, 1.7 * R, 1e9 * R, R**2):
                assert low * (1 - 1e-12) <= abs(exact(mpmath.mpf(side * x))) <= high * (1 + 1e-12)


@pytest.mark.parametrize("expression", UNBOUNDED)
def test_an_unbounded_tail_has_no_supremum(expression):
    assert max(beyond(compiled(expression), side)[2] for side in (-1, 1)) == math.inf
    assert supremum_on_the_line(compiled(expression), ENCLOSED) == math.inf


def test_infima_reach_to_infinity():
    """1/(1 + log(1 + u^2)^2) is above 5e-7 for |u| <= 2^1000, and its infimum is zero."""
    assert infimum_on_the_line(compiled(1 / (1 + sp.log(1 + u**2) ** 2)), ENCLOSED, -math.inf, math.inf) == 0
    assert infimum_on_the_line(compiled(2 + sp.tanh(u)), ENCLOSED, 0.0, math.inf) == pytest.approx(2, rel=1e-6)
    assert infimum_on_the_line(compiled(1 + u**2), ENCLOSED, -3.0, 2.0) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize(
    "expression",
    [
        sp.tanh(u) + u / sp.sqrt(1 + u**2),
        sp.sin(u) / 3 + sp.atan(u),
        sp.erf(u) + 1 / (1 + sp.exp(-u)),
        (1 + sp.log(1 + u**2)) / sp.sqrt(3 + u**2),
        sp.exp(-(u**2)) + sp.cos(u),
        sp.log(1 + sp.exp(-u)) * sp.tanh(u),
    ],
)
@pytest.mark.parametrize("height", [0.25, 1.0])
def test_strips_far_out_hold_the_complex_values(expression, height):
    F = compiled(expression)
    exact = sp.lambdify(u, expression, "mpmath")
    for side in (-1, 1):
        R, low, high = beyond(F, side, height=height)
        with mpmath.workdps(60):
            for x in (R, 3.3 * R):
                for y in (0, height / 3, height):
                    value = abs(exact(mpmath.mpc(side * x, y)))
                    assert low * (1 - 1e-12) <= value <= high * (1 + 1e-12)


@pytest.mark.parametrize(
    "name", ["tanh", "sech2", "sigmoid", "softplus", "erf", "atan", "sin", "cos", "exp", "log", "sqrt"]
)
def test_far_and_near_agree_where_they_meet(name):
    """The same function by germs and by balls, at arguments that tend to a constant, grow, or vanish."""
    inner = {"bounded": 2 + sp.sin(u) / u, "small": 1 / u, "growing": u, "negative": -sp.sqrt(1 + u**2)}
    for kind, expression in inner.items():
        if (name in ("log", "sqrt") and kind == "negative") or (name == "exp" and kind == "growing"):
            continue
        G = compiled(expression)

        def F(o, z, G=G):
            return getattr(o, name)(G(o, z))

        R, low, high = beyond(F, 1)
        with ctx.workprec(300):
            for x in (arb(R) * 1.5, arb(R) * 1000):
                value = abs(F(ENCLOSED, x))
                assert value.overlaps(ball(low * (1 - 1e-12), high * (1 + 1e-12)))
            assert abs(F(COMPLEX, acb(arb(R) * 2))).overlaps(ball(low * (1 - 1e-12), high * (1 + 1e-12)))


def test_the_number_system_far_out_knows_what_the_others_know():
    assert set(vars(FAR)) == set(vars(COMPLEX))
    assert ENCLOSED.tanh(ball(-1, 1)) < 0.77
