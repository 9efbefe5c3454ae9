"""The registry of activations: one entry for each built-in one; register_activation adds SymPy expressions."""

from __future__ import annotations

import copyreg
import math
import re
from collections.abc import Callable
from typing import Any

from flint import arb

from bounds.activation.base import Activation, Moments
from bounds.checks import text
from bounds.errors import ArgumentError, AssumptionError, require, unknown_name
from bounds.numerics.arithmetic import ENCLOSED, Ops


def _sigmoid(o: Ops, u: Any) -> tuple[Any, Any]:
    s = o.sigmoid(u)
    return s, s * o.sigmoid(-u)


def _gelu(o: Ops, u: Any) -> tuple[Any, Any]:
    mass = o.ncdf(u)
    return u * mass, mass + u * o.npdf(u)


def _silu(o: Ops, u: Any) -> tuple[Any, Any]:
    s = o.sigmoid(u)
    return u * s, s * (1 + u * o.sigmoid(-u))


def _gelu_lipschitz(o: Ops) -> Any:
    return o.ncdf(o.sqrt(o.number(2))) + o.sqrt(o.number(2)) * o.npdf(o.sqrt(o.number(2)))


def _silu_lipschitz(o: Ops) -> Any:
    return o.number(10998393202) / 10**10  # 1.09983932012..., at u = 2.39935...; rounded up


def _elu(o: Ops, u: Any) -> tuple[Any, Any]:
    below = -o.positive(-u)
    return o.positive(u) + o.expm1(below), o.exp(below)  # one of the two terms is zero: nothing cancels


def _leaky_relu(o: Ops, u: Any) -> tuple[Any, Any]:
    leak = o.number(LEAK)
    return o.positive(u) - leak * o.positive(-u), o.step(u) + leak * o.step(-u)


def _clip(o: Ops, u: Any) -> tuple[Any, Any]:
    return o.min(o.positive(u), o.number(1)), o.step(u) * o.step(1 - u)


def _two_slopes(left: float, right: float) -> Callable[[arb], Moments]:
    """Moments of sigma(u) = left u for u < 0, right u for u > 0."""
    low, high = arb(left), arb(right)

    def moments(g: arb) -> Moments:
        square = (low * low + high * high) / 2
        return Moments(square, (low**4 + high**4) / 2, (high - low) * (g / (2 * arb.pi())).sqrt(), square * g)

    return moments


def _elu_moments(g: arb) -> Moments:
    """Moments of elu, for h ~ N(0, g)."""
    s = g.sqrt()

    def below(k: int) -> arb:  # E exp(k h) on h < 0
        return (arb(k * k) * g / 2).exp() * ENCLOSED.ncdf(-k * s)

    half = arb(1) / 2
    return Moments(
        below(2) + half,
        below(4) + half,
        (g / (2 * arb.pi())).sqrt() + below(1) - half,
        g / 2 + below(2) - 2 * below(1) + half,
    )


def _clip_moments(g: arb) -> Moments:
    """Moments of clip(u, 0, 1), for h ~ N(0, g)."""
    s = g.sqrt()
    t = 1 / s
    above = ENCLOSED.ncdf(-t)
    inside = arb(1) / 2 - above
    return Moments(
        inside,
        inside,
        s * (ENCLOSED.npdf(arb(0)) - ENCLOSED.npdf(t)) + above,
        g * (inside - t * ENCLOSED.npdf(t)) + above,
    )


