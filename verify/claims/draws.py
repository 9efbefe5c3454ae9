"""What holds at initialisation, over the draw: Lemmas 2 and 3, the initial output, antisymmetric pairs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
from scipy import stats

from bounds import Problem, constants
from bounds.arithmetic import ceil_int, float_up, square
from bounds.datasets import load_builtin
from bounds.expectations import mean_value
from bounds.initial_output import initial_output_constant
from bounds.methods.intervals import bounded_interval, middle
from simulate import sample_network
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.run import Run
from verify.statistics import confidence_sequence, trials_needed

DELTA, ALPHA = 0.05, 1e-5  # of the promise, and of the verdict on it: small beside any session's budget
ACTIVATIONS = ("tanh", "softplus")  # one with E sigma(h) = 0, one without


def frequency(quantity: str, failures: Iterable[bool], method: str = "", delta: float = DELTA) -> Comparison:
    """The confidence interval of a failure rate against delta, as a comparison: its half width is the error."""
    outcomes = list(failures)
    low, high = confidence_sequence(len(outcomes), sum(outcomes), alpha=ALPHA)
    centre, half = (high + low) / 2, (high - low) / 2
    one = np.ones(1)
    return Comparison(quantity, "upper", delta * one, centre * one, half * one, 0 * one, method=method)


def draws() -> range:
    """The seeds: no failure among so many proves a rate below delta at level alpha."""
    return range(trials_needed(DELTA, ALPHA))


def reference(activation: str) -> Problem:
    """The reference problem."""
    return Problem(*load_builtin("reference"), activation=activation, name="reference")


def initial_output(problem: Problem, width: int, scale: float, seed: int) -> np.ndarray:
    """f^0 of a network of independent signs, (n,)."""
    network = sample_network(problem, width=width, scale=scale, seed=seed)
    f: np.ndarray = network.signs @ problem.activation.value(network.H) / width
    return f


def on_activations(check: Callable[[Problem], Comparison]) -> list[Comparison]:
    """The check on the reference problem of each activation."""
    return [check(reference(name)) for name in ACTIVATIONS]


def check_initial_output() -> list[Comparison]:
    """||f^0|| <= scale B/sqrt(m), at m = 64 and scale 1."""

    def one(problem: Problem) -> Comparison:
        most = float_up(initial_output_constant(problem, DELTA)) / 8
        norms = (np.linalg.norm(initial_output(problem, 64, 1.0, seed)) for seed in draws())
        return frequency("P(||f0|| > scale B/sqrt(m))", (bool(norm > most) for norm in norms), problem.activation.name)

    return on_activations(one)


def check_lemma_2() -> list[Comparison]:
    """L^0 <= ||y||^2 at the repaired width, scale 1."""

    def one(problem: Problem) -> Comparison:
        act = problem.activation
        V = max(float_up(square(mean_value(act, g)) + act.Ls**2 * g) for g in problem.gram_diagonal)
        V = V if act.bounded_by is None else min(V, act.bounded_by**2)
        width = ceil_int(constants.width_lemma_2(problem.n, DELTA, 1, V, problem.y_norm))
        losses = (np.sum((initial_output(problem, width, 1.0, seed) - problem.y) ** 2) / 2 for seed in draws())
        most = float(problem.y @ problem.y)
        return frequency("P(L0 > ||y||^2)", (bool(loss > most) for loss in losses), act.name)

    return on_activations(one)


def check_lemma_3() -> list[Comparison]:
    """eta~^0 > K at the width log(n/delta)/(2 K^2)."""

    def one(problem: Problem) -> Comparison:
        interval = bounded_interval(problem, constants.K)
        K = constants.K(interval, problem.gmin, problem.gmax)
        width = ceil_int(constants.width_lemma_3(problem.n, DELTA, K))
        left, right = middle(interval, (interval[1] - interval[0]) / 3)
        least = float_up(K)

        def fails(seed: int) -> bool:
            H = sample_network(problem, width=width, scale=1.0, seed=seed).H
            return bool(np.min(np.mean((left < H) & (right > H), axis=0)) <= least)

        return frequency("P(eta~0 <= K)", map(fails, draws()), problem.activation.name)

    return on_activations(one)


def check_draw() -> list[Comparison]:
    """Mean, spread and correlation of the whitened pre-activations, and the balance of the signs, in their exact laws.

    With h_i = A z_i, A A' = G: m |mean z|^2 is chi^2 with n degrees of freedom, sum_i |z_i|^2 with m n, and so on.
    """
    problem, m = reference("tanh"), 4096
    network = sample_network(problem, width=m, scale=1.0, seed=0)
    whitened = np.linalg.solve(np.linalg.cholesky(problem.gram), network.H.T)  # (n, m)
    n, share = problem.n, ALPHA / 5
    centre = m * float(np.sum(whitened.mean(axis=1) ** 2))
    total = float(np.sum(whitened**2))
    # Independent components: the sum over i of z_1 z_2 has mean 0 and standard deviation sqrt(m).
    together = abs(float(whitened[0] @ whitened[1])) / math.sqrt(m)
    positive = int(np.sum(network.signs > 0))

    def within(quantity: str, low: float, value: float, high: float) -> list[Comparison]:
        one = np.ones(1)
        sides = (("lower", low), ("upper", high))
        return [Comparison(quantity, side, end * one, value * one, 1e-9 * one, 0 * one) for side, end in sides]

    return [
        Comparison("m |mean z|^2", "upper", *_single(stats.chi2.isf(share, n), centre)),
        *within("sum |z|^2", stats.chi2.ppf(share / 2, m * n), total, stats.chi2.isf(share / 2, m * n)),
        Comparison("|sum z_1 z_2|/sqrt(m)", "upper", *_single(stats.norm.isf(share / 2) + 0.1, together)),
        *within("positive signs", stats.binom.ppf(share / 2, m, 0.5), positive, stats.binom.isf(share / 2, m, 0.5)),
    ]


def _single(theory: float, measured: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """theory, measured, error and time of a comparison of two numbers."""
    return np.array([theory]), np.array([measured]), np.array([1e-9 * theory]), np.zeros(1)


def compare_pairs(run: Run) -> list[Comparison]:
    """L^0 against ||y||^2/2."""
    if run.init != "antisymmetric":
        raise NotApplicable("stated for antisymmetric pairs")
    half = np.array([float(run.problem.y @ run.problem.y) / 2])
    return [Comparison("L0", "equal", half, run.loss[:1], run.error[:1], run.time[:1])]


DRAW = Claim(
    id="initial-draw",
    title="the initial state has the law that every theorem assumes",
    latex=r"h_i^0 \sim N(0, G), \quad P(c_i = \hat c) = P(c_i = -\hat c) = \tfrac12",
    source="Assumptions 1 and 3",
    kind="constants",
    hypotheses="one draw of 4096 neurons, against the exact laws of four statistics",
    whose="paper",
    proved=True,
    check=check_draw,
)
LEMMA_2 = Claim(
    id="lemma-2",
    title="Lemma 2 with n restored: the initial loss",
    latex=r"m \ge \frac{2 \hat c^2 n V \log(2n/\delta)}{(\sqrt2 - 1)^2 \|y\|^2}"
    r" \Rightarrow P(L^0 \le \|y\|^2) \ge 1 - \delta",
    source="Lemma 2, (62), (64), (66) repaired (E2-E4)",
    kind="constants",
    hypotheses=r"V = max_a min(sup sigma^2, mu_a^2 + Ls^2 G_aa); independent signs",
    whose="paper, repaired",
    proved=True,
    check=check_lemma_2,
)
LEMMA_3 = Claim(
    id="lemma-3",
    title="Lemma 3 with its exponent repaired: neurons that start active",
    latex=r"m \ge \frac{\log(n/\delta)}{2K^2} \Rightarrow P(\tilde\eta^0 > K) \ge 1 - \delta",
    source="Lemma 3, (56), (71), (72) repaired (E5)",
    kind="constants",
    hypotheses="I bounded; K = K(I, G_min, G_max)",
    whose="paper, repaired",
    proved=True,
    check=check_lemma_3,
)
OUTPUT = Claim(
    id="initial-output",
    title="the initial output, in place of Lemma 2",
    latex=r"P(\|f^0\| \le \hat c B/\sqrt m) \ge 1 - \delta, \quad B = \|\mu\| \sqrt{2 \log(4/\delta)}"
    r" + \Big(\sum_a \operatorname{Var} \sigma(h_a)\Big)^{1/2} + L_s \sqrt{2 \lambda_{\max} \log(2/\delta)}",
    source="initial output, vector form (R2)",
    kind="constants",
    hypotheses="independent signs; any width and scale",
    whose="ours",
    proved=True,
    check=check_initial_output,
)
PAIRS = Claim(
    id="antisymmetric-start",
    title="antisymmetric pairs start from f = 0",
    latex=r"L^0 = \tfrac12 \|y\|^2",
    source="antisymmetric initialisation",
    kind="every run",
    compare=compare_pairs,
    hypotheses="pairs (c, w), (-c, w)",
    whose="paper",
    proved=True,
)
