"""Gradient descent (9): each step keeps the share 1 - w of the flow's decrease, hence a rate."""

import numpy as np
from flint import arb

from bounds import certify, constants
from bounds.methods import envelope, slopes
from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import (
    Claim,
    Comparison,
    NotApplicable,
    relative,
    require_positive_gram,
    require_scaling,
    require_smooth,
)
from verify.run import Run


def step_of(run: Run, *, last_layer: bool = False) -> float:
    """delta, the step of a descent that was recorded at every step, of a fixed `last_layer` unless the statement holds
    for a trained one; NotApplicable otherwise."""
    require_scaling(run, last_layer=last_layer)
    if run.integrator != "descent":
        raise NotApplicable("stated for gradient descent (9)")
    step = float(run.options["step"])
    if len(run.time) < 2 or not np.allclose(np.diff(run.time), step, rtol=1e-9):
        raise NotApplicable("needs every step recorded, save_every=1")
    return step


def lost_share(run: Run, step: float, slope_lipschitz: float) -> float:
    """w: the share of the flow's decrease that a step of this size may lose; NotApplicable unless it is below one."""
    problem = run.problem
    w = float_up(
        constants.descent_w(
            step,
            run.scale,
            problem.spectrum.lmax_ceiling,
            problem.activation.Ls,
            slope_lipschitz,
            problem.gmax,
            float(np.sqrt(2 * run.loss[0])),
        )
    )
    if not w < 1:
        raise NotApplicable(f"the step is too long: w = {w:.3g}")
    return w


def compare_step(run: Run) -> list[Comparison]:
    """||r_{k+1}|| against ||r_k|| - (1 - w) delta P_k/||r_k||, at every step."""
    require_smooth(run)
    step = step_of(run)
    return steps_of(run, lost_share(run, step, float_up(run.problem.activation.L2)))


def steps_of(run: Run, w: float | np.ndarray) -> list[Comparison]:
    """||r_{k+1}|| against ||r_k|| - (1 - w) delta P_k/||r_k||, w for every step or for each."""
    residual = np.sqrt(2 * run.loss)
    falls = np.diff(run.dissipated)  # delta P_k
    theory = residual[:-1] - (1 - w) * falls / np.maximum(residual[:-1], 1e-300)
    rounding = run.error / np.maximum(residual, np.sqrt(run.error) + 1e-300)
    error = rounding[1:] + rounding[:-1] + relative(residual[:-1])
    return [Comparison("||r||", "upper", theory, residual[1:], error, run.time[1:])]


def by_product(run: Run, factor: float, method: str) -> list[Comparison]:
    """log(||r_0||/||r_k||) against k log(1/(1 - factor))."""
    value, error = run.loss_ratio_log()
    usable = np.isfinite(error)
    if not np.any(usable):
        raise NotApplicable("the loss is below its numerical error at every step")
    theory = -np.arange(1, len(run.time))[usable] * np.log1p(-factor)
    measured = value[usable] / 2
    slack = error[usable] / 2 + relative(theory)
    return [Comparison("log(||r0||/||r||)", "lower", theory, measured, slack, run.time[1:][usable], method=method)]


def compare_rate(run: Run) -> list[Comparison]:
    """The linear rate of descent by the method slopes."""
    require_smooth(run)
    require_positive_gram(run)
    step = step_of(run)
    kept = 1 - lost_share(run, step, float_up(run.problem.activation.L2))
    critical = certify(run.problem, run.network.H, signs=run.network.signs, method="slopes").critical_scale
    beta = critical / (kept * run.scale)
    if not beta < 1:
        raise NotApplicable("the scale is not above the critical one")
    A = float_down(slopes.a_posteriori(run.problem, run.network.H).A)
    return by_product(run, kept * step * run.scale**2 * A * (1 - beta), "slopes")


def compare_relu(run: Run) -> list[Comparison]:
    """The rate that the envelope method would give if a kink cost descent nothing: w without its second term."""
    if run.problem.activation.name != "relu":
        raise NotApplicable("stated for ReLU")
    require_positive_gram(run)
    step = step_of(run)
    kept = 1 - lost_share(run, step, 0.0)
    profile = envelope.METHOD.a_posteriori
    assert profile is not None
    found = certify(run.problem, run.network.H, signs=run.network.signs, method="envelope")
    beta = found.critical_scale / (kept * run.scale)
    if not beta < 1:
        raise NotApplicable("the scale is not above the critical one")
    remaining = float_down(profile(run.problem, run.network.H).remaining(arb(beta)))
    return by_product(run, kept * step * run.scale**2 * remaining, "envelope")


STEP = Claim(
    id="descent-step",
    title="a step of descent keeps the share 1 - w of the flow's decrease",
    latex=r"\|r_{k+1}\| \le \|r_k\| - (1 - w)\,\delta P_k / \|r_k\|, \quad "
    r"w = \frac{\delta \hat c}{2}\left(\hat c \lambda_{\max} L_s^2"
    r" + L_2 \sqrt{G_{\max} \lambda_{\max}}\, \|r_0\|\right)",
    source="gradient descent (9)",
    kind="every run",
    compare=compare_step,
    hypotheses="sigma in C^{1,1}; w < 1",
    whose="ours",
    proved=True,
)
RATE = Claim(
    id="descent-rate",
    title="the linear rate of descent certified for this network",
    latex=r"\|r_{k+1}\| \le \left(1 - (1 - w)\,\delta \hat c^2 \lambda_{\min} q^2 (1 - \beta')\right) \|r_k\|",
    source="gradient descent (9) with S4",
    kind="every run",
    compare=compare_rate,
    hypotheses="lambda_min(G) > 0; sigma in C^{1,1}; w < 1; beta' = a ||r_0||/((1 - w) scale) < 1",
    whose="ours",
    proved=True,
)
RELU = Claim(
    id="descent-rate-relu",
    title="the same rate for ReLU descent, as if kinks cost nothing",
    latex=r"\|r_{k+1}\| \le \left(1 - (1 - w)\,\delta \hat c^2 \rho(S)^2\right) \|r_k\|, \quad "
    r"w = \frac{\delta}{2} \hat c^2 \lambda_{\max}",
    source="gradient descent (9) with S3, read for ReLU",
    kind="every run",
    compare=compare_relu,
    hypotheses="lambda_min(G) > 0; ReLU; w < 1; beta' = a ||r_0||/((1 - w) scale) < 1",
    whose="ours",
    proved=False,
)
