"""Lemma 1: active neurons are lost only while the loss falls. With kappa repaired, sharpened, and as printed."""

import math

import numpy as np
from flint import arb

from bounds import constants
from bounds.methods.intervals import least_fraction, middle
from bounds.numerics.arithmetic import float_up
from verify.claims.base import Claim, Comparison, NotApplicable, relative, require_flow, require_positive_gram
from verify.run import Run

# Up to this eta~^0 the printed 9/2 follows from Chebyshev's inequality (docs/theory.md), above it is open.
CHEBYSHEV_REACH = 9 * math.pi**2 / 128


def slope_on_interval(run: Run) -> arb:
    """K_s = inf |sigma'| on the run's interval I; NotApplicable unless the hypotheses of Lemma 1 hold."""
    if math.isinf(run.interval[1] - run.interval[0]):
        raise NotApplicable("stated for a bounded interval I")
    require_positive_gram(run)
    require_flow(run)
    slope = run.problem.activation.slope_floor(run.interval)
    if not slope > 0:
        raise NotApplicable("|sigma'| is not bounded away from zero on I")
    return slope


def initial_share(run: Run) -> float:
    """eta~^0: the least share over the data of neurons that start in the middle third of I."""
    left, right = run.interval
    return float(least_fraction(run.network.H, middle(run.interval, (right - left) / 3)).mid())


def against(run: Run, kappa: arb, method: str) -> list[Comparison]:
    """eta^t, at its least over the data, against the lower bound of Lemma 1 with this kappa."""
    weight, start = float_up(kappa), initial_share(run)
    drop, drop_error = run.loss_root_drop()
    theory = np.maximum(start**1.5 - weight * drop / run.scale, 0.0) ** (2 / 3)
    shift = weight * drop_error / run.scale
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
            method=method,
            vacuous=bool(np.all(theory[moving] == 0)),
        )
    ]


def compare(run: Run) -> list[Comparison]:
    """Lemma 1 with kappa = 9 lambda_max/(sqrt(2) K_s lambda_min |I|)."""
    slope, spectrum = slope_on_interval(run), run.problem.spectrum
    return against(
        run, constants.kappa(spectrum.lmin_floor, spectrum.lmax_ceiling, run.interval, slope), method="repaired"
    )


def compare_sharp(run: Run) -> list[Comparison]:
    """Lemma 1 with kappa = 9 sqrt(G_max/lambda_min)/(sqrt(2) K_s |I|)."""
    slope, problem = slope_on_interval(run), run.problem
    return against(
        run, constants.kappa_sharp(problem.spectrum.lmin_floor, problem.gmax, run.interval, slope), method="key lemma"
    )


def compare_printed(run: Run) -> list[Comparison]:
    """Lemma 1 with the 9/2 of the printed chain (52)-(54), for any eta~^0."""
    slope, spectrum = slope_on_interval(run), run.problem.spectrum
    return against(
        run, constants.kappa_printed(spectrum.lmin_floor, spectrum.lmax_ceiling, run.interval, slope), method="printed"
    )


def compare_printed_few(run: Run) -> list[Comparison]:
    """`compare_printed` if the share of neurons that start in the middle third is at most CHEBYSHEV_REACH."""
    if initial_share(run) > CHEBYSHEV_REACH:
        raise NotApplicable("eta~^0 is above 9 pi^2/128")
    return compare_printed(run)


def compare_printed_many(run: Run) -> list[Comparison]:
    """`compare_printed` if the share of neurons that start in the middle third is above CHEBYSHEV_REACH."""
    if initial_share(run) <= CHEBYSHEV_REACH:
        raise NotApplicable("eta~^0 is at most 9 pi^2/128")
    return compare_printed(run)


HYPOTHESES = "lambda_min(G) > 0; I bounded, |sigma'| >= K_s > 0 on it; eta~^0 counts the middle third of I"
LATEX = (
    r"(\eta^t)^{{3/2}} \ge (\tilde\eta^0)^{{3/2}} - \frac{{{0}}}{{{1} K_s |I|}}"
    r"\,\frac{{\sqrt{{L^0}} - \sqrt{{L^t}}}}{{\hat c}}"
)

CLAIM = Claim(
    id="lemma-1",
    title="Lemma 1 with 9/sqrt(2)",
    latex=LATEX.format(r"9\lambda_{\max}", r"\sqrt2 \lambda_{\min}"),
    source="Lemma 1, (52) repaired",
    kind="every run",
    compare=compare,
    hypotheses=HYPOTHESES,
    whose="paper, repaired",
    proved=True,
)
SHARP = Claim(
    id="lemma-1-sharp",
    title="Lemma 1 with sqrt(G_max/lambda_min) for lambda_max/lambda_min",
    latex=LATEX.format(r"9\sqrt{G_{\max}}", r"\sqrt{2\lambda_{\min}}"),
    source="Lemma 1 with the key lemma",
    kind="every run",
    compare=compare_sharp,
    hypotheses=HYPOTHESES,
    whose="ours",
    proved=True,
)
PRINTED_FEW = Claim(
    id="lemma-1-printed-few",
    title="Lemma 1 with the printed 9/2, where few neurons start active",
    latex=LATEX.format(r"9\lambda_{\max}", r"2 \lambda_{\min}"),
    source="Lemma 1, (52)-(54) as printed; Chebyshev's inequality",
    kind="every run",
    compare=compare_printed_few,
    hypotheses=HYPOTHESES + "; eta~^0 <= 9 pi^2/128 = 0.694",
    whose="ours",
    proved=True,
)
PRINTED_MANY = Claim(
    id="lemma-1-printed-many",
    title="Lemma 1 with the printed 9/2, where many neurons start active",
    latex=LATEX.format(r"9\lambda_{\max}", r"2 \lambda_{\min}"),
    source="Lemma 1, (52)-(54) as printed",
    kind="every run",
    compare=compare_printed_many,
    hypotheses=HYPOTHESES + "; eta~^0 > 9 pi^2/128 = 0.694",
    whose="paper, as printed",
    proved=False,
)
