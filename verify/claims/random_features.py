"""Random embeddings: how near the Gram matrix of a draw is to its limit (Lemma 4, Condition 1, lower tails)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bounds import Problem, RandomFeatures
from bounds.data.datasets import load_builtin
from bounds.methods.embedding_dim import dim_for_distance, dim_for_half
from verify.claims.base import Claim, Comparison
from verify.claims.draws import DELTA, draws, frequency

RADII = {"relu": 0.1, "tanh": 0.1}  # u of Lemma 4: small enough not to be vacuous, large enough for D to be drawn
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
    for problem, tail in ((opposite(), "moments"), (bounded, "bounded"), (bounded, "chernoff")):
        half = float(problem.spectrum.lmin_floor) / 2
        found.append(
            exceeds(
                problem,
                dim_for_half(problem, DELTA, tail),
                lambda G, half=half: bool(np.linalg.eigvalsh(G)[0] < half),  # type: ignore[misc]
                "P(lambda_min(G) < lambda_min(Gbar)/2)",
                tail,
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
    source="R6: moments, bounded, matrix Chernoff",
    kind="constants",
    hypotheses="one layer of random features; bounded sigma for the last two",
    whose="ours",
    proved=True,
    check=check_lower_tails,
    statistical=3,
)
