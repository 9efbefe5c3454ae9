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
from bounds.cli import main
from bounds.command_line import BAD_INPUT, HOLDS, REFUTED, UNDECIDED, run
from bounds.data.datasets import load_builtin
from bounds.erratum import (
    Claim,
    e10_many_points,
    e16_reparametrisation,
    e17_step_size,
    e19_lipschitz,
    e24_partial_training,
    get_erratum,
    many_points_run,
    one_point,
    report,
)
from bounds.erratum.e01_chain_rule import lemma_1_constants
from bounds.erratum.e02_union_bound import union_bound
from bounds.erratum.e04_offset import moment
from bounds.erratum.e15_kinks import by_descent, fall
from bounds.erratum.flow import Flow, matrix, rademacher, tanh_slope
from reports.console import COMMANDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "errata.md"
ERRATA = bounds.errata()
IDS = [e.id for e in ERRATA]


@pytest.fixture(scope="session")
def demonstrated():
    """Each demonstration, run once."""
    return {e.id: e.demonstrate() for e in ERRATA}


def test_they_are_in_order():
    assert [f"E{k}" for k in range(1, 25)] == IDS
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


READINGS, REMARKS = {"E7", "E8", "E16", "E23"}, {"E17", "E20", "E21", "E24"}


def test_only_what_is_proved_refutes_the_paper(demonstrated):
    for e in ERRATA:
        assert e.grade == ("reading" if e.id in READINGS else "remark" if e.id in REMARKS else "proved")
        assert demonstrated[e.id].refuted
        assert e.refutes(demonstrated[e.id]) is (e.grade == "proved")
    undecided = replace(demonstrated["E3"], printed=Claim((0, 9), "<=", (1, 1)))
    assert not get_erratum("E3").refutes(undecided)


def test_every_listing_shows_the_grade(demonstrated):
    results = [(e, demonstrated[e.id]) for e in ERRATA]
    page, told = report.markdown(results), report.summary(results)
    for e, d in results:
        words = report.GRADES[e.grade]
        assert f" {e.grade} " in report.line(e, d, 0.0)
        assert re.search(rf"^  grade +{words}$", report.full(e, d), flags=re.MULTILINE)
        assert re.search(rf"^\| \[{e.id}\].*\| {words} \|", page, flags=re.MULTILINE)
    assert "24 of 24 refuted in the example" in told
    assert "16 refuted statements of the paper" in told
    assert "proved 16 (false as printed and proved so), reading 4 (depends on a reading), remark 4 (remark)" in told


@pytest.mark.parametrize("identifier", IDS)
def test_planted_truth_is_not_refuted(demonstrated, identifier):
    """With the repaired statement in the place of the printed one, nothing is refuted."""
    d = demonstrated[identifier]
    planted = replace(d, printed=d.repaired)
    assert not planted.refuted
    assert planted.as_documented is False
    swapped = replace(d, printed=d.repaired, repaired=d.printed)
    assert swapped.as_documented is False


OTHER_EXAMPLE = "E6 E7 E9 E11 E12 E13 E14 E16 E17 E18 E20 E21 E22 E23"  # the repair is about another number
SAME_EXAMPLE = [e for e in IDS if e not in OTHER_EXAMPLE.split()]


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
    assert len(counts) == 2
    assert counts[0] > 0
    assert counts[1] == 0


def test_E10_says_nothing_about_a_state_that_may_move_on():
    at_rest = many_points_run.Final(residual=-0.2, active=0, gap=1.0, drift=0.01, pull=0.01)
    assert at_rest.stuck
    for change in ({"active": 1}, {"drift": 2.0}, {"pull": 0.5}, {"gap": math.nan}, {"residual": 0.0}):
        assert not replace(at_rest, **change).stuck
    assert many_points_run.run(2000).stuck is False


