"""A rate from both sides: pytest verify/ --conjectures docs/conjectures/e_two_sided_rate.py --builtin reference"""

import numpy as np

from verify import conjecture


@conjecture(delta=0.25, given="theorem-1")
def rate_from_both_sides(run):
    """L_0 exp(-2 scale^2 lambda_max Ls^2 t) <= L_t <= L_0 exp(-rate t), in the regime of Theorem 1."""
    fastest = 2 * run.scale**2 * run.problem.spectrum.lmax[1] * float(run.problem.activation.Ls) ** 2
    upper = run.loss[0] * np.exp(-run.guarantee.rate * run.time)
    lower = run.loss[0] * np.exp(-fastest * run.time)
    return np.minimum(upper - run.loss, run.loss - lower)
