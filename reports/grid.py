"""The gap report over a grid: for each problem, network and method the theory over what was measured."""

from __future__ import annotations

import hashlib
import json
import time as clock
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bounds import Problem, certify, guarantee
from bounds.csv_file import write_csv
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from bounds.data.files import check_writable, write_atomically
from bounds.errors import AssumptionError, DataError, LinrateError, WriteError
from bounds.text_table import Column, TextTable
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from reports.grid_file import Grid, Point
from simulate import Trajectory, gradient_flow

FORMAT = 1  # of the files of finished points
LOSS_RATIO, RTOL, CERTAIN = 1e-6, 1e-4, 10.0  # of the flows; a loss counts if it is so many times its error
POINT_COLUMNS = tuple(Point.__dataclass_fields__)
COLUMNS = (
    *POINT_COLUMNS,
    "method",
    "proved",
    "quantity",
    "side",
    "source",
    "theory",
    "measured",
    "gap",
    "applies",
    "detail",
    "status",
    "loss_ratio",
    "wall_seconds",
    *VERSIONS,
    "dtype",
    "device",
)
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


def grid_rows(grid: Grid, folder: Path) -> Iterator[tuple[Point, list[Row]]]:
    """The rows of each point as soon as they are known. folder: finished points are kept there, and not done again.

    A point that fails has one row with its error. Raises WriteError if the disk is full, DataError for a file of
    another version.
    """
    check_writable(folder / "probe", "--resume")
    for point in grid.points:
        name = hashlib.sha256(json.dumps([asdict(point), grid.methods], sort_keys=True).encode()).hexdigest()[:16]
        file = folder / f"point-{name}.json"
        rows = _read(file)
        if rows is None:
            try:
                rows = list(point_rows(point, grid.methods))
            except WriteError:
                raise
            except (LinrateError, MemoryError) as error:
                rows = [{**asdict(point), "status": "FAILED", "detail": str(error), **versions()}]
            write_atomically(file, json.dumps({"format": FORMAT, "rows": rows}))
        yield point, rows


def _read(file: Path) -> list[Row] | None:
    """The rows of a finished point; None if it is not finished."""
    if not file.exists():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        known = found["format"] == FORMAT and all(isinstance(row, dict) for row in found["rows"])
    except (ValueError, TypeError, KeyError, RecursionError, OSError):
        known = False
    if not known:
        raise DataError(f"{str(file)!r} is no finished point of this version. Remove it, or name another --resume.")
    rows: list[Row] = found["rows"]
    return rows


def point_rows(point: Point, methods: Sequence[str]) -> Iterator[Row]:
    """The four quantities of each method at one point, from one flow."""
    began = clock.monotonic()
    X, y = load_builtin(point.builtin, n=point.n, d=point.d, seed=point.data_seed)
    problem = Problem(X, y, activation=point.activation, embedding=get_embedding(point.embedding), name=point.builtin)
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
    listed = [row for row in rows if row.get("quantity")]
    found = []
    for method in dict.fromkeys(row["method"] for row in listed):
        for quantity in QUANTITIES:
            mine = [row for row in listed if (row["method"], row["quantity"]) == (method, quantity)]
            gaps = [row["gap"] for row in mine if row.get("gap") is not None]
            row = {"method": method, "quantity": quantity, "points": len(mine)}
            row["applies"] = sum(bool(r.get("applies")) for r in mine)
            if gaps:
                row |= {"gap_median": float(np.median(gaps)), "gap_least": min(gaps), "gap_largest": max(gaps)}
            found.append(row)
    return found


def write_parquet(path: Path, rows: Sequence[Row]) -> None:
    """The rows as parquet. Raises AssumptionError where pyarrow is not installed."""
    import io

    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise AssumptionError("parquet needs pyarrow: pip install 'linrate[parquet]'. The CSV is written.") from None
    import pandas as pd

    stream = io.BytesIO()
    frame = pd.DataFrame([{column: row.get(column) for column in COLUMNS} for row in rows], columns=list(COLUMNS))
    texts = [c for c in COLUMNS if frame[c].map(lambda value: isinstance(value, str)).any()]
    frame = frame.astype(dict.fromkeys(texts, "string"))
    frame.to_parquet(stream, index=False)
    write_atomically(path, stream.getvalue())


def write_grid(out: Path, rows: Sequence[Row]) -> None:
    """Write the rows, and the summary beside them as NAME-summary.csv."""
    write_csv(out, rows, COLUMNS)
    write_csv(out.with_name(f"{out.stem}-summary.csv"), summary_rows(rows), SUMMARY_COLUMNS)
