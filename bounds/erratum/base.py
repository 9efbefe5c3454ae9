"""What an erratum is. A statement is refuted by comparing two enclosed numbers, never by assigning a flag."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flint import arb

from bounds.numerics.arithmetic import float_down, float_up
from bounds.presented import Facts, Presented

Relation = Literal["<=", ">=", ">", "=="]
Evidence = Literal["exact", "enclosed", "numerical"]
Grade = Literal["proved", "reading", "remark"]
Interval = tuple[float, float]

GRADES: dict[Grade, str] = {
    "proved": "false as printed and proved so",
    "reading": "depends on a reading",
    "remark": "remark",
}
EQUAL_TO = 1e-9  # two enclosures that overlap count as equal when together they are no wider than this


def enclose(value: float | arb) -> Interval:
    """(lower, upper): floats below and above every number in the ball; of a float, the float itself twice."""
    return (float_down(value), float_up(value)) if isinstance(value, arb) else (float(value), float(value))


def within(value: float, error: float) -> Interval:
    """(lower, upper): a value computed in floating point, widened by its stated absolute error."""
    return value - error, value + error


@dataclass(frozen=True)
class Claim:
    """`actual relation promised`: what a statement promises of a number in one example. Both are (lower, upper)."""

    actual: Interval
    relation: Relation
    promised: Interval

    @property
    def ends(self) -> tuple[float, float]:
        """(actual, promised) at the ends that decide: the nearest to the contrary verdict."""
        (low, high), (least, most) = self.actual, self.promised
        if self.relation == "==":
            return (low + high) / 2, (least + most) / 2
        upwards = (self.relation == "<=") != (self.holds is True)
        return (low, most) if upwards else (high, least)

    @property
    def holds(self) -> bool | None:
        """Whether the promise is kept: True or False if the enclosures decide it, else None (a NaN never decides)."""
        (low, high), (least, most) = self.actual, self.promised
        if self.relation == "<=":
            return True if high <= least else False if low > most else None
        if self.relation == ">=":
            return True if low >= most else False if high < least else None
        if self.relation == ">":
            return True if low > most else False if high <= least else None
        if high < least or most < low:
            return False
        return True if max(high, most) - min(low, least) <= EQUAL_TO else None


@dataclass(frozen=True)
class Demonstration:
    """One example in which the printed statement fails and the repaired one holds.

    quantity names `actual` of both claims; evidence says how far the refutation can be trusted: "exact" (integers,
    SymPy, closed forms without rounding), "enclosed" (python-flint balls) or "numerical" (floating point, its error
    inside the enclosures); note tells what the numbers are.
    """

    quantity: str
    printed: Claim
    repaired: Claim
    evidence: Evidence
    note: str

    @property
    def printed_value(self) -> float:
        """The number that the printed statement promises: of its enclosure, the end that decides."""
        return self.printed.ends[1]

    @property
    def true_value(self) -> float:
        """The number that the printed statement is about: of its enclosure, the end that decides."""
        return self.printed.ends[0]

    @property
    def repaired_value(self) -> float:
        """The number that the repaired statement promises: of its enclosure, the end that decides."""
        return self.repaired.ends[1]

    @property
    def refuted(self) -> bool:
        """Whether the printed promise is certainly broken."""
        return self.printed.holds is False

    @property
    def as_documented(self) -> bool | None:
        """Whether the printed statement is refuted and the repaired one holds; None if the numbers do not decide."""
        if self.printed.holds is True or self.repaired.holds is False:
            return False
        return True if self.refuted and self.repaired.holds else None


@dataclass(frozen=True, repr=False)
class Erratum(Presented):
    """A false or unreadable step of the paper, or a remark on it.

    id: "E5"; where: equation numbers; title: a line; printed: the statement; fails: why; repaired: what is true;
    proof: of the repair; consequence: for the theorems; demonstrate(): the counterexample, computed.
    grade: "proved" where the words of the paper are a statement, legible, and false by a proof; "reading" where the
    text at hand, or what is meant, leaves two readings and only one is false; "remark" for what is no statement of
    the theory (the experiments, the comparison with other work). Only "proved" counts as a refuted statement.
    """

    id: str
    where: str
    title: str
    printed: str
    fails: str
    repaired: str
    proof: str
    consequence: str
    grade: Grade
    demonstrate: Callable[[], Demonstration]

    def _headline(self) -> str:
        return f"{self.id}: {self.title}"

    def _facts(self) -> Facts:
        return {
            "erratum": f"{self.id} ({GRADES[self.grade]})",
            "where": self.where,
            "printed": self.printed,
            "fails": self.fails,
            "repaired": self.repaired,
            "consequence": self.consequence,
        }

    def refutes(self, shown: Demonstration) -> bool:
        """Whether a statement of the paper is refuted: its text is certain, and the numbers contradict it."""
        return self.grade == "proved" and shown.refuted
