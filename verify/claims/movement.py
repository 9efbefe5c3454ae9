"""Movement of the pre-activations: bounded below by the output's (15), and above by the path length.

The path length in turn is bounded below by the fall of the loss.
"""

import numpy as np

from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import (
    Claim,
    Comparison,
    NotApplicable,
    relative,
    require_fixed_last_layer,
    require_flow,
    require_scaling,
)
from verify.run import Run


def compare_lower(run: Run) -> list[Comparison]:
    """(15): mean_i |h_i^t - h_i^0| >= |f^t - f^0| / (scale Ls), for each data point."""
    if run.scaling == "ntk":
        raise NotApplicable("stated for the factor 1/m")
    require_fixed_last_layer(run)
    ls = float_down(run.problem.activation.Ls)
    theory = np.abs(run.output - run.output[0]) / (run.scale * ls)
    output_error = (run.errors["output"] + run.errors["output"][0]) / (run.scale * ls)
    error = output_error + run.errors["movement"] + relative(theory)
    error[0] = 0.0
    return [Comparison("mean |h - h0|", "lower", theory, run.movement, error, run.time, method="Lipschitz")]


def compare_upper(run: Run) -> list[Comparison]:
    """root mean square_i |h_i^t - h_i^0| <= sqrt(G_aa) s(t), for each data point."""
    require_scaling(run, last_layer=True)
    root = np.array([float_up(g.sqrt()) for g in run.problem.gram_diagonal])
    theory = root * run.path_length[:, None]
    error = root * run.errors["path_length"][:, None] + run.errors["movement_rms"] + relative(theory)
    error[0] = 0.0
    return [Comparison("rms |h - h0|", "upper", theory, run.movement_rms, error, run.time, method="key lemma")]


def compare_path(run: Run) -> list[Comparison]:
    """s(t) >= (||r^0|| - ||r^t||)/(scale Ls sqrt(lambda_max))."""
    require_flow(run)
    fastest = run.scale * float_up(run.problem.activation.Ls * run.problem.spectrum.lmax_ceiling.sqrt())
    drop, drop_error = run.loss_root_drop()
    theory = np.sqrt(2) * drop / fastest
    error = np.sqrt(2) * drop_error / fastest + run.errors["path_length"] + relative(theory)
    moving = slice(1, None)  # at t = 0 both sides are 0
    return [
        Comparison(
            "path length",
            "lower",
            theory[moving],
            run.path_length[moving],
            error[moving],
            run.time[moving],
            "Lipschitz",
        )
    ]


LOWER = Claim(
    id="movement-lower",
    title="features move at least as much as the output",
    latex=r"\frac1m\sum_i |h_i^t(x_a) - h_i^0(x_a)| \ge \frac{|f^t(x_a) - f^0(x_a)|}{\hat c L_s}",
    source="(15)",
    kind="every run",
    compare=compare_lower,
    hypotheses="sigma Lipschitz",
    whose="paper",
    proved=True,
)
UPPER = Claim(
    id="movement-upper",
    title="features move at most as far as the path",
    latex=r"\Big(\frac1m\sum_i (h_i^t(x_a) - h_i^0(x_a))^2\Big)^{1/2} \le \sqrt{G_{aa}}\, s(t)",
    source="key lemma",
    kind="every run",
    compare=compare_upper,
    hypotheses="any scale and width",
    whose="ours",
    proved=True,
)
PATH = Claim(
    id="path-lower",
    title="a loss that falls needs a path",
    latex=r"s(t) \ge \frac{\|r^0\| - \|r^t\|}{\hat c L_s \sqrt{\lambda_{\max}}}",
    source="two-sided movement",
    kind="every run",
    compare=compare_path,
    hypotheses="sigma Lipschitz",
    whose="ours",
    proved=True,
)
