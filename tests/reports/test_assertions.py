"""The test behind each verdict, on runs that are made up, whose truth is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from bounds.command_line import run
from reports.assertions.judge import judge_assertion, sign_test
from reports.assertions.statements import ASSERTIONS
from reports.assertions.trials import (
    better,
    fall_time,
    falls_with_n,
    late_over_early,
    measure_is,
    nearly_linear,
    slower_with_n,
    widths_agree,
)
from reports.cli import main
from reports.experiments import experiment_1, experiment_3
from reports.experiments.case import Result
from verify.verdict import Verdict

TIMES = np.concatenate([[0.0], np.geomspace(1e-3, 200.0, 2000)])
CASES = {(c.model, c.n, c.repeat): c for c in experiment_3.cases(experiment_3.QUICK, 256)}


def falling(loss, case=None, **measures):
    case = experiment_1.cases(experiment_1.QUICK, 512)[0] if case is None else case
    return Result(case, "LOSS_REACHED", time=TIMES, loss=loss, loss_error=0 * TIMES, measures=measures)


def with_error(model, n, repeat, error, **measures):
    measures = {"moved": 1.0, "spread_after": 1.0, **measures}
    return Result(
        CASES[model, n, repeat],
        "LOSS_REACHED",
        time=TIMES[:1],
        loss=TIMES[:1],
        test_mse=np.array([error]),
        measures=measures,
    )


@pytest.mark.parametrize("trials", [1, 5, 9, 15])
def test_the_sign_test_is_exact(trials):
    for true in range(trials + 1):
        above, below = sign_test(true, trials)
        assert above == pytest.approx(binomtest(true, trials, alternative="greater").pvalue, rel=1e-12)
        assert below == pytest.approx(binomtest(true, trials, alternative="less").pvalue, rel=1e-12)


def test_a_time_of_fall_is_that_of_the_curve():
    run = falling(5.0 * np.exp(-0.3 * TIMES))
    assert fall_time(run, 1e-2) == pytest.approx(np.log(100) / 0.3, rel=1e-4)
    assert fall_time(run, 1e-30) == np.inf
    assert late_over_early(run) == pytest.approx(1.0, rel=0.02)
    # Rate 1 down to a tenth of the fall, then a third of it.
    bent = np.where(TIMES < 9.0, -TIMES, -9.0 - (TIMES - 9.0) / 3)
    assert late_over_early(falling(np.exp(np.maximum(bent, -18.0 + np.log(10))))) == pytest.approx(1 / 3, rel=0.1)
    assert np.isnan(late_over_early(falling(np.maximum(np.exp(-TIMES), 0.5))))


def verdict(trials, runs):
    return judge_assertion(replace(ASSERTIONS[0], trials=trials), runs)


def test_three_verdicts_of_a_comparison():
    runs = [with_error("ours", n, k, 0.1) for n in (30, 60, 90) for k in range(5)]
    worse = [with_error("ntk", n, k, 0.3) for n in (30, 60, 90) for k in range(5)]
    found = verdict(better("ours", "ntk"), runs + worse)
    assert (found.verdict, found.trials, found.true) == (Verdict.HOLDS, 15, 15)
    assert found.effect == pytest.approx(3.0)
    assert found.p == pytest.approx(2.0**-15)
    assert verdict(better("ntk", "ours"), runs + worse).verdict is Verdict.REFUTED
    mixed = [with_error("ntk", n, k, 0.3 if k % 2 else 0.05) for n in (30, 60, 90) for k in range(5)]
    assert verdict(better("ours", "ntk"), runs + mixed).verdict is Verdict.UNDECIDED
    four = [r for r in runs + worse if r.case.n == 30 and r.case.repeat < 4]
    assert verdict(better("ours", "ntk"), four).verdict is Verdict.UNDECIDED  # 2^-4 is more than the level
    assert verdict(better("ours", "ntk"), []).verdict is Verdict.UNDECIDED


def test_runs_without_their_pair_are_no_trials():
    runs = [with_error("ours", 30, k, 0.1) for k in range(5)] + [with_error("ntk", 30, k, 0.3) for k in range(2)]
    assert verdict(better("ours", "ntk"), runs).trials == 2


def test_statements_about_one_model():
    runs = [with_error("ours", n, k, 1.0 / n) for n in (30, 60, 90) for k in range(5)]
    assert verdict(falls_with_n("ours"), runs).verdict is Verdict.HOLDS
    assert verdict(measure_is("ours", lambda m: m["moved"], lambda moved: moved > 2), runs).verdict is Verdict.REFUTED
    flat = [with_error("ours", n, k, 1.0) for n in (30, 60, 90) for k in range(5)]
    assert verdict(falls_with_n("ours"), flat).verdict is Verdict.REFUTED


def test_statements_about_rates():
    cases = [c for width in (512, 256) for c in experiment_1.cases(experiment_1.QUICK, width)]
    runs = [falling(np.exp(-20 * TIMES / c.n), c) for c in cases]
    assert verdict(nearly_linear(20, "shallow"), runs).verdict is Verdict.HOLDS
    assert verdict(slower_with_n(1e-2), runs).verdict is Verdict.HOLDS
    assert verdict(widths_agree(lambda r: fall_time(r, 1e-2), "shallow"), runs).verdict is Verdict.HOLDS
    apart = [falling(np.exp(-20 * TIMES / c.n * (1 + 0.2 * (c.width == 256))), c) for c in cases]
    assert verdict(widths_agree(lambda r: fall_time(r, 1e-2), "shallow"), apart).verdict is Verdict.REFUTED
    slowing = [falling(np.exp(-10 * np.log1p(TIMES)), c) for c in cases]
    assert verdict(nearly_linear(20, "shallow"), slowing).verdict is Verdict.REFUTED


def test_every_assertion_has_a_name_of_its_own():
    assert len({a.id for a in ASSERTIONS}) == len(ASSERTIONS)
    assert all(judge_assertion(a, []).verdict is Verdict.UNDECIDED for a in ASSERTIONS)


@pytest.mark.parametrize(("given", "methods"), [([], ("flow", "flow")), (["--method", "descent"], ("descent",) * 2)])
def test_the_method_of_the_runs_is_in_the_table(tmp_path, monkeypatch, given, methods):
    def judged(runner, sizes):
        assert set(sizes) == {"experiment-1", "experiment-2", "experiment-3"}
        assert {size.method for size in sizes.values()} == set(methods)
        return [judge_assertion(a, []) for a in ASSERTIONS[:2]]

    monkeypatch.setattr("reports.assertions.page.findings", judged)
    out = tmp_path / "table.csv"
    where = ["--out", str(out), "--cache", str(tmp_path / "cache")]
    assert run(main, ["assertions", "--quick", *given, *where]) == 0
    table = pd.read_csv(out)
    assert tuple(table["method"]) == methods
    assert tuple(table["size"]) == ("reduced", "reduced")


@pytest.mark.parametrize("given", [["--method", "flow"], ["--experiment", "1"]])
def test_the_page_is_about_all_experiments(capsys, given):
    assert run(main, ["assertions", "--quick", "--markdown", *given]) == 2
    assert f"{given[0]} must be left out with --markdown" in capsys.readouterr().err
