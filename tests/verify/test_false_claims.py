"""Tests that can fail: false theorems are refuted, wrong constants and bugs in the simulator are seen."""

from dataclasses import replace

import numpy as np
import pytest

import bounds
from bounds import constants
from bounds.data.datasets import load_builtin
from simulate import Network
from simulate.field.cpu import Compiled
from simulate.integrators.exponential import Exponential
from simulate.integrators.piecewise_linear.method import PiecewiseLinear
from simulate.solve import whole_steps
from simulate.solve.whole_steps import WholeSteps
from verify.claims import CLAIMS, Claim, NotApplicable, widths
from verify.claims import theorem_1 as theorem_1_module
from verify.claims.draws import reference
from verify.run import Run
from verify.runs.confirm import decide
from verify.runs.examples import example
from verify.runs.regimes import plain_run, regime_run, simulable_guarantee
from verify.runs.trials import probabilistic_trials
from verify.verdict import Verdict


@pytest.fixture(scope="module")
def reference_problem():
    return bounds.Problem(*load_builtin("reference"))


@pytest.fixture(scope="module")
def guarantee(reference_problem):
    return simulable_guarantee(reference_problem, inits=("antisymmetric",))


@pytest.fixture(scope="module")
def regime(reference_problem, guarantee):
    return regime_run(reference_problem, guarantee, seed=0)


@pytest.fixture(scope="module")
def overdriven():
    """Targets beyond the reach of tanh: neurons saturate, the loss hardly falls."""
    X = np.random.default_rng(0).standard_normal((3, 5))
    return plain_run(bounds.Problem(X, np.array([5.0, -5.0, 5.0])), width=50, scale=1.0, seed=0, t_max=60.0)


def scaled(claim: Claim, factor: float, quantity: str) -> Claim:
    """The claim with one of its bounds multiplied by a factor."""

    def compare(run):
        return [replace(c, theory=factor * c.theory) if c.quantity == quantity else c for c in claim.compare(run)]

    return replace(claim, compare=compare)


FALSE = [
    ("equation-14", 2.0, "L0 - L"),
    ("equation-14", 1.01, "L0 - L"),
    ("pl", 3.0, "-dL/dt"),
    ("rate", 3.0, "average rate"),
    ("rate", 0.2, "fastest average rate"),
    ("rate", 0.5, "path length"),
    ("aligned-scale", 4.0, "average rate, aligned"),
    ("movement-lower", 1.5, "mean |h - h0|"),
    ("movement-upper", 0.5, "rms |h - h0|"),
]


@pytest.mark.parametrize(("claim", "factor", "quantity"), FALSE)
def test_false_versions_are_refuted(regime, claim, factor, quantity):
    assert CLAIMS[claim].verdict(regime) is Verdict.HOLDS
    assert scaled(CLAIMS[claim], factor, quantity).verdict(regime) is Verdict.REFUTED


@pytest.mark.parametrize(
    ("claim", "factor", "quantity"),
    [
        ("last-layer-rate", 5.0, "average rate, all layers"),
        ("last-layer-rate", 0.4, "path length"),
        ("movement-upper", 0.5, "rms |h - h0|"),
        ("theorem-1", 8.0, "average rate, a priori"),
    ],
)
def test_false_versions_are_refuted_where_all_layers_are_trained(claim, factor, quantity):
    run = example("all layers trained")
    assert CLAIMS[claim].verdict(run) is Verdict.HOLDS
    assert scaled(CLAIMS[claim], factor, quantity).verdict(run) is Verdict.REFUTED


@pytest.mark.parametrize("biases", ["biases", "fixed biases"])
@pytest.mark.parametrize(("factor", "quantity"), [(5.0, "average rate"), (0.4, "path length")])
def test_a_false_rate_with_biases_is_refuted(biases, factor, quantity):
    run = example(biases)
    assert CLAIMS["biases"].verdict(run) is Verdict.HOLDS
    assert scaled(CLAIMS["biases"], factor, quantity).verdict(run) is Verdict.REFUTED


@pytest.mark.parametrize("claim", ["last-layer-moves", "last-layer-slopes"])
def test_a_mobility_that_is_too_small_is_refuted(claim):
    """One linear neuron far from 0, whose output weight must shrink: both statements are nearly tight, and false with a
    quarter of kap."""
    one = bounds.Problem([[1.0]], [0.2], activation="linear", last_layer=4.0)
    run = plain_run(one, network=Network(np.array([[3.0]]), np.array([1.0])), t_max=5.0)
    assert CLAIMS[claim].verdict(run) is Verdict.HOLDS
    less = replace(run, problem=bounds.Problem([[1.0]], [0.2], activation="linear", last_layer=1.0))
    assert CLAIMS[claim].verdict(less) is Verdict.REFUTED


