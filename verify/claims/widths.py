"""What is enough and what is necessary: the tails behind the widths, and ReLU on orthogonal data, exactly."""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds import Problem
from bounds.methods import get_method
from bounds.numerics.arithmetic import ceil_int, float_up
from simulate import Status, gradient_flow, sample_network
from verify.claims.base import Claim, Comparison
from verify.claims.draws import DELTA, draws, frequency, on_activations

TAU = 0.4  # how far the mean may fall; few neurons are then enough, so that many networks can be drawn
DRAWS = 3  # times the draws that suffice if none fails: the bound is close enough that some do
RELU_TRIALS = 16  # networks on orthogonal data
TARGET = 1e-4  # a loss that has fallen so far goes on to zero, for its rate is known by then


def check_cramer() -> list[Comparison]:
    """How often min_a q_a^2 is at most (1 - tau) min_a E sigma'(h_a)^2, at the width of Cramer's bound."""

    def one(problem: Problem) -> Comparison:
        prior = get_method("slopes").a_priori(problem, DELTA, TAU)
        seeds = range(DRAWS * len(draws()))
        width, least = ceil_int(prior.concentration), float_up(arb(prior.choices["q_squared"]))

        def fails(seed: int) -> bool:
            H = sample_network(problem, width=width, scale=1.0, seed=seed).H
            return bool(np.min(np.mean(np.square(problem.activation.slope(H)), axis=0)) <= least)

        return frequency("P(min q^2 <= level)", map(fails, seeds), problem.activation.name)

    return on_activations(one)


def every_datum_is_active(H: np.ndarray) -> bool:
    """Whether at each data point some neuron is active; H (m, n)."""
    return bool(np.all(np.any(H > 0, axis=0)))


def check_orthogonal_relu() -> list[Comparison]:
    """Whether the loss of a ReLU network on orthogonal data goes to zero (1) against whether every datum has an active
    pair at the start (1), for networks of four neurons."""
    problem = Problem(np.diag([1.5, 2.0, 2.5]), np.array([0.5, -0.8, 0.3]), activation="relu", name="orthogonal")
    expected, found = np.zeros(RELU_TRIALS), np.zeros(RELU_TRIALS)
    for seed in range(RELU_TRIALS):
        network = sample_network(problem, width=4, scale=1.0, init="antisymmetric", seed=seed)
        expected[seed] = every_datum_is_active(network.H)
        run = gradient_flow(problem, network=network, t_max=2000.0, loss_ratio=TARGET, rtol=1e-3)
        found[seed] = run.status is Status.LOSS_REACHED
    none = 0 * expected
    return [Comparison("L reaches 0", "equal", expected, found, none, np.arange(RELU_TRIALS) * 1.0, method="4 neurons")]


CRAMER = Claim(
    id="cramer",
    title="means of slopes by Cramer's bound",
    latex=r"P\Big(\min_a \tfrac1m \sum_i \sigma'(h_{ia}^0)^2 \le x\Big)"
    r" \le \sum_a \big(e^{\theta x} E e^{-\theta \sigma'(h_a)^2}\big)^m \quad \forall \theta > 0",
    source="Cramer's bound in place of second moments",
    kind="constants",
    hypotheses="sigma in C^{1,1}; the diagonal of G known",
    whose="ours",
    proved=True,
    check=check_cramer,
    statistical=2,
)
ORTHOGONAL_RELU = Claim(
    id="orthogonal-relu",
    title="ReLU on orthogonal data converges exactly if every datum has an active pair, at every scale",
    latex=r"L^t \to 0 \iff \forall a \, \exists i : h_{ia}^0 > 0, \quad P = (1 - 2^{-m/2})^n",
    source="what is necessary",
    kind="constants",
    hypotheses="ReLU; G diagonal; antisymmetric pairs; all y_a different from 0",
    whose="ours",
    proved=True,
    check=check_orthogonal_relu,
)
