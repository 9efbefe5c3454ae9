"""Threads for the passes over the neurons: as many as torch is set to use, the calling one among them.

Why not concurrent.futures: its futures each take a lock and a condition. Measured with two threads on two cores that
others used too, handing a pass of 350 us to a ThreadPoolExecutor took 50 us of processor time, here 10 us. Experiment 1
(n = 40, m = 8192, T = 2000: 1877 shared passes) took 9.5 s of processor time and 47 s in all, with an executor 10.3 s
and 53 s (means of three alternating runs, each of which may be 10% off). Small flows have one thread either way.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from queue import SimpleQueue

import numpy as np

Task = Callable[[], None]
_tasks: SimpleQueue[Task | None] = SimpleQueue()  # None tells a worker to end
_workers: list[threading.Thread] = []
_starting = threading.Lock()


def _serve() -> None:
    """What a worker does: take tasks until one of them is None."""
    with np.errstate(all="ignore"):  # numpy keeps this setting by thread: that of the caller does not reach this one
        while True:
            task = _tasks.get()
            if task is None:
                return
            task()
            del task  # or this worker would hold the arrays of the task while it waits for the next


def _stop() -> None:
    """Let the workers end: one that frees torch's memory after the interpreter has gone crashes the process."""
    for _ in _workers:
        _tasks.put(None)
    for worker in _workers:
        worker.join(timeout=1.0)


atexit.register(_stop)


def _forget() -> None:
    """A forked process has none of the threads of its parent, and must not work on their tasks."""
    global _tasks, _starting
    _tasks, _starting = SimpleQueue(), threading.Lock()
    _workers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def _start(count: int) -> None:
    """Start workers until there are `count` of them."""
    with _starting:
        while len(_workers) < count:
            _workers.append(threading.Thread(target=_serve, name=f"linrate-{len(_workers)}", daemon=True))
            _workers[-1].start()


def thread_count(most: int) -> int:
    """How many threads to use for work that can be shared among `most`: one where torch has not been imported, as it is
    for every state that more threads would serve (see run.py)."""
    torch = sys.modules.get("torch")
    return 1 if torch is None else max(1, min(torch.get_num_threads(), most))


def run_on_threads(work: Callable[[int], None], threads: int) -> None:
    """work(0), ..., work(threads - 1), each on its own thread; work(0) on the calling one.

    All of them must take pieces of the same work until nothing is left. So if the caller has finished before a worker
    has started, that worker is skipped. Raises what they raise.
    """
    if threads == 1:
        work(0)
        return
    _start(threads - 1)
    # A list that workers pop from: one that starts late finds it empty, and then holds no reference to the arrays.
    to_start = [(work, thread) for thread in range(1, threads)]
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def take() -> None:
        failure: BaseException | None = None
        try:
            mine, thread = to_start.pop()
        except IndexError:
            return
        try:
            mine(thread)
        except BaseException as error:
            failure = error
        ended.put(failure)

    try:
        for _ in range(threads - 1):
            _tasks.put(take)
        work(0)
    finally:
        # Skip the workers that have not started, and wait for the others, which use the caller's arrays.
        started = threads - 1
        while to_start:
            try:
                to_start.pop()
            except IndexError:
                break
            started -= 1
        failures = [ended.get() for _ in range(started)]
    for failure in failures:
        if failure is not None:
            raise failure
