"""The error budget of a session: which test has spent how much of alpha, and what is left of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from bounds.checks import check_probability, integer, real
from bounds.errors import ArgumentError
from bounds.presented import Facts, Presented

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Entry:
    """What one test has spent: the probability with which one of its verdicts may be wrong."""

    test: str
    amount: float


class Ledger(Presented):
    """An error budget alpha and what is spent of it, test by test; the sum of what is spent never exceeds alpha.

    A statistical verdict that is wrong with probability at most a costs a. By the union bound the probability that any
    verdict of the ledger is wrong is at most what is spent, and so at most alpha, whatever the verdicts have to do with
    each other. The tests of `verify` may be looked at, and stopped, at any time (`sequential_verdict`), so that a test
    costs no more for being looked at often. The sums are exact; `spent` is rounded up and `left` down.

    >>> ledger = Ledger(0.05)
    >>> ledger.spend("theorem-1", 0.01), ledger.would_exceed(0.05), ledger.would_exceed(0.03)
    (Entry(test='theorem-1', amount=0.01), True, False)

    Raises ArgumentError for alpha outside (0, 1).
    """

    def __init__(self, alpha: float) -> None:
        self.alpha = check_probability(alpha, "alpha")
        self._entries: list[Entry] = []
        self._spent = Fraction(0)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was spent, in order."""
        return tuple(self._entries)

    @property
    def spent(self) -> float:
        """The sum of what was spent, rounded up."""
        return _float(self._spent, up=True)

    @property
    def left(self) -> float:
        """What is left of alpha, rounded down."""
        return _float(Fraction(self.alpha) - self._spent, up=False)

    def would_exceed(self, amount: float) -> bool:
        """Whether more than alpha would be spent with this amount. Raises ArgumentError for an amount that is no
        probability above 0."""
        return self._spent + Fraction(_amount(amount)) > Fraction(self.alpha)

    def spend(self, test: str, amount: float) -> Entry:
        """Note that a verdict of this test is wrong with at most this probability; its entry.

        Raises ArgumentError where that is more than is left: a verdict that the budget does not cover is none.
        """
        if not isinstance(test, str):
            raise ArgumentError(f"test must be the name of a test. Found {test!r}.")
        chosen = _amount(amount)
        if self.would_exceed(chosen):
            raise ArgumentError(
                f"amount must be at most what is left of alpha = {self.alpha:g}, {self.left:.6g}. Found {chosen:.6g}"
                f" for {test!r}. Give a larger alpha, or each test a smaller share: ledger.share(count)."
            )
        entry = Entry(test, chosen)
        self._entries.append(entry)
        self._spent += Fraction(chosen)
        return entry

    def share(self, count: int) -> float:
        """The largest amount that so many verdicts can each spend of what is left, rounded down; 0 if nothing is left.

        Raises ArgumentError for a count below 1.
        """
        verdicts = integer("count", count, 1)
        return _float((Fraction(self.alpha) - self._spent) / verdicts, up=False)

    def of(self, tests: Sequence[str]) -> float:
        """What these tests have spent together, rounded up."""
        return _float(self._sum(tests), up=True)

    def confidence(self, tests: Sequence[str] | None = None) -> float:
        """1 less what these tests have spent together, by default all, rounded down: with at least this probability
        none of their verdicts is wrong."""
        return _float(1 - (self._spent if tests is None else self._sum(tests)), up=False)

    def _sum(self, tests: Sequence[str]) -> Fraction:
        return sum((Fraction(entry.amount) for entry in self._entries if entry.test in tests), Fraction(0))

    def to_frame(self) -> pd.DataFrame:
        """One row for each entry: test, alpha (spent by it), spent (with all before it), left."""
        import pandas as pd

        rows, spent = [], Fraction(0)
        for entry in self._entries:
            spent += Fraction(entry.amount)
            left = _float(Fraction(self.alpha) - spent, up=False)
            rows.append({"test": entry.test, "alpha": entry.amount, "spent": _float(spent, up=True), "left": left})
        return pd.DataFrame(rows, columns=["test", "alpha", "spent", "left"])

    def _facts(self) -> Facts:
        return {
            "alpha": f"{self.alpha:g}",
            "spent": f"{self.spent:.6g}",
            "left": f"{self.left:.6g}",
            "verdicts": str(len(self._entries)),
        }


def _amount(value: Any) -> float:
    return real("amount", value, "in (0, 1)", lambda amount: 0 < amount < 1)


def _float(number: Fraction, *, up: bool) -> float:
    """The nearest float on that side of the number."""
    nearest = float(number)
    if Fraction(nearest) < number and up:
        return math.nextafter(nearest, math.inf)
    return math.nextafter(nearest, -math.inf) if Fraction(nearest) > number and not up else nearest
