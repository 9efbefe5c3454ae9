"""Errata: printed statements are refuted by numbers, repaired ones hold in the same example, the page is current."""

import math
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from flint import arb

import bounds
from bounds import constants
from bounds.cli import BAD_INPUT, HOLDS, REFUTED, UNDECIDED, main, run
from bounds.erratum import (
    Claim,
    e10_many_points,
    e16_reparametrisation,
    e17_step_size,
    get_erratum,
    one_point,
    report,
)
from bounds.erratum.e01_chain_rule import lemma_1_constants
from bounds.erratum.e02_union_bound import union_bound
from bounds.erratum.e04_offset import moment
from bounds.erratum.e15_kinks import by_descent, fall
from bounds.erratum.flow import Flow, matrix, rademacher, tanh_slope
from reports.console import COMMANDS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errata.md"
ERRATA = bounds.errata()
IDS = [e.id for e in ERRATA]


@pytest.fixture(scope="session")
def demonstrated():
    """Each demonstration, run once."""
    return {e.id: e.demonstrate() for e in ERRATA}


def test_there_are_seventeen_in_order():
    assert [f"E{k}" for k in range(1, 18)] == IDS
    assert all(
        e.where and e.title and e.printed and e.fails and e.repaired and e.proof and e.consequence for e in ERRATA
    )


@pytest.mark.parametrize("identifier", IDS)
def test_printed_is_refuted_and_the_repair_holds(demonstrated, identifier):
    d = demonstrated[identifier]
    assert d.printed.holds is False
    assert d.repaired.holds is True
    assert d.refuted
    assert d.as_documented
    assert math.isfinite(d.printed_value)
    assert math.isfinite(d.true_value)


@pytest.mark.parametrize("identifier", IDS)
def test_planted_truth_is_not_refuted(demonstrated, identifier):
    """With the repaired statement in the place of the printed one, nothing is refuted."""
    d = demonstrated[identifier]
    planted = replace(d, printed=d.repaired)
    assert not planted.refuted
    assert planted.as_documented is False
    swapped = replace(d, printed=d.repaired, repaired=d.printed)
    assert swapped.as_documented is False


SAME_EXAMPLE = [e for e in IDS if e not in ("E6", "E7", "E9", "E11", "E12", "E13", "E14", "E16", "E17")]


@pytest.mark.parametrize("identifier", SAME_EXAMPLE)
def test_both_statements_are_about_the_same_number(demonstrated, identifier):
    d = demonstrated[identifier]
    assert d.printed.actual == d.repaired.actual
    assert d.printed.relation == d.repaired.relation


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Claim((1, 2), "<=", (2, 3)), True),
        (Claim((1, 2.5), "<=", (2, 3)), None),
        (Claim((4, 5), "<=", (2, 3)), False),
        (Claim((3, 4), ">=", (2, 3)), True),
        (Claim((1, 1.5), ">=", (2, 3)), False),
        (Claim((0, 0), ">", (0, 0)), False),
        (Claim((0, 1), ">", (0, 0)), None),
        (Claim((1, 1), "==", (1, 1)), True),
        (Claim((1, 2), "==", (1, 2)), None),
        (Claim((1, 2), "==", (3, 4)), False),
        (Claim((math.nan, math.nan), "<=", (0, 0)), None),
        (Claim((math.nan, math.nan), "==", (0, 0)), None),
        (Claim((0, 0), ">=", (math.nan, math.nan)), None),
    ],
)
def test_a_claim_has_three_values(claim, holds):
    assert claim.holds is holds


NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w])")


def test_the_page_is_current(demonstrated):
    """The words agree exactly, the numbers to 5%. Run `linrate errata --markdown > docs/errata.md` where this fails."""
    page, now = PAGE.read_text(), report.markdown([(e, demonstrated[e.id]) for e in ERRATA])
    assert NUMBER.sub("#", page) == NUMBER.sub("#", now)
    stored, found = (np.array([float(x) for x in NUMBER.findall(text)]) for text in (page, now))
    np.testing.assert_allclose(stored, found, rtol=0.05)


def test_a_demonstration_is_repeatable(demonstrated):
    for identifier in ("E4", "E9", "E11", "E15"):
        assert get_erratum(identifier).demonstrate() == demonstrated[identifier]


