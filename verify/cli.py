"""linrate verify, claims and slack: pytest on this package, wherever it is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from verify import claim_table, slack


def main(argv: Sequence[str] | None = None) -> int:
    """python -m verify verify|claims|slack"""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["claims"]:
        return claim_table.main(arguments[1:])
    if arguments[:1] == ["slack"]:
        return slack.main(arguments[1:])
    import pytest

    here = Path(__file__).resolve().parent
    if arguments[:1] == ["verify"]:
        arguments = arguments[1:]
    return int(pytest.main([str(here), "-p", "no:cacheprovider", "-q", *arguments]))
