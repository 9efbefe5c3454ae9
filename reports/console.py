"""The command `linrate`, which hands each of its subcommands to the package that owns it.

That package is imported only when one of its commands is called, so that `linrate --help` starts quickly.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import sys
from collections.abc import Sequence

from bounds.command_line import EXIT_CODES, run
from bounds.errors import ArgumentError, unknown_name

# Command -> the package that owns it, and its line in `linrate --help`.
COMMANDS = {
    "width": ("bounds", "the width, scale and rate that a theorem asks for"),
    "table": ("bounds", "every method side by side"),
    "covers": ("bounds", "what a given width still covers: smallest delta, largest n, smallest lambda_min"),
    "constants": ("bounds", "every constant of the theory, symbolically; --latex"),
    "certify": ("bounds", "a certificate for one network"),
    "errata": ("bounds", "what is wrong in the paper, with counterexamples"),
    "flow": ("simulate", "gradient flow"),
    "descent": ("simulate", "gradient descent"),
    "verify": ("verify", "pytest verify/: is a claim true?"),
    "claims": ("verify", "every claim with its hypotheses and last verdict; --markdown"),
    "slack": ("reports", "what each proof asks for, and what is enough in simulation"),
    "replay": ("verify", "a saved counterexample, run again"),
    "power": ("verify", "what the sequential test of a probabilistic claim can tell"),
    "gaps": ("reports", "the theory compared with simulation, as CSV"),
    "figure": ("reports", "a figure of the paper with the data behind it"),
    "assertions": ("reports", "what section 4 of the paper asserts, tested over seeds"),
    "report": ("reports", "one HTML page about a data set, to read and to hand on"),
    "scaling": ("reports", "how loss, features and kernel change with the width, in three scalings"),
    "coverage": ("reports", "how often reported errors and promised probabilities keep their word"),
    "doctor": ("reports", "what this machine has and can simulate; versions for a bug report"),
    "cite": ("reports", "how to cite linrate and the paper; --bibtex"),
    "completion": ("reports", "a script that completes commands and options: bash, zsh or tcsh"),
    "reproduce": ("reports", "the command behind each claim, erratum and figure, and what is to come out"),
    "certificates": ("reports", "the first time of a run from which convergence is certified"),
}


def usage() -> str:
    """The text of `linrate --help`: one line for each command, then the exit codes."""
    lines = [f"  {name:12} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(["usage: linrate COMMAND [options]; linrate help COMMAND", *lines, EXIT_CODES])


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command in the package that owns it and return the exit code. Raises ArgumentError for an unknown one."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0
    if arguments[0] == "help":
        arguments = [*arguments[1:], "--help"]
        if len(arguments) == 1:
            print(usage())
            return 0
    if arguments[0] == "--version":
        print(f"linrate {importlib.metadata.version('linrate')}")
        return 0
    if arguments[0].startswith("-"):
        near = difflib.get_close_matches(arguments[0], ["--help", "--version"], n=1)
        hint = f" Did you mean {near[0]}?" if near else " Options come after the command."
        raise ArgumentError(f"unknown option {arguments[0]}.{hint} See linrate --help.")
    if arguments[0] not in COMMANDS:
        raise unknown_name("command", arguments[0], COMMANDS)
    package, _ = COMMANDS[arguments[0]]
    code: int = importlib.import_module(f"{package}.cli").main(arguments)
    return code


def entry() -> int:
    """Entry point of the console script `linrate`."""
    return run(main)
