"""Gradient flow in function space: the pre-activations h_i(x_a) evolve alone, equation (11)."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from bounds.problem import Problem
from simulate.field import chunks, reduction
from simulate.field.arrays import Array, Arrays
from simulate.field.backend import Backend
from simulate.field.cpu import Compiled
from simulate.field.kernels import in_units
from simulate.field.model import NO_DISPLACEMENT, Model, Scaling, Sums

KEEP_SLOPES_BELOW = 2**20  # entries of h; larger states compute slopes again, to save memory
KEEP_SLOPES_ON_GPU = 2**25  # the same on a GPU, where half as many steps are worth the 6 GB that such states take
SPARES = 4  # arrays (S, n, m) kept for reuse

T = TypeVar("T")


@cache
def _lower(n: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and the columns of the lower triangle of a matrix (n, n)."""
    return np.tril_indices(n)


def keeps_slopes(entries: int, arrays: Arrays, *, low_memory: bool) -> bool:
    """Whether a flow keeps the slopes of a state of that many entries from step to step."""
    return not low_memory and entries < (KEEP_SLOPES_BELOW if arrays.numpy else KEEP_SLOPES_ON_GPU)


class Buffers(threading.local):
    """What each thread keeps from pass to pass, for new arrays each time would fragment the heap.

    slopes: of low_memory.py, by what they hold; passes: what the passes of an integrator work with, None before the
    first.
    """

    def __init__(self) -> None:
        self.slopes: dict[str, Array] = {}
        self.passes: Any = None


@dataclass
class Evaluation:
    """The flow at a state of S runs, in the units of the theory.

    residual (S, n): r = f - y; slope_gram (S, n, n): (1/m) sum_i sigma'(h_ia) sigma'(h_ib); power (S,): (speed/m)
    sum_i v_i'G v_i of the displacement that led there, with v as in model.Displacement. slope_gram and power are empty
    where they were not asked for. The arrays are of the kind Flow.small.
    """

    residual: Array
    slope_gram: Array
    power: Array


