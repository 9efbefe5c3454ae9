"""The gap report as text for a terminal."""

from __future__ import annotations

from bounds import Problem
from bounds.text import printable
from bounds.text_table import Column, TextTable
from verify.report_rows import Row, tested

ASKED = TextTable(
    [
        Column("method", 14, "<"),
        Column("init", 14, "<"),
        Column("required width", 15),
        Column("scale", 11),
        Column("rate", 11),
    ]
)
TESTED = TextTable(
    [
        Column("claim", 19, "<"),
        Column("quantity", 25, "<"),
        Column("scale", 9),
        Column("theory", 11),
        Column("measured", 11),
        Column("gap", 9),
        Column("verdict", align="<"),
    ]
)


def summary(problem: Problem, rows: list[Row]) -> str:
    """The problem, a table of what each method asks for, and a table with one line for each tested quantity.

    rows: of the gap report, as `gap_rows` yields them.
    """
    low = problem.spectrum.lmin[0]
    high = problem.spectrum.lmax[1]
    title = (
        f"{printable(problem.name)}: n={problem.n} d={problem.d} {problem.activation.name}"
        f" lambda_min >= {low:.5g} lambda_max <= {high:.5g} ||y|| = {float(problem.y_norm):.5g}"
    )
    asked = _asked_lines([row for row in rows if row.get("trials") == 0])
    return "\n".join([title, "", ASKED.head(), *asked, "", TESTED.head(), *map(_tested_line, tested(rows))])


def _asked_lines(constants: list[Row]) -> list[str]:
    """One line for each method and initialisation; `constants` has a row for each of their three quantities."""
    rates = {(row["method"], row["init"]): row["theory"] for row in constants if row["quantity"] == "promised rate"}
    return [
        ASKED.line([row["method"], row["init"], row["theory"], row["scale"], rates[row["method"], row["init"]]])
        for row in constants
        if row["quantity"] == "required width"
    ]


def _tested_line(row: Row) -> str:
    verdict = row["verdict"] + (" (vacuous)" if row["vacuous"] else "")
    if row.get("trials"):
        verdict += f" ({row['failures']} failures in {row['trials']} trials)"
    numbers = [row[name] for name in ("scale", "theory", "measured", "gap")]
    return TESTED.line([row["claim"], row["quantity"], *numbers, verdict])
