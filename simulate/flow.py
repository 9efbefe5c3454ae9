"""Gradient flow in function space: the pre-activations h_i(x_a) evolve alone, equation (11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bounds.problem import Problem
from simulate.arrays import Array, Arrays
from simulate.network import Scaling

BLOCK = 2**17  # entries of h handled at once by a thread: fewer would be calls, more would leave its cache
ROOMY = 2**20  # entries of h above which slopes are computed again rather than kept
SPARES = 4  # arrays kept for reuse

Drive = Sequence[np.ndarray | None]


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
        self.gram, self.y = np.array(problem.gram), np.asarray(problem.y)
        self.all_rows = self.gram if cross is None else np.concatenate([self.gram, cross])
        self.alpha, self.beta, self.size = scaling.alpha, scaling.beta, float(abs(signs[0, 0]))
        self.n, self.m, self.rows = problem.n, signs.shape[1], len(self.all_rows)
        self.speed = self.alpha * self.beta * self.size**2  # dr/dt = -speed H r
        self.low_memory = low_memory
        self.roomy = not low_memory and self.n * self.m < ROOMY
        block = BLOCK // 4 if low_memory else BLOCK
        self.width = min(self.m, max(1, block * _threads() // self.n))
        self._select(arrays.put(signs)[:, None, :])

    def _select(self, signs: Array) -> None:
        self.c, self.runs = signs, len(signs)
        self.push = signs if self.beta == 1 else self.arrays.xp.multiply(signs, self.beta)  # dh = -push pull
        self.G, self.G_all = (self._each(matrix) for matrix in (self.gram, self.all_rows))
        self._buffers: dict[int, Array] = {}
        self._spare: list[Array] = []

    def _each(self, matrix: np.ndarray) -> Array:
        return self.arrays.put(np.broadcast_to(matrix, (self.runs, *matrix.shape)).copy())

    def select(self, keep: np.ndarray) -> Flow:
        """The flow of some of the runs; keep: their indices."""
        chosen = object.__new__(Flow)
        chosen.__dict__.update(self.__dict__)
        chosen._select(self.c[keep])
        return chosen

    def empty(self) -> Array:
        """An (S, n, m) array to be overwritten."""
        return self._spare.pop() if self._spare else self.arrays.empty(self.runs, self.n, self.m)

    def recycle(self, *arrays: Array | None) -> None:
        """Give back (S, n, m) arrays that nobody reads any more: allocating anew would fragment the heap."""
        self._spare += [a for a in arrays if a is not None][: SPARES - len(self._spare)]

    def blocks(self) -> Iterator[slice]:
        """The neurons, a block at a time."""
        return (slice(start, min(start + self.width, self.m)) for start in range(0, self.m, self.width))

    def cut(self, array: Array, part: slice, rows: int | None = None) -> Array:
        """The neurons in `part`, and the first `rows` rows, of an array."""
        if rows is not None and rows < array.shape[1]:
            array = array[:, :rows]
        return array if array.shape[2] == part.stop - part.start else array[:, :, part]

    def buffer(self, k: int, part: slice, rows: int | None = None) -> Array:
        """The k-th (S, n, block) array for temporaries: fresh ones cost more in page faults than the arithmetic."""
        if k not in self._buffers:
            self._buffers[k] = self.arrays.empty(self.runs, self.rows, self.width)
        return self.cut(self._buffers[k], slice(0, part.stop - part.start), self.n if rows is None else rows)

    def evaluate(self, h: Array, slope: Array | None = None) -> tuple[np.ndarray, np.ndarray]:
        """(r, slope Gram matrix) at h: the residual f - y (S, n), and (1/m) sum_i sigma'(h_ia) sigma'(h_ib) (S, n, n).

        The slopes are written into `slope` (S, n, m), where one is given.
        """
        return self.totals((part, *self.activated(self.cut(h, part, self.n), part, slope)) for part in self.blocks())

    def activated(self, h: Array, part: slice, slope: Array | None) -> tuple[Array, Array]:
        """sigma and sigma' of a block h (S, n, block), in buffer 0 (which may be h) and in `slope` or buffer 1."""
        value = self.buffer(0, part)
        into = self.buffer(1, part) if slope is None else self.cut(slope, part)
        self.arrays.activate(self.activation, h, value, into)
        return value, into

    def totals(self, parts: Iterator[tuple[slice, Array, Array]]) -> tuple[np.ndarray, np.ndarray]:
        """(r, slope Gram matrix) from the values and slopes of one block of neurons after another."""
        output, gram = np.zeros((self.runs, self.n, 1)), np.zeros((self.runs, self.n, self.n))
        for part, value, slope in parts:
            output += self.arrays.fetch(self.arrays.product(value, self.cut(self.c, part).mT))
            gram += self.slope_gram(slope)
        return self.alpha / self.m * output[:, :, 0] - self.y, gram

    def slope_gram(self, slope: Array) -> np.ndarray:
        """(1/m) sum_i sigma'(h_ia) sigma'(h_ib), (S, n, n); times G it is the tangent kernel H, its diagonal q_a^2."""
        return self.arrays.fetch(self.arrays.product(slope, slope.mT)) / self.m

    def kernel(self, slope_gram: np.ndarray) -> np.ndarray:
        """speed H (S, n, n): dr/dt = -speed H r, equation (14)."""
        return self.speed * self.gram * slope_gram

    def pull(self, part: slice, slopes: Sequence[Array], weights: Sequence[np.ndarray], rows: int) -> Array:
        """G (sum of slopes * weights) of a block of neurons, (S, rows, block), in a buffer that the next overwrites.

        weights: (S, n) each, integrals of r against a polynomial in time.
        """
        xp, pull = self.arrays.xp, self.buffer(1, part, rows)
        if len(weights) == 1:  # a single set of weights goes into G
            gram = self.gram if rows == self.n else self.all_rows
            return self.arrays.product(self.arrays.put(gram * weights[0][:, None, :]), slopes[0], out=pull)
        total, term = self.buffer(0, part), self.cut(pull, slice(0, part.stop - part.start), self.n)
        columns = [self.arrays.put(weight[:, :, None]) for weight in weights]
        xp.multiply(slopes[0], columns[0], out=total)
        for slope, column in zip(slopes[1:], columns[1:], strict=True):
            xp.multiply(slope, column, out=term)
            xp.add(total, term, out=total)
        return self.arrays.product(self.G if rows == self.n else self.G_all, total, out=pull)

    def displace(self, part: slice, h: Array, pull: Array, out: Array) -> Array:
        """h - beta c pull, equation (11) integrated over a step, for a block of neurons; overwrites pull."""
        xp = self.arrays.xp
        xp.multiply(pull, self.cut(self.push, part), out=pull)
        xp.subtract(h, pull, out=out)
        return out


