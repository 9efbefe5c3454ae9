"""Where a state lives: torch tensors, or numpy arrays where the state is so small that calling torch costs more than
the arithmetic. Both offer multiply, add, subtract and matmul with out=, and the code of the flow uses only these."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bounds.activation import Activation
from simulate.functions import numpy_value_and_slope, value_and_slope

Array = Any  # a torch.Tensor or a numpy.ndarray
SMALL = 2**15  # entries of the state of one run below which numpy is quicker


class Arrays:
    """Makes arrays of one dtype on one device, and reads them.

    entries: of the state of one run; how many runs are made together plays no part, so that it cannot change a result.
    """

    def __init__(self, dtype: torch.dtype, device: torch.device, entries: int) -> None:
        self.dtype, self.device = dtype, device
        self.numpy = device.type == "cpu" and entries < SMALL
        self.xp: Any = np if self.numpy else torch
        self.real: type[np.floating] = np.float64 if dtype == torch.float64 else np.float32
        self.epsilon = float(np.finfo(self.real).eps)
        self.itemsize = int(np.dtype(self.real).itemsize)

    def put(self, values: np.ndarray) -> Array:
        """`values` as an array of this kind, without a copy where it is one already."""
        if self.numpy:
            return np.asarray(values, dtype=self.real)
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def fetch(self, array: Array) -> np.ndarray:
        """As numpy float64, without a copy where it is that already."""
        if self.numpy:
            return np.asarray(array, dtype=np.float64)
        return array.to("cpu", torch.float64).numpy()

    def empty(self, *shape: int) -> Array:
        """An array to be overwritten."""
        if self.numpy:
            return np.empty(shape, dtype=self.real)
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    def copy(self, array: Array) -> Array:
        """A copy."""
        return array.copy() if self.numpy else array.clone()

    def product(self, left: Array, right: Array, out: Array | None = None) -> Array:
        """Matrix products of (S, p, q) and (S, q, r)."""
        if self.numpy:
            return np.matmul(left, right, out=out)
        if len(right) > 1:
            return torch.matmul(left, right) if out is None else torch.matmul(left, right, out=out)
        if out is None:
            return (left[0] @ right[0])[None]
        torch.mm(left[0], right[0], out=out[0])  # a batch of one: the plain product uses all threads
        return out

    def row_max(self, array: Array) -> Array:
        """The maximum over the last axis."""
        return array.max(-1) if self.numpy else array.amax(-1)

    def activate(self, activation: Activation, u: Array, value: Array, slope: Array) -> None:
        """Write sigma(u) and sigma'(u) into `value` and `slope`."""
        (numpy_value_and_slope if self.numpy else value_and_slope)(activation, u, value, slope)
