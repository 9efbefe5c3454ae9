"""Counterexamples to printed statements by draws and runs of the simulator, beside the computed ones of the errata."""

from __future__ import annotations

import numpy as np

from bounds import Problem, RandomFeatures, constants
from bounds.data.datasets import load_builtin
from bounds.numerics.arithmetic import ceil_int, float_down
from simulate import gradient_descent, sample_network
from verify.claims.base import Comparison
from verify.claims.draws import draws, frequency, initial_output

DELTA = 0.05


def lemma_2() -> list[Comparison]:
    """E2: 300 orthogonal points at the printed width."""
    n = 300
    problem = Problem.from_gram(np.eye(n), np.full(n, n**-0.5))
    width = ceil_int(constants.width_lemma_2_printed(n, DELTA, 1, 1, 1, 1))
    losses = (np.sum((initial_output(problem, width, 1.0, seed) - problem.y) ** 2) / 2 for seed in range(40))
    return [frequency("P(L0 > ||y||^2)", (bool(loss > 1) for loss in losses), f"n={n}, m={width}")]


def lemma_3() -> list[Comparison]:
    """E5: G = 10 and I = (6, 12), at the width of Lemma 3 for the K as printed."""
    problem, interval = Problem.from_gram([[10.0]], [1.0]), (6.0, 12.0)
    K = constants.K_printed_squared(interval, 10, 10)
    width = ceil_int(constants.width_lemma_3(1, DELTA, K))

    def share(seed: int) -> float:
        H = sample_network(problem, width=width, scale=1.0, seed=seed).H
        return float(np.mean((H > 8) & (H < 10)))

    least = float_down(K)
    return [frequency("P(eta~0 <= K)", (share(seed) <= least for seed in draws()), f"m={width}")]


def lemma_4() -> list[Comparison]:
    """E12: ReLU features of a point of norm 100, at the D that does not see the norm."""
    problem = Problem([[100.0]], [1.0], embedding=RandomFeatures(1, "relu"))
    dim = ceil_int(constants.D_lemma_4(1, 1, constants.kap(0, 1, 1), DELTA))
    limit = problem.gram[0, 0]
    apart = (abs(problem.draw(dim=dim, seed=seed).gram[0, 0] - limit) for seed in draws())
    return [frequency("P(|G - Gbar| > 1)", (bool(distance > 1) for distance in apart), f"D={dim}")]


def step_one() -> list[Comparison]:
    """E17: descent with step 1 on Experiment 3, whose loss rises above its start, as no flow's does."""
    X, y = load_builtin("experiment-3", n=400)
    problem = Problem(X, y, activation="relu", embedding=RandomFeatures(1, "relu", dim=1024, seed=0))
    run = gradient_descent(problem, width=256, scale=1.0, seed=0, step=1.0, steps=10)
    one = np.ones(len(run.time))
    error = (run.error + run.error[0]) / run.loss[0]
    return [Comparison("L_k/L_0", "upper", one, run.loss / run.loss[0], error, run.time)]


RUNS = {"E2": lemma_2, "E5": lemma_3, "E12": lemma_4, "E17": step_one}
STATISTICAL = ("E2", "E5", "E12")  # frequencies over draws