def test_errata_are_loaded_late():
    code = (
        "import sys, bounds; bounds.errata();"
        "print([m for m in ('torch', 'pandas', 'sympy', 'scipy.integrate', 'simulate') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# The command line


def test_one_erratum_in_full(capsys):
    assert main(["errata", "e3"]) == HOLDS
    shown = capsys.readouterr().out
    assert shown.startswith("E3  (66)")
    assert "2 <= 1: false" in shown
    assert "2 <= 2: holds" in shown


def test_exit_codes_follow_the_numbers(monkeypatch, capsys):
    d = get_erratum("E3").demonstrate()

    def answers(*shown):
        fake = [replace(get_erratum("E3"), demonstrate=lambda s=s: s) for s in shown]
        monkeypatch.setattr("bounds.cli.errata", lambda: fake)
        return main(["errata"])

    unknown = replace(d, printed=Claim((0, 9), "<=", (1, 1)))
    assert answers(d, d) == HOLDS
    assert answers(d, replace(d, printed=d.repaired)) == REFUTED
    assert answers(d, replace(d, repaired=d.printed)) == REFUTED
    assert answers(d, unknown) == UNDECIDED
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("NOT REFUTED", "REPAIR FAILS", "UNDECIDED"))


def test_unknown_errata_are_named(capsys):
    assert run(main, ["errata", "E77"]) == BAD_INPUT
    assert "unknown erratum 'E77'" in capsys.readouterr().err
    assert run(main, ["errata", "E7", "--markdown"]) == BAD_INPUT


def test_help_documents_the_exit_codes(capsys):
    with pytest.raises(SystemExit):
        main(["errata", "--help"])
    assert "0 every statement shown is refuted" in capsys.readouterr().out
    assert "errata" in COMMANDS


# Independent derivations


def test_E1_constants_are_those_of_the_calculator():
    printed, repaired = lemma_1_constants()
    for mine, formula in ((printed, constants.kappa_printed), (repaired, constants.kappa)):
        values = {"lambda_min": 0.45, "lambda_max": 1.63, "K_s": 0.6, "I": 1.6}
        value = float(mine.subs({s: values[s.name] for s in mine.free_symbols}))
        assert value == pytest.approx(float(formula(0.45, 1.63, (-0.7, 0.9), 0.6)), rel=1e-12)


def test_E2_by_drawing_networks():
    """E sum f_a^2 = n v/m: ten networks exceed ||y||^2 = 1, and none of their outputs reaches it."""
    rng, n, m = np.random.default_rng(0), 4000, 200
    for _ in range(10):
        f = rademacher(rng, m, 1.0) @ np.tanh(rng.standard_normal((m, n))) / m
        assert np.sum(f**2) > 5
        assert np.max(np.abs(f)) < 1
    assert union_bound(n, m, arb(1)) < arb(1e-3)


def test_E4_the_norm_of_a_gaussian_is_sqrt_eight_thirds():
    t = sp.Symbol("t", positive=True)
    assert sp.solve(sp.Eq((1 - 2 / t**2) ** -1, 4), t) == [2 * sp.sqrt(6) / 3]
    assert moment(arb("0.7")) < 2 < moment(arb("0.5"))


def test_E10_is_about_n(demonstrated):
    """Small N converges at x_0 with the same signs; only then does the plateau say something about n."""
    counts = [int(k) for k in re.findall(r"N = \d+: (\d+) active", demonstrated["E10"].note)]
    assert len(counts) == 3
    assert min(counts[:2]) > 0
    assert counts[2] == 0


def test_E10_says_nothing_about_a_state_that_may_move_on():
    at_rest = e10_many_points.Final(residual=-0.2, active=0, gap=1.0, drift=0.01, pull=0.01)
    assert at_rest.stuck
    for change in ({"active": 1}, {"drift": 2.0}, {"pull": 0.5}, {"gap": math.nan}, {"residual": 0.0}):
        assert not replace(at_rest, **change).stuck


