"""A run: a trajectory with the problem and, where there is one, the guarantee that it is tested against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bounds import Certificate, Guarantee, Problem, certify
from bounds.checks import instance
from simulate import Network, Trajectory


@dataclass(frozen=True, eq=False)
class Run:
    """Everything of the Trajectory (run.loss, run.time, ...), and .problem, .network (initial), .guarantee."""

    trajectory: Trajectory
    guarantee: Guarantee | None = None

    def __post_init__(self) -> None:
        """Raises ArgumentError for anything but a Trajectory, and a Guarantee or None."""
        instance("trajectory", self.trajectory, Trajectory, "Use what simulate.gradient_flow returns.")
        if self.guarantee is not None:
            instance("guarantee", self.guarantee, Guarantee, "Use what bounds.guarantee returns.")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.trajectory, name)

    @property
    def problem(self) -> Problem:
        """The training set with its activation and embedding."""
        return self.trajectory.problem

    @property
    def network(self) -> Network:
        """The initial network."""
        return self.trajectory.initial

    @cached_property
    def certificate(self) -> Certificate:
        """The best certificate of the initial network."""
        return certify(self.problem, self.network.H, signs=self.network.signs)

    def loss_root_drop(self) -> tuple[np.ndarray, np.ndarray]:
        """(sqrt(L^0) - sqrt(L^t), its error), each (T,)."""
        roots = np.sqrt(self.trajectory.loss)
        # sqrt is steep at zero: an error e of L is at most sqrt(e) of its root.
        error = self.trajectory.error / np.maximum(roots, np.sqrt(self.trajectory.error) + 1e-300)
        return roots[0] - roots, error + error[0]

    def loss_ratio_log(self) -> tuple[np.ndarray, np.ndarray]:
        """(log(L^0/L^t), its error), each (T - 1,): the first save point is left out.

        The error is infinite once the loss is below its own numerical error.
        """
        loss, error = self.trajectory.loss[1:], self.trajectory.error[1:]
        first, first_error = self.trajectory.loss[0], self.trajectory.error[0]
        with np.errstate(all="ignore"):
            value = np.log(first / loss)
            relative = np.where(error < loss, -np.log1p(-error / loss), np.inf)
            own = -np.log1p(-min(first_error / first, 1.0)) if first > 0 else np.inf
        return value, relative + own
