"""A run that was stopped is not the end of the flow: no horizon and no limit turns into a verdict."""

import math
from dataclasses import replace

import numpy as np
import pytest

import bounds
from bounds.data.datasets import load_builtin
from reports.gaps import GapOptions, gap_rows
from simulate import Network, Status
from tests.commands import python_m
from verify import CLAIMS, NotApplicable, Verdict, conjecture
from verify.afterwards import afterwards, least_loss
from verify.runs.confirm import decide, decide_run
from verify.runs.regimes import horizon, plain_run, regime_run
from verify.runs.trials import probabilistic_trials
from verify.verdict import judge


@pytest.fixture(scope="module")
def reference_problem():
    return bounds.Problem(*load_builtin("reference"), name="reference")


def n_log_n(problem):
    return 4 * problem.n * np.log(problem.n)


def hundredth(run):
    """The loss falls to a hundredth."""
    return run.loss[0] / 100 - run.loss[-1]


# The same, as others would write it.
WRITTEN = {
    "a scalar": hundredth,
    "a ratio": lambda run: 0.01 - run.loss[-1] / run.loss[0],
    "the least": lambda run: run.loss[0] / 100 - run.loss.min(),
    "the last entry": lambda run: np.append(np.ones(len(run.time) - 1), run.loss[0] / 100 - run.loss[-1]),
    "yes or no": lambda run: float(run.loss[-1] < run.loss[0] / 100) - 0.5,
    "a pair": lambda run: np.array([1.0] * (len(run.time) - 1) + [run.loss[0] / 100 - run.loss.min()]),
    "a logarithm": lambda run: np.log(run.loss[0] / run.loss[-1]) - np.log(100),
}


def lawful(margin, **options):
    return conjecture(delta=0.5, given="theorem-1", width=n_log_n, scale=1.0, **options)(margin)


def test_the_horizon_follows_the_scale(reference_problem):
    """At a scale 12 times smaller than the theorem's the flow is 155 times slower, and is given that time."""
    own = lawful(hundredth)
    g = own.regime(reference_problem)
    theorem = conjecture(delta=0.5)(hundredth).regime(reference_problem)
    assert g.rate == pytest.approx(theorem.rate / theorem.scale**2)
    assert horizon(reference_problem, g) == pytest.approx(20 / g.rate)
    found = probabilistic_trials(own.as_claim(), reference_problem, g, alpha=0.4)
    assert found.verdict is Verdict.HOLDS
    assert found.failures == found.undecided == 0
    assert found.tightest_run.status is Status.LOSS_REACHED


def test_a_rate_that_nobody_promises_says_so(reference_problem):
    theorem = conjecture(delta=0.25, given="theorem-1")(hundredth).regime(reference_problem)
    assert theorem.proved
    assert theorem.delta == 0.25
    asked = bounds.guarantee(reference_problem, 0.25, init="antisymmetric")
    assert (theorem.width, theorem.scale, theorem.rate) == (asked.width, asked.scale, asked.rate)
    slow = conjecture(delta=0.25, scale=1.0)(hundredth).regime(reference_problem)
    assert not slow.proved
    assert slow.path_length == math.inf
    assert any("no theorem promises" in caveat for caveat in slow.caveats)
    large = conjecture(delta=0.25, scale=2 * theorem.scale, width=2 * theorem.width)(hundredth)
    found = large.regime(reference_problem)
    assert found.proved
    assert found.rate <= bounds.guarantee(reference_problem, 0.25, init="antisymmetric", scale=2 * theorem.scale).rate


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize(
    "cut", [{"t_max": 1.0}, {"max_steps": 3}, {"loss_ratio": 0.5}], ids=lambda cut: next(iter(cut))
)
@pytest.mark.parametrize("at", ["every time", "end"])
def test_a_run_that_was_stopped_refutes_no_limit(reference_problem, written, cut, at):
    options = {"width": 94, "scale": 1.0, "seed": 0, "init": "antisymmetric", "t_max": 100.0, **cut}

    def make(rtol):
        return plain_run(reference_problem, rtol=rtol, **options)

    claim = conjecture(at=at)(WRITTEN[written]).as_claim()
    verdict, run = decide(claim, make, 1e-4)
    assert run.loss[-1] > run.loss[0] / 100
    assert verdict is Verdict.UNDECIDED
    (told,) = claim.compare(run)
    assert run.status.name in told.open
    assert "stopped at time" in told.open
    if written == "a scalar":  # how long it would take, not far from what it does take
        time = float(told.open.split("low enough at time ")[1].split(".")[0])
        assert 3 < time < 30


