"""What a constant of the theory is: one formula, its enclosed value, its SymPy expression and its LaTeX."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cached_property
from typing import Any

from flint import arb

from bounds.arithmetic import ENCLOSED, NUMPY, symbolic
from bounds.errors import ArgumentError


def _enclose(value: Any) -> Any:
    return tuple(arb(v) for v in value) if isinstance(value, tuple) else arb(value)


class Constant:
    """A formula of the theory.

    Called with numbers it returns a ball (python-flint `arb`) that contains the exact value; `.symbolic` is the SymPy
    expression, `.latex` what to paste into a paper, `.approx` a float version for searching. proved is False for what
    the paper prints and nobody has proved.
    """

    def __init__(self, body: Callable[..., Any], source: str, proved: bool) -> None:
        self.body = body
        self.source = source
        self.proved = proved
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


SIGNED = ("rho", "theta", "a_first", "a_middle", "a_last", "b_last", "c")
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
    "theta": "theta",
}


def constant(source: str, *, proved: bool = True) -> Callable[[Callable[..., Any]], Constant]:
    """A formula with the place where it stands in the paper, or where it is proved."""
    return lambda body: Constant(body, source, proved)
