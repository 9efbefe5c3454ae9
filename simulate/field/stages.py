"""The stages of one step: the flow at states that are displaced from the one where the step begins."""

from __future__ import annotations

from simulate.field import reduction
from simulate.field.arrays import Array
from simulate.field.flow import Evaluation, Flow
from simulate.field.low_memory import Recomputed
from simulate.field.model import Coefficients, Displacement


class Stages:
    """The stages of one step from h: h_k = h - beta c G (sum_j S_j * a_kj), where S_j = sigma'(h_j) and h_0 = h.

    The methods take the coefficients a_k of a displacement: for each stage so far an array (S, n), or None for zero.
    Stage 0 is the start; if the slopes of the step before are given as `previous`, they are stage 1, and the first call
    of evaluate makes stage 2, else stage 1.

    Slopes are kept in memory as far as the flow has room for them; those that are not are computed again (see
    low_memory.py), and the numbers are the same.
    """

    def __init__(self, flow: Flow, h: Array, slopes: Array | None, previous: Array | None = None) -> None:
        """h: (S, n + k, m); slopes: sigma'(h) if it is known; previous: slopes at the start of the step before."""
        self.flow, self.h = flow, h
        if slopes is None and not flow.low_memory:
            slopes = flow.empty()
            flow.evaluate(h, slopes)
        self.slopes: list[Array | None] = [slopes] if previous is None else [slopes, previous]
        self.given = len(self.slopes)
        self.displaced_by: list[Coefficients] = [()] * self.given

    def evaluate(self, coefficients: Coefficients, *, reuse: int | None = None, last: bool = False) -> Evaluation:
        """The flow at the next stage. reuse: the stage whose slopes may be overwritten by those of the new one, in a
        flow that has no room to keep all; last: no displacement will use the slopes of the new stage."""
        flow = self.flow
        if last:
            return self._evaluate(coefficients)
        overwrite = reuse is not None and not flow.keeps_slopes and not flow.low_memory
        slopes = None if flow.low_memory else self.slopes[reuse] if overwrite and reuse is not None else flow.empty()
        evaluation = self._evaluate(coefficients, slopes=slopes)
        if overwrite and reuse is not None:
            self.slopes[reuse] = None
        self.displaced_by.append(coefficients)
        self.slopes.append(slopes)
        return evaluation

    def advance(
        self, coefficients: Coefficients, *, slopes: Array | None = None, gram: bool = True, work: bool = False
    ) -> Evaluation:
        """Displace h in place, test rows included, and evaluate the flow there. slopes: where sigma' there goes, which
        may be an array that a stage uses; gram, work: whether slope_gram and power are wanted."""
        return self._evaluate(coefficients, in_place=True, slopes=slopes, gram=gram, work=work)

    def displaced(self, coefficients: Coefficients) -> tuple[Array, Evaluation]:
        """(h displaced, a new array with the test rows; the flow there), if the slopes of all stages are kept. The
        displacement starts from h as it is now: from the end of the step, once that has been taken."""
        flow, fresh = self.flow, self.flow.arrays.empty(*self.h.shape)
        displacement = self._displacement(coefficients)
        assert displacement is not None
        return fresh, flow.evaluation(flow.backend.evaluate(flow.model, self.h, displacement, displaced=fresh))

    def displacement_sizes(self, coefficients: Coefficients) -> tuple[Array, Array]:
        """(change of r to first order, root mean square change of h_a over the neurons), (S, n) each, of the kind
        Flow.small."""
        flow, displacement, start = self.flow, self._displacement(coefficients), self.slopes[0]
        if displacement is not None and start is not None:
            change, square = flow.backend.displacement_sizes(flow.model, displacement, start)
        else:
            change, square = self._recomputed().displacement_sizes(coefficients)
        change, square = flow.brought(*reduction.total(change, square))
        # dh = -beta c Gv: to first order r changes by -alpha beta c^2/m sum_i Gv sigma', and |dh| = beta |c| |Gv|.
        return -flow.speed / flow.m * change, flow.beta * flow.scale * flow.small.xp.sqrt(square / flow.m)

    def _evaluate(
        self,
        coefficients: Coefficients,
        *,
        in_place: bool = False,
        slopes: Array | None = None,
        gram: bool = True,
        work: bool = False,
    ) -> Evaluation:
        """The flow at h displaced, in one pass of the backend if all slopes that it takes are in memory."""
        flow, displacement = self.flow, self._displacement(coefficients)
        if displacement is None:
            recomputed = self._recomputed()
            sums = recomputed.evaluate(coefficients, in_place=in_place, slopes=slopes, gram=gram, work=work)
        else:
            displaced = self.h if in_place else None
            sums = flow.backend.evaluate(
                flow.model, self.h, displacement, displaced=displaced, slopes=slopes, gram=gram, work=work
            )
        return flow.evaluation(sums)

    def _displacement(self, coefficients: Coefficients) -> Displacement | None:
        """The displacement as a backend takes it; None if slopes are missing, or more than it takes at once."""
        pairs = [(self.slopes[k], weight) for k, weight in enumerate(coefficients) if weight is not None]
        if len(pairs) > self.flow.backend.most_slopes or any(slopes is None for slopes, _ in pairs):
            return None
        return Displacement([slopes for slopes, _ in pairs], [weight for _, weight in pairs])

    def _recomputed(self) -> Recomputed:
        return Recomputed(self.flow, self.h, self.slopes, self.displaced_by)
