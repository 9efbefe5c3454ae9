"""Local processes. One that is killed costs nothing but the time of what it was doing."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from bounds.cells.attempt import Outcome, Work, attempt
from bounds.errors import ArgumentError, EngineError, shown

AHEAD = 2  # items given out for each process: one to work on, one to go on with
LOST = "its process ended without a result: killed, or out of memory"
_work: Work | None = None  # in a process of the pool: what it does with each item


def in_processes(count: int, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Outcome]]:
    """The engine. An item whose process ends while it is the only one at work is given up, with LOST as its error."""
    try:
        pickled = pickle.dumps(work)
    except Exception:
        raise ArgumentError(
            f"work must be a function of a module, which another process can import. Found {shown(work)}."
        ) from None
    todo, suspects = deque(range(len(items))), deque[int]()
    while todo or suspects:
        alone = bool(suspects)  # after processes have ended: what they worked on, one by one, to see which it was
        source = suspects if alone else todo
        size = min(1 if alone else count, len(source))
        with _pool(size, pickled) as pool:
            flying: dict[Future[Outcome], int] = {}
            whole = True
            while whole and (source or flying):
                while whole and source and len(flying) < (1 if alone else AHEAD * size):
                    try:
                        flying[pool.submit(_do, items[source[0]])] = source[0]
                        source.popleft()
                    except BrokenProcessPool:
                        whole = False
                for future in wait(flying, return_when=FIRST_COMPLETED).done if flying else ():
                    index = flying.pop(future)
                    try:
                        yield index, future.result()
                    except BrokenProcessPool:
                        whole = False
                        if alone:
                            yield index, Outcome(error=LOST)
                        else:
                            suspects.append(index)
            suspects.extend(flying.values())


@contextlib.contextmanager
def _pool(size: int, pickled: bytes) -> Iterator[ProcessPoolExecutor]:
    """A pool that is ready; at the end of the context its processes are ended, even if they are at work.

    Raises EngineError if no process can be started.
    """
    pool = ProcessPoolExecutor(
        size, mp_context=multiprocessing.get_context("spawn"), initializer=_begin, initargs=(pickled,)
    )
    try:
        try:
            pool.submit(os.getpid).result()
        except (BrokenProcessPool, OSError):
            raise EngineError(
                "no process could be started for the work. A script that asks for processes must do so below"
                " `if __name__ == '__main__':`, and what the work imports must be installed."
            ) from None
        yield pool
    finally:
        processes = list((vars(pool).get("_processes") or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _begin(pickled: bytes) -> None:
    """In a new process: take the work, leave ctrl-C to the parent, and end with it."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="linrate-parent", daemon=True).start()
    os.environ["OMP_NUM_THREADS"] = "1"  # for libraries that are loaded later
    _work = pickle.loads(pickled)


def _end_with_parent() -> None:
    """Also where the parent was killed, and could tell nothing."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(item: Any) -> Outcome:
    assert _work is not None
    return attempt(_work, item)
