"""Theorem 1 a priori: the rate promised before the network is drawn, with probability 1 - delta."""

from verify.claims.base import Claim, Comparison, NotApplicable
from verify.claims.rate import average_rate
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """The promised rate, for a run at the promised width and scale."""
    g = run.guarantee
    if g is None:
        raise NotApplicable("the run has no a priori guarantee")
    if run.width < g.width or run.scale != g.scale or run.init != g.init:
        raise NotApplicable(f"the guarantee asks for width >= {g.width} at scale {g.scale:g}, {g.init} signs")
    return [average_rate(run, "average rate, a priori", "lower", g.rate, g.method)]


CLAIM = Claim(
    id="theorem-1",
    title="Theorem 1 at its own required width and scale",
    latex=r"P\left(L^t \le L^0 e^{-r \hat c^2 \lambda_{\min} t}\ \forall t\right) \ge 1 - \delta",
    source="Theorem 1, repaired and sharpened",
    kind="with probability 1 - delta",
    compare=compare,
)
