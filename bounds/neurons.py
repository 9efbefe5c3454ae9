"""The neurons of one given network, which a certificate meets only in sums, counts and largest values.

They may be cut into blocks, and some blocks may be in other processes (simulate/processes.py): then every process makes
the same calls, and all of them get the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


def _added(partial: np.ndarray) -> np.ndarray:
    found: np.ndarray = partial[0] if len(partial) == 1 else partial.sum(0)
    return found


def _largest(partial: np.ndarray) -> np.ndarray:
    found: np.ndarray = partial.max(0)
    return found


@dataclass(frozen=True, eq=False)
class Neurons:
    """The pre-activations of m neurons, of which this process holds some.

    H (w, n): those that are here; width: m; blocks: (start, stop) of each block that is here, counted from the first
    neuron here; added, largest: how the results (B, ...) of the blocks that are here become one of all blocks.
    """

    H: np.ndarray
    width: int
    blocks: Sequence[tuple[int, int]]
    added: Callable[[np.ndarray], np.ndarray] = _added
    largest: Callable[[np.ndarray], np.ndarray] = _largest

    def __post_init__(self) -> None:
        # The margins of the certificates are for float64, into which other numbers go without an error.
        object.__setattr__(self, "H", np.asarray(self.H, dtype=np.float64))

    def __len__(self) -> int:
        return self.width

    @property
    def complete(self) -> bool:
        """Whether all neurons are here."""
        return len(self.H) == self.width

    def sum(self, of: Callable[..., Any], *others: np.ndarray) -> np.ndarray:
        """The sum over all neurons: of(H, ...) is that over the rows of one block, others (w, ...) are cut alike."""
        return self.added(self._of_blocks(of, *others))

    def most(self, of: Callable[..., Any], *others: np.ndarray) -> np.ndarray:
        """As `sum`, but the largest of the values of the blocks; NaN if one of them is NaN."""
        return self.largest(self._of_blocks(of, *others))

    @cached_property
    def reach(self) -> float:
        """The largest |h_ia|."""
        return float(self.most(lambda h: np.max(np.abs(h))))

    def _of_blocks(self, of: Callable[..., Any], *others: np.ndarray) -> np.ndarray:
        if len(self.blocks) == 1:
            return np.asarray(of(self.H, *others))[None]
        # A copy of each block lies in memory the same way, however many blocks there are: so its sums are the same too.
        cut = ((array[start:stop].copy(order="K") for array in (self.H, *others)) for start, stop in self.blocks)
        return np.stack([np.asarray(of(*arrays)) for arrays in cut])


def as_neurons(H: np.ndarray | Neurons) -> Neurons:
    """H (m, n) as one block; Neurons as they are."""
    return H if isinstance(H, Neurons) else Neurons(H, len(H), [(0, len(H))])
