"""Run the cells of a plan, wherever the work is done, and keep each of them once."""

from __future__ import annotations

import functools
import time as clock
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bounds.cells.cell import Cell, Row, Rows, kept_rows
from bounds.cells.engines import Executor, open_engine
from bounds.cells.progress import CellProgress
from bounds.cells.store import Plan, Store
from bounds.errors import require

QUICK, HELD = 0.02, 5.0  # seconds: a cell that took longer is kept at once, quicker ones together


@dataclass(frozen=True)
class Finished:
    """A finished cell: its index in the plan and its rows. error: its message, which its
    only row holds too; "" if there was none."""

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
        desk: _Desk | None = None
        try:
            if store is not None:
                known = set()
                for index, rows in store.finished():
                    if index in todo:
                        known.add(index)
                        error = rows[0]["error"] or ""
                        progress.known(bool(error))
                        yield Finished(index, rows, error)
                store.close(known)  # parts whose last cell was finished by a process that was killed then
                todo = [index for index in todo if index not in known]
                desk = _Desk(store, todo)
            items = [plan.cells[index] for index in todo]
            for at, outcome in engine(functools.partial(_rows, plan.columns, work), items):
                index = todo[at]
                rows = outcome.value or kept_rows(plan.columns, plan.cells[index], [], outcome.error)
                written = [Finished(index, rows, outcome.error)]
                if desk is not None:
                    written = desk.take(written[0], outcome.seconds)
                for finished in written:  # a cell is handed out only after it is kept
                    progress.step(bool(finished.error))
                    yield finished
            for finished in desk.clear() if desk else []:
                progress.step(bool(finished.error))
                yield finished
        finally:
            if desk is not None:
                desk.clear()
            progress.end()


class _Desk:
    """Finished cells on their way into a store. Quick ones wait up to HELD seconds for the rest of their part, so that
    it is written as one part; what a kill costs is less than that."""

    def __init__(self, store: Store, todo: Sequence[int]) -> None:
        """todo: the cells that will come."""
        self.store, self.left = store, Counter(map(store.plan.part_of, todo))
        self.waiting: dict[int, list[Finished]] = {}  # part -> cells
        self.since = 0.0  # when the one that waits longest came

    def take(self, cell: Finished, seconds: float) -> list[Finished]:
        """Add a cell, which took `seconds`; returns the cells that this call has written to disk."""
        part = self.store.plan.part_of(cell.index)
        if not self.waiting:
            self.since = clock.monotonic()
        self.waiting.setdefault(part, []).append(cell)
        if seconds > QUICK or clock.monotonic() > self.since + HELD:
            return self.clear()
        if len(self.waiting[part]) < len(self.store.members(part)):
            return []
        cells = sorted(self.waiting.pop(part), key=lambda cell: cell.index)
        self.store.add_part(part, [row for cell in cells for row in cell.rows])
        self.since = clock.monotonic()
        return cells

    def clear(self) -> list[Finished]:
        """Keep all cells that wait, and return them."""
        cells = [cell for waiting in self.waiting.values() for cell in waiting]
        self.waiting.clear()
        for cell in cells:
            self.store.add(cell.index, cell.rows)
            part = self.store.plan.part_of(cell.index)
            self.left[part] -= 1
            if not self.left[part]:
                self.store.close([cell.index])
        return cells


def _rows(columns: Mapping[str, type], work: Callable[[Cell], Iterable[Row]], cell: Cell) -> Rows:
    """The rows that a cell gives, in their plain form."""
    return kept_rows(columns, cell, work(cell), "")
