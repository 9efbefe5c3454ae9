"""An independent replay: the flow of the weights by scipy, to see whether a certified rate is kept.

This file imports numpy and scipy only, and nothing of linrate: it trains the weights W of f(x) = (1/m) sum_i c_i
sigma(h_i(x)), h_i = w_i.phi(x)/sqrt(D), by W' = -m dL/dW with L = 1/2 sum_a (f(x_a) - y_a)^2, which is the flow that
the paper writes in function space, and compares L with L(0) exp(-rate t) at every accepted step.
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import DOP853
from scipy.special import erf, expit

# Tolerances of the integration, one attempt each: what the first contradicts, the second must contradict too.
SMOOTH = ((1e-8, 1e-11), (1e-10, 1e-13))
KINKED = ((1e-6, 1e-8), (1e-8, 1e-10))  # each step ends at a kink of one of the neurons, however small it is
ALLOWED = 1e-6  # relative error of L by which it may be above the certified curve
ENOUGH = 1e-4  # the share of the initial loss at which the replay ends
RANGE = 1.05  # and the time at which it ends at the latest, as a multiple of when the certificate promises that share

Value = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def _tanh(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = np.tanh(h)
    return value, 1 - value * value


def _gelu(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    below = (1 + erf(h / np.sqrt(2))) / 2
    return h * below, below + h * np.exp(-h * h / 2) / np.sqrt(2 * np.pi)


def _sigmoid(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    value = expit(h)
    return value, value * (1 - value)


ACTIVATIONS: dict[str, Value] = {
    "tanh": _tanh,
    "softplus": lambda h: (np.logaddexp(0.0, h), expit(h)),
    "gelu": _gelu,
    "relu": lambda h: (np.maximum(h, 0.0), (h > 0).astype(float)),
    "erf": lambda h: (erf(h), 2 / np.sqrt(np.pi) * np.exp(-h * h)),
    "sigmoid": _sigmoid,
}


@dataclass(frozen=True)
class Replay:
    """What the independent integration has seen.

    verdict: CONFIRMED, the loss fell to ENOUGH of its start below the certified curve; CONTRADICTED, it was above it;
    STOPPED, the time limit came first, all below the curve until then. rate: the least log(L(0)/L)/t that was seen;
    until: the last time; ratio: L/L(0) then; seconds: that it took.
    """

    verdict: str
    rate: float
    until: float
    ratio: float
    seconds: float


def replay(
    features: np.ndarray, y: np.ndarray, activation: str, W: np.ndarray, signs: np.ndarray, rate: float, limit: float
) -> Replay:
    """Train the weights W (m, D) on features (n, D), y (n,), and compare with the certified rate; limit: in seconds."""
    for tolerances in KINKED if activation == "relu" else SMOOTH:
        found = _attempt(features, y, activation, W, signs, rate, limit, tolerances)
        if found.verdict != "CONTRADICTED":
            break
    return found


def _attempt(
    features: np.ndarray,
    y: np.ndarray,
    activation: str,
    W: np.ndarray,
    signs: np.ndarray,
    rate: float,
    limit: float,
    tolerances: tuple[float, float],
) -> Replay:
    """One integration with these tolerances (relative, absolute)."""
    began = clock.monotonic()
    sigma = ACTIVATIONS[activation]
    m, dim = W.shape
    scaled = features / np.sqrt(dim)

    def residual_and_slopes(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        value, slope = sigma(weights.reshape(m, dim) @ scaled.T)
        return signs @ value / m - y, slope

    def field(_: float, weights: np.ndarray) -> np.ndarray:
        r, slope = residual_and_slopes(weights)
        moved: np.ndarray = -(signs[:, None] * slope * r) @ scaled
        return moved.ravel()

    def loss(weights: np.ndarray) -> float:
        r, _ = residual_and_slopes(weights)
        return float(r @ r) / 2

    first = loss(W.ravel())
    end = RANGE * np.log(1 / ENOUGH) / rate
    solver = DOP853(field, 0.0, W.ravel().copy(), end, rtol=tolerances[0], atol=tolerances[1])
    least, ratio = np.inf, 1.0
    verdict = "STOPPED"
    while solver.status == "running":
        solver.step()
        ratio = loss(solver.y) / first
        least = min(least, -np.log(max(ratio, 1e-300)) / solver.t)
        if ratio > np.exp(-rate * solver.t) * (1 + ALLOWED):
            verdict = "CONTRADICTED"
            break
        if ratio <= ENOUGH:
            verdict = "CONFIRMED"
            break
        if clock.monotonic() - began > limit:
            break
    return Replay(verdict, float(least), float(solver.t), ratio, clock.monotonic() - began)
