"""The options of commands whose work consists of cells: where it is done, where it is kept, what is told."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bounds.cells.options import WHERE
from bounds.cells.progress import CellProgress
from bounds.cells.store import list_cells
from bounds.command_line import HOLDS, UNDECIDED
from bounds.errors import ArgumentError, EngineError
from bounds.progress import QUIET
from bounds.text import printable
from bounds.versions import COLUMNS as VERSIONS

LONGEST, MOST_ERRORS = 120, 5  # characters of a line, and errors, that a listing shows
NAMES = ("processes", "scheduler", "resume", "retry")


def add_cell_options(parser: Any, *, resume: str | None) -> None:
    """Add --processes or --scheduler, and, with the text `resume` as its help, --resume with --retry."""
    where = parser.add_mutually_exclusive_group()
    for name, described in WHERE.items():
        where.add_argument(name, **described)
    if resume is not None:
        parser.add_argument("--resume", metavar="DIR", help=resume)
        parser.add_argument("--retry", action="store_true", help="do cells again that failed")


def progress_of(what: str = "cells") -> CellProgress:
    """What tells the progress."""
    return CellProgress(quiet=QUIET.get(), what=what)


def refuse_cell_options(options: Any, why: str) -> None:
    """Raise ArgumentError for an option of cells where there are none."""
    for name in NAMES:
        if getattr(options, name, None) not in (None, False):
            raise ArgumentError(f"--{name} {why} Leave it out.")


def add_cells_command(commands: Any) -> None:
    """linrate cells"""
    parser = commands.add_parser(
        "cells",
        help="what a directory of finished cells holds: done, failed, missing",
        example="linrate cells gaps-cells-1f2e3d4c",
    )
    parser.add_argument("directory", metavar="DIR", help="the directory that --resume names")


def run_cells_command(options: Any) -> int:
    """List the directory. Exit code HOLDS if all cells are done without an error, UNDECIDED otherwise."""
    found = list_cells(options.directory)
    total = int(found.manifest.get("cells", 0))
    failed = len(found.errors)
    made = ", ".join(f"{name} {found.manifest.get(name)}" for name in ("linrate", *VERSIONS[1:]))
    print(printable(f"{found.manifest.get('kind')}, {made}; seeds {found.manifest.get('seeds')}"))
    for name, values in dict(found.manifest.get("grid") or {}).items():
        print(printable(f"  {name}: {values}")[:LONGEST])
    print(f"{total} cells: {found.done - failed} done, {failed} failed, {total - found.done} missing")
    for key, error in list(found.errors.items())[:MOST_ERRORS]:
        print(f"  {printable(key)}: {printable(error)}"[:LONGEST])
    if failed > MOST_ERRORS:
        print(f"  and {failed - MOST_ERRORS} more")
    return HOLDS if found.done == total and not failed else UNDECIDED


@contextlib.contextmanager
def goes_on(directory: Path | None) -> Iterator[None]:
    """If the work ends early, say where what is finished is kept."""
    try:
        yield
    except (KeyboardInterrupt, EngineError):
        if directory is not None and directory.exists():
            where = printable(directory)
            print(f"finished cells are kept in {where}; go on with --resume {where}", file=sys.stderr, flush=True)
        raise