def test_claims_about_a_fixed_last_layer_say_nothing_about_a_trained_one():
    run, spoken = example("all layers trained"), set()
    for name, claim in CLAIMS.items():
        try:
            spoken.add(name) if claim.compare(run) else None
        except NotApplicable:
            continue
    assert spoken == {
        "equation-14", "pl", "schur", "movement-upper", "antisymmetric-start", "theorem-1",
        "last-layer-moves", "last-layer-slopes", "last-layer-rate",
    }  # fmt: skip


@pytest.mark.parametrize(("claim", "constant"), [("lemma-1", "kappa"), ("smooth-lemma-1", "kappa_smooth")])
def test_wrong_constants_are_refuted(overdriven, monkeypatch, claim, constant):
    """Lemma 1 with a constant 1e5 times too small, where neurons do leave the active region."""
    assert CLAIMS[claim].verdict(overdriven) is Verdict.HOLDS
    true = getattr(constants, constant)
    monkeypatch.setattr(constants, constant, lambda *arguments: true(*arguments) / 1e5)
    assert CLAIMS[claim].verdict(overdriven) is Verdict.REFUTED


def test_swapped_eigenvalues_are_refuted(regime, monkeypatch):
    """PL with lambda_max in place of lambda_min."""
    spectrum = regime.problem.spectrum
    swapped = replace(spectrum, lmin=spectrum.lmax, lmax=spectrum.lmin)
    monkeypatch.setitem(regime.problem.__dict__, "spectrum", swapped)
    assert CLAIMS["pl"].verdict(regime) is Verdict.REFUTED


def test_a_false_promise_is_refuted_statistically(reference_problem, guarantee):
    """Theorem 1 with eight times its rate fails in nearly every trial."""
    claim = theorem_1_module.CLAIM
    honest = probabilistic_trials(claim, reference_problem, guarantee, trials=12, alpha=0.5)
    assert honest.failures == 0
    boast = replace(guarantee, rate=8 * guarantee.rate)
    found = probabilistic_trials(claim, reference_problem, boast, trials=12, alpha=1e-3)
    assert found.failures == found.trials <= 12
    assert found.verdict is Verdict.REFUTED


def verdict_with_bug(problem) -> Verdict:
    """Ten steps are enough for the true flow; a wrong one is stopped."""
    run = plain_run(problem, width=64, scale=2.0, seed=0, t_max=2.0, max_steps=300)
    return CLAIMS["equation-14"].verdict(run)


@pytest.fixture
def step_by_step(monkeypatch):
    """The ordinary loop, which evaluates the field by Compiled.evaluate; small states take whole attempts at once."""
    monkeypatch.setattr(WholeSteps, "of", classmethod(lambda *_: None))


def pushed_by(factor):
    """Compiled.evaluate with every displacement multiplied by a factor."""
    true = Compiled.evaluate

    def evaluate(self, model, h, displacement, **options):
        scaled = [factor * weight for weight in displacement.coefficients]
        return true(self, model, h, displacement._replace(coefficients=scaled), **options)

    return evaluate


def test_a_wrong_step_length_is_seen(small, step_by_step, monkeypatch):
    """Neurons that move 1% too far lose energy that (14) does not account for."""
    assert verdict_with_bug(small) is Verdict.HOLDS
    monkeypatch.setattr(Compiled, "evaluate", pushed_by(1.01))
    assert verdict_with_bug(small) is not Verdict.HOLDS


def test_a_wrong_sign_is_seen(small, step_by_step, monkeypatch):
    monkeypatch.setattr(Compiled, "evaluate", pushed_by(-1.0))
    assert verdict_with_bug(small) is not Verdict.HOLDS


def test_a_factor_two_in_the_kernel_is_seen(small, step_by_step, monkeypatch):
    true = Compiled.evaluate

    def evaluate(self, *arguments, **options):
        sums = true(self, *arguments, **options)
        return replace(sums, gram=2 * sums.gram)

    monkeypatch.setattr(Compiled, "evaluate", evaluate)
    assert verdict_with_bug(small) is not Verdict.HOLDS


def test_neurons_that_a_compiled_attempt_moves_too_far_are_seen(small, monkeypatch):
    true = WholeSteps.advance

    def advance(self, runs, recorder):
        before = runs.fine.state.h.copy()
        true(self, runs, recorder)
        runs.fine.state.h += 0.01 * (runs.fine.state.h - before)

    monkeypatch.setattr(whole_steps, "TURNS", 1)
    monkeypatch.setattr(WholeSteps, "advance", advance)
    assert verdict_with_bug(small) is not Verdict.HOLDS


def test_an_integrator_that_forgets_its_error_is_seen(small, monkeypatch):
    """A step that claims no error but is taken a hundred times too long: the two runs differ, so nothing is claimed."""
    true = Exponential.step

    def careless(self, flow, state, tau, *, errors, saves=None):
        step = true(self, flow, state, tau, errors=errors, saves=saves)
        none = np.zeros_like(state.residual)
        return replace(step, residual_error=none, movement_error=none)

    honest = plain_run(small, width=64, scale=2.0, seed=0, t_max=20.0, loss_ratio=0.0)
    monkeypatch.setattr(Exponential, "step", careless)
    run = plain_run(small, width=64, scale=2.0, seed=0, t_max=20.0, loss_ratio=0.0, save_at=[20.0])
    assert run.error[-1] > 10 * honest.error[-1]
    assert CLAIMS["equation-14"].verdict(run) is not Verdict.REFUTED


