"""The states of a flow at which its loss has fallen by a further factor: where a certificate is tried, one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bounds.problem import Problem
from simulate.network import Network
from simulate.solve.outcome import Status

FALL = 0.8  # the loss falls by this factor from one state to the next: the resolution of loss_ratio
LEAST = 1e-8  # no state is tried whose loss is below this share of the initial loss
RTOL = 1e-6  # relative tolerance of a step
DTYPE = "float64"

State = tuple[float, np.ndarray, np.ndarray]  # time, H (m, n), signs (m,)


def falling_states(
    flow: Callable[..., Any], problem: Problem, network: Network, t_max: float, device: str = "cpu"
) -> Iterator[State]:
    """The states of the flow from `network` at which the loss has fallen by a further factor FALL, and the start.

    Each is (time, H, signs). They end at t_max, at LEAST times the initial loss, or if the run stops early. flow:
    gradient_flow, by which they are computed, in the paper's scaling.
    """
    time = 0.0
    initial_loss = loss_of(problem, network.H, network.signs)
    while True:
        yield time, network.H, network.signs
        loss = loss_of(problem, network.H, network.signs)
        if not loss > LEAST * initial_loss or time >= t_max:
            return
        left = t_max - time
        run = flow(
            problem,
            network=network,
            t_max=left,
            loss_ratio=FALL,
            rtol=RTOL,
            dtype=DTYPE,
            device=device,
            save_at=[left],
        )
        if run.status not in (Status.LOSS_REACHED, Status.TIME_REACHED):
            return
        network = run.final
        time += float(run.time[-1])


def loss_of(problem: Problem, H: np.ndarray, signs: np.ndarray) -> float:
    """L of a network in the paper's scaling; H (m, n), signs (m,)."""
    return float(np.sum(np.square(problem.residual(H, signs))) / 2)
