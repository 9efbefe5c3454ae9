"""Threads for the passes over the neurons: as many as torch is set to use, the calling one among them."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TypeVar

import numpy as np
import torch

T = TypeVar("T")
Task = Callable[[], None]
_tasks: SimpleQueue[Task] = SimpleQueue()  # a pass takes a tenth of a millisecond: executors and events are too slow
_workers: list[threading.Thread] = []
_starting = threading.Lock()


def _serve() -> None:
    with np.errstate(all="ignore"):  # the setting of the thread that asks does not reach this one
        while True:
            _tasks.get()()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.clear)  # a forked process has none of them


def _start(count: int) -> None:
    """See to it that there are that many workers."""
    with _starting:
        while len(_workers) < count:
            _workers.append(threading.Thread(target=_serve, name=f"linrate-{len(_workers)}", daemon=True))
            _workers[-1].start()


def spread(work: Callable[[int, int], T], parts: Sequence[tuple[int, int]]) -> list[T]:
    """work(lo, hi) of each part, in order; the parts are taken by whichever thread is free. Raises what they raise."""
    threads = min(torch.get_num_threads(), len(parts))
    if threads <= 1:
        return [work(lo, hi) for lo, hi in parts]
    _start(threads - 1)
    found: dict[int, T] = {}
    following = itertools.count()
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def take() -> None:
        failure: BaseException | None = None
        try:
            while (k := next(following)) < len(parts):
                found[k] = work(*parts[k])
        except BaseException as error:
            failure = error
        ended.put(failure)

    for _ in range(threads - 1):
        _tasks.put(take)
    take()
    failures = [ended.get() for _ in range(threads)]
    for failure in failures:
        if failure is not None:
            raise failure
    return [found[k] for k in range(len(parts))]
