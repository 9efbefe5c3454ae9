"""The table at the end of `pytest verify/`: claim, verdict, trials, worst margin, where and until when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bounds.text_table import Column, TextTable
from verify.claims import CLAIMS
from verify.report_rows import Row, tested
from verify.verdict import Verdict, combine


def lines(rows: Sequence[Row], cut_short: Sequence[str], option: Any) -> list[str]:
    """What a session says at its end. cut_short: the tests that the time budget ended; option: those of pytest."""
    found = [*table(rows), f"seed {option.linrate_seed}"]
    shares = {row["alpha"] for row in rows if "alpha" in row}
    if shares:
        found.append(f"error budget of all statistical verdicts {option.alpha:g}: {max(shares):.2g} for each")
    if any(row["claim"].startswith("printed-") for row in rows):
        found.append("printed-*: statements of the paper that are false as printed (docs/errata.md);")
        found.append("UNDECIDED among them: false in one reading of the text only, or a remark")
    if cut_short:
        found.append(f"{len(cut_short)} tests were cut short by the time budget {option.budget}:")
        found += [f"  {name}" for name in sorted(cut_short)]
    if option.report:
        found.append(f"{len(rows)} rows written to {option.report}")
    return found


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
