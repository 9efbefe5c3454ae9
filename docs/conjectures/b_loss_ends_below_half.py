"""A false one, refuted in seconds: pytest verify/ --conjectures docs/conjectures/b_loss_ends_below_half.py"""

from verify import conjecture


@conjecture
def smooth_loss_ends_below_half(run):
    """With a smooth sigma the loss always ends below half of L^0: false, for neurons that saturate."""
    return run.loss[0] / 2 - run.loss[-1] if run.problem.activation.smooth else 1.0
