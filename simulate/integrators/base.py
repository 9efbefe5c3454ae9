"""What a stepper supplies. The loop is in simulate/solve/loop.py, step control in simulate/solve/step_control.py."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
import torch

from simulate.field.arrays import Array
from simulate.field.flow import Drive, Flow, Stages, Totals
from simulate.solve.step_sums import spectra

LARGE = 128  # data points from which on eigenvectors are worth all threads, or a GPU


@dataclass
class Point:
    """The states of S runs with what was computed there. h: (S, n + k, m); residual: (S, n); slope: (S, n, m), or None
    where it is computed again when needed; slope_gram, kernel: (S, n, n), see Totals and Flow.kernel.

    eigenvalues, eigenvectors: of the kernel, the rates at which r decays. past, past_kernel: the slopes and the kernel
    at the start of the step before, if the flow remembers them; behind (S,): how long its path was, 0 for none.
    """

    h: Array
    residual: np.ndarray
    slope: Array | None
    slope_gram: np.ndarray
    kernel: np.ndarray
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    past: Array | None
    past_kernel: np.ndarray | None
    behind: np.ndarray

    @classmethod
    def at(cls, flow: Flow, h: Array) -> Point:
        """Evaluate the flow at h, where a run begins."""
        slope = flow.empty() if flow.roomy else None
        point = cls.of(flow, h, flow.evaluate(h, slope), slope)
        if flow.remembers:
            point.past, point.past_kernel = flow.arrays.copy(slope), point.kernel.copy()
        return point

    @classmethod
    def of(cls, flow: Flow, h: Array, totals: Totals, slope: Array | None) -> Point:
        """h with what is known there."""
        gram = totals.slope_gram
        kernel = flow.kernel(gram)
        spectrum = _eigh(kernel, flow.arrays.device)
        return cls(h, totals.residual, slope, gram, kernel, *spectrum, None, None, np.zeros(flow.runs))

    def twin(self, flow: Flow) -> Point:
        """The same with arrays of its own."""
        states = ("h", "slope", "past")
        mine: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        copies: dict[str, Any] = {}
        for name, array in mine.items():
            if array is not None:
                copies[name] = flow.arrays.copy(array) if name in states else array.copy()
        return Point(**{**mine, **copies})

    def select(self, keep: np.ndarray) -> Point:
        """Some of the runs."""
        mine: list[Any] = [getattr(self, f.name) for f in fields(self)]
        chosen: list[Any] = [None if array is None else array[keep] for array in mine]
        return Point(*chosen)

    def replace(self, where: np.ndarray, by: Point) -> None:
        """Overwrite some of the runs."""
        for f in fields(self):
            mine = getattr(self, f.name)
            if mine is not None:
                mine[where] = getattr(by, f.name)


def _eigh(kernel: np.ndarray, device: torch.device) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors of each matrix; not a number for those that are not finite (the loop then stops)."""
    values, vectors = np.empty(kernel.shape[:2]), np.empty(kernel.shape)
    if kernel.shape[1] < LARGE or not np.isfinite(kernel).all():
        spectra(kernel, values, vectors)
        return values, vectors
    found = torch.linalg.eigh(torch.from_numpy(kernel).to(device))  # with all its threads
    torch.from_numpy(values).copy_(found[0].clamp_(min=0))
    torch.from_numpy(vectors).copy_(found[1])
    return values, vectors


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

    def advance(self, before: Point) -> Point:
        """The point at its end, its state in place of the one that it started from."""
        flow = self.stages.flow
        slope = flow.empty() if flow.roomy else None
        totals = self.stages.advance(self.final, keep=slope)
        self.stages.slopes.append(slope)
        self.arrived = totals.residual
        after = Point.of(flow, self.stages.h, totals, slope)
        if flow.remembers:
            after.past, after.past_kernel, after.behind = before.slope, before.kernel, self.path
        return after

    def within(self, time: np.ndarray) -> tuple[Drive, np.ndarray, np.ndarray]:
        """After advance, of a dense integrator: (displacement from the end back to `time` (S,) after the start, path
        and dissipated until then)."""
        raise NotImplementedError

    def discard(self) -> None:
        """Give back the slopes of its stages, but those that the point where the run is now holds."""
        stages, flow = self.stages, self.stages.flow
        held = stages.given if flow.roomy else 0  # if the run is still at the start
        if self.arrived is not None:
            held = 1 if flow.remembers else 0
        flow.recycle(*stages.slopes[held : len(stages.drives)])


class Integrator(Protocol):
    """One way to step. error_order: the local embedded error of a step from there is of this order in tau; dense:
    whether its steps know the states within them."""

    name: str
    dense: bool

    def error_order(self, point: Point) -> int: ...

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step: ...


def apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix-vector products, (S, n, n) and (S, n)."""
    product: np.ndarray = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def row_sums(array: np.ndarray) -> np.ndarray:
    """Sums over the last axis, whose rounding does not depend on the other axes."""
    sums: np.ndarray = np.ascontiguousarray(array).sum(-1)
    return sums
