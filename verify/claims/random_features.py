"""Random embeddings: how near the Gram matrix of a draw is to its limit (Lemma 4, Condition 1, lower tails)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bounds import Problem, RandomFeatures
from bounds.data.datasets import load_builtin
from bounds.methods.embedding_dim import dim_for_distance, dim_for_half, gram_range
from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import Claim, Comparison
from verify.claims.draws import DELTA, rate_of_failure

RADII = {"relu": 0.1, "tanh": 0.1}  # u of Lemma 4: small enough not to be vacuous, large enough for D to be drawn
FEW = 200  # features of which the diagonal is tested
OPPOSITE = np.array([[1.0], [-1.0]])  # n = 2 > d = 1: Gbar is diagonal for ReLU features


def three_points(activation: str, depth: int = 1) -> Problem:
    """A problem with n = 3 > d = 2 and random features."""
    X, y = load_builtin("reference", n=3, d=2)
    return Problem(X, y, embedding=RandomFeatures(depth, activation), name="reference")


def opposite(depth: int = 1) -> Problem:
    """n = 2 > d = 1 with ReLU features: of all small problems the one whose limit is best conditioned."""
    return Problem(OPPOSITE, np.array([0.3, -0.2]), embedding=RandomFeatures(depth, "relu"), name="opposite")


def rate_of_grams(
    problem: Problem, dim: int, fails: Callable[[np.ndarray], bool], quantity: str, label: str
) -> Comparison:
    """How often `fails` is True of the Gram matrix of a draw at dimension dim, against DELTA."""
    return rate_of_failure(quantity, lambda seed: fails(problem.draw(dim=dim, seed=seed).gram), f"{label}, D={dim}")


def farther_than(radius: float, limit: np.ndarray, order: Any) -> Callable[[np.ndarray], bool]:
    """Whether a Gram matrix is farther than the radius from the limit, in the norm that numpy calls `order`."""
    return lambda gram: bool(np.linalg.norm(gram - limit, order) > radius)


def least_eigenvalue_below(floor: float) -> Callable[[np.ndarray], bool]:
    """Whether the smallest eigenvalue of a Gram matrix is below the floor."""
    return lambda gram: bool(np.linalg.eigvalsh(gram)[0] < floor)


def check_lemma_4() -> list[Comparison]:
    """How often ||G - Gbar||_F exceeds u, at the repaired D."""

    def one(problem: Problem, activation: str, radius: float) -> Comparison:
        dim, fails = dim_for_distance(problem, DELTA, radius), farther_than(radius, problem.gram, "fro")
        return rate_of_grams(problem, dim, fails, "P(||G - Gbar||_F > u)", activation)

    return [one(three_points(activation), activation, radius) for activation, radius in RADII.items()]


def check_condition_1() -> list[Comparison]:
    """How often ||G - Gbar||_2 exceeds lambda_min(Gbar)/2, at the D that Theorem 2 requires."""
    problem = opposite()
    radius = float(problem.spectrum.lmin_floor) / 2
    dim, fails = dim_for_distance(problem, DELTA, radius), farther_than(radius, problem.gram, 2)
    return [rate_of_grams(problem, dim, fails, "P(||G - Gbar||_2 > lambda_min(Gbar)/2)", "relu")]


def check_lower_tails() -> list[Comparison]:
    """How often lambda_min(G) is below lambda_min(Gbar)/2, at the D of each proved tail bound."""

    def one(problem: Problem, tail: str) -> Comparison:
        dim, fails = dim_for_half(problem, DELTA, tail), least_eigenvalue_below(float(problem.spectrum.lmin_floor) / 2)
        label = f"{tail}, {problem.embedding_name.rpartition('=')[2]}"
        return rate_of_grams(problem, dim, fails, "P(lambda_min(G) < lambda_min(Gbar)/2)", label)

    bounded = Problem(OPPOSITE, np.array([0.3, -0.2]), embedding=RandomFeatures(1, "sigmoid"), name="opposite")
    return [
        one(opposite(), "moments"),
        one(bounded, "chernoff"),
        one(three_points("relu"), "whitened"),
        one(three_points("tanh"), "whitened"),
        one(three_points("relu"), "monte-carlo"),
    ]


def outside(ends: np.ndarray) -> Callable[[np.ndarray], bool]:
    """Whether a diagonal entry of a Gram matrix is outside its range; ends (n, 2)."""
    return lambda gram: bool(np.any((np.diagonal(gram) < ends[:, 0]) | (np.diagonal(gram) > ends[:, 1])))


def check_diagonal() -> list[Comparison]:
    """How often a diagonal entry of G leaves the range in which it is promised to be, with 200 features."""

    def one(activation: str) -> Comparison:
        problem = three_points(activation)
        known = gram_range(problem, FEW, DELTA).diagonal
        ends = np.array([[float_down(ball), float_up(ball)] for ball in known])
        return rate_of_grams(problem, FEW, outside(ends), "P(some G_aa leaves its range)", activation)

    return [one(activation) for activation in ("relu", "softplus")]


LEMMA_4 = Claim(
    id="lemma-4",
    title="Lemma 4 with the norm of the data restored",
    latex=r"D \ge \Big(\frac{4 \kappa^4 n^2}{u^2} + \frac{2 \kappa^2 n}{u}\Big) \log\frac{n(n+1)}{\delta}"
    r" \Rightarrow P(\|G - \bar G\|_F \le u) \ge 1 - \delta",
    source="Lemma 4, (86) repaired (E12, R5)",
    kind="constants",
    hypotheses="random features; kappa bounds the psi_2 norm of each",
    whose="paper, repaired",
    proved=True,
    check=check_lemma_4,
    statistical=2,
)
CONDITION_1 = Claim(
    id="condition-1",
    title="Condition 1, made explicit",
    latex=r"D \ge D_{\min}(\delta, u) \Rightarrow P(\|G - \bar G\|_2 > u) < \delta",
    source="Condition 1 by Lemma 4 repaired",
    kind="constants",
    hypotheses="random features of any depth; u = lambda_min(Gbar)/2",
    whose="paper, repaired",
    proved=True,
    check=check_condition_1,
    statistical=1,
)
TAILS = Claim(
    id="lower-tails",
    title="only the lower tail of lambda_min(G) is needed",
    latex=r"D \ge D_{\mathrm{tail}}(\delta)"
    r" \Rightarrow P(\lambda_{\min}(G) \ge \tfrac12 \lambda_{\min}(\bar G)) \ge 1 - \delta",
    source="R6: moments, matrix Chernoff; R7, R8: whitened features; R10: randomised certificate",
    kind="constants",
    hypotheses="one layer of random features; bounded sigma for matrix Chernoff",
    whose="ours",
    proved=True,
    check=check_lower_tails,
    statistical=5,
)
DIAGONAL = Claim(
    id="diagonal",
    title="the diagonal of G is near that of its limit",
    latex=r"P\Big(|\sqrt{G_{aa}} - E\sqrt{G_{aa}}| \le L_s \sqrt{\tfrac{2}{D} g_a \log(2n/\delta)}\ \forall a\Big)"
    r" \ge 1 - \delta,\quad \bar G_{aa} - L_s^2 g_a/D \le (E\sqrt{G_{aa}})^2 \le \bar G_{aa}",
    source="R9: Gaussian concentration",
    kind="constants",
    hypotheses="one layer of random features; g_a = ||x_a||^2/d",
    whose="ours",
    proved=True,
    check=check_diagonal,
    statistical=2,
)
