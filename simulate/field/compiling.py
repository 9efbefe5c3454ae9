"""Whether numba can keep what it compiles for the next process."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from numba import njit

PACKAGE = Path(__file__).resolve().parent.parent
# A file of each folder that holds compiled loops: numba keeps what it compiled beside them.
COMPILED = (
    "field/elementwise.py",
    "integrators/spectra.py",
    "integrators/exponential/phi.py",
    "integrators/piecewise_linear/events.py",
    "solve/observables.py",
)


def can_cache() -> bool:
    """Whether there is a folder for compiled code beside each of our files, or in the user's home.

    Without one, as in a read-only installation, numba refuses to compile with a cache; a warning then says, once, that
    every process compiles anew and how to change that.
    """
    for file in (PACKAGE / name for name in COMPILED):
        space: dict[str, Any] = {}
        exec(compile("def probe(): pass", str(file), "exec"), space)  # a function that numba takes for one of the file
        try:
            njit(cache=True)(space["probe"])
        except RuntimeError:
            warnings.warn(
                "numba finds no folder that it may write, so this process compiles linrate's loops anew, which takes up"
                " to a minute. To keep them, set NUMBA_CACHE_DIR to a folder that is writable.",
                stacklevel=2,
            )
            return False
    return True
