"""What a run returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bounds.activation.base import Interval
from bounds.errors import ArgumentError, LinrateError
from bounds.kernel_flow import kernel_flow
from bounds.neurons import Neurons
from bounds.presented import Facts, Portable, Presented
from bounds.problem import Problem
from bounds.rounding import rounded
from bounds.text import printable
from simulate.falling import falling_states
from simulate.field.chunks import Share
from simulate.field.reduction import deal, exchange, largest, total
from simulate.network import Network, in_papers_scaling, regression_of, sample_network, scaling_of, test_inputs
from simulate.solve.outcome import RunStatistics, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, repr=False)
class Trajectory(Presented, Portable):
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
    last_layer_movement (T,): root mean square of c_i - c_i^0 over the neurons, None where the last layer is fixed;
    where it is trained, mean_square_slope is that of (c_i/scale) sigma'(h_i(x_a)), and H has a part of the last layer
    (simulate/field/last_layer.py);
    error (T,): estimated numerical error of loss; errors: that of every observable, by name, in the observable's shape.
    initial, final: the networks there; of a run that processes share, the neurons of this process.
    detail: where and when the state stopped being finite, that a step of descent was beyond the limit of stability, how
    many neurons went another way, if any did where kinks are followed as events, and that a random embedding is not
    drawn. made_by: the function that made the run, by which `plot` follows its flow again. share: how its neurons are
    cut into blocks, and which of them are here.
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
    last_layer_movement: np.ndarray | None = None
    detail: str = ""
    made_by: Callable[..., Any] | None = None
    share: Share | None = None

    _not_in_dict = ("initial", "final", "made_by", "share")  # networks of m x n numbers, and a function

    def _headline(self) -> str:
        return (
            f"{self.problem.name}, m={self.width}, scale={self.scale:g}, seed={self.seed}, {self.integrator}:"
            f" loss {self.loss[0]:.4g} -> {self.loss[-1]:.4g} at t={self.time[-1]:.4g}, {self.status.name}"
        )

    def _facts(self) -> Facts:
        final_error = f"{rounded(float(self.loss[-1]))} +- {rounded(float(self.error[-1]), 'up', 2)}"
        return {
            "problem": self.problem._headline(),
            "width m": str(self.width),
            "scale": f"{self.scale:g}",
            "initialisation": f"{self.init}, seed {self.seed}, scaling {self.scaling!r}",
            "integrator": f"{self.integrator}, {self.dtype} on {self.device}, {self.stats.steps} steps",
            "loss at the start": rounded(float(self.loss[0])),
            "loss at the end": final_error,
            "time at the end": rounded(float(self.time[-1])),
            "mean movement of features": rounded(float(np.mean(self.movement[-1]))),
            "why it ended": self.ending,
        }

    @property
    def ending(self) -> str:
        """Why the run ended, in words, and what else is to be known of it."""
        return f"{self.status.value}; {self.detail}" if self.detail else self.status.value

    @property
    def error(self) -> np.ndarray:
        """Estimated numerical error of loss, (T,)."""
        return self.errors["loss"]

    def predict(self, X: Any) -> np.ndarray:
        """f at the rows of X (k, d) at the end of the run, (k,): what `X_test=X` would have given as the last row of
        test_output, without following these points through the run.

        They move with the training points, h(x) = h^0(x) + G(x, X) G^+ (h - h^0), whose rounding is magnified by up to
        1/lambda_min(G), over the nonzero eigenvalues. Raises ArgumentError for a run that began from a given network,
        whose h^0(x) is not known.
        """
        if self.seed is None:
            raise ArgumentError(
                "predict needs the initial pre-activations at X, which are known for a network that was drawn by its"
                " seed. Pass X_test, and a network with H_test, to gradient_flow or gradient_descent."
            )
        if self.final.width != self.width:
            raise ArgumentError(
                f"predict needs all {self.width} neurons, of which this process has {self.final.width}. Pass X_test to"
                " gradient_flow or gradient_descent, which shares that work too."
            )
        inputs = test_inputs(self.problem, X)
        start = sample_network(
            self.problem,
            width=self.width,
            scale=self.scale,
            seed=self.seed,
            init=self.init,
            scaling=self.scaling,
            X_test=inputs,
        )
        assert start.H_test is not None
        H = start.H_test + (self.final.H - start.H) @ regression_of(self.problem, inputs).T
        alpha = scaling_of(self.scaling, self.width).alpha
        f: np.ndarray = alpha / self.width * (self.final.signs @ self.problem.activation.value(H))
        return f

    def neurons(self) -> Neurons:
        """The final network for a certificate: `bounds.certify(run.problem, run.neurons(), signs=run.final.signs)`.

        Where processes share the network, all of them call that, and each adds up its own neurons: all get the
        certificate of the whole network, whose digits do not depend on how many they are. (The last ones may differ
        from those of a certificate for the array `final.H`, whose neurons are added all at once.) Raises ArgumentError
        for another scaling than the paper's, about which a certificate says nothing, and where this process has a part
        of the network only and no longer shares it with others.
        """
        if self.scaling != "ours":
            raise ArgumentError(f"a certificate is about the paper's scaling, 'ours'. Found {self.scaling!r}.")
        H = np.asarray(self.final.H, dtype=np.float64)
        if len(H) != self.width and exchange() is None:
            raise ArgumentError(
                f"{len(H)} of {self.width} neurons are here; those who have the others share the network no more."
                " Ask for them within simulate.processes.shared(), in all processes: docs/cluster.md shows how."
            )
        blocks = [(0, len(H))] if self.share is None else deal(self.share).ranges.tolist()
        return Neurons(H, self.width, blocks, lambda partial: total(partial)[0], largest)

    def plot(self, ax: Any = None, certified: bool = True, *, lazy: bool = False) -> Any:
        """Draw the loss on a log scale with a band of its numerical error; returns the axes.

        certified: also the curve L^s exp(-rate (t - s)) from the first time s on at which a formula certifies it;
        unless that is the start, the flow is followed once more. A run in another scaling is certified as the same flow
        in the paper's, at another scale and clock. Where no theorem speaks of the run, the legend says why. lazy: also
        the lazy flow at infinite width (bounds.kernel_flow). ax: axes of matplotlib; None for those of a new figure.

            run = simulate.gradient_flow(problem, width=1024, t_max=50.0)
            run.plot().figure.savefig("run.pdf")

        Raises ArgumentError where `ax` is no axes, AssumptionError where matplotlib is not installed.
        """
        from bounds.pictures.loss import draw_measured
        from bounds.pictures.style import on_axes

        with on_axes(ax) as axes:
            draw_measured(axes, self.time, self.loss, self.error)
            if lazy:
                self._draw_lazy(axes)
            if certified:
                self._draw_certified(axes)
            axes.set_title(f"{printable(self.problem.name)}, m = {self.width}, scale {self.scale:g}")
            axes.legend()
        return axes

    def _draw_certified(self, axes: Any) -> None:
        """The certified curve, or why there is none."""
        from bounds.pictures.loss import draw_certified, draw_nothing_certified

        start, speed = in_papers_scaling(self.initial, self.scaling)
        if self.made_by is None or self.integrator == "descent":
            draw_nothing_certified(axes, "certificates are for gradient flow")
        elif self.initial.width != self.width:
            draw_nothing_certified(axes, "processes share the neurons")
        elif self.problem.last_layer and speed != 1:
            draw_nothing_certified(axes, f"a last layer trained in scaling {self.scaling!r}")
        else:
            clock = (float(self.problem.n) if self.options.get("loss") == "mean" else 1.0) / speed
            end = float(self.time[-1])
            states = falling_states(self.made_by, self.problem, start, end / clock, self.device)
            draw_certified(axes, self.problem, states, end, clock)

    def _draw_lazy(self, axes: Any) -> None:
        """The lazy flow at the times of the run, where there is one for its activation."""
        try:
            clock = self.problem.n if self.options.get("loss") == "mean" else 1
            kernel_flow(self.problem, self.time / clock, scale=self.scale)._draw(axes, clock)
        except LinrateError:
            axes.plot([], [], " ", label="no lazy flow in closed form")

    def to_frame(self) -> pd.DataFrame:
        """One row per save point; vectors over the data are spread into columns name_0, name_1, ..."""
        import pandas as pd

        columns: dict[str, np.ndarray] = {"time": self.time, "loss": self.loss, "loss_error": self.error}
        scalars = ("path_length", "power", "kernel_min_eig", "kernel_max_eig", "sliding", "other_side")
        for name in (*scalars, "last_layer_movement"):
            if getattr(self, name) is not None:
                columns[name] = getattr(self, name)
        for name in ("output", "movement", "movement_max", "active_fraction", "mean_square_slope", "test_output"):
            values = getattr(self, name)
            for a in range(0 if values is None else values.shape[1]):
                columns[f"{name}_{a}"] = values[:, a]
        return pd.DataFrame(columns)
