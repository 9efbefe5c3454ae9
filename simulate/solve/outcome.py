"""How a run ends, and what the ring asks of those who save it on the way."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.solve.saved_fields import Fields

Progress = Callable[[float, float, int, float], None]  # called with time, loss, number of steps, step length
Saved = dict[str, np.ndarray]  # all that a run needs to go on as if nothing had happened


class Status(enum.Enum):
    """Why a run ended; the text names the remedy where there is something to mend."""

    LOSS_REACHED = "the loss reached loss_ratio times its initial value"
    TIME_REACHED = "t_max was reached before loss_ratio; raise t_max to go on"
    STEPS_DONE = "all steps of descent were taken"
    PRECISION_REACHED = "the residual is at the rounding level of the dtype; a smaller loss needs float64"
    STEP_LIMIT = "max_steps was reached; raise max_steps or rtol, or lower t_max"
    STEP_UNDERFLOW = "the step fell below the time's resolution; raise rtol"
    KINKS = "the step fell below the time's resolution at kinks (neurons slide along h = 0); raise rtol"
    DIVERGED = (
        "the state is not finite, or the loss has grown beyond all bounds; lower the step of descent, or the scale"
    )
    DEAD = "every neuron's slope is zero at every data point, so nothing moves any more; lower the step, or the scale"


@dataclass(frozen=True)
class RunStatistics:
    """steps: accepted; rejected; evaluations of sigma on all m x n entries, apart from those that only save memory;
    seconds of wall clock until the end of the run (which others may have shared)."""

    steps: int
    rejected: int
    evaluations: int
    seconds: float


@dataclass(frozen=True)
class Outcome:
    """How one run ended. h: (rows, m); detail: where and when, if it is not finite."""

    h: Array
    status: Status
    stats: RunStatistics
    detail: str = ""


class Checkpoints(Protocol):
    """Where the state of a run is saved.

    resuming: whether to go on from what an earlier run has saved; seconds: how long that run took.
    """

    resuming: bool
    seconds: float

    def read(self, wanted: Fields, ends: Mapping[str, float]) -> Saved:
        """What the earlier run has saved. Raises DataError naming the array that is missing or not as it should be.

        wanted: its arrays, each with kind and shape; ends: the largest number that an array may hold, by name.
        """
        ...

    def offer(self, state: Callable[[], Saved]) -> None:
        """Between two steps: save if it is time; raise if the run was interrupted. Calls `state` only if it saves."""
        ...

    def write(self, state: Callable[[], Saved]) -> None:
        """Save now, at the end of a run."""
        ...

    def call(self, function: Callable[[], object]) -> None:
        """Call a function of the user's, who may interrupt it."""
        ...


def non_finite(flow: Flow, h: Array, time: float) -> str:
    """Where and when a run (rows, m) stopped being finite, as a sentence."""
    values = flow.arrays.fetch(h[: flow.n])
    bad = np.argwhere(~np.isfinite(values.T))
    i, a = bad[0] if len(bad) else (0, 0)
    found = reduction.everyone(np.array([len(bad), flow.first + i, a, values[a, i]]))
    found = found[found[:, 0] > 0]
    if not len(found):
        return f"by time {time:.6g} the output overflows, though every pre-activation is finite"
    _, i, a, value = found[0]
    return f"by time {time:.6g} the pre-activation of neuron {i:.0f} at data point {a:.0f} is {value}"
