"""The theorems a priori: the rate promised before the network is drawn, with probability 1 - delta."""

from bounds.data.random_features import RandomFeatures
from verify.claims.base import Claim, Comparison, NotApplicable
from verify.claims.rate import average_rate
from verify.run import Run
from verify.wide_layers import DrawnLayers

KIND = "with probability 1 - delta"
OF_A_KERNEL = ("kernel", "clipped")  # methods that ask for a tangent kernel > 0, and not for lambda_min(G) > 0


def compare(run: Run) -> list[Comparison]:
    """The promised rate, for a run at the promised width and scale."""
    g = run.guarantee
    if g is None:
        raise NotApplicable("the run has no a priori guarantee")
    if run.width < g.width or run.scale != g.scale or run.init != g.init:
        raise NotApplicable(f"the guarantee asks for width >= {g.width} at scale {g.scale:g}, {g.init} signs")
    return [average_rate(run, "average rate, a priori", "lower", g.rate, g.method)]


def compare_corollary_1(run: Run) -> list[Comparison]:
    """The rate promised by Theorem 1 for the shallow network (1)."""
    if run.problem.embedding_name != "identity":
        raise NotApplicable("stated for the shallow network (1)")
    if run.guarantee is not None and run.guarantee.method in OF_A_KERNEL:
        raise NotApplicable(f"the method {run.guarantee.method} is not the paper's")
    return compare(run)


def compare_kernel(run: Run) -> list[Comparison]:
    """The rate promised by the methods kernel and clipped where lambda_min(G) = 0."""
    if run.guarantee is None or run.guarantee.method not in OF_A_KERNEL or run.problem.spectrum.lmin[0] > 0:
        raise NotApplicable("stated for the methods kernel and clipped where lambda_min(G) > 0 is not certified")
    return compare(run)


def random_layers(run: Run) -> int:
    """The number of random layers, of the promised dimension, before the trained one; NotApplicable without any."""
    embedding, g = run.problem.embedding, run.guarantee
    if not isinstance(embedding, RandomFeatures | DrawnLayers) or g is None or g.embedding_dim is None:
        raise NotApplicable("stated for random embeddings")
    if embedding.dim is None or embedding.dim < g.embedding_dim:
        raise NotApplicable(f"the guarantee asks for an embedding of dimension >= {g.embedding_dim}")
    return embedding.depth


def compare_theorem_2(run: Run) -> list[Comparison]:
    """The rate promised before the embedding is drawn."""
    random_layers(run)
    return compare(run)


def compare_theorem_3(run: Run) -> list[Comparison]:
    """The rate promised before the embedding of one random layer is drawn."""
    if random_layers(run) != 1:
        raise NotApplicable("stated for one layer of random features")
    return compare(run)


def compare_layers(run: Run) -> list[Comparison]:
    """The rate promised before the embedding of at least two random layers is drawn."""
    if random_layers(run) < 2:
        raise NotApplicable("stated for at least two layers of random features")
    return compare(run)


RATE = r"P\left(L^t \le L^0 e^{-r \hat c^2 \lambda_{\min} t}\ \forall t\right) \ge 1 - \delta"
LIMIT_RATE = r"P\left(L^t \le L^0 e^{-r \hat c^2 \lambda_{\min}(\bar G) t}\ \forall t\right) \ge 1 - \delta"

CLAIM = Claim(
    id="theorem-1",
    title="Theorem 1 at its own required width and scale",
    latex=RATE,
    source="Theorem 1, repaired and sharpened",
    kind=KIND,
    compare=compare,
    hypotheses="lambda_min(G) > 0; scale and width at least those of bounds.guarantee",
    whose="paper, repaired",
    proved=True,
)
COROLLARY_1 = Claim(
    id="corollary-1",
    title="the shallow network on linearly independent data, with the hypotheses of Theorem 1",
    latex=r"n \le d,\ \operatorname{rank} X = n \Rightarrow " + RATE,
    source="Corollary 1 with the hypotheses of Theorem 1 (E11)",
    kind=KIND,
    compare=compare_corollary_1,
    hypotheses="rows of X linearly independent; identity embedding; scale and width of bounds.guarantee",
    whose="paper, repaired",
    proved=True,
)
THEOREM_2 = Claim(
    id="theorem-2",
    title="Theorem 2: a random embedding under Condition 1",
    latex=LIMIT_RATE,
    source="Theorem 2 with what the embedding must be made explicit",
    kind=KIND,
    compare=compare_theorem_2,
    hypotheses="lambda_min(Gbar) > 0; embedding dimension, width and scale at least those of bounds.guarantee",
    whose="paper, repaired",
    proved=True,
)
THEOREM_3 = Claim(
    id="theorem-3",
    title="Theorem 3: one layer of random features (P-3L)",
    latex=LIMIT_RATE,
    source="Theorem 3 by the lower tail and the diagonal (R9)",
    kind=KIND,
    compare=compare_theorem_3,
    hypotheses="lambda_min(Gbar) > 0; D, m and scale at least those of bounds.guarantee; n > d is allowed",
    whose="paper, repaired",
    proved=True,
)
LAYERS = Claim(
    id="theorem-layers",
    title="the partially trained L-layer model",
    latex=LIMIT_RATE + r",\ \bar G = \mathrm{Kern}^{(L-1)}",
    source="Appendix H, explicit",
    kind=KIND,
    compare=compare_layers,
    hypotheses="lambda_min(Gbar) > 0; D, m and scale at least those of bounds.guarantee; at least two random layers",
    whose="paper, repaired",
    proved=True,
)
KERNEL = Claim(
    id="theorem-kernel",
    title="Theorem 1 for a singular G, by the tangent kernel",
    latex=r"P\left(L^t \le L^0 e^{-2 \hat c^2 \lambda_{\min}(H^0)(1 - \beta) t}\ \forall t\right) \ge 1 - \delta",
    source="kernel (S5)",
    kind=KIND,
    compare=compare_kernel,
    hypotheses="lambda_min(H^inf) > 0, n > d allowed; sigma in C^{1,1}; scale and width of bounds.guarantee",
    whose="ours",
    proved=True,
)
