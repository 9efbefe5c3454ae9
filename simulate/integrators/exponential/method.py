"""The default: a fourth-order exponential method along the path of the flow.

The stiff part of the flow acts through r in R^n alone: dh_i/dt = -c_i G (sigma'(h_i) * r), dr/dt = -speed Theta r. Both
r and its integrals against the slopes S(t) = sigma'(h(t)) are known in closed form (residual.py) once S and Theta are
polynomials in the path length. These are parabolas through the start of the step before, the start, and a node: halfway
to the second node for the stage there, and the second node for the step itself, which lies where the interpolation
error integrates to zero. Without a step before, as at first, or where sigma' jumps and the past says nothing, lines
through the start and a node take their place: Heun's nodes 1/3 and 2/3, and order 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Flow
from simulate.field.model import Coefficients
from simulate.field.stages import Stages
from simulate.integrators.base import FromStages, Inside, Saves, StagedStep, Step
from simulate.integrators.exponential.path_length import MOMENTS, node_times, path_weights
from simulate.integrators.exponential.residual import along_path
from simulate.integrators.state import State


class Exponential(FromStages):
    """The exponential method along the path; the module describes it."""

    name = "exponential"
    dense = True

    def error_order(self, state: State) -> int:
        """4 if the slopes of the step before are known, else 3."""
        return 3 if state.previous is None else 4

    def step(self, flow: Flow, state: State, tau: np.ndarray, *, errors: bool, saves: Saves | None = None) -> Step:
        """See Integrator.step. Two evaluations besides that of the state."""
        model = ResidualModel(flow, state)
        times = model.node_times(tau)
        stages = Stages(flow, state.h, state.slopes, None if state.previous is None else state.previous.slopes)
        # The stage at the first node, by the kernel at the start and before it.
        first_stage = stages.evaluate(model.path(times[0]).coefficients())
        # The stage at the second node. The step itself no longer needs the first stage, but the error estimate does; it
        # gives up the slopes at the start instead, which can be computed again without a displacement.
        to_second = model.path(times[1], first_stage.slope_gram, times[0])
        reuse = 0 if errors else stages.given
        second_stage = stages.evaluate(to_second.coefficients(), reuse=reuse)
        # The step itself.
        path = model.path(tau, second_stage.slope_gram, times[1])
        coefficients, evaluations = path.coefficients(skip=1), 2
        estimates: list[Array] = []
        if errors:
            # The difference from the step of lower order, which uses the first node in place of the second, and the
            # difference between the residual found at the second node and the one expected there.
            low = model.path(tau, first_stage.slope_gram, times[0])
            known = stages.given  # the slopes at the start and, if known, before it
            difference = [*(path.weights[:known] - low.weights[:known]), -low.weights[2], path.weights[2]]
            change, movement_error = stages.displacement_sizes(difference)
            residual_error = abs(change) + abs(second_stage.residual - to_second.end)
            if not flow.activation.smooth:
                # No stage has seen a kink that is crossed after the last of them, so the end is evaluated too.
                at_end = stages.evaluate(coefficients, last=True)
                residual_error += abs(at_end.residual - path.end)
                evaluations += 1
            estimates = [residual_error, movement_error]
        length, dissipated, predicted, *estimates = flow.small.fetch_together(
            path.length, path.dissipated, path.end, *estimates
        )
        return ExponentialStep(
            flow=flow,
            stages=stages,
            coefficients=coefficients,
            length=length,
            dissipated=dissipated,
            evaluations=evaluations,
            predicted=predicted,
            residual_error=estimates[0] if errors else None,
            movement_error=estimates[1] if errors else None,
            path=path,
        )


@dataclass(frozen=True, kw_only=True)
class ExponentialStep(StagedStep):
    """A step that knows the states within it. path: the residual over the step."""

    path: ResidualPath

    def inside(self, time: np.ndarray) -> Inside:
        """The state `time` (S,) after the start of the step, once that has been taken.

        The slopes inside the step are the parabola in the path length through those at its start, node and end.
        """
        whole = self.path
        part = whole.model.path(time, whole.slope_gram, whole.node, length_at_node=whole.length_at_node)
        # Integrals of r against the Lagrange polynomials of the parabola, until `time` and over the whole step.
        places = whole.length_at_node, whole.length
        start, middle, end = part.weights_of(*places) - whole.weights_of(*places)
        unused = [None] * (len(self.coefficients) - 2)
        h, evaluation = self.stages.displaced((start, *unused, middle, end))
        state = State.of(self.flow, h, evaluation, None)
        return Inside(state, *self.flow.small.fetch_together(part.length, part.dissipated))


class ResidualModel:
    """How the method models the residual from a state onwards: r' = -K(s) r with K a polynomial in the path length.

    rates (S, n), basis (S, n, n): eigenvalues and eigenvectors of the kernel K0 = speed Theta at the state; modes
    (S, n): r in that basis; there (2, S, n): rates and modes, where the matrices are, if that is not on the CPU;
    previous_change (S, n, n): the kernel at the start of the step before minus K0;
    previous_length (S,): of the path since then, 0 if there is none.
    """

    def __init__(self, flow: Flow, state: State) -> None:
        self.flow, self.kernel = flow, state.kernel
        self.rates, self.basis = state.eigenvalues, state.eigenvectors
        self.modes = state.modes()
        self.there = None if flow.small.numpy else flow.small.put(np.stack([self.rates, self.modes]))
        self.zeros, self.unknown = np.zeros(len(self.modes)), np.full(len(self.modes), -1.0)
        self.has_previous = state.previous is not None
        # Without a step before these are placeholders: the length 0 says that they do not count.
        self.previous_change, self.previous_length = self.kernel, self.zeros
        if state.previous is not None:
            self.previous_change = state.previous.kernel - self.kernel
            self.previous_length = state.previous.length

    def node_times(self, tau: np.ndarray) -> np.ndarray:
        """(2, S): the times of the two nodes of a step of length tau (S,)."""
        times = np.empty((2, len(tau)))
        node_times(rates=self.rates, modes=self.modes, tau=tau, previous_length=self.previous_length, times=times)
        return times

    def path(
        self,
        tau: np.ndarray,
        slope_gram: Array | None = None,
        node: np.ndarray | None = None,
        *,
        length_at_node: Array | None = None,
    ) -> ResidualPath:
        """The residual over [0, tau] (S,).

        slope_gram (S, n, n), node (S,): the slope Gram matrix at a node and the time of it, if there is a node;
        length_at_node (S,): of the path until then, if it is known already.
        """
        return ResidualPath(self, tau, slope_gram, node, length_at_node)


class ResidualPath:
    """The residual of S runs over [0, tau] (S,).

    end (S, n): r at tau; length, length_at_node (S,): of the path at tau and at the node; dissipated (S,): the integral
    of P; moments (S, MOMENTS, n): integrals of r (path/length)^k; weights (3, S, n): integrals of r against the
    Lagrange polynomials of the start, the step before and the node. All are arrays of the kind Flow.small.
    """

    moments: Array
    weights: Array
    end: Array
    length: Array
    length_at_node: Array
    dissipated: Array

    def __init__(
        self,
        model: ResidualModel,
        tau: np.ndarray,
        slope_gram: Array | None,
        node: np.ndarray | None,
        length_at_node: Array | None,
    ) -> None:
        self.model, self.slope_gram, self.node = model, slope_gram, node
        if model.there is not None:
            self._of_tensors(model, tau, length_at_node)
            return
        runs, n = model.modes.shape
        self.moments, self.weights, self.end = np.empty((runs, MOMENTS, n)), np.empty((3, runs, n)), np.empty((runs, n))
        lengths = np.empty((3, runs))
        along_path(
            rates=model.rates,
            basis=model.basis,
            modes=model.modes,
            previous_change=model.previous_change,
            previous_length=model.previous_length,
            # Without a node the change there does not count: the time 0 says so.
            change=model.previous_change if slope_gram is None else model.flow.kernel(slope_gram) - model.kernel,
            node=model.zeros if node is None else node,
            tau=tau,
            length_at_node=model.unknown if length_at_node is None else length_at_node,
            moments=self.moments,
            weights=self.weights,
            end=self.end,
            lengths=lengths,
        )
        self.length, self.length_at_node, self.dissipated = lengths

    def _of_tensors(self, model: ResidualModel, tau: np.ndarray, length_at_node: Array | None) -> None:
        """What __init__ finds, where the matrices are."""
        from simulate.integrators.exponential import on_tensors

        assert model.there is not None
        found = on_tensors.along_path(
            model.flow.small,
            rates=model.there[0],
            basis=model.basis,
            modes=model.there[1],
            tau=tau,
            previous_change=model.previous_change if model.has_previous else None,
            previous_length=model.previous_length,
            change=None if self.slope_gram is None else model.flow.kernel(self.slope_gram) - model.kernel,
            node=self.node,
            length_at_node=length_at_node,
        )
        self.moments, self.weights, self.end = found.moments, found.weights, found.end
        self.length, self.length_at_node, self.dissipated = found.length, found.length_at_node, found.dissipated

    def weights_of(self, middle: Array, end: Array) -> Array:
        """(3, S, n): integrals of r against the Lagrange polynomials of the start and two places (S,) in the path."""
        small = self.model.flow.small
        if not small.numpy:
            from simulate.integrators.exponential import on_tensors

            return on_tensors.path_weights(self.moments, self.length, middle, end.clamp(min=2 * on_tensors.NEAR))
        places = np.stack([np.zeros_like(end), middle, end], 1)
        weights = np.empty(self.weights.shape)
        for s in range(len(places)):
            path_weights(moments=self.moments[s], length=self.length[s], places=places[s], weights=weights[:, s])
        return weights

    def coefficients(self, skip: int = 0) -> Coefficients:
        """Of the displacement from the start to tau. skip: how many stages of the step come before that at the node."""
        start, previous, node = self.weights
        known = [start, previous] if self.model.has_previous else [start]
        return [*known, *[None] * skip, node] if self.node is not None else known
