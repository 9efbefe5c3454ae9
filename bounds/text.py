"""Text from a user or a file, made harmless before it is shown on a terminal or written to a file."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from typing import Literal

Colour = Literal["green", "red", "yellow"]
COLOURS: dict[Colour, str] = {"green": "32", "red": "31", "yellow": "33"}

# The first characters of a cell that a spreadsheet takes for a formula.
RUNS_IN_A_SPREADSHEET = ("=", "+", "-", "@", "\t", "\r")


def printable(text: object) -> str:
    r"""The text on one line, without characters that control a terminal: line breaks and tabs become spaces, and every
    other character that is not printable (escape sequences, marks that reverse the reading order) its escape, such as
    \x1b.

    >>> printable("data\x1b[2J.csv")
    'data\\x1b[2J.csv'
    """
    return "".join(
        character if character.isprintable() else " " if character in "\n\r\t" else _escaped(character)
        for character in str(text)
    )


def csv_cell(text: object) -> str:
    """Text of a user as a cell of a CSV file that no spreadsheet takes for a formula: printable, with an apostrophe in
    front if it begins with = + - @ or a tab. Not for numbers.

    >>> csv_cell("=HYPERLINK(...)")
    "'=HYPERLINK(...)"
    """
    cell = str(text)
    return ("'" if cell.startswith(RUNS_IN_A_SPREADSHEET) else "") + printable(cell)


def terminal_width() -> int:
    """Columns of the terminal, of the variable COLUMNS if it is set, or 80 where the output is piped."""
    return shutil.get_terminal_size((80, 24)).columns


def paragraph(text: object, first: str = "", later: str = "", width: int | None = None) -> str:
    """The text in lines no wider than the terminal, broken between words only: a longer word stays whole.

    first, later: what the first line and all others begin with.
    """
    room = terminal_width() if width is None else width
    return textwrap.fill(
        printable(text),
        room,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )


def coloured(text: str, colour: Colour) -> str:
    """The text in a colour where standard output is a terminal that shows some; NO_COLOR (no-color.org) is honoured."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
