"""The default: a third-order exponential Runge-Kutta method along the path of the flow.

The stiff part of the flow acts through r in R^n alone: dh_i/dt = -c_i G (sigma'(h_i) * r), dr/dt = -speed H r. Both r
and its integrals against the slopes S(t) = sigma'(h(t)) are known in closed form (residual.py) once S and H are
polynomials in the path length. Nodes 0, 1/3, 2/3 of the path of a step, as in Heun's third-order method: the
interpolation error of S at {0, 2/3} integrates to zero over the step.
"""

from __future__ import annotations

import numpy as np

from simulate.flow import Drive, Flow, Stages
from simulate.integrators.base import Point, Step, apply
from simulate.integrators.residual import along_path, free, times_at

SHARES = np.array([1 / 3, 2 / 3])


class Exponential:
    """See the module."""

    name = "exponential"
    error_order = 3
    dense = True

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step:
        """One step of length tau (S,) from `point`: two evaluations besides the point's own."""
        residual = _Residual(flow, point)
        times = np.empty((2, len(tau)))
        times_at(residual.rates, residual.modes, tau, SHARES, times)
        stages = Stages(flow, point.h, point.slope)
        second = stages.evaluate([residual.free(times[0])])
        bent = residual.bent(second.slope_gram, times[0])
        start, at_second = bent(times[1]).weights[:2]
        expected = bent.end
        # The error needs S2 to the end and S0 can be computed again; without it, S2 is done with.
        third = stages.evaluate((start, at_second), instead_of=0 if errors else 1)
        low_start, low_end = bent(tau).weights[:2]
        bent = residual.bent(third.slope_gram, times[1])
        start, end = bent(tau).weights[:2]
        step = _Along(stages, (start, None, end), bent.length, bent.dissipated, evaluations=2)
        step.predicted, step.part, step.tau, step.lengths = bent.end, bent, tau, (bent.length, bent.at_node)
        if errors:
            in_residual, step.movement_error = stages.size((start - low_start, -low_end, end))
            step.residual_error = np.abs(in_residual) + np.abs(third.residual - expected)
            if not flow.activation.smooth:  # no stage sees a kink that is crossed after the last of them
                at_end = stages.evaluate(step.final, last=True)
                step.residual_error += np.abs(at_end.residual - step.predicted)
                step.evaluations += 1
        return step


class _Along(Step):
    """A step that can tell the state at any time within it, once its end is known."""

    part: _Bent
    tau: np.ndarray
    lengths: tuple[np.ndarray, np.ndarray]  # of the path of the whole step, and up to the node 2/3

    def within(self, time: np.ndarray) -> tuple[Drive, np.ndarray, np.ndarray]:
        """From the end back to `time` (S,): S is the parabola in the path length through 0, 2/3 and the end."""
        whole, node = self.lengths
        whole_weights, weights = (self.part(t, at_node=node, at_last=whole).weights for t in (self.tau, time))
        start, middle, end = weights - whole_weights
        return (start, None, middle, end), self.part.length, self.part.dissipated


class _Residual:
    """The residual from a point onwards, for S runs."""

    def __init__(self, flow: Flow, point: Point) -> None:
        self.flow, self.kernel = flow, flow.kernel(point.slope_gram)
        self.rates, self.basis = point.eigenvalues, np.ascontiguousarray(point.eigenvectors)
        self.modes = apply(self.basis.mT, point.residual)

    def free(self, tau: np.ndarray) -> np.ndarray:
        """The integral of r over [0, tau] while the kernel stays as it is, (S, n)."""
        weights = np.empty_like(self.modes)
        free(self.rates, self.modes, tau, weights)
        return apply(self.basis, weights)

    def bent(self, slope_gram: np.ndarray, node: np.ndarray) -> _Bent:
        """With the kernel that belongs to this slope Gram matrix at the time `node`."""
        return _Bent(self, self.flow.kernel(slope_gram) - self.kernel, node)


class _Bent:
    """The same, with a kernel linear in the path length; what the last call found stays as attributes."""

    def __init__(self, residual: _Residual, change: np.ndarray, node: np.ndarray) -> None:
        self.residual, self.change, self.node = residual, change, node
        self.unknown, self.none = np.full(len(node), -1.0), np.zeros(len(node))

    def __call__(
        self, tau: np.ndarray, *, at_node: np.ndarray | None = None, at_last: np.ndarray | None = None
    ) -> _Bent:
        """Follow it over [0, tau] (S,)."""
        of, shape = self.residual, self.residual.modes.shape
        self.tau, self.weights, self.end = tau, np.empty((3, *shape)), np.empty(shape)
        lengths = np.empty((3, len(tau)))
        along_path(
            of.rates,
            of.basis,
            of.modes,
            self.change,
            tau,
            self.node,
            self.unknown if at_node is None else at_node,
            self.none if at_last is None else at_last,
            self.weights,
            self.end,
            lengths,
        )
        self.length, self.at_node, self.dissipated = lengths
        return self
