"""Reading a user's data: .npz, .npy, .csv, .tsv and .parquet. Every failure is a DataError that names the place."""

from __future__ import annotations

import difflib
import gzip
import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bounds.data.archives import CHUNK, Field, read_archive, read_array
from bounds.data.files import open_file, size_limit, too_large
from bounds.data.inspection import counts_rows
from bounds.errors import DataError

Data = tuple[np.ndarray, np.ndarray]
WHAT = "data file"
MOST_NAMED = 30  # columns that an error lists
CELL = 64  # bytes of memory for a short cell of a .csv as a Python string


@dataclass(frozen=True)
class Table:
    """How the columns of a data file become X and y.

    target: the name of the column of y (by default the last one; for .npz and .npy another array or file); columns: the
    inputs, by default all others; drop: columns that are left out; dropna: rows with an empty or missing cell are left
    out; sep: what separates the cells of a text file. All but target are for files with named or numbered columns.
    """

    target: str | None = None
    columns: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None
    dropna: bool = False
    sep: str | None = None


def load_file(path: str | Path, target: str | None = None) -> Data:
    """(X, y) from a file: X (n, d), y (n,); see `load_table`."""
    X, y, _ = load_table(path, Table(target))
    return X, y


def load_table(path: str | Path, table: Table) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(X, y, what was noticed) from a file: X (n, d), y (n,).

    .npz holds X and y; .npy holds X and `table.target` names the .npy of y; .csv, .tsv (both also with .gz) and
    .parquet hold one row per data point, with y in the column `table.target` (by default the last one); true and false
    are 1 and 0. A file that would take more than size_limit() unpacked, a pipe and a device are refused. Every failure
    is a DataError.
    """
    file = Path(path)
    ending = "".join(file.suffixes[-2:]).lower() if file.suffix.lower() == ".gz" else file.suffix.lower()
    readers = {".npz": _npz, ".npy": _npy}
    tables = {".csv": _csv, ".tsv": _csv, ".csv.gz": _csv, ".tsv.gz": _csv, ".parquet": _parquet}
    if ending not in {**readers, **tables}:
        with open_file(file, WHAT):  # a file that is missing, or a folder, is reported before a wrong ending
            pass
        endings = ", ".join(sorted((*readers, *tables)))
        raise DataError(f"data file {str(file)!r} must end in {endings}. Found {file.suffix!r}.")
    if ending in readers or ending == ".parquet":
        for option in ("sep",) if ending == ".parquet" else ("columns", "drop", "dropna", "sep"):
            if getattr(table, option):
                raise DataError(f"--{option} is for tables with columns, not for {ending}. Leave it out.")
    try:
        if ending in readers:
            return *readers[ending](file, table.target), []
        return tables[ending](file, table)
    except DataError:
        raise
    except Exception as error:  # pandas and pyarrow raise kinds of their own
        raise DataError(f"data file {str(file)!r} cannot be read as {ending}: {error}") from None


def _npz(file: Path, target: str | None) -> Data:
    """(X, y) from the arrays X and `target` (by default y) of a .npz."""
    found = read_archive(file, WHAT, {"X": Field("number"), target or "y": Field("number")}, others=True)
    return found["X"], found[target or "y"]


def _npy(file: Path, target: str | None) -> Data:
    """X from the .npy `file`, y from the .npy `target`."""
    if target is None:
        raise DataError(f"{str(file)!r} holds one array. Name the .npy file of y with --target.")
    return read_array(file, WHAT, "X"), read_array(target, "target file", "y")


MISSING = ("", "na", "n/a", "nan", "null", "none")  # cells that --dropna takes for missing, in lower case
TRUTH = {"true": 1.0, "false": 0.0}


def _number(cell: str) -> float | None:
    """The cell as Python reads a float, NaN and infinities included; true and false as 1 and 0; else None."""
    try:
        return float(cell)
    except ValueError:
        return TRUTH.get(cell.lower())


def _csv(file: Path, table: Table) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(X, y, what was noticed) from a .csv or .tsv, with or without a row of names."""
    import pandas as pd

    sep = table.sep if table.sep is not None else "\t" if ".tsv" in file.suffixes else ","
    if len(sep) != 1:
        raise DataError(f"--sep must be one character. Found {sep!r}.")
    try:
        cells = pd.read_csv(
            io.BytesIO(_content(file, sep)),
            header=None,
            dtype=str,
            sep=sep,
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
        )
    except pd.errors.EmptyDataError:
        raise DataError(f"data file {str(file)!r} is empty.") from None
    cells = cells.fillna("")
    cells = cells[(cells != "").any(axis=1)]  # blank lines go, but lines keep their numbers for messages
    if len(cells) == 0:
        raise DataError(f"data file {str(file)!r} is empty.")
    first = cells.iloc[0].tolist()
    # A row of names, or the 0, 1, 2, ... that data frames write if columns have no names.
    has_header = not any(_number(cell) is not None for cell in first) or first == [str(k) for k in range(len(first))]
    names = [str(cell).strip() for cell in first] if has_header else [str(k + 1) for k in range(len(first))]
    body = cells.iloc[1:] if has_header else cells
    kept = _kept(names, table, file)
    if has_header and names[0] == "" and 0 in kept and len(body):
        first_column = [_number(cell) for cell in body.iloc[:, 0]]
        if first_column == list(range(len(body))):
            raise DataError(
                f"{str(file)!r}: column 1 has no name and counts the rows 0, 1, 2, ...: a row index, not a feature."
                " Write the file without it (pandas: to_csv(..., index=False)), or give the column a name."
            )
    body, names = body.iloc[:, kept], [names[k] for k in kept]
    noticed = []
    if table.dropna:
        missing = body.apply(lambda column: column.str.strip().str.lower().isin(MISSING)).any(axis=1)
        if missing.any():
            noticed.append(
                f"{int(missing.sum())} of {len(body)} rows have a missing cell and were left out (--dropna)."
            )
        body = body[~missing]
    values = np.empty(body.shape)
    for k, row in enumerate(body.itertuples()):
        for j, cell in enumerate(row[1:]):
            number = _number(cell)
            if number is None or not math.isfinite(number):
                line = row[0] + 1
                raise DataError(
                    f"{str(file)!r}, line {line}, column {names[j]!r}: {cell!r} is not a finite number."
                    f"{_advice(cell, line, sep)}"
                )
            values[k, j] = number
    return *_split(values, names, table.target, file), [*noticed, *_index_column(values, names, table.target)]


