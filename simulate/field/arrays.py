"""Where a state lives: numpy arrays that compiled loops go over on the CPU, torch tensors on a GPU.

Both offer multiply, add, subtract, abs and matmul with out=; what is not worth a loop of its own uses only these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bounds.activation.base import Activation
from simulate.field.activations import numpy_value_and_slope, value_and_slope

Array = Any  # a numpy.ndarray or a torch.Tensor
TORCH_FROM = 2**12  # entries from which torch's elementary functions beat numpy's, though its calls cost more
PINNED = 2**20  # entries up to which a copy from a GPU goes to memory that the system cannot page out


class Arrays:
    """Makes arrays of one dtype on one device, and reads them. tensors: torch's on the CPU too (to test that code)."""

    def __init__(self, dtype: torch.dtype, device: torch.device, *, tensors: bool = False) -> None:
        self.dtype, self.device = dtype, device
        self.numpy = device.type == "cpu" and not tensors
        self.xp: Any = np if self.numpy else torch
        self.real: type[np.floating] = np.float64 if dtype == torch.float64 else np.float32
        self.epsilon = float(np.finfo(self.real).eps)
        self.nothing = self.empty(0, 0, 0)  # for a backend: an array that is not wanted

    def contiguous(self, array: Array) -> Array:
        """On the CPU a contiguous copy, unless it is contiguous; on a GPU the array itself."""
        return np.ascontiguousarray(array) if self.numpy else array

    def put(self, values: np.ndarray) -> Array:
        """`values` as a contiguous array of this kind, without a copy where it is one already."""
        if self.numpy:
            return np.ascontiguousarray(values, dtype=self.real)
        return torch.as_tensor(values, dtype=self.dtype, device=self.device)

    def fetch(self, array: Array) -> np.ndarray:
        """As numpy float64, without a copy where it is that already."""
        if isinstance(array, np.ndarray):
            return np.asarray(array, dtype=np.float64)
        if not array.is_cuda or array.numel() > PINNED:
            return array.to("cpu", torch.float64).numpy()
        host = torch.empty(array.shape, dtype=torch.float64, pin_memory=True)  # several times faster
        return host.copy_(array).numpy()

    def empty(self, *shape: int) -> Array:
        """An array to be overwritten."""
        array = torch.empty(shape, dtype=self.dtype, device=self.device)
        return array.numpy() if self.numpy else array  # torch's begin at a cache line, numpy's need not

    def copy(self, array: Array) -> Array:
        """A copy of the array, on the same device."""
        if not self.numpy:
            return array.clone()
        fresh = self.empty(*array.shape)
        fresh[...] = array
        return fresh

    def row_max(self, array: Array) -> Array:
        """The maximum over the last axis."""
        return array.max(-1) if self.numpy else array.amax(-1)

    def activate(self, activation: Activation, u: Array, value: Array, slope: Array) -> None:
        """Write sigma(u) and sigma'(u) into `value` and `slope`."""
        if not self.numpy:
            value_and_slope(activation, u, value, slope)
        elif u.shape[1] * u.shape[2] < TORCH_FROM:  # counted for one run: the number of runs must not change a result
            numpy_value_and_slope(activation, u, value, slope)
        else:
            for s in range(len(u)):  # run by run: torch computes the last entries of a call by other code
                value_and_slope(activation, *(torch.from_numpy(array[s]) for array in (u, value, slope)))
