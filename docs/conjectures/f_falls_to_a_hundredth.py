"""About where the flow ends, at a scale of its own.

pytest verify/ --conjectures docs/conjectures/f_falls_to_a_hundredth.py --builtin reference
"""

import numpy as np

from verify import conjecture


@conjecture(
    delta=0.25,
    width=lambda problem: 4 * problem.n * np.log(problem.n),
    scale=1.0,
    loss_ratio=1e-3,
    at="end",
)
def falls_to_a_hundredth(run):
    """With 4 n log n neurons at scale 1 the loss ends below a hundredth of L_0, with probability 3/4."""
    return run.loss[0] / 100 - run.loss[-1]
