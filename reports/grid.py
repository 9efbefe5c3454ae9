"""The gap report over a grid: for each problem, network and method the theory over what was measured."""

from __future__ import annotations

import time as clock
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import numpy as np

from bounds import Problem, certify, guarantee
from bounds.cells import Cell, Plan, run_cells
from bounds.cells.engines import Executor
from bounds.cells.progress import CellProgress
from bounds.csv_file import write_csv
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from bounds.data.files import write_atomically
from bounds.errors import ArgumentError, AssumptionError, LinrateError, shown
from bounds.text_table import Column, TextTable
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from reports.grid_file import Grid, Point, grid_of, read_grid
from simulate import Trajectory, gradient_flow

if TYPE_CHECKING:
    import pandas as pd

LOSS_RATIO, RTOL, CERTAIN = 1e-6, 1e-4, 10.0  # of the flows; a loss counts if it is so many times its error
# Column -> the kind of its values.
KINDS: dict[str, type] = {
    **get_type_hints(Point),
    "method": str,
    "proved": bool,
    "quantity": str,
    "side": str,
    "source": str,
    "theory": float,
    "measured": float,
    "gap": float,
    "applies": bool,
    "detail": str,
    "status": str,
    "loss_ratio": float,
    "wall_seconds": float,
    **dict.fromkeys(VERSIONS, str),
    "dtype": str,
    "device": str,
}
COLUMNS = tuple(KINDS)
QUANTITIES = ("width", "scale", "rate", "movement")
SUMMARY_COLUMNS = ("method", "quantity", "points", "applies", "gap_median", "gap_least", "gap_largest")
SUMMARY = TextTable(
    [
        Column("method", 14, "<"),
        Column("quantity", 9, "<"),
        Column("points", 7),
        Column("applies", 8),
        Column("median", 10, number_format=".3g"),
        Column("least", 10, number_format=".3g"),
        Column("largest", 10, number_format=".3g"),
    ]
)
Row = dict[str, Any]


def plan_of(grid: Grid) -> Plan:
    """The grid as cells: one for each point, with all methods."""
    methods = list(grid.methods)
    cells = tuple(Cell({**vars(point), "methods": methods}) for point in grid.points)
    return Plan("gaps", cells, KINDS, grid.axes)


def grid_rows(
    grid: Grid,
    *,
    executor: Executor = None,
    directory: str | Path | None = None,
    retry: bool = False,
    share: tuple[int, int] = (0, 1),
    progress: CellProgress | None = None,
) -> Iterator[tuple[Point, list[Row]]]:
    """The rows of each point as soon as they are known, with keys COLUMNS; the arguments are those of `run_cells`.

    A point that fails has one row with its error. Raises what `run_cells` raises.
    """
    run = run_cells(
        plan_of(grid),
        cell_rows,
        executor=executor,
        directory=directory,
        retry=retry,
        share=share,
        progress=progress,
    )
    for found in run:
        if found.error:
            found.rows[0].update({"status": "FAILED", "detail": found.error, **versions()})
        yield grid.points[found.index], [{name: row[name] for name in COLUMNS} for row in found.rows]


def sweep(
    grid: Grid | Mapping[str, Any] | str | Path,
    executor: Executor = None,
    directory: str | Path | None = None,
    *,
    retry: bool = False,
    progress: CellProgress | None = None,
) -> pd.DataFrame:
    """Theory and measurement at every point of a grid: one row for each point, method and quantity, columns COLUMNS.

    grid: a YAML file as for `linrate gaps --grid`, or a mapping with its keys; executor: None for this process, a
    number of local processes, "tcp://host:port" of a Dask scheduler, or a distributed.Client; directory: where finished
    points are kept, and not done again; retry: apart from those that failed. Rows are in the order of the grid, and do
    not depend on the executor. A point that fails is a row with status FAILED and its error.

    Raises DataError for no grid, or a directory of another grid, version or commit; ArgumentError for a value out of
    range or an executor that cannot be used; EngineError if the scheduler goes while it works.

    Example: sweep({"n": [3, 4], "d": 20, "width": 64, "scale": [1, 10], "method": "slopes"}, executor=2)
    """
    import pandas as pd

    chosen = _grid_from(grid)
    found = dict(grid_rows(chosen, executor=executor, directory=directory, retry=retry, progress=progress))
    return pd.DataFrame([row for point in chosen.points for row in found[point]], columns=list(COLUMNS))


def sweep_share(grid: Grid | Mapping[str, Any] | str | Path, directory: str | Path, k: int, of: int) -> int:
    """Run every `of`-th point of the grid from the k-th on, into a directory that `of` such calls fill together.

    For the tasks of a job array, which know nothing of each other: `sweep` with the same grid and directory then reads
    it. Returns how many points of this share failed. Raises ArgumentError unless 0 <= k < of, and what `sweep` raises.
    """
    run = grid_rows(_grid_from(grid), directory=directory, share=(k, of))
    return sum(rows[0]["status"] == "FAILED" for _, rows in run)


def _grid_from(grid: Grid | Mapping[str, Any] | str | Path) -> Grid:
    if isinstance(grid, Grid):
        return grid
    if isinstance(grid, Mapping):
        return grid_of(grid)
    if isinstance(grid, str | Path):
        return read_grid(grid)
    raise ArgumentError(f"grid must be a YAML file or a mapping such as {{'n': [10, 20]}}. Found {shown(grid)}.")


