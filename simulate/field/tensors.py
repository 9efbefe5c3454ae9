"""The backend for a GPU: torch operators, a chunk after another. It runs on the CPU too, for the tests."""

from __future__ import annotations

import math

import numpy as np
import torch

from simulate.field.arrays import Array, Arrays
from simulate.field.model import Displacement, Model, Sums


class Tensors:
    """The Backend (see backend.py) of torch operators, one chunk of neurons after another: a GPU has threads of its
    own, and room for the temporaries of one chunk. Sums have one entry along their first axis, that of all chunks."""

    most_slopes = 1000  # no limit

    def __init__(self, gram: np.ndarray, arrays: Arrays) -> None:
        """gram: (n + k, n), the Gram matrix between all rows of a state and the training points."""
        self.gram_rows = arrays.put(gram)

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
        """See backend.Backend."""
        first, *others = [
            self._evaluate_chunk(model, h, displacement, displaced, slopes, gram, work, slice(start, stop))
            for start, stop in model.chunks.tolist()
        ]
        for other in others:
            first.add(other)
        return Sums(first.output[None], first.gram[None], first.work[None])

    def _evaluate_chunk(
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
        """The sums over one chunk of neurons, without the leading axis; see evaluate."""
        n, runs = model.n, model.runs
        x, v = h[:, : h.shape[1] if displaced is not None else n, chunk], None
        spent = h.new_zeros(runs if work else 0, dtype=torch.float64)
        if displacement.slopes:
            # x = h - gain * G v, in the memory of the displaced state or of Gv.
            v = _combined(model, displacement, chunk)
            Gv = (model.gram if displaced is None else self.gram_rows) @ v
            if work:
                spent = torch.linalg.vecdot(v, Gv[:, :n]).sum(1, dtype=torch.float64)
            out = Gv if displaced is None else displaced[:, :, chunk]
            x = torch.addcmul(x, model.gain[:, :, chunk], Gv, value=-1, out=out)
        elif displaced is not None:
            x = displaced[:, :, chunk].copy_(x)
        # sigma(x) goes into the memory of v, which is not read again.
        value = model.arrays.empty(runs, n, chunk.stop - chunk.start) if v is None else v
        slope = torch.empty_like(value) if slopes is None else slopes[:, :, chunk]
        model.arrays.activate(model.activation, x[:, :n], value, slope)
        output = (value @ model.signs[:, :, chunk].mT)[:, :, 0].to(torch.float64)
        products = (slope @ slope.mT).to(torch.float64) if gram else spent.new_empty(runs, 0, 0)
        return Sums(output, products, spent)

    def displacement_sizes(self, model: Model, displacement: Displacement, against: Array) -> tuple[Array, Array]:
        """See backend.Backend."""
        change, square, real = [], [], torch.float64
        for start, stop in model.chunks.tolist():
            chunk = slice(start, stop)
            Gv = model.gram @ _combined(model, displacement, chunk)
            change.append((Gv * against[:, :, chunk]).sum(-1).to(real))
            square.append((Gv * Gv).sum(-1).to(real))
        return torch.stack(change), torch.stack(square)

    def moments(self, model: Model, h: Array, h0: Array) -> tuple[np.ndarray, np.ndarray]:
        """See backend.Backend."""
        sums, maxima = [], []
        for start, stop in model.chunks.tolist():
            here = h[:, : model.n, start:stop]
            moved = (here - h0[:, : model.n, start:stop]).abs()
            sums.append(torch.stack([moved.sum(-1), (moved * moved).sum(-1)]))
            maxima.append(torch.stack([moved.amax(-1), here.abs().amax(-1)]))
        found = model.arrays.fetch_together(torch.stack(sums), torch.stack(maxima))
        return found[0], found[1]

    def count_inside(self, model: Model, fine: Array, coarse: Array, interval: tuple[float, float]) -> np.ndarray:
        """See backend.Backend."""
        counts = []
        for start, stop in model.chunks.tolist():
            h = fine[:, : model.n, start:stop]
            gap = (h - coarse[:, : model.n, start:stop]).abs()
            inside = ((h > interval[0]) & (h < interval[1])).sum(-1)
            unsure = torch.zeros_like(inside)
            for end in interval:
                if math.isfinite(end):
                    unsure += (((h - end).abs() <= gap) & (gap > 0)).sum(-1)
            counts.append(torch.stack([inside, unsure]))
        return model.arrays.fetch(torch.stack(counts))


def _combined(model: Model, displacement: Displacement, chunk: slice) -> Array:
    """v = sum_j slopes_j * coefficients_j of a chunk, in new memory."""
    v = None
    for slope, coefficient in zip(displacement.slopes, displacement.coefficients, strict=True):
        part, column = slope[:, :, chunk], model.arrays.put(coefficient[:, :, None])
        v = part * column if v is None else v.addcmul_(part, column)
    return v
