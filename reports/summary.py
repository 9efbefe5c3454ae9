"""The gap report as text for a terminal."""

from __future__ import annotations

from bounds import Problem
from bounds.rounding import rounded
from bounds.text import Colour, coloured, paragraph
from bounds.text_table import Column, TextTable
from verify.report_rows import Row, overall, tested

ASKED = TextTable(
    [
        Column("method", 14, "<"),
        Column("init", 14, "<"),
        Column("required width", 15, rounding="up"),
        Column("scale", 11, rounding="up"),
        Column("rate", 11, rounding="down"),
    ]
)
TESTED = TextTable(
    [
        Column("claim", 19, "<"),
        Column("quantity", 21, "<"),
        Column("theory", 9),
        Column("measured", 9),
        Column("gap", 7, number_format=".3g"),
        Column("verdict", align="<"),
    ]
)
COLOURS: dict[str, Colour] = {"HOLDS": "green", "REFUTED": "red", "UNDECIDED": "yellow"}
MEANING = {
    "HOLDS": "No run that was looked at violates the theory, with the numerical error inside each verdict.",
    "REFUTED": "A run violates the theory by more than its numerical error.",
    "UNDECIDED": "Neither was shown: the numerical error, or the number of trials, allows no verdict on some claims.",
}


def summary(problem: Problem, rows: list[Row]) -> str:
    """The problem, what each method asks for, the tested quantities by width and scale, and a closing sentence.

    rows: of the gap report, as `gap_rows` yields them.
    """
    title = (
        f"{problem.name}: n={problem.n} d={problem.d} {problem.activation.name}"
        f" lambda_min >= {rounded(problem.spectrum.lmin[0], 'down')}"
        f" lambda_max <= {rounded(problem.spectrum.lmax[1], 'up')} ||y|| = {rounded(float(problem.y_norm))}"
    )
    asked = _asked_lines([row for row in rows if row.get("trials") == 0])
    lines = [paragraph(title), "", ASKED.head(), *asked]
    found = tested(rows)
    for width, scale in dict.fromkeys((row["width"], row["scale"]) for row in found):
        here = [row for row in found if (row["width"], row["scale"]) == (width, scale)]
        lines += ["", f"width {width}, scale {rounded(float(scale))}", TESTED.head(), *map(_tested_line, here)]
    return "\n".join([*lines, "", paragraph(closing(rows))])


def closing(rows: list[Row]) -> str:
    """What the report found, in one or two sentences."""
    verdict = overall(rows).value
    found = tested(rows)
    vacuous = sum(bool(row["vacuous"]) for row in found)
    besides = f" {vacuous} of {len(found)} bounds are vacuous there: they say nothing." if vacuous else ""
    return f"{verdict}. {MEANING[verdict]}{besides}"


def _asked_lines(constants: list[Row]) -> list[str]:
    """One line for each method and initialisation; `constants` has a row for each of their three quantities."""
    rates = {(row["method"], row["init"]): row["theory"] for row in constants if row["quantity"] == "promised rate"}
    return [
        ASKED.line([row["method"], row["init"], row["theory"], row["scale"], rates[row["method"], row["init"]]])
        for row in constants
        if row["quantity"] == "required width"
    ]


def _tested_line(row: Row) -> str:
    verdict = coloured(row["verdict"], COLOURS[row["verdict"]]) if not row["vacuous"] else "vacuous"
    numbers = [row[name] for name in ("theory", "measured", "gap")]
    line = f"{TESTED.line([row['claim'], row['quantity'], *numbers, ''])}  {verdict}"
    if row.get("trials"):
        line += f"\n{'':20}{row['failures']} failures in {row['trials']} trials"
    return line
