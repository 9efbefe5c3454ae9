"""The command of `reports`: gaps."""

from __future__ import annotations

import sys
import time as clock
from collections.abc import Sequence

from bounds.cli import Parser, add_problem_options, problem_from
from bounds.files import check_writable
from reports.gaps import GapOptions, gap_rows
from reports.summary import summary
from verify.rows import Row, overall, write_report

DEFAULT_OUT = "gaps.csv"


def main(argv: Sequence[str] | None = None) -> int:
    """python -m reports gaps"""
    parser = Parser(prog="linrate", example="python -m reports gaps --builtin digits --out gaps.csv")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    gaps = commands.add_parser(
        "gaps", help="theory against simulation as CSV", example="linrate gaps --data my.csv --activation tanh"
    )
    add_problem_options(gaps)
    d = GapOptions()
    gaps.add_argument("--out", metavar="CSV", default=DEFAULT_OUT, help=f"the report (default {DEFAULT_OUT})")
    gaps.add_argument("--delta", type=float, default=d.delta, help="failure probability (default 0.05)")
    gaps.add_argument("--width", type=int, default=d.width, help="m of the run outside the promises (default 1024)")
    gaps.add_argument("--scale", type=float, default=d.scale, help="c hat of that run (default 1)")
    gaps.add_argument("--seed", type=int, default=d.seed, help="seed of the networks (default 0)")
    gaps.add_argument("--t-max", type=float, default=d.t_max, help="final time of that run (default 100)")
    gaps.add_argument("--trials", type=int, help="networks behind the verdict on Theorem 1 (default: what alpha needs)")
    gaps.add_argument("--alpha", type=float, default=d.alpha, help="error budget of that verdict (default 0.05)")
    options = parser.parse_args(argv)
    out = check_writable(options.out, "--out")
    chosen = GapOptions(
        options.delta, options.width, options.scale, options.seed, options.t_max, options.trials, options.alpha
    )
    problem = problem_from(options)
    rows: list[Row] = []
    started = clock.monotonic()
    try:
        for stage, found in gap_rows(problem, chosen):
            rows += found
            print(f"  [{clock.monotonic() - started:6.1f} s] {stage}: {len(found)} rows", file=sys.stderr)
    except KeyboardInterrupt:
        if rows:
            write_report(rows, out)
        raise
    write_report(rows, out)
    print(summary(problem, rows))
    print(f"{len(rows)} rows written to {out}")
    return overall(rows).exit_code
