"""Tensors that stand in for those on a GPU: on the CPU, but nothing looks at their numbers unless it fetches them, and
they do not mix with others. What goes to and fro is counted."""

from typing import ClassVar

import numpy as np
import torch

from simulate import setup
from simulate.field import arrays
from simulate.integrators.exponential import on_tensors

LOOKS = ("numpy", "item", "tolist", "cpu", "__array__", "__bool__", "__float__", "__int__", "__index__", "__contains__")
INDEXING = ("__getitem__", "__setitem__")


class FarTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = func.__name__
        if name in LOOKS:
            raise AssertionError(f"{name} of a tensor that is on a GPU: only Arrays.fetch brings numbers back")
        if name in INDEXING:
            Far.sent += sum(isinstance(index, np.ndarray) for index in args[1:])
        else:
            check(name, [*args, *(kwargs or {}).values()])
        return super().__torch_function__(func, types, args, kwargs or {})


def check(name, values):
    """Every array is on the GPU, apart from tensors that are a number."""
    for value in values:
        if isinstance(value, list | tuple):
            check(name, value)
        elif isinstance(value, np.ndarray) or (
            isinstance(value, torch.Tensor) and not isinstance(value, FarTensor) and value.ndim > 0
        ):
            raise AssertionError(f"{name} of a tensor on a GPU with one that is not")


class Far(arrays.Arrays):
    """Arrays of FarTensors. fetched: how many numbers each copy brought back; sent: how many arrays were sent."""

    fetched: ClassVar[list[int]] = []
    sent = 0

    def __init__(self, dtype, device, *, tensors=True):
        super().__init__(dtype, device, tensors=True)

    def put(self, values):
        if isinstance(values, FarTensor):
            return values.to(self.dtype).contiguous()
        Far.sent += 1
        return super().put(np.array(values)).as_subclass(FarTensor)

    def fetch(self, array):
        if isinstance(array, FarTensor):
            Far.fetched.append(array.numel())
            array = array.as_subclass(torch.Tensor).clone()
        return super().fetch(array)

    def empty(self, *shape):
        return super().empty(*shape).as_subclass(FarTensor)


def use(monkeypatch):
    """From now on runs are done by FarTensors, and matrices are among them however few the data points."""
    monkeypatch.setattr(setup, "Arrays", Far)
    monkeypatch.setattr(arrays, "MANY_ON_GPU", 1)
    near = on_tensors.constants("cpu")
    monkeypatch.setattr(on_tensors, "constants", lambda device: type(near)(*(c.as_subclass(FarTensor) for c in near)))
    monkeypatch.setattr(Far, "fetched", [])
    monkeypatch.setattr(Far, "sent", 0)
