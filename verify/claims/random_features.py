"""Random embeddings: how near the Gram matrix of a draw is to its limit (Lemma 4, Condition 1, lower tails)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bounds import Problem, RandomFeatures
from bounds.data.datasets import load_builtin
from bounds.methods.embedding_dim import dim_for_distance, dim_for_half, gram_range
from bounds.numerics.arithmetic import float_down, float_up
from verify.claims.base import Claim, Comparison
from verify.claims.draws import DELTA, draws, frequency

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


def exceeds(problem: Problem, dim: int, fails: Callable[[np.ndarray], bool], quantity: str, label: str) -> Comparison:
    """How often fails(Gram matrix of a draw at dimension dim) is True, against DELTA."""
    outcomes = (fails(problem.draw(dim=dim, seed=seed).gram) for seed in draws())
    return frequency(quantity, outcomes, method=f"{label}, D={dim}")


def check_lemma_4() -> list[Comparison]:
    """How often ||G - Gbar||_F exceeds u, at the repaired D."""
    found = []
    for activation, radius in RADII.items():
        problem = three_points(activation)
        dim = dim_for_distance(problem, DELTA, radius)
        limit = problem.gram
        found.append(
            exceeds(
                problem,
                dim,
                lambda G, limit=limit, radius=radius: bool(np.linalg.norm(G - limit) > radius),  # type: ignore[misc]
                "P(||G - Gbar||_F > u)",
                activation,
            )
        )
    return found


def check_condition_1() -> list[Comparison]:
    """How often ||G - Gbar||_2 exceeds lambda_min(Gbar)/2, at the D that Theorem 2 requires."""
    problem = opposite()
    radius, limit = float(problem.spectrum.lmin_floor) / 2, problem.gram
    dim = dim_for_distance(problem, DELTA, radius)
    return [
        exceeds(
            problem,
            dim,
            lambda G: bool(np.linalg.norm(G - limit, 2) > radius),
            "P(||G - Gbar||_2 > lambda_min(Gbar)/2)",
            "relu",
        )
    ]


def check_lower_tails() -> list[Comparison]:
    """How often lambda_min(G) is below lambda_min(Gbar)/2, at the D of each proved tail bound."""
    bounded = Problem(OPPOSITE, np.array([0.3, -0.2]), embedding=RandomFeatures(1, "sigmoid"), name="opposite")
    found = []
    for problem, tail in (
        (opposite(), "moments"),
        (bounded, "chernoff"),
        (three_points("relu"), "whitened"),
        (three_points("tanh"), "whitened"),
        (three_points("relu"), "monte-carlo"),
    ):
        half = float(problem.spectrum.lmin_floor) / 2
        found.append(
            exceeds(
                problem,
                dim_for_half(problem, DELTA, tail),
                lambda G, half=half: bool(np.linalg.eigvalsh(G)[0] < half),  # type: ignore[misc]
                "P(lambda_min(G) < lambda_min(Gbar)/2)",
                f"{tail}, {problem.embedding_name.rpartition('=')[2]}",
            )
        )
    return found


def check_diagonal() -> list[Comparison]:
    """How often a diagonal entry of G leaves the range in which it is promised to be, with 200 features."""
    found = []
    for activation in ("relu", "softplus"):
        problem = three_points(activation)
        known = gram_range(problem, FEW, DELTA).diagonal
        ends = np.array([[float_down(ball), float_up(ball)] for ball in known])
        found.append(
            exceeds(
                problem,
                FEW,
                lambda G, ends=ends: bool(np.any((np.diagonal(G) < ends[:, 0]) | (np.diagonal(G) > ends[:, 1]))),  # type: ignore[misc]
                "P(some G_aa leaves its range)",
                activation,
            )
        )
    return found


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
