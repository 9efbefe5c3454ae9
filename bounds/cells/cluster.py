"""The workers of a Dask scheduler, wherever they run. Dask may do a piece of work twice; its result is taken once."""

from __future__ import annotations

import contextlib
import functools
import logging
import queue
import secrets
import time as clock
from collections.abc import Iterator, Sequence
from typing import Any

from bounds.cells.attempt import Engine, Outcome, Work, attempt
from bounds.errors import ArgumentError, AssumptionError, EngineError, shown
from bounds.versions import versions

PATIENCE = 10.0  # seconds to reach the scheduler, and until one that has gone counts as lost
EVERY = 1.0  # seconds between two looks at whether the scheduler is there, and how many workers it has
AHEAD, LEAST_AHEAD = 3, 16  # items given out for each thread of the workers, and at least
LOST = "its worker ended again and again without a result: killed, or out of memory"


@contextlib.contextmanager
def connected(executor: Any) -> Iterator[Engine]:
    """The engine of a scheduler: executor is its address, or a distributed.Client that is connected to it."""
    try:
        import distributed
    except ImportError:
        raise AssumptionError("a scheduler needs Dask: pip install 'linrate[cluster]'.") from None
    with _silence():
        client = _client(executor, distributed)
        try:
            _check_workers(client)
            yield functools.partial(_on_workers, client)
        finally:
            if client is not executor:
                with contextlib.suppress(Exception):  # of a scheduler that has gone
                    client.close(timeout=1)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Dask logs the traceback of each lost connection; here it is an error with one line."""
    logger = logging.getLogger("distributed")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _client(executor: Any, distributed: Any) -> Any:
    """The client, connected. Raises ArgumentError."""
    if isinstance(executor, str):
        host, _, port = executor.removeprefix("tcp://").removeprefix("tls://").rpartition(":")
        if not executor.startswith(("tcp://", "tls://")) or not host or not port.isdigit():
            raise ArgumentError(f"scheduler must be an address such as tcp://127.0.0.1:8786. Found {shown(executor)}.")
        try:
            return distributed.Client(executor, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError, OverflowError) as error:
            raise ArgumentError(
                f"scheduler {executor!r} cannot be reached ({type(error).__name__}). Start one with `dask scheduler`,"
                " which prints its address, or use local processes."
            ) from None
    if isinstance(executor, distributed.Client) and not executor.asynchronous:
        return executor
    raise ArgumentError(f"executor must be a distributed.Client that is not asynchronous. Found {shown(executor)}.")


def _check_workers(client: Any) -> None:
    """Raise ArgumentError if a worker that is there has other versions, or another commit, than this process."""
    found = client.run(_versions, on_error="return")
    for address, theirs in found.items():
        if isinstance(theirs, BaseException):
            raise ArgumentError(
                f"worker {address} cannot run linrate ({type(theirs).__name__}: {theirs}). Start it in an environment"
                " where the same linrate is installed."
            )
        if words := _difference(theirs):
            raise ArgumentError(f"worker {address} has {words}. Start all workers from one installation.")


def _versions() -> dict[str, str]:
    return dict(versions())


def _difference(theirs: dict[str, str]) -> str:
    """In words, the first version that is not that of this process; "" if all are the same."""
    for name, ours in versions().items():
        if theirs.get(name) != ours:
            return f"{name} {theirs.get(name)}, but this process has {ours}"
    return ""


def _on_workers(client: Any, work: Work, items: Sequence[Any]) -> Iterator[tuple[int, Outcome]]:
    """The engine. Workers may come and go; an item whose worker is lost is done by another one.

    Raises EngineError if the scheduler has gone, or a worker that came later cannot do the work.
    """
    from distributed.scheduler import KilledWorker

    name = f"linrate-{secrets.token_hex(6)}"  # so that nothing is mistaken for the work of another run
    # The work travels once, as a task: unlike scattered data it is made again if its worker is lost.
    shared = client.submit(_itself, work, key=f"{name}-work")
    ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
    flying: dict[str, int] = {}
    waiting = iter(enumerate(items))
    futures: dict[str, Any] = {}
    looked, room = -EVERY, LEAST_AHEAD
    try:
        while True:
            if clock.monotonic() > looked + EVERY:
                room = max(LEAST_AHEAD, AHEAD * sum(_threads(client)))
                looked = clock.monotonic()
            while len(flying) < room and (following := next(waiting, None)) is not None:
                index, item = following
                key = f"{name}-{index}"
                flying[key] = index
                futures[key] = client.submit(_do, shared, item, _versions(), key=key)
                futures[key].add_done_callback(ended.put)
            if not flying:
                return
            try:
                future = ended.get(timeout=EVERY)
            except queue.Empty:
                continue
            if future.status == "finished":
                outcome = _result(client, future)
            elif future.status == "error" and isinstance(future.exception(), KilledWorker):
                outcome = Outcome(error=LOST)
            elif future.status == "error":  # not of the item, whose errors are part of its outcome
                error = future.exception()
                words = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
                raise EngineError(f"a worker could not do its work: {words}. {KEPT}")
            elif future.status in ("lost", "pending") and client.status == "running":
                future.add_done_callback(ended.put)  # its worker ended with the result: another one does it again
                continue
            else:
                raise _gone(client)
            del futures[future.key]
            yield flying.pop(future.key), outcome
    finally:
        with contextlib.suppress(Exception):  # of a scheduler that has gone
            if client.status == "running":
                client.cancel(list(futures.values()))


KEPT = "What is finished is kept where there is a directory; go on with it."


def _gone(client: Any) -> EngineError:
    where = client.scheduler.address if client.scheduler else "it"
    return EngineError(f"the scheduler {where} has gone. {KEPT}")


def _result(client: Any, future: Any) -> Outcome:
    """What a finished task has given, fetched from its worker. Raises EngineError if the scheduler goes meanwhile."""
    try:
        outcome: Outcome = future.result()
    except Exception:  # not of the item, whose errors are part of its outcome
        raise _gone(client) from None
    return outcome


def _threads(client: Any) -> list[int]:
    """The threads of each worker. Raises EngineError if the scheduler does not answer for PATIENCE seconds."""
    until = clock.monotonic() + PATIENCE
    while client.status != "closed":
        try:
            if client.status == "running":
                return list(client.nthreads().values())
        except Exception:
            if clock.monotonic() > until:
                break
        if clock.monotonic() > until:
            break
        clock.sleep(EVERY / 10)
    raise _gone(client)


def _itself(work: Work) -> Work:
    return work


def _do(work: Work, item: Any, expected: dict[str, str]) -> Outcome:
    """On a worker. Raises EngineError where its versions are not those of the process that asks."""
    for name, theirs in expected.items():
        if versions()[name] != theirs:
            raise EngineError(f"it has {name} {versions()[name]}, but the run has {theirs}")
    return attempt(work, item)
