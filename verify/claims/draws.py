"""What holds at initialisation, over the draw: Lemmas 2 and 3, the initial output, antisymmetric pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextvars import ContextVar

import numpy as np

from bounds import Problem, constants
from bounds.activation.gaussian import mean_value
from bounds.data.datasets import load_builtin
from bounds.methods.initial_output import initial_output_constant
from bounds.methods.intervals import bounded_interval, middle
from bounds.numerics.arithmetic import ceil_int, float_up, square
from simulate import sample_network
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.run import Run
from verify.statistics import confidence_sequence, trials_needed

DELTA = 0.05  # failure probability that the claims are tested with
LEVEL = ContextVar("LEVEL", default=1e-5)  # error probability of each verdict; a session sets its share of --alpha
ACTIVATIONS = ("tanh", "softplus")  # one with E sigma(h) = 0, one without


def frequency(quantity: str, failures: Iterable[bool], method: str = "", delta: float = DELTA) -> Comparison:
    """The failure rate of the outcomes (True: failed) against delta, as a comparison.

    measured: the centre of the confidence interval at LEVEL; error: its half width.
    """
    outcomes = list(failures)
    low, high = confidence_sequence(len(outcomes), sum(outcomes), alpha=LEVEL.get())
    centre, half = (high + low) / 2, (high - low) / 2
    one = np.ones(1)
    return Comparison(quantity, "upper", delta * one, centre * one, half * one, 0 * one, method=method)


def draws() -> range:
    """The seeds of the draws: as many as prove a failure rate below DELTA at LEVEL if none of them fails."""
    return range(trials_needed(DELTA, LEVEL.get()))


def rate_of_failure(quantity: str, fails: Callable[[int], bool], method: str) -> Comparison:
    """How often a draw fails, against DELTA: the shape of the checks of claims about draws.

    fails(seed): whether the draw of that seed fails, asked for each seed of `draws`.
    """
    return frequency(quantity, map(fails, draws()), method)


def reference(activation: str) -> Problem:
    """The reference problem with this activation."""
    return Problem(*load_builtin("reference"), activation=activation, name="reference")


def initial_output(problem: Problem, width: int, scale: float, seed: int) -> np.ndarray:
    """f^0 of a network of independent signs, (n,)."""
    network = sample_network(problem, width=width, scale=scale, seed=seed)
    return problem.output(network.H, network.signs)


def on_activations(check: Callable[[Problem], Comparison]) -> list[Comparison]:
    """The comparisons of `check` on the reference problem with each of ACTIVATIONS."""
    return [check(reference(name)) for name in ACTIVATIONS]


def check_initial_output() -> list[Comparison]:
    """How often ||f^0|| exceeds scale B/sqrt(m), at m = 64 and scale 1."""

    def one(problem: Problem) -> Comparison:
        most = float_up(initial_output_constant(problem, DELTA)) / 8

        def fails(seed: int) -> bool:
            return bool(np.linalg.norm(initial_output(problem, 64, 1.0, seed)) > most)

        return rate_of_failure("P(||f0|| > scale B/sqrt(m))", fails, problem.activation.name)

    return on_activations(one)


def check_lemma_2() -> list[Comparison]:
    """How often L^0 exceeds ||y||^2, at the repaired width and scale 1."""

    def one(problem: Problem) -> Comparison:
        act = problem.activation
        V = max(float_up(square(mean_value(act, g)) + act.Ls**2 * g) for g in problem.gram_diagonal)
        V = V if act.bounded_by is None else min(V, act.bounded_by**2)
        width = ceil_int(constants.width_lemma_2(problem.n, DELTA, 1, V, problem.y_norm))
        most = float(problem.y @ problem.y)

        def fails(seed: int) -> bool:
            return bool(np.sum((initial_output(problem, width, 1.0, seed) - problem.y) ** 2) / 2 > most)

        return rate_of_failure("P(L0 > ||y||^2)", fails, act.name)

    return on_activations(one)


def check_lemma_3() -> list[Comparison]:
    """How often eta~^0 is at most K, at the width log(n/delta)/(2 K^2)."""

    def one(problem: Problem) -> Comparison:
        interval = bounded_interval(problem, constants.K)
        K = constants.K(interval, problem.gmin, problem.gmax)
        width = ceil_int(constants.width_lemma_3(problem.n, DELTA, K))
        left, right = middle(interval, (interval[1] - interval[0]) / 3)
        least = float_up(K)

        def fails(seed: int) -> bool:
            H = sample_network(problem, width=width, scale=1.0, seed=seed).H
            return bool(np.min(np.mean((left < H) & (right > H), axis=0)) <= least)

        return rate_of_failure("P(eta~0 <= K)", fails, problem.activation.name)

    return on_activations(one)


def least_p_values(problem: Problem, width: int, seeds: Iterable[int]) -> dict[str, float]:
    """Name -> p-value of exact tests that the rows of H are N(0, G) and the signs fair.

    Each is the least p-value of a group of tests times their number (Bonferroni), at most 1.
    """
    from scipy.stats import binomtest, chi2, norm

    networks = [sample_network(problem, width=width, scale=1.0, seed=seed) for seed in seeds]
    H = np.concatenate([network.H for network in networks])
    signs = np.concatenate([network.signs for network in networks])
    rows, n = H.shape
    Z = np.linalg.solve(np.linalg.cholesky(problem.gram), H.T)  # independent N(0, 1) entries
    a, b = np.triu_indices(n, 1)
    squares = np.concatenate([Z**2, (Z[a] + Z[b]) ** 2 / 2]).sum(axis=1)  # each chi-square of `rows` degrees
    two_sided = {
        "mean of h0": 2 * norm.sf(np.abs(Z.sum(axis=1)) / rows**0.5),
        "covariance of h0": 2 * np.minimum(chi2.sf(squares, rows), chi2.cdf(squares, rows)),
        "signs": np.array([binomtest(int(np.sum(signs > 0)), rows).pvalue]),
    }
    return {name: min(1.0, float(len(p) * np.min(p))) for name, p in two_sided.items()}


def check_draw() -> list[Comparison]:
    """The p-values of 20 networks of 2000 neurons on the reference problem, against a third of LEVEL each."""
    one = np.ones(1)
    return [
        Comparison(f"p-value: {name}", "lower", LEVEL.get() / 3 * one, p * one, 0 * one, 0 * one, method="exact tests")
        for name, p in least_p_values(reference("tanh"), 2000, range(20)).items()
    ]


def compare_pairs(run: Run) -> list[Comparison]:
    """L^0 against ||y||^2/2, for antisymmetric pairs."""
    if run.init != "antisymmetric":
        raise NotApplicable("stated for antisymmetric pairs")
    half = np.array([float(run.problem.y @ run.problem.y) / 2])
    return [Comparison("L0", "equal", half, run.loss[:1], run.error[:1], run.time[:1])]


DRAW = Claim(
    id="initial-draw",
    title="the initial pre-activations are N(0, G), the signs fair",
    latex=r"(h_i^0(x_a))_a \sim N(0, G), \quad P(c_i = \hat c) = P(c_i = -\hat c) = \tfrac12",
    source="Assumptions 1 and 3",
    kind="constants",
    hypotheses="independent signs",
    whose="paper",
    proved=True,
    check=check_draw,
    statistical=1,
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
    statistical=2,
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
    statistical=2,
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
    statistical=2,
)
PAIRS = Claim(
    id="antisymmetric-start",
    title="antisymmetric pairs start from f = 0",
    latex=r"L^0 = \tfrac12 \|y\|^2",
    source="antisymmetric initialisation",
    kind="every run",
    compare=compare_pairs,
    hypotheses="pairs (c, w), (-c, w) (the paper makes its model under NTK scaling symmetric, no other)",
    whose="ours",
    proved=True,
)