def test_E10_gram_is_the_matrix_of_the_text():
    N, g = 7, e10_many_points.COUPLING
    G = np.eye(N + 1)
    G[0, 1:] = G[1:, 0] = g / math.sqrt(N)
    V = np.random.default_rng(0).standard_normal((3, N + 1))
    product = e10_many_points.network(N, np.ones(3)).gram(V)
    np.testing.assert_allclose(product, V @ G, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(np.linalg.eigvalsh(G)[[0, 1, -2, -1]], [1 - g, 1, 1, 1 + g], rtol=1e-12)
    h = np.concatenate([e10_many_points.draw(N, np.random.default_rng(k)) for k in range(300)])
    np.testing.assert_allclose(h.T @ h / len(h), G, atol=0.05)


def test_E12_exact_law_against_draws():
    rng, D, trials = np.random.default_rng(1), 50, 20_000
    z = np.maximum(rng.standard_normal((trials, D)), 0)
    hits = int(np.sum(np.abs(np.mean(z**2, axis=1) - 0.5) <= 0.1))
    low, high = one_point.probability_close(D, 1.0, 0.1)
    assert high - low <= 1e-8
    assert abs(hits / trials - low) < 5 * math.sqrt(low * (1 - low) / trials)


def test_E12_dimension_is_the_calculators():
    for x, u in ((1.0, 0.01), (100.0, 1.0)):
        kap = constants.kap(0, 1, x**2)
        asked = constants.D_lemma_4(1, u, kap, one_point.DELTA)
        assert one_point.dimension_asked(x, u) == pytest.approx(float(asked), abs=1)
        assert one_point.deviation_promised(one_point.dimension_asked(x, u), x) == pytest.approx(u, rel=1e-4)


def test_E15_descent_converges_to_the_sliding_solution():
    errors = [abs(by_descent(step) - float(fall())) for step in (1e-2, 1e-3)]
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 3


def test_E16_theta_is_found_and_r_is_invariant():
    p, theta = e16_reparametrisation.parametrisations(), sp.Symbol("theta", real=True)
    assert e16_reparametrisation.distance(e16_reparametrisation.shift(p["mup"], sp.Rational(1, 2)), p["ours"]) == 0
    r = e16_reparametrisation.feature_exponent
    assert (r(p["ours"]), r(p["mup"]), r(p["ntk"])) == (0, 0, sp.Rational(1, 2))
    assert sp.simplify(r(e16_reparametrisation.shift(p["ours"], theta))) == 0


def test_E17_kernels_against_draws():
    S = np.array([[1.0, 0.4], [0.4, 0.7]])
    u = np.random.default_rng(0).standard_normal((200_000, 2)) @ np.linalg.cholesky(S).T
    relu = np.maximum(u, 0)
    np.testing.assert_allclose(e17_step_size.arc_cosine(S), relu.T @ relu / len(u), atol=0.01)
    active = (u > 0).astype(float)
    np.testing.assert_allclose(e17_step_size.limit_kernel(S), S * (active.T @ active) / len(u), atol=0.01)


def test_a_flow_that_stops_early_raises():
    explosive = Flow(np.zeros(1), np.ones(1), matrix(np.eye(1)), lambda u: u, lambda u: -u)  # h' = h^2
    with pytest.raises(RuntimeError, match="stopped"):
        explosive.run(np.ones((1, 1)), [2.0])


def test_the_flow_is_equation_11():
    """For n = 1, tanh, h/2 + sinh(2h)/4 + eps tau is conserved, and descent with small steps follows the flow."""
    rng = np.random.default_rng(3)
    signs, h = rademacher(rng, 6, 2.0), rng.standard_normal((6, 1))
    flow = Flow(np.array([0.7]), signs, matrix(np.array([[1.3]])), np.tanh, tanh_slope)
    late = flow.run(h, [1.5])[-1]
    moved = signs * ((late - h) / 2 + (np.sinh(2 * late) - np.sinh(2 * h)) / 4)[:, 0]
    assert np.ptp(moved) < 1e-6
    near = flow.descend(h, 1e-3, 1500)[-1]
    assert np.max(np.abs(near - late)) < 3e-3


def test_the_flow_agrees_with_the_simulator():
    import simulate

    rng = np.random.default_rng(4)
    G = np.array([[1.0, 0.3], [0.3, 0.8]])
    signs, h = rademacher(rng, 5, 1.5), rng.standard_normal((5, 2))
    problem = bounds.Problem.from_gram(G, [0.4, -0.2])
    network = simulate.Network(h, signs)
    there = simulate.gradient_flow(problem, network=network, t_max=1.0, loss_ratio=0.0, rtol=1e-9, save_at=[1.0])
    here = Flow(problem.y, signs, matrix(G), np.tanh, tanh_slope)
    assert here.loss(here.run(h, [1.0])[-1]) == pytest.approx(float(there.loss[-1]), rel=1e-6)
