"""Says that numba compiles, when it does: the first use on a machine takes a minute, later ones read its cache."""

from __future__ import annotations

from typing import Any

from numba.core import event

from bounds.progress import announce


class Notice(event.Listener):
    """Tells of the first function that is compiled in this process, not of those that are read from the cache."""

    def __init__(self) -> None:
        self.told = False

    def on_start(self, happening: Any) -> None:
        if not self.told:
            self.told = True
            announce("compiling the inner loops for this machine, once: a minute or two ...")

    def on_end(self, happening: Any) -> None:
        """Nothing is said when it is done: what follows shows it."""


def tell_when_compiling() -> None:
    """From now on the notice appears on command lines."""
    event.register("numba:compile", Notice())  # type: ignore[no-untyped-call]
