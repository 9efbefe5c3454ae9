"""The commands of `reports`: gaps, report, certificates, slack, scaling, coverage, doctor, cite and reproduce."""

from __future__ import annotations

import shlex
import sys
import time as clock
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bounds import Problem
from bounds.cells.options import executor_of
from bounds.command_line import HOLDS, UNDECIDED, Parser, add_problem_options, problem_from
from bounds.data.datasets import load_builtin
from bounds.data.embeddings import get_embedding
from bounds.data.files import check_writable
from bounds.errors import ArgumentError
from bounds.pictures.style import add_plot_option, check_picture, picture_file
from bounds.progress import announce
from bounds.text import printable
from reports.assertions.page import add_assertions_command, run_assertions
from reports.cell_options import (
    add_cell_options,
    add_cells_command,
    goes_on,
    progress_of,
    refuse_cell_options,
    run_cells_command,
)
from reports.certificates import (
    KINKED,
    SMOOTH,
    TABLE,
    CertificateOptions,
    SwitchRow,
    certificate_rows,
    table_line,
    write_certificates,
)
from reports.cite import add_cite_command, run_cite
from reports.completion import add_completion_command, run_completion
from reports.coverage import add_coverage_command, run_coverage
from reports.doctor import add_doctor_command, run_doctor
from reports.figures.command import add_figure_command, run_figure
from reports.gap_picture import draw_gaps
from reports.gap_picture import size as gap_size
from reports.gaps import GapOptions, gap_rows
from reports.grid import SUMMARY, SUMMARY_COLUMNS, grid_rows, plan_of, summary_rows, write_grid, write_parquet
from reports.grid_file import read_grid
from reports.ladder import draw_ladder
from reports.law import law_rows, law_text
from reports.reproduce import add_reproduce_command, run_reproduce
from reports.scaling import add_scaling_command, run_scaling
from reports.slack_table import add_slack_command, run_slack
from reports.summary import summary
from verify.report_rows import Row, overall, write_report

DEFAULT_OUT = "gaps.csv"


