"""Gradient flow in function space: the pre-activations h_i(x_a) evolve alone, equation (11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from bounds.problem import Problem
from simulate.functions import value_and_slope
from simulate.network import Scaling

BLOCK = 2**19  # entries of h handled at once, or a quarter of them all: fast products, small temporaries
SPARES = 2  # (n, m) tensors kept for reuse

Drive = Sequence[tuple[torch.Tensor, np.ndarray]]


class Flow:
    """The vector field and the few sums over neurons that integrators need.

    Tensors over all neurons are (n, m), the neurons contiguous: h[a, i] = h_i(x_a), c (m,) the signs. Products with G
    (n, n) and sums over neurons are then fast. Vectors over the data (n,) are numpy float64.
    """

    def __init__(self, problem: Problem, signs: torch.Tensor, scaling: Scaling) -> None:
        self.gram = np.array(problem.gram)
        self.G = torch.tensor(self.gram, dtype=signs.dtype, device=signs.device)
        self.y = np.asarray(problem.y)
        self.c = signs
        self.m, self.n = len(signs), problem.n
        self.alpha, self.beta = scaling.alpha, scaling.beta
        self.activation = problem.activation
        self.speed = float(self.alpha * self.beta * float(signs[0]) ** 2)  # dr/dt = -speed H r
        self.evaluations = 0
        self._spare: list[torch.Tensor] = []
        width = min(self.m, max(1, BLOCK // self.n, self.m // 4))
        self._scratch = [torch.empty(self.n, width, dtype=self.c.dtype, device=self.c.device) for _ in range(2)]

    def _empty(self) -> torch.Tensor:
        """An (n, m) tensor to be overwritten."""
        if self._spare:
            return self._spare.pop()
        return torch.empty(self.n, self.m, dtype=self.c.dtype, device=self.c.device)

    def recycle(self, *tensors: torch.Tensor) -> None:
        """Give back (n, m) tensors that nobody reads any more: allocating anew would fragment the heap."""
        self._spare += tensors[: SPARES - len(self._spare)]

    def blocks(self, finer: int = 1) -> Iterator[slice]:
        """The neurons, a block at a time; `finer` times smaller blocks where several temporaries are needed."""
        width = max(1, self._scratch[0].shape[1] // finer)
        return (slice(start, min(start + width, self.m)) for start in range(0, self.m, width))

    def _buffers(self, part: slice) -> list[torch.Tensor]:
        """Two (n, block) tensors for temporaries: fresh ones would cost more in page faults than the arithmetic."""
        return [scratch[:, : part.stop - part.start] for scratch in self._scratch]

    def _tensor(self, vector: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(vector, dtype=self.c.dtype, device=self.c.device)

    def _zeros(self) -> torch.Tensor:
        return torch.zeros(self.n, dtype=self.c.dtype, device=self.c.device)

    def evaluate(self, h: torch.Tensor, *, overwrite: bool = False) -> tuple[np.ndarray, torch.Tensor]:
        """(r, sigma'(h)): the residual f - y (n,) and the slopes (n, m), in place of h if it may be overwritten."""
        self.evaluations += 1
        slope, output = h if overwrite else self._empty(), self._zeros()
        for part in self.blocks():
            value, _ = self._buffers(part)
            value_and_slope(self.activation, h[:, part], value, slope[:, part])
            output += value @ self.c[part]
        return self.alpha / self.m * _numpy(output) - self.y, slope

    def displace(self, h: torch.Tensor, drive: Drive) -> torch.Tensor:
        """h - beta c G (sum of slopes * coefficients), equation (11) integrated over a step.

        drive: pairs of slopes (n, m) and coefficients (n,), integrals of r against a polynomial in time.
        """
        moved = self._empty()
        for part, pull in self._pulls(drive):
            torch.addcmul(h[:, part], pull, self.c[part], value=-self.beta, out=moved[:, part])
        return moved

    def descent_step(self, h: torch.Tensor, slope: torch.Tensor, impulse: np.ndarray) -> tuple[torch.Tensor, float]:
        """(h - beta c G v, (speed/m) sum_i v_i'G v_i) with v = impulse * slope: one step of (9)."""
        moved, power = self._empty(), 0.0
        for part, pull in self._pulls([(slope, impulse)]):
            power += float(impulse @ _numpy(self._row_dots(slope[:, part], pull, part)))
            torch.addcmul(h[:, part], pull, self.c[part], value=-self.beta, out=moved[:, part])
        return moved, self.speed / self.m * power

    def displacement_size(self, drive: Drive, slope: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        """(change of r to first order, root mean square change of h_a), each (n,), of such a displacement."""
        square, change = self._zeros(), self._zeros()
        weight = float(self.beta * self.c[0].abs())  # |shift| = weight |pull|, c shift = -weight |c| pull
        for part, pull in self._pulls(drive):
            square += self._row_dots(pull, pull, part)
            change += self._row_dots(pull, slope[:, part], part)
        return -self.speed / self.m * _numpy(change), weight * np.sqrt(_numpy(square) / self.m)

    def _pulls(self, drive: Drive) -> Iterator[tuple[slice, torch.Tensor]]:
        """G (sum of slopes * coefficients), a block of neurons at a time, in a buffer that the next overwrites."""
        (first, weight), *others = [(slope, self._tensor(coefficient)) for slope, coefficient in drive]
        matrix = self.G if others else self.G * weight  # a single set of coefficients goes into G
        for part in self.blocks():
            pull, total = self._buffers(part)
            if others:
                torch.mul(first[:, part], weight[:, None], out=total)
                for slope, coefficient in others:
                    total.addcmul_(slope[:, part], coefficient[:, None])
            else:
                total = first[:, part]
            torch.mm(matrix, total, out=pull)
            yield part, pull

    def _row_dots(self, left: torch.Tensor, right: torch.Tensor, part: slice) -> torch.Tensor:
        """sum_i left[a, i] right[a, i], (n,); uses the second buffer, which a pull no longer needs."""
        return torch.mul(left, right, out=self._buffers(part)[1]).sum(1)

    def velocity(self, h: torch.Tensor) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
        """(dh/dt, r, slopes): dh_i/dt = -beta c_i G (r * sigma'(h_i)), equation (11)."""
        residual, slope = self.evaluate(h)
        rate = self._empty()
        for part, pull in self._pulls([(slope, residual)]):
            torch.mul(pull, self.c[part] * -self.beta, out=rate[:, part])
        return rate, residual, slope

    def slope_gram(self, slope: torch.Tensor) -> np.ndarray:
        """(1/m) sum_i sigma'(h_ia) sigma'(h_ib), (n, n); times G it is the tangent kernel H, its diagonal is q_a^2."""
        return _numpy(slope @ slope.mT) / self.m

    def apply_kernel(self, slope: torch.Tensor, residual: np.ndarray) -> np.ndarray:
        """speed H r without forming H, (n,): -dr/dt at the state with these slopes and residual, equation (14)."""
        total = self._zeros()
        for part, pull in self._pulls([(slope, residual)]):
            total += self._row_dots(slope[:, part], pull, part)
        return self.speed / self.m * _numpy(total)


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.to("cpu", torch.float64).numpy()