class Flow:
    """The vector field of S independent runs, and the sums over neurons that the other rings need.

    Arrays over all neurons are (S, n, m), the neurons contiguous: h[s, a, i] = h_i(x_a) of run s. States may have k
    further rows for test points, which are displaced but move nothing. Vectors over the data are numpy float64, (S, n).

    slope_rows: rows of an array of slopes, n unless the last layer is trained (last_layer.py); tests: how many test
    points there are, and cross their Gram matrix with the training points; moved: that of the k rows that states have
    for them, None if they have none;
    model: the networks; backend: what computes on them; gram (n, n), y (n,): the data;
    alpha, beta: the row of Table 1; sizes: |sigma(0)|, Ls and sup |sigma|, for bounds on rounding;
    small: the kind of arrays of what is as large as the data: on a GPU with many data points they stay there;
    scale: c hat; speed = alpha beta scale^2, so that dr/dt = -speed Theta r; n, m, rows (of a state), runs = S: sizes.
    m is that of the whole network, by which sums are divided; model.m is the number of neurons that are here, of which
    the first is neuron `first` of the network.

    Memory: a small state keeps the slopes sigma'(h) from step to step (keeps_slopes), if sigma' is continuous those of
    the step before too (keeps_previous). A large one keeps those of the stages of one step; with low_memory none is
    kept and they are computed again whenever they are needed (low_memory.py).
    """

    def __init__(
        self,
        problem: Problem,
        signs: np.ndarray,
        scaling: Scaling,
        arrays: Arrays,
        *,
        cross: np.ndarray | None = None,
        carried: bool = True,
        low_memory: bool = False,
        share: chunks.Share | None = None,
    ) -> None:
        """signs: (S, m); cross: (k, n), the Gram matrix between test and training points; carried: whether states have
        rows for the test points; share: which neurons of the network these are, by default all."""
        self.arrays, self.activation = arrays, problem.activation
        sigma = problem.activation
        most = math.inf if sigma.bounded_by is None else sigma.bounded_by
        self.sizes = abs(float(sigma.value(0.0))), float(sigma.Ls), most
        self.gram, self.y = np.array(problem.gram), np.asarray(problem.y)
        self.alpha, self.beta, self.scale = scaling.alpha, scaling.beta, float(abs(signs[0, 0]))
        self.speed = self.alpha * self.beta * self.scale**2
        self.small = arrays.small(problem.n)
        self.speed_gram, self.targets = self.small.put(self.speed * self.gram), self.small.put(self.y.copy())
        self.cross, self.tests = cross, 0 if cross is None else len(cross)
        self.moved = cross if carried else None
        all_rows = self.gram if self.moved is None else np.concatenate([self.gram, self.moved])
        self.n, self.rows = problem.n, len(all_rows)
        self.slope_rows = self.n
        if share is None:
            sizes = {"n": self.n, "rows": self.rows, "m": signs.shape[1], "itemsize": arrays.real(0).nbytes}
            share = chunks.share(**sizes, low_memory=low_memory, gpu=not arrays.numpy, rank=0, size=1)
        self.m, self.first = share.width, share.first
        self.low_memory = low_memory
        self.keeps_slopes = keeps_slopes(self.n * self.m, arrays, low_memory=low_memory)
        self.backend: Backend
        if arrays.numpy:
            self.backend = Compiled(all_rows)
        else:
            from simulate.field.tensors import Tensors

            self.backend = Tensors(all_rows, arrays)
        c = arrays.put(signs)[:, None, :]
        gain = c if self.beta == 1 else arrays.xp.multiply(c, self.beta)
        gram = self.gram if arrays.numpy else arrays.put(self.gram)
        self._use(Model(arrays, self.activation, gram, self.rows, c, gain, share.ranges))

    @property
    def keeps_previous(self) -> bool:
        """Whether states keep the slopes of the step before: if there is room, and unless sigma' jumps."""
        return self.keeps_slopes and self.activation.smooth

    def _use(self, model: Model) -> None:
        self.model, self.runs = model, model.runs
        self._spare: list[Array] = []
        self.buffers = Buffers()

    def select(self, keep: np.ndarray) -> Flow:
        """The flow of some of the runs; keep: their indices."""
        chosen = object.__new__(type(self))
        chosen.__dict__.update(self.__dict__)
        signs, gain = self.model.signs[keep], self.model.gain[keep]
        chosen._use(replace(self.model, signs=signs, gain=gain, parts={}))
        return chosen

    def empty(self) -> Array:
        """An (S, n, m) array to be overwritten, one of those given back if there is any."""
        return self._spare.pop() if self._spare else self.arrays.empty(self.runs, self.slope_rows, self.model.m)

    def recycle(self, *arrays: Array | None) -> None:
        """Give back (S, n, m) arrays that are not read again."""
        self._spare += [a for a in arrays if a is not None][: SPARES - len(self._spare)]

    def evaluate(self, h: Array, slopes: Array | None = None) -> Evaluation:
        """Residual and slope Gram matrix at h. slopes: where sigma'(h) goes, (S, n, m)."""
        return self.evaluation(self.backend.evaluate(self.model, h, NO_DISPLACEMENT, slopes=slopes))

    def evaluation(self, sums: Sums) -> Evaluation:
        """The sums of a backend, over all neurons and in the units of the theory."""
        # Of each Gram matrix the CPU fills the lower triangle only, and no more than that need travel.
        packed = self.arrays.numpy and sums.gram.shape[-1] > 0 and reduction.exchange() is not None
        row, column = _lower(self.n) if packed else (None, None)
        gram = sums.gram[:, :, row, column] if packed else sums.gram
        output, gram, work = reduction.total(sums.output, gram, sums.work)
        if packed:
            triangle, gram = gram, np.zeros((self.runs, self.n, self.n))
            gram[:, row, column] = triangle
        output, gram, work = self.brought(output, gram, work)
        if not self.small.numpy:
            return self.in_units(output, gram, work)
        in_units(output=output, gram=gram, work=work, y=self.y, alpha=self.alpha, speed=self.speed, m=self.m)
        return Evaluation(output, gram, work)

    def brought(self, *sums: Array) -> Sequence[Array]:
        """Sums over the neurons, brought to where small arrays are."""
        return self.arrays.fetch_together(*sums) if self.small.numpy and not self.arrays.numpy else sums

    def in_units(self, output: Array, gram: Array, work: Array) -> Evaluation:
        """The sums over all neurons in the units of the theory, by operators of numpy or torch."""
        return Evaluation(self.alpha / self.m * output - self.targets, gram / self.m, work * (self.speed / self.m))

    def kernel(self, slope_gram: Array) -> Array:
        """speed Theta (S, n, n): dr/dt = -speed Theta r, equation (14)."""
        return self.speed_gram * slope_gram

    def weights(self, h: Array) -> Array:
        """c_i at a state, (S, 1, m)."""
        return self.model.signs

    def moments(self, h: Array, h0: Array) -> np.ndarray:
        """(4, S, n): over the neurons the sums of |h - h0| and of its square, the largest |h - h0| and |h|."""
        sums, maxima = self.backend.moments(self.model, h, h0)
        return np.concatenate([*reduction.total(sums), reduction.largest(maxima)])

    def count_inside(self, fine: Array, coarse: Array, interval: tuple[float, float]) -> np.ndarray:
        """(2, S, n): how many of the fine h lie in the open interval, and how many might lie on the other side of an
        end, because |fine - coarse| reaches it."""
        counts: np.ndarray
        (counts,) = reduction.total(self.backend.count_inside(self.model, fine, coarse, interval))
        return counts

    def largest(self, h: Array) -> np.ndarray:
        """max |h| over neurons and training points, (S,)."""
        arrays = self.arrays

        def largest_of_chunk(start: int, stop: int) -> np.ndarray:
            return arrays.fetch(arrays.row_max(arrays.xp.abs(h[:, : self.n, start:stop]))).max(1)

        found: np.ndarray = reduction.largest(np.stack(self.map_chunks(largest_of_chunk)))
        return found

    def map_chunks(self, work: Callable[[int, int], T]) -> list[T]:
        """work(start, stop) for each chunk of neurons, in order; on the CPU several threads take chunks. What it finds
        about all neurons has to be put together by reduction.py."""
        if self.arrays.numpy:
            return chunks.map_chunks(work, self.model.chunks)
        return [work(start, stop) for start, stop in self.model.chunks.tolist()]
