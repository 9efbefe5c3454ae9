"""The table at the end of `pytest verify/`: claim, verdict, trials, worst margin, where and until when."""

from __future__ import annotations

from collections.abc import Iterable

from bounds.text_table import Column, TextTable
from verify.claims import CLAIMS
from verify.report_rows import Row, tested
from verify.verdict import Verdict, combine


def table(rows: Iterable[Row]) -> list[str]:
    """One line for each claim with a row, in the order of the registry, then the conjectures."""
    measured = tested(rows)
    names = list(dict.fromkeys([*CLAIMS, *(row["claim"] for row in measured)]))
    width = max(16, *(len(name) for name in names))
    columns = TextTable(
        [
            Column("claim", width, "<"),
            Column("verdict", 10, "<"),
            Column("trials", 7, number_format="d"),
            Column("worst margin", 13, number_format=".2g"),
            Column("where", align="<"),
        ]
    )
    lines = [columns.head()]
    for name in names:
        mine = [row for row in measured if row["claim"] == name]
        if mine:
            lines.append(columns.line([name, *_cells(mine)]))
            # The first reason why a row decides nothing, on a line of its own under the claim.
            lines += [f"{'':{width}} {why}" for why in dict.fromkeys(row.get("open") for row in mine) if why][:1]
    return lines


def _cells(rows: list[Row]) -> tuple[str, int, float, str]:
    """Verdict, number of trials, worst margin, and where it was found, of the rows of one claim."""
    meaningful = [row for row in rows if not row["vacuous"]]
    verdict = combine(Verdict(row["verdict"]) for row in meaningful).value if meaningful else "vacuous"
    worst = min(meaningful or rows, key=_room)
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


def _room(row: Row) -> tuple[bool, float]:
    """A refuted row first, then the one with the least room; NaN leaves none."""
    slack = row["slack"]
    return row["verdict"] != Verdict.REFUTED.value, float("-inf") if slack != slack else slack
