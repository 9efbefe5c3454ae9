"""One data set as one HTML file: what the theorems ask for, simulated runs with certified curves, verdicts, gaps."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup

from bounds import AssumptionError, Guarantee, Problem, certify, first_certified, guarantee, kernel_flow
from bounds.checks import INITS, instance
from bounds.data.files import check_writable, write_atomically
from bounds.dependence import most_parallel_rows
from bounds.methods import METHODS
from bounds.rounding import Side, rounded
from bounds.text import printable
from bounds.versions import versions
from reports.certificates import states
from reports.cite import bibtex
from reports.gaps import GapOptions, claim_rows, gap_rows
from reports.page.limits import COLUMNS as LIMIT_COLUMNS
from reports.page.limits import limit_rows, limits_text
from reports.page.pictures import Curve, axes_of, curve_data, gap_picture, loss_picture
from reports.page.touching import errata_of
from reports.summary import MEANING
from simulate import Trajectory, gradient_flow
from verify.claims import CLAIMS
from verify.report_rows import Row, overall, tested
from verify.run import Run
from verify.runs.regimes import RTOL, regime_run, simulable_guarantee

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
    runs = list(_runs(problem, options))
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
        "assumptions": list(_assumptions(problem)),
        "confidence": f"{1 - options.delta:.10g}",
        "methods": [_method_row(g, g is best) for g in promises],
        "method_columns": METHOD_COLUMNS,
        "best_sentence": _best_sentence(best),
        "refused": refused,
        "limits": limits,
        "limit_columns": LIMIT_COLUMNS,
        "limits_text": limits_text(problem, best),
        "runs": [_run_section(k, *run) for k, run in enumerate(runs)],
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


def _assumptions(problem: Problem) -> Iterator[dict[str, str]]:
    """What the theorems assume: name, whether it holds, and why."""

    def line(name: str, holds: bool | None, why: str) -> dict[str, str]:
        words = {True: ("holds", "yes"), False: ("refuted", "no"), None: ("undecided", "not certified")}
        state, word = words[holds]
        return {"name": name, "state": state, "word": word, "why": why}

    low, high = problem.spectrum.lmin
    if low > 0:
        yield line("lambda_min(G) > 0 (Theorem 1)", True, f"certified: lambda_min is at least {rounded(low, 'down')}")
    else:
        why, way = problem.dependence
        holds = False if problem.embedding_name == "identity" and problem.n > problem.d else None
        yield line("lambda_min(G) > 0 (Theorem 1)", holds, f"lambda_min lies in [{low:.3g}, {high:.3g}] ({why}). {way}")
    if problem.embedding is not None and problem.n > 1:
        a, b, cosine = most_parallel_rows(problem.X)
        yield line(
            "no two points parallel",
            True if cosine < 0.999 else None,
            f"rows {a} and {b}, counted from 0, are nearest to it: |cosine| {cosine:.6g}",
        )
    activation = problem.activation
    yield line("sigma Lipschitz (Assumption 2)", True, f"Ls = {rounded(float(activation.Ls.upper()), 'up')}")
    smooth = (
        f"sigma' has Lipschitz constant {rounded(float(activation.L2.upper()), 'up')}" if activation.smooth else "kink"
    )
    yield line("sigma in C^(1,1), for slopes, clipped and kernel", activation.smooth, smooth)
    yield line("y not zero", bool(np.any(problem.y)), f"||y|| = {rounded(float(problem.y_norm))}")


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


def _runs(problem: Problem, options: GapOptions) -> Iterator[tuple[str, Run, float]]:
    """(title, run, rate promised before it was drawn or 0) of the runs that are shown; none for a random embedding."""
    if problem.random:
        return
    if problem.spectrum.lmin[0] > 0:
        g = simulable_guarantee(problem, options.delta)
        if g is not None:
            title = (
                f"Where the theorem speaks: width {g.width}, scale {rounded(g.scale, 'up')}, {g.init} initialisation"
            )
            yield title, regime_run(problem, g, seed=options.seed), g.rate
    run = gradient_flow(
        problem, width=options.width, scale=options.scale, seed=options.seed, t_max=options.t_max, rtol=RTOL
    )
    yield f"At width {options.width} and scale {options.scale:g}", Run.of(run), 0.0


def _run_section(number: int, title: str, run: Run, promised: float) -> dict[str, Any]:
    """One run with its curves, its picture, and what it shows in words."""
    curves = _curves(run, promised)
    axes = axes_of(curves)
    identifier = f"run{number}"
    return {
        "id": identifier,
        "title": title,
        "text": _run_text(run, curves),
        "curves": curves,
        "picture": loss_picture(curves, axes, title, identifier),
        "data": curve_data(curves, axes),
    }


def _run_text(run: Trajectory, curves: list[Curve]) -> str:
    ratio = float(run.loss[-1] / run.loss[0]) if run.loss[0] > 0 else 0.0
    moved = float(np.mean(run.movement[-1]))
    certified = sum(c.kind == "certified" for c in curves)
    nothing = "" if certified else " Nothing is certified about this run: no dashed curve bounds it."
    return (
        f"The loss fell to {rounded(ratio)} of its initial value by t = {rounded(float(run.time[-1]))}, and the"
        f" features moved by {rounded(moved)} on average. It ended so: {run.ending}.{nothing}"
    )


def _curves(run: Run, promised: float) -> list[Curve]:
    """The measured loss, every certified bound of it, and the lazy flow."""
    error = f"numerical error at most {float(np.max(run.error)):.2g}, estimated"
    curves = [Curve("measured loss", run.time, run.loss, "measured", f"simulated; {error}.", run.error)]
    times = np.linspace(0.0, float(run.time[-1]), 200)
    first = float(run.loss[0])
    if promised > 0 and run.guarantee is not None:
        note = f"promised before the network was drawn, with probability {1 - run.guarantee.delta:.10g}."
        curves.append(Curve("promised", times, first * np.exp(-promised * times), "certified", note))
    with contextlib.suppress(AssumptionError):
        start = certify(run.problem, run.initial.H, signs=run.initial.signs)
        if start.holds:
            note = f"proved for this network at its start by {start.method}, rate {rounded(start.rate, 'down')}."
            bound = first * np.exp(-start.rate * times)
            curves.append(Curve("certified at the start", times, bound, "certified", note))
        else:
            curves += _certified_later(run)
    with contextlib.suppress(AssumptionError):
        lazy = kernel_flow(run.problem, run.time, scale=run.scale)
        note = "the lazy flow at infinite width, whose features do not move: a baseline in closed form, no bound."
        curves.append(Curve("lazy flow", run.time, lazy.loss, "lazy", note))
    return [c for c in curves if np.any(c.value > 0)]


def _certified_later(run: Run) -> list[Curve]:
    """The certified curve from the first state of the same flow that is certified, if there is one."""
    end = float(run.time[-1])
    latest: list[np.ndarray] = []

    def watched() -> Iterator[tuple[float, np.ndarray, np.ndarray]]:
        for time, H, signs in states(run.problem, run.initial, end):
            latest[:] = [run.problem.residual(H, signs)]
            yield time, H, signs

    found = first_certified(run.problem, watched())
    if found is None or not found.time < end:
        return []
    times = np.linspace(found.time, end, 200)
    loss = float(np.sum(np.square(latest[0])) / 2)
    values = loss * np.exp(-found.certificate.rate * (times - found.time))
    rate = rounded(found.certificate.rate, "down")
    note = f"proved for this network by {found.certificate.method}, from t = {rounded(found.time)} on, rate {rate}."
    return [Curve(f"certified from t = {rounded(found.time)}", times, values, "certified", note)]


def _rows(problem: Problem, options: GapOptions, progress: Progress) -> list[Row]:
    """The rows of the gap report; where it does not apply, what claims say about one run; none if that fails too."""
    if problem.random:
        return []
    if problem.spectrum.lmin[0] > 0:
        rows: list[Row] = []
        for stage, found in gap_rows(problem, options):
            progress(f"verdicts: {stage}")
            rows += found
        return rows
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
