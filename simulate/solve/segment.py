"""A step that was taken: its end, and the states inside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.field.flow import Flow
from simulate.integrators.base import Step
from simulate.integrators.state import State
from simulate.solve.step_sums import add_path


@dataclass
class Followed:
    """S runs at one time each, and what they have gone through until then.

    path (S, 3 + n): column 0 is the path length s, the integral of sqrt(-dL/dt); column 1 the integral of P, which is
    -dL/dt as the integrator reckons it; column 2 what s may be off because of kinks that no stage has seen (a slip);
    the other n columns such a slip of each entry of r.

    A step's share of s is scaled to the loss that was really lost, for at kinks the P of a one-sided slope overstates
    it. The integral of P itself is kept as it is, for equation (14) is tested against it. Slips in r decay as r does.
    """

    state: State
    path: np.ndarray

    @classmethod
    def at_start(cls, state: State) -> Followed:
        """Runs that have not moved."""
        runs, n = state.residual.shape
        return cls(state, np.zeros((runs, 3 + n)))

    def copy(self, flow: Flow) -> Followed:
        """A copy, in arrays of its own."""
        return Followed(self.state.copy(flow), self.path.copy())

    def select(self, keep: np.ndarray) -> Followed:
        """Some of the runs; keep: their indices."""
        return Followed(self.state.select(keep), self.path[keep])

    def overwrite(self, where: np.ndarray, by: Followed) -> None:
        """Overwrite some of the runs; where: their indices."""
        self.state.overwrite(where, by.state)
        self.path[where] = by.path


class Segment:
    """A step from `before` that has been taken, from the time start to the time until, each (S,); tau (S,): its length.

    end: the runs at its end. The state of `before` may be displaced in place, so only its residual, its kernel and its
    path may be read from now on.
    """

    def __init__(self, step: Step, before: Followed, start: np.ndarray, until: np.ndarray, tau: np.ndarray) -> None:
        self.step, self.before, self.start, self.until, self.tau = step, before, start, until, tau
        state = step.advance(before.state)
        self.slip = None if step.predicted is None else state.residual - step.predicted
        self.end = Followed(state, self._path(state, tau, step.length, step.dissipated, self.slip))

    def at(self, time: np.ndarray) -> Followed:
        """The runs at times (S,) inside the segment, whose states are new arrays. Only for a dense integrator."""
        tau = np.minimum(time - self.start, self.tau)
        inside = self.step.inside(tau)
        slip = self.slip
        if slip is not None and inside.predicted is not None:  # the larger of that at the end and that there
            here = inside.state.residual - inside.predicted
            larger = (here * here).sum(1) > (slip * slip).sum(1)
            slip = np.where(larger[:, None], here, slip)
        return Followed(inside.state, self._path(inside.state, tau, inside.length, inside.dissipated, slip))

    def _path(
        self, after: State, tau: np.ndarray, length: np.ndarray, dissipated: np.ndarray, slip: np.ndarray | None
    ) -> np.ndarray:
        """The path at a state tau (S,) after the start; length, dissipated (S,): what the step reckons until then; slip
        (S, n): how far r is from what was predicted."""
        flow, before, path = self.step.flow, self.before.state, self.before.path.copy()
        add_path(before=before.residual, after=after.residual, length=length, dissipated=dissipated, path=path)
        if flow.activation.smooth or slip is None:
            return path
        # Older slips in r have decayed by exp(-K tau); the new one is where r ended apart from the prediction.
        path[:, 3:] = slip + before.decayed(flow, path[:, 3:], tau)
        if self.step.follows_kinks:  # the slip is that of the residual alone: no kink was missed
            return path
        # A time dt at a kink that no stage saw costs slip = |dr/dt| dt in r and sqrt(P) dt <= |r| slip/sqrt(P) in s.
        modes = before.modes()
        root = np.sqrt((before.eigenvalues * modes * modes).sum(1))
        root[root <= 0] = np.inf
        path[:, 2] += np.linalg.norm(before.residual, axis=1) * np.linalg.norm(slip, axis=1) / root
        return path
