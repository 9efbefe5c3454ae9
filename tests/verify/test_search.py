"""The search finds what is false, shrinks it, saves it, and shows it again."""

import importlib
import json
from dataclasses import replace

import hypothesis
import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import bounds
from bounds.activation.gaussian import mean_value
from bounds.command_line import run as run_command
from reports.console import main
from simulate import Network
from tests.commands import python_m
from verify import CLAIMS, Comparison, Verdict
from verify.claims import Claim, NotApplicable, many_points
from verify.runs.examples import example
from verify.search import counterexample as counterexamples
from verify.search.hypothesis_search import search
from verify.search.push import push
from verify.search.record import Effort, Found, flow, refutes, room_of
from verify.search.shrink import shrink
from verify.search.strategies import draws_of_a_law, flows

settings.register_profile(
    "search", max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(autouse=True)
def the_default_budget():
    """As many draws as `pytest verify/` makes by default."""
    before = settings()
    settings.load_profile("search")
    yield
    settings.register_profile("before", before)
    settings.load_profile("before")


def margin_claim(name, margin) -> Claim:
    """A claim about every run from margin(run) >= 0, (T,)."""

    def compare(run):
        values = margin(run)
        return [Comparison("margin", "upper", values, np.zeros_like(values), 1e-9 + 0 * values, run.time)]

    return Claim(name, name, "", "tests", "every run", compare)


def scaled_claim(name: str, factor: float) -> Claim:
    """A claim of the registry whose theory is multiplied by a factor."""
    true = CLAIMS[name]

    def compare(run):
        return [replace(one, theory=factor * one.theory) for one in true.compare(run)]

    return replace(true, id=f"{name}-times", compare=compare)


def smooth_plateau(run):
    """With smooth sigma and G > 0 the loss ends below 0.9 of its start: false for saturated neurons, far targets."""
    if not run.problem.activation.smooth or run.loss[0] == 0:
        raise NotApplicable("smooth activations only")
    return np.append(np.ones(len(run.time) - 1), 0.9 * run.loss[0] - run.loss[-1]) / run.loss[0]


def nothing_slides(run):
    """No neuron is held on a kink: false where neurons slide."""
    if run.sliding is None:
        raise NotApplicable("kinks only")
    return 0.5 - run.sliding


FALSE = [
    pytest.param(scaled_claim("movement-upper", 1 - 1e-3), id="a bound violated by one in a thousand"),
    pytest.param(scaled_claim("movement-lower", 1 + 1e-3), id="a lower bound violated by one in a thousand"),
    pytest.param(scaled_claim("pl", 1 + 1e-3), id="a PL constant too large by one in a thousand"),
    pytest.param(margin_claim("plateau", smooth_plateau), id="only far targets or saturated neurons refute"),
    pytest.param(margin_claim("sliding", nothing_slides), id="only sliding neurons refute"),
    pytest.param(
        margin_claim("narrow", lambda run: run.mean_square_slope.min(axis=1) - 1e-6),
        id="only a dead data point refutes",
    ),
]


@pytest.mark.parametrize("claim", FALSE)
def test_false_claims_are_found_within_the_default_budget(claim):
    (found,) = search([claim], flows(), Effort(seed=0, pushes=60))
    assert found.refuted
    assert found.run is not None
    assert claim.verdict(found.run) is Verdict.REFUTED


def search_many_points(*, seed: int, most: int) -> Found:
    """A width free of n, as in E10, on any geometry of up to `most` points with any smooth sigma."""
    smooth = [name for name in bounds.known_activations() if bounds.get_activation(name).smooth]
    drawn = draws_of_a_law(many_points.law, many_points.guess, smooth, most=most)
    return search([CLAIMS["slopes-free-of-n"]], drawn, Effort(seed=seed))[0]


def test_constants_free_of_n_are_enough_for_few_points():
    found = search_many_points(seed=1, most=6)
    assert not found.refuted
    assert found.tried > 100


def test_constants_free_of_n_are_refuted_by_many_points():
    """Found at each of the seeds 0 to 7, in 10 to 50 seconds of one core."""
    found = search_many_points(seed=1, most=256)
    assert found.refuted
    assert found.run is not None
    assert found.claim.verdict(found.run) is Verdict.REFUTED
    assert found.run.problem.n > 24
    assert float(abs(mean_value(found.run.problem.activation, arb(1)).mid())) > 0.1


def test_a_clean_search_finds_nothing_in_what_is_true():
    found = search([CLAIMS["movement-upper"], CLAIMS["pl"]], flows(["tanh", "softplus"]), Effort(pushes=5))
    assert not any(entry.refuted for entry in found)
    assert all(entry.tried > 20 for entry in found)


def test_the_same_seed_searches_the_same_flows():
    def rooms(seed):
        tried = []
        claim = margin_claim("recorder", lambda run: tried.append(float(run.loss[0])) or np.ones(len(run.time)))
        search([claim], flows(["tanh"]), Effort(seed=seed, pushes=3))
        return tried

    assert rooms(5) == rooms(5)
    assert rooms(5) != rooms(6)


def start(m=16, n=3):
    rng = np.random.default_rng(0)
    problem = bounds.Problem(rng.standard_normal((n, 5)), rng.uniform(-1, 1, n))
    return {"problem": problem, "network": Network(rng.standard_normal((m, n)), np.ones(m)), "t_max": 2.0}


def test_pushing_makes_the_room_smaller():
    def compare(run):
        q2 = run.mean_square_slope.min(axis=1)
        return [Comparison("q^2", "lower", 0.01 + 0 * q2, q2, 1e-9 + 0 * q2, run.time)]

    entry = Found(Claim("alive", "alive", "", "tests", "every run", compare))
    entry.look(start(), flow(start()))
    before = 1 - entry.room  # the share of q^2 that the claim asks for
    push(entry, Effort(pushes=60), {})
    assert 1 - entry.room > 2 * before


def test_shrinking_drops_neurons_and_points():
    claim = margin_claim("quiet", lambda run: 0.01 - run.movement.max(axis=1))
    options = start()
    entry = Found(claim, options=options, run=refutes(claim, options), refuted=True)
    assert entry.run is not None
    shrink(entry, Effort())
    assert entry.options["network"].H.shape == (1, 1)
    assert claim.verdict(entry.run) is Verdict.REFUTED


def test_a_shrunk_flow_is_one_that_the_other_integrator_confirms(monkeypatch):
    """Asked of the smallest flow first, not of every attempt: at kinks it may take a thousand times as long."""
    module = importlib.import_module("verify.search.shrink")
    asked = []

    def refutes_if_wide(claim, options, *, by_another=True):
        width = options["network"].H.shape[0]
        if by_another:
            asked.append(width)
        return object() if width >= 3 or not by_another else None

    monkeypatch.setattr(module, "refutes", refutes_if_wide)
    entry = Found(CLAIMS["pl"], options=start(), run=object(), refuted=True)
    shrink(entry, Effort())
    assert asked[0] == 1
    assert len(asked) <= 4
    assert 3 <= entry.options["network"].H.shape[0] == asked[-1] < 16


def test_room_counts_the_error():
    one = Comparison("q", "upper", np.array([1.0]), np.array([1.1]), np.array([0.2]), np.array([0.0]))
    assert room_of(one) == pytest.approx(0.1 / 1.1)
    assert room_of(replace(one, theory=np.array([np.nan]))) == np.inf


def test_a_time_budget_cuts_the_search_short():
    found = search([CLAIMS["pl"]], flows(), Effort(stop_at=0.0))
    assert found[0].cut_short
    assert found[0].tried == 0


# Counterexamples on disk.
@pytest.fixture
def conjectures(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from verify import conjecture\n\n@conjecture\ndef quiet(run):\n"
        '    """No neuron moves by more than 0.01."""\n    return 0.01 - run.movement.max(axis=1)\n'
    )
    return file


def verify(*arguments):
    return python_m("pytest", "verify/", "-q", "-p", "no:cacheprovider", "--builtin", "reference", *arguments)


def test_a_refutation_is_saved_and_replayed(conjectures, tmp_path, capsys):
    done = verify("--conjectures", conjectures, "--quick", "--counterexamples", tmp_path / "found")
    assert done.returncode == 1, done.stdout
    saved = sorted((tmp_path / "found").glob("*.npz"))
    assert saved
    assert "linrate replay" in done.stdout
    smallest = min(saved, key=lambda path: path.stat().st_size)
    assert run_command(main, ["replay", str(smallest), "--conjectures", str(conjectures)]) == 1
    out = capsys.readouterr().out
    assert out.rstrip().endswith("REFUTED")
    assert "No neuron moves" in out
    told = json.loads(smallest.with_suffix(".json").read_text())
    assert told["versions"]["torch"]
    assert told["margin"] < 0


def test_a_run_with_its_promise_is_replayed_exactly(tmp_path):
    run = example("tanh in its regime")
    path = counterexamples.write(tmp_path, CLAIMS["theorem-1"], run)
    again = counterexamples.read(path)
    replayed = again.make(again.rtol)
    np.testing.assert_allclose(replayed.loss, run.loss, rtol=1e-6)
    assert replayed.guarantee is not None
    assert replayed.guarantee.rate == pytest.approx(run.guarantee.rate)
    assert again.claim.verdict(replayed) is Verdict.HOLDS


def test_descent_is_replayed(tmp_path):
    run = example("tanh descent")
    again = counterexamples.read(counterexamples.write(tmp_path, CLAIMS["descent-rate"], run))
    np.testing.assert_allclose(again.make(1e-4).loss, run.loss, rtol=1e-12)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.unlink(), "no counterexample of linrate"),
        (lambda path: path.write_bytes(b"nonsense"), "no counterexample of linrate"),
        (lambda path: path.with_suffix(".json").write_text("{"), "no counterexample of linrate"),
        (lambda path: _edit(path, format=99), "format 99"),
        (lambda path: _edit(path, claim="nothing"), "'nothing', which is not known"),
        (lambda path: _edit(path, activation="mine"), "not registered here"),
    ],
)
def test_bad_files_are_refused(tmp_path, capsys, spoil, words):
    path = counterexamples.write(tmp_path, CLAIMS["pl"], example("tanh descent"))
    spoil(path)
    assert run_command(main, ["replay", str(path)]) == 2
    assert words in capsys.readouterr().err


def _edit(path, **changes):
    file = path.with_suffix(".json")
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_power_table(capsys):
    assert run_command(main, ["power", "--delta", "0.1", "--alpha", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 5
    assert float(lines[4].split()[1]) + float(lines[4].split()[2]) <= 0.01  # at the rate delta itself
    assert run_command(main, ["power", "--alpha", "2"]) == 2


@hypothesis.given(st.data())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_drawn_flows_are_legal(data):
    options = data.draw(flows())
    problem, network = options["problem"], options["network"]
    assert network.H.shape[1] == problem.n <= 25
    assert 1 <= network.width <= 512
    assert np.all(np.isfinite(network.H))
    assert problem.spectrum.lmin[1] > 0
