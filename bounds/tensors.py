"""Torch tensors among the arguments, recognised and converted without importing torch."""

from __future__ import annotations

from typing import Any

import numpy as np


def is_tensor(value: Any) -> bool:
    """Whether the value is a torch tensor, or of a subclass."""
    kinds = type(value).__mro__
    return any(kind.__name__ == "Tensor" and kind.__module__.partition(".")[0] == "torch" for kind in kinds)


def tensor_as_array(tensor: Any) -> np.ndarray:
    """The values of a tensor as a numpy array, for every device and dtype, with or without gradients."""
    detached = tensor.detach().cpu()
    if detached.dtype.is_floating_point:  # numpy does not know bfloat16
        detached = detached.double()
    array: np.ndarray = detached.resolve_conj().resolve_neg().numpy()
    return array


def without_tensors(value: Any, depth: int) -> Any:
    """The value with tensors replaced by arrays, also inside lists and tuples nested up to `depth` deep."""
    if is_tensor(value):
        return tensor_as_array(value)
    if depth and isinstance(value, list | tuple) and not all(isinstance(v, int | float) for v in value):
        return [without_tensors(v, depth - 1) for v in value]
    return value