def _left_out(rows: int, of: int) -> str:
    """What --dropna did, for the user."""
    return f"{rows} of {of} rows have a missing cell and were left out (--dropna)."


def _advice(cell: str, line: int, sep: str) -> str:
    """A way out for a cell that is no number."""
    if line == 1:
        return " If line 1 names the columns, no name may be a number."
    other = next((candidate for candidate in ";\t," if candidate != sep and candidate in cell), None)
    if other is not None:
        return f" If {other!r} separates the columns, say so: --sep."
    if cell.strip().lower() in MISSING:
        return " --dropna leaves such rows out, --drop a whole column."
    return " Encode it as a number, or leave the column out: --drop."


def _no_column(file: Path, name: str, names: list[str]) -> DataError:
    """The error for a name that is no column, with the nearest one, in upper or lower case."""
    lower = {known.lower(): known for known in names}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    hint = f" Did you mean {lower[near[0]]!r}?" if near else ""
    listed = f"{names[:MOST_NAMED]}" if len(names) <= MOST_NAMED else f"{names[:MOST_NAMED]} and {len(names)} in all"
    return DataError(f"{str(file)!r} has no column {name!r}.{hint} Found {listed}.")


def _kept(names: list[str], table: Table, file: Path) -> list[int]:
    """The numbers of the columns that --columns, --drop and the target leave, in the order of the file."""
    target = table.target if table.target is not None else names[-1]
    for name in (*(table.columns or ()), *(table.drop or ())):
        if name not in names:
            raise _no_column(file, name, names)
    if target in (table.drop or ()):
        raise DataError(f"--drop leaves out {target!r}, which is y. Name another column with --target.")
    wanted = [*table.columns, target] if table.columns is not None else names
    return [k for k, name in enumerate(names) if name in wanted and name not in (table.drop or ())]


