"""The commands of `verify`. `linrate verify` is pytest on this package, wherever it is installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

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
    import pytest

    from verify.session.ending import Watcher

    here = Path(__file__).resolve().parent
    if arguments[:1] == ["verify"]:
        arguments = arguments[1:]
    watcher = Watcher()
    return watcher.code(int(pytest.main([str(here), "-p", "no:cacheprovider", "-q", *arguments], plugins=[watcher])))
