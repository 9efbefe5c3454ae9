"""A true one, about every run: pytest verify/ --conjectures docs/conjectures/a_loss_never_rises.py"""

import numpy as np

from verify import conjecture


@conjecture
def loss_never_rises(run):
    """L is nonincreasing along the flow: true, by (14)."""
    return np.append(-np.diff(run.loss), 0.0)
