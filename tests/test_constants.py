"""Constants: the enclosed value against the symbolic expression, and the relations between them."""

import math

import pytest
import sympy as sp
from flint import arb

import bounds
from bounds import constants as c

POINT = {
    "l1": 0.53, "l2": 1.26, "lmin": 0.45, "lmax": 1.63, "gmax": 1.26, "interval": (-0.7, 0.9), "slope": 0.6,
    "slope_lipschitz": 0.77, "mean_norm": 0.3, "variance_sum": 2.5, "lipschitz": 1.0, "delta": 0.05,
}  # fmt: skip
ALL = [v for v in vars(c).values() if isinstance(v, c.Constant)]


@pytest.mark.parametrize("constant", ALL, ids=lambda constant: constant.name)
def test_symbolic_and_enclosed_values_agree(constant):
    arguments = {name: POINT[name] for name in constant.parameters}
    symbols = {s.name: s for s in constant.symbolic.free_symbols}
    flat = {}
    for name, value in arguments.items():
        if name == "interval":
            flat |= {"I_l": value[0], "I_r": value[1]}
        else:
            flat[c._SYMBOLS.get(name, name)] = value
    assert set(symbols) <= set(flat)
    exact = constant.symbolic.subs({symbols[k]: sp.Rational(v) for k, v in flat.items() if k in symbols}).evalf(40)
    ball = constant(**arguments)
    assert ball.contains(arb(str(exact), 0)) or ball.overlaps(arb(str(exact)))
    assert constant.approx(**arguments) == pytest.approx(float(exact), rel=1e-12)
    assert constant.latex


def test_kappa_loses_a_square_root_of_two_in_print():
    arguments = {name: POINT[name] for name in ("lmin", "lmax", "interval", "slope")}
    ratio = c.kappa(**arguments) / c.kappa_printed(**arguments)
    assert ratio.overlaps(arb(2).sqrt())
    assert sp.simplify(c.kappa.symbolic / c.kappa_printed.symbolic) == sp.sqrt(2)


def test_lemma_1_by_sympy():
    """(2/3) d(eta^{3/2}) >= C2/c d(2 sqrt(L)): kappa = (3/2) * 2 * C2 with C2 = 3 lmax/(sqrt(2) Ks lmin |I|)."""
    lmin, lmax, slope, left, right = sp.symbols("lambda_min lambda_max K_s I_l I_r", positive=True)
    C1 = lmax / sp.sqrt(lmin) / ((right - left) / 3)
    C2 = C1 / sp.sqrt(2) / (sp.sqrt(lmin) * slope)
    mine = c.kappa.symbolic.subs({s: sp.Symbol(s.name, positive=True) for s in c.kappa.symbolic.free_symbols})
    assert sp.simplify(sp.Rational(3, 2) * 2 * C2 - mine) == 0


def test_K_is_half_the_mass_of_the_middle_third():
    interval, g = (-0.7, 0.9), 1.1
    third = (interval[1] - interval[0]) / 3
    ends = [(interval[0] + third) / math.sqrt(2 * g), (interval[1] - third) / math.sqrt(2 * g)]
    mass = (math.erf(ends[1]) - math.erf(ends[0])) / 2
    assert c.K(interval, g, g) <= mass / 2


def test_printed_K_is_refuted_for_large_variance():
    """E5: with G = 10 and I = (6, 12) the printed K exceeds the mass it should bound from below by a factor 20."""
    interval, g = (6.0, 12.0), 10.0
    mass = (math.erf(10 / math.sqrt(20)) - math.erf(8 / math.sqrt(20))) / 2
    assert mass == pytest.approx(0.0049, abs=5e-5)
    assert c.K_printed(interval, g, g) > 20 * mass
    assert c.K(interval, g, g) <= mass / 2


def test_bad_arguments_are_named():
    with pytest.raises(bounds.ArgumentError, match="kappa"):
        c.kappa(1.0)
    with pytest.raises(bounds.ArgumentError, match="K"):
        c.K((0, 1), "a", 1)
