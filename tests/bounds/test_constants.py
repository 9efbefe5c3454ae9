"""Constants: the enclosed value against the symbolic expression, and the relations between them."""

import math

import numpy as np
import pytest
import sympy as sp
from flint import arb

import bounds
from bounds import constants as c
from bounds.constants import formula as formulas
from bounds.methods.base import LINEAR_FRACTION, PARABOLA, ROOT, Profile

POINT = {
    "l1": 0.53, "l2": 1.26, "lmin": 0.45, "lmax": 1.63, "gmax": 1.26, "interval": (-0.7, 0.9), "slope": 0.6,
    "slope_lipschitz": 0.77, "scale": 3.5, "K": 0.02, "y_norm": 0.76, "V": 0.4, "n": 10, "output_change": 0.3,
    "xi": 0.4, "eta": 0.3, "nu": 0.5, "A": 0.4, "q": 0.6, "lmin_kernel": 0.2, "lmax_kernel": 1.1, "residual": 0.8,
    "step": 0.01, "b": 1.0, "lbar": 0.05, "fourth": 30.0, "v": 29.0, "u": 0.025, "kap": 1.7, "sigma_zero": 0.1,
    "g": 0.9, "a": 0.7, "rho": -0.4, "m": 100, "K1": 12.0, "a_first": -0.5, "a_middle": 0.1, "a_last": 0.5,
    "b_last": 0.5, "c": -1, "theta": 0.5, "mean_norm": 0.3, "variance_sum": 2.5, "lipschitz": 1.0, "delta": 0.05,
    "D": 900, "N": 5000, "least": 0.01, "excess": 0.1, "even": 3.0, "odd": 1.5, "even_u": 2.5, "odd_u": 1.2,
    "chord": 1.1, "y_max": 0.5, "sigma_range": 2.0, "rate": 0.3, "largest": 1.6, "failure": 0.05, "tau": 0.2,
    "mobility": 1.5, "drift": 0.6, "mean_c": 2.5, "most_c": 3.1, "lmax_values": 0.9,
}  # fmt: skip
ALL = c.all_constants()


@pytest.mark.parametrize("constant", ALL, ids=lambda constant: constant.name)
def test_symbolic_and_enclosed_values_agree(constant):
    arguments = {name: POINT[name] for name in constant.parameters}
    symbols = {s.name: s for s in constant.symbolic.free_symbols}
    flat = {}
    for name, value in arguments.items():
        if name == "interval":
            flat |= {"I_l": value[0], "I_r": value[1]}
        else:
            flat[formulas._SYMBOLS.get(name, name)] = value
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
    with pytest.raises(bounds.ArgumentError, match=r"l1 must be a number. Found 'a'"):
        c.K((0, 1), "a", 1)


def test_critical_scales_are_those_of_the_master_theorem():
    """a_markov, ..., a_kernel in closed form against 1/integral(rho) of the profile that each method builds."""
    lmin, gmax, slope, xi, eta = (arb(POINT[k]) for k in ("lmin", "gmax", "slope", "xi", "eta"))
    A, nu, q, l2, lmax, kernel = (arb(POINT[k]) for k in ("A", "nu", "q", "slope_lipschitz", "lmax", "lmin_kernel"))
    pairs = [
        (c.a_markov, Profile(lmin * slope**2 * eta, eta * xi / gmax.sqrt(), LINEAR_FRACTION)),
        (c.a_chebyshev, Profile(lmin * slope**2 * eta, xi * (eta / gmax).sqrt(), PARABOLA)),
        (c.a_envelope, Profile(lmin * A, (A / nu).sqrt(), PARABOLA)),
        (c.a_slopes, Profile(lmin * q**2, q / (l2 * gmax.sqrt()), ROOT)),
        (c.a_kernel, Profile(kernel, kernel.sqrt() / (l2 * (lmax * gmax).sqrt()), ROOT)),
    ]
    for constant, profile in pairs:
        closed = constant(**{name: POINT[name] for name in constant.parameters})
        assert closed.overlaps(profile.critical), constant.name
        assert float(closed.rad()) < 1e-14 * float(closed)


def test_scales_of_theorem_1_halve_the_fraction():
    """At the stated scale kappa sqrt(L^0)/scale is half of K^{3/2}, where L^0 <= ||y||^2."""
    for kappa, scale in ((c.kappa, c.scale_theorem_1), (c.kappa_printed, c.scale_theorem_1_printed)):
        ratio = sp.simplify(kappa.symbolic * sp.Symbol("Y", positive=True) / scale.symbolic)
        K = sp.Symbol("K", positive=True)
        assert sp.simplify(ratio / K ** sp.Rational(3, 2)) == sp.Rational(1, 2)


def test_r_is_invariant_and_the_model_learns_features():
    """(35): r does not see theta; muP shifted by 1/2 is the model, by the printed 1 it is not (E16)."""
    mup = {"a_first": -0.5, "a_middle": 0.0, "a_last": 0.5, "b_last": 0.5, "c": 0.0}
    model = {"a_first": 0.0, "a_middle": 0.5, "a_last": 1.0, "b_last": 0.0, "c": -1.0}
    assert c.r_abc(**mup) == 0 == c.r_abc(**model)
    shift = {"a_first": 1, "a_middle": 1, "a_last": 1, "b_last": -1, "c": -2}
    assert {k: v + shift[k] * 0.5 for k, v in mup.items()} == model
    assert {k: v + shift[k] * 1.0 for k, v in mup.items()} != model
    for theta in (-1.5, 0.25, 1.0):
        assert c.r_abc_shifted(**mup, theta=theta) == 0


def test_relu_recursion_of_appendix_h_is_the_kernel_used():
    from bounds.activation.gaussian_kernels import value_kernel

    a, b, rho = 0.7, 1.9, -0.4
    K, _ = value_kernel(
        bounds.get_activation("relu"), *(np.array([v]) for v in (a, b)), np.array([[rho * math.sqrt(a * b)]])
    )
    assert float(c.kern_relu(a, b, rho)) == pytest.approx(K[0, 0], rel=1e-13)
    assert float(c.kern_step(1.0)) == 0.5


def test_every_constant_names_its_source_and_whether_it_is_proved():
    unproved = {constant.name for constant in ALL if not constant.proved}
    assert unproved == {
        "K_printed", "K_printed_squared", "kappa_printed", "width_lemma_2_printed", "scale_theorem_1_printed",
    }  # fmt: skip
    assert all(constant.source and constant.__doc__ for constant in ALL)
