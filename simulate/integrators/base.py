"""What an integrator supplies: one step. The loop over steps is simulate/solve/loop.py, the step-size rule
simulate/solve/step_control.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from simulate.field.flow import Flow
from simulate.field.model import Coefficients
from simulate.field.stages import Stages
from simulate.integrators.state import Previous, State


class Inside(NamedTuple):
    """A state inside a step. coefficients: of the displacement that leads there from the end of the step; length (S,):
    of the path from the start of the step until then; dissipated (S,): the integral of P = -dL/dt until then."""

    coefficients: Coefficients
    length: np.ndarray
    dissipated: np.ndarray


@dataclass(frozen=True)
class Step:
    """A proposed step of S runs, which is then either taken (`advance`) or discarded (`discard`).

    stages: what it was computed from; coefficients: of the displacement to its end; length (S,): of its path, the
    integral of sqrt(P); dissipated (S,): the integral of P = -dL/dt; evaluations: of sigma at all neurons, so far;
    predicted (S, n): the residual that the method expects at the end, None if it expects none: what is found there
    differs if a kink was crossed.

    residual_error, movement_error (S, n): estimates of the local error, in r and in the root mean square of h_a; None
    if they were not asked for.
    """

    stages: Stages
    coefficients: Coefficients
    length: np.ndarray
    dissipated: np.ndarray
    evaluations: int
    predicted: np.ndarray | None = None
    residual_error: np.ndarray | None = None
    movement_error: np.ndarray | None = None

    def advance(self, start: State) -> State:
        """Take the step: the state at its end, whose h is that of `start`, displaced in place."""
        stages, flow = self.stages, self.stages.flow
        slopes = flow.empty() if flow.keeps_slopes else None
        evaluation = stages.advance(self.coefficients, slopes=slopes)
        stages.slopes.append(slopes)  # the last stage: `interpolate` uses it
        previous = None
        if flow.keeps_previous:
            previous = Previous(start.slopes, start.kernel, self.length)
        return State.of(flow, stages.h, evaluation, slopes, previous)

    def interpolate(self, time: np.ndarray) -> Inside:
        """The state `time` (S,) after the start of the step, once that has been taken. Only of a dense integrator."""
        raise NotImplementedError

    def release(self) -> None:
        """Give back the slopes of the stages after the step was taken, apart from those at its end and, if the flow
        keeps them as the previous ones, at its start."""
        self._recycle(1 if self.stages.flow.keeps_previous else 0)

    def discard(self) -> None:
        """Give back the slopes of the stages without taking the step; those of the start remain with its state."""
        self._recycle(self.stages.given if self.stages.flow.keeps_slopes else 0)

    def _recycle(self, first: int) -> None:
        stages = self.stages
        stages.flow.recycle(*stages.slopes[first : len(stages.displaced_by)])
        stages.slopes.clear()  # who still holds the step does not hold the arrays


class Integrator(Protocol):
    """A method that steps.

    name: as in INTEGRATORS; dense: whether its steps can `interpolate`, so that times to record need not end a step.
    """

    name: str
    dense: bool

    def error_order(self, state: State) -> int:
        """The order in tau of the estimated local error of a step from there."""
        ...

    def step(self, flow: Flow, state: State, tau: np.ndarray, *, errors: bool) -> Step:
        """Propose a step of length tau (S,) from the state, which is not changed. errors: whether the step estimates
        its local error."""
        ...


def apply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Matrix-vector products (S, n) of (S, n, n) and (S, n)."""
    product: np.ndarray = (matrices @ vectors[:, :, None])[:, :, 0]
    return product


def row_sums(array: np.ndarray) -> np.ndarray:
    """Sums over the last axis, whose rounding does not depend on the other axes."""
    sums: np.ndarray = np.ascontiguousarray(array).sum(-1)
    return sums
