"""What holds at which confidence: the verdicts of a session beside what they have spent of its error budget."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bounds.csv_file import write_csv
from bounds.rounding import rounded
from bounds.text import paragraph
from bounds.versions import versions
from verify.ledger import Ledger
from verify.report_rows import Row, tested
from verify.verdict import Verdict, combine

COLUMNS = ("claim", "verdict", "confidence", "alpha", "tests", "runs", "basis", "budget", "spent", "left")
NO_ERROR = "every run looked at"  # a verdict that may not err by chance
BY_CHANCE = "statistical"
NOTHING = 1e-12  # share of alpha below which what is left is only what rounding the shares down has left over


def confidence_rows(rows: Sequence[Row], ledger: Ledger) -> list[Row]:
    """One row for each claim with a verdict: how sure it is, and what of the error budget it has used.

    rows: of the report, each with the `test` that recorded it. confidence: 1 - what the tests of the claim have spent
    together; None where the verdict is about every run that was looked at, which no chance makes wrong.
    """
    found = []
    measured = [row for row in tested(rows) if not row["vacuous"]]
    for claim in dict.fromkeys(row["claim"] for row in measured):
        mine = [row for row in measured if row["claim"] == claim]
        tests = list(dict.fromkeys(row.get("test", "") for row in mine))
        spent = ledger.of(tests)
        found.append(
            {
                "claim": claim,
                "verdict": combine(Verdict(row["verdict"]) for row in mine).value,
                "confidence": ledger.confidence(tests) if spent > 0 else None,
                "alpha": spent,
                "tests": len(tests),
                "runs": sum(int(row.get("trials") or 1) for row in mine),
                "basis": BY_CHANCE if spent > 0 else NO_ERROR,
                "budget": ledger.alpha,
                "spent": ledger.spent,
                "left": ledger.left,
                **versions(),
            }
        )
    return found


def write_ledger(rows: Sequence[Row], ledger: Ledger, path: str | Path) -> None:
    """Write `confidence_rows` as CSV. Raises WriteError if the disk is full."""
    write_csv(path, confidence_rows(rows, ledger), (*COLUMNS, *versions()))


def lines(rows: Sequence[Row], ledger: Ledger) -> list[str]:
    """The section of the summary: what holds at which confidence, and what of the budget is spent."""
    found = confidence_rows(rows, ledger)
    holding = [row for row in found if row["verdict"] == Verdict.HOLDS.value]
    said: list[str] = []
    by_chance: dict[str, list[str]] = {}
    for row in holding:
        if row["basis"] == BY_CHANCE:
            by_chance.setdefault(_at_least(row["confidence"]), []).append(row["claim"])
    for confidence, claims in by_chance.items():
        said += paragraph(", ".join(claims), f"  HOLDS with confidence {confidence}: ", "    ").splitlines()
    certain = [row["claim"] for row in holding if row["basis"] == NO_ERROR]
    if certain:
        said += paragraph(", ".join(certain), f"  HOLDS in {NO_ERROR}: ", "    ").splitlines()
    used = _budget(ledger).splitlines() if ledger.entries else []
    return [*(["", "what holds, and how sure that is", *said] if said else []), *used]


def _budget(ledger: Ledger) -> str:
    """What of the budget is spent, in a sentence. Equal shares: alpha over one is the number of verdicts planned."""
    verdicts = round(ledger.alpha / ledger.entries[0].amount)
    left = _at_least(ledger.left) if ledger.left > NOTHING * ledger.alpha else "0"
    return paragraph(
        f"error budget {ledger.alpha:g}: {_at_most(ledger.spent)} spent by {len(ledger.entries)} of {verdicts}"
        f" statistical verdicts, {left} left; with probability at least {_at_least(ledger.confidence())} none of them"
        " is wrong"
    )


def _at_least(number: float) -> str:
    """The number with six digits, in floats not above it: what somebody wrote as 0.999 is shown so."""
    near = f"{number:.6g}"
    return near if float(near) <= number else rounded(number, "down", 6)


def _at_most(number: float) -> str:
    """The number with six digits, in floats not below it."""
    near = f"{number:.6g}"
    return near if float(near) >= number else rounded(number, "up", 6)
