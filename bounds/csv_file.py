"""The writer of every CSV file of this project. (The reader of users' files is bounds/data/readers.py.)"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bounds.data.files import write_atomically
from bounds.text import csv_cell


def csv_text(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    r"""The rows as CSV text: a header with the names of the columns, then one line for each row.

    rows: column name -> value. A value of None, or none at all, gives an empty cell; a key that is not in `columns` is
    left out. Text goes through `bounds.text.csv_cell`, so that no spreadsheet runs it as a formula; numbers are written
    with all their digits, so that reading them back gives the same float. Lines end with "\n".

    >>> csv_text([{"data": "=1+1", "loss": 0.1}, {"data": "digits"}], ["data", "loss"])
    "data,loss\n'=1+1,0.1\ndigits,\n"
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([csv_cell(column) for column in columns])
    for row in rows:
        writer.writerow([_cell(row.get(column)) for column in columns])
    return stream.getvalue()


def write_csv(path: str | Path, rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Replace the file by the rows, as `csv_text` lays them out, in one step.

    An interrupted run leaves the old file or the new one, never half a row. Raises DataError if no file can be written
    at `path`, WriteError if the disk is full.
    """
    write_atomically(path, csv_text(rows, columns))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return csv_cell(value) if isinstance(value, str) else value
