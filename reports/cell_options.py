"""The options of commands whose work consists of cells: where it is done, where it is kept, what is told."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bounds.cells.engines import Executor
from bounds.cells.progress import CellProgress
from bounds.errors import ArgumentError, EngineError, require
from bounds.text import printable

NAMES = ("processes", "scheduler", "resume", "retry")


def add_cell_options(parser: Any, *, resume: str | None) -> None:
    """Add --processes or --scheduler, and, with the text `resume` as its help, --resume with --retry."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--processes", metavar="P", type=int, help="work in P local processes (default: in this one)")
    where.add_argument("--scheduler", metavar="TCP", help="work on a Dask cluster: tcp://host:port of its scheduler")
    if resume is not None:
        parser.add_argument("--resume", metavar="DIR", help=resume)
        parser.add_argument("--retry", action="store_true", help="do cells again that failed")


def executor_of(options: Any) -> Executor:
    """The executor that the options name. Raises ArgumentError."""
    if options.processes is not None:
        require(options.processes >= 1, "--processes", "a positive integer", options.processes)
    return options.processes if options.scheduler is None else options.scheduler


def progress_of(options: Any, what: str = "cells") -> CellProgress:
    """What tells the progress."""
    return CellProgress(quiet=options.quiet, what=what)


def refuse_cell_options(options: Any, why: str) -> None:
    """Raise ArgumentError for an option of cells where there are none."""
    for name in NAMES:
        if getattr(options, name, None) not in (None, False):
            raise ArgumentError(f"--{name} {why} Leave it out.")


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
