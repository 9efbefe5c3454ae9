"""Lemma 1 with kappa repaired: active neurons are lost only while the loss falls."""

import math

import numpy as np

from bounds import constants
from bounds.arithmetic import float_up
from bounds.methods.intervals import least_fraction, middle
from verify.claims.base import Claim, Comparison, NotApplicable, relative
from verify.run import Run


def compare(run: Run) -> list[Comparison]:
    """eta^t against its lower bound, for the interval of the run."""
    left, right = run.interval
    if math.isinf(right - left):
        raise NotApplicable("stated for a bounded interval I")
    if not run.problem.spectrum.lmin[0] > 0:
        raise NotApplicable("lambda_min(G) > 0 is not certified")
    if run.scaling != "ours":
        raise NotApplicable("stated for the scaling of (2)")
    slope = run.problem.activation.slope_floor(run.interval)
    if not slope > 0:
        raise NotApplicable("|sigma'| is not bounded away from zero on I")
    spectrum = run.problem.spectrum
    kappa = float_up(constants.kappa(spectrum.lmin_floor, spectrum.lmax_ceiling, run.interval, slope))
    start = float(least_fraction(run.network.H, middle(run.interval, (right - left) / 3)).mid())
    drop, drop_error = run.loss_root_drop()
    theory = np.maximum(start**1.5 - kappa * drop / run.scale, 0.0) ** (2 / 3)
    shift = kappa * drop_error / run.scale
    theory_error = np.where(theory > 0, (theory**1.5 + shift) ** (2 / 3) - theory, 0.0)
    error = theory_error + run.errors["active_fraction"].max(axis=1) + relative(theory, 1e-15)
    moving = slice(1, None)  # at t = 0 the claim is only that the middle third lies in I
    return [
        Comparison(
            quantity="eta (active fraction)",
            side="lower",
            theory=theory[moving],
            measured=run.active_fraction.min(axis=1)[moving],
            error=error[moving],
            at=run.time[moving],
            method="repaired",
            vacuous=bool(np.all(theory[moving] == 0)),
        )
    ]


CLAIM = Claim(
    id="lemma-1",
    title="Lemma 1 with 9/sqrt(2)",
    latex=r"(\eta^t)^{3/2} \ge (\tilde\eta^0)^{3/2} - \frac{9\lambda_{\max}}{\sqrt2 K_s \lambda_{\min} |I|}"
    r"\,\frac{\sqrt{L^0} - \sqrt{L^t}}{\hat c}",
    source="Lemma 1, (52) repaired",
    kind="every run",
    compare=compare,
)
