"""The flow of a network whose last layer is trained too, with the mobility kap relative to the first.

    dh_i/dt = -beta c_i G (r * sigma'(h_i)),    dc_i/dt = -beta kap sum_a r_a sigma(h_ia),
    dr/dt = -speed Theta r,    Theta = G * Q + (kap/c^2) S,

Q_ab = (1/m) sum_i (c_i/c)^2 sigma'(h_ia) sigma'(h_ib), S_ab = (1/m) sum_i sigma(h_ia) sigma(h_ib), c the scale. So
every method that steps by combined slopes goes on as before, if the c_i are one more row of the state, and the "slopes"
of a stage are 2n rows: (c_i/c) sigma'(h_ia), which move h, and below them sigma(h_ia), which move c_i. A "slope Gram
matrix" is Q above S, (2n, n). Products are left to numpy or torch: nothing here is compiled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bounds.problem import Problem
from simulate.field import chunks as ranges
from simulate.field import reduction
from simulate.field.arrays import Array, Arrays
from simulate.field.backend import Backend
from simulate.field.cpu import PIECE
from simulate.field.flow import Evaluation, Flow
from simulate.field.model import Displacement, Model, Scaling, Sums


class TrainedFlow(Flow):
    """The Flow of S networks whose last layer is trained. States are (S, rows, m): training points, test points if
    states carry them, and c_i in the last row. All slopes are kept in memory. mobility: kap."""

    def __init__(
        self,
        problem: Problem,
        signs: np.ndarray,
        scaling: Scaling,
        arrays: Arrays,
        *,
        scale: float,
        cross: np.ndarray | None = None,
        carried: bool = True,
        share: ranges.Share | None = None,
    ) -> None:
        """signs: (S, m), the c_i at the start, of any sizes; scale: the unit c of what is reported, that of all runs;
        cross, carried, share: as for Flow."""
        super().__init__(problem, signs, scaling, arrays, cross=cross, carried=carried, share=share)
        self.mobility, self.scale = problem.last_layer, scale
        self.speed = self.alpha * self.beta * scale**2
        self.speed_gram = self.small.put(self.speed * self.gram)
        self.rows, self.slope_rows, self.keeps_slopes = self.rows + 1, 2 * self.n, True
        relative = self.mobility / scale**2
        all_rows = self.gram if self.moved is None else np.concatenate([self.gram, self.moved])
        self.backend = LastLayer(self.backend, arrays, all_rows, beta=self.beta, scale=scale, share=relative)
        self.value_speed = self.speed * relative

    def evaluation(self, sums: Sums) -> Evaluation:
        """See Flow.evaluation."""
        return self.in_units(*self.brought(*reduction.total(sums.output, sums.gram, sums.work)))

    def kernel(self, slope_gram: Array) -> Array:
        """speed Theta (S, n, n), from Q above S."""
        return self.speed_gram * slope_gram[:, : self.n] + self.value_speed * slope_gram[:, self.n :]

    def weights(self, h: Array) -> Array:
        """c_i at a state, (S, 1, m)."""
        return h[:, -1:]

    def weight_movement(self, h: Array, h0: Array) -> np.ndarray:
        """Root mean square of c_i - c_i^0 over the neurons, (S,), between two states."""
        moved = h[:, -1] - h0[:, -1]

        def of_chunk(start: int, stop: int) -> np.ndarray:
            return self.arrays.fetch((moved[:, start:stop] * moved[:, start:stop]).sum(-1))

        (square,) = reduction.total(np.stack(self.map_chunks(of_chunk)))
        root: np.ndarray = np.sqrt(square / self.m)
        return root

    def largest_weight(self, h: Array) -> np.ndarray:
        """max |c_i|, (S,)."""

        def of_chunk(start: int, stop: int) -> np.ndarray:
            return self.arrays.fetch(self.arrays.row_max(abs(h[:, -1, start:stop])))

        found: np.ndarray = reduction.largest(np.stack(self.map_chunks(of_chunk)))
        return found


class LastLayer:
    """The Backend of a TrainedFlow, made of products of whole chunks. inner: the backend for what does not see c_i."""

    most_slopes = 1000  # no limit

    def __init__(
        self, inner: Backend, arrays: Arrays, gram: np.ndarray, *, beta: float, scale: float, share: float
    ) -> None:
        """gram (n + k, n): between all rows and the training points; share: kap/c^2."""
        self.inner, self.arrays, self.beta, self.scale, self.share = inner, arrays, beta, scale, share
        self.gram_rows = gram if arrays.numpy else arrays.put(gram)
        self.wide, self.real = arrays.wide(), arrays.xp.float64
        self.spread = self.wide.put(np.diagonal(gram[: gram.shape[1]]).copy())  # G_aa

    def evaluate(
        self,
        model: Model,
        h: Array,
        displacement: Displacement,
        *,
        displaced: Array | None = None,
        slopes: Array | None = None,
        gram: bool = True,
        work: bool = False,
    ) -> Sums:
        """See backend.Backend; `work` adds what is spent on c_i, in the units of the first layer."""
        return self._sum(
            model, lambda chunk: self._evaluate_piece(model, h, displacement, displaced, slopes, gram, work, chunk)
        )

    def _evaluate_piece(
        self,
        model: Model,
        h: Array,
        displacement: Displacement,
        displaced: Array | None,
        slopes: Array | None,
        gram: bool,
        work: bool,
        chunk: slice,
    ) -> Sums:
        """The sums over some neurons, without the leading axis."""
        n, runs, xp = model.n, model.runs, self.arrays.xp
        rows = h.shape[1] - 1 if displaced is not None else n
        x, c = self._wide(h[:, :rows, chunk]), self._wide(h[:, -1, chunk])
        spent = self._sums(runs if work else 0)
        if displacement.slopes:
            v, pull = self._combined(displacement, chunk, n)
            Gv = self.gram_rows[:rows] @ v
            if work:
                moved = (v * Gv[:, :n]).sum(1) + self.share * (pull * pull)
                spent = moved.sum(-1, dtype=self.real)
            x = x - (self.beta * self.scale) * Gv
            c = c - (self.beta * self.share * self.scale**2) * pull
        if displaced is not None:
            displaced[:, :rows, chunk], displaced[:, -1, chunk] = x, c
        value, slope = (self._empty(*x[:, :n].shape) for _ in range(2))
        self.arrays.activate(model.activation, x[:, :n], value, slope)
        slope *= c[:, None] / self.scale
        if slopes is not None:
            slopes[:, :n, chunk], slopes[:, n:, chunk] = slope, value
        output = (value @ c[:, :, None])[:, :, 0]
        if not gram:
            return Sums(output, self._sums(runs, 0, 0), spent)
        products = [part @ part.swapaxes(1, 2) for part in (slope, value)]
        return Sums(output, xp.concatenate(products, 1), spent)

    def displacement_sizes(self, model: Model, displacement: Displacement, against: Array) -> tuple[Array, Array]:
        """See backend.Backend: the change of r to first order through h and c, and the squares of Gv. To the latter
        is added (sqrt(G_aa)/c)^2 times the square of the change of c_i, so that an error of c_i relative to c counts
        as one of h_ia relative to sqrt(G_aa)."""

        def sizes(chunk: slice) -> Sums:
            n = model.n
            v, pull = self._combined(displacement, chunk, n)
            Gv = self.gram_rows[:n] @ v
            fixed = self._wide(against[:, :, chunk])
            change = (Gv * fixed[:, :n]).sum(-1) + self.share * (pull[:, None] * fixed[:, n:]).sum(-1)
            relative = (pull * pull).sum(-1, dtype=self.real)[:, None] * (self.share**2 * self.spread)
            square = (Gv * Gv).sum(-1) + relative
            return Sums(change, square[:, :, None], self._sums(0))

        found = self._sum(model, sizes)
        return found.output, found.gram[..., 0]

    def moments(self, model: Model, h: Array, h0: Array) -> tuple[np.ndarray, np.ndarray]:
        """See backend.Backend."""
        return self.inner.moments(model, h, h0)

    def count_inside(self, model: Model, fine: Array, coarse: Array, interval: tuple[float, float]) -> np.ndarray:
        """See backend.Backend."""
        return self.inner.count_inside(model, fine, coarse, interval)

    def _combined(self, displacement: Displacement, chunk: slice, n: int) -> tuple[Array, Array]:
        """(v (S, n, w), the pull on c_i (S, w)): sums of slopes and of values times the coefficients."""
        v: Any = 0
        pull: Any = 0
        for slopes, coefficient in zip(displacement.slopes, displacement.coefficients, strict=True):
            column = self._wide(self.arrays.put(coefficient[:, :, None]))
            v = v + self._wide(slopes[:, :n, chunk]) * column
            pull = pull + (self._wide(slopes[:, n:, chunk]) * column).sum(1)
        return v, pull

    def _wide(self, array: Array) -> Array:
        """On the CPU everything is computed in float64, whatever the dtype of the state."""
        return np.asarray(array, dtype=np.float64) if self.arrays.numpy else array

    def _empty(self, *shape: int) -> Array:
        return np.empty(shape) if self.arrays.numpy else self.arrays.empty(*shape)

    def _sums(self, *shape: int) -> Array:
        """Zeros, where sums go."""
        return np.zeros(shape) if self.arrays.numpy else self.wide.empty(*shape).zero_()

    def _sum(self, model: Model, work: Any) -> Sums:
        """The sums of `work(slice)` over the neurons, (P, S, ...): one entry for each chunk, whose pieces are small
        enough for the allocator on the CPU, counted for one run, so that the number of runs changes no result."""
        width = max(1, PIECE // model.n) if self.arrays.numpy else model.m

        def of_chunk(start: int, stop: int) -> Sums:
            first, *others = [work(slice(at, min(at + width, stop))) for at in range(start, stop, width)]
            for other in others:
                first.add(other)
            return first

        if self.arrays.numpy:
            found = ranges.map_chunks(of_chunk, model.chunks)
        else:
            found = [of_chunk(int(start), int(stop)) for start, stop in model.chunks.tolist()]
        parts = [[self.wide.put(getattr(sums, name)) for sums in found] for name in ("output", "gram", "work")]
        return Sums(*(self.arrays.xp.stack(part) for part in parts))
