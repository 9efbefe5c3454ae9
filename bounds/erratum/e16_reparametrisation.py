"""E16: theta = 1/2, not 1, maps the maximum-update parametrisation to the paper's model."""

from __future__ import annotations

from typing import Any

from bounds.erratum.base import Claim, Demonstration, Erratum

LAYERS = 4  # L; the layers 2, ..., L are alike


def parametrisations() -> dict[str, tuple[list[Any], list[Any], Any]]:
    """(a_1, ..., a_{L+1}), (b_1, ..., b_{L+1}), c of the abc-parametrisations in Appendix C."""
    import sympy as sp

    half = sp.Rational(1, 2)
    zero = [sp.Integer(0)] * (LAYERS + 1)
    middle = LAYERS - 1
    return {
        "ours": ([0 * half, *[half] * middle, 2 * half], zero, sp.Integer(-1)),
        "mup": ([-half, *[0 * half] * middle, half], [half] * (LAYERS + 1), sp.Integer(0)),
        "ntk": ([0 * half, *[half] * middle, half], zero, sp.Integer(0)),
    }


def shift(p: tuple[list[Any], list[Any], Any], theta: Any) -> tuple[list[Any], list[Any], Any]:
    """The parametrisation that (35) makes of p: (a, b, c) -> (a + theta, b - theta, c - 2 theta)."""
    a, b, c = p
    return [x + theta for x in a], [x - theta for x in b], c - 2 * theta


def distance(p: tuple[list[Any], list[Any], Any], q: tuple[list[Any], list[Any], Any]) -> Any:
    """The largest difference between exponents of the same name in two parametrisations."""
    return max(abs(x - y) for x, y in zip([*p[0], *p[1], p[2]], [*q[0], *q[1], q[2]], strict=True))


def feature_exponent(p: tuple[list[Any], list[Any], Any]) -> Any:
    """The exponent r of (36), 0 if features are learnt: min(b_{L+1}, a_{L+1} + c) + a_{L+1} + c
    + min_l (2 a_l - [l != 1])."""
    import sympy as sp

    a, b, c = p
    return sp.Min(b[-1], a[-1] + c) + a[-1] + c + sp.Min(*[2 * x - int(k > 0) for k, x in enumerate(a[:-1])])


def demonstrate() -> Demonstration:
    """Apply (35) to the maximum-update parametrisation with theta = 1 and with theta = 1/2."""
    import sympy as sp

    p = parametrisations()
    theta = sp.Symbol("theta", real=True)
    differences = [u - v for u, v in zip([*p["mup"][0], *p["mup"][1]], [*p["ours"][0], *p["ours"][1]], strict=True)]
    signs = [1] * (LAYERS + 1) + [-1] * (LAYERS + 1)
    solved = set.intersection(*[set(sp.solve(d + s * theta, theta)) for d, s in zip(differences, signs, strict=True)])
    one, half = (float(distance(shift(p["mup"], sp.Rational(k, 2)), p["ours"])) for k in (2, 1))
    invariant = sp.simplify(feature_exponent(shift(p["ours"], theta)) - feature_exponent(p["ours"]))
    moved = shift(p["mup"], sp.Integer(1))
    return Demonstration(
        quantity="largest difference between the paper's (a, b, c) and the image of the maximum-update one",
        printed=Claim((one, one), "==", (0.0, 0.0)),
        repaired=Claim((half, half), "==", (0.0, 0.0)),
        evidence="exact",
        note=(
            f"theta = 1 gives a = ({', '.join(str(x) for x in (moved[0][0], moved[0][1]))}, ..., {moved[0][-1]}), b ="
            f" {moved[1][0]}, c = {moved[2]}; solving for theta gives {', '.join(str(x) for x in solved)} only. r of"
            f" (36) is {feature_exponent(p['ours'])} (ours), {feature_exponent(p['mup'])} (maximum-update),"
            f" {feature_exponent(p['ntk'])} (NTK), and r after minus before a shift by theta is {invariant}."
        ),
    )


ERRATUM = Erratum(
    id="E16",
    where="Appendix C, after (35)",
    title="theta = 1/2, not 1",
    printed=(
        "The paper's model, a = (0, 1/2, ..., 1/2, 1), b = 0, c = -1, is obtained from the maximum-update one, a "
        "= (-1/2, 0, ..., 0, 1/2), b = 1/2, c = 0, by (a, b, c) -> (a + theta, b - theta, c - 2 theta) with theta"
        " = 1."
    ),
    fails=(
        "theta = 1 overshoots by 1/2 in a and b and by 1 in c. The text at hand was extracted from the PDF and "
        "loses halves elsewhere (b_l = 1 in (33) must be 1/2): if the PDF has theta = 1/2, nothing is wrong here."
    ),
    repaired="theta = 1/2.",
    proof=(
        "a: -1/2 + 1/2 = 0, 0 + 1/2, 1/2 + 1/2 = 1; b: 1/2 - 1/2 = 0; c: 0 - 2/2 = -1. r is invariant: with A = "
        "a_{L+1} + c, b_{L+1} and A shift by -theta, so their min plus A shifts by -2 theta, and min(2 a_l - [l "
        "!= 1]) by +2 theta."
    ),
    consequence=(
        "None: with theta = 1/2 the two are equivalent, r = 0 for both, and the conclusion of Appendix C stands."
    ),
    grade="reading",
    demonstrate=demonstrate,
)
