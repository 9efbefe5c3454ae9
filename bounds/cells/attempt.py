"""One piece of work: its outcome, or its error, by one thread of BLAS."""

from __future__ import annotations

import functools
import sys
import threading
import time as clock
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from threadpoolctl import ThreadpoolController

from bounds.data.files import FULL
from bounds.errors import LinrateError, WriteError

Work = Callable[[Any], Any]
_alone = threading.RLock()  # held by the thread of this process that works: ball arithmetic has one precision a process


@dataclass(frozen=True)
class Outcome:
    """What an item gave: its value, or the error, "" if there was none, and the seconds that it took."""

    value: Any = None
    error: str = ""
    seconds: float = 0.0


# An engine: (work, items) -> (index of an item, its outcome), each as soon as it is known, in any order.
Engine = Callable[[Work, Sequence[Any]], Iterator[tuple[int, Outcome]]]


def attempt(work: Work, item: Any) -> Outcome:
    """work(item), or the error that it raised. Raises WriteError where the disk is full, and KeyboardInterrupt."""
    began = clock.monotonic()
    with _alone, _pools("torch" in sys.modules).limit(limits=1, user_api="blas"):
        try:
            value, error = work(item), ""
        except WriteError:
            raise
        except Exception as fault:
            if isinstance(fault, OSError) and fault.errno in FULL:
                raise WriteError("the disk is full; what is finished is kept. Free some space, and go on.") from None
            value, error = None, str(fault) if isinstance(fault, LinrateError) else f"{type(fault).__name__}: {fault}"
            error = error or type(fault).__name__
    return Outcome(value, error, clock.monotonic() - began)


@functools.cache
def _pools(torch: bool) -> ThreadpoolController:
    """The thread pools of the libraries that are loaded; torch brings its own. Looking for them takes 3 ms."""
    return ThreadpoolController()
