"""Threads for the passes over the neurons: as many as torch is set to use, the calling one among them."""

from __future__ import annotations

import atexit
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
# A pass takes a tenth of a millisecond: executors and events are too slow.
_tasks: SimpleQueue[Task | None] = SimpleQueue()
_workers: list[threading.Thread] = []
_starting = threading.Lock()


def _serve() -> None:
    with np.errstate(all="ignore"):  # the setting of the thread that asks does not reach this one
        while True:
            task = _tasks.get()
            if task is None:
                return
            task()
            del task  # and with it the arrays that it works on


def _stop() -> None:
    """Let the workers end: one that frees torch's memory when the interpreter has gone takes the process with it."""
    for _ in _workers:
        _tasks.put(None)
    for worker in _workers:
        worker.join(timeout=1.0)


atexit.register(_stop)


def _forget() -> None:
    """A forked process has none of the threads, and nothing to do with their tasks."""
    global _tasks, _starting
    _tasks, _starting = SimpleQueue(), threading.Lock()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _start(count: int) -> None:
    """See to it that there are that many workers."""
    with _starting:
        while len(_workers) < count:
            _workers.append(threading.Thread(target=_serve, name=f"linrate-{len(_workers)}", daemon=True))
            _workers[-1].start()


def available(most: int) -> int:
    """How many threads there are for work that can be shared among `most`."""
    return max(1, min(torch.get_num_threads(), most))


def together(work: Callable[[int], None], threads: int) -> None:
    """work(0), ..., work(threads - 1), each on its own thread, all of which take what is left of the same work.

    Where this one found nothing left before another has begun, that one is not waited for. Raises what they raise.
    """
    if threads == 1:
        work(0)
        return
    _start(threads - 1)
    to_begin = [(work, me) for me in range(1, threads)]  # where one that comes late finds nothing, nor holds anything
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def take() -> None:
        failure: BaseException | None = None
        try:
            mine, me = to_begin.pop()
        except IndexError:
            return
        try:
            mine(me)
        except BaseException as error:
            failure = error
        ended.put(failure)

    try:
        for _ in range(threads - 1):
            _tasks.put(take)
        work(0)
    finally:
        begun = threads - 1
        while to_begin:
            try:
                to_begin.pop()
            except IndexError:
                break
            begun -= 1
        failures = [ended.get() for _ in range(begun)]
    for failure in failures:
        if failure is not None:
            raise failure


def spread(work: Callable[[int, int], T], parts: Sequence[tuple[int, int]]) -> list[T]:
    """work(lo, hi) of each part, in order; the parts are taken by whichever thread is free."""
    found: dict[int, T] = {}
    following = itertools.count()

    def take(me: int) -> None:
        while (k := next(following)) < len(parts):
            found[k] = work(*parts[k])

    together(take, available(len(parts)))
    return [found[k] for k in range(len(parts))]
