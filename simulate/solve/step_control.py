"""How long a step may be, and what an accepted one adds to the path."""

from __future__ import annotations

import math

import numpy as np

from simulate.field.flow import Flow
from simulate.integrators.base import Point, Step, apply
from simulate.solve.step_sums import add_path, error_ratios, quarter_times


class Leg:
    """An accepted step, taken: its end, and what the path is there. path (S, 3 + n): s, the integral of P, the
    slips in s, and those in r (n), which decay as r does.

    s integrates sqrt(-dL/dt), so the step's share is scaled to the loss that was really lost: at kinks the P of a
    one-sided slope overstates it. The integral of P itself is kept as it is, for equation (14) is tested against it.
    """

    def __init__(
        self,
        flow: Flow,
        step: Step,
        before: Point,
        path: np.ndarray,
        start: np.ndarray,
        until: np.ndarray,
        tau: np.ndarray,
    ) -> None:
        self.step, self.before, self.path_before = step, before, path
        self.start, self.until, self.tau = start, until, tau
        self.end = step.advance(before)
        self.path = _travelled(flow, step, before, path, self.end, tau, step.path, step.dissipated)

    def at(self, flow: Flow, time: np.ndarray) -> tuple[Point, np.ndarray]:
        """(the point, the path) at a time within it, (S,)."""
        tau = np.minimum(time - self.start, self.tau)
        drive, length, dissipated = self.step.within(tau)
        point = Point.of(flow, *self.step.stages.displaced(drive), None)
        return point, _travelled(flow, self.step, self.before, self.path_before, point, tau, length, dissipated)


def _travelled(
    flow: Flow,
    step: Step,
    before: Point,
    path: np.ndarray,
    after: Point,
    tau: np.ndarray,
    length: np.ndarray,
    dissipated: np.ndarray,
) -> np.ndarray:
    """The path after a step, or after the part of it until `after`; before it, it was `path`."""
    path = path.copy()
    add_path(before.residual, after.residual, length, dissipated, path)
    if flow.activation.smooth or step.predicted is None:
        return path
    assert step.arrived is not None
    basis, slip = before.eigenvectors, step.arrived - step.predicted
    path[:, 3:] = slip + apply(basis, np.exp(-before.eigenvalues * tau[:, None]) * apply(basis.mT, path[:, 3:]))
    # A time dt at a kink that no stage saw costs slip = |dr/dt| dt in r and sqrt(P) dt <= |r| slip/sqrt(P) in s.
    modes = apply(basis.mT, before.residual)
    root = np.sqrt((before.eigenvalues * modes * modes).sum(1))
    root[root <= 0] = np.inf
    path[:, 2] += np.linalg.norm(before.residual, axis=1) * np.linalg.norm(slip, axis=1) / root
    return path


def first_step(flow: Flow, point: Point, scales: np.ndarray) -> np.ndarray:
    """A step in which the neurons move by about a hundredth of their spread, if r stayed as it is, (S,)."""
    speed = flow.beta * flow.size * apply(np.abs(flow.gram)[None], np.abs(point.residual))
    fastest = (speed * float(flow.activation.Ls) / scales).max(1)
    return np.where(fastest > 0, 0.01 / np.where(fastest > 0, fastest, 1.0), math.inf)


def resolved(point: Point, tau: np.ndarray) -> np.ndarray:
    """tau, or the time in which the residual falls to a quarter: where every step is recorded, none skips the decay."""
    times = np.empty_like(tau)
    quarter_times(point.eigenvalues, apply(point.eigenvectors.mT, point.residual), tau, times)
    return times


def error_ratio(
    step: Step, residual: np.ndarray, scales: np.ndarray, rtol: float, floor: np.ndarray, *, smooth: bool
) -> np.ndarray:
    """The step's estimated local error in units of what rtol allows, (S,); inf where it is not a number.

    Where slopes jump, each neuron that crosses a kink within a step is off by a part of its way, however small the
    step; such errors are of either sign, r sees their mean, and H only their square.
    """
    assert step.residual_error is not None
    assert step.movement_error is not None
    ratios, predicted = np.empty(len(residual)), residual if step.predicted is None else step.predicted
    errors, power = (step.residual_error, step.movement_error), 1 if smooth else 2
    error_ratios(residual, predicted, *errors, scales, rtol, floor, power, ratios)
    return ratios
