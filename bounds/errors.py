"""Typed errors: each names the argument or assumption, echoes the value and says the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LinrateError(ValueError):
    """Anything wrong with what the user gave; command lines print it and exit with `exit_code`."""

    exit_code = 2


class ArgumentError(LinrateError):
    """An argument is out of its range, of the wrong shape or of the wrong kind."""


class DataError(LinrateError):
    """The data cannot be read, or hold something that is not a finite number."""


class WriteError(LinrateError):
    """A file could not be written to its end: the disk is full, or a quota is used up. The text says what is kept."""

    exit_code = 74


class AssumptionError(LinrateError):
    """An assumption of the theorem asked for does not hold, or cannot be certified, for this problem."""


def require(condition: bool, name: str, rule: str, value: object, remedy: str = "") -> None:
    """Raise ArgumentError "name must be rule. Found value. remedy" unless the condition holds."""
    if not condition:
        raise ArgumentError(f"{name} must be {rule}. Found {value!r}.{' ' + remedy if remedy else ''}")


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ArgumentError:
    """An error that names the nearest known spelling."""
    names = sorted(known)
    near = difflib.get_close_matches(str(name).lower(), names, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ArgumentError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(names)}.")