INF = math.inf
LEAK = 0.01  # the slope of leaky_relu for u < 0: exactly this float64, in every number system
_REGISTRY: dict[str, Activation] = {
    a.name: a
    for a in (
        Activation(
            name="tanh",
            both=lambda o, u: (o.tanh(u), o.sech2(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: 4 / (3 * o.sqrt(3)),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-0.88, 0.88),
            strip=(math.pi / 4, 2.0000001),  # |sech^2| <= 1/cos^2(pi/4)
            parity=lambda o: (o.number(1) / 2, o.number(1) / 2, 0),  # odd, 0 <= sigma' <= 1
            ulps=(3, 6),
        ),
        Activation(
            name="sigmoid",
            both=_sigmoid,
            lipschitz=lambda o: o.number(1) / 4,
            slope_lipschitz=lambda o: 1 / (6 * o.sqrt(3)),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-1.76, 1.76),
            strip=(math.pi / 2, 0.5000001),  # sech^2(u/2)/4
            parity=lambda o: (o.number(1) / 8, o.number(1) / 8, 0),  # 1/2 and an odd part, 0 <= sigma' <= 1/4
            ulps=(6, 6),
        ),
        Activation(
            name="softplus",
            both=lambda o, u: (o.softplus(u), o.sigmoid(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1) / 4,
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(0.0, INF),
            strip=(math.pi / 2, 1.0),  # |1 + exp(-u)| >= 1 where cos(Im u) >= 0
            parity=lambda o: (o.number(1) / 2, 0, o.number(1) / 2),  # u/2 + log(2 cosh(u/2))
            ulps=(4, 4),
        ),
        Activation(
            name="relu",
            both=lambda o, u: (o.positive(u), o.step(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=None,
            active=(0.0, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(0.0, INF),
            pieces=(0.0, 1.0),
            moments=_two_slopes(0.0, 1.0),
            ulps=(0, 0),
        ),
        Activation(
            name="leaky_relu",
            both=_leaky_relu,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(LEAK, 1.0),
            interval=(0.0, INF),
            pieces=(LEAK, 1.0),
            moments=_two_slopes(LEAK, 1.0),
            ulps=(2, 0),
        ),
        Activation(
            name="gelu",
            both=_gelu,
            lipschitz=_gelu_lipschitz,
            slope_lipschitz=lambda o: 2 / o.sqrt(2 * o.pi),  # sigma'' = phi(u) (2 - u^2), largest at 0
            bounded_by=None,
            active=(-0.75179, INF),  # sigma' vanishes at -0.751791..., rises to sqrt(2), falls to 1
            slopes_at_ends=(0.0, 1.0),
            interval=(0.1, INF),
            strip=(1.0, 2.0402),
            parity=lambda o: (o.number(1) / 2, 0, _gelu_lipschitz(o) - o.number(1) / 2),  # u/2 and an even part
            ulps=(24, 8),
        ),
        Activation(
            name="silu",
            both=_silu,
            lipschitz=_silu_lipschitz,
            slope_lipschitz=lambda o: o.number(1) / 2,
            bounded_by=None,
            active=(-1.27846, INF),  # sigma' vanishes at -1.278464..., rises to 2.3993..., falls to 1
            slopes_at_ends=(0.0, 1.0),
            interval=(0.1, INF),
            strip=(math.pi / 2, 1.583),
            parity=lambda o: (o.number(1) / 2, 0, _silu_lipschitz(o) - o.number(1) / 2),  # u/2 and an even part
            ulps=(8, 6),
        ),
        Activation(
            name="erf",
            both=lambda o, u: (o.erf(u), 2 / o.sqrt(o.pi + 0 * u) * o.exp(-u * u)),
            lipschitz=lambda o: 2 / o.sqrt(o.number(1) * o.pi),
            slope_lipschitz=lambda o: 2 * o.sqrt(2 / (o.number(1) * o.pi)) * o.exp(-o.number(1) / 2),
            bounded_by=1.0,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 0.0),
            interval=(-0.83, 0.83),
            strip=(1.0, 3.0673),
            parity=lambda o: (1 / o.sqrt(o.number(1) * o.pi), 1 / o.sqrt(o.number(1) * o.pi), 0),  # odd
            ulps=(8, 4),
        ),
        Activation(
            name="sin",
            both=lambda o, u: (o.sin(u), o.cos(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=1.0,
            active=(-1.5707963, 1.5707963),
            slopes_at_ends=(0.0, 0.0),
            interval=(-1.04, 1.04),
            strip=(1.0, 1.5430807),  # |cos(x + iy)| <= cosh(y)
            parity=lambda o: (0, o.number(1), 0),
            ulps=(2, 2),
        ),
        Activation(
            name="cos",
            both=lambda o, u: (o.cos(u), -o.sin(u)),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=1.0,
            active=(0.0, 3.1415926),
            slopes_at_ends=(0.0, 0.0),
            interval=(0.53, 2.61),
            strip=(1.0, 1.5430807),
            parity=lambda o: (0, 0, o.number(1)),
            ulps=(2, 2),
        ),
        Activation(
            name="elu",
            both=_elu,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(1),
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(0.0, 1.0),
            interval=(-0.69, INF),
            moments=_elu_moments,
            bend=4.0,  # (exp(2u))'' on u < 0
            ulps=(3, 2),
        ),
        Activation(
            name="clip",
            both=_clip,
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=None,
            bounded_by=1.0,
            active=(0.0, 1.0),
            slopes_at_ends=(1.0, 1.0),
            interval=(0.0, 1.0),
            moments=_clip_moments,
            bend=0.0,
            ulps=(0, 0),
        ),
        Activation(
            name="linear",
            both=lambda o, u: (u, u * 0 + 1),
            lipschitz=lambda o: o.number(1),
            slope_lipschitz=lambda o: o.number(0),
            bounded_by=None,
            active=(-INF, INF),
            slopes_at_ends=(1.0, 1.0),
            interval=(-INF, INF),
            pieces=(1.0, 1.0),
            moments=_two_slopes(1.0, 1.0),
            ulps=(0, 0),
        ),
    )
}


NAME = r"[a-z][a-z0-9_.-]{0,99}"  # a name that is safe in reports, command lines and files
# Names of functions that are refused with a reason.
NOT_LIPSCHITZ = ("polynomial", "quadratic", "square", "cubic", "cube", "exp")


def known_activations() -> list[str]:
    """The registered names."""
    return sorted(_REGISTRY)


def get_activation(activation: str | Activation) -> Activation:
    """The registered activation of that name; an Activation is returned as it is.

    Raises ArgumentError naming the nearest known name, AssumptionError for a name that stands for a function which is
    not Lipschitz.
    """
    if isinstance(activation, Activation):
        return activation
    name = activation.lower() if isinstance(activation, str) else ""
    if name in NOT_LIPSCHITZ:
        raise AssumptionError(
            f"activation {name!r} is not Lipschitz, which Assumption 2 asks for: sup |sigma'| is infinite, and for u^3"
            f" the loss can stall where sigma'(0) = 0. Use one of {', '.join(known_activations())}, or saturate it."
        )
    found = _REGISTRY.get(name)
    if found is None:
        raise unknown_name("activation", activation, _REGISTRY)
    return found


def register_activation(name: str, expression: Any) -> Activation:
    """Register sigma(u) = expression under `name`, with every constant derived, and return the Activation.

    expression: a SymPy expression in one symbol, such as tanh(u) + u/4; expressions.from_expression says which are
    accepted, and what is raised for others. Raises ArgumentError for a name that is taken.
    """
    from bounds.activation.expressions import from_expression

    key = text("name", name).lower()
    require(
        bool(re.fullmatch(NAME, key)), "name", "of letters, digits, '-', '_' and '.', beginning with a letter", name
    )
    if key in _REGISTRY or key in NOT_LIPSCHITZ:
        raise ArgumentError(f"name must be new. Found {name!r}, which is taken; choose another.")
    _REGISTRY[key] = from_expression(key, expression)
    return _REGISTRY[key]


def _restored(name: str, expression: Any) -> Activation:
    """The activation of a pickle: the one registered here under that name, or the expression's, derived again."""
    from bounds.activation.expressions import from_expression

    here = _REGISTRY.get(name)
    if here is not None and here.expression == expression:
        return here
    return from_expression(name, expression)


def _pickled(activation: Activation) -> tuple[Any, ...]:
    """How an Activation is pickled: by its name, or by name and expression; its functions never are."""
    if activation.expression is not None:
        return _restored, (activation.name, activation.expression)
    if _REGISTRY.get(activation.name) is activation:
        return get_activation, (activation.name,)
    raise ArgumentError(
        f"activation {activation.name!r} was written by hand, and its functions cannot be pickled. Use"
        " bounds.register_activation(name, expression), whose activations can."
    )


copyreg.pickle(Activation, _pickled)
