"""The torch number system: activations are written once, in bounds, and evaluated here on tensors."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch

TORCH = SimpleNamespace(
    number=float,
    pi=math.pi,
    sqrt=torch.sqrt,
    exp=torch.exp,
    log=torch.log,
    abs=torch.abs,
    sin=torch.sin,
    cos=torch.cos,
    tanh=torch.tanh,
    sigmoid=torch.sigmoid,
    softplus=lambda u: torch.clamp(u, min=0) + torch.log1p(torch.exp(-torch.abs(u))),
    erf=torch.erf,
    ncdf=torch.special.ndtr,
    npdf=lambda u: torch.exp(-0.5 * u * u) / math.sqrt(2 * math.pi),
    positive=lambda u: torch.clamp(u, min=0),
    step=lambda u: (u > 0).to(u.dtype),
)
