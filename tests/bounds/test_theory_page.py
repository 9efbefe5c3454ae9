"""docs/theory.md against the code: every formula line is the constant of that name, and every constant has a line."""

import re
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

from bounds import constants
from bounds.erratum.flow import Flow, matrix

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "theory.md").read_text(encoding="utf-8")
KNOWN = {c.name: c for c in constants.all_constants()}
LINES = dict(re.findall(r"^    (\w+) = (.+)$", PAGE, flags=re.MULTILINE))
FORMULAS = {name: text for name, text in LINES.items() if name in KNOWN}


def parse(text, symbolic):
    """The formula in the very symbols of the code's expression; a symbol the code does not know is an error."""
    symbols = {s.name: s for s in symbolic.free_symbols}
    parsed = sp.sympify(text, locals=symbols)
    strangers = {str(s) for s in parsed.free_symbols} - set(symbols)
    assert not strangers, f"unknown symbols {strangers}"
    return parsed


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_formula_is_the_code_s(name):
    symbolic = KNOWN[name].symbolic
    difference = parse(FORMULAS[name], symbolic) - symbolic
    if sp.simplify(difference) == 0:
        return
    values = {s: sp.Rational(3 + k, 7 + k) for k, s in enumerate(sorted(symbolic.free_symbols, key=str))}
    assert abs(difference.subs(values).evalf(40)) < 1e-30


def test_every_constant_stands_on_the_page():
    assert set(FORMULAS) == set(KNOWN)


def test_a_wrong_formula_is_noticed():
    symbolic = KNOWN["kappa"].symbolic
    wrong = parse(FORMULAS["kappa"].replace("9", "8"), symbolic)
    assert sp.simplify(wrong - symbolic) != 0


def test_the_tests_named_on_the_page_exist():
    named = re.findall(r"(?:tests|verify)/test_\w+\.py", PAGE)
    assert named
    for path in {*named, *re.findall(r"`((?:bounds|simulate)/[\w/]+\.py)`", PAGE)}:
        assert (ROOT / path).is_file(), path


def test_the_counterexample_to_one_mu_for_all():
    """The page's two numbers: min over a inside and outside of the integral, A = (1, 2), mu G = (1, 4)."""
    s = sp.Symbol("s", positive=True)
    one = sp.integrate(sp.sqrt(1 - s**2), (s, 0, 1))
    two = sp.integrate(sp.sqrt(2 - 4 * s**2), (s, 0, 1 / sp.sqrt(2)))
    cross = 1 / sp.sqrt(3)  # 1 - s^2 = 2 - 4 s^2
    after = sp.integrate(sp.sqrt(2 - 4 * s**2), (s, cross, 1 / sp.sqrt(2)))
    inside = sp.integrate(sp.sqrt(1 - s**2), (s, 0, cross)) + after
    assert float(sp.Min(one, two)) == pytest.approx(0.785, abs=5e-4)
    assert float(inside) == pytest.approx(0.615, abs=5e-4)


@pytest.mark.parametrize("diagonal", [(4.0, 4.0), (0.25, 9.0)])
def test_the_speed_of_the_features_needs_the_largest_diagonal_entry(diagonal):
    """|dh_ia/dt| <= c Ls sqrt(2 lambda_max G_max L^0): attained for a diagonal G, and false without G_max."""
    assert "c Ls sqrt(2 lambda_max G_max L^0)" in PAGE
    scale, G, y = 3.0, np.diag(diagonal), np.array([0.0, 1.0])
    flow = Flow(y, np.array([scale]), matrix(G), lambda u: u, np.ones_like)
    h = np.zeros((1, 2))
    fastest, loss = np.max(np.abs(flow.velocity(h))), flow.loss(h)
    assert fastest == pytest.approx(scale * np.sqrt(2 * max(diagonal) * max(diagonal) * loss), rel=1e-12)
    assert fastest > scale * np.sqrt(2 * max(diagonal) * loss)