def test_E10_gram_is_the_matrix_of_the_text():
    N, g = 7, many_points_run.COUPLING
    G = np.eye(N + 1)
    G[0, 1:] = G[1:, 0] = g / math.sqrt(N)
    V = np.random.default_rng(0).standard_normal((3, N + 1))
    product = many_points_run.network(N, np.ones(3)).gram(V)
    np.testing.assert_allclose(product, V @ G, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(np.linalg.eigvalsh(G)[[0, 1, -2, -1]], [1 - g, 1, 1, 1 + g], rtol=1e-12)
    h = np.concatenate([many_points_run.draw(N, np.random.default_rng(k)) for k in range(300)])
    np.testing.assert_allclose(h.T @ h / len(h), G, atol=0.05)


def test_E10_larger_constants_fail_later_and_smaller_problems_are_not_refuted():
    scale, width = e10_many_points.printed_constants()
    found = e10_many_points.first_failure(scale, width)
    assert found.refutes
    assert not e10_many_points.failure(found.exponent - 1, scale, width).refutes
    assert e10_many_points.first_failure(10 * scale, width).exponent > found.exponent
    assert e10_many_points.first_failure(scale, 100 * width).exponent > found.exponent
    for change in ({"push": arb(1)}, {"log_ratio": arb(0)}, {"signs": arb(1) / 2}, {"push": arb("nan")}):
        assert not replace(found, **change).refutes


def test_E10_probability_of_the_signs():
    """exp(-m D)/(m + 1) with D <= e^2/2 + e^4/9 is below the binomial law."""
    from scipy.stats import binom

    for m, e in ((10, 0.2), (1000, 0.5), (1000, 0.1), (20_000, 0.02)):
        k = round((1 + e) * m / 2)
        mean = 2 * k / m - 1
        assert -m * (mean**2 / 2 + mean**4 / 9) - math.log(m + 1) <= binom.logpmf(k, m, 0.5)


def test_E10_steps_of_the_proof():
    """The start and the push of the proof in a network with mean of signs 1/2, at the scale 1."""
    N, m, e, c, g, y0 = 2000, 800, 0.5, 1.0, many_points_run.COUPLING, many_points_run.TARGET
    rng = np.random.default_rng(0)
    signs = np.repeat([c, -c], [round(m * (1 + e) / 2), round(m * (1 - e) / 2)])
    h = rng.standard_normal((m, N + 1))
    h[:, 0] = g / math.sqrt(N) * h[:, 1:].sum(axis=1) + math.sqrt(1 - g**2) * h[:, 0]
    flow = many_points_run.network(N, signs)
    mu, inner = float(e10_many_points.mean_output()), 0.17467
    assert float(np.mean(np.clip(h, 0, 1))) == pytest.approx(mu, abs=2e-3)
    speed = c * (2 * c + y0)
    time = e * mu / (4 * speed)
    states = flow.descend(h, time / 20, 20)
    for state in states:
        r, slope = flow.residual(state)[1:], flow.slope(state)[:, 1:]
        assert np.all(r >= c * e * mu / 4)
        assert np.max(np.abs(state - h)[:, 1:]) <= speed * time
        assert np.all(slope @ r >= N * c * e * mu * inner / 8)
    carried = -signs * (states[-1] - h)[:, 0] / c
    assert np.all(carried >= time * c * (g * math.sqrt(N) * c * e * mu * inner / 8 - c - y0))
    assert np.all(carried > 0)


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


def test_E13_refutes_the_direction_in_every_reading_of_the_exponents(demonstrated):
    d = demonstrated["E13"]
    assert d.printed.actual[1] < 1e-8  # P(|G - Gbar| >= u') itself
    assert d.repaired.actual[0] > 1 - 1e-8


def spiked(u, start, height):
    """clip(u, -1, 1) and a tent of that height on (start, start + 1)."""
    return np.clip(u, -1, 1) + height * np.maximum(0, 1 - 2 * np.abs(u - start - 0.5))


def test_E19_limit_eigenvalues_by_quadrature():
    from scipy.optimize import brentq

    start = 4.0
    z = np.linspace(-12, 12, 480_001)
    weights = np.exp(-z * z / 2)
    weights /= weights.sum()
    height = brentq(lambda A: weights @ spiked(z, start, A) ** 2 - 2, 1.0, 1e6)
    phi = np.stack([spiked(z, start, height), spiked(-z, start, height)])
    eigenvalues = np.linalg.eigvalsh((phi * weights) @ phi.T)
    smallest, largest = e19_lipschitz.limit_eigenvalues(start)
    assert smallest.contains(arb(eigenvalues[0]))
    assert largest.contains(arb(eigenvalues[1]))


def test_E19_a_network_that_meets_no_spike_cannot_separate_opposite_points():
    """D = 50 features, m = 60, a large scale: f_2 = -f_1 for ever, L >= ||y||^2/2, and it comes down to that."""
    rng = np.random.default_rng(0)
    start, height = 20.0, 1e40
    z = rng.standard_normal(50)
    phi = spiked(np.outer([1.0, -1.0], z), start, height)
    G = phi @ phi.T / len(z)
    signs = rademacher(rng, 60, 20.0)
    h = (rng.standard_normal((60, 50)) @ phi.T) / math.sqrt(50)
    y = np.full(2, math.sqrt(0.5))
    flow = Flow(y, signs, matrix(G), lambda u: spiked(u, start, height), lambda u: (np.abs(u) < 1).astype(float))
    states = flow.descend(h, 1e-3, 2000)
    losses = [flow.loss(state) for state in states]
    assert min(losses) >= 0.5 - 1e-12
    assert losses[-1] == pytest.approx(0.5, abs=1e-6)
    assert np.max(np.abs(states[-1][:, 0] + states[-1][:, 1])) < 1e-9


def test_E20_rank_and_E22_parallel_points():
    X, _ = load_builtin("experiment-1", n=40)
    assert np.linalg.matrix_rank(X) == 20
    for depth in (1, 2, 3):
        opposite = bounds.Problem(np.array([[1.0], [-1.0]]), [1.0, 1.0], embedding=bounds.RandomFeatures(depth, "tanh"))
        drawn = opposite.draw(dim=64, seed=0).gram
        np.testing.assert_allclose(drawn @ np.ones(2), 0, atol=1e-12)


def test_E24_exponent_of_the_paper_s_own_model(monkeypatch):
    """a_L = 1/2, a_{L+1} = 1, c = -1: features move by the same amount at every width, as r = 0 says."""
    monkeypatch.setattr(e24_partial_training, "A_HIDDEN", 0.5)
    assert e24_partial_training.movement(64) == pytest.approx(e24_partial_training.movement(256), rel=1e-12)


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
