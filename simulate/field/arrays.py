"""Where a state lives: numpy arrays that compiled loops go over on the CPU, torch tensors on a GPU.

Both offer multiply, add, subtract, abs and matmul with out=; what is not worth a loop of its own uses only these.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bounds.activation.base import Activation
from simulate.field import sigmas
from simulate.field.activations import numpy_value_and_slope, value_and_slope

Array = Any  # a numpy.ndarray or a torch.Tensor
TORCH_FROM = 2**12  # entries from which torch's elementary functions beat numpy's, though its calls cost more
CACHE_LINE = 64  # bytes
PINNED = 2**20  # entries up to which a copy to or from a GPU uses memory that the system cannot page out
MANY_POINTS = 128  # data points from which on torch finds eigenvectors faster, with all its threads or on a GPU
# Data points from which on a GPU should be faster at all that is n x n. There one closed form of the residual is 250
# calls of some 5 microseconds each; compiled, it took a core 0.3 ms at n = 150, 0.6 at 256, 1.8 at 400 and 12 at 800.
MANY_ON_GPU = 320  # an estimate


def _torch() -> Any:
    import torch

    return torch


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An array to be overwritten that begins at a cache line, which those of np.empty need not do."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + CACHE_LINE, dtype=np.uint8)
    ahead = -memory.__array_interface__["data"][0] % CACHE_LINE
    return memory[ahead : ahead + size].view(dtype).reshape(shape)


def copied(array: Array) -> Array:
    """A copy of a numpy array or of a tensor, on the same device."""
    return array.copy() if isinstance(array, np.ndarray) else array.clone()


class Arrays:
    """Makes arrays of one dtype on one device, and reads them. tensors: torch's on the CPU too (to test that code).

    dtype, device: by name, such as "float64" and "cuda:0", or torch's own objects of these names. Torch is imported
    only where it is used: it takes three seconds, and a small state on the CPU has no need of it.
    """

    def __init__(self, dtype: Any, device: Any, *, tensors: bool = False) -> None:
        self.device = str(device)
        self.numpy = self.device.partition(":")[0] == "cpu" and not tensors
        self.real: type[np.floating] = np.float64 if str(dtype).endswith("float64") else np.float32
        self.epsilon = float(np.finfo(self.real).eps)
        self.nothing = self.empty(0, 0, 0)  # for a backend: an array that is not wanted

    @property
    def xp(self) -> Any:
        """The module of the arrays: numpy or torch."""
        return np if self.numpy else _torch()

    @property
    def dtype(self) -> Any:
        """The dtype of the tensors."""
        torch = _torch()
        return torch.float64 if self.real is np.float64 else torch.float32

    def wide(self) -> Arrays:
        """Arrays of float64 on the same device."""
        return type(self)("float64", self.device, tensors=not self.numpy)

    def small(self, n: int) -> Arrays:
        """Where arrays (S, n) and (S, n, n) are worked on, always in float64: on the CPU, whose loops are done with few
        data points before a GPU has begun, or with the neurons on a GPU if there are many points."""
        return Arrays("float64", "cpu") if self.numpy or n < MANY_ON_GPU else self.wide()

    def contiguous(self, array: Array) -> Array:
        """On the CPU a contiguous copy, unless it is contiguous; on a GPU the array itself."""
        return np.ascontiguousarray(array) if self.numpy else array

    def put(self, values: np.ndarray) -> Array:
        """`values` as a contiguous array of this kind, without a copy where it is one already."""
        if self.numpy:
            return np.ascontiguousarray(values, dtype=self.real)
        torch = _torch()
        if not isinstance(values, np.ndarray) or values.size > PINNED or not self.device.startswith("cuda"):
            return torch.as_tensor(values, dtype=self.dtype, device=self.device)
        # From such memory a copy is queued; from other memory it would wait until the GPU has done all before it.
        host = torch.empty(values.shape, dtype=self.dtype, pin_memory=True)
        host.numpy()[...] = values
        return host.to(self.device, non_blocking=True)

    def fetch(self, array: Array) -> np.ndarray:
        """The array as one of numpy in float64; the array itself, not a copy, if it is that already."""
        if isinstance(array, np.ndarray):
            return np.asarray(array, dtype=np.float64)
        torch = _torch()
        if not array.is_cuda or array.numel() > PINNED:
            return array.to("cpu", torch.float64).numpy()
        host = torch.empty(array.shape, dtype=torch.float64, pin_memory=True)  # several times faster
        return host.copy_(array).numpy()

    def fetch_together(self, *arrays: Array) -> list[np.ndarray]:
        """What fetch gives for each of the arrays, by one copy from the device."""
        if self.numpy:
            return [self.fetch(array) for array in arrays]
        torch = _torch()
        flat = self.fetch(torch.cat([array.reshape(-1).to(torch.float64) for array in arrays]))
        ends = np.cumsum([math.prod(array.shape) for array in arrays])
        parts = np.split(flat, ends[:-1])
        return [part.reshape(tuple(array.shape)) for part, array in zip(parts, arrays, strict=True)]

    def empty(self, *shape: int) -> Array:
        """An array to be overwritten."""
        if self.numpy:
            return aligned_empty(shape, self.real)
        return _torch().empty(shape, dtype=self.dtype, device=self.device)

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
            return
        compiled = self.real is np.float64 and sigmas.row_of(activation) is not None
        # Counted for one run: the number of runs must not change a result.
        if compiled or u.shape[1] * u.shape[2] < TORCH_FROM:
            numpy_value_and_slope(activation, u, value, slope)
        else:
            for s in range(len(u)):  # run by run: torch computes the last entries of a call by other code
                value_and_slope(activation, *(_torch().from_numpy(array[s]) for array in (u, value, slope)))
