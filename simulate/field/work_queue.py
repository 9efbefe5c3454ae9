"""How threads that make the same compiled pass share its chunks of neurons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from simulate.field.elementwise import INNER_EXACT, add_one


def work_queue(chunks: int, threads: int) -> np.ndarray:
    """The chunks that are still to be done: (threads, 8), a cache line of its own for each thread, so that threads do
    not write into the same one. Entry 0 is the next chunk of the thread's share, entry 1 the end of the share.

    A thread has the same share in every pass, because a part of it may still lie in its cache; when it has finished its
    share, it takes from those of the others.
    """
    bounds = np.arange(threads + 1) * chunks // threads
    queue = np.zeros((threads, 8), dtype=np.int64)
    queue[:, 0], queue[:, 1] = bounds[:-1], bounds[1:]
    return queue


@njit(**INNER_EXACT)
def next_chunk(queue: Any, thread: int) -> int:
    """Take a chunk from the queue: from the thread's own share first, then from the others. -1 if none is left."""
    for k in range(len(queue)):
        share = queue[(thread + k) % len(queue)]
        chunk = add_one(share.ctypes.data)
        if chunk < share[1]:
            return chunk
    return -1
