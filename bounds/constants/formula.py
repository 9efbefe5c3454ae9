"""The class of a constant of the theory: one formula, its enclosed value, its SymPy expression and its LaTeX."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from bounds.checks import plain, sequence
from bounds.errors import ArgumentError, require, shown
from bounds.numerics.arithmetic import ENCLOSED, NUMPY, symbolic


def _enclose(name: str, value: Any) -> Any:
    """The ball of a number, or two of them for an interval. Raises ArgumentError for anything else."""
    value = plain(value)
    if name == "interval":
        ends = sequence(name, value, "(left, right), two numbers")
        require(len(ends) == 2, name, "(left, right), two numbers", value)
        return tuple(_enclose(f"an end of {name}", end) for end in ends)
    if isinstance(value, Fraction):
        return arb(value.numerator) / arb(value.denominator)
    try:
        if isinstance(value, bool | np.bool_ | tuple | list):  # arb reads a pair as mantissa and exponent
            raise TypeError
        return arb(value.item() if isinstance(value, np.generic) else value)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{name} must be a number. Found {shown(value)}.") from None


class Constant:
    """A formula of the theory.

    Called with numbers it returns a ball (python-flint `arb`) that contains the exact value; `.symbolic` is the SymPy
    expression, `.latex` what to paste into a paper, `.approx` a float version for searching. proved is False for a
    formula that the paper prints and that has no proof.
    """

    def __init__(self, body: Callable[..., Any], source: str, proved: bool) -> None:
        self.body = body
        self.source = source
        self.proved = proved
        self.name = body.__name__
        self.__doc__ = body.__doc__
        self.parameters = list(inspect.signature(body).parameters)[1:]

    def __call__(self, *args: Any, **kwargs: Any) -> arb:
        """The enclosed value. Raises ArgumentError if an argument is missing, unknown or not a number."""
        try:
            given = inspect.signature(self.body).bind(ENCLOSED, *args, **kwargs).arguments
        except TypeError as error:
            raise ArgumentError(f"{self.name}({', '.join(self.parameters)}): {error}. Found {shown(args)}.") from None
        return arb(self.body(ENCLOSED, **{name: _enclose(name, v) for name, v in given.items() if name != "o"}))

    def approx(self, *args: Any, **kwargs: Any) -> Any:
        """Floating point, for arrays too; carries no guarantee."""
        return self.body(NUMPY, *args, **kwargs)

    @cached_property
    def symbolic(self) -> Any:
        """The SymPy expression, in symbols named as the arguments; an interval is (I_l, I_r)."""
        import sympy as sp

        symbols: dict[str, Any] = {
            p: sp.Symbol(_SYMBOLS.get(p, p), **({"real": True} if p in SIGNED else {"positive": True}))
            for p in self.parameters
        }
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


_REGISTERED: list[Constant] = []  # in the order of definition
# Parameters that may be negative; the others are positive symbols in SymPy.
SIGNED = ("rho", "theta", "a_first", "a_middle", "a_last", "b_last", "c")
# The names of the symbols in SymPy, if they differ from those of the parameters.
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
    "scale": "chat",
    "y_norm": "Y",
    "lbar": "lambda_bar",
    "residual": "R",
    "mobility": "kap",
    "theta": "theta",
}


def constant(source: str, *, proved: bool = True) -> Callable[[Callable[..., Any]], Constant]:
    """A decorator that registers a formula as a Constant. source: its place in the paper, or that of its proof."""

    def register(body: Callable[..., Any]) -> Constant:
        _REGISTERED.append(Constant(body, source, proved))
        return _REGISTERED[-1]

    return register


def all_constants() -> list[Constant]:
    """Every constant, in the order of definition."""
    return list(_REGISTERED)
