"""How long a step may be: the first one, the tolerance that each must meet, and the rule for the next one."""

from __future__ import annotations

import numpy as np

from simulate.integrators.base import Step
from simulate.integrators.state import State
from simulate.solve.step_sums import error_ratios, quarter_times

SAFETY = 0.9  # of the step for which the estimated error would be just what is allowed
SHRINK, GROW = 0.2, 5.0  # the least and the largest factor between a step and the next
AT_FLOOR = 4  # roundings of |r| within which it counts as zero, as in step_sums.stop_reasons
SMALLEST_RATIO = 1e-12  # of the error to what is allowed: keeps the factor finite where the error is zero
STRETCH = 1.01  # a step is stretched by so much to reach a time exactly, rather than leave a tiny rest


def resolved(state: State, tau: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """(S,): tau, or the time in which the residual falls to a quarter if that is less. For runs of which every step is
    recorded: no step skips the decay. At the floor (S,), the rounding of r, nothing decays any more."""
    times = np.empty_like(tau)
    modes = state.modes()
    quarter_times(rates=state.eigenvalues, modes=modes, tau=tau, times=times)
    at_floor = (modes * modes).sum(1) <= (AT_FLOOR * floor) ** 2
    return np.where(at_floor, tau, times)


def attempt(time: np.ndarray, tau: np.ndarray, goal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(length, end), (S,) each, of an attempt from `time`: tau, but not beyond `goal`, a time to be hit exactly."""
    to_goal = ~(time + STRETCH * tau < goal)  # true too if tau is not a number
    length = np.where(to_goal, goal - time, tau)
    return length, np.where(to_goal, goal, time + length)


def error_ratio(
    step: Step, residual: np.ndarray, scales: np.ndarray, rtol: float, floor: np.ndarray, *, smooth: bool
) -> np.ndarray:
    """(S,): the step's estimated local error in units of what rtol allows; inf where it is not a number.

    residual (S, n): r at the start; scales (n,): see first_step; floor (S,): the rounding of r. Where slopes jump, each
    neuron that crosses a kink within a step is off by a part of its way, however small the step; such errors are of
    either sign, r sees their mean, and Theta only their square.
    """
    assert step.residual_error is not None
    assert step.movement_error is not None
    ratios = np.empty(len(residual))
    error_ratios(
        residual=residual,
        predicted=residual if step.predicted is None else step.predicted,
        in_residual=step.residual_error,
        in_movement=step.movement_error,
        scales=scales,
        rtol=rtol,
        floor=floor,
        power=1 if smooth else 2,
        ratios=ratios,
    )
    return ratios


def next_step(
    tau: np.ndarray, attempted: np.ndarray, ratio: np.ndarray, accepted: np.ndarray, order: int
) -> np.ndarray:
    """(S,): the step to try next.

    tau: the step that the last attempt was allowed; attempted: its length, which may be less, to hit a time; ratio: see
    error_ratio; order: of the local error in tau.
    """
    finite = np.isfinite(ratio)
    factor = SAFETY * np.maximum(np.where(finite, ratio, 1.0), SMALLEST_RATIO) ** (-1 / order)
    grown = attempted * np.minimum(GROW, factor)
    # An attempt that was cut short says nothing against the longer step.
    grown = np.where(attempted < tau, np.maximum(tau, grown), grown)
    shrunk = attempted * np.where(finite, np.maximum(SHRINK, factor), SHRINK)
    return np.where(accepted, grown, shrunk)
