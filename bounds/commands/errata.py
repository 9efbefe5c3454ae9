"""linrate errata: what is wrong in the paper, each with its counterexample computed."""

from __future__ import annotations

import time
from typing import Any

from bounds.command_line import (
    HOLDS,
    OTHER_CODES,
    REFUTED,
    UNDECIDED,
)
from bounds.erratum import Demonstration, Erratum, errata, get_erratum
from bounds.errors import ArgumentError
from bounds.progress import with_progress

ERRATA_EXIT_CODES = (
    "exit codes: 0 every statement shown is refuted and its repair holds, as documented; 1 one of them is not;"
    f" 3 a number is not known well enough to tell; {OTHER_CODES}"
)


def add_command(commands: Any) -> None:
    """Add the parser of `linrate errata`."""
    command = commands.add_parser(
        "errata",
        help="what is wrong in the paper, each with its counterexample computed",
        epilog=f"example: linrate errata E5\n{ERRATA_EXIT_CODES}",
    )
    command.add_argument("id", nargs="?", metavar="ID", help="one erratum in full, for example E5 (default: all)")
    command.add_argument("--markdown", action="store_true", help="write docs/errata.md to standard output")
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Compute and print one erratum or all of them; the code says whether they are as documented."""
    from bounds.erratum import report

    if options.id and options.markdown:
        raise ArgumentError("--markdown writes every erratum. Leave the identifier out.")
    results: list[tuple[Erratum, Demonstration]] = []
    chosen = [get_erratum(options.id)] if options.id else errata()
    # The list shows each erratum as soon as it is computed, and so needs no bar.
    for erratum in with_progress(chosen, "errata", lambda each: each.id) if options.markdown else chosen:
        started = time.monotonic()
        demonstration = erratum.demonstrate()
        results.append((erratum, demonstration))
        if options.id:
            print(report.full(erratum, demonstration))
        elif not options.markdown:
            print(report.line(erratum, demonstration, time.monotonic() - started), flush=True)
    if options.markdown:
        print(report.markdown(results), end="")
    elif not options.id:
        print(report.summary(results))
    as_documented = {demonstration.as_documented for _, demonstration in results}
    if False in as_documented:
        return REFUTED
    return UNDECIDED if None in as_documented else HOLDS
