"""How many random features are enough: Condition 1 of Theorem 2 made explicit, by five tail bounds.

Each gives a D for which lambda_min(G) >= lambda_min(Gbar)/2 with probability 1 - delta. "lemma-4" bounds the whole
distance ||G - Gbar||_F, which Theorem 2 uses; the others bound only the lower tail. "monte-carlo" is proved too, but
with the probability taken over its own draws besides those of the embedding.
"""

from __future__ import annotations

from flint import arb

from bounds import constants
from bounds.activation.base import Activation
from bounds.activation.gaussian import value_square
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError, unknown_name
from bounds.gram import GramRange
from bounds.methods.laplace_tail import dim_of_levels
from bounds.methods.randomised_tail import randomised_dim
from bounds.methods.whitened import whitened_levels
from bounds.numerics.arithmetic import ball, ceil_int, float_down, float_up
from bounds.numerics.spectrum import Spectrum
from bounds.problem import Problem

TAILS = {
    "lemma-4": "entrywise Bernstein inequality (Lemma 4 repaired, R5)",
    "moments": "lower tail with E||phi||^4 (R6)",
    "chernoff": "matrix Chernoff for |sigma| <= b (R6)",
    "whitened": "lower tail of the whitened features, by the spectrum of second moments (R7, R8)",
    "monte-carlo": "lower tail of the whitened features, by a certificate from draws that are charged to delta (R10)",
}
LOWER_TAILS = ("moments", "chernoff", "whitened")  # of one layer, nothing drawn


def _features(problem: Problem) -> RandomFeatures:
    """The random embedding of the problem; AssumptionError if it has none, or one that is drawn already."""
    if not problem.random or not isinstance(problem.embedding, RandomFeatures):
        raise AssumptionError(
            f"an embedding dimension is asked of a random embedding; found {problem.embedding_name!r}."
            " Use RandomFeatures(depth=1)."
        )
    return problem.embedding


def _floor(problem: Problem) -> arb:
    """A positive lower bound of lambda_min(Gbar); AssumptionError if none is certified."""
    problem.require_positive_definite("random features")
    return problem.spectrum.lmin_floor


def _layer_variances(problem: Problem, features: RandomFeatures) -> list[list[arb]]:
    """The variances g_a of the pre-activations of each random layer in the limit, inputs first."""
    d = problem.d
    layer = []
    for x in problem.X:
        total = arb(0)
        for value in x.tolist():
            total += arb(value) ** 2
        layer.append(total / d)
    layers = [layer]
    for _ in range(features.depth - 1):
        layers.append([value_square(features.sigma, g) for g in layers[-1]])
    return layers


def _orlicz(sigma: Activation, g: arb) -> arb:
    """kap: a bound of the psi_2 (sub-Gaussian) norm of sigma(h), h ~ N(0, g)."""
    zero = abs(sigma.at_zero)
    return constants.kap(zero, sigma.Ls, g)


def dim_for_distance(problem: Problem, delta: float, radius: float) -> int:
    """Condition 1: D with ||G - Gbar||_F <= radius with probability 1 - delta, any depth.

    Depth by depth: half of the radius is left to the last layer given the one before; the other half is what the
    earlier layers' distance may become in it, Lambda times as much (see docs/theory.md).
    """
    features = _features(problem)
    sigma, n = features.sigma, problem.n
    layers = _layer_variances(problem, features)
    share = arb(delta) / features.depth
    u, D = arb(radius), 1
    for depth in range(features.depth - 1, -1, -1):
        g = layers[depth]
        inner = u / 2 if depth > 0 else u
        slack = arb(0)
        if depth > 0:
            zero = abs(sigma.at_zero)
            # Variances of the layer before are then within `slack`, at most half of the least one.
            smallest = min((v.lower() for v in g), key=float)
            reach = sum(((zero + sigma.Ls * (arb(3) / 2 * v).sqrt()) ** 2 for v in g), arb(0)).sqrt()
            growth = sigma.Ls**2 + 4 * sigma.Ls * reach / smallest.sqrt()
            u = (inner / growth).min(smallest / 2)
            slack = u
        kap = arb(0)
        for v in g:
            kap = kap.max(_orlicz(sigma, v + slack))
        D = max(D, ceil_int(constants.D_lemma_4(n, inner, kap, share)))
    return D