def test_what_is_decided_at_the_end(reference_problem):
    """What a stopped run may decide about the end: the loss of a flow never rises, and the path left is short."""
    run = plain_run(reference_problem, width=94, scale=50.0, seed=0, init="antisymmetric", t_max=1.0)
    assert run.status is Status.LOSS_REACHED

    def verdict(margin):
        return conjecture(at="end")(margin).as_claim().verdict(run)

    assert verdict(hundredth) is Verdict.HOLDS
    assert verdict(lambda run: run.loss[-1] - run.loss[0] / 100) is Verdict.REFUTED
    assert verdict(lambda run: run.loss[0] * 1e-12 - run.loss[-1]) is Verdict.UNDECIDED
    assert verdict(lambda run: run.loss[-1] - run.loss[0] * 1e-12) is Verdict.UNDECIDED
    moved = float(run.movement[-1].max())
    assert verdict(lambda run: 2 * moved - run.movement[-1].max()) is Verdict.HOLDS
    assert verdict(lambda run: run.movement[-1].max() - 2 * moved) is Verdict.REFUTED
    assert verdict(lambda run: run.movement[-1].max() - moved) is Verdict.UNDECIDED
    assert verdict(lambda run: 1.0 - float(np.max(np.abs(run.final.H)))) is Verdict.UNDECIDED


def test_a_trained_last_layer_reaches_farther_than_its_first_scale():
    """f = c tanh(h) with c = 1 at the start is at most 1, and the target is 5; but c moves, and the flow gets there."""
    problem = bounds.Problem(np.ones((1, 1)), np.array([5.0]), last_layer=10.0)
    run = plain_run(problem, width=16, scale=1.0, seed=0, t_max=1e-3, loss_ratio=0.0)
    later = plain_run(problem, width=16, scale=1.0, seed=0, t_max=50.0, loss_ratio=1e-8)
    assert later.loss[-1] < 1e-5 < run.loss[-1]
    assert least_loss(run) <= later.loss[-1]
    fits = conjecture(at="end")(lambda r: 1.0 - r.loss[-1]).as_claim()
    assert fits.verdict(run) is Verdict.UNDECIDED
    assert fits.verdict(later) is Verdict.HOLDS


def test_a_band_is_not_refuted_by_its_two_sides(reference_problem):
    """What lies between two numbers at the end may be between them later, though neither extreme is."""
    run = plain_run(reference_problem, width=94, scale=0.5, seed=0, t_max=1.0)
    moved = float(run.movement[-1].max())

    def band(run):
        last = float(run.movement[-1].max())
        return min(last - 3 * moved, 4 * moved - last)

    assert conjecture(at="end")(band).as_claim().verdict(run) is Verdict.UNDECIDED


def test_a_limit_that_is_false_is_refuted():
    """Targets beyond the reach of tanh: no later time can mend it, whenever the run is stopped."""
    problem = bounds.Problem(np.eye(3), np.array([5.0, -5.0, 5.0]))
    for t_max in (0.5, 50.0):
        run = plain_run(problem, width=50, scale=1.0, seed=0, t_max=t_max)
        assert least_loss(run) == pytest.approx(3 * 4.0**2 / 2)
        for margin in WRITTEN.values():
            assert conjecture(margin).as_claim().verdict(run) is Verdict.REFUTED
            assert conjecture(at="end")(margin).as_claim().verdict(run) is Verdict.REFUTED


