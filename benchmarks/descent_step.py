"""One step of gradient descent of one network: linrate, in function space, and autograd, in weight space."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import bounds
from benchmarks.timing import Duel, duel, matrix_product_rate
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.network import scaling_of
from simulate.solve.descent import DescentState

# The activations as torch functions, for autograd.
SIGMA = {"tanh": torch.tanh, "relu": torch.relu}


def contenders(
    n: int, m: int, features: np.ndarray, activation: str, *, device: str = "cpu"
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Two functions, linrate's and autograd's, that each take one step and return the loss before it.

    n, m: data points and neurons. features: the embedded data, (n, D). device: a torch device.
    """
    rng = np.random.default_rng(0)
    D = features.shape[1]
    W = rng.standard_normal((m, D))
    signs, y, step = rng.choice([-1.0, 1.0], m), rng.uniform(-0.5, 0.5, n), 0.1
    Phi = torch.tensor(features, device=device)

    gram = features @ features.T / D
    problem = bounds.Problem.from_gram((gram + gram.T) / 2, y, activation=activation)
    flow = Flow(problem, signs[None], scaling_of("ours", m), Arrays(torch.float64, torch.device(device)))
    state = DescentState(flow, flow.arrays.put(features @ W.T[None] / math.sqrt(D)), watched=False)

    def ours() -> float:
        with torch.no_grad():
            residual = state.residual
            state.step(step)
            return float((residual * residual).sum()) / 2

    weights = torch.tensor(W, requires_grad=True, device=device)
    c, targets = (torch.tensor(a, device=device) for a in (signs, y))
    sigma = SIGMA[activation]

    def autograd() -> float:
        output = c @ sigma(weights @ Phi.T / math.sqrt(D)) / m
        loss = 0.5 * ((output - targets) ** 2).sum()
        (gradient,) = torch.autograd.grad(loss, weights)
        with torch.no_grad():
            weights.sub_(gradient, alpha=m * step)
        return float(loss.detach())

    return ours, autograd


def data(n: int, d: int) -> np.ndarray:
    """The inputs of Experiment 1, (n, d)."""
    return np.random.default_rng(1).standard_normal((n, d))


def relu_features(n: int, D: int) -> np.ndarray:
    """The random ReLU embedding of Experiment 3 at width D, (n, D)."""
    X = data(n, 50)
    Z = np.random.default_rng(2).standard_normal((50, D))
    return np.maximum(X @ Z / math.sqrt(50), 0.0)


def rows(rounds: int = 7) -> list[dict[str, object]]:
    """One row for each of three sizes. Raises AssertionError if linrate and autograd do not agree.

    rounds: turns of the two sides, of whose times the median is taken. share_of_matmul_peak: the rate of the
    products in our step, as a part of the rate of a large matrix product on this machine.
    """
    peak = matrix_product_rate()
    found: list[dict[str, object]] = []
    for n, m, features, activation, calls, target in (
        (20, 8192, data(20, 20), "tanh", (60, 15), 8),
        (40, 8192, data(40, 20), "tanh", (30, 8), 8),
        (600, 8192, relu_features(600, 8192), "relu", (4, 1), 25),
    ):
        ours, autograd = contenders(n, m, features, activation)
        for _ in range(3):  # the losses agree along three steps
            mine, theirs = ours(), autograd()
        if not abs(mine - theirs) <= 1e-9 * abs(theirs):
            raise AssertionError(f"the two steps differ: {mine} against {theirs}")
        with threadpool_limits(1, user_api="blas"):  # as gradient_descent does; torch's own products keep all threads
            timed: Duel = duel(ours, autograd, rounds=rounds, calls=calls)
        found.append(
            {
                "case": f"descent step, n={n} m={m} D={features.shape[1]} {activation}",
                "ours_ms": 1e3 * timed.ours,
                "peer_ms": 1e3 * timed.theirs,
                "ratio": timed.ratio,
                "target": target,
                "share_of_matmul_peak": 2 * m * n * n / timed.ours / peak,
            }
        )
    return found
