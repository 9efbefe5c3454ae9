"""No evidence is no verdict: sessions that tested nothing, runs cut by a limit, laws of a width of their own."""

import pytest

from bounds import AssumptionError, Problem, guarantee
from bounds.data.datasets import load_builtin
from reports import slack
from tests.commands import python_m
from verify import bracket, conjecture
from verify.runs import regimes


def test_a_session_in_which_everything_was_skipped_is_undecided():
    """Lemma 4 is tested on examples of its own, which a session about the user's data leaves out."""
    options = ["-q", "-p", "no:cacheprovider", "--claims", "lemma-4", "--builtin", "reference", "--n", "3"]
    done = python_m("pytest", "verify/", *options)
    assert "skipped" in done.stdout
    assert "passed" not in done.stdout
    assert done.returncode == 3, done.stdout


def test_a_rate_that_a_step_limit_cut_off_is_not_reported(monkeypatch):
    monkeypatch.setattr(slack, "MOST_STEPS", 1)
    monkeypatch.setattr(slack, "WIDTH", 16)
    problem = Problem(*load_builtin("reference"), activation="tanh", name="reference")
    g = guarantee(problem, 0.05, method="slopes", init="antisymmetric")
    trial = slack.Trial(problem, g.init, trials=1, seed=0, slowest=g.rate / g.scale**2)
    found = {row["quantity"]: row for row in slack.quantities(trial, g)}
    for row in found.values():
        assert (row["sufficient"], row["slack"], row["bracket"]) == (None, None, "none")


def test_a_law_of_a_width_of_its_own_is_tested_where_the_theorem_s_width_is_too_large():
    """Eight neurons are what this law asks for; for two inputs so nearly parallel the theorem asks for far too many."""
    problem = Problem([[1.0, 0.0], [1.0, 1e-3]], [0.1, -0.1], name="nearly parallel")
    assert not regimes.simulable(guarantee(problem, 0.25), problem)

    def law(C):
        @conjecture(delta=0.25, width=lambda _: C, init="independent", loss_ratio=0.5)
        def wide_enough(run):
            """The network has at least eight neurons."""
            return (run.width - 7.5) + 0 * run.loss

        return wide_enough

    found = bracket(law, problem, 2, 32, steps=2, alpha=0.2)
    assert found.refuted < 8 <= found.holds
    with pytest.raises(AssumptionError, match="cannot be simulated"):
        bracket(law, problem, 2, 10**9, steps=2, alpha=0.2)


def test_a_trained_last_layer_of_a_million_neurons_is_not_simulated():
    """At a large mobility independent signs ask for more than a million neurons, whose field is not compiled: minutes
    of a report. Pairs ask for few."""
    problem = Problem(*load_builtin("reference", n=5), last_layer=1e6)
    assert guarantee(problem).width > 10**6
    g = regimes.simulable_guarantee(problem)
    assert g is not None
    assert (g.init, g.width < 10**4) == ("antisymmetric", True)
