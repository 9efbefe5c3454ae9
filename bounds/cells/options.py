"""Where the work is done, as an option of a command: --processes or --scheduler."""

from __future__ import annotations

from typing import Any

from bounds.cells.engines import Executor
from bounds.errors import require

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
