"""The commands of `bounds`: width, table, constants, covers, certify and errata."""

from __future__ import annotations

from collections.abc import Sequence

from bounds.command_line import Parser
from bounds.commands import certify, constants, covers, errata, table, width


def main(argv: Sequence[str] | None = None) -> int:
    """python -m bounds width|table|constants|covers|certify|errata; returns the exit code."""
    options = _parser()[0].parse_args(argv)
    code: int = options.run_command(options)
    return code


def parsers() -> dict[str, Parser]:
    """Command -> its parser."""
    return _parser()[1]


def _parser() -> tuple[Parser, dict[str, Parser]]:
    """The parser of all commands, and those of each."""
    parser = Parser(prog="linrate", example="python -m bounds table --builtin digits --delta 0.05")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for command in (width, table, constants, covers, certify, errata):
        command.add_command(commands)
    return parser, commands.choices
