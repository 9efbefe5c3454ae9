"""What is done with a range of neurons: compiled on the CPU, with torch on a GPU. Both do the same sums.

terms: [(slopes (S, n, .), offset)], in which the column of neuron i is i - offset; weights: one (S, n) for each;
pull = G (sum of slopes * weights), and a displacement is -push pull.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from simulate import kernels
from simulate.arrays import Array

if TYPE_CHECKING:
    from simulate.flow import Flow

Terms = Sequence[tuple[Array, int]]
Weights = Sequence[np.ndarray]
MOST = 4  # terms that one compiled pass takes
NO_WEIGHTS, NO_OFFSETS = np.empty((0, 1, 1)), np.empty(0, dtype=np.int64)
TEMPORARY = 2**13  # entries of one run whose temporaries the allocator keeps: larger ones are fetched anew each time


@dataclass
class Sums:
    """Over some neurons: output (S, n) of c sigma, gram (S, n, n) of sigma' sigma', work (S,) of v.Gv; in float64."""

    output: Array
    gram: Array
    work: Array

    def add(self, other: Sums) -> None:
        """Those of other neurons too."""
        self.output += other.output
        self.gram += other.gram
        self.work += other.work


class Engine(Protocol):
    """See the module. keep: where sigma' goes, with its offset; write: h is overwritten, its test rows included."""

    def move(
        self,
        flow: Flow,
        h: Array,
        lo: int,
        hi: int,
        terms: Terms,
        weights: Weights,
        *,
        keep: tuple[Array, int] | None = None,
        write: bool = False,
        gram: bool = False,
        work: bool = False,
    ) -> Sums: ...

    def sizes(
        self, flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights, against: tuple[Array, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums of pull * against and of pull^2, (S, n) each."""
        ...

    def moments(self, flow: Flow, h: Array, h0: Array, lo: int, hi: int) -> np.ndarray:
        """(4, S, n): sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
        ...


class Compiled:
    """Loops of kernels.py; activations that have none there are left to numpy or torch, a piece at a time."""

    def move(
        self,
        flow: Flow,
        h: Array,
        lo: int,
        hi: int,
        terms: Terms,
        weights: Weights,
        *,
        keep: tuple[Array, int] | None = None,
        write: bool = False,
        gram: bool = False,
        work: bool = False,
    ) -> Sums:
        """h - push pull for the neurons lo..hi, and what becomes of them."""
        runs, n = flow.runs, flow.n
        sums = Sums(np.zeros((runs, n)), np.zeros((runs, n, n)), np.zeros(runs))
        count, slopes, factors, offsets = self._few(flow, lo, hi, terms, weights)
        few = (count, slopes if count else (h,) * MOST, factors, offsets, flow.G_all, flow.push, flow.c, write)
        kind = kernels.KINDS.get(flow.activation.name, kernels.RAW)
        if kind != kernels.RAW:
            into, at = (h, 0) if keep is None else keep
            ask = (keep is not None, into, at, gram, work, sums.output, sums.gram, sums.work)
            kernels.sweep(kind, n, lo, hi, h, *few, *ask)
            return sums
        width = max(1, TEMPORARY // n)  # whatever the number of runs
        for start in range(lo, hi, width):
            end = min(start + width, hi)
            value, slope = (flow.arrays.empty(runs, n, end - start) for _ in range(2))
            ask = (True, value, start, gram, work, sums.output, sums.gram, sums.work)
            kernels.sweep(kind, n, start, end, h, *few, *ask)
            flow.arrays.activate(flow.activation, value, value, slope)
            kernels.totals(value, slope, start, flow.c, gram, sums.output, sums.gram)
            if keep is not None:
                keep[0][:, :, start - keep[1] : end - keep[1]] = slope
        return sums

    def sizes(
        self, flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights, against: tuple[Array, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums of pull * against and of pull^2, (S, n) each."""
        change, square = np.zeros((flow.runs, flow.n)), np.zeros((flow.runs, flow.n))
        count, slopes, factors, offsets = self._few(flow, lo, hi, terms, weights)
        kernels.sizes(flow.n, lo, hi, count, slopes, factors, offsets, flow.G_all, *against, change, square)
        return change, square

    def moments(self, flow: Flow, h: Array, h0: Array, lo: int, hi: int) -> np.ndarray:
        """(4, S, n): sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
        found = np.empty((4, flow.runs, flow.n))
        kernels.moments(h, h0, flow.n, lo, hi, found)
        return found

    @staticmethod
    def _few(
        flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights
    ) -> tuple[int, tuple[Array, ...], np.ndarray, np.ndarray]:
        """(how many terms there are, MOST slopes, the first in place of those that are missing, weights, offsets)."""
        if len(terms) > MOST:
            total = flow.arrays.empty(flow.runs, flow.n, hi - lo)
            total[...] = 0
            for (slope, offset), weight in zip(terms, weights, strict=True):
                total += slope[:, :, lo - offset : hi - offset] * weight[:, :, None]
            terms, weights = [(total, lo)], [np.ones((flow.runs, flow.n))]
        if not terms:
            return 0, (), NO_WEIGHTS, NO_OFFSETS
        slopes = [slope for slope, _ in terms]
        slopes += slopes[:1] * (MOST - len(slopes))
        return len(terms), tuple(slopes), np.array(weights), np.array([offset for _, offset in terms])


class Tensors:
    """The same with torch operators."""

    def move(
        self,
        flow: Flow,
        h: Array,
        lo: int,
        hi: int,
        terms: Terms,
        weights: Weights,
        *,
        keep: tuple[Array, int] | None = None,
        write: bool = False,
        gram: bool = False,
        work: bool = False,
    ) -> Sums:
        """h - push pull for the neurons lo..hi, and what becomes of them."""
        n, wide = flow.n, torch.float64
        sums = Sums(np.zeros((flow.runs, n)), np.zeros((flow.runs, 1, 1)), np.zeros(flow.runs))
        x, total = h[:, :, lo:hi] if write else h[:, :n, lo:hi], None
        if terms:
            total = self._weighed(flow, lo, hi, terms, weights)
            pull = (flow.G_all if write else flow.G) @ total
            if work:
                sums.work = torch.linalg.vecdot(total, pull[:, :n]).sum(1, dtype=wide)
            push = flow.push[:, :, lo:hi]
            x = x.addcmul_(push, pull, value=-1) if write else torch.addcmul(x, push, pull, value=-1, out=pull)
        value = flow.arrays.empty(flow.runs, n, hi - lo) if total is None else total  # which nobody needs any more
        slope = torch.empty_like(value) if keep is None else keep[0][:, :, lo - keep[1] : hi - keep[1]]
        flow.arrays.activate(flow.activation, x[:, :n], value, slope)
        sums.output = (value @ flow.c[:, :, lo:hi].mT)[:, :, 0].to(wide)
        if gram:
            sums.gram = (slope @ slope.mT).to(wide)
        return sums

    def sizes(
        self, flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights, against: tuple[Array, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums of pull * against and of pull^2, (S, n) each."""
        pull = flow.G @ self._weighed(flow, lo, hi, terms, weights)
        other = against[0][:, :, lo - against[1] : hi - against[1]]
        fetch = flow.arrays.fetch
        return fetch((pull * other).sum(-1)), fetch((pull * pull).sum(-1))

    def moments(self, flow: Flow, h: Array, h0: Array, lo: int, hi: int) -> np.ndarray:
        """(4, S, n): sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
        here = h[:, : flow.n, lo:hi]
        moved = (here - h0[:, : flow.n, lo:hi]).abs()
        found = (moved.sum(-1), (moved * moved).sum(-1), moved.amax(-1), here.abs().amax(-1))
        return np.stack([flow.arrays.fetch(f) for f in found])

    @staticmethod
    def _weighed(flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights) -> Array:
        total = None
        for (slope, offset), weight in zip(terms, weights, strict=True):
            part, column = slope[:, :, lo - offset : hi - offset], flow.arrays.put(weight[:, :, None])
            total = part * column if total is None else total.addcmul_(part, column)
        return total
