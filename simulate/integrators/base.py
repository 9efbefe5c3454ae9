"""What a stepper supplies. The loop, the step control and the error estimate are in simulate/loop.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from simulate.flow import Flow


@dataclass
class Point:
    """A state with what was computed there. h, slope: (n, m); residual: (n,); slope_gram: (n, n).

    eigenvalues, eigenvectors: of speed * H, the rates at which r decays.
    """

    h: torch.Tensor
    residual: np.ndarray
    slope: torch.Tensor
    slope_gram: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @classmethod
    def at(cls, flow: Flow, h: torch.Tensor) -> Point:
        """Evaluate the flow at h."""
        residual, slope = flow.evaluate(h)
        slope_gram = flow.slope_gram(slope)
        kernel = torch.from_numpy(flow.speed * flow.gram * slope_gram)
        if not bool(torch.isfinite(kernel).all()):  # the loop sees the residual and stops
            nothing = np.full(flow.n, np.nan)
            return cls(h, residual, slope, slope_gram, nothing, np.full_like(flow.gram, np.nan))
        # torch's eigh, not numpy's: two thread pools taking turns on the same cores cost ten times the work.
        values, vectors = torch.linalg.eigh(kernel)
        return cls(h, residual, slope, slope_gram, np.maximum(values.numpy(), 0.0), vectors.numpy())


@dataclass(frozen=True)
class Step:
    """A proposed step. residual_error, movement_error: (n,), the embedded estimates of its local error;
    path: the integral of sqrt(P) over it; dissipated: that of P = -dL/dt."""

    h: torch.Tensor
    residual_error: np.ndarray
    movement_error: np.ndarray
    path: float
    dissipated: float


class Integrator(Protocol):
    """One way to step. error_order: the local embedded error is O(tau^error_order)."""

    name: str
    error_order: int

    def step(self, flow: Flow, point: Point, tau: float) -> Step: ...
