"""The reference: Dormand and Prince's explicit pair 5(4). Slow where H is stiff, but it knows nothing of the structure
that the default exploits, so agreement between the two says something."""

from __future__ import annotations

import numpy as np
import torch

from simulate.flow import Flow
from simulate.integrators.base import Point, Step

_A = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


class RungeKutta:
    """See the module."""

    name = "runge-kutta"
    error_order = 5

    def step(self, flow: Flow, point: Point, tau: float) -> Step:
        """One step of length tau from `point`; the path length is integrated along with the state."""
        rates: list[torch.Tensor] = []
        powers: list[float] = []

        def add(h: torch.Tensor) -> None:
            rate, residual, slope = flow.velocity(h)
            rates.append(rate)
            powers.append(max(float(residual @ flow.apply_kernel(slope, residual)), 0.0))

        h = point.h
        add(h)
        for row in _A:
            h = point.h.clone()
            for weight, rate in zip(row, rates, strict=True):
                h.add_(rate, alpha=tau * weight)
            add(h)
        error = torch.zeros_like(h)
        for weight, rate in zip(_ERROR, rates, strict=True):
            error.add_(rate, alpha=tau * weight)
        movement_error = error.square().mean(1).sqrt().to("cpu", torch.float64).numpy()
        change = error.mul_(point.slope).mul_(flow.c).sum(1).to("cpu", torch.float64).numpy()
        weights = tau * np.array(_A[-1])
        return Step(
            h,
            flow.alpha / flow.m * change,
            movement_error,
            float(weights @ np.sqrt(powers[:6])),
            float(weights @ np.array(powers[:6])),
        )
