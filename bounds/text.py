"""Text that somebody else wrote, made safe to show."""

from __future__ import annotations


def printable(text: object) -> str:
    """str(text) with every character that could steer a terminal (line ends, escapes, marks of direction, what cannot
    be encoded) shown as its escape sequence: no file that we read can move the cursor or hide what it says.

    >>> printable("a\\x1b[2Jb")
    'a\\\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in str(text))
