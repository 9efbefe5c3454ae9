"""The commands of `verify`. `linrate verify` is pytest on this package, wherever it is installed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bounds.command_line import Parser
from bounds.errors import ArgumentError
from verify.commands import claims as claim_table
from verify.commands import power, replay

# Name of a command -> the function that runs it on the arguments after the name and returns the exit code.
COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "claims": claim_table.main,
    "replay": replay.replay,
    "power": power.power_table,
}


def main(argv: Sequence[str] | None = None) -> int:
    """python -m verify verify|claims|replay|power; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in COMMANDS:
        return COMMANDS[arguments[0]](arguments[1:])
    if any(argument in ("-h", "--help") for argument in arguments):
        print(_help())
        return 0
    _check_processes(arguments)
    import pytest

    from verify.session.ending import Watcher

    here = Path(__file__).resolve().parent
    if arguments[:1] == ["verify"]:
        arguments = arguments[1:]
    watcher = Watcher()
    return watcher.code(int(pytest.main([str(here), "-p", "no:cacheprovider", "-q", *arguments], plugins=[watcher])))


def _check_processes(arguments: Sequence[str]) -> None:
    """ArgumentError if the tests are to be spread over processes and pytest-xdist, which does it, is not installed."""
    asked = [argument for argument in arguments if argument.startswith(("-n", "--numprocesses"))]
    if asked and importlib.util.find_spec("xdist") is None:
        raise ArgumentError(
            f"{asked[0]} spreads the tests over processes by pytest-xdist, which is not installed. Leave it out, or"
            " install that: pip install pytest-xdist."
        )


def parsers() -> dict[str, Parser]:
    """Command -> its parser."""
    others = {"claims": claim_table.parser(), "replay": replay.parser(), "power": power.parser()}
    return {"verify": _verify_parser(), **others}


class _Options:
    """Takes the options that the session declares to pytest, for a help of their own."""

    def __init__(self) -> None:
        self.parser = Parser(
            prog="linrate verify",
            description="Verify the claims of the paper, and ours, on built-in data or yours.",
            example="linrate verify --data my.npz --claims lemma-1,pl,rate --report gaps.csv",
            usage="linrate verify [options]",
        )

    def getgroup(self, name: str, description: str) -> _Options:
        return self

    def addoption(self, *names: str, **settings: Any) -> None:
        self.parser.add_argument(*names, **settings)


def _verify_parser() -> Parser:
    """The options of `linrate verify` that are not pytest's own."""
    from verify.session.options import add_options

    declared = _Options()
    add_options(declared)
    return declared.parser


def _help() -> str:
    """The options of `linrate verify`; those of pytest are named in one line."""
    more = "Every option of pytest works too, such as -k EXPRESSION, -x, -n auto: see pytest --help."
    return f"{_verify_parser().format_help()}{more}"
