"""The number systems a formula is evaluated in, and rounding to the safe side.

Every formula of the theory is written once, as a function whose first argument `o` supplies sqrt, exp, pi, ...
Evaluated with ENCLOSED it gives a ball that contains the exact value (python-flint), with NUMPY a fast
approximation for searching, with symbolic() the SymPy expression that is printed.
"""

from __future__ import annotations

import copyreg
import math
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from flint import arb

from bounds.errors import AssumptionError

MOST_BITS = 100_000  # of an integer bound; a larger one is refused, because it would only use up memory

Ops = Any  # a namespace of sqrt, exp, expm1, log, pi, max, min, abs, asin, erf, tanh, sech2, sigmoid, softplus, ...


WIDE = 2.0**-7  # the radius of a ball above which the values at its two ends enclose more sharply than arb does


def _increasing(f: Callable[[arb], arb]) -> Callable[[Any], arb]:
    """An increasing f on balls, sharp on wide ones too."""

    def enclosed(u: Any) -> arb:
        x = arb(u)
        return f(arb(x.lower())).union(f(arb(x.upper()))) if WIDE < x.rad() < math.inf else f(x)

    return enclosed


def _arb_sech2(u: Any) -> arb:
    x = arb(u)
    return (1 - square(ENCLOSED.tanh(x))).nonnegative_part() if WIDE < x.rad() < 1 else square(x.sech())


def _arb_ncdf(u: arb) -> arb:
    return (-u / arb(2).sqrt()).erfc() / 2


def _arb_sigmoid(u: Any) -> arb:
    # On wide balls the exponential that grows encloses nothing useful; take the one that is at most 1.
    x = arb(u)
    if x.mid() > 0:
        return 1 / (1 + (-x).exp())
    shrinking = x.exp()
    return shrinking / (1 + shrinking)


def _arb_softplus(u: Any) -> arb:
    x = arb(u)
    return x + (-x).exp().log1p() if x.mid() > 0 else x.exp().log1p()


def _arb_step(u: arb) -> arb:
    return arb(1) if u > 0 else arb(0) if u < 0 else arb(0).union(arb(1))


ENCLOSED: Ops = SimpleNamespace(
    number=arb,
    pi=arb.pi(),
    sqrt=lambda x: arb(x).sqrt(),
    exp=lambda x: arb(x).exp(),
    expm1=lambda x: arb(x).expm1(),
    log=lambda x: arb(x).log(),
    abs=lambda x: abs(arb(x)),
    max=lambda x, y: arb(x).max(arb(y)),
    min=lambda x, y: arb(x).min(arb(y)),
    asin=lambda x: arb(x).asin(),
    sin=lambda x: arb(x).sin(),
    cos=lambda x: arb(x).cos(),
    tanh=_increasing(arb.tanh),
    sech2=_arb_sech2,
    sigmoid=_arb_sigmoid,
    softplus=_arb_softplus,
    atan=_increasing(arb.atan),
    erf=_increasing(arb.erf),
    ncdf=_arb_ncdf,
    npdf=lambda x: (-(arb(x) ** 2) / 2).exp() / (2 * arb.pi()).sqrt(),
    positive=lambda x: arb(x).nonnegative_part(),
    step=_arb_step,
)


def _np_erf(x: Any) -> Any:
    from scipy.special import erf  # imported here because `import bounds` must be light

    return erf(x)


def _np_sigmoid(x: Any) -> Any:
    # With the exponential that is at most 1 it is relatively accurate down to the least float; scipy's expit is zero
    # there.
    shrinking = np.exp(-np.abs(x))
    return np.where(np.less(x, 0), shrinking, 1.0) / (1.0 + shrinking)


def _np_sech2(x: Any) -> Any:
    """1/cosh^2 to a relative accuracy of a few roundings: 1 - tanh^2 loses all digits when tanh rounds to one."""
    shrinking = np.exp(-2.0 * np.abs(x))
    return 4.0 * shrinking / np.square(1.0 + shrinking)


def _half_gaussian(u: np.ndarray) -> np.ndarray:
    """exp(-u^2/2), relatively accurate: rounding u^2 would cost u^2/2 units in the last place.

    u is split into a multiple of 2^-20, whose square is exact, and a rest; beyond 40 the result is zero in float64.
    """
    near = np.clip(u, -40.0, 40.0)
    coarse = np.round(near * 2.0**20) * 2.0**-20
    product: np.ndarray = np.exp(-0.5 * coarse * coarse) * np.exp(-0.5 * (near - coarse) * (near + coarse))
    return product


