"""What a backend does: everything that touches all neurons. There are two, with the same interface and the same sums:
numba loops on the CPU (cpu.py) and torch operators on a GPU (tensors.py).

A backend works on the chunks of a model one by one and returns partial sums; it knows nothing of units, time or steps.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from simulate.field.arrays import Array
from simulate.field.model import Displacement, Model, Sums


class Backend(Protocol):
    """One way to evaluate the field. most_slopes: how many slopes a displacement may combine in one call."""

    most_slopes: int

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
        """Displace h, apply sigma and sigma', and sum over the neurons.

        h: (S, n + k, m), which is not changed unless it is also `displaced`. displaced: where the displaced state
        goes, test rows included; without it only the n training rows are computed and none is kept. slopes (S, n, m):
        where sigma' of the displaced state goes; it may be one of the slopes of the displacement. gram, work: whether
        these sums are wanted.
        """
        ...

    def displacement_sizes(self, model: Model, displacement: Displacement, against: Array) -> tuple[Array, Array]:
        """Partial sums (P, S, n) of Gv * against and of (Gv)^2, for v of the displacement; against: (S, n, m)."""
        ...

    def moments(self, model: Model, h: Array, h0: Array) -> tuple[np.ndarray, np.ndarray]:
        """Over the neurons of a chunk: sums (P, 2, S, n) of |h - h0| and of its square, and the largest (P, 2, S, n)
        |h - h0| and |h|. Test rows are ignored."""
        ...

    def count_inside(self, model: Model, fine: Array, coarse: Array, interval: tuple[float, float]) -> np.ndarray:
        """Counts (P, 2, S, n) of neurons: those whose fine h lies in the open interval, and those that might lie on the
        other side of a finite end, because |fine - coarse| reaches it."""
        ...
