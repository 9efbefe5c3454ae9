"""Cells: many independent pieces of work, done in this process, in local processes or on a cluster, each kept once.

cell.py      a cell is its definition; key and seed follow from it
attempt.py   one piece of work, its outcome or its error
engines.py   where the work is done: here, processes.py, cluster.py (Dask)
store.py     a directory of finished cells: parts of parquet and a manifest
run.py       run_cells, which puts them together
"""

from bounds.cells.attempt import Outcome
from bounds.cells.cell import Cell, Row
from bounds.cells.engines import open_engine
from bounds.cells.run import Finished, run_cells
from bounds.cells.store import Plan, Store

__all__ = ["Cell", "Finished", "Outcome", "Plan", "Row", "Store", "open_engine", "run_cells"]