def _np_ncdf(x: Any) -> Any:
    from scipy.special import erfcx, ndtr

    u = np.asarray(x, dtype=np.float64)
    found = np.array(ndtr(u))
    far = u < -2.0  # there ndtr errs by u^2 units in the last place and more
    if np.any(far):
        found[far] = 0.5 * erfcx(-math.sqrt(0.5) * u[far]) * _half_gaussian(u[far])
    return found[()]


NUMPY: Ops = SimpleNamespace(
    number=float,
    pi=math.pi,
    sqrt=np.sqrt,
    exp=np.exp,
    expm1=np.expm1,
    log=np.log,
    abs=np.abs,
    max=np.maximum,
    min=np.minimum,
    asin=np.arcsin,
    sin=np.sin,
    cos=np.cos,
    tanh=np.tanh,
    sech2=_np_sech2,
    atan=np.arctan,
    sigmoid=_np_sigmoid,
    softplus=lambda x: np.logaddexp(0.0, x),
    erf=_np_erf,
    ncdf=_np_ncdf,
    npdf=lambda x: np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi),
    positive=lambda x: np.maximum(x, 0.0),
    step=lambda x: np.where(np.asarray(x) > 0, 1.0, 0.0),
)


def symbolic() -> Ops:
    """The SymPy number system; a function so that `import bounds` does not pay for SymPy."""
    import sympy as sp

    return SimpleNamespace(
        number=sp.sympify,
        pi=sp.pi,
        sqrt=sp.sqrt,
        exp=sp.exp,
        expm1=lambda x: sp.exp(x) - 1,
        log=sp.log,
        abs=sp.Abs,
        max=sp.Max,
        min=sp.Min,
        asin=sp.asin,
        sin=sp.sin,
        cos=sp.cos,
        tanh=sp.tanh,
        sech2=lambda x: 1 - sp.tanh(x) ** 2,
        atan=sp.atan,
        sigmoid=lambda x: 1 / (1 + sp.exp(-x)),
        softplus=lambda x: sp.log(1 + sp.exp(x)),
        erf=sp.erf,
        ncdf=lambda x: (1 + sp.erf(x / sp.sqrt(2))) / 2,
        npdf=lambda x: sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi),
        positive=lambda x: sp.Max(x, 0),
        step=lambda x: sp.Heaviside(x, 0),
    )


def square(x: arb) -> arb:
    """x^2 for a ball that may contain zero, for which arb's own power is undefined."""
    return (x * x).nonnegative_part()


def ball(lower: Any, upper: Any) -> arb:
    """The ball [lower, upper]."""
    return arb(lower).union(arb(upper))


def _pickled_part(x: arb) -> tuple[int, int] | float:
    """An exact arb, the middle or the radius of a ball, as what the constructor of arb reads back bit for bit."""
    if not x.is_finite():
        return float(x)
    mantissa, exponent = x.man_exp()
    return int(mantissa), int(exponent)


# python-flint leaves balls without a way to be pickled or copied. They never change, so the two numbers are enough.
copyreg.pickle(arb, lambda x: (arb, (_pickled_part(x.mid()), _pickled_part(x.rad()))))


def ceil_int(x: arb) -> int:
    """The smallest integer known to be >= x, an exact int of any size.

    Raises AssumptionError if x is not finite or has more than MOST_BITS binary digits.
    """
    if not x.is_finite():
        raise AssumptionError(f"the bound is not finite ({x}): the data are too badly conditioned for this method.")
    mantissa, exponent = (int(v) for v in x.upper().man_exp())
    if exponent > MOST_BITS:
        raise AssumptionError(f"the bound has more than {MOST_BITS} binary digits: the method says nothing here.")
    return mantissa << exponent if exponent >= 0 else -((-mantissa) >> -exponent)


def float_up(x: arb) -> float:
    """A float64 that is >= x for certain."""
    bound = x.upper()
    value = float(bound)
    if value == -math.inf and bound.is_finite():
        return -sys.float_info.max
    return value if math.isinf(value) or arb(value) >= bound else math.nextafter(value, math.inf)


def float_down(x: arb) -> float:
    """A float64 that is <= x for certain."""
    return 0.0 - float_up(-x)  # the subtraction gives 0.0 at zero, a negation would give -0.0
