"""A run: a trajectory and, where there is one, the guarantee that it is tested against."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from bounds import Certificate, Guarantee, certify
from bounds.checks import instance
from bounds.rounding import rounded
from simulate import Network, Trajectory

SMALLEST_ROOT = 1e-300  # added to a square root that is divided by, so that 0/0 is 0


@dataclass(frozen=True, eq=False, repr=False)
class Run(Trajectory):
    """What claims and conjectures are functions of: every field of `simulate.Trajectory`, and a guarantee.

    Made by `Run.of(trajectory, guarantee)`. So `run.loss`, `run.time`, `run.problem` and all others are typed fields,
    whose shapes the docstring of Trajectory gives, and `dataclasses.replace(run, loss=...)` makes a changed run.
    `network` is the initial network, `certificate` what is proved about it.

    guarantee: the width, scale and rate promised before the network was drawn; None where nothing was promised.

    Raises ArgumentError where `guarantee` is neither a Guarantee nor None.
    """

    guarantee: Guarantee | None = None

    def __post_init__(self) -> None:
        if self.guarantee is not None:
            instance("guarantee", self.guarantee, Guarantee, "Use what bounds.guarantee returns.")

    @classmethod
    def of(cls, trajectory: Trajectory, guarantee: Guarantee | None = None) -> Run:
        """The run of a trajectory: what `simulate.gradient_flow` or `gradient_descent` returns, with its guarantee.

        Raises ArgumentError for anything but a Trajectory, and a Guarantee or None.
        """
        instance("trajectory", trajectory, Trajectory, "Use what simulate.gradient_flow returns.")
        measured = {field.name: getattr(trajectory, field.name) for field in fields(Trajectory)}
        return cls(**measured, guarantee=guarantee)

    @property
    def network(self) -> Network:
        """The initial network."""
        return self.initial

    @cached_property
    def certificate(self) -> Certificate:
        """The best certificate of the initial network."""
        return certify(self.problem, self.network.H, signs=self.network.signs)

    def plot(self, ax: Any = None, certified: bool = True, *, lazy: bool = False) -> Any:
        """As Trajectory.plot, and the curve that was promised before the network was drawn, where there is one."""
        axes = super().plot(ax, certified, lazy=lazy)
        if certified and self.guarantee is not None and self.guarantee.rate > 0:
            from bounds.pictures.loss import draw_bound
            from bounds.pictures.style import PROMISED

            promised = self.guarantee
            label = f"promised with probability {1 - promised.delta:.4g}, rate {rounded(promised.rate, 'down')}"
            draw_bound(axes, 0.0, float(self.time[-1]), float(self.loss[0]), promised.rate, label, **PROMISED)
            axes.legend()
        return axes

    def loss_root_error(self) -> np.ndarray:
        """The error of sqrt(L), (T,), from that of the loss: an error e of L is at most sqrt(e) of its root."""
        return self.error / np.maximum(np.sqrt(self.loss), np.sqrt(self.error) + SMALLEST_ROOT)

    def loss_root_drop(self) -> tuple[np.ndarray, np.ndarray]:
        """(sqrt(L^0) - sqrt(L^t), its error), each (T,)."""
        roots = np.sqrt(self.loss)
        error = self.loss_root_error()
        return roots[0] - roots, error + error[0]

    def loss_ratio_log(self) -> tuple[np.ndarray, np.ndarray]:
        """(log(L^0/L^t), its error), each (T - 1,): the first save point is left out.

        The error is infinite once the loss is below its own numerical error.
        """
        first, loss = self.loss[0], self.loss[1:]
        first_error, error = self.error[0], self.error[1:]
        with np.errstate(all="ignore"):
            value = np.log(first / loss)
            later = np.where(error < loss, -np.log1p(-error / loss), np.inf)
            at_start = -np.log1p(-min(first_error / first, 1.0)) if first > 0 else np.inf
        return value, later + at_start
