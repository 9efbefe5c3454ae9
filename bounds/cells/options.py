"""Where the work is done, as an option of a command: --processes or --scheduler."""

from __future__ import annotations

import os
from typing import Any

from bounds.cells.engines import Executor
from bounds.errors import require

MOST_BY_DEFAULT = 8  # processes: each takes half a gigabyte of memory
WHERE: dict[str, dict[str, Any]] = {
    "--processes": {"metavar": "P", "type": int, "help": "work in P local processes (default: in this one)"},
    "--scheduler": {"metavar": "TCP", "help": "work on a Dask cluster: tcp://host:port of its scheduler"},
}


def executor_of(options: Any) -> Executor:
    """The executor that the options name. Raises ArgumentError."""
    if options.processes is not None:
        require(options.processes >= 1, "--processes", "a positive integer", options.processes)
        require(options.scheduler is None, "--scheduler", "left out with --processes", options.scheduler)
    return options.processes if options.scheduler is None else options.scheduler


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def executor_for_many(options: Any) -> Executor:
    """As executor_of; if neither option is given, a process for each core, MOST_BY_DEFAULT at most.

    For many pieces of work of seconds each. Raises ArgumentError.
    """
    executor, cores = executor_of(options), usable_cores()
    return min(cores, MOST_BY_DEFAULT) if executor is None and cores > 1 else executor
