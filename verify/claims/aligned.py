"""Does the alignment of the residual with the tangent kernel lower the scale that convergence asks for? Nobody knows.

The proof of slopes lets the residual decay at the slowest rate all the way. On real data most of it lies along the fast
directions: 40 digits have an alignment of 0.094, so the conjecture would lower their scale tenfold.
"""

from __future__ import annotations

import numpy as np

from bounds import Problem, certify
from bounds.constants import alignment
from verify.claims.base import Claim, Comparison, NotApplicable, require_flow, require_positive_gram, require_smooth
from verify.claims.rate import average_rate
from verify.run import Run

ROUNDING = 1e-6  # of the alignment, relative; it only lowers the rate that is claimed


def tangent_kernel(problem: Problem, H: np.ndarray) -> np.ndarray:
    """G_ab (1/m) sum_i sigma'(h_ia) sigma'(h_ib), (n, n), at H (m, n)."""
    slope = problem.activation.slope(H)
    kernel: np.ndarray = problem.gram * (slope.T @ slope) / len(H)
    return kernel


def alignment_of(kernel: np.ndarray, residual: np.ndarray) -> float:
    """constants.alignment of a residual (n,) with a kernel (n, n); NaN if the kernel is singular or the residual
    zero."""
    values, vectors = np.linalg.eigh(kernel)
    with np.errstate(all="ignore"):
        chord = np.sqrt(np.sum((vectors.T @ residual) ** 2 / values))
        return float(alignment.approx(values[0], chord, np.linalg.norm(residual)))


def compare(run: Run) -> list[Comparison]:
    """The average rate against 2 scale^2 lambda_min(G) q^2 (1 - alignment beta), beta that of the method slopes."""
    require_flow(run)
    require_positive_gram(run)
    require_smooth(run)
    network = run.network
    kernel = tangent_kernel(run.problem, network.H)
    share = (1 + ROUNDING) * alignment_of(kernel, run.problem.residual(network.H, network.signs))
    c = certify(run.problem, network.H, signs=network.signs, method="slopes")
    if not share * c.beta < 1:
        raise NotApplicable("the scale is not above the critical one of the method slopes times the alignment")
    q2 = float(run.mean_square_slope[0].min())
    rate = 2 * run.scale**2 * float(run.problem.spectrum.lmin_floor) * q2 * (1 - share * c.beta)
    return [average_rate(run, "average rate, aligned", "lower", rate * (1 - ROUNDING), "slopes")]


CLAIM = Claim(
    id="aligned-scale",
    title="a residual along fast directions needs a smaller scale",
    latex=r"\hat c > \alpha\, a \|r^0\| \Rightarrow L^t \le L^0 e^{-2 \hat c^2 \lambda_{\min} q^2"
    r" (1 - \alpha a \|r^0\| / \hat c) t},\quad \alpha = \sqrt{\lambda_{\min}(H^0)}\, \|(H^0)^{-1/2} r^0\| / \|r^0\|",
    source="conjecture on alignment, docs/theory.md",
    kind="every run",
    compare=compare,
    hypotheses="lambda_min(G) > 0; sigma in C^{1,1}; the scale is above the alignment times the critical one of slopes",
    whose="ours",
    proved=False,
)
