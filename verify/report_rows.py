"""One row of the gap report for each quantity, and the report's file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bounds import Problem
from bounds.csv_file import csv_text, write_csv
from bounds.versions import versions
from verify.claims.base import Claim, Comparison
from verify.run import Run
from verify.verdict import Verdict, combine

COLUMNS = (
    "claim",
    "source",
    "method",
    "activation",
    "embedding",
    "last_layer",
    "data",
    "n",
    "d",
    "width",
    "scale",
    "init",
    "delta",
    "seed",
    "quantity",
    "side",
    "theory",
    "measured",
    "measured_error",
    "gap",
    "slack",
    "verdict",
    "vacuous",
    "proved",
    "trials",
    "failures",
    "undecided",
    "alpha",
    "failure_rate_low",
    "failure_rate_high",
    "time_at",
    "time_end",
    "status",
    "loss_ratio",
    "wall_seconds",
    "linrate",
    "commit",
    "python",
    "numpy",
    "torch",
    "dtype",
    "device",
)
Row = dict[str, Any]


def problem_columns(problem: Problem) -> Row:
    """The columns that describe the training set."""
    return {
        "activation": problem.activation.name,
        "embedding": problem.embedding_name,
        "last_layer": problem.last_layer,
        "data": problem.name,
        "n": problem.n,
        "d": problem.d,
    }


def row_of(claim: Claim, comparison: Comparison, run: Run, verdict: Verdict = Verdict.REFUTED) -> Row:
    """The row of one comparison, at the save point at which it is nearest to failing.

    verdict: on the whole run (`decide` in runs/confirm.py). A comparison that seems to refute is UNDECIDED in the row
    unless the run was confirmed to refute.
    """
    found = comparison.verdict
    if found is Verdict.REFUTED and verdict is not Verdict.REFUTED:
        found = Verdict.UNDECIDED
    worst = comparison.worst
    end, first = float(run.loss[-1]), float(run.loss[0])
    return {
        "claim": claim.id,
        "source": claim.source,
        "method": comparison.method,
        **problem_columns(run.problem),
        "width": run.width,
        "scale": run.scale,
        "init": run.init,
        "delta": run.guarantee.delta if run.guarantee else None,
        "seed": run.seed,
        "quantity": comparison.quantity,
        "side": comparison.side,
        "theory": float(comparison.theory[worst]),
        "measured": float(comparison.measured[worst]),
        "measured_error": float(comparison.error[worst]),
        "gap": comparison.gap,
        "slack": comparison.slack,
        "verdict": claim.swept([found]).value,
        "open": comparison.open,
        "vacuous": comparison.vacuous,
        "proved": claim.proved,
        "time_at": float(comparison.at[worst[0]]),
        "time_end": float(run.time[-1]),
        "status": run.status.name,
        "loss_ratio": end / first if first > 0 else 0.0,
        "wall_seconds": run.stats.seconds,
        "dtype": run.dtype,
        "device": run.device,
        **versions(),
    }


def check_row(claim: Claim, comparison: Comparison) -> Row:
    """The row of a comparison on an example of the claim's own, without a run."""
    worst = comparison.worst
    return {
        "claim": claim.id,
        "source": claim.source,
        "method": comparison.method,
        "quantity": comparison.quantity,
        "side": comparison.side,
        "theory": float(comparison.theory[worst]),
        "measured": float(comparison.measured[worst]),
        "measured_error": float(comparison.error[worst]),
        "gap": comparison.gap,
        "slack": comparison.slack,
        "verdict": claim.swept([comparison.verdict]).value,
        "vacuous": comparison.vacuous,
        "proved": claim.proved,
        **versions(),
    }


def tested(rows: Iterable[Row]) -> list[Row]:
    """The rows with a measurement; the others hold constants, about which nothing is decided."""
    return [row for row in rows if row.get("trials") != 0]


def overall(rows: Iterable[Row]) -> Verdict:
    """The verdict of all tested rows that are not vacuous; claims known to be false or open do not count."""
    counted = (row for row in tested(rows) if not row["vacuous"] and row.get("proved") is not False)
    return combine(Verdict(row["verdict"]) for row in counted)


def to_csv(rows: Iterable[Row]) -> str:
    """The rows as the CSV text of the gap report, one column for each of COLUMNS."""
    return csv_text(rows, COLUMNS)


def write_report(rows: Iterable[Row], path: str | Path) -> None:
    """Replace the report in one step: an interrupted run leaves the old file or the rows so far, never half a row."""
    write_csv(path, rows, COLUMNS)
