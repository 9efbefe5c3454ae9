"""One data set as one HTML file: what the theorems ask for, simulated runs with certified curves, verdicts, gaps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from bounds import AssumptionError, Guarantee, Problem, guarantee
from bounds.checks import INITS, instance
from bounds.data.files import check_writable, write_atomically
from bounds.methods import METHODS
from bounds.rounding import Side, rounded
from bounds.text import printable
from bounds.versions import versions
from reports.cite import bibtex
from reports.gaps import GapOptions, claim_rows, gap_rows
from reports.page.assumptions import assumptions
from reports.page.limits import COLUMNS as LIMIT_COLUMNS
from reports.page.limits import limit_rows, limits_text
from reports.page.pictures import gap_picture
from reports.page.runs import run_section, simulated_runs
from reports.page.touching import errata_of
from reports.summary import MEANING
from simulate import gradient_flow
from verify.claims import CLAIMS
from verify.report_rows import Row, overall, tested
from verify.run import Run
from verify.runs.regimes import RTOL

MOST_BYTES = 2 * 10**6  # of the page
METHOD_COLUMNS = ("method", "initialisation", "width", "scale", "rate", "path length", "width set by", "proved")
VERDICT_COLUMNS = ("claim", "verdict", "quantity", "theory", "measured", "theory / measured", "width", "scale")
RELATION = {"upper": "≤", "lower": "≥", "equal": "="}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ReportOptions(GapOptions):
    """Options of `report`, which are those of the gap report and mean the same."""


def report(
    problem: Problem,
    path: str | Path,
    options: ReportOptions | None = None,
    *,
    command: str = "",
    progress: Progress = lambda stage: None,
) -> Path:
    """Write one HTML file about a problem that needs no other file and asks the network for nothing; returns its path.

    It shows which assumptions hold, what each method promises, simulated runs with their certified curves, the verdicts
    in words, the gap between theory and measurement, the errata that matter here, and how to compute all of it again.
    Where nothing is promised or certified the page says so. options: as for the gap report. command: the command line
    that made it, if there was one. progress: called with what is being done.

    Raises ArgumentError if `problem` is no Problem or an option is out of range, DataError or WriteError if the file
    cannot be written.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    chosen = ReportOptions() if options is None else options
    instance("options", chosen, GapOptions, "Use reports.ReportOptions().")
    out = check_writable(path, "path")
    page = content(problem, chosen, command, progress)
    write_atomically(out, render(page))
    return out


def render(page: dict[str, Any]) -> str:
    """The page as HTML text; whatever came from the data is escaped."""
    files = resources.files("reports.page")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string((files / "template.html").read_text(encoding="utf-8"))
    # Our own style and script are the only texts that are not escaped.
    style, script = (Markup((files / name).read_text(encoding="utf-8")) for name in ("style.css", "script.js"))
    return template.render(style=style, script=script, **page)


def content(problem: Problem, options: GapOptions, command: str, progress: Progress) -> dict[str, Any]:
    """Everything that the template shows, by name."""
    progress("methods")
    promises, refused = _promises(problem, options.delta)
    best = min((g for g in promises if g.proved), key=lambda g: (g.width, g.scale), default=None)
    progress("what is necessary and what is enough")
    limits = list(limit_rows(problem, best, options.seed))
    progress("simulated runs")
    runs = list(simulated_runs(problem, options))
    progress("what is certified of them")
    run_sections = [run_section(k, *run) for k, run in enumerate(runs)]
    progress("verdicts")
    rows = _rows(problem, options, progress)
    verdict = overall(rows).value
    found = tested(rows)
    gaps = gap_picture(_widest(found))
    sections = [("problem", "Problem"), ("methods", "Methods"), ("limits", "Necessary"), ("runs", "Runs")]
    sections += [("verdicts", "Verdicts")]
    sections += [("gap", "Gaps")] if gaps else []
    return {
        "name": printable(problem.name),
        "lead": _lead(problem, best, options.delta),
        "sections": [*sections, ("errata", "Errata"), ("again", "Compute again")],
        "facts": problem._facts(),
        "assumptions": list(assumptions(problem)),
        "confidence": f"{1 - options.delta:.10g}",
        "methods": [_method_row(g, g is best) for g in promises],
        "method_columns": METHOD_COLUMNS,
        "best_sentence": _best_sentence(best),
        "refused": refused,
        "limits": limits,
        "limit_columns": LIMIT_COLUMNS,
        "limits_text": limits_text(problem, best),
        "runs": run_sections,
        "no_runs": "A random embedding must be drawn before a network can be simulated: give it a dimension, dim=4096.",
        "verdict_sentence": f"{verdict}. {MEANING[verdict]}" if found else "Nothing was tested on these data.",
        "verdicts": [_verdict_row(row) for row in found],
        "verdict_columns": VERDICT_COLUMNS,
        "meanings": {**MEANING, "vacuous": "The bound says nothing at this width and scale, so nothing is tested."},
        "gaps": gaps,
        "errata": errata_of(problem),
        "commands": _commands(problem, options, command),
        "origin": {**versions(), "seed": options.seed, "delta": options.delta, "alpha": options.alpha},
        "bibtex": bibtex(),
    }


