"""The layout of every table on the terminal."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bounds.rounding import Side, rounded
from bounds.text import printable, terminal_width

MISSING = "-"  # shown for a value that there is not


@dataclass(frozen=True)
class Column:
    """One column of a table.

    title: its heading. width: in characters; a longer cell is shown in full and pushes the rest of its line to the
    right. align: ">" sets cells flush right, as numbers want it, "<" flush left. number_format: the format
    specification of numbers, for example ".4g" for four digits or "d" for integers in full. rounding: if given, numbers
    are shown with four digits rounded to this side instead, so that a bound stays a bound.
    """

    title: str
    width: int = 0
    align: Literal["<", ">"] = ">"
    number_format: str = ".4g"
    rounding: Side | None = None

    def text(self, value: object) -> str:
        """The value without padding: numbers in the column's format, None as "-", text made harmless by `printable`."""
        if value is None:
            return MISSING
        if isinstance(value, numbers.Real) and not isinstance(value, bool):
            return rounded(value, self.rounding) if self.rounding else format(value, self.number_format)
        return printable(value)


@dataclass(frozen=True)
class TextTable:
    """A table whose lines can be printed one by one, as soon as each is known.

    >>> table = TextTable([Column("method", 10, "<"), Column("rate", 8)])
    >>> print(table.head())
    method         rate
    >>> print(table.line(["slopes", 81.8512]))
    slopes        81.85
    """

    columns: Sequence[Column]

    def head(self) -> str:
        """The titles of the columns."""
        return self._joined([column.title for column in self.columns])

    def line(self, cells: Sequence[object]) -> str:
        """One row: a value for each column, in their order. Raises ValueError for a wrong number of cells."""
        return self._joined([column.text(cell) for column, cell in zip(self.columns, cells, strict=True)])

    def _joined(self, texts: Sequence[str]) -> str:
        line = ""
        left_of_it = None
        for column, text in zip(self.columns, texts, strict=True):
            if left_of_it is not None:
                # A column set flush left begins where one set flush right ends: two spaces keep them apart.
                line += "  " if (left_of_it.align, column.align) == (">", "<") else " "
            line += f"{text:{column.align}{column.width}}"
            left_of_it = column
        return line.rstrip()


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[object]], width: int | None = None) -> str:
    """The whole table as text, each column as wide as its widest cell. rows: each with a value for each column.

    Columns that do not fit into `width` (by default the terminal) go into further blocks below, each of which begins
    with the first column again.
    """
    room = terminal_width() if width is None else width
    fitted = []
    for k, column in enumerate(columns):
        cells = [column.title, *(column.text(row[k]) for row in rows)]
        fitted.append(replace(column, width=max(len(cell) for cell in cells)))
    blocks: list[list[int]] = [[0]]
    used = fitted[0].width
    for k, column in enumerate(fitted[1:], start=1):
        if used + 2 + column.width > room and len(blocks[-1]) > 1:
            blocks.append([0])
            used = fitted[0].width
        blocks[-1].append(k)
        used += 2 + column.width
    found = []
    for block in blocks:
        table = TextTable([fitted[k] for k in block])
        found.append("\n".join([table.head(), *(table.line([row[k] for k in block]) for row in rows)]))
    return "\n\n".join(found)
