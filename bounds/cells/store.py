"""A directory of finished cells.

    manifest.json          what is kept here: versions, commit, grid, seeds, columns, and the format
    parts/part-00000.parquet   the rows of 100 to 1000 cells; pandas reads the folder as one table
    cells/KEY.json         the rows of one finished cell whose part has others that are not

Nothing is ever appended to: each file is written whole, once, under the key of its cell or the number of its part, so
that several processes may fill one directory, and the same cell done twice is kept once.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from bounds.cells.cell import KEPT, Cell, Rows, kept_rows
from bounds.data.files import OURS, check_writable, open_file, remove_stale, write_once
from bounds.errors import ArgumentError, AssumptionError, DataError, shown
from bounds.versions import versions

FORMAT = 1  # raised whenever the files, or what they mean, change
LEAST_PART, LARGEST_PART, PARTS = 100, 1000, 100  # cells in a part, and the number of parts that is aimed at
LARGEST_MANIFEST = 10**8  # bytes


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    kind: of the work, such as "gaps"; cells: all of them, no two the same; columns: name -> int, float, str or bool, of
    the rows that a cell gives; about: the grid in words of JSON, for a person who opens the manifest.

    Raises ArgumentError for a cell that is there twice.
    """

    kind: str
    cells: tuple[Cell, ...]
    columns: Mapping[str, type]
    about: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that no cell is there twice."""
        if len(set(self.keys)) < len(self.keys):
            twice = next(cell for k, cell in enumerate(self.cells) if cell.key in self.keys[:k])
            raise ArgumentError(f"a cell is there twice: {shown(twice.definition)}. Leave one out.")

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key of each cell."""
        return tuple(cell.key for cell in self.cells)

    @cached_property
    def per_part(self) -> int:
        """How many cells a part holds."""
        return part_size(len(self.cells))

    def part_of(self, index: int) -> int:
        """The number of the part that a cell belongs to."""
        return index // self.per_part

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What must agree for rows to be kept together."""
        return {
            "format": FORMAT,
            "kind": self.kind,
            **versions(),
            "columns": {name: kind.__name__ for name, kind in self.columns.items()},
            "cells": len(self.cells),
            "keys": hashlib.sha256("".join(self.keys).encode()).hexdigest(),
        }

    @property
    def name(self) -> str:
        """Eight digits that differ where the identity does, for the name of a directory of its own."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:8]


def part_size(count: int) -> int:
    """The number of cells in one part, LEAST_PART to LARGEST_PART; the argument is that of all cells."""
    return min(max(math.ceil(count / PARTS), LEAST_PART), LARGEST_PART)


