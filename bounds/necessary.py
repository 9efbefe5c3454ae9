"""What is necessary: scales, widths and embedding dimensions below which a promise fails, whatever the proof.

docs/theory.md, "What is necessary", has the statements and their proofs. Every number here is rounded down: less than
it is certainly too little. `guarantee` says what is certainly enough; the truth is in between.
"""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from bounds import constants
from bounds.activation.base import Activation
from bounds.activation.registry import get_activation
from bounds.checks import check_init, check_probability, check_scale, instance, numpy_defaults, real
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError, require
from bounds.numerics.arithmetic import ENCLOSED, ceil_int, float_down, float_up
from bounds.numerics.tails import infimum_on_the_line
from bounds.problem import Problem

NEVER_NEGATIVE = ("sigmoid", "softplus", "clip")  # activations of the registry, besides those with two slopes


@numpy_defaults
def necessary_scale(problem: Problem, *, init: str = "independent", rate: float | None = None) -> float:
    """A scale below which no training, at any width and by any algorithm, brings the loss to zero; rounded down.

    The output of a sigma with values in [low, high] lies in scale [p low - (1 - p) high, p high - (1 - p) low], p the
    share of positive signs (1/2 for "antisymmetric"). 0 for an unbounded sigma: on orthogonal data ReLU converges at
    every scale.

    rate: if given, the scale must also be large enough for a loss that falls as exp(-rate t), for no flow falls faster
    than 2 scale^2 lambda_max Ls^2.

    0 where the last layer is trained, and the scale of the start says little.

    Raises ArgumentError for arguments out of range.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    balanced = check_init(init) == "antisymmetric"
    needed = arb(0)
    if rate is not None:
        wanted = real("rate", rate, "a finite number > 0", lambda u: 0 < u < math.inf)
        needed = constants.scale_for_rate(wanted, problem.spectrum.lmax_ceiling, problem.activation.Ls)
    if problem.last_layer:
        return 0.0
    bounded_by = problem.activation.bounded_by
    if bounded_by is not None:
        high = arb(bounded_by)
        low = arb(0) if never_negative(problem.activation) else -high
        above, below = (arb(max(float(v), 0.0)) for v in (np.max(problem.y), np.max(-problem.y)))
        if balanced:
            needed = needed.max(constants.scale_balanced(above.max(below), high - low))
        else:  # the ranges above and below 0 add up to high - low, however the signs fall
            needed = needed.max((above + below) / (high - low)).max(above.max(below) / high)
    return max(float_down(needed), 0.0)


@numpy_defaults
def possible_rate(problem: Problem, scale: float) -> float:
    """2 scale^2 lambda_max(G) Ls^2, rounded up: the loss of no network at this scale falls faster than exp(-rate t).

    >>> possible_rate(Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], activation="relu"), 1.0)
    1.0000000000000022

    Raises ArgumentError for arguments out of range, AssumptionError for a random embedding that was not drawn.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    if problem.random:
        raise AssumptionError("the largest rate needs one Gram matrix. Draw the embedding: problem.draw(dim=D).")
    if problem.last_layer:
        raise AssumptionError(
            "no largest rate is known for a trained last layer, whose weights grow. Use last_layer=0."
        )
    chosen = check_scale(scale)
    most = float_up(constants.rate_most(chosen, problem.activation.Ls, problem.spectrum.lmax_ceiling))
    require(most < math.inf, "scale", "so small that the rate is a float", scale)
    return most


def never_negative(activation: Activation) -> bool:
    """Whether sigma >= 0 on the whole line; False if that is not known."""
    if activation.pieces is not None:
        return activation.pieces[0] <= 0 <= activation.pieces[1]
    if any(activation is get_activation(name) for name in NEVER_NEGATIVE):
        return True
    if not activation.at_zero > 0:
        return False
    return infimum_on_the_line(lambda o, u: activation.both(o, u)[0], ENCLOSED, -math.inf, math.inf) > 0