class Stages:
    """The stages of one step from h: h_k = h - beta c G (sum_j S_j * drive_kj), where S_j = sigma'(h_j) and h_0 = h.

    A drive holds, for each S_j so far, its weights (S, n), or None for zero. Slopes are kept, or computed again block
    by block where memory is short; either way the numbers are the same.
    """

    def __init__(self, flow: Flow, h: Array, slope: Array | None) -> None:
        self.flow, self.h = flow, h
        self.drives: list[Drive] = [()]
        self.slopes: list[Array | None] = [slope]
        if slope is None and not flow.low_memory:
            self.slopes = [flow.empty()]
            for part in flow.blocks():
                flow.activated(flow.cut(h, part, flow.n), part, self.slopes[0])

    def evaluate(
        self, drive: Drive, *, instead_of: int | None = None, last: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """(r, slope Gram matrix) at the next stage. instead_of: the stage whose slopes the new ones may overwrite,
        where memory is short; last: nothing will be built on them."""
        flow = self.flow
        reuse = None if flow.roomy or flow.low_memory or last else instead_of
        kept = None if flow.low_memory or last else flow.empty() if reuse is None else self.slopes[reuse]

        def parts() -> Iterator[tuple[slice, Array, Array]]:
            for part in flow.blocks():
                value = flow.buffer(0, part)
                self._moved(part, drive, value, {})
                yield part, *flow.activated(value, part, kept)

        totals = flow.totals(parts())
        if last:
            return totals
        if reuse is not None:
            self.slopes[reuse] = None
        self.drives.append(drive)
        self.slopes.append(kept)
        return totals

    def size(self, drive: Drive) -> tuple[np.ndarray, np.ndarray]:
        """(change of r to first order, root mean square change of h_a), (S, n) each, of a displacement."""
        flow, xp = self.flow, self.flow.arrays.xp
        square, change = np.zeros((flow.runs, flow.n)), np.zeros((flow.runs, flow.n))
        for part in flow.blocks():
            known: dict[int, Array] = {}
            pull, product = self._pull(part, drive, flow.n, known), flow.buffer(0, part)
            change += flow.arrays.fetch(xp.multiply(pull, self._slope(part, 0, known), out=product).sum(-1))
            square += flow.arrays.fetch(xp.multiply(pull, pull, out=product).sum(-1))
        # |shift| = beta |c| |pull|, c shift = -beta |c|^2 pull
        return -flow.speed / flow.m * change, flow.beta * flow.size * np.sqrt(square / flow.m)

    def advance(self, drive: Drive) -> Array:
        """h displaced, in place, its test rows included; the slopes kept are given back."""
        flow = self.flow
        for part in flow.blocks():
            h = flow.cut(self.h, part)
            flow.displace(part, h, self._pull(part, drive, flow.rows, {}), h)
        flow.recycle(*self.slopes)
        self.slopes = []
        return self.h

    def _slope(self, part: slice, k: int, known: dict[int, Array]) -> Array:
        """sigma'(h_k) of a block; `known` holds those that had to be computed again."""
        kept = self.slopes[k]
        if kept is not None:
            return self.flow.cut(kept, part)
        if k not in known:
            slope = self.flow.buffer(2 + k, part)
            if k == 0:
                h = self.flow.cut(self.h, part, self.flow.n)
                self.flow.arrays.activate(self.flow.activation, h, self.flow.buffer(0, part), slope)
            else:
                self._moved(part, self.drives[k], slope, known)
                self.flow.arrays.activate(self.flow.activation, slope, self.flow.buffer(0, part), slope)
            known[k] = slope
        return known[k]

    def _moved(self, part: slice, drive: Drive, out: Array, known: dict[int, Array]) -> None:
        h, pull = self.flow.cut(self.h, part, self.flow.n), self._pull(part, drive, self.flow.n, known)
        self.flow.displace(part, h, pull, out)

    def _pull(self, part: slice, drive: Drive, rows: int, known: dict[int, Array]) -> Array:
        weights = [weight for weight in drive if weight is not None]
        slopes = [self._slope(part, k, known) for k, weight in enumerate(drive) if weight is not None]
        return self.flow.pull(part, slopes, weights, rows)


def _threads() -> int:
    import torch

    return torch.get_num_threads()
