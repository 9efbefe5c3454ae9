"""What a stepper supplies. The loop, the step control and the error estimate are in simulate/loop.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from simulate.arrays import Array
from simulate.flow import Drive, Flow, Stages


@dataclass
class Point:
    """The states of S runs with what was computed there. h: (S, n + k, m); residual: (S, n); slope: (S, n, m), or None
    where it is computed again when needed; slope_gram: (S, n, n).

    eigenvalues, eigenvectors: of speed * H, the rates at which r decays.
    """

    h: Array
    residual: np.ndarray
    slope: Array | None
    slope_gram: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @classmethod
    def at(cls, flow: Flow, h: Array) -> Point:
        """Evaluate the flow at h."""
        slope = flow.empty() if flow.roomy else None
        residual, slope_gram = flow.evaluate(h, slope)
        return cls(h, residual, slope, slope_gram, *_eigh(flow.kernel(slope_gram), flow.arrays.numpy))

    def select(self, keep: np.ndarray) -> Point:
        """Some of the runs."""
        slope = None if self.slope is None else self.slope[keep]
        others = (self.slope_gram[keep], self.eigenvalues[keep], self.eigenvectors[keep])
        return Point(self.h[keep], self.residual[keep], slope, *others)

    def replace(self, where: np.ndarray, by: Point) -> None:
        """Overwrite some of the runs."""
        for name in ("h", "residual", "slope", "slope_gram", "eigenvalues", "eigenvectors"):
            mine = getattr(self, name)
            if mine is not None:
                mine[where] = getattr(by, name)


def _eigh(kernel: np.ndarray, small: bool) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of each matrix; not a number for those that are not finite (the loop then stops)."""
    finite = np.isfinite(kernel).all(axis=(1, 2))
    if not finite.all():
        values, vectors = _eigh(np.where(finite[:, None, None], kernel, 0.0), small)
        values[~finite], vectors[~finite] = np.nan, np.nan
        return values, vectors
    if small:
        found = np.linalg.eigh(kernel)
        return np.maximum(found[0], 0.0), found[1]
    # Two thread pools taking turns on the same cores cost ten times the work, so here torch's.
    values, vectors = torch.linalg.eigh(torch.from_numpy(kernel))
    return np.maximum(values.numpy(), 0.0), vectors.numpy()


@dataclass
class Step:
    """A proposed step. residual_error, movement_error: (S, n), the embedded estimates of its local error, where asked
    for; path: (S,) the integral of sqrt(P) over it; dissipated: (S,) that of P = -dL/dt; evaluations: how many;
    predicted: (S, n) the residual that the method reckons with at its end, away from it leads a kink."""

    stages: Stages
    final: Drive
    path: np.ndarray
    dissipated: np.ndarray
    evaluations: int
    residual_error: np.ndarray | None = None
    movement_error: np.ndarray | None = None
    predicted: np.ndarray | None = None

    def advance(self) -> Array:
        """The state at its end, in place of the one that it started from."""
        return self.stages.advance(self.final)

    def discard(self) -> None:
        """Give back what it holds; its starting point stays as it is."""
        slopes = self.stages.slopes
        self.stages.flow.recycle(*(slopes[1:] if self.stages.flow.roomy else slopes))


class Integrator(Protocol):
    """One way to step. error_order: the local embedded error is O(tau^error_order)."""

    name: str
    error_order: int

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step: ...


def apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix-vector products, (S, n, n) and (S, n)."""
    product: np.ndarray = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def row_sums(array: np.ndarray) -> np.ndarray:
    """Sums over the last axis, whose rounding does not depend on the other axes."""
    sums: np.ndarray = np.ascontiguousarray(array).sum(-1)
    return sums
