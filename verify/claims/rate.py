"""The linear rate certified for the network at hand (a posteriori), and the rate that no flow can exceed."""

from __future__ import annotations

import math

import numpy as np

from bounds import certify
from bounds.errors import AssumptionError
from bounds.methods import everywhere
from bounds.numerics.arithmetic import float_up
from verify.claims.base import (
    Claim,
    Comparison,
    NotApplicable,
    relative,
    require_flow,
    require_positive_gram,
    require_smooth,
)
from verify.run import Run


def average_rate(run: Run, quantity: str, side: str, rate: float, method: str, vacuous: bool = False) -> Comparison:
    """log(L^0/L^t)/t against a constant rate, at the save points where the loss is above its numerical error.

    side "lower" states L^t <= L^0 exp(-rate t), side "upper" the reverse. Raises NotApplicable without such a point.
    """
    if len(run.time) < 2 or run.loss[0] == 0:
        raise NotApplicable("the loss is zero from the start")
    value, error = run.loss_ratio_log()
    usable = np.isfinite(error)  # the error is infinite once the loss is below its own
    if not np.any(usable):
        raise NotApplicable("the loss is below its numerical error at every save point")
    time = run.time[1:][usable]
    measured = value[usable] / time
    theory = np.full(len(time), rate)
    slack = error[usable] / time + relative(theory)
    return Comparison(quantity, side, theory, measured, slack, time, method=method, vacuous=vacuous)


def compare(run: Run) -> list[Comparison]:
    """The average rate against the fastest possible one and, if certified, rate and path length of the certificate."""
    require_flow(run)
    require_positive_gram(run)
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


def compare_residual(run: Run) -> list[Comparison]:
    """log(||r^0||/||r^t||) against the closed form of the slopes method."""
    require_flow(run)
    require_positive_gram(run)
    require_smooth(run)
    c = certify(run.problem, run.network.H, signs=run.network.signs, method="slopes")
    if not c.holds:
        raise NotApplicable("the scale is not above the critical one of the method slopes")
    value, error = run.loss_ratio_log()
    usable = np.isfinite(error)
    if not np.any(usable):
        raise NotApplicable("the loss is below its numerical error at every save point")
    time = run.time[1:][usable]
    # c.rate/2 = scale^2 lambda_min q^2 (1 - beta), and the logarithm is evaluated without overflow.
    grown = c.rate / 2 * time
    theory = grown + np.log1p(-c.beta * np.exp(-grown)) - math.log1p(-c.beta)
    measured = value[usable] / 2
    slack = error[usable] / 2 + relative(theory) + 1e-9 * theory
    return [Comparison("log(||r0||/||r||)", "lower", theory, measured, slack, time, method="slopes")]


def compare_everywhere(run: Run) -> list[Comparison]:
    """The average rate against (16), if |sigma'| is bounded from below on the whole line."""
    require_flow(run)
    require_positive_gram(run)
    try:
        everywhere.METHOD.require(run.problem)
    except AssumptionError as refusal:
        raise NotApplicable(str(refusal)) from None
    c = certify(run.problem, run.network.H, signs=run.network.signs, method="everywhere")
    return [average_rate(run, "average rate", "lower", c.rate, "everywhere")]


CLAIM = Claim(
    id="rate",
    title="linear rate certified for this network",
    latex=r"L^0 e^{-2\hat c^2 \lambda_{\max} L_s^2 t} \le L^t \le L^0 e^{-2\hat c^2 \rho(S)^2 t}",
    source="master theorem",
    kind="every run",
    compare=compare,
    hypotheses="lambda_min(G) > 0; for the lower rate the scale is above the network's own critical one",
    whose="ours",
    proved=True,
)
RESIDUAL = Claim(
    id="residual",
    title="the residual of a certified network in closed form",
    latex=r"\|r^t\| \le \|r^0\| \frac{1 - \beta}{e^{k (1 - \beta) t} - \beta}, \quad k = \hat c^2 \lambda_{\min} q^2",
    source="slopes (S4)",
    kind="every run",
    compare=compare_residual,
    hypotheses="lambda_min(G) > 0; sigma in C^{1,1}; beta = a ||r^0||/scale < 1",
    whose="ours",
    proved=True,
)
EVERYWHERE = Claim(
    id="equation-16",
    title="the rate where |sigma'| is bounded from below",
    latex=r"|\sigma'| \ge K_s \Rightarrow L^t \le L^0 e^{-2\hat c^2 \lambda_{\min} K_s^2 t}",
    source="(16)",
    kind="every run",
    compare=compare_everywhere,
    hypotheses="lambda_min(G) > 0; inf |sigma'| >= K_s > 0 on the whole line (not true of a cubic, see E6)",
    whose="paper",
    proved=True,
)
