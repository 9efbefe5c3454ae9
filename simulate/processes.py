"""One network on many processes: each holds some of the neurons, and only sums, counts and largest values travel.

`torchrun --nproc-per-node P -m simulate flow ...` starts P processes, each of which runs the same program. They meet
here (`launched`, or `shared` in a program of one's own), make sure that they are alike, and from then on
field/reduction.py brings the partial results of all of them together. Everything else, the steps, the kernel, the
residual, each process computes for itself from the same numbers, so that all of them agree on what to do next.

A process that is lost ends the run of the others: usually at once, and after PATIENCE seconds if it only hangs.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import hashlib
import io
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from threadpoolctl import threadpool_info

from bounds.command_line import INTERNAL
from bounds.data.archives import COMES_AS, Field
from bounds.errors import ArgumentError, DataError, LinrateError, WriteError, require
from bounds.signals import exit_code
from bounds.versions import versions
from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.chunks import Share
from simulate.field.tiles import LANES
from simulate.network import Network

PATIENCE = 50.0  # seconds after which a process that does not answer is taken for lost
PATIENCE_VARIABLE = "LINRATE_PATIENCE"
ENVIRONMENT = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what torchrun tells its processes
HEADER = 3  # numbers ahead of a message, by which processes notice that they are out of step
GRACE = 2.0  # seconds that a process waits for process 0 to fail in the same way, and to say so for all
ERRORS = {kind.__name__: kind for kind in (ArgumentError, DataError, WriteError)}

T = TypeVar("T")


class LostProcess(LinrateError):
    """A process that shares the network no longer answers; 69 is EX_UNAVAILABLE of sysexits.h."""

    exit_code = 69


class Processes:
    """The processes that share a network, as one of them sees them: the Exchange of field/reduction.py, and what
    checkpoints and checks need besides.

    rank, size: the number of this process, and how many there are; here: how many of them run on this machine;
    exchanges, received: how often results were brought together, and how many bytes came to this process by that.
    """

    def __init__(self, store: Any, rank: int, size: int, *, here: int, direct: bool) -> None:
        """store: of torch.distributed, for short texts; direct: whether results go from GPU to GPU; if not, as where
        processes share one, they travel by way of the host."""
        self.store, self.rank, self.size, self.here, self.direct = store, rank, size, here, direct
        self.exchanges, self.received, self.texts = 0, 0, 0
        self.counts: tuple[int, ...] = (1,) * size
        self.edges: tuple[int, ...] = ()

    # What field/reduction.py asks for: numbers of all processes.

    def deal(self, share: Share) -> None:
        """See Exchange.deal."""
        self.counts, self.edges = share.counts, share.edges

    def gathered(self, partial: Sequence[Array]) -> list[Array]:
        """See Exchange.gathered. On the way everything is float64, which holds counts exactly."""
        import torch

        own, most = self.counts[self.rank], max(self.counts)
        if any(len(array) != own for array in partial):
            raise RuntimeError(f"{[len(array) for array in partial]} partial results where there are {own} chunks")
        tensors = [torch.as_tensor(array) for array in partial]
        device = next((tensor.device for tensor in tensors if tensor.is_cuda), torch.device("cpu"))
        sizes = [math.prod(tensor.shape[1:]) for tensor in tensors]
        message = torch.zeros((most, sum(sizes)), dtype=torch.float64, device=device)
        rows = [tensor.reshape(own, size) for tensor, size in zip(tensors, sizes, strict=True)]
        torch.cat([row.to(device, torch.float64) for row in rows], dim=1, out=message[:own])
        everyone = self._all(message.reshape(-1)).reshape(self.size, most, sum(sizes))
        whole = torch.cat([of[:count] for of, count in zip(everyone, self.counts, strict=True)])
        found: list[Array] = []
        ends = np.cumsum(sizes).tolist()
        for array, size, end in zip(partial, sizes, ends, strict=True):
            # Contiguous, as the arrays of one process are: the order in which numpy adds depends on that.
            full = whole[:, end - size : end].contiguous().reshape(len(whole), *array.shape[1:])
            if isinstance(array, np.ndarray):
                found.append(full.cpu().numpy().astype(array.dtype, copy=False))
            else:
                found.append(full.to(array.dtype))
        return found

    def of_each(self, row: np.ndarray) -> np.ndarray:
        """See Exchange.of_each."""
        import torch

        found: np.ndarray = self._all(torch.from_numpy(np.asarray(row, dtype=np.float64))).numpy()
        return found

    def _all(self, numbers: Any) -> Any:
        """(size, K): the numbers (K,) of all processes, on the device where they are here. Raises LostProcess."""
        import torch
        import torch.distributed as dist

        self.exchanges += 1
        header = torch.tensor([self.exchanges, len(numbers), self.size], dtype=torch.float64, device=numbers.device)
        mine = torch.cat([header, numbers])
        mine = mine if self.direct else mine.cpu()
        found = torch.empty((self.size, len(mine)), dtype=torch.float64, device=mine.device)
        with self._answered():
            dist.all_gather(list(found), mine)
        self.received += (self.size - 1) * mine.numel() * mine.element_size()
        if bool((found[:, :HEADER] != mine[:HEADER]).any()):
            raise LostProcess(
                "the processes are out of step: what they sent does not belong to the same evaluation. They must run"
                " the same program with the same arguments, on processors of one kind."
            )
        return found[:, HEADER:].to(numbers.device)

    # Arrays over all neurons, which only checkpoints and final networks need in one place.

    def whole(self, array: np.ndarray) -> np.ndarray:
        """(..., m): the neurons of all processes, for process 0; the others give theirs, (..., w), and get it back."""
        import torch
        import torch.distributed as dist

        own = np.ascontiguousarray(array)
        with self._answered():
            if self.rank > 0:
                dist.send(torch.from_numpy(own), dst=0)
                return own
            found = np.empty((*own.shape[:-1], self.edges[-1]), dtype=own.dtype)
            found[..., : self.edges[1]] = own
            for rank in range(1, self.size):
                first, beyond = self.edges[rank], self.edges[rank + 1]
                part = torch.from_numpy(np.empty((*own.shape[:-1], beyond - first), dtype=own.dtype))
                dist.recv(part, src=rank)
                found[..., first:beyond] = part.numpy()
        return found

    def own(self, array: np.ndarray | None, field: Field) -> np.ndarray:
        """(..., w): the neurons of this process, of the array (..., m) that process 0 has. field: what it is."""
        import torch
        import torch.distributed as dist

        assert field.shape is not None
        first, beyond = self.edges[self.rank], self.edges[self.rank + 1]
        with self._answered():
            if self.rank > 0:
                shape = (*(int(size) for size in field.shape[:-1]), beyond - first)
                part = np.empty(shape, dtype=COMES_AS[field.kind])
                dist.recv(torch.from_numpy(part), src=0)
                return part
            assert array is not None
            for rank in range(1, self.size):
                part = np.ascontiguousarray(array[..., self.edges[rank] : self.edges[rank + 1]])
                dist.send(torch.from_numpy(part), dst=rank)
        return np.ascontiguousarray(array[..., first:beyond])

    def spread(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays that process 0 has, for all."""
        import torch
        import torch.distributed as dist

        stream = io.BytesIO()
        if self.rank == 0:
            np.savez(stream, **arrays)  # type: ignore[arg-type]
        length = torch.tensor([len(stream.getvalue())])
        with self._answered():
            dist.broadcast(length, src=0)
            packed = torch.from_numpy(np.frombuffer(stream.getvalue().ljust(int(length), b"\0"), dtype=np.uint8).copy())
            dist.broadcast(packed, src=0)
        with np.load(io.BytesIO(packed.numpy().tobytes()), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    # Short texts, by way of the store.

    def tell(self, key: str, text: str) -> None:
        """Leave a text for the others."""
        with self._answered():
            self.store.set(key, text)

    def ask(self, key: str) -> str:
        """The text that another process leaves, as soon as it is there."""
        with self._answered():
            return str(self.store.get(key).decode())

    def heard(self, key: str) -> str | None:
        """The text, if it is there; None too where the store is gone."""
        with contextlib.suppress(RuntimeError):
            if self.store.check([key]):
                return str(self.store.get(key).decode())
        return None

    def ended(self, error: BaseException) -> None:
        """Tell the others why this process ends; that it has lost another one is not the cause of anything."""
        reason = str(error) or type(error).__name__
        with contextlib.suppress(LostProcess):
            self.tell(f"ended/{self.rank}", reason)
            if not isinstance(error, LostProcess):
                self.tell(f"failed/{self.rank}", reason)

    @contextlib.contextmanager
    def _answered(self) -> Iterator[None]:
        """A context in which a failure to reach the others is a LostProcess."""
        try:
            yield
        except RuntimeError as error:
            if isinstance(error, NotImplementedError):
                raise
            for rank in range(self.size):
                reason = self.heard(f"failed/{rank}") if rank != self.rank else None
                if reason:
                    raise LostProcess(f"process {rank} of {self.size} has ended: {reason}") from error
            raise LostProcess(
                f"one of the {self.size} processes that share the network is lost: it was ended from outside, or did"
                f" not answer for {patience():g} seconds ({PATIENCE_VARIABLE})."
            ) from error


def patience() -> float:
    """Seconds to wait for a process that does not answer, from the environment or PATIENCE."""
    text = os.environ.get(PATIENCE_VARIABLE, "")
    with contextlib.suppress(ValueError):
        seconds = float(text) if text else PATIENCE
        if 0 < seconds < math.inf:
            return seconds
    raise ArgumentError(f"{PATIENCE_VARIABLE} must be a positive number of seconds. Found {text!r}.")


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
