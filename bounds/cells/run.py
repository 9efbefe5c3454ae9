"""Run the cells of a plan, wherever the work is done, and keep each of them once."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bounds.cells.cell import Cell, Row, Rows, kept_rows
from bounds.cells.engines import Executor, open_engine
from bounds.cells.progress import CellProgress
from bounds.cells.store import Plan, Store
from bounds.errors import require


@dataclass(frozen=True)
class Finished:
    """A finished cell: its index in the plan and its rows. error: "" unless it raised one, which its one row tells."""

    index: int
    rows: Rows
    error: str


def run_cells(
    plan: Plan,
    work: Callable[[Cell], Iterable[Row]],
    *,
    executor: Executor = None,
    directory: str | Path | None = None,
    retry: bool = False,
    share: tuple[int, int] = (0, 1),
    progress: CellProgress | None = None,
) -> Iterator[Finished]:
    """The rows of each cell as soon as they are known: first those that are kept already, in the order of the plan.

    work: gives the rows of a cell; for other processes a function of a module, or a functools.partial of one. executor:
    None for this process, a number of local processes, "tcp://host:port" of a Dask scheduler, or a distributed.Client;
    the rows do not depend on it. directory: where finished cells are kept, and not done again; retry: apart from those
    that failed. share: (k, K) runs only every K-th cell, from the k-th on; K processes together fill one directory.

    A cell that raises an error is one row with it, and ends no other. Raises DataError for a directory of another grid,
    version or commit, AssumptionError where pyarrow or Dask is missing, ArgumentError for an executor that cannot be
    used, all before any work is done; later WriteError if the disk is full, EngineError if the scheduler has gone.
    What is finished then stays in the directory.
    """
    mine, of = share
    require(0 <= mine < of, "share", "(k, K) with 0 <= k < K", share)
    with open_engine(executor) as engine:
        store = None if directory is None else Store(directory, plan, retry=retry)
        todo: Sequence[int] = range(mine, len(plan.cells), of)
        progress = progress or CellProgress(quiet=True)
        progress.begin(len(todo))
        try:
            if store is not None:
                known = set()
                for index, rows in store.finished():
                    if index in todo:
                        known.add(index)
                        error = rows[0]["error"] or ""
                        progress.known(bool(error))
                        yield Finished(index, rows, error)
                store.close(known)  # chunks whose last cell was finished by a process that was killed then
                todo = [index for index in todo if index not in known]
            found = engine(functools.partial(_rows, plan.columns, work), [plan.cells[index] for index in todo])
            left = Counter(map(plan.chunk_of, todo))
            for at, outcome in found:
                index = todo[at]
                rows = outcome.value or kept_rows(plan.columns, plan.cells[index], [], outcome.error)
                if store is not None:
                    store.add(index, rows)
                    left[plan.chunk_of(index)] -= 1
                    if not left[plan.chunk_of(index)]:
                        store.close([index])
                progress.step(bool(outcome.error))
                yield Finished(index, rows, outcome.error)
        finally:
            progress.end()


def _rows(columns: Mapping[str, type], work: Callable[[Cell], Iterable[Row]], cell: Cell) -> Rows:
    """The rows that a cell gives, in their plain form."""
    return kept_rows(columns, cell, work(cell), "")
