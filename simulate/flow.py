"""Gradient flow in function space: the m x n matrix h_i(x_a) evolves alone, equation (11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from bounds.problem import Problem
from simulate.functions import TORCH
from simulate.network import Scaling

BLOCK = 2**17  # entries of h handled at once: temporaries stay in cache and out of the peak memory
SPARES = 2  # (m, n) tensors kept for reuse

Drive = Sequence[tuple[torch.Tensor, np.ndarray]]


class Flow:
    """The vector field and the few sums over neurons that integrators need.

    h: (m, n) pre-activations; G: (n, n); y: (n,); c: (m, 1) signs. Vectors over the data are numpy float64.
    """

    def __init__(self, problem: Problem, signs: torch.Tensor, scaling: Scaling) -> None:
        self.gram = np.array(problem.gram)
        self.G = torch.tensor(self.gram, dtype=signs.dtype, device=signs.device)
        self.y = np.asarray(problem.y)
        self.c = signs.reshape(-1, 1)
        self.m, self.n = len(signs), problem.n
        self.alpha, self.beta = scaling.alpha, scaling.beta
        self.activation = problem.activation
        self.speed = float(self.alpha * self.beta * float(signs[0]) ** 2)  # dr/dt = -speed H r
        self.evaluations = 0
        self._spare: list[torch.Tensor] = []

    def _empty(self) -> torch.Tensor:
        """An (m, n) tensor to be overwritten."""
        if self._spare:
            return self._spare.pop()
        return torch.empty(self.m, self.n, dtype=self.c.dtype, device=self.c.device)

    def recycle(self, *tensors: torch.Tensor) -> None:
        """Give back (m, n) tensors that nobody reads any more: allocating anew would fragment the heap."""
        self._spare += tensors[: SPARES - len(self._spare)]

    def blocks(self) -> Iterator[slice]:
        """The neurons, a block at a time."""
        rows = max(1, BLOCK // self.n)
        return (slice(start, start + rows) for start in range(0, self.m, rows))

    def _tensor(self, vector: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(vector, dtype=self.c.dtype, device=self.c.device)

    def evaluate(self, h: torch.Tensor, *, overwrite: bool = False) -> tuple[np.ndarray, torch.Tensor]:
        """(r, sigma'(h)): the residual f - y (n,) and the slopes (m, n), in place of h if it may be overwritten."""
        self.evaluations += 1
        slope = h if overwrite else self._empty()
        output = torch.zeros(1, self.n, dtype=h.dtype, device=h.device)
        for rows in self.blocks():
            value, slope[rows] = self.activation.both(TORCH, h[rows])
            output += self.c[rows].mT @ value
        return self.alpha / self.m * _numpy(output[0]) - self.y, slope

    def displace(self, h: torch.Tensor, drive: Drive) -> torch.Tensor:
        """h - beta c (sum of slopes * coefficients) G, equation (11) integrated over a step.

        drive: pairs of slopes (m, n) and coefficients (n,), integrals of r against a polynomial in time.
        """
        moved = self._empty()
        for rows, shift in self._shifts(drive):
            torch.add(h[rows], shift, out=moved[rows])
        return moved

    def displacement_size(self, drive: Drive, slope: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(change of r to first order, root mean square change of h_a), each (n,), of such a displacement."""
        square, change = (torch.zeros(self.n, dtype=self.c.dtype, device=self.c.device) for _ in range(2))
        for rows, shift in self._shifts(drive):
            square += (shift * shift).sum(0)
            change += shift.mul_(slope[rows]).mul_(self.c[rows]).sum(0)
        return self.alpha / self.m * _numpy(change), np.sqrt(_numpy(square) / self.m)

    def _shifts(self, drive: Drive) -> Iterator[tuple[slice, torch.Tensor]]:
        pairs = [(slope, self._tensor(coefficient)) for slope, coefficient in drive]
        for rows in self.blocks():
            total = pairs[0][0][rows] * pairs[0][1]
            for slope, coefficient in pairs[1:]:
                total.addcmul_(slope[rows], coefficient)
            yield rows, (total @ self.G).mul_(self.c[rows]).mul_(-self.beta)

    def velocity(self, h: torch.Tensor) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
        """(dh/dt, r, slopes): dh_i/dt = -beta c_i G (r * sigma'(h_i)), equation (11)."""
        residual, slope = self.evaluate(h)
        r = self._tensor(residual)
        rate = torch.empty_like(h)
        for rows in self.blocks():
            torch.mul((slope[rows] * r) @ self.G, self.c[rows] * -self.beta, out=rate[rows])
        return rate, residual, slope

    def slope_gram(self, slope: torch.Tensor) -> np.ndarray:
        """(1/m) sum_i sigma'(h_ia) sigma'(h_ib), (n, n); times G it is the tangent kernel H, its diagonal is q_a^2."""
        return _numpy(slope.mT @ slope) / self.m

    def apply_kernel(self, slope: torch.Tensor, residual: np.ndarray) -> np.ndarray:
        """speed H r without forming H, (n,): -dr/dt at the state with these slopes and residual, equation (14)."""
        r, total = self._tensor(residual), torch.zeros(self.n, dtype=self.c.dtype, device=self.c.device)
        for rows in self.blocks():
            s = slope[rows]
            total += ((s * r) @ self.G).mul_(s).sum(0)
        return self.speed / self.m * _numpy(total)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.to("cpu", torch.float64).numpy()
