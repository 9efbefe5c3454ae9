"""The reference: Dormand and Prince's explicit pair 5(4). Slow where Theta is stiff, but it knows nothing of the
structure that the default exploits, so agreement between the two says something."""

from __future__ import annotations

import numpy as np

from simulate.field.arrays import Array
from simulate.field.flow import Evaluation, Flow
from simulate.field.stages import Stages
from simulate.integrators.base import FromStages, Saves, StagedStep, Step
from simulate.integrators.state import State, apply

# Row k combines the rates of the stages 0..k into the state of stage k + 1; the last row is the fifth-order solution.
_A = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
# The difference between the solutions of order 5 and 4.
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


class RungeKutta(FromStages):
    """The pair of Dormand and Prince, order 5 with an embedded order 4.

    A rate is -beta c G (r * S), so a combination of rates is a displacement by combined weights.
    """

    name = "runge-kutta"
    dense = False

    def error_order(self, state: State) -> int:
        """5 from every state: the estimated error is that of the embedded solution of order 4, whose local error is
        O(tau^5)."""
        return 5

    def step(self, flow: Flow, state: State, tau: np.ndarray, *, errors: bool, saves: Saves | None = None) -> Step:
        """See Integrator.step. The path length is integrated along with the state: six more evaluations."""
        small = flow.small
        lengths = small.put(tau)[:, None]
        scaled_residuals: list[Array] = []  # tau r at each stage
        powers: list[Array] = []  # P = r'(speed Theta)r at each stage

        def add(here: State | Evaluation) -> None:
            residual = small.put(here.residual)
            scaled_residuals.append(lengths * residual)
            powers.append((residual * apply(flow.kernel(here.slope_gram), residual)).sum(1).clip(0.0))

        def combined(row: tuple[float, ...]) -> list[Array | None]:
            """Coefficients of the displacement that combines the rates of the stages by this row."""
            return [weight * r if weight else None for weight, r in zip(row, scaled_residuals, strict=False)]

        # The stages.
        stages = Stages(flow, state.h, state.slopes)
        add(state)
        for row in _A:
            add(stages.evaluate(combined(row)))
        # Integrals over the step of sqrt(P) and of P, with the weights of the solution.
        weights, power = lengths * small.put(np.array(_A[-1])), small.xp.stack(powers[:6], 1)
        lost = weights * power
        found = [(weights * small.xp.sqrt(power)).sum(-1), lost.sum(-1)]
        # The local error.
        found += stages.displacement_sizes(combined(_ERROR)) if errors else ()
        length, dissipated, *estimates = small.fetch_together(*found)
        residual_error, movement_error = estimates if errors else (None, None)
        return StagedStep(
            flow=flow,
            stages=stages,
            coefficients=combined(_A[-1]),
            length=length,
            dissipated=dissipated,
            evaluations=6,
            residual_error=residual_error,
            movement_error=movement_error,
        )