def _lead(problem: Problem, best: Guarantee | None, delta: float) -> str:
    """The answer in one sentence."""
    what = f"n = {problem.n} points in d = {problem.d} dimensions, {problem.activation.name}"
    if best is None:
        return f"{what}: no proved method applies, so no width is promised to be enough."
    beyond = ", which no machine simulates" if best.vacuous else ""
    return (
        f"{what}: {rounded(best.width, 'up')} neurons at scale {rounded(best.scale, 'up')} are proved to train at rate"
        f" {rounded(best.rate, 'down')} with probability {1 - delta:.10g}{beyond}."
    )


def _best_sentence(best: Guarantee | None) -> str:
    if best is None:
        return ""
    chosen = f"{best.method} with {best.init} initialisation"
    return f"Of the proved methods, {chosen} asks for the fewest neurons (highlighted)."


def _promises(problem: Problem, delta: float) -> tuple[list[Guarantee], list[str]]:
    """The guarantees of all methods for both initialisations, and one sentence for each method that has none."""
    found, refused = [], {}
    for init in INITS:
        for method in METHODS:
            try:
                found.append(guarantee(problem, delta, method=method, init=init))
            except AssumptionError as error:
                refused[method] = str(error)
    if not problem.spectrum.lmin[0] > 0:
        # One diagnosis stands for every method that needs independent rows.
        why, way = problem.dependence
        shown = [f"Theorem 1 needs lambda_min(G) > 0, which is not certified ({why}). {way}"]
        refused = {m: text for m, text in refused.items() if not METHODS[m].needs_positive_definite}
    else:
        shown = []
    return found, [*shown, *(f"{m}: {text.removeprefix(f'method {m!r} ')}" for m, text in refused.items())]


def _cell(text: str, sort: float | None = None) -> dict[str, Any]:
    """A cell of a sortable table; a number that is too large for a float sorts as infinite."""
    return {"text": text, "sort": sort}


def _method_row(g: Guarantee, best: bool) -> dict[str, Any]:
    numbers: list[tuple[float, Side]] = [(g.width, "up"), (g.scale, "up"), (g.rate, "down"), (g.path_length, "up")]
    cells = [
        _cell(g.method),
        _cell(g.init),
        *(_cell(rounded(value, side), _sortable(value)) for value, side in numbers),
        _cell(g.dominant),
        _cell("yes" if g.proved else "no"),
    ]
    if g.embedding_dim is not None:
        cells[2]["text"] += f" (D = {rounded(g.embedding_dim, 'up')})"
    return {"best": best, "cells": cells}


def _sortable(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _rows(problem: Problem, options: GapOptions, progress: Progress) -> list[Row]:
    """The rows of the gap report; where it does not apply, what claims say about one run; none if that fails too."""
    if problem.random:
        return []
    if problem.spectrum.lmin[0] > 0:
        stages = gap_rows(problem, options, starting=lambda stage: progress(f"verdicts: {stage}"))
        return [row for _, found in stages for row in found]
    run = gradient_flow(
        problem, width=options.width, scale=options.scale, seed=options.seed, t_max=options.t_max, rtol=RTOL
    )
    return claim_rows(Run.of(run))


def _widest(rows: list[Row]) -> list[Row]:
    """Of each claim and quantity the row whose gap is nearest to 1, so that each has one line in the picture."""
    nearest: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (row["claim"], row["quantity"])
        gap = row["gap"]
        if row["vacuous"] or not gap or not gap > 0 or not math.isfinite(gap):
            continue
        if key not in nearest or abs(math.log(gap)) < abs(math.log(nearest[key]["gap"])):
            nearest[key] = row
    return list(nearest.values())


def _verdict_row(row: Row) -> dict[str, Any]:
    state = "vacuous" if row["vacuous"] else row["verdict"].lower()
    trials = f"{row['failures']} of {row['trials']} networks fail" if row.get("trials") else ""
    return {
        "claim": row["claim"],
        "title": CLAIMS[row["claim"]].title,
        "quantity": row["quantity"],
        "width": row["width"],
        "scale": row["scale"],
        "scale_text": rounded(float(row["scale"])),
        "relation": RELATION[row["side"]],
        "theory": row["theory"],
        "theory_text": rounded(float(row["theory"])),
        "measured": row["measured"],
        "measured_text": rounded(float(row["measured"])),
        "gap": row["gap"],
        "gap_text": rounded(float(row["gap"])),
        "verdict": "vacuous" if row["vacuous"] else row["verdict"],
        "state": state,
        "trials": trials,
    }


def _commands(problem: Problem, options: GapOptions, command: str) -> list[str]:
    """The commands that compute the page again, or the Python that does."""
    if command:
        return [printable(command)]
    settings = ", ".join(f"{name}={value!r}" for name, value in asdict(options).items())
    return ["import reports", f"reports.report(problem, 'report.html', reports.ReportOptions({settings}))"]
