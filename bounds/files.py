"""Reading a user's data: .npz, .npy, .csv and .parquet. Every failure is a DataError with the place and the way out."""

from __future__ import annotations

import math
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bounds.errors import DataError

Data = tuple[np.ndarray, np.ndarray]


def load_file(path: str | Path, target: str | None = None) -> Data:
    """(X, y) from a file: X (n, d), y (n,).

    .npz holds X and y; .npy holds X and `target` names the .npy of y; .csv and .parquet hold one row per data point,
    with y in the column `target` (by default the last one).
    """
    file = Path(path)
    if not file.exists():
        raise DataError(f"data file {str(file)!r} does not exist.")
    if file.is_dir():
        raise DataError(f"data file {str(file)!r} is a folder. Name a .npz, .npy, .csv or .parquet file.")
    readers = {".npz": _npz, ".npy": _npy, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise DataError(f"data file {str(file)!r} must end in {', '.join(sorted(readers))}. Found {file.suffix!r}.")
    try:
        return reader(file, target)
    except DataError:
        raise
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"data file {str(file)!r} cannot be read as {file.suffix}: {error}") from None


def load_arrays(path: str | Path, names: Sequence[str], optional: Sequence[str] = ()) -> list[Any]:
    """The arrays of these names in a .npz file, then the optional ones, None where they are absent."""
    file = Path(path)
    if not file.is_file():
        raise DataError(f"file {str(file)!r} does not exist.")
    try:
        with np.load(file, allow_pickle=False) as archive:
            missing = [name for name in names if name not in archive]
            if missing:
                raise DataError(f"{str(file)!r} must hold arrays {', '.join(names)}. Found {sorted(archive.files)}.")
            return [archive.get(name) for name in (*names, *optional)]
    except (OSError, ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{str(file)!r} cannot be read as .npz: {error}") from None


def _npz(file: Path, target: str | None) -> Data:
    X, y = load_arrays(file, ("X", target or "y"))
    return X, y


def _npy(file: Path, target: str | None) -> Data:
    if target is None:
        raise DataError(f"{str(file)!r} holds one array. Name the .npy file of y with --target.")
    if not Path(target).exists():
        raise DataError(f"target file {target!r} does not exist.")
    return np.load(file, allow_pickle=False), np.load(target, allow_pickle=False)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _csv(file: Path, target: str | None) -> Data:
    import pandas as pd

    try:
        cells = pd.read_csv(
            file, header=None, dtype=str, keep_default_na=False, skipinitialspace=True, skip_blank_lines=False
        )
    except pd.errors.EmptyDataError:
        raise DataError(f"data file {str(file)!r} is empty.") from None
    cells = cells.fillna("")
    cells = cells[(cells != "").any(axis=1)]  # blank lines go, but lines keep their numbers for messages
    if len(cells) == 0:
        raise DataError(f"data file {str(file)!r} is empty.")
    first = cells.iloc[0].tolist()
    # A row of names, or the 0, 1, 2, ... that data frames write where columns have no names.
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


def _parquet(file: Path, target: str | None) -> Data:
    import pandas as pd

    try:
        frame = pd.read_parquet(file)
    except ImportError:
        raise DataError(f"reading {str(file)!r} needs pyarrow: pip install 'linrate[parquet]'.") from None
    wrong = [str(c) for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c])]
    if wrong:
        raise DataError(f"{str(file)!r} has columns that are not numeric: {wrong}. Drop or encode them.")
    return _split(frame.to_numpy(dtype=np.float64), [str(c) for c in frame.columns], target, file)


def _split(values: np.ndarray, names: list[str], target: str | None, file: Path) -> Data:
    if len(values) == 0 or len(names) < 2:
        raise DataError(f"{str(file)!r} must hold at least one row and two columns. Found {values.shape}.")
    if target is not None and target not in names:
        raise DataError(f"{str(file)!r} has no column {target!r}. Found {names}.")
    at = names.index(target) if target is not None else len(names) - 1
    return np.delete(values, at, axis=1), values[:, at]


def check_writable(path: str | Path, name: str = "out") -> Path:
    """The path, if a file can be written there; DataError before any work is done otherwise."""
    file = Path(path)
    if file.is_dir():
        raise DataError(f"{name} {str(file)!r} is a folder. Name a file.")
    folder = next(p for p in file.absolute().parents if p.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataError(f"{name} {str(file)!r} cannot be written: {error.strerror} ({str(folder)!r}).") from None
    return file


def write_atomically(path: str | Path, content: str | bytes) -> None:
    """Replace the file by `content` at once: a reader sees the old file or the new one, never half of either."""
    file = check_writable(path)
    data = content if isinstance(content, bytes) else content.encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
