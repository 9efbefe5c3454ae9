"""How the neurons are cut into chunks, and how the chunks are shared among processes and threads."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bounds.errors import ArgumentError
from simulate.field.threads import run_on_threads, thread_count
from simulate.field.tiles import STRIP

CHUNK_FROM = 2**14  # entries of h below which a chunk is not worth its overhead
MOST_CHUNKS = 64  # a power of two, so that threads have equal shares
GPU_CHUNK = 2**23  # entries of h in a chunk on a GPU, where temporaries are as large as the chunk

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """The neurons of a network that one process holds.

    width: m of the whole network; first, beyond: its neurons are first, first + 1, ..., beyond - 1; ranges (C, 2): its
    chunks, counted from `first`; chunkwise: whether a process hands over the sums of each chunk, or one for all;
    counts: how many each process hands over; edges: where the neurons of each process begin, and m.
    """

    width: int
    first: int
    beyond: int
    ranges: np.ndarray
    chunkwise: bool
    counts: tuple[int, ...]
    edges: tuple[int, ...]


def share(*, n: int, rows: int, m: int, itemsize: int, low_memory: bool, gpu: bool, rank: int, size: int) -> Share:
    """The neurons of process `rank` of `size`: whole chunks, side by side.

    n: data points; rows: n and the test points; m: neurons of the whole network; itemsize: bytes of an entry. On the
    CPU the chunks are those of one process, and each hands over its sums; a GPU adds up what is on it. Raises
    ArgumentError where there are more processes than chunks.
    """
    # On a GPU a fixed number of blocks, each of which is cut into chunks that fit.
    blocks = _ranges(m, math.ceil(m / MOST_CHUNKS)) if gpu else cpu_chunks(n, m, itemsize, low_memory=low_memory)
    if size > len(blocks):
        raise ArgumentError(
            f"the world size {size} is larger than the number of blocks, {len(blocks)}, into which a network of m = {m}"
            f" neurons and n = {n} data points is cut. Use at most {len(blocks)} processes, or a larger width."
        )
    edges = [len(blocks) * k // size for k in range(size + 1)]
    neurons = [int(blocks[edge][0]) for edge in edges[:-1]] + [m]
    first, beyond = neurons[rank], neurons[rank + 1]
    if gpu:
        ranges, counts = gpu_chunks(rows, beyond - first), [1] * size
    else:
        ranges, counts = blocks[edges[rank] : edges[rank + 1]] - first, [int(k) for k in np.diff(edges)]
    return Share(m, first, beyond, ranges, not gpu, tuple(counts), tuple(neurons))


def cpu_chunks(n: int, m: int, itemsize: int, *, low_memory: bool) -> np.ndarray:
    """(P, 2): ranges of neurons, by the size of the state alone, so that the number of threads changes no sum.

    Each chunk has a Gram matrix (n, n) of its own in float64; together they take at most half a copy of the state, or
    an eighth with low_memory, which also has twice as many chunks, for smaller buffers. itemsize: bytes of an entry.
    """
    finer, share = (2, 8) if low_memory else (1, 2)
    wanted = min(finer * n * m // CHUNK_FROM, m * itemsize // (8 * share * n), finer * MOST_CHUNKS)
    # The number of chunks is a power of two and their width a multiple of the strips of the compiled loops.
    width = m if wanted < 2 else STRIP * math.ceil(m / STRIP / 2 ** (wanted.bit_length() - 1))
    return _ranges(m, width)


def gpu_chunks(rows: int, m: int) -> np.ndarray:
    """(P, 2): ranges of neurons whose temporaries fit; rows: n + k."""
    return _ranges(m, max(1, GPU_CHUNK // rows))


def _ranges(m: int, width: int) -> np.ndarray:
    return np.array([[start, min(start + width, m)] for start in range(0, m, width)])


def map_chunks(work: Callable[[int, int], T], chunks: Sequence[tuple[int, int]] | np.ndarray) -> list[T]:
    """work(start, stop) of each chunk, in order; on the CPU, each is taken by whichever thread is free."""
    if len(chunks) == 1:
        return [work(int(chunks[0][0]), int(chunks[0][1]))]
    found: dict[int, T] = {}
    following = iter(range(len(chunks)))

    def take(_thread: int) -> None:
        for k in following:
            found[k] = work(int(chunks[k][0]), int(chunks[k][1]))

    run_on_threads(take, thread_count(len(chunks)))
    return [found[k] for k in range(len(chunks))]
