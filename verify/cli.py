"""linrate verify and linrate claims: pytest on this package, wherever it is installed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from verify.claims import CLAIMS


def main(argv: Sequence[str] | None = None) -> int:
    """python -m verify verify|claims"""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["claims"]:
        for claim in CLAIMS.values():
            print(f"{claim.id:16} {claim.title} [{claim.source}; {claim.kind}]\n{'':16} ${claim.latex}$")
        return 0
    import pytest

    here = Path(__file__).resolve().parent
    if arguments[:1] == ["verify"]:
        arguments = arguments[1:]
    return int(pytest.main([str(here), "-p", "no:cacheprovider", "-q", *arguments]))
