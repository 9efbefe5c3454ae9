"""What commands that make rows one by one have in common: each row is told, and written as soon as it is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from bounds.csv_file import write_csv
from bounds.data.files import check_writable
from bounds.pictures.style import check_picture
from bounds.progress import Progress

Row = dict[str, Any]


def checked_outputs(options: Any) -> Path | None:
    """The file of --out, if there is one, checked with that of --plot before any work is done. Raises LinrateError."""
    out = check_writable(options.out, "--out") if options.out else None
    if options.plot:
        check_picture(options.plot)
    return out


def kept_rows(
    found: Iterable[Row],
    out: Path | None,
    columns: Sequence[str],
    *,
    what: str,
    total: int,
    words: Callable[[Row], str],
    written: Callable[[Row], bool] = lambda row: True,
) -> list[Row]:
    """The rows that are to be `written`, each in the file as soon as it is known.

    what, total: that there are so many of what is counted; words: what is told of a row.
    """
    rows: list[Row] = []
    with Progress(what, total) as progress:
        for row in found:
            progress.step(words(row))
            if written(row):
                rows.append(row)
                if out is not None:
                    write_csv(out, rows, columns)
    return rows
