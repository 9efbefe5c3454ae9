"""Both movement bounds: features move at least as the output does (15), and at most as the path is long."""

import numpy as np

from bounds.arithmetic import float_down, float_up
from verify.claims.base import Claim, Comparison, NotApplicable, relative
from verify.run import Run


def compare_lower(run: Run) -> list[Comparison]:
    """(15): mean_i |h_i^t - h_i^0| >= |f^t - f^0| / (scale Ls), for each data point."""
    if run.scaling == "ntk":
        raise NotApplicable("stated for the factor 1/m")
    ls = float_down(run.problem.activation.Ls)
    theory = np.abs(run.output - run.output[0]) / (run.scale * ls)
    output_error = (run.errors["output"] + run.errors["output"][0]) / (run.scale * ls)
    error = output_error + run.errors["movement"] + relative(theory)
    error[0] = 0.0
    return [Comparison("mean |h - h0|", "lower", theory, run.movement, error, run.time, method="Lipschitz")]


def compare_upper(run: Run) -> list[Comparison]:
    """root mean square_i |h_i^t - h_i^0| <= sqrt(G_aa) s(t), for each data point."""
    if run.scaling != "ours":
        raise NotApplicable("stated for the scaling of (2)")
    root = np.array([float_up(g.sqrt()) for g in run.problem.gram_diagonal])
    theory = root * run.path_length[:, None]
    error = root * run.errors["path_length"][:, None] + run.errors["movement_rms"] + relative(theory)
    error[0] = 0.0
    return [Comparison("rms |h - h0|", "upper", theory, run.movement_rms, error, run.time, method="key lemma")]


LOWER = Claim(
    id="movement-lower",
    title="features move at least as much as the output",
    latex=r"\frac1m\sum_i |h_i^t(x_a) - h_i^0(x_a)| \ge \frac{|f^t(x_a) - f^0(x_a)|}{\hat c L_s}",
    source="(15)",
    kind="every run",
    compare=compare_lower,
)
UPPER = Claim(
    id="movement-upper",
    title="features move at most as far as the path",
    latex=r"\Big(\frac1m\sum_i (h_i^t(x_a) - h_i^0(x_a))^2\Big)^{1/2} \le \sqrt{G_{aa}}\, s(t)",
    source="key lemma",
    kind="every run",
    compare=compare_upper,
)
