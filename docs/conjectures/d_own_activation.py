"""An activation of one's own.

pytest verify/ --conjectures docs/conjectures/d_own_activation.py --activation bent-tanh
"""

import numpy as np
import sympy as sp

import bounds
from verify import conjecture

u = sp.Symbol("u", real=True)
BENT = bounds.register_activation("bent-tanh", sp.tanh(u) + u / 4)


@conjecture
def slope_is_at_least_a_quarter(run):
    """L_t <= L_0 exp(-2 scale^2 lambda_min t/16) for tanh(u) + u/4, whose slope is at least 1/4: true, by (16)."""
    if run.problem.activation.name != "bent-tanh":
        return 1.0  # the search tries every activation; this is about one
    lmin = run.problem.spectrum.lmin[0]
    return run.loss[0] * np.exp(-2 * run.scale**2 * lmin * run.time / 16) - run.loss
