"""Gradient descent (9) with a trained last layer: each step keeps the share 1 - w of the flow's decrease."""

import math
from functools import partial

import numpy as np
from flint import arb

from bounds import constants
from bounds.certificates.by_profile import residual_norm
from bounds.methods import slopes
from bounds.methods.base import usual_drift
from bounds.methods.last_layer import at_scale
from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import Claim, Comparison, NotApplicable, require_positive_gram, require_smooth
from verify.claims.descent import by_product, step_of, steps_of
from verify.run import Run


def lost_share(run: Run, step: float, path: float) -> float:
    """w for steps up to that path length; inf where it is no number."""
    problem, signs, act = run.problem, run.network.signs, run.problem.activation
    m, kap, lmax = len(signs), problem.last_layer, float(problem.spectrum.lmax_ceiling)
    value = act.value(run.network.H)
    top = float(np.linalg.norm(value, 2)) / math.sqrt(m) * (1 + 1e-12)  # sqrt(lambda_max(S^0))
    moved = math.sqrt(kap) * path
    return float_up(
        constants.descent_w_last_layer(
            step,
            (float(np.sqrt(np.mean(np.square(signs)))) + moved) * (1 + 1e-12),
            (float(np.max(np.abs(signs))) + math.sqrt(m) * moved) * (1 + 1e-12),
            problem.spectrum.lmax_ceiling,
            act.Ls,
            act.L2,
            problem.gmax,
            kap,
            (top + float(act.Ls) * math.sqrt(lmax) * path) ** 2 * (1 + 1e-12),
            float(np.sqrt(2 * run.loss[0])),
        )
    )


def require_trained(run: Run) -> None:
    """NotApplicable unless the last layer is trained and sigma in C^{1,1}."""
    require_smooth(run)
    if not run.problem.last_layer:
        raise NotApplicable("stated for a trained last layer")


def compare_step(run: Run) -> list[Comparison]:
    """||r_{k+1}|| against ||r_k|| - (1 - w_k) delta P_k/||r_k||, w_k at the path length s_k."""
    require_trained(run)
    step = step_of(run, last_layer=True)
    shares = np.array([lost_share(run, step, s) for s in run.path_length[:-1]])
    if not np.all(shares < 1):
        raise NotApplicable(f"the step is too long: w = {shares.max():.3g}")
    return steps_of(run, shares)


def compare_rate(run: Run) -> list[Comparison]:
    """The linear rate by the method slopes, w at the path length at which its profile ends."""
    require_trained(run)
    require_positive_gram(run)
    step, problem, signs = step_of(run, last_layer=True), run.problem, run.network.signs
    c = float(np.min(np.abs(signs)))
    profile = at_scale(slopes.a_posteriori(problem, run.network.H), usual_drift(problem), arb(c))
    w = lost_share(run, step, float_up(profile.extent)) if not profile.empty else math.inf
    beta = profile.critical * residual_norm(problem, run.network.H, signs) / (c * (1 - w)) if w < 1 else None
    if beta is None or not beta < 1:
        raise NotApplicable("the step is too long, or the scale is not above the critical one")
    remaining = float_down(profile.remaining(arb(beta.upper())))
    return by_product(run, (1 - w) * step * c * c * remaining, "slopes")


claim = partial(Claim, source="gradient descent, a trained last layer", kind="every run", whose="ours", proved=True)
STEP = claim(
    id="descent-step-last-layer",
    title="a step of descent on both layers keeps the share 1 - w of the flow's decrease",
    latex=r"\|r_{k+1}\| \le \|r_k\| - (1 - w_k)\,\delta P_k / \|r_k\|, \quad w_k = \frac{\delta}{2}\left("
    r"\lambda_{\max} L_s^2 c_2^2 + \kappa \lambda_{\max}(S) + (L_2 c_\infty \sqrt{G_{\max} \lambda_{\max}}"
    r" + L_s \sqrt{\kappa \lambda_{\max}})\, \|r_0\|\right)",
    compare=compare_step,
    hypotheses="last layer trained with the mobility kappa; sigma in C^{1,1}; w_k < 1, with c_2, c_inf, S bounded by"
    " the path so far",
)
RATE = claim(
    id="descent-rate-last-layer",
    title="the linear rate of descent on both layers certified for this network",
    latex=r"\|r_{k+1}\| \le \left(1 - (1 - w)\,\delta \hat c^2 \rho(S)^2\right) \|r_k\|",
    compare=compare_rate,
    hypotheses="last layer trained with the mobility kappa; lambda_min(G) > 0; sigma in C^{1,1}; w < 1 at the end of"
    " the profile; beta' = a_c ||r_0||/((1 - w) scale) < 1",
)
