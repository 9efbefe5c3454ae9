"""Threads for the passes over the neurons: as many as torch is set to use, the calling one among them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import numpy as np
import torch

T = TypeVar("T")
_pools: dict[int, ThreadPoolExecutor] = {}
_lock = threading.Lock()


def _pool(size: int) -> ThreadPoolExecutor:
    with _lock:
        if size not in _pools:
            _pools[size] = ThreadPoolExecutor(size, thread_name_prefix="linrate")
        return _pools[size]


def spread(work: Callable[[int, int], T], parts: Sequence[tuple[int, int]]) -> list[T]:
    """work(lo, hi) of each part, in order; the parts are taken by whichever thread is free."""
    threads = min(torch.get_num_threads(), len(parts))
    if threads <= 1:
        return [work(lo, hi) for lo, hi in parts]
    found: dict[int, T] = {}
    following = itertools.count()

    def take() -> None:
        with np.errstate(all="ignore"):  # the caller's setting does not reach other threads
            while (k := next(following)) < len(parts):
                found[k] = work(*parts[k])

    others = [_pool(threads - 1).submit(take) for _ in range(threads - 1)]
    try:
        take()
    finally:
        wait(others)
    for other in others:
        other.result()
    return [found[k] for k in range(len(parts))]
