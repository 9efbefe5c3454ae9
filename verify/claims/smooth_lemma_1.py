"""Lemma 1 for smooth activations: the mean square slope itself cannot fall without the loss falling."""

import numpy as np

from bounds import constants
from bounds.numerics.arithmetic import float_up
from verify.claims.base import Claim, Comparison, relative, require_flow, require_positive_gram, require_smooth
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """min_a q_a(t)^2 against its lower bound."""
    act, spectrum = run.problem.activation, run.problem.spectrum
    require_smooth(run)
    require_positive_gram(run)
    require_flow(run)
    kappa = float_up(constants.kappa_smooth(spectrum.lmin_floor, run.problem.gmax, act.L2))
    drop, drop_error = run.loss_root_drop()
    q2 = run.mean_square_slope.min(axis=1)
    theory = np.maximum(q2[0] - kappa * drop / run.scale, 0.0)
    shift = np.where(theory > 0, kappa * drop_error / run.scale, 0.0)
    error = shift + run.errors["mean_square_slope"].max(axis=1) + relative(q2)
    moving = slice(1, None)  # at t = 0 both sides are the same number
    return [
        Comparison(
            quantity="min_a q_a^2",
            side="lower",
            theory=theory[moving],
            measured=q2[moving],
            error=error[moving],
            at=run.time[moving],
            method="slopes",
            vacuous=bool(np.all(theory[moving] == 0)),
        )
    ]


CLAIM = Claim(
    id="smooth-lemma-1",
    title="Lemma 1 for the mean square slope of a smooth activation",
    latex=r"\min_a q_a(t)^2 \ge \min_a q_a(0)^2 - 2\sqrt2 L_2 \sqrt{G_{\max}/\lambda_{\min}}"
    r"\,\frac{\sqrt{L^0} - \sqrt{L^t}}{\hat c}",
    source="smooth Lemma 1",
    kind="every run",
    compare=compare,
    hypotheses="lambda_min(G) > 0; sigma in C^{1,1}",
    whose="ours",
    proved=True,
)
