"""The tools of the sharper proofs: the key lemma, the master theorem along a path, and bounds of the tangent kernel."""

import numpy as np

from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import (
    Claim,
    Comparison,
    relative,
    require_flow,
    require_positive_gram,
    require_scaling,
    require_smooth,
)
from verify.run import Run


def compare_speed(run: Run) -> list[Comparison]:
    """mean_i |dh_ia/dt| <= sqrt(G_aa P) at the first and the last state, for each data point."""
    require_scaling(run)
    problem = run.problem
    root = np.array([float_up(g.sqrt()) for g in problem.gram_diagonal])
    speeds, powers = [], []
    for network, output in ((run.network, run.output[0]), (run.final, run.output[-1])):
        v = (output - problem.y) * problem.activation.slope(network.H)
        pull = v @ problem.gram
        speeds.append(run.scale * np.mean(np.abs(pull), axis=0))
        powers.append(run.scale**2 * max(float(np.mean(np.sum(v * pull, axis=1))), 0.0))
    theory, measured = np.sqrt(powers)[:, None] * root, np.array(speeds)
    return [Comparison("mean |dh/dt|", "upper", theory, measured, relative(theory), run.time[[0, -1]], "key lemma")]


def compare_descent_along_path(run: Run) -> list[Comparison]:
    """||r^t|| against ||r^0|| - scale sqrt(lambda_min) (q s - drift s^2/2), constant from s = q/drift on."""
    require_smooth(run)
    require_flow(run)
    require_positive_gram(run)
    problem = run.problem
    lmin = float_down(problem.spectrum.lmin_floor)
    drift = max(float_up(problem.activation.L2 * problem.gmax.sqrt()), 1e-9)  # never 0; a larger one is a bound, too
    q = float(np.sqrt(run.mean_square_slope[0].min()))
    residual = np.sqrt(2 * run.loss)
    s, s_error = run.path_length, run.errors["path_length"]
    used = np.minimum(s, q / drift)
    theory = residual[0] - run.scale * np.sqrt(lmin) * (q * used - drift * used**2 / 2)
    residual_error = run.error / np.maximum(residual, np.sqrt(run.error) + 1e-300)
    error = 2 * residual_error + 2 * residual_error[0] + run.scale * np.sqrt(lmin) * q * s_error + relative(residual)
    return [
        Comparison("||r||", "upper", theory[1:], residual[1:], (error + relative(residual[0]))[1:], run.time[1:],
                   "slopes")
    ]  # fmt: skip


def compare_schur(run: Run) -> list[Comparison]:
    """lambda_min(H) against lambda_min(G) min_a q_a^2, at every save point."""
    require_scaling(run, last_layer=True)  # whose part of H is positive semidefinite
    lmin = max(float_down(run.problem.spectrum.lmin_floor), 0.0)
    theory = lmin * run.mean_square_slope.min(axis=1)
    error = relative(run.kernel_max_eig, 1e-13)
    return [Comparison("lambda_min(H)", "lower", theory, run.kernel_min_eig, error, run.time, vacuous=bool(lmin == 0))]


def compare_kernel(run: Run) -> list[Comparison]:
    """sqrt(lambda_min(H^t)) against sqrt(lambda_min(H^0)) - L2 sqrt(lambda_max G_max) s(t); G may be singular."""
    require_smooth(run)
    require_flow(run)
    problem = run.problem
    drift = float_up(problem.activation.L2 * (problem.spectrum.lmax_ceiling * problem.gmax).sqrt())
    rounding = run.errors["kernel_min_eig"] + relative(run.kernel_max_eig, 1e-13)
    root = np.sqrt(np.maximum(run.kernel_min_eig, 0.0))
    root_error = rounding / np.maximum(root, np.sqrt(rounding) + 1e-300)
    theory = np.maximum(root[0] - drift * run.path_length, 0.0)
    error = root_error + root_error[0] + drift * run.errors["path_length"]
    moving = slice(1, None)  # at t = 0 both sides are the same number
    return [
        Comparison(
            "sqrt(lambda_min(H))",
            "lower",
            theory[moving],
            root[moving],
            error[moving],
            run.time[moving],
            method="kernel",
            vacuous=bool(np.all(theory[moving] == 0)),
        )
    ]


SPEED = Claim(
    id="key-lemma",
    title="no data point's features move faster than sqrt(G_aa P)",
    latex=r"\frac1m\sum_i |\dot h_i(x_a)| \le \sqrt{G_{aa}\, P}, \quad P = -\dot L",
    source="key lemma; for (47)-(49)",
    kind="every run",
    compare=compare_speed,
    hypotheses="any state of the network",
    whose="ours",
    proved=True,
)
PATH = Claim(
    id="master-theorem",
    title="the residual falls with the path at least as fast as the slopes allow",
    latex=r"\|r^t\| \le \|r^0\| - \hat c \sqrt{\lambda_{\min}} \int_0^{s(t)} (q - L_2 \sqrt{G_{\max}}\, u)_+\, du",
    source="master theorem with S4",
    kind="every run",
    compare=compare_descent_along_path,
    hypotheses="lambda_min(G) > 0; sigma in C^{1,1}; q = min_a q_a(0); any scale",
    whose="ours",
    proved=True,
)
SCHUR = Claim(
    id="schur",
    title="the tangent kernel is at least lambda_min(G) times the mean square slope",
    latex=r"\lambda_{\min}(G \circ Q) \ge \lambda_{\min}(G) \min_a q_a^2",
    source="Schur's product theorem; for (60)",
    kind="every run",
    compare=compare_schur,
    hypotheses="any state of the network",
    whose="ours",
    proved=True,
)
KERNEL = Claim(
    id="kernel-path",
    title="the tangent kernel falls no faster than the path is long",
    latex=r"\sqrt{\lambda_{\min}(H^t)} \ge \sqrt{\lambda_{\min}(H^0)} - L_2 \sqrt{\lambda_{\max} G_{\max}}\, s(t)",
    source="kernel (S5)",
    kind="every run",
    compare=compare_kernel,
    hypotheses="sigma in C^{1,1}; G may be singular",
    whose="ours",
    proved=True,
)