def test_dead_neurons_have_come_to_rest():
    """ReLU, every neuron dead at the data point: the loss stays; a saturated tanh creeps on, however slowly."""
    for activation, verdict in (("relu", Verdict.REFUTED), ("tanh", Verdict.UNDECIDED)):
        problem = bounds.Problem(np.eye(1), [0.5], activation=activation)
        network = Network(np.full((2, 1), -25.0), np.ones(2))
        run = plain_run(problem, network=network, t_max=10.0)
        assert run.power[-1] == 0
        assert conjecture(at="end")(hundredth).as_claim().verdict(run) is verdict
        assert bool(list(afterwards(run))) is (verdict is Verdict.UNDECIDED)


def test_a_violation_on_the_way_is_not_mended(reference_problem):
    run = plain_run(reference_problem, width=94, scale=1.0, seed=0, t_max=1.0)
    for false in (
        lambda run: run.loss - run.loss[0],
        lambda run: np.append(np.diff(run.loss), 0.0),
        lambda run: 1e-3 - run.movement.max(axis=1),
        lambda run: run.loss[0] * np.exp(-1e3 * run.time) - run.loss,
        lambda run: np.where(run.time >= 0.5, run.loss[0] / 1e3 - run.loss, 1.0),
    ):
        assert conjecture(false).as_claim().verdict(run) is Verdict.REFUTED


def test_a_false_law_is_refuted_on_the_command_line(tmp_path):
    """The table shows where the run ended, and why nothing was decided."""
    (tmp_path / "mine.py").write_text(
        "from verify import conjecture\n\n"
        "@conjecture(delta=0.5, width=32, scale=1.0, init='independent', t_max=1.0, loss_ratio=0.0)\n"
        "def too_early(run):\n    return run.loss[0] / 100 - run.loss[-1]\n\n"
        "@conjecture(delta=0.25, width=32, scale=1.0)\n"
        "def never_falls(run):\n    return run.loss - run.loss[0] / 2\n"
    )
    options = ["--quick", "--counterexamples", tmp_path, "--conjectures", tmp_path / "mine.py"]
    session = ["verify/", "-q", "--builtin", "reference", "--trials", "12", *options]
    done = python_m("pytest", *session, env={"COLUMNS": "200"})
    assert done.returncode == 1, done.stdout
    lines = {
        line.split()[0]: line
        for line in done.stdout.splitlines()
        if line.strip().startswith(("too_early", "never_falls"))
    }
    assert "UNDECIDED" in lines["too_early"]
    assert "m=32 scale=1 independent, until t=1 L/L0=" in lines["too_early"]
    assert "TIME_REACHED" in lines["too_early"]
    assert "the run was stopped at time 1 (TIME_REACHED" in done.stdout
    assert "REFUTED" in lines["never_falls"]
    assert "antisymmetric" in lines["never_falls"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"t_max": -1}, "t_max"),
        ({"t_max": "long"}, "t_max"),
        ({"t_max": math.nan}, "t_max"),
        ({"init": "x"}, "init"),
        ({"loss_ratio": 2}, "loss_ratio"),
        ({"loss_ratio": -0.1}, "loss_ratio"),
        ({"loss_ratio": "small"}, "loss_ratio"),
        ({"at": "middle"}, "at"),
        ({"delta": 0.5, "width": "wide"}, "width"),
        ({"delta": 0.5, "scale": 0}, "scale"),
        ({"width": 5}, "delta"),
    ],
)
def test_wrong_arguments(arguments, name):
    with pytest.raises(bounds.ArgumentError, match=name):
        conjecture(**arguments)(hundredth)


# Limits, tolerances and numbers that are none, for the claims of the registry.
def test_no_number_refutes():
    """A margin of minus infinity is an overflow, not a measurement."""
    assert judge(np.array([1.0, -np.inf]), np.array([0.1, 0.1])) is Verdict.UNDECIDED
    assert judge(np.array([-1.0, -np.inf]), np.array([0.1, 0.1])) is Verdict.REFUTED


