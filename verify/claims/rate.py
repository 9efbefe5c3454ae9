"""The linear rate certified for the network at hand (a posteriori), and the rate that no flow can exceed."""

from __future__ import annotations

import math

import numpy as np

from bounds.arithmetic import float_up
from verify.claims.base import Claim, Comparison, NotApplicable, relative
from verify.run import Run


def average_rate(run: Run, quantity: str, side: str, rate: float, method: str, vacuous: bool = False) -> Comparison:
    """log(L^0/L^t)/t against a constant rate: L^t <= L^0 exp(-rate t) is side "lower"."""
    if len(run.time) < 2 or run.loss[0] == 0:
        raise NotApplicable("the loss is zero from the start")
    value, error = run.loss_ratio_log()
    usable = np.isfinite(error)  # below its own error the loss says nothing
    if not np.any(usable):
        raise NotApplicable("the loss is below its numerical error at every save point")
    time = run.time[1:][usable]
    measured = value[usable] / time
    theory = np.full(len(time), rate)
    slack = error[usable] / time + relative(theory)
    return Comparison(quantity, side, theory, measured, slack, time, method=method, vacuous=vacuous)


def compare(run: Run) -> list[Comparison]:
    """Rate, path length and the fastest possible rate."""
    if run.scaling != "ours":
        raise NotApplicable("stated for the scaling of (2)")
    if not run.problem.spectrum.lmin[0] > 0:
        raise NotApplicable("lambda_min(G) > 0 is not certified")
    act = run.problem.activation
    fastest = 2 * run.scale**2 * float_up(run.problem.spectrum.lmax_ceiling * act.Ls**2)
    found = [average_rate(run, "fastest average rate", "upper", fastest, "Lipschitz")]
    c = run.certificate
    if c.holds:
        found.append(average_rate(run, "average rate", "lower", c.rate, c.method))
        s = run.path_length
        found.append(
            Comparison(
                "path length",
                "upper",
                np.full(len(s), c.path_length),
                s,
                run.errors["path_length"],
                run.time,
                method=c.method,
            )
        )
    elif math.isfinite(c.critical_scale):
        found.append(average_rate(run, "average rate", "lower", 0.0, c.method, vacuous=True))
    return found


CLAIM = Claim(
    id="rate",
    title="linear rate certified for this network",
    latex=r"L^0 e^{-2\hat c^2 \lambda_{\max} L_s^2 t} \le L^t \le L^0 e^{-2\hat c^2 \rho(S)^2 t}",
    source="master theorem",
    kind="every run",
    compare=compare,
)