def parsers() -> dict[str, Parser]:
    """Command -> its parser."""
    return _parser()[1]


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of all commands, and those of each."""
    parser = Parser(prog="linrate", example="python -m reports gaps --builtin digits --out gaps.csv")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    gaps = commands.add_parser(
        "gaps",
        help="the theory compared with simulation, as CSV",
        example="linrate gaps --data my.csv --activation tanh",
    )
    add_problem_options(gaps)
    gaps.add_argument(
        "--grid", metavar="YAML", help="many problems, networks and methods: one row each, a summary and the ladder"
    )
    add_cell_options(gaps, resume="directory of finished cells of a grid (default: one of its own beside --out)")
    gaps.add_argument("--out", metavar="CSV", default=DEFAULT_OUT, help=f"the report (default {DEFAULT_OUT})")
    add_plot_option(gaps, "theory over measurement, by quantity and method")
    _add_gap_options(gaps)
    along = commands.add_parser(
        "certificates",
        help="the first time of a run from which convergence is certified, by several methods",
        example="linrate certificates --builtin experiment-1 --n 20 --width 8192 --seeds 0 1",
    )
    add_problem_options(along)
    e = CertificateOptions()
    along.add_argument("--width", type=int, default=e.width, help="m (default 8192)")
    along.add_argument("--scale", type=float, default=e.scale, help="c hat (default 1, the paper's experiments)")
    along.add_argument(
        "--seeds", type=int, nargs="+", default=list(e.seeds), help="seeds of the networks (default 0 1)"
    )
    along.add_argument("--t-max", type=float, default=e.t_max, help="time until which states are tried (default 500)")
    defaults = f"default {' '.join(SMOOTH)}; for relu and other kinks {' '.join(KINKED)}"
    along.add_argument("--methods", nargs="+", help=defaults)
    along.add_argument(
        "--trials",
        type=int,
        help="certify this many networks at initialisation by shadowing, and say what share of all networks is as fast"
        " (59 say it of 95%% of them), in place of the methods along a run",
    )
    along.add_argument("--out", metavar="CSV", help="write the rows")
    add_cell_options(along, resume="directory of finished networks of --trials, which are not done again")
    add_slack_command(commands)
    add_figure_command(commands)
    add_assertions_command(commands)
    add_cite_command(commands)
    add_scaling_command(commands)
    add_coverage_command(commands)
    add_completion_command(commands)
    add_doctor_command(commands)
    add_reproduce_command(commands)
    add_cells_command(commands)
    _add_report(commands)
    return parser, commands.choices


def main(argv: Sequence[str] | None = None) -> int:
    """python -m reports gaps|report|figure|assertions|certificates|slack|cite|doctor|..."""
    options = _parser()[0].parse_args(argv)
    options.command_line = list(sys.argv[1:] if argv is None else argv)
    commands_run = {
        "gaps": _gaps,
        "certificates": _certificates,
        "slack": run_slack,
        "figure": run_figure,
        "assertions": run_assertions,
        "cite": run_cite,
        "scaling": run_scaling,
        "coverage": run_coverage,
        "completion": run_completion,
        "doctor": run_doctor,
        "reproduce": run_reproduce,
        "cells": run_cells_command,
        "report": _report,
    }
    return commands_run[options.command](options)


def _add_gap_options(parser: Any) -> None:
    """Add the options of `GapOptions` to a parser."""
    d = GapOptions()
    parser.add_argument("--delta", type=float, default=d.delta, help="failure probability (default 0.05)")
    parser.add_argument("--width", type=int, default=d.width, help="m of the run outside the promises (default 1024)")
    parser.add_argument("--scale", type=float, default=d.scale, help="c hat of that run (default 1)")
    parser.add_argument("--seed", type=int, default=d.seed, help="seed of the networks (default 0)")
    parser.add_argument("--t-max", type=float, default=d.t_max, help="final time of that run (default 100)")
    parser.add_argument(
        "--trials", type=int, help="networks behind the verdict on Theorem 1 (default: what alpha needs)"
    )
    parser.add_argument("--alpha", type=float, default=d.alpha, help="error budget of that verdict (default 0.05)")


def _gap_options(options: Any) -> GapOptions:
    """The options of `_add_gap_options`, checked."""
    return GapOptions(
        options.delta, options.width, options.scale, options.seed, options.t_max, options.trials, options.alpha
    )


def _add_report(commands: Any) -> None:
    """Add the parser of `linrate report`."""
    command = commands.add_parser(
        "report",
        help="one HTML page about a data set, to read and to hand on",
        example="linrate report --data my.npz --out report.html",
    )
    add_problem_options(command)
    _add_gap_options(command)
    command.add_argument("--out", metavar="HTML", default="report.html", help="the page (default report.html)")


def _report(options: Any) -> int:
    """Write the HTML page."""
    from reports.page.report import ReportOptions, report

    out = check_writable(options.out, "--out")
    chosen = ReportOptions(**asdict(_gap_options(options)))
    problem = problem_from(options)
    started = clock.monotonic()

    def say(stage: str) -> None:
        announce(f"[{clock.monotonic() - started:6.1f} s] {stage} ...")

    report(problem, out, chosen, command=shlex.join(["linrate", *options.command_line]), progress=say)
    print(f"The report is in {printable(out)}: one file of {out.stat().st_size / 1e6:.2g} MB that needs no other.")
    return HOLDS


def _certificates(options: Any) -> int:
    out = check_writable(options.out, "--out") if options.out else None
    chosen = CertificateOptions(options.width, options.scale, options.seeds, options.t_max, options.methods)
    if not (options.data or options.builtin):
        options.builtin = "experiment-1"
    problem = problem_from(options)
    rows: list[SwitchRow] = []
    if options.trials is None:
        refuse_cell_options(options, "is for --trials.")
    print(TABLE.head())
    if options.trials is None:
        for row in certificate_rows(problem, chosen):  # which shows how far each search is
            rows.append(row)
            if out is not None:
                write_certificates(rows, out)
            print(table_line(row), flush=True)
    else:
        rows = _law(problem, chosen, options, out)
        print(law_text(rows))
    if out is not None:
        print(f"{len(rows)} rows written to {out}")
    certified = sum(bool(row.certified) for row in rows)
    print(f"{certified} of {len(rows)} searches found a state from which convergence is certified.")
    return HOLDS if certified else UNDECIDED


def _law(problem: Problem, chosen: CertificateOptions, options: Any, out: Path | None) -> list[SwitchRow]:
    """The rows of --trials in the order of seeds, each printed as soon as it is known; written whatever happens."""
    directory = Path(options.resume) if options.resume else None
    rows: list[SwitchRow] = []
    kept = {"executor": executor_of(options), "directory": directory, "retry": options.retry}
    try:
        with goes_on(directory):
            progress = progress_of("networks")
            for row in law_rows(problem, chosen, options.trials, **kept, progress=progress):
                rows.append(row)
                progress.clear()
                print(table_line(row), flush=True)
    finally:
        rows.sort(key=lambda row: row.seed)
        if out is not None and rows:
            write_certificates(rows, out)
    return rows


def _gaps(options: Any) -> int:
    out = check_writable(options.out, "--out")
    if options.plot:
        check_picture(options.plot)
    if options.grid:
        return _grid(options, out)
    refuse_cell_options(options, "is for a --grid.")
    chosen = _gap_options(options)
    problem = problem_from(options)
    rows: list[Row] = []
    started = clock.monotonic()

    def say(stage: str) -> None:
        announce(f"[{clock.monotonic() - started:6.1f} s] {stage} ...")

    for stage, found in gap_rows(problem, chosen, starting=say):
        rows += found
        write_report(rows, out)  # after each stage, so that an interruption loses nothing that is finished
        announce(f"[{clock.monotonic() - started:6.1f} s] {stage}: {len(found)} rows")
    if options.plot:
        with picture_file(options.plot, size=gap_size(rows)) as axes:
            draw_gaps(rows, axes)
    print(summary(problem, rows))
    print(f"{len(rows)} rows written to {out}")
    return overall(rows).exit_code


def _grid(options: Any, out: Path) -> int:
    if options.data or options.builtin:
        raise ArgumentError("give --grid, or --data or --builtin, not both: a grid names its data sets.")
    grid = read_grid(options.grid)
    default = out.with_name(f"{out.stem}-cells-{plan_of(grid).name}")  # another grid or version has another one
    directory = Path(options.resume) if options.resume else default
    kept = {"executor": executor_of(options), "directory": directory, "retry": options.retry}
    with goes_on(directory):
        found = dict(grid_rows(grid, **kept, progress=progress_of()))
    rows = [row for point in grid.points for row in found[point]]
    write_grid(out, rows)
    print(SUMMARY.head())
    for row in summary_rows(rows):
        print(SUMMARY.line([row.get(name) for name in SUMMARY_COLUMNS]))
    failed = sum(row["status"] == "FAILED" for row in rows)
    if failed:
        print(f"{failed} of {len(grid.points)} points failed, and have a row with the error; --retry does them again.")
    print(f"{len(rows)} rows written to {out}")
    write_parquet(out.with_suffix(".parquet"), rows)
    first = grid.points[0]
    X, y = load_builtin(first.builtin, n=first.n, d=first.d, seed=first.data_seed)
    problem = Problem(X, y, activation=first.activation, embedding=get_embedding(first.embedding), name=first.builtin)
    for path in draw_ladder(
        problem, out.with_name(f"{out.stem}-ladder"), delta=first.delta, width=first.width, seed=first.seed
    ):
        print(path)
    return HOLDS
