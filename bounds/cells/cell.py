"""A cell: one piece of work as plain data, from which its key and its seed follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bounds.errors import ArgumentError, shown

Row = dict[str, Any]
Rows = list[Row]
KEPT = {"cell": str, "error": str}  # columns of all rows: the key, and the error of a cell that raised one
LARGEST = 2**63 - 1  # integer of a column
KEY_DIGITS = 32  # hexadecimal: 128 bits, so that no two of any number of cells share a key
SEED_DIGITS = 15  # hexadecimal: a seed below 2^60, which every column of integers holds


@dataclass(frozen=True)
class Cell:
    """definition: everything that the result depends on, as JSON values.

    Two cells with equal definitions are the same cell, on any machine, in any order, and if they are run twice.

    >>> Cell({"n": 3, "seed": 7}).key == Cell({"seed": 7, "n": 3}).key
    True
    """

    definition: Mapping[str, Any]

    @cached_property
    def key(self) -> str:
        """SHA-256 of the definition as canonical JSON, its first KEY_DIGITS digits."""
        try:
            text = json.dumps(self.definition, sort_keys=True, separators=(",", ":"), allow_nan=False)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"a cell must be defined by text, finite numbers, lists and dicts of them. Found"
                f" {shown(self.definition)}."
            ) from None
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_DIGITS]

    @property
    def seed(self) -> int:
        """The definition's own "seed", or one that is a hash of the definition where it names none."""
        given = self.definition.get("seed")
        return int(self.key[:SEED_DIGITS], 16) if given is None else int(given)


def kept_rows(columns: Mapping[str, type], cell: Cell, found: Iterable[Row], error: str) -> Rows:
    """The rows of a cell as they are kept: all columns, plain values; one row with the error of a cell that raised it.

    columns: name -> int, float, str or bool. Raises ArgumentError for a value of another kind than its column, and for
    no rows at all.
    """
    if error:
        found = [{name: cell.definition.get(name) for name in columns}]
    rows = [{name: _plain(name, row.get(name), kind, bool(error)) for name, kind in columns.items()} for row in found]
    if not rows:
        raise ArgumentError("a cell must give at least one row. Found none.")
    return [{"cell": cell.key, "error": error or None, **row} for row in rows]


def _plain(name: str, value: Any, kind: type, lenient: bool) -> Any:
    """The value as a plain one of that kind, or None. lenient: None for a value of another kind."""
    if value is None:
        return None
    try:
        if kind is str:
            return str(value).encode(errors="backslashreplace").decode()
        if kind is float or (value == kind(value) and abs(value) <= LARGEST):
            return kind(value)
    except (TypeError, ValueError, OverflowError):
        pass
    if lenient:
        return None
    wide = " that fit 64 bits" if kind is int else ""
    raise ArgumentError(f"column {name!r} must hold values of kind {kind.__name__}{wide}. Found {shown(value)}.")
