"""Gradient flow in function space: the pre-activations h_i(x_a) evolve alone, equation (11)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bounds.problem import Problem
from simulate.field.arrays import Array, Arrays
from simulate.field.backend import MOST, Compiled, Engine, Sums, Tensors
from simulate.field.kernels import in_units
from simulate.field.threads import spread
from simulate.field.tiles import STRIP, panels
from simulate.network import Scaling

ROOMY = 2**20  # entries of h above which slopes are computed again rather than kept
PART = 2**14  # entries of h below which a range of neurons is not worth a place of its own
PIECE = 2**16  # entries of temporaries at a time
PARTS = 64  # at most; a power of two, so that threads have equal shares
SPARES = 4  # arrays kept for reuse
GPU_PART = 2**23  # entries at a time on a GPU, whose temporaries are that large

T = TypeVar("T")
Drive = Sequence[np.ndarray | None]


@dataclass
class Totals:
    """At a state of S runs: the residual r = f - y (S, n); slope_gram (S, n, n) = (1/m) sum_i sigma'(h_ia)
    sigma'(h_ib), empty where nobody asks for it; and the power (S,) = (speed/m) sum_i v_i'G v_i of the displacement
    that led there, v = sum of slopes * weights."""

    residual: np.ndarray
    slope_gram: np.ndarray
    power: np.ndarray


class Flow:
    """The vector field and the few sums over neurons that integrators need, for S independent runs at once.

    Arrays over all neurons are (S, n, m), the neurons contiguous: h[s, a, i] = h_i(x_a) of run s; c (S, 1, m) the
    signs. States have k further rows for test points, which are displaced but drive nothing. Vectors over the data are
    numpy float64, (S, n).
    """

    def __init__(
        self,
        problem: Problem,
        signs: np.ndarray,
        scaling: Scaling,
        arrays: Arrays,
        *,
        cross: np.ndarray | None = None,
        low_memory: bool = False,
    ) -> None:
        """signs: (S, m); cross: (k, n), the Gram matrix between test and training points."""
        self.arrays, self.activation = arrays, problem.activation
        self.engine: Engine = Compiled() if arrays.numpy else Tensors()
        self.gram, self.y = np.array(problem.gram), np.asarray(problem.y)
        # The compiled loops compute in float64, whatever the state is stored in.
        self.G = self.gram if arrays.numpy else arrays.put(self.gram)
        whole = self.gram if cross is None else np.concatenate([self.gram, cross])
        self.G_all = panels(whole) if arrays.numpy else arrays.put(whole)
        self.alpha, self.beta, self.size = scaling.alpha, scaling.beta, float(abs(signs[0, 0]))
        self.n, self.m, self.rows = problem.n, signs.shape[1], len(whole)
        self.speed = self.alpha * self.beta * self.size**2  # dr/dt = -speed H r
        self.speed_gram = self.speed * self.gram
        self.low_memory = low_memory
        self.roomy = not low_memory and self.n * self.m < ROOMY
        self.piece = PIECE if arrays.numpy else GPU_PART
        self.parts = _gpu_parts(self.rows, self.m)
        if arrays.numpy:
            self.parts = _parts(self.n, self.m, arrays.real(0).nbytes, low_memory=low_memory)
        self._parts = np.array(self.parts)
        self._select(arrays.put(signs)[:, None, :])

    @property
    def remembers(self) -> bool:
        """Whether points keep the slopes of the step before: where there is room, and where they do not jump."""
        return self.roomy and self.activation.smooth

    def _select(self, signs: Array) -> None:
        self.c, self.runs = signs, len(signs)
        self.push = signs if self.beta == 1 else self.arrays.xp.multiply(signs, self.beta)  # dh = -push pull
        self._spare: list[Array] = []
        self._scratch = threading.local()

    def select(self, keep: np.ndarray) -> Flow:
        """The flow of some of the runs; keep: their indices."""
        chosen = object.__new__(Flow)
        chosen.__dict__.update(self.__dict__)
        chosen._select(self.c[keep])
        return chosen

    def empty(self) -> Array:
        """An (S, n, m) array to be overwritten."""
        return self._spare.pop() if self._spare else self.arrays.empty(self.runs, self.n, self.m)

    def scratch(self, k: int, width: int) -> Array:
        """(S, n, width) to be overwritten, this thread's k-th: allocating parts anew would fragment the heap."""
        mine, name = self._scratch.__dict__, f"{k} {width}"
        if name not in mine:
            mine[name] = self.arrays.empty(self.runs, self.n, width)
        return mine[name]

    def recycle(self, *arrays: Array | None) -> None:
        """Give back (S, n, m) arrays that nobody reads any more."""
        self._spare += [a for a in arrays if a is not None][: SPARES - len(self._spare)]

    def sweep(self, work: Callable[[int, int], T], *, at_once: bool = False) -> list[T]:
        """work(lo, hi) on ranges of neurons that do not depend on the number of threads; its results in order.
        at_once: work is the engine's, which divides them itself."""
        if not self.arrays.numpy:  # a GPU has its own threads, and room for one part's temporaries
            return [work(lo, hi) for lo, hi in self.parts]
        return [work(0, self.m)] if at_once else spread(work, self.parts)

    def parts_of(self, lo: int, hi: int) -> np.ndarray:
        """The ranges (P, 2) that lo..hi consists of: all of them, or one."""
        return self._parts if hi - lo == self.m else np.array([[lo, hi]])

    def totals(self, work: Callable[[int, int], Sums], *, at_once: bool = False) -> Totals:
        """The sums over all neurons, in units of the theory; at_once: see sweep."""
        first, *others = self.sweep(work, at_once=at_once)
        for other in others:
            first.add(other)
        if not self.arrays.numpy:
            first = Sums(*(self.arrays.fetch(a) for a in (first.output, first.gram, first.work)))
        in_units(first.output, first.gram, first.work, self.y, self.alpha, self.speed, self.m)
        return Totals(first.output, first.gram, first.work)

    def evaluate(self, h: Array, slope: Array | None = None) -> Totals:
        """Residual and slope Gram matrix at h. The slopes are written into `slope` (S, n, m), where one is given."""
        keep = None if slope is None else (slope, 0)
        return self.totals(lambda lo, hi: self.engine.move(self, h, lo, hi, [], [], keep=keep, gram=True), at_once=True)

    def kernel(self, slope_gram: np.ndarray) -> np.ndarray:
        """speed H (S, n, n): dr/dt = -speed H r, equation (14)."""
        return self.speed_gram * slope_gram


