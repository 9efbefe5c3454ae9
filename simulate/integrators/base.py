"""What a stepper supplies. The loop is in simulate/loop.py, step control in simulate/control.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from simulate.arrays import Array
from simulate.flow import Drive, Flow, Stages, Totals

LARGE = 128  # data points from which on eigenvectors are worth all threads, or a GPU


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
        return cls.of(flow, h, flow.evaluate(h, slope), slope)

    @classmethod
    def of(cls, flow: Flow, h: Array, totals: Totals, slope: Array | None) -> Point:
        """h with what is known there."""
        gram = totals.slope_gram
        return cls(h, totals.residual, slope, gram, *_eigh(flow.kernel(gram), flow.arrays.device))

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


def _eigh(kernel: np.ndarray, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of each matrix; not a number for those that are not finite (the loop then stops)."""
    finite = np.isfinite(kernel).all(axis=(1, 2))
    if not finite.all():
        values, vectors = _eigh(np.where(finite[:, None, None], kernel, 0.0), device)
        values[~finite], vectors[~finite] = np.nan, np.nan
        return values, vectors
    if kernel.shape[1] < LARGE:
        found = np.linalg.eigh(kernel)
        return np.maximum(found[0], 0.0), found[1]
    values, vectors = torch.linalg.eigh(torch.from_numpy(kernel).to(device))  # with all its threads
    return np.maximum(values.cpu().numpy(), 0.0), vectors.cpu().numpy()


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
    arrived: np.ndarray | None = None  # the residual (S, n) at its end, once it is there

    def advance(self) -> Point:
        """The point at its end, its state in place of the one that it started from."""
        flow = self.stages.flow
        slope = flow.empty() if flow.roomy else None
        totals = self.stages.advance(self.final, keep=slope)
        self.stages.slopes.append(slope)
        self.arrived = totals.residual
        return Point.of(flow, self.stages.h, totals, slope)

    def within(self, time: np.ndarray) -> tuple[Drive, np.ndarray, np.ndarray]:
        """After advance, of a dense integrator: (displacement from the end back to `time` (S,) after the start, path
        and dissipated until then)."""
        raise NotImplementedError

    def discard(self) -> None:
        """Give back the slopes of its stages, but those of the point where the run is now."""
        own = self.stages.slopes[: len(self.stages.drives)]
        start_is_over = self.arrived is not None or not self.stages.flow.roomy
        self.stages.flow.recycle(*(own if start_is_over else own[1:]))


class Integrator(Protocol):
    """One way to step. error_order: the local embedded error is O(tau^error_order); dense: whether its steps know the
    states within them."""

    name: str
    error_order: int
    dense: bool

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step: ...


def apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix-vector products, (S, n, n) and (S, n)."""
    product: np.ndarray = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def row_sums(array: np.ndarray) -> np.ndarray:
    """Sums over the last axis, whose rounding does not depend on the other axes."""
    sums: np.ndarray = np.ascontiguousarray(array).sum(-1)
    return sums
