"""A warning, once, for a run that will take more than minutes, judged by how far its attempts have brought it."""

from __future__ import annotations

import math
import time as clock
import warnings

from simulate.solve.runs import LoopOptions, LoopState

FIRST_LOOK = 100  # attempts after which a run is judged first, and then each time that they have doubled
LONG = 180.0  # seconds that are still to come from which a run is called long


class Forecast:
    """Judges a single run. What remains is the least of: the time to t_max, the fall of log L to the target, and
    max_steps, each at the rate since the last look."""

    def __init__(self, options: LoopOptions) -> None:
        self.options, self.look_at = options, 0.0
        self.before = (0.0, 0, 0.0, math.inf)  # seconds, attempts, time and loss at the last look

    def look(self, state: LoopState, loss: float) -> None:
        """Warn if the run, which has come to this loss, is a long one; after that never again."""
        rejected, steps, time = int(state.rejected[0]), int(state.steps[0]), float(state.time[0])
        attempts, options, first = rejected + steps, self.options, self.look_at == 0
        if attempts < self.look_at:
            return
        seconds, (past, done, since, higher) = clock.perf_counter(), self.before
        self.before, self.look_at = (seconds, attempts, time, loss), max(2.0 * attempts, attempts + FIRST_LOOK)
        if first:
            return
        each = (seconds - past) / (attempts - done)
        # Attempts that are still to come; a step that was allowed says more of the time than the mean of those before.
        remaining = (options.t_max - time) / max((time - since) / (attempts - done), float(state.tau[0]) / 2)
        fall = math.log(higher / loss) if 0 < loss < higher < math.inf else 0.0
        target = float(state.target[0])
        if options.loss_ratio > 0 and fall > 0 and target > 0:
            remaining = min(remaining, max(math.log(loss / target), 0.0) / fall * (attempts - done))
        remaining = min(remaining, (options.max_steps - steps) * attempts / max(steps, 1))
        if each * remaining <= LONG:
            return
        self.look_at = math.inf
        reason = "most attempts are rejected, which is so at kinks and at the rounding of r" if rejected > steps else ""
        warnings.warn(
            f"after {attempts} attempts ({rejected} rejected) the run is at time {time:.3g} of {options.t_max:.3g} and"
            f" loss {loss:.3g}; at this rate about {each * remaining / 60:.0f} minutes are still to come"
            f"{'; ' + reason if reason else ''}. A larger rtol, loss_ratio or a smaller t_max ends it sooner.",
            stacklevel=5,
        )