def _index_column(values: np.ndarray, names: list[str], target: str | None) -> list[str]:
    """A sentence if the first column counts the rows."""
    if len(names) < 3 or names[0] == target or not counts_rows(values[:, 0]):
        return []
    return [f"column {names[0]!r} counts the rows: a row index? If it is no feature, leave it out: --drop {names[0]}."]


def _content(file: Path, sep: str) -> bytes:
    """The text of a .csv or .csv.gz; DataError if its cells, as Python strings, would exceed size_limit()."""
    limit, chunks, size = size_limit(), list[bytes](), 0
    with open_file(file, WHAT) as opened:
        stream = gzip.GzipFile(fileobj=opened) if file.suffix.lower() == ".gz" else opened
        while size <= limit and (chunk := stream.read(CHUNK)):
            chunks.append(chunk)
            size += len(chunk)
    text = b"".join(chunks)
    taken = max(len(text), CELL * (text.count(sep.encode()) + text.count(b"\n")))
    if taken > limit:
        raise too_large(f"data file {str(file)!r}", taken, limit)
    return text


def _parquet(file: Path, table: Table) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(X, y, what was noticed) from a .parquet whose columns are all numeric."""
    try:
        import pyarrow.parquet as pq
        from pyarrow import types
    except ImportError:
        raise DataError(f"reading {str(file)!r} needs pyarrow: pip install 'linrate[parquet]'.") from None
    with open_file(file, WHAT) as stream:
        parquet = pq.ParquetFile(stream)
        every = list(parquet.schema_arrow)
        kept = _kept([c.name for c in every], table, file)
        columns = [every[k] for k in kept]
        real = (types.is_integer, types.is_floating, types.is_boolean)
        if wrong := [c.name for c in columns if not any(is_one(c.type) for is_one in real)]:
            raise DataError(
                f"{str(file)!r} has columns that are not numeric: {wrong}. Encode them, or leave them out: --drop."
            )
        # Runs of equal values are compressed in the file, so the size in memory is rows times columns.
        taken, limit = 8 * parquet.metadata.num_rows * max(len(columns), 1), size_limit()
        if taken > limit:
            raise too_large(f"data file {str(file)!r}", taken, limit)
        frame = parquet.read().to_pandas().iloc[:, kept]
    noticed = []
    if table.dropna:
        whole = frame.dropna()
        if len(whole) < len(frame):
            noticed.append(_left_out(len(frame) - len(whole), len(frame)))
        frame = whole
    values, names = frame.to_numpy(dtype=np.float64), [str(c) for c in frame.columns]
    return *_split(values, names, table.target, file), [*noticed, *_index_column(values, names, table.target)]


def _split(values: np.ndarray, names: list[str], target: str | None, file: Path) -> Data:
    """(X, y): the column `target` of values (n, d + 1), by default the last one, is y."""
    if len(values) == 0 or len(names) < 2:
        raise DataError(f"{str(file)!r} must hold at least one row and two columns. Found {values.shape}.")
    if target is not None and target not in names:
        raise _no_column(file, target, names)
    if names.count(target or names[-1]) > 1:
        raise DataError(f"{str(file)!r} has several columns {target or names[-1]!r}. Give each a name of its own.")
    at = names.index(target) if target is not None else len(names) - 1
    return np.delete(values, at, axis=1), values[:, at]
