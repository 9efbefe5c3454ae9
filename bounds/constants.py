"""The letters of the paper: one function per constant, with its equation number.

Called with numbers, a constant returns a ball (python-flint `arb`) that contains its exact value;
`.symbolic` is its SymPy expression, `.latex` what to paste into a paper, `.approx` a float version for searching.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

from flint import arb

from bounds.arithmetic import ENCLOSED, NUMPY, Ops, symbolic
from bounds.errors import ArgumentError


def _enclose(value: Any) -> Any:
    return tuple(arb(v) for v in value) if isinstance(value, tuple) else arb(value)


class Constant:
    """A formula of the theory; see the module."""

    def __init__(self, body: Callable[..., Any], source: str) -> None:
        self.body = body
        self.source = source
        self.name = body.__name__
        self.__doc__ = body.__doc__
        self.parameters = list(inspect.signature(body).parameters)[1:]

    def __call__(self, *args: Any, **kwargs: Any) -> arb:
        """The enclosed value. Raises ArgumentError where an argument is missing, unknown or not a number."""
        try:
            bound = inspect.signature(self.body).bind(ENCLOSED, *args, **kwargs)
            values = {k: _enclose(v) for k, v in bound.arguments.items() if k != "o"}
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                f"{self.name}({', '.join(self.parameters)}): {error}. Found {args!r}, {kwargs!r}."
            ) from None
        return arb(self.body(ENCLOSED, **values))

    def approx(self, *args: Any, **kwargs: Any) -> Any:
        """Floating point, for arrays too; carries no guarantee."""
        return self.body(NUMPY, *args, **kwargs)

    @cached_property
    def symbolic(self) -> Any:
        """The SymPy expression, in symbols named as the arguments; an interval is (I_l, I_r)."""
        import sympy as sp

        symbols: dict[str, Any] = {p: sp.Symbol(_SYMBOLS.get(p, p), positive=True) for p in self.parameters}
        if "interval" in symbols:
            symbols["interval"] = (sp.Symbol("I_l", real=True), sp.Symbol("I_r", real=True))
        return self.body(symbolic(), **symbols)

    @property
    def latex(self) -> str:
        """The expression in LaTeX."""
        import sympy as sp

        return str(sp.latex(self.symbolic))

    def __repr__(self) -> str:
        return f"<constant {self.name}({', '.join(self.parameters)}), {self.source}>"


_SYMBOLS = {
    "l1": "lambda_1",
    "l2": "lambda_2",
    "lmin": "lambda_min",
    "lmax": "lambda_max",
    "slope": "K_s",
    "gmax": "G_max",
    "gmin": "G_min",
    "slope_lipschitz": "L_2",
    "lipschitz": "L_s",
}


def constant(source: str) -> Callable[[Callable[..., Any]], Constant]:
    """Register a formula with the place where it stands in the paper, or where it is proved."""
    return lambda body: Constant(body, source)


@constant("(56), exponent repaired (E5)")
def K(o: Ops, interval: Any, l1: Any, l2: Any) -> Any:
    """Lemma 3: a lower bound of half the mass that N(0, g) gives the middle third of I, for g in [l1, l2]."""
    left, right = interval
    edge = o.max(o.abs(left), o.abs(right))
    return (right - left) / (6 * o.sqrt(2 * o.pi * l2)) * o.exp(-edge * edge / (2 * l1))


@constant("(56), (71) as printed")
def K_printed(o: Ops, interval: Any, l1: Any, l2: Any) -> Any:
    """Lemma 3 with the exponent as it stands in (71), max(|I_l|, |I_r|) / (G_min)^2; refuted (E5)."""
    left, right = interval
    edge = o.max(o.abs(left), o.abs(right))
    return (right - left) / (6 * o.sqrt(2 * o.pi * l2)) * o.exp(-edge / (l1 * l1))


@constant("Lemma 1, (52) repaired (E1)")
def kappa(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1: (eta^t)^{3/2} >= (eta~^0)^{3/2} - kappa (sqrt(L^0) - sqrt(L^t)) / scale."""
    left, right = interval
    return 9 * lmax / (o.sqrt(2) * slope * lmin * (right - left))


@constant("(52)-(54) as printed")
def kappa_printed(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1 with the factor of the printed chain (52)-(54), 9/2 for 9/sqrt(2); not proved (E1)."""
    left, right = interval
    return 9 * lmax / (2 * slope * lmin * (right - left))


@constant("Lemma 1, with |dh/dt| <= sqrt(G_aa) p")
def kappa_sharp(o: Ops, lmin: Any, gmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1 with sqrt(G_max/lambda_min) in place of lambda_max/lambda_min."""
    left, right = interval
    return 9 * o.sqrt(gmax / lmin) / (o.sqrt(2) * slope * (right - left))


@constant("smooth Lemma 1")
def kappa_smooth(o: Ops, lmin: Any, gmax: Any, slope_lipschitz: Any) -> Any:
    """min_a q_a(t)^2 >= min_a q_a(0)^2 - kappa_smooth (sqrt(L^0) - sqrt(L^t)) / scale, for sigma in C^{1,1}."""
    return 2 * o.sqrt(2) * slope_lipschitz * o.sqrt(gmax / lmin)


@constant("initial output, vector form (repairs Lemma 2)")
def B(o: Ops, mean_norm: Any, variance_sum: Any, lipschitz: Any, lmax: Any, delta: Any) -> Any:
    """With probability 1 - delta, ||f^0|| <= scale B / sqrt(m), for independent signs."""
    return (
        mean_norm * o.sqrt(2 * o.log(4 / delta))
        + o.sqrt(variance_sum)
        + lipschitz * o.sqrt(2 * lmax * o.log(2 / delta))
    )
