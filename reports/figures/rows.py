"""The CSV behind a figure: one row for each point of each run, each certificate, and each run that failed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bounds.csv_file import write_csv
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from reports.experiments.case import CASE_COLUMNS, Case, Result
from reports.experiments.certified import Certified

MEASURES = (
    "steps_taken",
    "dead",
    "moved",
    "spread_before",
    "spread_after",
    "directions_before",
    "directions_after",
    "y_variance",
    "certified_rate",
)
COLUMNS = (
    "figure",
    "reduced",
    "kind",
    *CASE_COLUMNS,
    "status",
    "detail",
    "time",
    "loss_value",
    "loss_error",
    "test_mse",
    "test_wrong",
    *MEASURES,
    "rate",
    "certificate",
    "neuron",
    "h_train_before",
    "h_test_before",
    "h_train_after",
    "h_test_after",
    "wall_seconds",
    *VERSIONS,
    "dtype",
    "device",
)
Row = dict[str, Any]


def curve_rows(results: Iterable[Result]) -> Iterator[Row]:
    """A row of kind "point" for each save point; of kind "run" for a run without any, which has failed."""
    for result in results:
        common = _common(result)
        if not len(result.time):
            yield {**common, "kind": "run"}
        for k, time in enumerate(result.time.tolist()):
            row = {**common, "kind": "point", "time": time}
            row |= {"loss_value": float(result.loss[k]), "loss_error": float(result.loss_error[k])}
            if len(result.test_mse):
                row |= {"test_mse": float(result.test_mse[k]), "test_wrong": float(result.test_wrong[k])}
            yield row


def end_rows(results: Iterable[Result]) -> Iterator[Row]:
    """A row of kind "run" for each run, with its end and the measures of the whole run."""
    for result in results:
        row: Row = {**_common(result), "kind": "run", **result.measures}
        for name, values in (("time", result.time), ("loss_value", result.loss), ("loss_error", result.loss_error)):
            row[name] = float(values[-1]) if len(values) else None
        for name, values in (("test_mse", result.test_mse), ("test_wrong", result.test_wrong)):
            row[name] = float(values[-1]) if len(values) else None
        yield row


def neuron_rows(result: Result) -> Iterator[Row]:
    """A row of kind "neuron" for each neuron: h_i at a training point and at a test point, before and after."""
    names = ("h_train_before", "h_test_before", "h_train_after", "h_test_after")
    for neuron, values in enumerate(result.features.T.tolist()):
        yield {**_common(result), "kind": "neuron", "neuron": neuron, **dict(zip(names, values, strict=True))}


def certified_row(case: Case, found: Certified) -> Row:
    """The certificate that a curve of the figure shows; or why there is none, in `detail`."""
    row: Row = {
        **asdict(case),
        "kind": "certificate",
        "certificate": found.method,
        "detail": found.reason,
        **(found.origin or versions()),
    }
    if found.rate > 0:
        row |= {"time": found.time, "loss_value": found.loss, "rate": found.rate}
    return row


def _common(result: Result) -> Row:
    row: Row = {**asdict(result.case), "status": result.status, "detail": result.detail}
    return {**row, "wall_seconds": result.seconds, **result.origin}


def write_rows(path: Path, rows: Iterable[Row], *, figure: str, reduced: bool) -> None:
    """Write them as CSV, one column for each of COLUMNS."""
    write_csv(path, ({**row, "figure": figure, "reduced": reduced} for row in rows), COLUMNS)


# -- means over seeds -------------------------------------------------------------------------------------------------


def mean_label(name: str, runs: list[Result]) -> str:
    """What a legend says of the mean of these runs, or of the one that there is."""
    return name if len(runs) == 1 else f"{name}, mean of {len(runs)}"


def on_grid(results: Sequence[Result], name: str, *, logarithm: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(times, mean, standard deviation) of a quantity over the runs, on a common grid until the first of them ends.

    Interpolated in log time. With `logarithm` both are of the logarithm, to base 10.
    """
    last = min(float(result.time[-1]) for result in results)
    first = max(float(result.time[1]) for result in results)
    times = np.geomspace(first, max(last, first * (1 + 1e-9)), 120)
    curves = []
    for result in results:
        values = getattr(result, name)
        values = np.log10(np.maximum(values, 1e-300)) if logarithm else values
        curves.append(np.interp(np.log(times), np.log(np.maximum(result.time, 1e-300)), values))
    stacked = np.stack(curves)
    return times, stacked.mean(0), stacked.std(0, ddof=1) if len(curves) > 1 else np.zeros(len(times))


def at_end(results: Sequence[Result], name: str) -> tuple[float, float]:
    """(mean, standard deviation) of a quantity at the ends of the runs, or of one of their measures."""
    ends = [r.measures.get(name, np.nan) if name in MEASURES else float(getattr(r, name)[-1]) for r in results]
    return float(np.mean(ends)), float(np.std(ends, ddof=1)) if len(ends) > 1 else 0.0
