"""Text from a user or a file, made harmless before it is shown on a terminal or written to a file."""

from __future__ import annotations

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


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