def _fourth_moments(sigma: Activation, variances: list[arb]) -> list[arb]:
    """Upper bounds of sqrt(E sigma(h_a)^4)."""
    found = []
    for g in variances:
        if sigma.pieces is not None:
            low, high = (arb(s) for s in sigma.pieces)
            found.append(((low**4 + high**4) / 2 * 3).sqrt() * g)
            continue
        zero = abs(sigma.at_zero)
        bound = (zero + sigma.Ls * g.sqrt() * arb(3).root(4)) ** 2
        found.append(bound if sigma.bounded_by is None else bound.min(arb(sigma.bounded_by) ** 2))
    return found


def dim_for_half(problem: Problem, delta: float, tail: str, seed: int = 0) -> int:
    """D with lambda_min(G) >= lambda_min(Gbar)/2 with probability 1 - delta, by the named tail bound.

    "chernoff", "whitened" and "monte-carlo" prove more: G >= Gbar/2. seed: of the draws of "monte-carlo".

    Raises ArgumentError for an unknown tail, AssumptionError if the tail does not apply (an unbounded activation, or
    depth > 1 for all but lemma-4) or lambda_min(Gbar) > 0 is not certified.
    """
    if not isinstance(tail, str) or tail not in TAILS:
        raise unknown_name("tail", tail, TAILS)
    features, lbar, n = _features(problem), _floor(problem), problem.n
    if tail == "lemma-4":
        return dim_for_distance(problem, delta, float_down(lbar / 2))
    if features.depth > 1:
        raise AssumptionError(
            f"tail {tail!r} is for depth = 1; found depth = {features.depth}. Use tail='lemma-4', or draw all layers"
            " but the last, problem.draw_inner(dim=D), and ask again."
        )
    sigma = features.sigma
    if tail == "chernoff":
        if sigma.bounded_by is None:
            raise AssumptionError(
                f"tail {tail!r} needs a bounded activation; {sigma.name!r} is not. Use tail='whitened' or 'moments'."
            )
        return ceil_int(constants.D_chernoff(n, sigma.bounded_by, lbar, delta))
    if tail == "moments":
        total = sum(_fourth_moments(sigma, _layer_variances(problem, features)[0]), arb(0))
        return ceil_int(constants.D_moments(n, total * total, lbar, delta))
    if tail == "whitened":
        levels = whitened_levels(problem, features)
        return dim_of_levels(levels.values, levels.loss, arb(1) / 2, delta, tail)
    return randomised_dim(problem, features, delta, seed)


def least_dim_for_half(problem: Problem, delta: float) -> int:
    """The smallest D of all the tails that draw nothing, for which see dim_for_half.

    Raises AssumptionError if none of them applies.
    """
    dims, refused = [], ""
    for name in ("lemma-4", *LOWER_TAILS):
        try:
            dims.append(dim_for_half(problem, delta, name))
        except AssumptionError as error:
            refused = refused or str(error)
    if not dims:
        raise AssumptionError(refused)
    return min(dims)


def gram_range(problem: Problem, dim: int, delta: float) -> GramRange:
    """What is known of G = (1/D) Phi Phi' for D = dim features of one layer, given lambda_min(G) >= lambda_min(Gbar)/2,
    with probability 1 - delta: sqrt(G_aa) is a Lipschitz function of normals, near the root of Gbar_aa (R9)."""
    features, n = _features(problem), problem.n
    Ls, half = features.sigma.Ls, _floor(problem) / 2
    diagonal = []
    for limit, g in zip(problem.gram_diagonal, _layer_variances(problem, features)[0], strict=True):
        deviation = constants.diagonal_deviation(n, dim, Ls, g, delta)
        high = (limit.sqrt() + deviation) ** 2
        # The mean of sqrt(G_aa) is at most the root of Gbar_aa, and its variance at most Ls^2 g/D.
        root = ((limit - Ls**2 * g / dim).nonnegative_part().sqrt() - deviation).nonnegative_part()
        diagonal.append(ball((root**2).max(half).lower(), high.upper()))
    total = sum(diagonal, arb(0))
    lmin = float_down(half), float_up(min((g.upper() for g in diagonal), key=float))
    lmax = float_down(max((g.lower() for g in diagonal), key=float)), float_up(total)
    return GramRange(tuple(diagonal), Spectrum(lmin, lmax))
