"""A trained last layer: how far the c_i move, and the linear rate that is certified with them."""

import math

import numpy as np

from bounds.numerics.arithmetic import float_up
from verify.claims.base import Claim, Comparison, NotApplicable, relative, require_positive_gram, require_scaling
from verify.claims.rate import average_rate
from verify.run import Run


def require_trained(run: Run) -> np.ndarray:
    """Root mean square of c_i - c_i^0, (T,); NotApplicable unless the last layer is trained, by gradient flow."""
    require_scaling(run, last_layer=True)
    if run.last_layer_movement is None or run.integrator == "descent":
        raise NotApplicable("stated for gradient flow with a trained last layer")
    return run.last_layer_movement


def compare_movement(run: Run) -> list[Comparison]:
    """Root mean square_i |c_i^t - c_i^0| against sqrt(kap) s(t)."""
    measured = require_trained(run)
    root = math.sqrt(run.problem.last_layer)
    theory = root * run.path_length
    error = root * run.errors["path_length"] + run.errors["last_layer_movement"] + relative(theory)
    error[0] = 0.0
    return [Comparison("rms |c - c0|", "upper", theory, measured, error, run.time, method="key lemma")]


def compare_rate(run: Run) -> list[Comparison]:
    """The average rate, and the path length, against those of the best certificate of the initial network."""
    require_trained(run)
    require_positive_gram(run)
    c = run.certificate
    if not c.holds:
        raise NotApplicable("the scale is not above the critical one of any method")
    s = run.path_length
    ceiling = np.full(len(s), c.path_length)
    return [
        average_rate(run, "average rate, all layers", "lower", c.rate, c.method),
        Comparison("path length", "upper", ceiling, s, run.errors["path_length"], run.time, method=c.method),
    ]


def compare_slopes(run: Run) -> list[Comparison]:
    """min_a of the root mean square of (c_i/c) sigma'(h_ia), against its start less (L2 sqrt(G_max) + Ls sqrt(kap)/c)
    s(t)."""
    require_trained(run)
    act = run.problem.activation
    if not act.smooth:
        raise NotApplicable("needs sigma in C^(1,1)")
    fall = float_up(act.L2 * run.problem.gmax.sqrt() + act.Ls * math.sqrt(run.problem.last_layer) / run.scale)
    roots = np.sqrt(run.mean_square_slope)
    error = run.errors["mean_square_slope"] / np.maximum(roots, 1e-300)
    theory = roots[0] - fall * run.path_length[:, None]
    slack = error + error[0] + fall * run.errors["path_length"][:, None] + relative(roots)
    return [Comparison("q_a", "lower", theory[1:], roots[1:], slack[1:], run.time[1:], method="slopes")]


MOVES = Claim(
    id="last-layer-moves",
    title="trained output weights move at most as far as the path",
    latex=r"\Big(\frac1m\sum_i (c_i^t - c_i^0)^2\Big)^{1/2} \le \sqrt\kappa\, s(t)",
    source="a trained last layer",
    kind="every run",
    compare=compare_movement,
    hypotheses="last layer trained with the mobility kappa; any scale and width",
    whose="ours",
    proved=True,
)
SLOPES = Claim(
    id="last-layer-slopes",
    title="slopes, weighted by trained output weights, fall no faster than the path is long",
    latex=r"q_a(t) \ge q_a(0) - \big(L_2 \sqrt{G_{\max}} + L_s \sqrt\kappa/\hat c\big)\, s(t),"
    r" \quad q_a^2 = \frac1m\sum_i (c_i/\hat c)^2 \sigma'(h_{ia})^2",
    source="a trained last layer",
    kind="every run",
    compare=compare_slopes,
    hypotheses="last layer trained with the mobility kappa; sigma in C^{1,1}; |c_i^0| = c",
    whose="ours",
    proved=True,
)
RATE = Claim(
    id="last-layer-rate",
    title="linear rate certified for this network with a trained last layer",
    latex=r"L^t \le L^0 e^{-2\hat c^2 \rho(S)^2 t}, \quad"
    r" \hat c \rho(s) = \sqrt{\lambda_{\min}}\,\big[\hat c \sqrt{\psi(s)} - L_s \sqrt\kappa\, s\big]_+",
    source="master theorem; a trained last layer",
    kind="every run",
    compare=compare_rate,
    hypotheses="lambda_min(G) > 0; last layer trained with the mobility kappa; scale above the network's critical one",
    whose="ours",
    proved=True,
)
