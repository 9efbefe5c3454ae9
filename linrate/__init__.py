"""linrate: the four packages behind one name, each loaded when it is first used.

>>> import linrate
>>> linrate.bounds.guarantee(linrate.bounds.Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])).rate > 0
True

`bounds` is what the theory promises, `simulate` what happens, `verify` whether a claim is true, and `reports` by how
much theory and simulation differ. `linrate.__version__` is the version of all four.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import bounds
    import reports
    import simulate
    import verify

    __version__: str

__all__ = ["__version__", "bounds", "reports", "simulate", "verify"]

PACKAGES = ("bounds", "reports", "simulate", "verify")


def __getattr__(name: str) -> ModuleType | str:
    """A package or the version, when it is first asked for.

    Raises ImportError if another file of that name, such as a simulate.py beside your script, hides our package.
    """
    if name == "__version__":
        return importlib.metadata.version("linrate")
    if name not in PACKAGES:
        raise AttributeError(f"module 'linrate' has no attribute {name!r}. It has {', '.join(__all__)}.")
    spec = importlib.util.find_spec(name)  # looks for the file without running it
    found = Path(spec.origin or "").resolve() if spec is not None else None
    if found is None or found.parent != Path(__file__).resolve().parent.parent / name:
        raise ImportError(
            f"linrate.{name} is hidden by {found}, which Python finds first. Rename that file, or start Python in"
            " another folder."
        )
    return importlib.import_module(name)


def __dir__() -> list[str]:
    return sorted(__all__)