@numpy_defaults
def necessary_width(problem: Problem, delta: float = 0.05, *, init: str = "independent") -> int:
    """A width below which the loss fails to go to zero with a probability above delta, at every scale; rounded down.

    Two statements are known. (1) ReLU, antisymmetric pairs, orthogonal data (G diagonal): the loss goes to zero if and
    only if at each x_a with y_a != 0 some pair is active, of probability (1 - 2^{-m/2})^n; so the number is exact, as
    many neurons are enough. (2) sigma >= 0, independent signs: if all signs are equal (all wrong, where the targets
    have one sign), the output has the wrong sign somewhere for ever. Elsewhere, and where the last layer is trained, 1,
    or 2 for pairs.

    Raises ArgumentError for arguments out of range.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    delta = check_probability(delta)
    least = 2 if check_init(init) == "antisymmetric" else 1
    if not np.any(problem.y) or problem.last_layer:
        return least
    if least == 2:
        if problem.activation.pieces != (0.0, 1.0) or not _orthogonal(problem):
            return least
        return 2 * max(_at_least(constants.pairs_orthogonal_relu(int(np.count_nonzero(problem.y)), delta)), 1)
    if not never_negative(problem.activation):
        return least
    both = bool(np.any(problem.y > 0) and np.any(problem.y < 0))
    return max(_at_least(constants.width_same_sign(delta)) + both, least)


def _at_least(x: arb) -> int:
    """The least whole number that is not certainly below x."""
    return ceil_int(arb(x.lower()))


def _orthogonal(problem: Problem) -> bool:
    """Whether G is exactly diagonal and its diagonal positive: it is given so, or the rows of X share no column."""
    gram = problem.gram
    if problem.random or problem.gram_radius > 0 or np.any(gram - np.diag(np.diagonal(gram))):
        return False
    used = (problem.X != 0).astype(int)
    exact = problem.embedding is None or (
        problem.embedding_name == "identity" and not np.any(np.triu(used @ used.T, 1))
    )
    return exact and bool(np.all(np.diagonal(gram) > 0))


@numpy_defaults
def necessary_embedding_dim(problem: Problem, delta: float = 0.05, *, kappa: float | None = None) -> int:
    """An embedding dimension D below which random features fail; rounded down.

    kappa = None: for lambda_min(G) > 0, which needs D >= n. kappa in (0, 1): for G >= kappa Gbar with probability
    1 - delta, in the order of positive semidefinite matrices; that probability is at most kappa^{-n} (1 - 1/D) ...
    (1 - (n-1)/D), for every law of the features. One random layer. (lambda_min(G) >= kappa lambda_min(Gbar) is weaker
    than G >= kappa Gbar, so that the second number says nothing about it.)

    Raises ArgumentError for arguments out of range, AssumptionError for an embedding that is not random.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    delta = check_probability(delta)
    if not isinstance(problem.embedding, RandomFeatures):
        raise AssumptionError(
            f"an embedding dimension is asked of a random embedding; found {problem.embedding_name!r}."
            " Use RandomFeatures(depth=1)."
        )
    n = problem.n
    if kappa is None:
        return n
    share = check_probability(kappa, "kappa")
    if problem.embedding.depth > 1:
        raise AssumptionError(
            f"G >= kappa Gbar is treated for one random layer; found depth {problem.embedding.depth}. Use kappa=None."
        )

    def possible(dim: int) -> bool:
        """The bound of the probability is not certainly below 1 - delta; it grows with D."""
        return not determinant_tail(dim, n, share) < 1 - arb(delta)

    low, high = n - 1, n
    while not possible(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if possible(middle) else (middle, high)
    return high


def determinant_tail(dim: int, n: int, kappa: float) -> arb:
    """kappa^{-n} prod_{i<n} (1 - i/D) for D >= n, a bound of P(G >= kappa Gbar), enclosed."""
    logarithm = -n * arb(kappa).log()
    for i in range(1, n):
        logarithm += (1 - arb(i) / dim).log()
    return logarithm.exp()
