"""Stages whose slopes are not all in memory: they are computed again, a chunk of neurons at a time."""

from __future__ import annotations

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.model import Coefficients, Displacement, Model, Sums


class Recomputed:
    """The stages of a step, with access to all of their slopes, a chunk of neurons at a time.

    Why a chunk can stand alone: in function space neurons feel each other only through the residual, which is part of
    the coefficients. So a chunk of neurons is a small network, whose slopes at any stage follow from its h and from the
    coefficients by which that stage was displaced. On the CPU h and the slopes of the chunk are copied, because the
    compiled loops want contiguous arrays; a chunk fits into a cache. On a GPU a chunk is a view. The copies take some
    10% of a flow at n = 40, and less the more data points there are, for the products grow with n^2.

    h: (S, n + k, m) at the start of the step; slopes: for each stage an array (S, n, m), or None if it is not in
    memory; displaced_by: for each stage the coefficients by which it was displaced from h. The numbers are those that
    one pass over all neurons gives.
    """

    def __init__(self, flow: Flow, h: Array, slopes: list[Array | None], displaced_by: list[Coefficients]) -> None:
        self.flow, self.h, self.slopes, self.displaced_by = flow, h, slopes, displaced_by

    def evaluate(
        self, coefficients: Coefficients, *, in_place: bool, slopes: Array | None, gram: bool, work: bool
    ) -> Sums:
        """Backend.evaluate, chunk by chunk, with slopes that are computed again for each chunk.

        coefficients: of the displacement, one (S, n) array for each of the slopes, or None; in_place: whether h itself
        is displaced, test rows included; slopes (S, n, m): where sigma' of the displaced state goes; gram, work:
        whether these sums are wanted. Returns the sums as a backend does.
        """
        flow = self.flow

        def evaluate_chunk(start: int, stop: int) -> Sums:
            chunk = _Chunk(self, start, stop, flow.rows if in_place else flow.n)
            slopes_out = None if slopes is None else chunk.place_for(slopes)
            sums = flow.backend.evaluate(
                chunk.model,
                chunk.h,
                chunk.displacement(coefficients),
                displaced=chunk.h if in_place else None,
                slopes=slopes_out,
                gram=gram,
                work=work,
            )
            if in_place:
                chunk.put_back(chunk.h, self.h)
            if slopes is not None:
                chunk.put_back(slopes_out, slopes)
            return sums

        return Sums.over(flow.map_chunks(evaluate_chunk), chunkwise=flow.arrays.numpy)

    def displacement_sizes(self, coefficients: Coefficients) -> tuple[Array, Array]:
        """Partial sums (P, S, n) of Gv * S0 and of (Gv)^2, for v of the displacement with these coefficients and S0
        the slopes at the start of the step."""

        def size_of_chunk(start: int, stop: int) -> tuple[Array, Array]:
            chunk = _Chunk(self, start, stop, self.flow.n)
            displacement = chunk.displacement(coefficients)
            return self.flow.backend.displacement_sizes(chunk.model, displacement, chunk.slopes_at(0))

        sizes = self.flow.map_chunks(size_of_chunk)
        join = self.flow.arrays.xp.concatenate
        return join([change for change, _ in sizes]), join([square for _, square in sizes])


class _Chunk:
    """The neurons start..stop, as a network of their own; rows: how many rows of h are needed."""

    def __init__(self, stages: Recomputed, start: int, stop: int, rows: int) -> None:
        self.stages, self.start, self.stop = stages, start, stop
        self.model: Model = stages.flow.model.chunk(start, stop)
        self.h = self._taken("h", stages.h, rows)
        self.known: dict[int, Array] = {}  # slopes (S, n, w) by stage

    def displacement(self, coefficients: Coefficients) -> Displacement:
        """The displacement of these neurons. If it combines more slopes than the backend takes, they are added here."""
        pairs = [(self.slopes_at(k), weight) for k, weight in enumerate(coefficients) if weight is not None]
        if len(pairs) <= self.stages.flow.backend.most_slopes:
            return Displacement([slopes for slopes, _ in pairs], [weight for _, weight in pairs])
        v = self._buffer("combined", self.model.n)
        v[...] = 0
        for slopes, weight in pairs:
            v += slopes * weight[:, :, None]
        return Displacement([v], [np.ones((self.model.runs, self.model.n))])

    def slopes_at(self, stage: int) -> Array:
        """The slopes at a stage, taken from memory or computed again."""
        if stage not in self.known:
            kept, n = self.stages.slopes[stage], self.model.n
            if kept is not None:
                self.known[stage] = self._taken(f"stage {stage}", kept, n)
            else:
                # May ask for the slopes of earlier stages in turn.
                displacement = self.displacement(self.stages.displaced_by[stage])
                slopes = self._buffer(f"stage {stage}", n)
                self.stages.flow.backend.evaluate(self.model, self.h, displacement, slopes=slopes, gram=False)
                self.known[stage] = slopes
        return self.known[stage]

    def place_for(self, slopes: Array) -> Array:
        """Where the slopes of these neurons are written before they are put back into `slopes` (S, n, m)."""
        if self._needs_no_copy(slopes):
            return slopes[:, :, self.start : self.stop]
        return self._buffer("slopes", self.model.n)

    def put_back(self, part: Array, whole: Array) -> None:
        """Write the part of these neurons into an array of all neurons, unless it is a view of it."""
        if not self._needs_no_copy(whole):
            whole[:, : part.shape[1], self.start : self.stop] = part

    def _taken(self, name: str, whole: Array, rows: int) -> Array:
        """The part of these neurons of an array of all neurons, for the backend to read: a view or a copy."""
        if self._needs_no_copy(whole):
            return whole[:, :, self.start : self.stop]
        part = self._buffer(name, rows)
        part[...] = whole[:, :rows, self.start : self.stop]
        return part

    def _needs_no_copy(self, whole: Array) -> bool:
        """A GPU works on views, the compiled loops on contiguous arrays: all neurons, or a copy of some."""
        return not self.stages.flow.arrays.numpy or self.stop - self.start == whole.shape[2]

    def _buffer(self, name: str, rows: int) -> Array:
        """(S, rows, w) to be overwritten. Each thread keeps its buffers, for new ones would fragment the heap."""
        held = self.stages.flow.buffers.slopes
        key = f"{name} {rows} {self.stop - self.start}"
        if key not in held:
            held[key] = self.stages.flow.arrays.empty(self.model.runs, rows, self.stop - self.start)
        return held[key]
