"""What is wrong in the paper, one erratum a file: statement, repair, demonstration. Copy e03_cross_term.py to add one.

The package is `erratum` because `bounds.errata` is the function, and a name cannot be both.
Nothing is computed, and neither SymPy nor scipy.integrate imported, before a demonstration is asked for.
"""

from __future__ import annotations

from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.errors import unknown_name

__all__ = ["Claim", "Demonstration", "Erratum", "errata", "get_erratum"]


def errata() -> list[Erratum]:
    """Every erratum of arXiv 2204.10782 that is known here, E1 first.

    Each carries the statement as printed, why it fails, the repair with its proof, a grade ("proved", "reading" or
    "remark": only the first refutes a statement of the paper) and .demonstrate(), which computes a counterexample in
    seconds.
    """
    from bounds.erratum.registry import ERRATA

    return list(ERRATA)


def get_erratum(identifier: str) -> Erratum:
    """The erratum of that identifier ("E5"). Raises ArgumentError naming the nearest one."""
    known = {e.id.lower(): e for e in errata()}
    if not isinstance(identifier, str) or identifier.lower() not in known:
        raise unknown_name("erratum", identifier, [e.id for e in known.values()])
    return known[identifier.lower()]