def cell_rows(cell: Cell) -> Iterator[Row]:
    """The rows of a cell of `plan_of`."""
    values = dict(cell.definition)
    methods = values.pop("methods")
    return point_rows(Point(**values), methods)


def point_rows(point: Point, methods: Sequence[str]) -> Iterator[Row]:
    """The four quantities of each method at one point, from one flow."""
    began = clock.monotonic()
    X, y = load_builtin(point.builtin, n=point.n, d=point.d, seed=point.data_seed)
    embedding, last = get_embedding(point.embedding), point.last_layer
    problem = Problem(X, y, activation=point.activation, embedding=embedding, last_layer=last, name=point.builtin)
    if problem.random:
        raise AssumptionError("a network needs an embedding that is drawn: random-features:depth=1,dim=4096.")
    network: dict[str, Any] = {name: getattr(point, name) for name in ("width", "scale", "seed", "init")}
    run = gradient_flow(problem, t_max=point.t_max, loss_ratio=LOSS_RATIO, rtol=RTOL, **network)
    measured = {"width": float(point.width), "scale": point.scale, "rate": measured_rate(run)}
    root = np.sqrt(np.diagonal(problem.gram))
    measured["movement"] = float(np.max(run.movement_rms[-1] / root))
    common: Row = {**asdict(point), "status": run.status.name, "loss_ratio": float(run.loss[-1] / run.loss[0])}
    common |= {"wall_seconds": clock.monotonic() - began, **versions(), "dtype": run.dtype, "device": run.device}
    for method in methods:
        for row in _theory(problem, point, method, run):
            value, theory = measured[row["quantity"]], row.get("theory")
            gap = theory / value if theory is not None and value > 0 and np.isfinite(theory) else None
            yield {**common, "method": method, "measured": value, "gap": gap, **row}


def measured_rate(run: Trajectory) -> float:
    """The largest rate with L^t <= L^0 exp(-rate t) at every save point; 0 if the loss is not known there."""
    known = run.loss[1:] > CERTAIN * run.error[1:]
    if not np.any(known):
        return 0.0
    return max(float(np.min(np.log(run.loss[0] / run.loss[1:][known]) / run.time[1:][known])), 0.0)


def _theory(problem: Problem, point: Point, method: str, run: Trajectory) -> Iterator[Row]:
    """What a method says about width, scale, rate and movement.

    "a priori" holds with probability 1 - delta where the network is as wide and the scale as large as it asks for;
    "certificate" holds for this network.
    """
    try:
        g = guarantee(problem, point.delta, method=method, init=point.init)
    except LinrateError as error:
        yield from ({"quantity": q, "applies": False, "detail": str(error)} for q in QUANTITIES)
        return
    enough = point.width >= g.width and point.scale >= g.scale
    common = {"proved": g.proved, "applies": enough, "source": "a priori"}
    yield {**common, "quantity": "width", "side": "lower", "theory": float(g.width)}
    yield {**common, "quantity": "scale", "side": "lower", "theory": float(g.scale)}
    certified: Row = {"proved": True, "source": "certificate", "applies": False}
    try:
        c = certify(problem, run.initial.H, signs=run.initial.signs, method=method)
        certified |= {"applies": c.holds, "detail": "" if c.holds else c.reason}
        rate, path = (c.rate, c.path_length) if c.holds else (None, None)
    except LinrateError as error:
        certified["detail"], rate, path = str(error), None, None
    yield {**certified, "quantity": "rate", "side": "lower", "theory": rate}
    yield {**certified, "quantity": "movement", "side": "upper", "theory": path}


def summary_rows(rows: Iterable[Row]) -> list[Row]:
    """For each method and quantity: the points, how many of them the method applies at, and theory/measured."""
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.get("quantity"):
            groups.setdefault(row["method"], {q: [] for q in QUANTITIES})[row["quantity"]].append(row)
    found = []
    for method, quantities in groups.items():
        for quantity, mine in quantities.items():
            gaps = [row["gap"] for row in mine if row.get("gap") is not None]
            row = {"method": method, "quantity": quantity, "points": len(mine)}
            row["applies"] = sum(bool(r.get("applies")) for r in mine)
            if gaps:
                row |= {"gap_median": float(np.median(gaps)), "gap_least": min(gaps), "gap_largest": max(gaps)}
            found.append(row)
    return found


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """The rows as one table in parquet. Raises WriteError if the disk is full."""
    import io

    import pandas as pd

    stream = io.BytesIO()
    frame = pd.DataFrame([{column: row.get(column) for column in COLUMNS} for row in rows], columns=list(COLUMNS))
    texts = [column for column, kind in KINDS.items() if kind is str]
    frame.astype(dict.fromkeys(texts, "string")).to_parquet(stream, index=False)
    write_atomically(path, stream.getvalue())


def write_grid(out: Path, rows: Sequence[Row]) -> None:
    """Write the rows, and the summary beside them as NAME-summary.csv."""
    write_csv(out, rows, COLUMNS)
    write_csv(out.with_name(f"{out.stem}-summary.csv"), summary_rows(rows), SUMMARY_COLUMNS)
