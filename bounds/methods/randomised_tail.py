"""The embedding dimension by a randomised certificate (R10): A_theta of laplace_tail.py from draws, with proof.

No moment of the features is needed. The number holds with probability 1 - delta over the draws made here and those of
the embedding together, so the draws here are charged to delta, and must be independent of the embedding's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS
from bounds.constants import certificate_failure
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError
from bounds.methods.laplace_tail import certified_dim, least_dim
from bounds.methods.whitened import frame
from bounds.numerics.arithmetic import float_up
from bounds.numerics.spectrum import UNIT_ROUNDOFF, eigenvalues, gamma
from bounds.problem import Problem

FAILURE = 1e-9  # the part of delta that is charged for the draws made here; at most a hundredth of delta
BLOCK = 2**14  # features that are drawn at a time
PILOT = 2**15  # features from which theta and the level of the test are chosen
DRAWS = 2**21  # features of the certificate, at most
WORK = 4e10  # about the floating-point operations that they may cost
STREAM = 7_231_964_501  # names the streams of random numbers used here, apart from those of embeddings and networks
PRODUCTS = np.geomspace(0.25, 1.5, 10)  # theta times the mean of |w|^2, of the pilot
EXCESS = 0.05  # by which the estimate may err; more where so many draws are too many
HARDNESS = (1 + EXCESS) * math.log(1 + EXCESS) - EXCESS  # of seeing it err by so much, as in certificate_failure
CAUTION = 0.93  # the level of the test, as a part of what the pilot saw


@dataclass(frozen=True)
class Estimate:
    """values (n,): lower bounds of the eigenvalues, ascending, of the mean of (1 - exp(-theta |w|^2)) ww'/|w|^2."""

    theta: float
    values: np.ndarray


def _blocks(
    problem: Problem, features: RandomFeatures, B: np.ndarray, draws: int, stream: list[int]
) -> Iterator[tuple[np.ndarray, float]]:
    """(w, error) for block after block of `draws` features: w (n, block), error bounds the mean of their errors."""
    X, d, sigma = problem.X, problem.d, features.sigma
    norm, reach = float(np.linalg.norm(B)), float(np.linalg.norm(X)) / np.sqrt(d)
    ls = float_up(sigma.Ls)
    for block, start in enumerate(range(0, draws, BLOCK)):
        z = np.random.default_rng([*stream, block]).standard_normal((min(BLOCK, draws - start), d))
        phi = sigma.value(X @ z.T / np.sqrt(d))
        # x.z/sqrt(d) errs by gamma |x||z|/sqrt(d), sigma by its ulps and slack, the product with B by gamma |B||phi|.
        size = float(np.mean(np.linalg.norm(phi, axis=0)))
        length = ls * reach * float(np.mean(np.linalg.norm(z, axis=1)))
        lost = 2 * FUNCTION_ULPS * UNIT_ROUNDOFF * size + sigma.slack * (ls * np.sqrt(len(X)) + length)
        yield B @ phi, 1.01 * norm * (lost + gamma(d + 4) * length + gamma(len(X) + 2) * size)


def _estimate(
    problem: Problem, features: RandomFeatures, B: np.ndarray, draws: int, stream: list[int], theta: float
) -> Estimate:
    """The Estimate at one theta."""
    total, moved = np.zeros((problem.n, problem.n)), 0.0
    for w, error in _blocks(problem, features, B, draws, stream):
        square = np.sum(np.square(w), axis=0)
        # -expm1(-x)/x is theta at x = 0.
        weight = np.where(square > 0, -np.expm1(-theta * square) / np.maximum(square, 1e-300), theta)
        total += (w * weight) @ w.T
        moved += error * w.shape[1] / draws
    values, _, error = eigenvalues((total + total.T) / (2 * draws))
    # The summand, of norm at most 1, is a function of w whose derivative is at most 1.1 sqrt(theta).
    rounding = gamma(BLOCK + draws // BLOCK + 30) * 1.01
    return Estimate(theta, values - error - 1.2 * np.sqrt(theta) * moved - rounding)


def _pilot(problem: Problem, features: RandomFeatures, B: np.ndarray, seed: int, delta: float) -> Estimate:
    """The Estimate of PILOT draws with the theta that needs the least dimension; a choice only, it proves nothing."""
    mean = float(problem.n)  # of |w|^2
    found = [_estimate(problem, features, B, PILOT, [STREAM, seed, 0], float(product) / mean) for product in PRODUCTS]
    thetas = np.array([e.theta for e in found])
    rates = np.log1p(-np.clip(np.array([e.values for e in found]), 0.0, 1 - 1e-9))
    return found[least_dim(thetas, rates, 0.5, delta)[1]]


@lru_cache(maxsize=16)
def _certificate(problem: Problem, features: RandomFeatures, delta: float, seed: int) -> tuple[Estimate, float, float]:
    """(estimate, excess, loss): with probability 1 - charge(delta) over these draws the eigenvalues of A_theta are at
    least those of the estimate divided by 1 + excess. loss: ||B Gbar B' - I|| is at most this."""
    n = problem.n
    white = frame(problem, features)
    B, loss = white.whitening, white.loss
    pilot = _pilot(problem, features, B, seed, delta)
    # theta, the level of the test, the excess and the number of draws are all fixed before the second stream is opened.
    least, excess = max(CAUTION * float(pilot.values[0]), 1e-300), EXCESS
    needed = float((arb(n) / charge(delta)).log() / (arb(least) / (1 + EXCESS) * arb(HARDNESS)))
    most = min(DRAWS, max(PILOT, int(WORK / (2 * n * (2 * n + problem.d)))))
    draws = int(min(most, math.ceil(needed) + 1))
    while excess < 8 and not certificate_failure(n, draws, least / (1 + excess), excess) <= charge(delta):
        excess *= 1.05
    level = least / (1 + excess)
    estimate = _estimate(problem, features, B, draws, [STREAM, seed, 1], pilot.theta)
    if not (level > 0 and excess < 8 and estimate.values[0] >= (1 + excess) * level * (1 + 1e-12)):
        raise AssumptionError(
            f"tail 'monte-carlo' is not certified by {draws} draws with seed = {seed}: the points are too close, or too"
            " many. Use tail='whitened'."
        )
    return estimate, excess, loss


def charge(delta: float) -> float:
    """The part of delta that the draws made here may use up."""
    return min(FAILURE, delta / 100)


def randomised_dim(problem: Problem, features: RandomFeatures, delta: float, seed: int) -> int:
    """D with G >= Gbar/2 with probability 1 - delta over the draws made here, named by `seed`, and the embedding's.

    Raises AssumptionError if the draws certify nothing.
    """
    estimate, excess, loss = _certificate(problem, features, delta, seed)
    rest = arb(delta) - arb(charge(delta))
    least = (1 + arb(loss)) / 2
    rates = np.log1p(-np.clip(estimate.values / (1 + excess), 0.0, 1 - 1e-9))
    D, _ = least_dim(np.array([estimate.theta]), rates[None, :], float_up(least), float(rest))
    bounds = [arb(value) / (1 + arb(excess)) for value in estimate.values.tolist()]
    return certified_dim(D, estimate.theta, least, bounds, rest, "monte-carlo")
