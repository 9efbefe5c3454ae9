"""Three values: what holds, what refutes, what stays open; exact intervals for failure rates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import bounds
from verify.claims import CLAIMS, Comparison, select_claims
from verify.statistics import (
    confidence_sequence,
    failure_rate,
    most_trials,
    power,
    sequential_verdict,
    trials_needed,
)
from verify.verdict import Verdict, combine, judge

NAN = float("nan")


@pytest.mark.parametrize(
    ("margin", "error", "verdict"),
    [
        ([1.0, 0.5], [0.1, 0.1], Verdict.HOLDS),
        ([0.0], [0.0], Verdict.HOLDS),
        ([1.0, -0.2], [0.1, 0.1], Verdict.REFUTED),
        ([1.0, -0.05], [0.1, 0.1], Verdict.UNDECIDED),
        ([0.05], [0.1], Verdict.UNDECIDED),
        ([NAN], [0.0], Verdict.UNDECIDED),
        ([1.0], [NAN], Verdict.UNDECIDED),
        ([1.0], [np.inf], Verdict.UNDECIDED),
        ([NAN, -1.0], [0.1, 0.1], Verdict.REFUTED),
        ([], [], Verdict.UNDECIDED),
    ],
)
def test_judge(margin, error, verdict):
    assert judge(np.array(margin), np.array(error)) is verdict


def test_combine():
    H, R, U = Verdict.HOLDS, Verdict.REFUTED, Verdict.UNDECIDED
    assert combine([H, H]) is H
    assert combine([H, U]) is U
    assert combine([U, R, H]) is R
    assert combine([]) is U
    assert [v.exit_code for v in (H, R, U)] == [0, 1, 3]


@given(st.integers(1, 300), st.data())
def test_interval_is_clopper_pearson(trials, data):
    failures = data.draw(st.integers(0, trials))
    found = failure_rate(trials, failures, delta=0.05, alpha=0.01)
    exact = stats.binomtest(failures, trials).proportion_ci(0.99, method="exact")
    assert found.lower == pytest.approx(exact.low, abs=1e-10)
    assert found.upper == pytest.approx(exact.high, abs=1e-10)


@pytest.mark.parametrize("rate", [0.025, 0.05, 0.1, 0.25])
def test_error_rates_of_the_statistical_verdict(rate):
    """Exact probabilities, summed over all outcomes: a wrong verdict has probability at most alpha/2."""
    delta, alpha, trials = 0.05, 0.02, 400
    wrong = Verdict.REFUTED if rate <= delta else Verdict.HOLDS
    probability = sum(
        stats.binom.pmf(k, trials, rate)
        for k in range(trials + 1)
        if failure_rate(trials, k, delta=delta, alpha=alpha).verdict is wrong
    )
    assert probability <= alpha / 2
    if rate >= 2 * delta:
        power = sum(
            stats.binom.pmf(k, trials, rate)
            for k in range(trials + 1)
            if failure_rate(trials, k, delta=delta, alpha=alpha).verdict is Verdict.REFUTED
        )
        assert power > 0.85


@pytest.mark.parametrize("alpha", [0.05, 1e-3])
@pytest.mark.parametrize("delta", [0.05, 0.25])
def test_sequential_errors_and_power(delta, alpha):
    """Exact probabilities over all stopped sequences, at the failure rates delta/2, delta, 2 delta and 5 delta."""
    trials = most_trials(delta, alpha)
    half, at, double, five = (power(f * delta, delta=delta, alpha=alpha, trials=trials) for f in (0.5, 1, 2, 3.9))
    assert half.refuted <= alpha
    assert at.holds + at.refuted <= alpha
    assert max(double.holds, five.holds) <= alpha
    assert power(0.0, delta=delta, alpha=alpha, trials=trials).holds == 1.0
    assert five.refuted > 0.99
    assert double.refuted > half.refuted
    for found in (half, at, double, five):
        assert found.holds + found.refuted + found.undecided == pytest.approx(1.0, abs=1e-12)
        assert 1 <= found.mean_trials <= trials


def test_sequential_errors_by_simulation():
    """The same by drawing: wrong verdicts among 4000 stopped sequences at the rate delta itself."""
    delta, alpha, trials = 0.2, 0.05, 60
    rng = np.random.default_rng(0)
    failed = np.cumsum(rng.random((4000, trials)) < delta, axis=1)
    wrong = sum(
        any(sequential_verdict(n + 1, int(row[n]), delta=delta, alpha=alpha) is not Verdict.UNDECIDED
            for n in range(trials)) for row in failed[:400]
    )  # fmt: skip
    exact = power(delta, delta=delta, alpha=alpha, trials=trials)
    assert stats.binomtest(wrong, 400, exact.holds + exact.refuted).pvalue > 1e-3


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_confidence_sequence_covers_clopper_pearson(trials, data):
    """Valid at all times, so wider than the interval for a fixed number of trials; it decides as the verdict does."""
    failures = data.draw(st.integers(0, trials))
    low, high = confidence_sequence(trials, failures, alpha=0.01)
    fixed = failure_rate(trials, failures, delta=0.05, alpha=0.02)  # one-sided 0.01
    assert 0 <= low <= failures / trials <= high <= 1
    assert high >= fixed.upper - 1e-3
    verdict = sequential_verdict(trials, failures, delta=0.05, alpha=0.01)
    assert (verdict is Verdict.HOLDS) == (high <= 0.05)
    assert (verdict is Verdict.REFUTED) == (low > 0.05)


def test_undecided_trials_never_help():
    assert sequential_verdict(200, 0, undecided=30, delta=0.05, alpha=1e-3) is Verdict.UNDECIDED
    assert sequential_verdict(200, 40, undecided=0, delta=0.05, alpha=1e-3) is Verdict.REFUTED
    assert sequential_verdict(200, 40, undecided=160, delta=0.05, alpha=1e-3) is Verdict.REFUTED
    clean = failure_rate(200, 0, delta=0.05, alpha=1e-3)
    assert clean.verdict is Verdict.HOLDS
    assert failure_rate(200, 0, undecided=30, delta=0.05, alpha=1e-3).verdict is Verdict.UNDECIDED
    assert failure_rate(200, 40, undecided=0, delta=0.05, alpha=1e-3).verdict is Verdict.REFUTED


def test_trials_needed_is_exact():
    for delta, alpha in ((0.05, 1e-3), (0.05, 0.05), (0.2, 0.01)):
        k = trials_needed(delta, alpha)
        assert sequential_verdict(k, 0, delta=delta, alpha=alpha) is Verdict.HOLDS
        assert sequential_verdict(k - 1, 0, delta=delta, alpha=alpha) is Verdict.UNDECIDED


def test_the_worst_of_plain_margins_is_the_least():
    """Each violation is 100% of itself: the largest one is the worst, not that with the least relative error."""
    measured = np.array([1.0, -0.005, -0.07, 0.3])
    error = np.array([0.0, 1e-3, 1e-4, 0.0])
    c = Comparison("margin", "lower", np.zeros(4), measured, error, at=np.arange(4.0))
    assert c.worst == (2,)
    # Where both numbers are 0 nothing is compared.
    c = Comparison("bound", "lower", np.zeros(2), np.array([0.0, 0.3]), np.zeros(2), at=np.arange(2.0))
    assert c.worst == (1,)


def test_comparison_gap_and_worst_point():
    c = Comparison(
        "q", "upper", np.array([2.0, 3.0]), np.array([1.0, 2.9]), np.array([0.01, 0.01]), np.array([0.0, 7.0])
    )
    assert c.worst == (1,)
    assert c.gap == pytest.approx(3 / 2.9)
    assert c.verdict is Verdict.HOLDS


def test_selecting_claims():
    assert [c.id for c in select_claims(["pl", "rate"])] == ["pl", "rate"]
    assert len(select_claims(None)) == len(CLAIMS)
    with pytest.raises(bounds.ArgumentError, match="Did you mean 'lemma-1'"):
        select_claims(["lemma1"])
    with pytest.raises(bounds.ArgumentError, match="no claim selected"):
        select_claims([])