def test_a_refutation_must_survive_a_tighter_run(regime):
    """A claim that fails only in the rougher run stays open."""
    asked = []

    def make(rtol: float) -> Run:
        asked.append(rtol)
        return regime

    flaky = replace(
        CLAIMS["pl"],
        compare=lambda run: [
            replace(c, theory=c.theory * (10 if len(asked) == 1 else 1)) for c in CLAIMS["pl"].compare(run)
        ],
    )
    verdict, _ = decide(flaky, make, 1e-3)
    assert verdict is Verdict.UNDECIDED
    assert asked == [1e-3, 1e-4]


def test_a_fault_at_kinks_is_not_repeated_by_the_second_opinion(monkeypatch):
    """An integrator that is wrong at kinks at any tolerance: a tighter run refutes again, another one does not."""
    true = PiecewiseLinear.step

    def careless(self, flow, state, tau, *, errors, saves=None):
        step = true(self, flow, state, tau, errors=errors, saves=saves)
        return step if flow.activation.smooth else replace(step, length=step.length / 2)

    X = np.random.default_rng(0).standard_normal((3, 5))
    problem = bounds.Problem(X, np.array([1.0, -1.0, 1.0]), activation="relu")
    claim = CLAIMS["path-lower"]

    def make(rtol: float) -> Run:
        return plain_run(problem, width=16, scale=2.0, seed=0, t_max=0.5, loss_ratio=0.0, rtol=rtol)

    assert claim.verdict(make(1e-3)) is not Verdict.REFUTED
    monkeypatch.setattr(PiecewiseLinear, "step", careless)
    assert claim.verdict(make(1e-3)) is claim.verdict(make(1e-4)) is Verdict.REFUTED
    assert decide(claim, make, 1e-3)[0] is Verdict.UNDECIDED


def test_what_is_false_at_kinks_is_refuted_by_both_integrators():
    problem = bounds.Problem(np.eye(2), np.array([1.0, -1.0]), activation="relu")
    false = scaled(CLAIMS["movement-upper"], 0.5, "rms |h - h0|")

    def make(rtol: float) -> Run:
        return plain_run(problem, width=16, scale=2.0, seed=0, t_max=0.5, loss_ratio=0.0, rtol=rtol)

    assert decide(false, make, 1e-3)[0] is Verdict.REFUTED


COARSE = [("tanh", 4.0, 1e-8), ("softplus", 4.0, 1e-8), ("sin", 4.0, 1e-8), ("relu", 0.4, 1e-4), ("clip", 0.4, 1e-4)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("activation", "end", "rtol"), COARSE)
def test_a_coarse_tolerance_gives_no_wrong_verdict(activation, end, rtol, seed):
    """At rtol = 0.1 a true claim is not refuted, and what a fine run refutes does not hold."""
    rng = np.random.default_rng(seed)
    problem = bounds.Problem(rng.standard_normal((3, 5)), rng.uniform(-1, 1, 3), activation=activation)
    times = np.linspace(end / 8, end, 8)

    def make(rtol: float) -> Run:
        return plain_run(problem, width=16, scale=2.0, seed=seed, t_max=end, loss_ratio=0.0, rtol=rtol, save_at=times)

    coarse, fine = make(0.1), make(rtol)
    for name in ("pl", "key-lemma", "movement-lower", "movement-upper", "path-lower", "rate"):
        claim = CLAIMS[name]
        assert decide(claim, make, 0.1)[0] is not Verdict.REFUTED, name
        for factor in (0.9, 0.99, 1.01, 1.1):
            for quantity in {c.quantity for c in claim.compare(fine)}:
                false = scaled(claim, factor, quantity)
                if false.verdict(fine) is Verdict.REFUTED:
                    assert false.verdict(coarse) is not Verdict.HOLDS, (name, quantity, factor)


def test_a_third_of_the_neurons_is_too_few_for_cramer_s_level(monkeypatch):
    """The bound is close: the true tails are met within a factor of three in the width."""
    monkeypatch.setattr(widths, "on_activations", lambda check: [check(reference("tanh"))])
    ceil = widths.ceil_int
    monkeypatch.setattr(widths, "ceil_int", lambda x: max(ceil(x) // 3, 1))
    (found,) = widths.check_cramer()
    assert found.verdict is Verdict.REFUTED


def test_one_active_datum_is_not_enough_for_relu_on_orthogonal_data(monkeypatch):
    """The claim with "for some a" in place of "for every a"."""
    monkeypatch.setattr(widths, "RELU_TRIALS", 8)
    monkeypatch.setattr(widths, "every_datum_is_active", lambda H: bool(np.any(H > 0)))
    (found,) = widths.check_orthogonal_relu()
    assert found.verdict is Verdict.REFUTED
