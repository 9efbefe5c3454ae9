"""`python -m simulate.compile`: compile the loops before they are needed, in two processes at once.

Whoever needs a loop first compiles it and numba keeps it on disk. Several processes that begin at the same time, as
those of pytest-xdist do, would each compile the same ones; here each compiles another part, which takes half as long.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np

from bounds.activation.registry import get_activation, known_activations
from bounds.problem import Problem
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.field.sigmas import loop_of
from simulate.integrators.piecewise_linear.method import PiecewiseLinear, pieces_of_flow
from simulate.integrators.state import Sides, State
from simulate.network import scaling_of
from simulate.run import gradient_flow

DATA = np.array([[1.0, 0.2], [0.3, 1.0]]), np.array([0.5, -0.5])


def smooth() -> None:
    """What a flow of tanh needs, and most of what any other flow does."""
    for saved in ([0.01, 0.1], None):  # interpolated, and whole attempts in one call
        gradient_flow(Problem(*DATA), width=4, t_max=0.1, save_at=saved)


def kinks() -> None:
    """What only a flow of ReLU needs: one step of its integrator; and the loops of single activations."""
    for name in known_activations():
        loop_of(get_activation(name))
    problem = Problem(*DATA, activation="relu")
    flow = Flow(problem, np.ones((1, 4)), scaling_of("ours", 4), Arrays("float64", "cpu"))
    pieces, h = pieces_of_flow(flow), np.array([[[1.0, -0.2, 0.1, 0.5], [0.3, 0.1, -1.0, 0.7]]])
    kernel = flow.kernel(np.ones((1, 2, 2)))
    sides = Sides(pieces.sides(h), np.zeros((1, 2, 2)), np.zeros(1))
    state = State.held(flow, h, -flow.y[None], np.ones((1, 2)), kernel, sides)
    step = PiecewiseLinear().step(flow, state, np.array([0.1]), errors=True, saves=[np.array([0.02])])
    step.advance(state)
    step.inside(np.array([0.05]))


PARTS: dict[str, Callable[[], None]] = {part.__name__: part for part in (smooth, kinks)}


def main() -> int:
    """Run each part in a process of its own, or the one that is named."""
    if len(sys.argv) > 1:
        PARTS[sys.argv[1]]()
        return 0
    running = [subprocess.Popen([sys.executable, "-m", "simulate.compile", part]) for part in PARTS]
    codes = [process.wait() for process in running]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
