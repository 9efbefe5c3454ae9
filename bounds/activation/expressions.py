"""An activation from a SymPy expression: every constant that the proofs use is derived from it.

Ls, L2 and sup |sigma| come from branch and bound over the real line, the quadrature strip from branch and bound over
complex balls, both with an enclosure of the tails. An expression for which one of them cannot be bounded is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import acb, arb

from bounds.activation.base import Activation
from bounds.errors import ArgumentError, AssumptionError, shown
from bounds.numerics.arithmetic import ENCLOSED, Ops, ball
from bounds.numerics.ranges import UNBOUNDED, supremum
from bounds.numerics.tails import infimum_on_the_line, supremum_on_the_line
from bounds.numerics.tracked import TRACKED, Tracked

HEIGHTS = (1.5, 1.25, 1.0, 0.75, 0.5, 0.25, 0.125)  # the half-widths of the strips that are tried
MOST_SLACK = 1e-11  # the largest error of float64 evaluation that is accepted, relative to Ls max(1, |u|)
ENDS = 2.0**10  # |u| beyond which the infimum of |sigma'| stands for its limit
LEAST_REACH = 2.0**27  # |u| up to which float64 evaluation must be that accurate
MOST_REACH = 1000  # log2 of the largest |u| for which that is tried

Evaluate = Callable[[Ops, Any], Any]


def _off_the_cut(z: acb) -> acb:
    """z itself if the principal branch is analytic on the whole ball, else a ball that contains every number."""
    return acb(arb("nan"), arb("nan")) if z.imag.contains(0) and not z.real > 0 else z


def _complex_sigmoid(z: acb) -> acb:
    """The sigmoid on complex balls; of the two exponentials take the one that is at most about 1."""
    shrinking = (-z).exp() if z.real.mid() > 0 else z.exp()
    return (1 if z.real.mid() > 0 else shrinking) / (1 + shrinking)


def _complex_softplus(z: acb) -> acb:
    """The softplus on complex balls, in the form whose exponential is at most about 1."""
    positive = bool(z.real.mid() > 0)
    rest = _off_the_cut(1 + ((-z).exp() if positive else z.exp())).log()
    return z + rest if positive else rest


def _complex_erf(z: acb) -> acb:
    """erf on complex balls."""
    # |erf(x + iy) - erf(x)| <= (2/sqrt(pi)) |y| exp(y^2 - x^2): sharper on wide balls than the series.
    x, y = z.real, abs(z.imag).upper()
    radius = 2 / arb.pi().sqrt() * y * (y * y - (x * x).nonnegative_part()).exp()
    disc = arb(0).union(radius.upper()).union(-radius.upper())
    return acb(x.erf() + disc, disc)


COMPLEX: Ops = SimpleNamespace(
    number=acb,
    pi=arb.pi(),
    sqrt=lambda z: _off_the_cut(acb(z)).sqrt(),
    exp=lambda z: acb(z).exp(),
    log=lambda z: _off_the_cut(acb(z)).log(),
    sin=lambda z: acb(z).sin(),
    cos=lambda z: acb(z).cos(),
    tanh=lambda z: 2 * _complex_sigmoid(2 * z) - 1,
    sech2=lambda z: 4 * _complex_sigmoid(2 * z) * _complex_sigmoid(-2 * z),
    sigmoid=_complex_sigmoid,
    softplus=_complex_softplus,
    erf=_complex_erf,
    atan=lambda z: z.atan() if abs(z.imag) < 1 else acb(arb("nan"), arb("nan")),
)


def _named(expression: Any) -> Any:
    """log(1 + exp(w)), 1/(1 + exp(w)) and tanh as functions of their own: as written, they or their derivatives
    overflow or lose all digits."""
    import sympy as sp

    class sigmoid(sp.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return sigmoid(self.args[0]) * sigmoid(-self.args[0])

    class softplus(sp.Function):  # type: ignore[misc]
        def fdiff(self, argindex: int = 1) -> Any:
            return sigmoid(self.args[0])

    class tanh(sp.Function):  # type: ignore[misc]
        @classmethod
        def eval(cls, w: Any) -> Any:
            return -cls(-w) if w.could_extract_minus_sign() else None

        def fdiff(self, argindex: int = 1) -> Any:
            return sech2(self.args[0])

    class sech2(sp.Function):  # type: ignore[misc]
        @classmethod
        def eval(cls, w: Any) -> Any:
            return cls(-w) if w.could_extract_minus_sign() else None

        def fdiff(self, argindex: int = 1) -> Any:
            return -2 * tanh(self.args[0]) * sech2(self.args[0])

    w = sp.Wild("w")
    expression = expression.replace(sp.tanh(w), tanh(w))
    expression = expression.replace(sp.log(1 + sp.exp(w)), softplus(w))
    expression = expression.rewrite((sp.sinh, sp.cosh), sp.exp)
    for power in (1, 2, 3):
        expression = expression.replace(1 / (1 + sp.exp(w)) ** power, sigmoid(-w) ** power)
    return expression


def _compile(expression: Any, name: str) -> Evaluate:
    """The function expression(o, u) for every number system o; rational numbers stay exact if the system is exact.

    Raises ArgumentError for a function that is not supported; `name` is that of the activation.
    """
    import sympy as sp

    if isinstance(expression, sp.Symbol):
        return lambda o, u: u
    if isinstance(expression, sp.Rational):
        p, q = int(expression.p), int(expression.q)
        return lambda o, u: u * 0 + (o.number(p) if q == 1 else o.number(p) / o.number(q))
    if isinstance(expression, sp.Float):
        value = float(expression)
        return lambda o, u: u * 0 + o.number(value)
    if expression is sp.pi:
        return lambda o, u: u * 0 + o.pi
    if expression is sp.E:
        return lambda o, u: o.exp(u * 0 + 1)
    parts = [_compile(a, name) for a in expression.args]
    if expression.is_Add:
        return lambda o, u: sum((part(o, u) for part in parts[1:]), parts[0](o, u))
    if expression.is_Mul:
        return lambda o, u: math.prod((part(o, u) for part in parts[1:]), start=parts[0](o, u))
    if expression.is_Pow and expression.exp.is_Integer:
        return _power(parts[0], int(expression.exp))
    if expression.is_Pow and (2 * expression.exp).is_Integer:
        odd = _power(lambda o, u: o.sqrt(parts[0](o, u)), int(2 * expression.exp))
        return odd
    function = type(expression).__name__
    if function in vars(COMPLEX) and len(parts) == 1:
        return lambda o, u: getattr(o, function)(parts[0](o, u))
    raise ArgumentError(
        f"activation {name!r}: {function} is not among exp, log, sqrt, tanh, sigmoid, softplus, sin, cos, sinh, cosh,"
        f" erf, atan and rational operations. Found {expression}. Build a bounds.Activation for a kinked one."
    )


def _power(base: Evaluate, exponent: int) -> Evaluate:
    """The function base(o, u)^exponent, exponent an int."""

    def evaluate(o: Ops, u: Any) -> Any:
        # Balls: an arb's own power is undefined around zero, and 1/x^k blows up before (1/x)^k does.
        x = 1 / base(o, u) if exponent < 0 else base(o, u)
        return math.prod([x] * (abs(exponent) - 1), start=x)

    return evaluate


def from_expression(name: str, expression: Any) -> Activation:
    """The activation sigma(u) = expression, a SymPy expression in one real symbol.

    Derived: sigma', Ls, L2, sup |sigma|, the strip of the quadrature, an interval of active neurons.

    Raises ArgumentError for an expression that is not smooth or has other than one symbol, AssumptionError if it cannot
    be proved that sigma is Lipschitz and C^{1,1}.
    """
    import sympy as sp

    if not isinstance(expression, sp.Expr):
        raise ArgumentError(f"activation {name!r} must be a SymPy expression. Found {shown(expression)}.")
    symbols = set(expression.free_symbols)
    if len(symbols) != 1:
        raise ArgumentError(f"activation {name!r} must have exactly one symbol. Found {sorted(map(str, symbols))}.")
    u = sp.Symbol("u", real=True)
    value = _named(expression.subs(symbols.pop(), u))
    derivatives = [sp.diff(value, u, k) for k in range(4)]
    sigma, slope, bend, third = (_compile(derivative, name) for derivative in derivatives)

    ls = _bounded(name, slope, bend, "Lipschitz: sup |sigma'|", "Assumption 2 asks for it")
    l2 = _bounded(name, bend, third, "C^(1,1): sup |sigma''|", "the proofs for smooth activations ask for it")
    largest = supremum_on_the_line(sigma, ENCLOSED, derivative=slope)
    strip = _strip(slope, bend, ls)
    if strip is None:
        raise AssumptionError(
            f"activation {name!r}: sigma' could not be bounded on any strip |Im u| <= {HEIGHTS[-1]} of the complex"
            " plane, which the quadrature needs. A singularity sits close to the real line: rescale u."
        )
    slack, reach = _evaluation_slack(name, sigma, slope, ls)
    far = (-math.inf, -ENDS), (ENDS, math.inf)
    limits = tuple(infimum_on_the_line(slope, ENCLOSED, *side, derivative=bend) for side in far)
    return Activation(
        name=name,
        both=lambda o, x: (sigma(o, x), slope(o, x)),
        lipschitz=lambda o: o.number(ls),
        slope_lipschitz=lambda o: o.number(l2),
        bounded_by=largest if largest < UNBOUNDED else None,
        active=(-math.inf, math.inf),
        slopes_at_ends=(limits[0], limits[1]),
        interval=_half_slope_interval(slope, ls, limits),
        strip=strip,
        unimodal=False,
        parity=_parity(slope, bend, ls, _symmetry(derivatives[1], u)),
        slack=slack,
        reach=reach,
        expression=expression,
    )


def _strip(slope: Evaluate, bend: Evaluate, ls: float) -> tuple[float, float] | None:
    """Activation.strip: of HEIGHTS the rho with the least bound/rho, and the bound; None if no bound is finite."""
    best: tuple[float, float] | None = None
    for rho in HEIGHTS:  # from the widest strip on
        if best is not None and ls / rho >= best[1] / best[0]:
            break  # the bound on a strip is at least that on the line, so that no narrower one is better
        bound = supremum_on_the_line(slope, COMPLEX, derivative=bend, height=rho, tolerance=1e-3)
        if bound < UNBOUNDED * max(ls, 1e-300) and (best is None or bound / rho < best[1] / best[0]):
            best = (rho, bound)
    return best


def _symmetry(expression: Any, u: Any) -> int:
    """1 for an expression that is even as it is written, -1 for an odd one, 0 for any other."""
    mirrored = expression.subs(u, -u)
    return 1 if mirrored == expression else -1 if mirrored == -expression else 0


def _parity(slope: Evaluate, bend: Evaluate, ls: float, symmetry: int) -> Callable[[Ops], tuple[Any, Any, Any]]:
    """Activation.parity: the ranges of the slopes of the odd and of the even part, |sigma'| <= ls being known.

    symmetry: 1 if sigma' is known to be even, -1 if it is known to be odd, else 0.
    """

    def parts(f: Evaluate) -> tuple[Evaluate, Evaluate]:
        """(f(u) + f(-u))/2 and (f(u) - f(-u))/2."""
        return (lambda o, u: (f(o, u) + f(o, -u)) / 2), (lambda o, u: (f(o, u) - f(o, -u)) / 2)

    odd, even = parts(slope)  # the slope of the odd part of sigma is even
    even_bend, odd_bend = parts(bend)  # the derivative of the even slope is odd
    # Each function below is even or odd, so half of the line is enough; odd + ls and ls - odd are not negative.
    low = high = most = 0.0
    if symmetry != -1:
        high = _range_end(lambda o, u: odd(o, u) + ls, odd_bend, 2 * ls) - ls
        low = ls - _range_end(lambda o, u: ls - odd(o, u), lambda o, u: -odd_bend(o, u), 2 * ls)
    if symmetry != 1:
        most = _range_end(even, even_bend, ls)
    middle = (low + high) / 2
    half = max(high - middle, middle - low) + 2.0**-50 * ls  # the roundings of these differences
    return lambda o: (o.number(middle), o.number(half), o.number(most))


def _range_end(F: Evaluate, derivative: Evaluate, known: float) -> float:
    """An upper bound of sup |F| over the line, at most `known`, which is one."""
    return min(supremum_on_the_line(F, ENCLOSED, derivative=derivative), known)


def _evaluation_slack(name: str, sigma: Evaluate, slope: Evaluate, ls: float) -> tuple[float, float]:
    """(slack, reach): at every float u with |u| <= reach the running error bounds of sigma and sigma' are at most
    slack Ls max(1, |u|), by branch and bound. reach is at least LEAST_REACH."""

    def lost(u: arb) -> arb:
        point = Tracked(u, arb(0))
        return ENCLOSED.max(*(f(TRACKED, point).error for f in (sigma, slope))) / abs(u).max(arb(1)).lower() / ls

    worst = supremum(lost, tolerance=0.5, left=-LEAST_REACH, right=LEAST_REACH)
    if not worst <= MOST_SLACK:
        grid = [s * x for s in (-1, 1) for x in np.geomspace(0.1, LEAST_REACH, 200).tolist()]
        at = max(grid, key=lambda x: _size(lost(arb(x))))
        raise AssumptionError(
            f"activation {name!r} loses digits when it is evaluated as written: at u = {at:.3g} float64 may err by"
            f" {_size(lost(arb(at))):.2g} Ls max(1, |u|). Write it without cancellation, for example 2*sin(u/2)**2 for"
            " 1 - cos(u)."
        )
    reach = LEAST_REACH
    for k in range(27, MOST_REACH):
        further = max(_size(lost(side * ball(2.0**k, 2.0 ** (k + 1)))) for side in (-1, 1))
        if not further <= MOST_SLACK:
            break
        worst, reach = max(worst, further), 2.0 ** (k + 1)
    return worst, reach


def _size(x: arb) -> float:
    """An upper bound of |x|, infinite if there is none."""
    upper = float(abs(x).upper())
    return math.nextafter(upper, math.inf) if upper == upper else math.inf


def _bounded(name: str, F: Evaluate, derivative: Evaluate, what: str, why: str) -> float:
    """An upper bound of sup |F| over the real line; AssumptionError, with what and why, if none is found."""
    bound = supremum_on_the_line(F, ENCLOSED, derivative=derivative)
    if bound < UNBOUNDED:
        return bound
    at = [f"{abs(float(arb(F(ENCLOSED, arb(10.0**k))).mid())):.3g} at u = 1e{k}" for k in (1, 3, 6)]
    raise AssumptionError(
        f"activation {name!r} is not {what} could not be bounded ({', '.join(at)}), and {why}."
        " Saturate it (tanh, clip), or write it with sigmoid and softplus."
    )


def _half_slope_interval(slope: Evaluate, ls: float, limits: tuple[float, ...]) -> tuple[float, float]:
    """The default interval of active neurons: the longest run of grid points with |sigma'| >= Ls/2."""
    from bounds.numerics.arithmetic import NUMPY

    grid = np.linspace(-20, 20, 4001)
    with np.errstate(all="ignore"):
        high = np.append(np.abs(slope(NUMPY, grid)) >= ls / 2, False)
    edges = np.flatnonzero(np.diff(np.insert(high.astype(int), 0, 0)))
    runs = list(zip(edges[::2], edges[1::2] - 1, strict=True))
    if not runs:
        return -math.inf, math.inf  # far from zero or very narrow: count every neuron
    # Of a periodic sigma's equal runs, the one nearest to zero.
    a, b = max(runs, key=lambda run: (round(grid[run[1]] - grid[run[0]], 1), -abs(grid[run[0]] + grid[run[1]])))
    left = -math.inf if a == 0 and limits[0] >= ls / 2 else float(grid[a])
    right = math.inf if b == len(grid) - 1 and limits[1] >= ls / 2 else float(grid[b])
    return left, right if right > left else left + 1e-2
