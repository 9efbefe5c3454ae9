"""What travels between the processes that share a network: partial results, arrays over all neurons, short texts.

A process that is lost ends the run of the others: usually at once, and after PATIENCE seconds if it only hangs.
"""

from __future__ import annotations

import contextlib
import io
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bounds.data.archives import COMES_AS, Field
from bounds.errors import ArgumentError, LinrateError
from simulate.field.arrays import Array
from simulate.field.chunks import Share

PATIENCE = 50.0  # seconds after which a process that does not answer is taken for lost
PATIENCE_VARIABLE = "LINRATE_PATIENCE"
KEPT_UP_TO, MOST_KEPT = 2**21, 16  # numbers that come with an exchange whose memory is kept for the next, and how many
HEADER = 3  # numbers ahead of a message, by which processes notice that they are out of step


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
        self._kept: dict[Any, Any] = {}  # (length, device) -> where messages lie: fresh memory costs as much as they do

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
        rows = [tensor.reshape(own, size) for tensor, size in zip(tensors, sizes, strict=True)]

        def fill(message: Any) -> None:
            torch.cat([row.to(device, torch.float64) for row in rows], dim=1, out=message.view(most, sum(sizes))[:own])

        everyone = self._all(most * sum(sizes), fill, device).reshape(self.size, most, sum(sizes))
        found: list[Array] = []
        ends = np.cumsum(sizes).tolist()
        for array, size, end in zip(partial, sizes, ends, strict=True):
            parts = [of[:count, end - size : end] for of, count in zip(everyone, self.counts, strict=True)]
            # Contiguous, as the arrays of one process are: the order in which numpy adds depends on that.
            full = torch.cat(parts).reshape(sum(self.counts), *array.shape[1:])
            if isinstance(array, np.ndarray):
                found.append(full.cpu().numpy().astype(array.dtype, copy=False))
            else:
                found.append(full.to(array.dtype))
        return found

    def of_each(self, row: np.ndarray) -> np.ndarray:
        """See Exchange.of_each."""
        import torch

        numbers = torch.from_numpy(np.asarray(row, dtype=np.float64))
        found: np.ndarray = self._all(len(numbers), lambda message: message.copy_(numbers), numbers.device).numpy()
        return found.copy()

    def _all(self, count: int, fill: Callable[[Any], object], device: Any) -> Any:
        """(size, count): the numbers of all processes on the device, until the next call of this length; fill(message)
        writes those of this one. Raises LostProcess."""
        import torch
        import torch.distributed as dist

        self.exchanges += 1
        if (count, device) in self._kept:
            own, found = self._kept[count, device]
        else:
            own = torch.zeros(HEADER + count, dtype=torch.float64, device=device)
            found = own.new_empty((self.size, len(own)), device=device if self.direct else "cpu")
            if found.numel() <= KEPT_UP_TO and len(self._kept) < MOST_KEPT:
                self._kept[count, device] = own, found
        own[:HEADER] = torch.tensor([self.exchanges, count, self.size], dtype=torch.float64)
        fill(own[HEADER:])
        mine = own if self.direct else own.cpu()
        with self._answered():
            dist.all_gather(list(found), mine)
        self.received += (self.size - 1) * mine.numel() * mine.element_size()
        if bool((found[:, :HEADER] != mine[:HEADER]).any()):
            raise LostProcess(
                "the processes are out of step: what they sent does not belong to the same evaluation. They must run"
                " the same program with the same arguments, on processors of one kind."
            )
        return found[:, HEADER:].to(device)

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
