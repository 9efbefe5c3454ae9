"""What the integration loop is asked for, and the runs that it keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulate.field.flow import Flow
from simulate.solve.outcome import Progress
from simulate.solve.segment import Followed


@dataclass(frozen=True)
class LoopOptions:
    """What the runs are asked for: t_max, rtol, loss_ratio and max_steps as in gradient_flow, in the time of the flow.

    save_at: (T,) increasing times to record, or None for every step; progress: called after each attempt, about the
    first of the runs.
    """

    t_max: float
    rtol: float
    loss_ratio: float
    max_steps: int
    save_at: np.ndarray | None
    progress: Progress | None = None


@dataclass
class LoopState:
    """The counters of R runs, (R,) each.

    run: the number of the run; time; tau: the step to try next; steps: accepted, rejected; evaluations: of sigma at all
    neurons; saved: how many of save_at lie behind; unresolved: neurons whose kinks the fine run has not followed to the
    end of a step; target: the loss at which the run ends; floor: the rounding of |r|.
    """

    run: np.ndarray
    time: np.ndarray
    tau: np.ndarray
    steps: np.ndarray
    rejected: np.ndarray
    evaluations: np.ndarray
    saved: np.ndarray
    unresolved: np.ndarray
    target: np.ndarray
    floor: np.ndarray


@dataclass
class Runs:
    """The runs that are going: the flow of these alone, their counters, and both integrations of them."""

    flow: Flow
    state: LoopState
    coarse: Followed
    fine: Followed

    def select(self, keep: np.ndarray) -> Runs:
        """Some of them, copied; keep: their indices."""
        state = LoopState(**{f.name: getattr(self.state, f.name)[keep] for f in fields(LoopState)})
        return Runs(self.flow.select(keep), state, self.coarse.select(keep), self.fine.select(keep))
