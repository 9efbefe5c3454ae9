"""The reference: Dormand and Prince's explicit pair 5(4). Slow where H is stiff, but it knows nothing of the structure
that the default exploits, so agreement between the two says something."""

from __future__ import annotations

import numpy as np

from simulate.field.flow import Flow, Stages
from simulate.integrators.base import Point, Step, apply, row_sums

_A = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
_ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


class RungeKutta:
    """See the module. A rate is -beta c G (r * S), so a combination of rates is a displacement by combined weights."""

    name = "runge-kutta"
    dense = False

    def error_order(self, point: Point) -> int:
        """The same from everywhere."""
        return 5

    def step(self, flow: Flow, point: Point, tau: np.ndarray, *, errors: bool) -> Step:
        """One step of length tau (S,) from `point`; the path length is integrated along with the state."""
        residuals, powers = [], []

        def add(residual: np.ndarray, slope_gram: np.ndarray) -> None:
            residuals.append(tau[:, None] * residual)
            powers.append(np.maximum((residual * apply(flow.kernel(slope_gram), residual)).sum(1), 0.0))

        def combined(row: tuple[float, ...]) -> list[np.ndarray | None]:
            return [weight * r if weight else None for weight, r in zip(row, residuals, strict=False)]

        stages = Stages(flow, point.h, point.slope)
        add(point.residual, point.slope_gram)
        for row in _A:
            totals = stages.evaluate(combined(row))
            add(totals.residual, totals.slope_gram)
        weights, power = tau[:, None] * np.array(_A[-1]), np.stack(powers[:6], axis=1)
        path, dissipated = row_sums(weights * np.sqrt(power)), row_sums(weights * power)
        step = Step(stages, combined(_A[-1]), path, dissipated, evaluations=6)
        if errors:
            step.residual_error, step.movement_error = stages.size(combined(_ERROR))
        return step
