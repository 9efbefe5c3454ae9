"""The error budget: what is spent never exceeds alpha, to the last digit; a session's verdicts spend it."""

import math
from fractions import Fraction
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bounds
from verify import Ledger
from verify.session.confidence import confidence_rows, lines, write_ledger
from verify.session.outcome import ROW, SPENT
from verify.session.rows import RowCollector
from verify.statistics import power

ALPHAS = st.floats(1e-12, 1.0, exclude_max=True)


@given(ALPHAS, st.integers(1, 300))
def test_equal_shares_never_sum_to_more_than_alpha(alpha, count):
    ledger = Ledger(alpha)
    share = ledger.share(count)
    for k in range(count):
        ledger.spend(f"test {k}", share)
    total = sum(Fraction(entry.amount) for entry in ledger.entries)
    assert total <= Fraction(alpha)
    assert Fraction(alpha) - total <= count * Fraction(alpha) / 10**15  # and nothing to speak of is lost
    assert Fraction(ledger.spent) >= total
    assert Fraction(ledger.left) <= Fraction(alpha) - total
    assert ledger.would_exceed(share)


@given(ALPHAS, st.lists(st.floats(1e-12, 1.0, exclude_max=True), max_size=20))
def test_no_amounts_are_accepted_beyond_alpha(alpha, amounts):
    ledger = Ledger(alpha)
    for amount in amounts:
        before = ledger.entries
        if ledger.would_exceed(amount):
            with pytest.raises(bounds.ArgumentError, match="amount must be at most what is left"):
                ledger.spend("one more", amount)
            assert ledger.entries == before
        else:
            ledger.spend("one more", amount)
        assert sum(Fraction(entry.amount) for entry in ledger.entries) <= Fraction(alpha)


def test_sums_are_exact():
    """0.1 + 0.2 is below 0.30000000000000004 and above 0.3: a sum of floats would miss one of the two."""
    assert not Ledger(0.30000000000000004).would_exceed(0.3)
    ledger = Ledger(0.3)
    ledger.spend("a", 0.1)
    assert ledger.would_exceed(0.2)
    assert ledger.of(["a", "b"]) == 0.1
    assert ledger.to_frame()["test"].tolist() == ["a"]
    assert "spent=0.1" in repr(ledger)


@pytest.mark.parametrize("wrong", [0.0, -0.1, 1.0, float("nan"), "much"])
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(bounds.ArgumentError, match="amount must be"):
        Ledger(0.05).spend("a", wrong)
    with pytest.raises(bounds.ArgumentError, match="alpha must be"):
        Ledger(wrong)


@pytest.mark.parametrize("count", [1, 4])
def test_verdicts_that_are_looked_at_after_each_trial_keep_the_budget(count):
    """Each test stops when it likes. Just beyond delta HOLDS is wrong, just below it REFUTED is: the exact probability
    of that in any of the tests, by the union bound, is at most alpha."""
    alpha, delta = 0.05, 0.2
    share = Ledger(alpha).share(count)
    for rate, wrong in ((delta * (1 + 1e-9), "holds"), (delta * (1 - 1e-9), "refuted")):
        errs = getattr(power(rate, delta=delta, alpha=share, trials=400), wrong)
        assert 0 < errs <= share
        assert count * errs <= alpha


def report(test, outcome, spent, claim="pl", verdict="HOLDS", **more):
    row = {"claim": claim, "verdict": verdict, "vacuous": False}
    properties = [(ROW, row), *((SPENT, amount) for amount in spent)]
    return SimpleNamespace(
        when="call", nodeid=test, skipped=outcome == "skipped", user_properties=properties, **more
    )  # fmt: skip


def test_a_session_spends_what_its_verdicts_may_err():
    collector = RowCollector(None, 0.04)
    collector.pytest_runtest_logreport(report("t::passed", "passed", [0.01, 0.01], "theorem-1"))
    collector.pytest_runtest_logreport(report("t::refuted", "failed", [0.01], "corollary-1", "REFUTED"))
    collector.pytest_runtest_logreport(report("t::open", "skipped", [0.005], "lemma-2", "UNDECIDED", wasxfail="why"))
    collector.pytest_runtest_logreport(report("t::left out", "skipped", [0.005]))
    collector.pytest_runtest_logreport(report("t::certain", "passed", [], "rate"))
    assert collector.ledger.spent == pytest.approx(0.035)
    found = {row["claim"]: row for row in confidence_rows(collector.rows, collector.ledger)}
    assert found["theorem-1"]["confidence"] == pytest.approx(0.98)
    assert found["rate"]["confidence"] is None
    assert found["rate"]["basis"] == "every run looked at"
    said = "\n".join(lines(collector.rows, collector.ledger))
    assert "HOLDS with confidence 0.98: theorem-1" in said
    assert "HOLDS in every run looked at: pl, rate" in said
    assert "corollary-1" not in said
    assert "0.035 spent by 4 of 4 statistical verdicts" in said


def test_the_page_of_what_holds_is_a_file(tmp_path):
    collector = RowCollector(None, 0.04)
    collector.pytest_runtest_logreport(report("t::passed", "passed", [0.01], "theorem-1"))
    write_ledger(collector.rows, collector.ledger, tmp_path / "ledger.csv")
    head, line = (tmp_path / "ledger.csv").read_text().splitlines()
    assert head.startswith("claim,verdict,confidence,alpha,tests,runs,basis,budget,spent,left")
    assert line.startswith("theorem-1,HOLDS,0.99,0.01,1,1,statistical")


def test_a_confidence_is_rounded_down():
    """The plain difference in floating point is above the exact one for some amounts."""
    amounts = [k / 1000 for k in range(1, 200)]
    for amount in amounts:
        ledger = Ledger(0.5)
        ledger.spend("one", amount)
        exact = 1 - Fraction(amount)
        assert Fraction(ledger.confidence()) <= exact < Fraction(math.nextafter(ledger.confidence(), 2.0))
        assert ledger.confidence(["one"]) == ledger.confidence()
        assert ledger.confidence(["another"]) == 1.0
    assert any(Fraction(1 - amount) > 1 - Fraction(amount) for amount in amounts)
