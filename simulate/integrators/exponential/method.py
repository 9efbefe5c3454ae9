"""The default: a fourth-order exponential method along the path of the flow.

The stiff part of the flow acts through r in R^n alone: dh_i/dt = -c_i G (sigma'(h_i) * r), dr/dt = -speed H r. Both r
and its integrals against the slopes S(t) = sigma'(h(t)) are known in closed form (residual.py) once S and H are
polynomials in the path length. These are parabolas through the start of the step before, the start, and a node: halfway
to the second node for the stage there, and the second node for the step itself, which lies where the interpolation
error integrates to zero. Without a step before, as at first, or where sigma' jumps and the past tells nothing, lines
through the start and a node take their place: Heun's nodes 1/3 and 2/3, and order 3.
"""

from __future__ import annotations

import numpy as np

from simulate.field.flow import Drive, Flow, Stages
from simulate.integrators.base import Point, Step, apply
from simulate.integrators.exponential.residual import MOMENTS, along_path, times_at, weigh


class Exponential:
    """See the module."""

    name = "exponential"
    dense = True

    def error_order(self, point: Point) -> int:
        """The embedded error of a step from there is of this order in tau."""
        return 3 if point.past is None else 4

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step:
        """One step of length tau (S,) from `point`: two evaluations besides the point's own."""
        residual = _Residual(flow, point)
        times = np.empty((2, len(tau)))
        times_at(residual.rates, residual.modes, tau, point.behind, times)
        stages = Stages(flow, point.h, point.slope, point.past)
        second = stages.evaluate(residual.bent(times[0]).drive())
        parabola = residual.bent(times[1], second.slope_gram, times[0])
        # The error needs the second stage to the end and the start can be computed again; without it, it is done with.
        third = stages.evaluate(parabola.drive(), instead_of=0 if errors else stages.given)
        bent = residual.bent(tau, third.slope_gram, times[1])
        step = _Along(stages, bent.drive(skip=1), bent.length, bent.dissipated, evaluations=2)
        step.predicted, step.part, step.tau = bent.end, bent, tau
        if errors:
            low = residual.bent(tau, second.slope_gram, times[0]).drive()
            known = [better - other for better, other in zip(step.final, low[:-1], strict=False)]  # type: ignore[operator]
            in_residual, step.movement_error = stages.size([*known, -low[-1], step.final[-1]])  # type: ignore[operator]
            step.residual_error = np.abs(in_residual) + np.abs(third.residual - parabola.end)
            if not flow.activation.smooth:  # no stage sees a kink that is crossed after the last of them
                at_end = stages.evaluate(step.final, last=True)
                step.residual_error += np.abs(at_end.residual - step.predicted)
                step.evaluations += 1
        return step


class _Along(Step):
    """A step that can tell the state at any time within it, once its end is known."""

    part: _Bent
    tau: np.ndarray

    def within(self, time: np.ndarray) -> tuple[Drive, np.ndarray, np.ndarray]:
        """From the end back to `time` (S,): S is the parabola in the path length through 0, the node and the end."""
        whole = self.part
        part = whole.residual.bent(time, whole.slope_gram, whole.node, at_node=whole.at_node)
        weights = np.empty((2, *part.weights.shape))
        for s in range(len(time)):
            places = np.array([0.0, whole.at_node[s], whole.length[s]])
            for k, bent in enumerate((part, whole)):
                weigh(bent.moments[s], bent.length[s], places, weights[k, :, s])
        start, middle, end = weights[0] - weights[1]
        none = [None] * (len(self.final) - 2)
        return (start, *none, middle, end), part.length, part.dissipated


class _Residual:
    """The residual from a point onwards, for S runs."""

    def __init__(self, flow: Flow, point: Point) -> None:
        self.flow, self.kernel, self.behind = flow, point.kernel, point.behind
        self.rates, self.basis = point.eigenvalues, point.eigenvectors
        self.modes = apply(self.basis.mT, point.residual)
        self.none, self.unknown = np.zeros(len(self.modes)), np.full(len(self.modes), -1.0)
        self.remembers = point.past_kernel is not None
        self.past = self.kernel if point.past_kernel is None else point.past_kernel - self.kernel

    def bent(
        self,
        tau: np.ndarray,
        slope_gram: np.ndarray | None = None,
        node: np.ndarray | None = None,
        *,
        at_node: np.ndarray | None = None,
    ) -> _Bent:
        """Over [0, tau], with the kernel that belongs to this slope Gram matrix at the time `node`, if there is one."""
        return _Bent(self, tau, slope_gram, node, at_node)


class _Bent:
    """The residual over [0, tau] (S,): at its end, the lengths of the path there and at the node, the integral of P."""

    def __init__(
        self,
        residual: _Residual,
        tau: np.ndarray,
        slope_gram: np.ndarray | None,
        node: np.ndarray | None,
        at_node: np.ndarray | None,
    ) -> None:
        self.residual, self.slope_gram, self.node = residual, slope_gram, node
        runs, n = residual.modes.shape
        change = residual.past if slope_gram is None else residual.flow.kernel(slope_gram) - residual.kernel
        self.moments, self.weights, self.end = np.empty((runs, MOMENTS, n)), np.empty((3, runs, n)), np.empty((runs, n))
        lengths = np.empty((3, runs))
        along_path(
            residual.rates,
            residual.basis,
            residual.modes,
            residual.past,
            residual.behind,
            change,
            residual.none if node is None else node,
            tau,
            residual.unknown if at_node is None else at_node,
            self.moments,
            self.weights,
            self.end,
            lengths,
        )
        self.length, self.at_node, self.dissipated = lengths

    def drive(self, skip: int = 0) -> Drive:
        """The displacement over the whole of it. skip: how many stages of this step come before that at the node."""
        start, past, node = self.weights
        known = [start, past] if self.residual.remembers else [start]
        return [*known, *[None] * skip, node] if self.node is not None else known
