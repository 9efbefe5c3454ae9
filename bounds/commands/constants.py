"""linrate constants: every constant of the theory, symbolically."""

from __future__ import annotations

from typing import Any

from bounds import constants
from bounds.command_line import (
    HOLDS,
)
from bounds.errors import unknown_name


def add_command(commands: Any) -> None:
    """Add the parser of `linrate constants`."""
    command = commands.add_parser(
        "constants",
        help="every constant of the theory, symbolically",
        example="linrate constants kappa K --latex",
    )
    command.add_argument("names", nargs="*", help="some of them (default: all)")
    command.add_argument("--latex", action="store_true", help="LaTeX in place of plain formulas")
    command.set_defaults(run_command=run)


def run(options: Any) -> int:
    """Print constants with their parameters, source and formula."""
    known = {c.name: c for c in constants.all_constants()}
    for name in options.names:
        if name not in known:
            raise unknown_name("constant", name, known)
    for name in options.names or known:
        c = known[name]
        print(f"{c.name}({', '.join(c.parameters)})   {c.source}; {'proved' if c.proved else 'NOT proved'}")
        print(f"    {c.latex if options.latex else c.symbolic}")
    return HOLDS
