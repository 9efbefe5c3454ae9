"""The torch number system: activations are written once, in bounds, and evaluated here on tensors."""

from __future__ import annotations

import math
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

from bounds.activation.base import Activation
from bounds.numerics.arithmetic import Ops
from simulate.field import sigmas

if TYPE_CHECKING:
    import torch


@cache
def torch_ops() -> Ops:
    """The operations on tensors by which activations are written. Importing torch takes three seconds, so it waits."""
    import torch

    def sech2(u: torch.Tensor) -> torch.Tensor:
        shrinking = torch.exp(-2 * torch.abs(u))
        return 4 * shrinking / torch.square(1 + shrinking)

    return SimpleNamespace(
        number=float,
        pi=math.pi,
        sqrt=torch.sqrt,
        exp=torch.exp,
        expm1=torch.expm1,
        log=torch.log,
        abs=torch.abs,
        max=lambda u, low: torch.clamp(u, min=low),
        min=lambda u, high: torch.clamp(u, max=high),
        sin=torch.sin,
        cos=torch.cos,
        tanh=torch.tanh,
        sech2=sech2,
        atan=torch.atan,
        sigmoid=torch.sigmoid,
        softplus=lambda u: torch.clamp(u, min=0) + torch.log1p(torch.exp(-torch.abs(u))),
        erf=torch.erf,
        ncdf=torch.special.ndtr,
        npdf=lambda u: torch.exp(-0.5 * u * u) / math.sqrt(2 * math.pi),
        positive=lambda u: torch.clamp(u, min=0),
        step=lambda u: (u > 0).to(u.dtype),
    )


def value_and_slope(activation: Activation, u: torch.Tensor, value: torch.Tensor, slope: torch.Tensor) -> None:
    """Write sigma(u) and sigma'(u) into `value` and `slope`; slope may be u itself.

    tanh and ReLU, the activations of the paper's experiments, avoid temporaries; the others take the general way. In
    float64 sigma errs by at most FUNCTION_ULPS 2^-53 Ls max(1, |u|) and sigma' by FUNCTION_ULPS 2^-53 Ls, as the
    compiled rows do: absolute errors, for no certificate stands on a simulated state's tails.
    """
    import torch

    row = sigmas.row_of(activation)
    if row is sigmas.tanh:
        if u.is_cuda:
            torch.tanh(u, out=value)
        else:  # 2 sigmoid(2u) - 1 is several times faster than torch.tanh and as exact, to 2e-16 absolute
            torch.mul(u, 2, out=value).sigmoid_().mul_(2).sub_(1)
        torch.addcmul(u.new_ones(()), value, value, value=-1, out=slope)
    elif row is sigmas.relu:
        torch.clamp(u, min=0, out=value)
        torch.gt(u, 0, out=slope)
    else:
        both = activation.both(torch_ops(), u)
        value.copy_(both[0])
        slope.copy_(both[1])


def numpy_value_and_slope(activation: Activation, u: np.ndarray, value: np.ndarray, slope: np.ndarray) -> None:
    """Write sigma(u) and sigma'(u) into `value` and `slope`, numpy arrays of the shape of u; value may be u itself."""
    row = sigmas.row_of(activation)
    if row is None or u.dtype != np.float64:
        value[...], slope[...] = activation.value_and_slope(u)
    elif all(array.flags.c_contiguous for array in (u, value, slope)):
        row(u.reshape(-1), value.reshape(-1), slope.reshape(-1), u.size)
    else:
        value[...], slope[...] = sigmas.value_and_slope(activation, u)
