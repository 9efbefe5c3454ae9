"""A law for the width, m = C n log n, and the C that it needs, bracketed by bisection.

As a conjecture at C = 4: pytest verify/ --conjectures docs/conjectures/c_width_law.py --builtin reference
The bracket:              python docs/conjectures/c_width_law.py
"""

import numpy as np

import bounds
from bounds.data.datasets import load_builtin
from verify import bracket, conjecture


def law(C):
    """m = C n log n is enough for the promised rate, at the scale of Theorem 1, with probability 3/4."""

    @conjecture(delta=0.25, width=lambda problem: C * problem.n * np.log(problem.n))
    def width_law(run):
        """C n log n neurons are enough for L_t <= L_0 exp(-rate t), with probability 3/4."""
        return run.loss[0] * np.exp(-run.guarantee.rate * run.time) - run.loss

    return width_law


enough = law(4.0)

if __name__ == "__main__":
    problem = bounds.Problem(*load_builtin("reference"), name="reference")
    found = bracket(law, problem, 0.05, 4.0, steps=4)
    print(f"m = C n log n, n = {problem.n}: refuted at C = {found.refuted:.3g}, holds at C = {found.holds:.3g}")
    for C, verdict, failures, trials in found.tried:
        print(f"  C = {C:<8.3g} {verdict:10} {failures} failures in {trials} trials")
