"""The gap report as a picture: theory over measurement for each quantity and method, 1 where the theory is tight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bounds.errors import require
from bounds.pictures.style import COLOURS, NOTES, VERDICTS, on_axes
from bounds.rounding import rounded
from bounds.text import printable
from verify.report_rows import Row, tested

LINE, REST, WIDE = 0.22, 1.3, 8.0  # inches: of one quantity, of what is around them, and across


def shown(rows: Sequence[Row]) -> list[Row]:
    """The rows that are drawn: measured, not vacuous, with a positive finite gap."""
    return [r for r in tested(rows) if not r["vacuous"] and r["gap"] and r["gap"] > 0 and math.isfinite(r["gap"])]


def size(rows: Sequence[Row]) -> tuple[float, float]:
    """Inches of the picture of these rows."""
    return WIDE, LINE * len({_name(row) for row in shown(rows)}) + REST


def draw_gaps(rows: Sequence[Row], ax: Any = None) -> Any:
    """Draw theory / measured of every row of the gap report, by quantity and method of proof; returns the axes.

    rows: as `reports.gap_rows` yields them. One colour for each width and scale; a dot holds, a cross is refuted, a
    ring is undecided. Rows that are vacuous or hold constants only are left out. ax: axes of matplotlib; None for those
    of a new figure.

        rows = [row for _, found in reports.gap_rows(problem, reports.GapOptions()) for row in found]
        reports.draw_gaps(rows).figure.savefig("gaps.pdf")

    Raises ArgumentError where nothing can be drawn or `ax` is no axes, AssumptionError where matplotlib is missing.
    """
    drawn = shown(rows)
    require(len(drawn) > 0, "rows", "rows of the gap report with a gap in one of them", len(rows))
    names = list(dict.fromkeys(_name(row) for row in drawn))
    places = list(dict.fromkeys((row["width"], row["scale"]) for row in drawn))
    with on_axes(ax, size=size(rows)) as axes:
        for k, place in enumerate(places):
            width, scale = place
            label = f"m = {width}, scale {rounded(float(scale))}"
            for verdict, look in VERDICTS.items():
                mine = [r for r in drawn if (r["width"], r["scale"]) == place and r["verdict"] == verdict]
                if mine:
                    heights = [names.index(_name(row)) + 0.22 * (k - (len(places) - 1) / 2) for row in mine]
                    style = {**look, "color": COLOURS[k % len(COLOURS)], "linestyle": "", "markersize": 5.5}
                    words = label if verdict == "HOLDS" else f"{label}, {verdict}"
                    axes.plot([row["gap"] for row in mine], heights, label=words, **style)
        axes.axvline(1.0, color="black", lw=1.2, zorder=1)
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, 0.3), max(high, 3.0))
        axes.annotate("tight", (1.0, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 2), ha="center",
                      textcoords="offset points", **NOTES)  # fmt: skip
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlabel("theory / measured (no unit), where the claim is nearest to failing")
        axes.legend(loc="lower center", bbox_to_anchor=(0.25, 1.03), ncols=3)
    return axes


def _name(row: Row) -> str:
    """Claim, quantity and method of proof of a row, with the side on which the theory bounds the measurement."""
    method = f", by {row['method']}" if row.get("method") else ""
    return printable(f"{row['claim']}: {row['quantity']}{method}")
