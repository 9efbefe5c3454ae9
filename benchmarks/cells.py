"""Cells in great number: how long 100,000 trivial ones take to be done, listed, resumed and summarised."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bounds.cells import Cell, Plan, run_cells
from bounds.cells.store import list_cells

COUNT = 100_000
LEFT = 150  # cells that are still to be done when the rest is resumed
STOPS: list[bool] = []  # not empty: ctrl-C is pressed before those


def trivial(cell: Cell) -> list[dict[str, float]]:
    """One row, drawn with the seed of the cell."""
    if STOPS and cell.definition["k"] == COUNT - LEFT:
        raise KeyboardInterrupt
    return [{"k": cell.definition["k"], "value": float(np.random.default_rng(cell.seed).standard_normal())}]


def plan() -> Plan:
    """COUNT cells."""
    return Plan("trivial", tuple(Cell({"k": k}) for k in range(COUNT)), {"k": int, "value": float}, {"k": COUNT})


def rows() -> Iterator[dict[str, object]]:
    """Milliseconds of each step, by the clock and of this process."""
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "cells"

        def all_done() -> int:
            return sum(1 for _ in run_cells(plan(), trivial, directory=directory))

        def summarised() -> int:
            return len(pd.read_parquet(directory / "parts").groupby("k").mean(numeric_only=True))

        def interrupted() -> int:
            STOPS.append(True)
            try:
                all_done()
            except KeyboardInterrupt:
                STOPS.clear()
            return list_cells(directory).done

        for name, step, count in (
            ("done, but for the last ones", interrupted, COUNT - LEFT),
            ("listed", lambda: list_cells(directory).done, COUNT - LEFT),
            ("resumed", all_done, COUNT),
            ("read again", all_done, COUNT),
            ("summarised", summarised, COUNT),
        ):
            began, used = time.perf_counter(), time.process_time()
            assert step() == count, name
            wall, used = 1e3 * (time.perf_counter() - began), 1e3 * (time.process_time() - used)
            yield {"case": f"{COUNT} trivial cells, {name}", "ours_ms": wall, "cpu_ms": used}