@pytest.fixture(scope="module")
def in_regime(reference_problem):
    return regime_run(reference_problem, bounds.guarantee(reference_problem, init="antisymmetric"), seed=0)


EVERY_RUN = [name for name, claim in CLAIMS.items() if claim.kind == "every run" and claim.proved]


def verdict_or_silence(claim, run):
    try:
        return claim.verdict(run)
    except NotApplicable:
        return Verdict.UNDECIDED


@pytest.mark.parametrize("name", [*EVERY_RUN, "theorem-1"])
def test_a_spoilt_run_is_no_counterexample(in_regime, name):
    """The last state is not a number, or overflows, or every error is infinite."""
    claim, true = CLAIMS[name], in_regime
    names = [one for one in true.errors if getattr(true, one) is not None] + ["power"]
    for bad in (math.nan, math.inf):
        spoilt = {one: np.array(getattr(true, one)) for one in names}
        errors = {one: np.array(size) for one, size in true.errors.items()}
        for values in (*spoilt.values(), *errors.values()):
            values[-1] = bad
        run = replace(true, status=Status.DIVERGED, errors=errors, **spoilt)
        assert verdict_or_silence(claim, run) is not Verdict.REFUTED
    infinite = {one: np.full_like(size, np.inf) for one, size in true.errors.items()}
    unknown = replace(true, errors=infinite)
    assert verdict_or_silence(claim, unknown) is not Verdict.REFUTED


@pytest.mark.parametrize("name", [*EVERY_RUN, "theorem-1"])
@pytest.mark.parametrize("cut", [{"max_steps": 1}, {"t_max": 1e-6}], ids=["max_steps", "t_max"])
def test_a_truncated_run_is_no_counterexample(reference_problem, in_regime, name, cut):
    g = in_regime.guarantee
    options = {"width": g.width, "scale": g.scale, "init": g.init, "seed": 0, "t_max": 20 / g.rate, **cut}
    run = replace(plain_run(reference_problem, **options), guarantee=g)
    assert verdict_or_silence(CLAIMS[name], run) is not Verdict.REFUTED


def test_a_run_that_is_there_must_refute_twice(in_regime):
    """On the data too a refutation survives a tighter run, or stays open."""
    seen = []

    def compare(run):
        seen.append(run.options["rtol"])
        return [replace(c, theory=c.theory * (10 if len(seen) == 1 else 1)) for c in CLAIMS["pl"].compare(run)]

    verdict, run = decide_run(replace(CLAIMS["pl"], compare=compare), in_regime)
    assert verdict is Verdict.UNDECIDED
    assert seen[1] == pytest.approx(seen[0] / 10)
    np.testing.assert_allclose(run.loss[-1], in_regime.loss[-1], rtol=10)


def test_trials_that_say_nothing_are_undecided(reference_problem):
    """A loss that is below its error in each trial: no crash, which would count as a refutation."""
    g = bounds.guarantee(reference_problem, 0.5, init="antisymmetric")

    def compare(run):
        if run.seed % 2:
            raise NotApplicable("below its numerical error")
        return CLAIMS["theorem-1"].compare(run)

    found = probabilistic_trials(
        replace(CLAIMS["theorem-1"], compare=compare), reference_problem, g, alpha=0.1, trials=4
    )
    assert found.trials == 4
    assert found.undecided >= 1
    assert found.failures == 0

    def silent(run):
        raise NotApplicable("below its numerical error")

    with pytest.raises(NotApplicable, match="below"):
        probabilistic_trials(replace(CLAIMS["theorem-1"], compare=silent), reference_problem, g, alpha=0.1, trials=2)


def test_the_report_of_a_run_that_ends_where_it_began():
    """y = 0 with antisymmetric pairs: one save point, no rates, no verdicts out of nothing."""
    problem = bounds.Problem(np.random.default_rng(0).standard_normal((3, 5)), np.zeros(3))
    rows = [row for _, found in gap_rows(problem, GapOptions(width=4, trials=2)) for row in found]
    assert {row["verdict"] for row in rows} <= {"HOLDS", "UNDECIDED"}
