"""Conjectures to start from: pytest verify/ --conjectures docs/conjectures/examples.py"""

import numpy as np

from verify import conjecture


@conjecture
def loss_never_rises(run):
    """L is nonincreasing along the flow: true, by (14)."""
    return np.append(-np.diff(run.loss), 0.0)


@conjecture
def features_move_by_at_most_a_tenth(run):
    """mean |h - h0| <= 1/10 at every time: false, and found in seconds."""
    return 0.1 - run.movement.max(axis=1)


@conjecture(given="theorem-1")
def features_hardly_move_in_the_certified_regime(run):
    """mean |h - h0| <= ||y|| / (scale sqrt(lambda_min)) in the theorem's own regime: lazy in the scale."""
    lmin = run.problem.spectrum.lmin[0]
    return np.linalg.norm(run.problem.y) / (run.scale * np.sqrt(lmin)) - run.movement.max(axis=1)


@conjecture(delta=0.05, given="theorem-1")
def promised_rate(run):
    """L_t <= L_0 exp(-rate t): Theorem 1 itself."""
    return run.loss[0] * np.exp(-run.guarantee.rate * run.time) - run.loss


@conjecture(delta=0.05, given="theorem-1")
def twenty_times_the_promised_rate(run):
    """L_t <= L_0 exp(-20 rate t): false on well-conditioned data."""
    return run.loss[0] * np.exp(-20 * run.guarantee.rate * run.time) - run.loss
