"""What an integrator supplies: one step. The loop over steps is simulate/solve/loop.py, the step-size rule
simulate/solve/step_control.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.model import Coefficients
from simulate.field.stages import Stages
from simulate.integrators.state import Previous, State, apply

FIRST_MOVEMENT = 0.01  # of the neurons in the first step, in units of the spread of h


Saves = list[np.ndarray]


class Inside(NamedTuple):
    """A state inside a step. state: it, in arrays of its own; length (S,): of the path from the start of the step until
    then; dissipated (S,): the integral of P = -dL/dt until then; predicted (S, n): the residual that the method expects
    there, None if it expects none."""

    state: State
    length: np.ndarray
    dissipated: np.ndarray
    predicted: np.ndarray | None = None


@dataclass(frozen=True, kw_only=True)
class Step:
    """A proposed step of S runs, which is then either taken (`advance`) or discarded (`discard`).

    flow: of these runs; length (S,): of its path, the integral of sqrt(P); dissipated (S,): the integral of P = -dL/dt;
    evaluations: of sigma at all neurons, so far; predicted (S, n): the residual that the method expects at the end,
    None if it expects none; follows_kinks: whether every kink that is crossed is seen. If not, what is found at the end
    differs from what was predicted where a kink was crossed. unresolved (S,): neurons whose kinks were not all
    followed, None where no kinks are.

    residual_error, movement_error (S, n): estimates of the local error, in r and in the root mean square of h_a; None
    if they were not asked for.
    """

    flow: Flow
    length: np.ndarray
    dissipated: np.ndarray
    evaluations: int
    predicted: np.ndarray | None = None
    residual_error: np.ndarray | None = None
    movement_error: np.ndarray | None = None
    follows_kinks: bool = False
    unresolved: np.ndarray | None = None

    def advance(self, start: State) -> State:
        """Take the step from `start`: the state at its end. The h of `start` may be displaced in place."""
        raise NotImplementedError

    def inside(self, time: np.ndarray) -> Inside:
        """The state `time` (S,) after the start of the step, once that has been taken. Only of a dense integrator."""
        raise NotImplementedError

    def release(self, *, past: bool = True) -> None:
        """Give back what the step holds, after it was taken; past: the slopes of the step before, too."""

    def discard(self) -> None:
        """Give back what the step holds, without taking it."""


@dataclass(frozen=True, kw_only=True)
class StagedStep(Step):
    """A step whose end is a displacement by the slopes of stages.

    stages: what it was computed from; coefficients: of the displacement to its end.
    """

    stages: Stages
    coefficients: Coefficients

    def advance(self, start: State) -> State:
        """See Step.advance; h is displaced in place."""
        stages, flow = self.stages, self.flow
        slopes = flow.empty() if flow.keeps_slopes else None
        evaluation = stages.advance(self.coefficients, slopes=slopes)
        stages.slopes.append(slopes)  # the last stage: a state inside the step uses it
        previous = None
        if flow.keeps_previous:
            previous = Previous(start.slopes, start.kernel, self.length)
        return State.of(flow, stages.h, evaluation, slopes, previous)

    def release(self, *, past: bool = True) -> None:
        """Give back the slopes of the stages, apart from those at the end of the step and, if the flow keeps them as
        the previous ones, at its start; and unless `past` those of the step before it."""
        first = 1 if self.flow.keeps_previous else 0
        self._recycle(first if past else max(first, self.stages.given))

    def discard(self) -> None:
        """Give back the slopes of the stages; those of the start remain with its state."""
        self._recycle(self.stages.given if self.flow.keeps_slopes else 0)

    def _recycle(self, first: int) -> None:
        stages = self.stages
        self.flow.recycle(*stages.slopes[first : len(stages.displaced_by)])
        stages.slopes.clear()  # who still holds the step does not hold the arrays


class Integrator(Protocol):
    """A method that steps.

    name: as in INTEGRATORS; dense: whether its steps know the states `inside` them, so that times to record need not
    end a step; holds: whether it holds entries on kinks, so that its states have sides.
    """

    name: str
    dense: bool
    holds: bool

    def start(self, flow: Flow, h: Array) -> State:
        """The state at h (S, rows, m), where runs begin. h is not copied."""
        ...

    def first_step(self, flow: Flow, state: State, scales: np.ndarray) -> np.ndarray:
        """(S,): the step to try first. scales (n,): the spread of h_a."""
        ...

    def error_order(self, state: State) -> int:
        """The order in tau of the estimated local error of a step from there."""
        ...

    def step(self, flow: Flow, state: State, tau: np.ndarray, *, errors: bool, saves: Saves | None = None) -> Step:
        """Propose a step of length tau (S,) from the state, which is not changed. errors: whether the step estimates
        its local error. saves: of a dense integrator, for each run the times after the start, in increasing order and
        at most tau, at which it will be asked for the state inside the step: it may prepare for them."""
        ...


class FromStages:
    """What the methods have in common whose steps are made of stages."""

    holds = False

    def start(self, flow: Flow, h: Array) -> State:
        """See Integrator.start."""
        return State.at(flow, h)

    def first_step(self, flow: Flow, state: State, scales: np.ndarray) -> np.ndarray:
        """See Integrator.first_step: the neurons move by FIRST_MOVEMENT of their spread, if r stays as it is."""
        # |dh_a/dt| <= beta |c| sum_b |G_ab| |r_b| Ls
        speed = flow.beta * flow.scale * apply(np.abs(flow.gram)[None], np.abs(state.residual))
        fastest = (speed * float(flow.activation.Ls) / scales).max(1)
        return np.where(fastest > 0, FIRST_MOVEMENT / np.where(fastest > 0, fastest, 1.0), math.inf)
