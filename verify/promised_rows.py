"""Rows of the gap report with the constants that the theorems require on a data set; no run is needed."""

from __future__ import annotations

from bounds import AssumptionError, Problem, guarantee
from bounds.checks import INITS
from bounds.methods import METHODS
from bounds.versions import versions
from verify.report_rows import Row, problem_columns
from verify.verdict import Verdict


def promise_rows(problem: Problem, delta: float) -> list[Row]:
    """Rows with the width, scale and rate of every method and initialisation; nothing is measured, so UNDECIDED."""
    rows: list[Row] = []
    for init in INITS:
        for method in METHODS:
            try:
                g = guarantee(problem, delta, method=method, init=init)
            except AssumptionError:
                continue
            common = {
                "claim": "theorem-1",
                "source": g.source,
                "method": method,
                **problem_columns(problem),
                "width": g.width,
                "scale": g.scale,
                "init": init,
                "delta": delta,
                "verdict": Verdict.UNDECIDED.value,
                "vacuous": g.vacuous,
                "trials": 0,
                **versions(),
            }
            for quantity, side, value in (
                ("required width", "lower", g.width),
                ("required scale", "lower", g.scale),
                ("promised rate", "lower", g.rate),
            ):
                rows.append({**common, "quantity": quantity, "side": side, "theory": value})
    return rows
