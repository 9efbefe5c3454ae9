"""The Polyak-Lojasiewicz inequality with the measured slopes, (14) and (60)."""

from bounds.numerics.arithmetic import float_down
from verify.claims.base import Claim, Comparison, relative, require_scaling
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """-dL/dt against 2 scale^2 lambda_min(G) min_a q_a^2 L, at every save point."""
    require_scaling(run, last_layer=True)  # which adds to -dL/dt; the q_a^2 are weighted by (c_i/scale)^2
    lmin = max(float_down(run.problem.spectrum.lmin_floor), 0.0)
    theory = 2 * run.scale**2 * lmin * run.mean_square_slope.min(axis=1) * run.loss
    # Both sides are evaluated at the same state, so the error of that state does not matter, only rounding.
    return [Comparison("-dL/dt", "lower", theory, run.power, relative(run.power), run.time, vacuous=lmin == 0)]


CLAIM = Claim(
    id="pl",
    title="PL inequality with the measured mean square slopes",
    latex=r"-\dot L^t \ge 2 \hat c^2 \lambda_{\min}(G) \min_a q_a(t)^2 L^t",
    source="(14), (60)",
    kind="every run",
    compare=compare,
    hypotheses="any state of the network; any G",
    whose="paper",
    proved=True,
)
