"""The state of the runs at one time, with everything that is known there."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Self, cast

import numpy as np

from simulate.field.arrays import MANY_POINTS, Array, copied
from simulate.field.flow import Evaluation, Flow
from simulate.integrators.spectra import spectra


class Carried:
    """What a method hands on from step to step besides the state: arrays whose first axis are the runs."""

    def select(self, keep: np.ndarray) -> Self:
        """Some of the runs."""
        return type(self)(**{name: array[keep] for name, array in self.arrays().items()})

    def overwrite(self, where: np.ndarray, by: Carried) -> None:
        """Overwrite some of the runs."""
        for name, array in by.arrays().items():
            self.arrays()[name][where] = array

    def copy(self, flow: Flow) -> Self:
        """A copy, in arrays of its own."""
        return type(self)(**{name: array.copy() for name, array in self.arrays().items()})

    def arrays(self) -> dict[str, Array]:
        """The arrays, by name."""
        return {f.name: getattr(self, f.name) for f in fields(cast(Any, self))}


@dataclass
class Previous(Carried):
    """What a step hands on to the next one, for interpolation through three points; see exponential/method.py.

    slopes (S, n, m), kernel (S, n, n): at the start of the step; length (S,): of the path of the step, 0 before the
    first one, which makes the interpolation leave them out.
    """

    slopes: Array
    kernel: Array
    length: np.ndarray

    def copy(self, flow: Flow) -> Previous:
        """A copy, in arrays of its own; that of the slopes begins at a cache line."""
        return Previous(flow.arrays.copy(self.slopes), copied(self.kernel), self.length.copy())


@dataclass
class Sides(Carried):
    """Where the entries are, for a piecewise linear sigma; see piecewise_linear/pieces.py.

    sides (S, n, m): of the entries, int8; trend (S, n, n): the rate of the kernel in the path length at the end of the
    last step; length (S,): of the path of that step, 0 before the first one.
    """

    sides: np.ndarray
    trend: np.ndarray
    length: np.ndarray


@dataclass
class State:
    """S runs at one time each.

    h (S, rows, m); residual (S, n): r = f - y; slopes (S, n, m): sigma'(h), None if the flow does not keep them;
    slope_gram, kernel (S, n, n): see Evaluation and Flow.kernel; eigenvalues (S, n), ascending, and eigenvectors of the
    kernel: the rates at which r decays, and the directions; previous: None if the flow does not keep it; sides: None
    if the method holds no entries on kinks. With sides the kernel knows of the held entries (see
    piecewise_linear/kernel_changes.py), and slope_gram has only its diagonal, to which they add nothing.

    Matrices and eigenvectors are arrays of the kind Flow.small, vectors are on the CPU. Where the two differ, on a GPU,
    one copy brings what a step needs to know of the matrices: eigenvalues, residual_modes (S, n), which is r in the
    eigenbasis, and squares (S, n), the diagonal of slope_gram; both are None elsewhere.
    """

    h: Array
    residual: np.ndarray
    slopes: Array | None
    slope_gram: Array
    kernel: Array
    eigenvalues: np.ndarray
    eigenvectors: Array
    previous: Previous | None = None
    sides: Sides | None = None
    residual_modes: np.ndarray | None = None
    squares: np.ndarray | None = None

    @classmethod
    def at(cls, flow: Flow, h: Array) -> State:
        """The state at h, where runs begin. h is not copied: steps displace it in place."""
        slopes = flow.empty() if flow.keeps_slopes else None
        state = cls.of(flow, h, flow.evaluate(h, slopes), slopes)
        if flow.keeps_previous:
            state.previous = Previous(flow.arrays.copy(slopes), copied(state.kernel), np.zeros(flow.runs))
        return state

    @classmethod
    def of(
        cls, flow: Flow, h: Array, evaluation: Evaluation, slopes: Array | None, previous: Previous | None = None
    ) -> State:
        """The state at h, given the flow there."""
        slope_gram, kernel = evaluation.slope_gram, flow.kernel(evaluation.slope_gram)
        if flow.small.numpy:
            eigenvalues, eigenvectors = _eigh(kernel, flow.arrays.device)
            return cls(h, evaluation.residual, slopes, slope_gram, kernel, eigenvalues, eigenvectors, previous)
        rates, basis = _eigh_of_tensors(kernel)
        modes = apply(basis.mT, evaluation.residual)
        diagonal = slope_gram[:, : flow.n].diagonal(dim1=1, dim2=2)
        residual, rates, modes, squares = flow.small.fetch_together(evaluation.residual, rates, modes, diagonal)
        return cls(h, residual, slopes, slope_gram, kernel, rates, basis, previous, None, modes, squares)

    @classmethod
    def held(
        cls, flow: Flow, h: Array, residual: np.ndarray, squares: np.ndarray, kernel: np.ndarray, sides: Sides
    ) -> State:
        """The state at h with these sides. squares (S, n): the diagonal of slope_gram."""
        eigenvalues, eigenvectors = _eigh(kernel, flow.arrays.device)
        slope_gram = squares[:, :, None] * np.eye(flow.n)
        return cls(h, residual, None, slope_gram, kernel, eigenvalues, eigenvectors, sides=sides)

    def modes(self) -> np.ndarray:
        """r in the eigenbasis of the kernel (S, n)."""
        return apply(self.eigenvectors.mT, self.residual) if self.residual_modes is None else self.residual_modes

    def decayed(self, flow: Flow, vectors: np.ndarray, tau: np.ndarray) -> np.ndarray:
        """exp(-kernel tau) vectors, (S, n), for times tau (S,)."""
        decay, small = np.exp(-self.eigenvalues * tau[:, None]), flow.small
        if not small.numpy:
            decay, vectors = small.put(decay), small.put(vectors)
        return small.fetch(apply(self.eigenvectors, decay * apply(self.eigenvectors.mT, vectors)))

    def copy(self, flow: Flow) -> State:
        """A copy of the state, in arrays of its own."""
        chosen: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, Carried):
                value = value.copy(flow)
            elif value is not None:
                value = flow.arrays.copy(value) if f.name in ("h", "slopes") else copied(value)
            chosen[f.name] = value
        return State(**chosen)

    def select(self, keep: np.ndarray) -> State:
        """Some of the runs, copied; keep: their indices."""
        chosen: dict[str, Any] = {}
        for f in fields(self):
            value = getattr(self, f.name)
            if value is not None:
                value = value.select(keep) if isinstance(value, Carried) else value[keep]
            chosen[f.name] = value
        return State(**chosen)

    def overwrite(self, where: np.ndarray, by: State) -> None:
        """Overwrite some of the runs; where: their indices."""
        for f in fields(self):
            value, other = getattr(self, f.name), getattr(by, f.name)
            if isinstance(value, Carried):
                value.overwrite(where, other)
            elif value is not None:
                value[where] = other


def apply(matrices: Array, vectors: Array) -> Array:
    """Matrix-vector products (S, n) of (S, n, n) and (S, n)."""
    return (matrices @ vectors[:, :, None])[:, :, 0]


def _eigh(kernel: np.ndarray, device: str) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues (none below 0) and eigenvectors of each matrix; not a number where one is not finite, which ends the
    run."""
    values, vectors = np.empty(kernel.shape[:2]), np.empty(kernel.shape)
    if kernel.shape[1] < MANY_POINTS or not np.isfinite(kernel).all():
        spectra(kernel=kernel, values=values, vectors=vectors)
        return values, vectors
    import torch

    for s in range(len(kernel)):  # one by one: in a stack the last digits depend on the place of a matrix
        found = torch.linalg.eigh(torch.from_numpy(kernel[s]).to(device))
        torch.from_numpy(values[s]).copy_(found[0].clamp_(min=0))
        torch.from_numpy(vectors[s]).copy_(found[1])
    return values, vectors


def _eigh_of_tensors(kernel: Array) -> tuple[Array, Array]:
    """What _eigh gives, where the matrices are. None of them is looked at from the CPU."""
    import torch

    finite = torch.isfinite(kernel).all(2).all(1)[:, None, None]
    values, vectors = torch.linalg.eigh(torch.where(finite, kernel, 0.0))
    return torch.where(finite[:, 0], values.clamp_(min=0), math.nan), torch.where(finite, vectors, math.nan)