class Store:
    """The finished cells of a plan in a directory, which is made if it does not exist.

    Raises DataError for a directory of something else, or of another grid, version or commit; AssumptionError where
    pyarrow is not installed.
    """

    def __init__(self, directory: str | Path, plan: Plan, *, retry: bool = False) -> None:
        """retry: let cells that raised an error count as not finished."""
        self.directory, self.plan = Path(directory), plan
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise AssumptionError(
                "finished cells are kept as parquet, which needs pyarrow: pip install 'linrate[parquet]'."
            ) from None
        self._parts, self._cells = self.directory / "parts", self.directory / "cells"
        manifest = self.directory / "manifest.json"
        check_writable(manifest, "directory of cells")
        if not manifest.exists():
            self.directory.mkdir(parents=True, exist_ok=True)
            # Another process may begin at the same moment: it writes the manifest first, by way of a temporary file.
            others = [name for name in os.listdir(self.directory) if not OURS.fullmatch(name)]
            if others and not manifest.exists():
                raise DataError(
                    f"directory {str(directory)!r} holds files, but no cells of linrate. Name an empty or new one."
                )
            about = {**plan.identity, "cells in a part": plan.per_part, "seeds": _seeds(plan.cells)}
            write_once(manifest, json.dumps({**about, "grid": plan.about}, indent=1) + "\n")
        self._check(read_manifest(self.directory))
        self._parts.mkdir(exist_ok=True)
        self._cells.mkdir(exist_ok=True)
        for folder in (self._parts, self._cells):
            remove_stale(folder)
        if retry:
            self._forget_failures()

    def _check(self, found: Mapping[str, Any]) -> None:
        """Raise DataError if the manifest is not that of the plan."""
        ours = self.plan.identity
        for name, value in ours.items():
            if found.get(name) != value:
                words = {"keys": "the cells of another grid", "columns": "rows with other columns"}
                there = words.get(name, f"{name} {shown(found.get(name))}, not {shown(value)}")
                raise DataError(
                    f"directory {str(self.directory)!r} holds {there}. Name another directory, or go on there with the"
                    " version and the grid that its manifest.json tells."
                )

    @property
    def numbers(self) -> range:
        """The numbers of the parts."""
        return range(math.ceil(len(self.plan.cells) / self.plan.per_part))

    def members(self, part: int) -> range:
        """The indices of its cells."""
        first = part * self.plan.per_part
        return range(first, min(first + self.plan.per_part, len(self.plan.cells)))

    def finished(self) -> Iterator[tuple[int, Rows]]:
        """The index and the rows of every finished cell, in the order of the plan."""
        loose = {name.removesuffix(".json") for name in os.listdir(self._cells)}
        for part in self.numbers:
            if self._file(part).exists():
                yield from self._of_part(part)
                continue
            for index in self.members(part):
                if self.plan.keys[index] in loose and (rows := self._loose(index)) is not None:
                    yield index, rows

    def add(self, index: int, rows: Rows) -> None:
        """Keep the rows of a finished cell, unless it is there. Raises WriteError if the disk is full."""
        write_once(self._cells / f"{self.plan.keys[index]}.json", json.dumps(rows))

    def add_part(self, part: int, rows: Rows) -> None:
        """Keep the rows of all cells of a part, in their order, unless they are there."""
        write_once(self._file(part), self._parquet(rows))
        self._remove_cells(part)

    def close(self, indices: Iterable[int]) -> None:
        """Write the parts of these cells, those of which all cells are finished."""
        for part in {self.plan.part_of(index) for index in indices}:
            self._close(part)

    def _close(self, part: int) -> None:
        if not self._file(part).exists():
            rows: Rows = []
            for index in self.members(part):
                found = self._loose(index)
                if found is None:
                    return
                rows += found
            write_once(self._file(part), self._parquet(rows))
        self._remove_cells(part)

    def _forget_failures(self) -> None:
        """Let cells that raised an error count as not finished, so that they are done again."""
        for part in self.numbers:
            file = self._file(part)
            if not file.exists():
                for index in self.members(part):
                    rows = self._loose(index)
                    if rows is not None and rows[0]["error"]:
                        (self._cells / f"{self.plan.keys[index]}.json").unlink(missing_ok=True)
                continue
            found = dict(self._of_part(part))
            if any(rows[0]["error"] for rows in found.values()):
                for index, rows in found.items():  # first all that is kept, and only then the part goes
                    if not rows[0]["error"]:
                        self.add(index, rows)
                file.unlink()

    def _remove_cells(self, part: int) -> None:
        """The files of cells that are in a part now."""
        there = set(os.listdir(self._cells))
        for index in self.members(part):
            if (name := f"{self.plan.keys[index]}.json") in there:
                (self._cells / name).unlink(missing_ok=True)

    def _file(self, part: int) -> Path:
        return self._parts / f"part-{part:05}.parquet"

    def _loose(self, index: int) -> Rows | None:
        """The rows of a cell that is kept in a file of its own; None if there is none."""
        path = self._cells / f"{self.plan.keys[index]}.json"
        try:
            with open(path, "rb") as stream:
                rows = json.load(stream)
            return self._checked(index, rows)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            path.unlink(missing_ok=True)  # cut off by a failure of power, say: the cell is done again
            return None

    def _checked(self, index: int, rows: Any) -> Rows:
        """Rows as they were written. Raises ValueError, TypeError, LookupError or AttributeError for others."""
        cell = self.plan.cells[index]
        if any(row["cell"] != cell.key for row in rows):
            raise ValueError("rows of another cell")
        return kept_rows(self.plan.columns, cell, rows, rows[0]["error"] or "")

    def _table(self, part: int) -> Any:
        """A part. Raises DataError for a file that is no such part."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._file(part)
        try:
            with open_file(path, "part") as stream:
                table = pq.read_table(stream)
            cells = set(table["cell"].to_pylist())
        except (pa.ArrowException, KeyError, OSError) as error:
            raise _unreadable(path, error) from None
        if not table.schema.equals(self._schema) or cells != {self.plan.keys[index] for index in self.members(part)}:
            raise DataError(f"part {str(path)!r} is not that of its cells. Remove it: they are then done again.")
        return table

    def _of_part(self, part: int) -> Iterator[tuple[int, Rows]]:
        found: dict[str, Rows] = {}
        for row in self._table(part).to_pylist():
            found.setdefault(row["cell"], []).append(row)
        for index in self.members(part):
            yield index, found[self.plan.keys[index]]

    @functools.cached_property
    def _schema(self) -> Any:
        import pyarrow as pa

        kinds = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
        return pa.schema([(name, kinds[kind]) for name, kind in {**KEPT, **self.plan.columns}.items()])

    def _parquet(self, rows: Rows) -> bytes:
        import pyarrow as pa
        import pyarrow.parquet as pq

        stream = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=self._schema), stream)
        return stream.getvalue()


@dataclass(frozen=True)
class Listing:
    """What a directory of cells holds: its manifest; how many cells are done, of which some failed; errors: key -> the
    error of a cell that failed."""

    manifest: Mapping[str, Any]
    done: int
    errors: Mapping[str, str]


def list_cells(directory: str | Path) -> Listing:
    """What a directory holds, read without its grid. Raises DataError for a directory of something else."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(directory)
    manifest = read_manifest(folder)
    found: dict[str, str | None] = {}
    for path in (folder / "cells").glob("*.json"):
        with contextlib.suppress(ValueError, LookupError, TypeError, OSError):  # not whole: not finished
            found[path.stem] = json.loads(path.read_bytes())[0]["error"]
    for path in (folder / "parts").glob("*.parquet"):
        try:
            table = pq.read_table(path, columns=list(KEPT))
        except (pa.ArrowException, OSError) as error:
            raise _unreadable(path, error) from None
        found |= dict(zip(table["cell"].to_pylist(), table["error"].to_pylist(), strict=True))
    return Listing(manifest, len(found), {key: str(error) for key, error in found.items() if error})


def _unreadable(path: Path, error: Exception) -> DataError:
    words = " ".join(str(error).split())[:100]
    return DataError(f"part {str(path)!r} cannot be read ({words}). Remove it: its cells are then done again.")


def read_manifest(directory: str | Path) -> dict[str, Any]:
    """The manifest of a directory of cells. Raises DataError if there is none."""
    path = Path(directory) / "manifest.json"
    with open_file(path, "manifest") as stream:
        text = stream.read(LARGEST_MANIFEST + 1)
    found = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
    if not isinstance(found, dict):
        raise DataError(f"manifest {str(path)!r} must hold an object as JSON. Name another directory.")
    return found


def _seeds(cells: Iterable[Cell]) -> str:
    """The seeds that the cells name, in words: "0..99, 200"."""
    spans: list[list[int]] = []
    for seed in sorted({cell.seed for cell in cells if "seed" in cell.definition}):
        if spans and seed == spans[-1][1] + 1:
            spans[-1][1] = seed
        else:
            spans.append([seed, seed])
    named = ", ".join(f"{first}..{last}" if last > first else f"{first}" for first, last in spans)
    return named or "of each cell, from its key"
