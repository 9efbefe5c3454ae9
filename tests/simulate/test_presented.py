"""Runs and networks in few words, also by the dozen, and what a run gives to other programs."""

import copy
import json
import pickle

import numpy as np

import simulate
from verify import CLAIMS, Run


def test_a_run_shows_itself(small):
    run = simulate.gradient_flow(small, width=64, scale=1.0, seed=3, t_max=2.0)
    assert len(repr(run)) < 250
    assert len(repr([run] * 50)) < 12_500
    assert "loss" in repr(run)
    assert run.status.name in repr(run)
    assert "<table>" in run._repr_html_()
    assert len(run._repr_html_()) < 3000
    assert len(repr(run.initial)) < 100
    verified = Run.of(run)
    assert len(repr(verified)) < 250
    comparison = CLAIMS["pl"].comparisons(verified)[0]
    assert len(repr(comparison)) < 250
    assert comparison.verdict.name in comparison._repr_html_()


def test_a_run_travels(small):
    run = simulate.gradient_flow(small, width=64, scale=1.0, seed=3, t_max=2.0)
    for again in (copy.deepcopy(run), pickle.loads(pickle.dumps(run))):
        np.testing.assert_array_equal(again.loss, run.loss)
        np.testing.assert_array_equal(again.final.H, run.final.H)
        assert again.problem.activation is run.problem.activation
    read = json.loads(run.to_json())
    assert read["loss"] == run.loss.tolist()
    assert read["status"] == run.status.name
    assert read["problem"]["activation"] == "tanh"
