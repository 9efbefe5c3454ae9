"""The one place through which every number passes that depends on all neurons.

A backend returns partial results, one for each chunk of neurons along the first axis. Here they become one number:
the sums of an evaluation, the sizes of a displacement, the moments of the movement, counts, largest values.

The neurons of a network may be shared among several processes. Each then has the chunks of its own neurons, and an
Exchange brings the partial results of all chunks to all of them, in the order of the chunks. What is done with them is
the same as in one process, so that the number of processes changes no bit of a sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from simulate.field.arrays import Array
from simulate.field.chunks import Share


class Exchange(Protocol):
    """What connects the processes that share a network; see simulate/exchange.py.

    rank, size: the number of this process, and how many there are.
    """

    rank: int
    size: int

    def deal(self, share: Share) -> None:
        """From now on the neurons are shared like that."""
        ...

    def gathered(self, partial: Sequence[Array]) -> list[Array]:
        """The partial results of all processes: arrays (C_k, ...), of which process k has as many as its share says,
        as arrays (C, ...) that are alike in all processes."""
        ...

    def of_each(self, row: np.ndarray) -> np.ndarray:
        """(size, K): the numbers (K,) of each process."""
        ...


_exchange: Exchange | None = None  # None: all neurons are in this process
_chunkwise = True  # whether the processes hand over the results of each chunk


@contextmanager
def exchanging(exchange: Exchange) -> Iterator[None]:
    """While this lasts, neurons are shared with the other processes."""
    global _exchange
    before, _exchange = _exchange, exchange
    try:
        yield
    finally:
        _exchange = before


def exchange() -> Exchange | None:
    """What connects this process with those that share its network, if there are any."""
    return _exchange


def place() -> tuple[int, int]:
    """(rank, size): the number of this process and how many share the neurons, (0, 1) if there are no others."""
    return (0, 1) if _exchange is None else (_exchange.rank, _exchange.size)


def deal(share: Share) -> Share:
    """The share, once the exchange knows of it."""
    global _chunkwise
    if _exchange is not None:
        _exchange.deal(share)
        _chunkwise = share.chunkwise
    return share


def total(*partial: Array) -> tuple[Array, ...]:
    """The sum of each array over its first axis, the chunks. Arrays that belong together are reduced in one call.

    One chunk needs no addition. Several are added in the order of the chunks, whichever thread or process computed
    them.
    """
    return tuple(_added(array) for array in _of_all(partial, _added))


def largest(partial: Array) -> Array:
    """The maximum over the first axis, the chunks; not a number if one of them is not."""
    return _largest(_of_all([partial], _largest)[0])


def everyone(row: np.ndarray) -> np.ndarray:
    """(size, K): the numbers (K,) of each process, for what is no sum and no maximum over chunks."""
    return row[None] if _exchange is None else _exchange.of_each(row)


def _of_all(partial: Sequence[Array], reduced: Callable[[Array], Array]) -> Sequence[Array]:
    """The partial results of all processes. Where a process hands over one for all its chunks, as on a GPU, they are
    `reduced` before."""
    if _exchange is None:
        return partial
    return _exchange.gathered(partial if _chunkwise else [reduced(array)[None] for array in partial])


def _added(array: Array) -> Array:
    return array[0] if len(array) == 1 else array.sum(0)


def _largest(array: Array) -> Array:
    return array[0] if len(array) == 1 else array.max(0)
