"""The table at the end of `pytest verify/`: claim, verdict, trials, worst margin, where and until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bounds.text import paragraph, terminal_width
from bounds.text_table import Column, TextTable
from verify.claims import CLAIMS, Claim
from verify.ledger import Ledger
from verify.report_rows import Row, tested
from verify.session import confidence
from verify.verdict import Verdict, combine


def lines(rows: Sequence[Row], cut_short: Sequence[str], option: Any, ledger: Ledger) -> list[str]:
    """What a session says at its end. cut_short: the tests that the time budget ended; option: those of pytest."""
    found = [*table(rows), *confidence.lines(rows, ledger), f"seed {option.linrate_seed}"]
    if any(row["claim"].startswith("printed-") for row in rows):
        found.append("printed-*: statements of the paper that are false as printed (docs/errata.md);")
        found.append("UNDECIDED among them: false in one reading of the text only, or a remark")
    if cut_short:
        found.append(f"{len(cut_short)} tests were cut short by the time budget {option.budget}:")
        found += [f"  {name}" for name in sorted(cut_short)]
    if option.report:
        found.append(f"{len(rows)} rows written to {option.report}")
    if option.ledger:
        found.append(f"what holds at which confidence is in {option.ledger}")
    return found


GROUPS: dict[str, Callable[[Claim | None], bool]] = {  # heading -> whether a claim belongs there, the first that fits
    "accepted: proved, and to hold in every run": lambda claim: claim is not None and claim.proved is True,
    "false as printed: to be refuted": lambda claim: claim is not None and claim.id.startswith("printed-"),
    "unknown: without a proof": lambda claim: claim is not None,
    "your conjectures": lambda claim: claim is None,
}
MARGIN_AND_BEFORE = 46  # characters of a line before what may be cut to the width of the terminal


def table(rows: Iterable[Row], width: int | None = None) -> list[str]:
    """One line for each claim with a row, in groups, each cut to the terminal between words; then the totals.

    A line that begins with "!" is unexpected: an accepted claim that is refuted, or a false one that was found to hold.
    """
    room = terminal_width() if width is None else width
    measured = tested(rows)
    names = list(dict.fromkeys([*CLAIMS, *(row["claim"] for row in measured)]))
    longest = max((len(name) for name in names), default=0)
    columns = TextTable(
        [
            Column("", 1, "<"),
            Column("claim", min(max(16, longest), 22), "<"),
            Column("verdict", 9, "<"),
            Column("trials", 6, number_format="d"),
            Column("margin", 8, number_format=".2g"),
            Column("worst at", align="<"),
        ]
    )
    found: list[str] = []
    verdicts: list[str] = []
    unexpected = 0
    placed: set[str] = set()
    for heading, belongs in GROUPS.items():
        group = [name for name in names if name not in placed and belongs(CLAIMS.get(name))]
        placed |= set(group)
        lines = []
        for name in group:
            mine = [row for row in measured if row["claim"] == name]
            if not mine:
                continue
            verdict, trials, margin, where = _cells(mine)
            odd = is_unexpected(name, verdict)
            unexpected += odd
            verdicts.append(verdict)
            lines.append(_cut(columns.line(["!" if odd else "", name, verdict, trials, margin, where]), room))
            # The first reason why a row decides nothing, below the claim.
            for why in list(dict.fromkeys(row.get("open") for row in mine if row.get("open")))[:1]:
                lines += paragraph(why, "    ", "    ", room).splitlines()
        if lines:
            found += ["", f"{heading} ({sum(not line.startswith('    ') for line in lines)})", columns.head(), *lines]
    count = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    totals = ", ".join(f"{number} {verdict}" for verdict, number in count.items())
    odd_ones = f"{unexpected} unexpected, marked !" if unexpected else "none unexpected"
    return [*found, "", f"{len(verdicts)} claims: {totals}; {odd_ones}."]


def is_unexpected(name: str, verdict: str) -> bool:
    """Whether a proved claim is refuted, or a statement that is false as printed was found to hold."""
    claim = CLAIMS.get(name)
    if claim is None:
        return False
    if claim.proved is True:
        return verdict == Verdict.REFUTED.value
    return claim.id.startswith("printed-") and verdict == Verdict.HOLDS.value


def _cut(line: str, room: int) -> str:
    """The line, cut between two words where it is longer than the terminal is wide."""
    if len(line) <= room:
        return line
    head = line[: room - 3]
    return (head.rsplit(" ", 1)[0] if " " in head[MARGIN_AND_BEFORE:] else head).rstrip() + "..."


def _cells(rows: list[Row]) -> tuple[str, int, float, str]:
    """Verdict, number of trials, worst margin, and where it was found, of the rows of one claim."""
    meaningful = [row for row in rows if not row["vacuous"]]
    verdict = combine(Verdict(row["verdict"]) for row in meaningful).value if meaningful else "vacuous"
    worst = min(meaningful or rows, key=_worst_first)
    trials = sum(int(row.get("trials") or 1) for row in rows)
    where = "its own example"
    if "data" in worst:
        where = f"{worst['data']} {worst['activation']} m={worst['width']} scale={worst['scale']:.4g} {worst['init']}"
        where += f", until t={worst['time_end']:.4g} L/L0={worst['loss_ratio']:.2g} {worst['status']}"
    statistics = ""
    if "failures" in worst:
        low, high = worst["failure_rate_low"], worst["failure_rate_high"]
        statistics = f"; {worst['failures']} of {worst['trials']} fail, rate in [{low:.2g}, {high:.2g}]"
    within = sum(int(row.get("undecided") or 0) for row in rows)
    if within:
        statistics += f"; {within} undecided by themselves"
    return verdict, trials, worst["slack"], f"{worst['quantity']} on {where}{statistics}"


def _worst_first(row: Row) -> tuple[bool, float]:
    """The key that sorts refuted rows first, then by slack; a slack of NaN counts as the least."""
    slack = row["slack"]
    return row["verdict"] != Verdict.REFUTED.value, float("-inf") if slack != slack else slack
