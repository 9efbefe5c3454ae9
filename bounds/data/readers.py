"""Reading a user's data: .npz, .npy, .csv and .parquet. Every failure is a DataError that names the place."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np

from bounds.data.archives import CHUNK, Field, read_archive, read_array
from bounds.data.files import open_file, size_limit, too_large
from bounds.errors import DataError

Data = tuple[np.ndarray, np.ndarray]
WHAT = "data file"
CELL = 64  # bytes of memory for a short cell of a .csv as a Python string


def load_file(path: str | Path, target: str | None = None) -> Data:
    """(X, y) from a file: X (n, d), y (n,).

    .npz holds X and y; .npy holds X and `target` names the .npy of y; .csv and .parquet hold one row per data point,
    with y in the column `target` (by default the last one). A file that would take more than size_limit() unpacked, a
    pipe and a device are refused. Every failure is a DataError.
    """
    file = Path(path)
    readers = {".npz": _npz, ".npy": _npy, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        with open_file(file, WHAT):  # a file that is missing, or a folder, is reported before a wrong ending
            pass
        raise DataError(f"data file {str(file)!r} must end in {', '.join(sorted(readers))}. Found {file.suffix!r}.")
    try:
        return reader(file, target)
    except DataError:
        raise
    except Exception as error:  # pandas and pyarrow raise kinds of their own
        raise DataError(f"data file {str(file)!r} cannot be read as {file.suffix}: {error}") from None


def _npz(file: Path, target: str | None) -> Data:
    """(X, y) from the arrays X and `target` (by default y) of a .npz."""
    found = read_archive(file, WHAT, {"X": Field("number"), target or "y": Field("number")}, others=True)
    return found["X"], found[target or "y"]


def _npy(file: Path, target: str | None) -> Data:
    """X from the .npy `file`, y from the .npy `target`."""
    if target is None:
        raise DataError(f"{str(file)!r} holds one array. Name the .npy file of y with --target.")
    return read_array(file, WHAT, "X"), read_array(target, "target file", "y")


def _is_number(cell: str) -> bool:
    """Whether Python reads the cell as a float, NaN and infinities included."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _csv(file: Path, target: str | None) -> Data:
    """(X, y) from a .csv, with or without a row of names."""
    import pandas as pd

    try:
        cells = pd.read_csv(
            io.BytesIO(_content(file)),
            header=None,
            dtype=str,
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
    has_header = not any(_is_number(cell) for cell in first) or first == [str(k) for k in range(len(first))]
    names = [str(cell).strip() for cell in first] if has_header else [str(k + 1) for k in range(len(first))]
    body = cells.iloc[1:] if has_header else cells
    values = np.empty(body.shape)
    for k, row in enumerate(body.itertuples()):
        for j, cell in enumerate(row[1:]):
            if not _is_number(cell) or not math.isfinite(float(cell)):
                line = row[0] + 1
                hint = " If line 1 names the columns, no name may be a number." if line == 1 else " Drop or encode it."
                raise DataError(
                    f"{str(file)!r}, line {line}, column {names[j]!r}: {cell!r} is not a finite number.{hint}"
                )
            values[k, j] = float(cell)
    if has_header and names[0] == "" and np.array_equal(values[:, 0], np.arange(len(values))):
        raise DataError(
            f"{str(file)!r}: column 1 has no name and counts the rows 0, 1, 2, ...: a row index, not a feature."
            " Write the file without it (pandas: to_csv(..., index=False)), or give the column a name."
        )
    return _split(values, names, target, file)


def _content(file: Path) -> bytes:
    """The text of a .csv; DataError if its cells, as Python strings, would exceed size_limit()."""
    limit, chunks, size = size_limit(), list[bytes](), 0
    with open_file(file, WHAT) as stream:
        while size <= limit and (chunk := stream.read(CHUNK)):
            chunks.append(chunk)
            size += len(chunk)
    text = b"".join(chunks)
    taken = max(len(text), CELL * (text.count(b",") + text.count(b"\n")))
    if taken > limit:
        raise too_large(f"data file {str(file)!r}", taken, limit)
    return text


def _parquet(file: Path, target: str | None) -> Data:
    """(X, y) from a .parquet whose columns are all numeric."""
    try:
        import pyarrow.parquet as pq
        from pyarrow import types
    except ImportError:
        raise DataError(f"reading {str(file)!r} needs pyarrow: pip install 'linrate[parquet]'.") from None
    with open_file(file, WHAT) as stream:
        parquet = pq.ParquetFile(stream)
        columns = list(parquet.schema_arrow)
        real = (types.is_integer, types.is_floating, types.is_boolean)
        if wrong := [c.name for c in columns if not any(is_one(c.type) for is_one in real)]:
            raise DataError(f"{str(file)!r} has columns that are not numeric: {wrong}. Drop or encode them.")
        # Runs of equal values are compressed in the file, so the size in memory is rows times columns.
        taken, limit = 8 * parquet.metadata.num_rows * max(len(columns), 1), size_limit()
        if taken > limit:
            raise too_large(f"data file {str(file)!r}", taken, limit)
        frame = parquet.read().to_pandas()
    return _split(frame.to_numpy(dtype=np.float64), [str(c) for c in frame.columns], target, file)


def _split(values: np.ndarray, names: list[str], target: str | None, file: Path) -> Data:
    """(X, y): the column `target` of values (n, d + 1), by default the last one, is y."""
    if len(values) == 0 or len(names) < 2:
        raise DataError(f"{str(file)!r} must hold at least one row and two columns. Found {values.shape}.")
    if target is not None and target not in names:
        raise DataError(f"{str(file)!r} has no column {target!r}. Found {names}.")
    if names.count(target or names[-1]) > 1:
        raise DataError(f"{str(file)!r} has several columns {target or names[-1]!r}. Give each a name of its own.")
    at = names.index(target) if target is not None else len(names) - 1
    return np.delete(values, at, axis=1), values[:, at]