class Stages:
    """The stages of one step from h: h_k = h - beta c G (sum_j S_j * drive_kj), where S_j = sigma'(h_j) and h_0 = h;
    S_1 is that of the step before, where it is given as `past`.

    A drive holds, for each S_j so far, its weights (S, n), or None for zero. Slopes are kept, or computed again, a
    range of neurons at a time, where memory is short; either way the numbers are the same.
    """

    def __init__(self, flow: Flow, h: Array, slope: Array | None, past: Array | None = None) -> None:
        self.flow, self.h = flow, h
        if slope is None and not flow.low_memory:
            slope = flow.empty()
            flow.evaluate(h, slope)
        self.slopes: list[Array | None] = [slope] if past is None else [slope, past]
        self.given = len(self.slopes)
        self.drives: list[Drive] = [()] * self.given

    def evaluate(self, drive: Drive, *, instead_of: int | None = None, last: bool = False) -> Totals:
        """At the next stage. instead_of: the stage whose slopes the new ones may overwrite, where memory is short;
        last: nothing will be built on them."""
        flow = self.flow
        reuse = None if flow.roomy or flow.low_memory or last else instead_of
        kept = None if flow.low_memory or last else flow.empty() if reuse is None else self.slopes[reuse]
        keep = None if kept is None else (kept, 0)

        def work(lo: int, hi: int) -> Sums:
            return self._move(lo, hi, drive, keep=keep)

        totals = flow.totals(work, at_once=self._known(drive))
        if last:
            return totals
        if reuse is not None:
            self.slopes[reuse] = None
        self.drives.append(drive)
        self.slopes.append(kept)
        return totals

    def size(self, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
        """(change of r to first order, root mean square change of h_a), (S, n) each, of a displacement."""
        flow = self.flow

        def work(lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
            known: dict[int, tuple[Array, int]] = {}
            terms, weights = self._terms(lo, hi, drive, known)
            return flow.engine.sizes(flow, lo, hi, terms, weights, self._slope(lo, hi, 0, known))

        found = flow.sweep(work, at_once=self._known(drive) and self.slopes[0] is not None)
        change, square = sum(f[0] for f in found), sum(f[1] for f in found)
        # |shift| = beta |c| |pull|, c shift = -beta |c|^2 pull
        return -flow.speed / flow.m * change, flow.beta * flow.size * np.sqrt(square / flow.m)

    def advance(self, drive: Drive, *, keep: Array | None = None, gram: bool = True, work: bool = False) -> Totals:
        """Displace h in place, its test rows included. keep: where the slopes there go, which may be an array that the
        stages use; gram, work: whether slope_gram and power are wanted."""
        kept = None if keep is None else (keep, 0)

        def move(lo: int, hi: int) -> Sums:
            return self._move(lo, hi, drive, keep=kept, to=self.h, gram=gram, work=work)

        return self.flow.totals(move, at_once=self._known(drive))

    def displaced(self, drive: Drive) -> tuple[Array, Totals]:
        """(h displaced, a new array; the totals there). The slopes are those of the stages, wherever h is by now."""
        fresh = self.flow.arrays.empty(*self.h.shape)

        def work(lo: int, hi: int) -> Sums:
            return self._move(lo, hi, drive, to=fresh)

        return fresh, self.flow.totals(work, at_once=self._known(drive))

    def _known(self, drive: Drive) -> bool:
        """Whether all slopes that it needs are kept, and so few that one pass takes them."""
        needed = [self.slopes[k] for k, weight in enumerate(drive) if weight is not None]
        return len(needed) <= MOST and all(slope is not None for slope in needed)

    def _move(
        self,
        lo: int,
        hi: int,
        drive: Drive,
        *,
        keep: tuple[Array, int] | None = None,
        to: Array | None = None,
        gram: bool = True,
        work: bool = False,
    ) -> Sums:
        terms, weights = self._terms(lo, hi, drive, {})
        move = self.flow.engine.move
        return move(self.flow, self.h, lo, hi, terms, weights, keep=keep, to=to, gram=gram, work=work)

    def _terms(
        self, lo: int, hi: int, drive: Drive, known: dict[int, tuple[Array, int]]
    ) -> tuple[list[tuple[Array, int]], list[np.ndarray]]:
        weights = [weight for weight in drive if weight is not None]
        return [self._slope(lo, hi, k, known) for k, weight in enumerate(drive) if weight is not None], weights

    def _slope(self, lo: int, hi: int, k: int, known: dict[int, tuple[Array, int]]) -> tuple[Array, int]:
        """sigma'(h_k) of a range of neurons; `known` holds those that had to be computed again."""
        kept = self.slopes[k]
        if kept is not None:
            return kept, 0
        if k not in known:
            fresh = (self.flow.scratch(k, hi - lo), lo)
            terms, weights = self._terms(lo, hi, self.drives[k], known)
            self.flow.engine.move(self.flow, self.h, lo, hi, terms, weights, keep=fresh)
            known[k] = fresh
        return known[k]


def _parts(n: int, m: int, itemsize: int, *, low_memory: bool) -> list[tuple[int, int]]:
    """Ranges of neurons to be worked on one by one: by the size of the state alone, so that no thread changes a sum.

    Their Gram matrices, in float64, are half a copy of the state together at most, an eighth where memory is short.
    """
    finer, share = (2, 8) if low_memory else (1, 2)
    wanted = min(finer * n * m // PART, m * itemsize // (8 * share * n), finer * PARTS)
    width = m if wanted < 2 else STRIP * math.ceil(m / STRIP / 2 ** (wanted.bit_length() - 1))
    return [(lo, min(lo + width, m)) for lo in range(0, m, width)]


def _gpu_parts(rows: int, m: int) -> list[tuple[int, int]]:
    width = max(1, GPU_PART // rows)
    return [(lo, min(lo + width, m)) for lo in range(0, m, width)]
