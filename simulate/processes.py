"""One network on many processes: each holds some of the neurons, and only sums, counts and largest values travel.

`torchrun --nproc-per-node P -m simulate flow ...` starts P processes, each of which runs the same program. They meet
here (`launched`, or `shared` in a program of one's own), make sure that they are alike, and from then on
field/reduction.py brings the partial results of all of them together, by way of exchange.py. Everything else, the
steps, the kernel, the residual, each process computes for itself from the same numbers, so that all of them agree on
what to do next.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from threadpoolctl import threadpool_info

from bounds.command_line import INTERNAL
from bounds.errors import ArgumentError, DataError, LinrateError, WriteError, require
from bounds.signals import exit_code
from bounds.versions import versions
from simulate.exchange import LostProcess, Processes, patience
from simulate.field import reduction
from simulate.field.vectors import LANES
from simulate.network import Network

ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells its processes
GRACE = 2.0  # seconds that a process waits for process 0 to fail in the same way, and to say so for all
ERRORS = {kind.__name__: kind for kind in (ArgumentError, DataError, WriteError)}

T = TypeVar("T")


def together() -> Processes | None:
    """The processes that share the neurons now; None if this one has them all."""
    return cast("Processes | None", reduction.exchange())


def is_first() -> bool:
    """Whether this process is the one that prints and writes."""
    return reduction.place()[0] == 0


def neighbours() -> int:
    """How many of the processes run on this machine."""
    processes = together()
    return 1 if processes is None else processes.here


def own_device(device: str) -> str:
    """The device of this process: of the GPUs of a machine each has its own, as far as there are enough."""
    if together() is None or device != "cuda":
        return device
    import torch

    return f"cuda:{int(os.environ.get('LOCAL_RANK') or 0) % torch.cuda.device_count()}"


def largest_of(*numbers: float) -> list[float]:
    """The largest of each number over the processes."""
    return [float(number) for number in reduction.everyone(np.array(numbers, dtype=np.float64)).max(0)]


def by_first(work: Callable[[], T]) -> T | None:
    """What `work` returns in process 0, which alone does it; None in the others. What it raises, all raise."""
    processes = together()
    if processes is None:
        return work()
    key = f"first/{processes.texts}"
    processes.texts += 1
    if processes.rank == 0:
        try:
            found = work()
        except Exception as error:
            processes.tell(key, json.dumps([type(error).__name__, str(error)]))
            raise
        processes.tell(key, "null")
        return found
    if (told := json.loads(processes.ask(key))) is not None:
        raise ERRORS.get(told[0], LostProcess)(told[1])
    return None


def require_alike(what: Callable[[], Mapping[str, Any]]) -> None:
    """ArgumentError naming what differs between the processes. what: returns it by name; called if there are others."""
    processes = together()
    if processes is None:
        return
    key = f"alike/{processes.texts}"
    processes.texts += 1
    processes.tell(f"{key}/{processes.rank}", json.dumps(what()))
    found = [json.loads(processes.ask(f"{key}/{rank}")) for rank in range(processes.size)]
    for rank, other in enumerate(found):
        names = [name for name in {**found[0], **other} if found[0].get(name) != other.get(name)]
        if names:
            differences = "; ".join(f"{n} is {found[0].get(n)!r} in process 0, {other.get(n)!r} there" for n in names)
            raise ArgumentError(
                f"process {rank} of {processes.size} is not like the others: {differences}. Run the same version with"
                " the same arguments and data, on processors of one kind."
            )


def whole_network(network: Network) -> Network:
    """The network of all neurons in process 0, of which each process gives its own; in the others their own."""
    processes = together()
    if processes is None:
        return network
    parts = [np.asarray(network.H).T, network.signs, None if network.H_test is None else np.asarray(network.H_test).T]
    H, signs, test = (None if part is None else processes.whole(part) for part in parts)
    assert H is not None
    assert signs is not None
    return Network(H.T, signs, None if test is None else test.T, network.scaling)


def identity() -> dict[str, Any]:
    """What must be the same in all processes for their numbers to be."""
    import numba
    import torch

    blas = sorted(f"{pool['internal_api']} {pool.get('architecture', '')}" for pool in threadpool_info())
    return {
        **versions(),
        "source": _source(),
        "numba": numba.__version__,
        "numbers in a vector": LANES,
        "threads": torch.get_num_threads(),
        "libraries": blas,
    }


@functools.cache
def _source() -> str:
    """The first 12 hexadecimal digits of the SHA-256 of the text of `bounds` and `simulate`."""
    found, root = hashlib.sha256(), Path(__file__).resolve().parent.parent
    for file in sorted(path for name in ("bounds", "simulate") for path in (root / name).rglob("*.py")):
        found.update(file.read_bytes())
    return found.hexdigest()[:12]


@contextlib.contextmanager
def shared() -> Iterator[Processes]:
    """A context in which gradient_flow and gradient_descent share each network among all processes of torchrun, or of
    whatever else has set RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT. All of them must make the same calls.

    Their trajectories are alike in all processes, but `initial` and `final` hold the neurons of the process.

    Raises ArgumentError where the environment is incomplete, the others cannot be reached or are of another version,
    and LostProcess, in the calls, if one of them goes.
    """
    missing = [name for name in ENVIRONMENT if not os.environ.get(name)]
    if missing:
        raise ArgumentError(
            f"processes that share a network need {', '.join(missing)} in the environment. Start them by torchrun"
            " --nproc-per-node P -m simulate ..."
        )
    rank, size = (_count(name) for name in ("RANK", "WORLD_SIZE"))
    require(size >= 1 and rank < size, "RANK", "less than WORLD_SIZE", (rank, size))
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    import torch
    import torch.distributed as dist

    if not dist.is_available():
        raise ArgumentError(f"torch {torch.__version__} was built without torch.distributed. Use one process.")
    limit = datetime.timedelta(seconds=patience())
    here, gpus = int(os.environ.get("LOCAL_WORLD_SIZE") or size), torch.cuda.device_count()
    direct = gpus > 0 and here <= gpus
    try:
        store, rank, size = next(dist.rendezvous("env://", timeout=limit))  # type: ignore[attr-defined]
        backend = "cpu:gloo,cuda:nccl" if direct else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=limit)
    except (RuntimeError, ValueError, OSError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise ArgumentError(
            f"the processes could not meet at MASTER_ADDR:MASTER_PORT = {where} within {limit.total_seconds():g} s:"
            f" {str(error).splitlines()[0]}. Start all {size} of them, with an address that each can reach."
        ) from error
    try:
        texts = dist.PrefixStore("linrate", store)  # type: ignore[attr-defined]
        processes = Processes(texts, rank, size, here=here, direct=direct or gpus == 0)
        with reduction.exchanging(processes):
            try:
                require_alike(identity)
                yield processes
            except SystemExit:  # it has been told
                raise
            except BaseException as error:
                processes.ended(error)
                raise
    finally:
        dist.destroy_process_group()


def _count(name: str) -> int:
    """A number of the environment."""
    text = os.environ[name]
    require(text.isdecimal(), name, "a number of processes", text)
    return int(text)


@contextlib.contextmanager
def launched() -> Iterator[None]:
    """`shared` where torchrun has started this process, else nothing: for a command line. Process 0 alone prints; an
    error of another one is told by that one, unless process 0 has it too."""
    if os.environ.get("WORLD_SIZE") is None or os.environ.get("RANK") is None:
        yield
        return
    with shared() as processes, contextlib.ExitStack() as quiet:
        if processes.rank > 0:
            nowhere = quiet.enter_context(open(os.devnull, "w"))
            quiet.enter_context(contextlib.redirect_stdout(nowhere))
            quiet.enter_context(contextlib.redirect_stderr(nowhere))
        try:
            yield
        except BaseException as error:
            if processes.rank > 0 and not isinstance(error, SystemExit):
                processes.ended(error)
                _leave(processes, error)
            raise


def _leave(processes: Processes, error: BaseException) -> None:
    """Exit without a word, with the code that process 0 exits with, if that has the same error; else say whose error
    this is."""
    until = time.monotonic() + GRACE
    while time.monotonic() < until and (told := processes.heard("ended/0")) is None:
        time.sleep(0.05)
    if told == str(error):
        if isinstance(error, LinrateError):
            sys.exit(error.exit_code)
        sys.exit(exit_code(error) if isinstance(error, KeyboardInterrupt) else INTERNAL)
    error.args = (f"process {processes.rank} of {processes.size}: {error}",)
