"""Typed errors: each names the argument or assumption, echoes the value and says what to do instead."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from typing import Any


class LinrateError(ValueError):
    """The base class: something is wrong with the input. Command lines print the message and exit with `exit_code`."""

    exit_code = 2


class ArgumentError(LinrateError):
    """An argument is out of its range, of the wrong shape or of the wrong kind."""


class DataError(LinrateError):
    """The data cannot be read, or hold something that is not a finite number."""


class WriteError(LinrateError):
    """A file could not be written: the disk is full, or a quota is used up. The message says what is kept."""

    exit_code = 74


class EngineError(LinrateError):
    """What does the work has gone: a scheduler, all processes. What was finished is kept, and can be gone on with."""

    exit_code = 69  # EX_UNAVAILABLE of sysexits.h


class AssumptionError(LinrateError):
    """An assumption of the theorem asked for does not hold, or cannot be certified, for this problem."""


MOST_SHOWN = 120  # characters of a value that a message repeats


def shown(value: Any) -> str:
    """repr(value) on one line, shortened to MOST_SHOWN characters, for a message; never raises."""
    try:
        words = f"{type(value).__name__} of shape {tuple(value.shape)}" if _is_large(value) else repr(value)
    except Exception:  # an integer of more than 4300 digits, an object whose own repr fails
        words = f"an object of type {type(value).__name__}"
    words = " ".join(words.split())
    return words if len(words) <= MOST_SHOWN else f"{words[: MOST_SHOWN - 20]}... ({len(words)} characters)"


def _is_large(value: Any) -> bool:
    """An array, a tensor or a data frame of more than 8 entries."""
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and math.prod(shape) > 8


def require(condition: bool, name: str, rule: str, value: object, remedy: str = "") -> None:
    """Raise ArgumentError "name must be rule. Found value. remedy" unless the condition holds."""
    if not condition:
        raise ArgumentError(f"{name} must be {rule}. Found {shown(value)}.{' ' + remedy if remedy else ''}")


def unknown_name(kind: str, name: object, known: Iterable[str]) -> ArgumentError:
    """An error that names the nearest known spelling."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.4) if isinstance(name, str) else []
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ArgumentError(f"unknown {kind} {shown(name)}.{hint} Known: {', '.join(names)}.")
