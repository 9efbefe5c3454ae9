"""What a run returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.activation.base import Interval
from bounds.problem import Problem
from simulate.network import Network
from simulate.solve.outcome import RunStatistics, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Trajectory:
    """A run at its T save points.

    time (T,): flow time, or step * number for descent; loss (T,): L = 1/2 ||f - y||^2; output (T, n): f(x_a);
    active_fraction (T, n): share of neurons with h_i(x_a) in `interval`; mean_square_slope (T, n): q_a^2;
    path_length (T,): s, the integral of sqrt(-dL/dt); dissipated (T,): the integral of -dL/dt computed as
    scale^2 r'H r; power (T,): that integrand; movement (T, n): mean_i |h_i(x_a) - h_i^0(x_a)|; movement_rms and
    movement_max (T, n): its root mean square and its largest over the neurons;
    kernel_min_eig, kernel_max_eig (T,): extreme eigenvalues of H = tangent kernel / scale^2;
    test_output (T, k): f on X_test, None without; sliding (T,): how many neurons slide along a kink (h_i(x_a) at the
    kink, the field on both sides pointing at it), None for smooth activations; other_side (T,): how many neurons are
    somewhere else in the run with steps twice as long, by more than 0.1 sqrt(G_aa): near a kink that repels them,
    little decides on which side they go on, and halving the steps may not help;
    error (T,): estimated numerical error of loss; errors: the same for every other observable, by name.
    detail: where and when the state stopped being finite, where status is DIVERGED; else how many neurons went another
    way, if any did and kinks are followed as events.
    """

    problem: Problem
    width: int
    scale: float
    seed: int | None
    init: str
    scaling: str
    dtype: str
    device: str
    integrator: str
    interval: Interval
    time: np.ndarray
    loss: np.ndarray
    output: np.ndarray
    active_fraction: np.ndarray
    mean_square_slope: np.ndarray
    path_length: np.ndarray
    dissipated: np.ndarray
    power: np.ndarray
    movement: np.ndarray
    movement_rms: np.ndarray
    movement_max: np.ndarray
    kernel_min_eig: np.ndarray
    kernel_max_eig: np.ndarray
    errors: dict[str, np.ndarray]
    initial: Network
    final: Network
    status: Status
    stats: RunStatistics
    options: dict[str, Any] = field(default_factory=dict)
    X_test: np.ndarray | None = None
    test_output: np.ndarray | None = None
    sliding: np.ndarray | None = None
    other_side: np.ndarray | None = None
    detail: str = ""

    @property
    def error(self) -> np.ndarray:
        """Estimated numerical error of loss, (T,)."""
        return self.errors["loss"]

    def to_frame(self) -> pd.DataFrame:
        """One row per save point; vectors over the data are spread into columns name_0, name_1, ..."""
        import pandas as pd

        columns: dict[str, np.ndarray] = {"time": self.time, "loss": self.loss, "loss_error": self.error}
        for name in ("path_length", "power", "kernel_min_eig", "kernel_max_eig", "sliding", "other_side"):
            if getattr(self, name) is not None:
                columns[name] = getattr(self, name)
        for name in ("output", "movement", "movement_max", "active_fraction", "mean_square_slope", "test_output"):
            values = getattr(self, name)
            for a in range(0 if values is None else values.shape[1]):
                columns[f"{name}_{a}"] = values[:, a]
        return pd.DataFrame(columns)
