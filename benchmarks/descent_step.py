"""One step of gradient descent of one network: linrate, in function space, and the peers of descent_peers.py, in weight
space."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator

import numpy as np
import torch
from threadpoolctl import threadpool_limits

import bounds
from benchmarks.descent_peers import PEERS, STEP, Start, Steps, autograd, missing
from benchmarks.timing import duel, matrix_product_rate
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.network import scaling_of
from simulate.solve.descent import DescentState

CASES: tuple[tuple[int, int, int, str, str, tuple[int, int], float], ...] = (
    # n, m, D, sigma, dtype, calls of each side in a turn, and how many times faster than autograd linrate should be.
    (20, 8192, 20, "tanh", "float64", (60, 15), 5),
    (20, 8192, 20, "tanh", "float32", (60, 15), 5),
    (40, 8192, 20, "tanh", "float64", (30, 8), 5),
    (40, 8192, 20, "tanh", "float32", (30, 8), 5),
    (600, 8192, 8192, "relu", "float64", (4, 1), 25),
)
AGREEMENT = {"float64": 1e-9, "float32": 1e-4}  # of two losses, relative


def ours(start: Start) -> Steps:
    """linrate's step."""
    m, D = start.weights.shape
    gram = start.features @ start.features.T / D
    problem = bounds.Problem.from_gram((gram + gram.T) / 2, start.y, activation=start.activation)
    flow = Flow(problem, start.signs[None], scaling_of("ours", m), Arrays(start.dtype, start.device))
    h = flow.arrays.put(start.features @ start.weights.T[None] / math.sqrt(D))
    state = DescentState(flow, h, watched=False)

    def step() -> float:
        with torch.no_grad():
            residual = state.residual
            state.step(STEP)
            return float((residual * residual).sum()) / 2

    return step


def contenders(
    n: int, m: int, features: np.ndarray, activation: str, *, device: str = "cpu"
) -> tuple[Callable[[], float], Callable[[], float]]:
    """Two functions, linrate's and autograd's, that each take one step and return the loss before it.

    n, m: data points and neurons. features: the embedded data, (n, D). device: a torch device.
    """
    start = Start.draw(n, m, features, activation, device=device)
    return ours(start), autograd(start)


def data(n: int, d: int) -> np.ndarray:
    """The inputs of Experiment 1, (n, d)."""
    return np.random.default_rng(1).standard_normal((n, d))


def relu_features(n: int, D: int) -> np.ndarray:
    """The random ReLU embedding of Experiment 3 at width D, (n, D)."""
    X = data(n, 50)
    Z = np.random.default_rng(2).standard_normal((50, D))
    return np.maximum(X @ Z / math.sqrt(50), 0.0)


def rows(rounds: int = 7) -> Iterator[dict[str, object]]:
    """One row for each case and each peer. Raises AssertionError if linrate and the peer do not agree.

    rounds: turns of the two sides, of whose times the median is taken. share_of_matmul_peak: the rate of the
    products in our step, as a part of the rate of a large matrix product on this machine.
    """
    peak, absent = matrix_product_rate(), missing()
    for name, reason in absent.items():
        print(f"{name} left out: {reason}", file=sys.stderr)
    for n, m, D, activation, dtype, calls, target in CASES:
        features = data(n, D) if activation == "tanh" else relu_features(n, D)
        start = Start.draw(n, m, features, activation, dtype=dtype)
        for name in [peer for peer in PEERS if peer not in absent]:
            mine, theirs = ours(start), PEERS[name](start)
            agree(mine, theirs, AGREEMENT[dtype])
            # BLAS has one thread, as in gradient_descent; torch's own products keep all.
            with threadpool_limits(1, user_api="blas"):
                timed = duel(mine, theirs, rounds=rounds, calls=calls)
            row = {"case": f"descent step, n={n} m={m} D={D} {activation} {dtype}: {name}", **timed.row()}
            if name == "autograd":
                row["target"] = target
            yield {**row, "share_of_matmul_peak": 2 * m * n * n / timed.ours / peak}


def agree(mine: Steps, theirs: Steps, tolerance: float) -> None:
    """Take three steps of both. Raises AssertionError unless the losses agree along them, relative to `tolerance`."""
    for _ in range(3):
        one, other = mine(), theirs()
        if not abs(one - other) <= tolerance * abs(other):
            raise AssertionError(f"the two steps differ: {one} against {other}")
