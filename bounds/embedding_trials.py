"""Whether one embedding dimension is enough, by drawing: an exact binomial certificate for any depth (R11)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds.checks import check_probability, check_seed, instance, integer, numpy_defaults
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError, require
from bounds.methods.randomised_tail import STREAM
from bounds.numerics.arithmetic import float_up
from bounds.numerics.spectrum import UNIT_ROUNDOFF, lower_bound
from bounds.problem import Problem

MOST_DRAWS = 10**6  # embeddings; more would take days


@dataclass(frozen=True)
class EmbeddingTrials:
    """With probability 1 - alpha over the draws made here, an embedding of dimension `dim` has G >= Gbar/2 but with
    probability at most `failure_rate`. The statement is about this dimension, not about larger ones.

    draws, failures: embeddings drawn, and those for which G >= Gbar/2 could not be certified; delta: the failure rate
    that was asked for; failure_rate: Clopper and Pearson's upper limit, rounded up.
    """

    dim: int
    draws: int
    failures: int
    alpha: float
    delta: float
    failure_rate: float

    @property
    def holds(self) -> bool:
        """The dimension is certified for delta; if not, nothing is known."""
        return self.failure_rate <= self.delta


def binomial_limit(draws: int, failures: int, alpha: float) -> float:
    """The upper limit of Clopper and Pearson: the rate p with P(at most `failures` of `draws`) = alpha, rounded up."""
    if failures >= draws:
        return 1.0

    def beyond(p: float) -> bool:  # certainly P(X <= failures) <= alpha
        one, total = 1 - arb(p), arb(0)
        term = one**draws
        for k in range(failures + 1):
            total += term
            term = term * (draws - k) / (k + 1) * arb(p) / one
        return bool(total <= arb(alpha))

    low, high = failures / draws, math.nextafter(1.0, 0.0)
    if not beyond(high):
        return 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if beyond(middle) else (middle, high)
    return high


def draws_without_failure(delta: float, alpha: float) -> float:
    """Draws of which none may fail so that the failure rate is at most delta: (1 - delta)^draws <= alpha. A whole
    number, or infinite if it is beyond any float."""
    found = float_up(arb(alpha).log() / (-arb(delta)).log1p())
    return float(math.ceil(found)) if math.isfinite(found) else math.inf


@numpy_defaults
def embedding_trials(
    problem: Problem, dim: int, delta: float = 0.05, *, alpha: float = 1e-9, draws: int | None = None, seed: int = 0
) -> EmbeddingTrials:
    """Draw embeddings of dimension dim, of any depth, and count for how many G >= Gbar/2.

    delta: the failure rate to be certified; alpha: the probability with which the certificate may mislead; draws: how
    many embeddings, by default the least that certify delta if none fails, times 1.5; seed: names the draws. dim, draws
    and seed must be chosen before any draw is looked at, and alpha shared among the dimensions that are tried.

    Raises ArgumentError for arguments out of range, AssumptionError for an embedding that is not random, or if
    lambda_min(Gbar) > 0 is not certified.

    Example: embedding_trials(Problem(X, y, embedding=RandomFeatures(depth=2)), dim=1000).holds
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    dim, delta, alpha = integer("dim", dim, 1), check_probability(delta), check_probability(alpha, "alpha")
    seed = check_seed(seed)
    rule = f"a whole number in [1, {MOST_DRAWS}]"
    needed = 1.5 * draws_without_failure(delta, alpha)
    enough = draws is not None or needed <= MOST_DRAWS
    require(enough, "delta", f"large enough for {MOST_DRAWS} draws, or pass draws", delta)
    count = math.ceil(needed) if draws is None else integer("draws", draws, 1, MOST_DRAWS, rule)
    if not problem.random or not isinstance(problem.embedding, RandomFeatures):
        raise AssumptionError(
            f"only a random embedding has a failure rate. Found {problem.embedding_name!r}."
            " Use RandomFeatures(depth=1)."
        )
    problem.require_positive_definite("random features")
    failures = 0
    for k in range(count):
        # A seed of its own for each embedding, apart from the small ones that users name.
        named = int(np.random.SeedSequence([STREAM, seed, dim, k]).generate_state(2, np.uint64)[0])
        failures += not keeps_half(problem, problem.draw(dim=dim, seed=named))
    return EmbeddingTrials(dim, count, failures, alpha, delta, binomial_limit(count, failures, alpha))


def keeps_half(limit: Problem, drawn: Problem) -> bool:
    """Whether G >= Gbar/2 is certified, G of the problem `drawn` and Gbar of `limit`."""
    gap = drawn.gram - limit.gram / 2
    traces = [float(np.trace(p.gram)) for p in (drawn, limit)]
    error = drawn.gram_relative_error * traces[0] + (limit.gram_relative_error / 2 + 2 * UNIT_ROUNDOFF) * sum(traces)
    return lower_bound(gap, float(np.linalg.eigvalsh(gap)[0])) > 1.1 * error
