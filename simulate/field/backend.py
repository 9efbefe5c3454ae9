"""What is done with a range of neurons: compiled on the CPU, with torch on a GPU. Both do the same sums.

terms: [(slopes (S, n, .), offset)], in which the column of neuron i is i - offset; weights: one (S, n) for each;
pull = G (sum of slopes * weights), and a displacement is -push pull.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch

from simulate.field import kernels
from simulate.field.arrays import Array
from simulate.field.threads import available, spread, together

if TYPE_CHECKING:
    from simulate.field.flow import Flow

Terms = Sequence[tuple[Array, int]]
Weights = Sequence[np.ndarray]
MOST = 4  # terms that one compiled pass takes
NO_WEIGHTS, NO_OFFSETS = np.empty((0, 1, 1)), np.empty(0, dtype=np.int64)
TEMPORARY = 2**13  # entries of one run whose temporaries the allocator keeps: larger ones are fetched anew each time
BUSY = 2**15  # entries below which a thread is not worth its start
ONE = kernels.shares(1, 1)


@dataclass
class Sums:
    """Over some neurons: output (S, n) of c sigma, gram (S, n, n) of sigma' sigma', if wanted, work (S,) of v.Gv; in
    float64."""

    output: Array
    gram: Array
    work: Array

    def total(self) -> Sums:
        """Of several parts together, which lie along the first axis."""
        if len(self.work) == 1:
            return Sums(self.output[0], self.gram[0], self.work[0])
        return Sums(self.output.sum(0), self.gram.sum(0), self.work.sum(0))

    def add(self, other: Sums) -> None:
        """Those of other neurons too."""
        self.output += other.output
        self.gram += other.gram
        self.work += other.work


class Engine(Protocol):
    """See the module. keep: where sigma' goes, with its offset; to: where the displaced h goes, its test rows included,
    which may be h itself."""

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
        to: Array | None = None,
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

    def inside(self, flow: Flow, fine: Array, coarse: Array, ends: tuple[float, float], lo: int, hi: int) -> np.ndarray:
        """(2, S, n): how many of the fine h lie between the ends; how many would not if off by |fine - coarse|."""
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
        to: Array | None = None,
        gram: bool = False,
        work: bool = False,
    ) -> Sums:
        """h - push pull for the neurons lo..hi, and what becomes of them."""
        runs, n, parts = flow.runs, flow.n, flow.parts_of(lo, hi)
        count, size = len(parts), n if gram else 0
        sums = Sums(np.zeros((count, runs, n)), np.zeros((count, runs, size, size)), np.zeros((count, runs)))
        used, slopes, factors, offsets = self._few(flow, lo, hi, terms, weights)
        of_h = (flow.G_all, flow.push, flow.c, to is not None, h if to is None else to)
        few = (h, used, slopes if used else (h,) * MOST, factors, offsets, *of_h)
        kind = kernels.KINDS.get(flow.activation.name, kernels.RAW)
        if kind != kernels.RAW:
            into, at = (h, 0) if keep is None else keep
            ask = (keep is not None, into, at, gram, work, sums.output, sums.gram, sums.work)
            self._share(flow, parts, lambda *who: kernels.sweep(kind, n, parts, *who, *few, *ask))
            return sums.total()

        def part(k: int, _: int) -> None:
            width = max(1, TEMPORARY // n)  # whatever the number of runs
            for start in range(parts[k, 0], parts[k, 1], width):
                piece = np.array([[start, min(start + width, parts[k, 1])]])
                value, slope = (flow.arrays.empty(runs, n, piece[0, 1] - start) for _ in range(2))
                mine = sums.output[k : k + 1], sums.gram[k : k + 1], sums.work[k : k + 1]
                kernels.sweep(kind, n, piece, ONE.copy(), 0, *few, True, value, start, gram, work, *mine)
                flow.arrays.activate(flow.activation, value, value, slope)
                kernels.totals(value, slope, start, flow.c, gram, sums.output[k], sums.gram[k])
                if keep is not None:
                    keep[0][:, :, start - keep[1] : piece[0, 1] - keep[1]] = slope

        spread(part, [(k, k + 1) for k in range(count)])
        return sums.total()

    def sizes(
        self, flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights, against: tuple[Array, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sums of pull * against and of pull^2, (S, n) each."""
        parts = flow.parts_of(lo, hi)
        change, square = (np.zeros((len(parts), flow.runs, flow.n)) for _ in range(2))
        few = self._few(flow, lo, hi, terms, weights)
        ask = (flow.G_all, *against, change, square)
        self._share(flow, parts, lambda *who: kernels.sizes(flow.n, parts, *who, *few, *ask))
        return change.sum(0), square.sum(0)

    def moments(self, flow: Flow, h: Array, h0: Array, lo: int, hi: int) -> np.ndarray:
        """(4, S, n): sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
        parts = flow.parts_of(lo, hi)
        found = np.empty((len(parts), 4, flow.runs, flow.n))
        self._share(flow, parts, lambda *who: kernels.moments(h, h0, flow.n, parts, *who, found))
        return np.concatenate([found[:, :2].sum(0), found[:, 2:].max(0)])

    def inside(self, flow: Flow, fine: Array, coarse: Array, ends: tuple[float, float], lo: int, hi: int) -> np.ndarray:
        """(2, S, n): how many of the fine h lie between the ends; how many would not if off by |fine - coarse|."""
        parts = flow.parts_of(lo, hi)
        found = np.empty((len(parts), 2, flow.runs, flow.n))
        self._share(flow, parts, lambda *who: kernels.inside(fine, coarse, flow.n, *ends, parts, *who, found))
        return found.sum(0)

    @staticmethod
    def _share(flow: Flow, parts: np.ndarray, work: Callable[[np.ndarray, int], None]) -> None:
        """work(claims, me) on all threads, where the parts are worth it."""
        if len(parts) == 1:
            return work(ONE.copy(), 0)
        claims = kernels.shares(len(parts), available(min(len(parts), flow.runs * flow.n * flow.m // BUSY)))
        return together(lambda me: work(claims, me), len(claims))

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
        to: Array | None = None,
        gram: bool = False,
        work: bool = False,
    ) -> Sums:
        """h - push pull for the neurons lo..hi, and what becomes of them."""
        n, wide, moved = flow.n, torch.float64, to is not None
        sums = Sums(np.zeros((flow.runs, n)), np.zeros((flow.runs, 0, 0)), np.zeros(flow.runs))
        x, total = h[:, :, lo:hi] if moved else h[:, :n, lo:hi], None
        if terms:
            total = self._weighed(flow, lo, hi, terms, weights)
            pull = (flow.G_all if moved else flow.G) @ total
            if work:
                sums.work = torch.linalg.vecdot(total, pull[:, :n]).sum(1, dtype=wide)
            into = pull if to is None else to[:, :, lo:hi]
            x = torch.addcmul(x, flow.push[:, :, lo:hi], pull, value=-1, out=into)
        elif to is not None:
            x = to[:, :, lo:hi].copy_(x)
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

    def inside(self, flow: Flow, fine: Array, coarse: Array, ends: tuple[float, float], lo: int, hi: int) -> np.ndarray:
        """(2, S, n): how many of the fine h lie between the ends; how many would not if off by |fine - coarse|."""
        h = fine[:, : flow.n, lo:hi]
        gap = (h - coarse[:, : flow.n, lo:hi]).abs()
        within = ((h > ends[0]) & (h < ends[1])).sum(-1)
        unsure = [(((h - end).abs() <= gap) & (gap > 0)).sum(-1) for end in ends if math.isfinite(end)]
        return np.stack([flow.arrays.fetch(f) for f in (within, sum(unsure, torch.zeros_like(within)))])

    @staticmethod
    def _weighed(flow: Flow, lo: int, hi: int, terms: Terms, weights: Weights) -> Array:
        total = None
        for (slope, offset), weight in zip(terms, weights, strict=True):
            part, column = slope[:, :, lo - offset : hi - offset], flow.arrays.put(weight[:, :, None])
            total = part * column if total is None else total.addcmul_(part, column)
        return total
