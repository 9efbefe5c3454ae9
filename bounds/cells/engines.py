"""Where work is done: in this process, in local processes, or by the workers of a Dask scheduler.

Every engine gives the same numbers: an item is worked on alone in its process, and with one thread of BLAS, because the
order in which more threads add would change the last digits. (Those of simulate change none.)
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

from bounds.cells.attempt import Engine, Outcome, Work, attempt
from bounds.errors import ArgumentError, shown

# Where work is done, as a user says it: None, a number of processes, the address of a scheduler, a distributed.Client.
Executor = Any


def _here(work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Outcome]]:
    """One item after another, in this process."""
    for index, item in enumerate(items):
        yield index, attempt(work, item)


@contextlib.contextmanager
def open_engine(executor: Executor = None) -> Iterator[Engine]:
    """The engine that `executor` names, until the end of the context.

    executor: None for this process; a number of local processes; "tcp://host:port", or a distributed.Client, for the
    workers of a Dask scheduler. `work` must then be a function of a module (or a functools.partial of one).

    Raises ArgumentError, before anything is done, for another executor, a scheduler that cannot be reached, or workers
    of another version or commit than this process; AssumptionError where Dask is not installed. Later an engine raises
    EngineError if the scheduler, or every process, has gone.
    """
    if executor is None:
        yield _here
    elif isinstance(executor, int) and not isinstance(executor, bool) and executor >= 1:
        from bounds.cells.processes import in_processes

        yield functools.partial(in_processes, executor)
    elif isinstance(executor, str) or type(executor).__module__.split(".")[0] == "distributed":
        from bounds.cells.cluster import connected

        with connected(executor) as engine:
            yield engine
    else:
        raise ArgumentError(
            "executor must be None, a number of processes, the address of a Dask scheduler such as"
            f" 'tcp://127.0.0.1:8786', or a distributed.Client. Found {shown(executor)}."
        )
