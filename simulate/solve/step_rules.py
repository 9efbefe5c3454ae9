"""How long the next step of gradient descent is: a number, or a rule that looks at where the run is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

STABLE_SHARE = 0.5  # of the limit that the rules below allow themselves
FIRST_SHARE = 0.05  # of the limit, in the first step of the rule "residual"


@dataclass(frozen=True)
class DescentPoint:
    """Where a descent is, for a rule that chooses its next step.

    number: of steps taken; time: their sum; loss, first_loss: now and at the start; limit: 2/(largest eigenvalue of
    scale^2 H), H as in Trajectory: with longer steps the residual grows in that direction.
    """

    number: int
    time: float
    loss: float
    first_loss: float
    limit: float


StepRule = Callable[[DescentPoint], float]


def stable(point: DescentPoint) -> float:
    """Half of the limit of stability, as it is now."""
    return STABLE_SHARE * point.limit


def residual(point: DescentPoint) -> float:
    """A twentieth of the limit at first, growing as 1/||r|| up to half of it: no step moves a neuron much further than
    the first one does, so that descent stays near the flow while the residual is large."""
    fallen = math.sqrt(point.first_loss / point.loss) if point.loss > 0 else math.inf
    return point.limit * min(STABLE_SHARE, FIRST_SHARE * fallen)


STEP_RULES: dict[str, StepRule] = {"stable": stable, "residual": residual}
