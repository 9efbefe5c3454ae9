"""The data of a flow that a backend needs, and the types that pass between the two. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from bounds.activation.base import Activation
from simulate.field.arrays import Array, Arrays

# For each stage of a step the coefficients (S, n) of its slopes in a displacement; None stands for zeros.
Coefficients = Sequence[Array | None]


@dataclass(frozen=True)
class Scaling:
    """Table 1: f = (alpha/m) sum_i c_i sigma(h_i), dh_i/dt = -beta c_i G (r * sigma'(h_i)), h^0 ~ spread N(0, G)."""

    alpha: float
    beta: float
    spread: float


class Displacement(NamedTuple):
    """What is added to h: -gain * G v with v = sum_j slopes_j * coefficients_j. Empty lists stand for no displacement.

    slopes: arrays (S, n, m); coefficients: one (S, n) for each of them.
    """

    slopes: list[Array]
    coefficients: list[Array]


NO_DISPLACEMENT = Displacement([], [])


@dataclass
class Sums:
    """Sums over neurons, each with a leading axis for partial sums that are still to be added (see reduction.py).

    output (P, S, n): sum_i c_i sigma(h_i); gram (P, S, n, n): sum_i sigma'(h_ia) sigma'(h_ib), of which the CPU fills
    only the lower triangle; work (P, S): sum_i v_i' G v_i of the displacement. gram and work are empty (of shapes
    (P, S, 0, 0) and (P, 0)) where they were not asked for.
    """

    output: Array
    gram: Array
    work: Array

    @classmethod
    def over(cls, parts: list[Sums], *, chunkwise: bool) -> Sums:
        """The sums of several chunks: next to each other along the first axis, or added up. Empties the list."""
        if not chunkwise:
            first, *others = parts
            for other in others:
                first.add(other)
            return first
        whole = cls(*(np.empty((len(parts), *a.shape[1:])) for a in (parts[0].output, parts[0].gram, parts[0].work)))
        for k in range(len(parts) - 1, -1, -1):
            part = parts.pop()
            whole.output[k], whole.gram[k], whole.work[k] = part.output[0], part.gram[0], part.work[0]
        return whole

    def add(self, other: Sums) -> None:
        """Add the sums over other neurons, in place."""
        self.output += other.output
        self.gram += other.gram
        self.work += other.work


@dataclass(frozen=True)
class Model:
    """S networks, or some of their neurons.

    gram: G (n, n), in float64 on the CPU, on the device and in its dtype otherwise; rows: the number of rows of
    a state, which has k further rows for test points; signs (S, 1, m): c; gain (S, 1, m): beta c, so that
    dh/dt = -gain * G (r * sigma'(h)); chunks (P, 2): the ranges of neurons that are worked on one by one. They depend
    on the size of the state alone and not on the number of threads, so that no sum does either. parts: see chunk.
    """

    arrays: Arrays
    activation: Activation
    gram: Array
    rows: int
    signs: Array
    gain: Array
    chunks: np.ndarray
    parts: dict[tuple[int, int], Model] = field(default_factory=dict, repr=False, compare=False)

    @property
    def n(self) -> int:
        """The number of data points."""
        return len(self.gram)

    @property
    def m(self) -> int:
        """The number of neurons."""
        return int(self.signs.shape[2])

    @property
    def runs(self) -> int:
        """The number S of networks."""
        return len(self.signs)

    def chunk(self, start: int, stop: int) -> Model:
        """The neurons start..stop alone, as one chunk; the same object each time."""
        known = self.parts.get((start, stop))
        if known is None:
            own = self.arrays.contiguous
            signs, gain = (own(array[:, :, start:stop]) for array in (self.signs, self.gain))
            only = np.array([[0, stop - start]])
            known = self.parts[start, stop] = replace(self, signs=signs, gain=gain, chunks=only, parts={})
        return known
