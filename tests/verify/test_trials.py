"""Repeated trials give the same numbers wherever they are done."""

import contextlib
import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from bounds import AssumptionError, Guarantee, Problem, guarantee
from bounds.cells.attempt import attempt
from bounds.errors import ArgumentError, EngineError
from verify.claims import CLAIMS
from verify.claims.base import NotApplicable
from verify.runs import trials
from verify.runs.trials import probabilistic_trials, repeated_trials
from verify.session.options import read_options
from verify.verdict import Verdict


@pytest.fixture(scope="module")
def problem():
    return Problem([[1.0, 0.2], [0.1, -0.8]], [0.3, -0.2])


def numbers(found):
    """What a report says of trials, but for the time they took."""
    kept = {name: getattr(found, name) for name in ("trials", "failures", "undecided", "interval", "seeds", "verdict")}
    return kept | {"tightest": found.tightest.slack, "seed": found.tightest_run.seed}


def narrow(problem) -> Guarantee:
    """A promise for networks that are so narrow that some of them break it."""
    return dataclasses.replace(guarantee(problem, 0.05, method="slopes"), width=4, scale=1.0, delta=0.3)


def test_local_processes_give_the_same_trials(problem):
    """Trials that are stopped by their own result, and the run that is shown, which does not travel."""
    options = {"alpha": 0.3, "t_max": 2.0}
    here = probabilistic_trials(CLAIMS["theorem-1"], problem, narrow(problem), **options)
    there = probabilistic_trials(CLAIMS["theorem-1"], problem, narrow(problem), executor=2, **options)
    assert numbers(here) == numbers(there)
    np.testing.assert_array_equal(here.tightest_run.loss, there.tightest_run.loss)
    assert here.verdict is not Verdict.UNDECIDED


def late_first(work, seeds):
    """An engine whose results come in the wrong order."""
    for k in range(0, len(seeds), 3):
        for index in reversed(range(k, min(k + 3, len(seeds)))):
            yield index, attempt(work, seeds[index])


@pytest.fixture
def out_of_order(monkeypatch):
    monkeypatch.setattr(trials, "open_engine", lambda executor: contextlib.nullcontext(late_first))


@pytest.mark.parametrize("most", [None, 4])
def test_trials_count_in_the_order_of_their_seeds(problem, out_of_order, most):
    options = {"alpha": 0.3, "t_max": 2.0, "first_seed": 5, "trials": most}
    here = probabilistic_trials(CLAIMS["theorem-1"], problem, narrow(problem), **options)
    there = probabilistic_trials(CLAIMS["theorem-1"], problem, narrow(problem), executor=2, **options)
    assert numbers(here) == numbers(there)
    assert here.failures > 0
    assert (here.verdict is Verdict.UNDECIDED) == (most == 4)


@pytest.mark.parametrize("executor", [None, 2])
def test_what_a_trial_raises(out_of_order, executor):
    """A claim that says nothing, an error that is the user's to mend, and one that is ours."""

    def raising(error):
        def make(seed, rtol):
            raise error

        return lambda: repeated_trials(CLAIMS["theorem-1"], make, delta=0.1, alpha=0.1, trials=4, executor=executor)

    with pytest.raises(NotApplicable, match="nothing"):
        raising(NotApplicable("nothing"))()
    with pytest.raises(AssumptionError, match="no such network"):
        raising(AssumptionError("no such network"))()
    kind = RuntimeError if executor is None else EngineError
    with pytest.raises(kind, match=r"broken"):
        raising(RuntimeError("broken"))()


def test_a_scheduler_that_is_not_there_ends_the_session_before_it_begins(monkeypatch):
    cluster = pytest.importorskip("bounds.cells.cluster")
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "PATIENCE", 0.5)
    nothing = dict.fromkeys(("alpha", "trials", "conjectures", "data", "builtin", "budget", "report", "ledger"))
    asked = {"quick": True, "claims": "theorem-1", "activation": "tanh", "seed": "0"}
    where = {"processes": None, "scheduler": "tcp://127.0.0.1:1"}
    with pytest.raises(ArgumentError, match="cannot be reached"):
        read_options(SimpleNamespace(**nothing, **asked, **where))
    with pytest.raises(ArgumentError, match="--scheduler must be left out with --processes"):
        read_options(SimpleNamespace(**nothing, **asked, **{**where, "processes": 2}))
