"""Hypothesis draws small problems: data of several geometries, any activation and scale, adversarial initial states."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from bounds import Problem, known_activations
from simulate import Network

GEOMETRIES = (
    "gaussian",
    "nearly parallel",
    "clustered",
    "one huge row",
    "orthogonal",
    "equal norms",
    "ill-conditioned",
    "opposite",
)
STATES = ("gaussian", "tiny", "saturated", "on kinks", "at the ends of I", "all equal", "one neuron far away")
TARGETS = ("uniform", "aligned", "out of reach", "one large", "zero")
seeds = st.integers(0, 2**31 - 1)


def inputs(geometry: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """X (n, d) of a named geometry; n <= d."""
    X = rng.standard_normal((n, d))
    if geometry == "nearly parallel":
        X = X[:1] + 0.1 * X
    elif geometry == "clustered":
        X = X[rng.integers(0, max(1, n // 2), n)] + 0.3 * rng.standard_normal((n, d))
    elif geometry == "one huge row":
        X[0] *= 10
    elif geometry == "orthogonal":
        X = np.sqrt(d) * np.linalg.qr(X.T)[0].T
    elif geometry == "equal norms":
        X *= np.sqrt(d) / np.linalg.norm(X, axis=1, keepdims=True)
    elif geometry == "ill-conditioned":
        X = np.linalg.qr(X.T)[0].T * np.logspace(0, -2, n)[:, None]
        X = np.linalg.qr(rng.standard_normal((n, n)))[0] @ X * np.sqrt(d)
    elif geometry == "opposite" and n > 1:
        X[1] = -0.9 * X[0] + 0.1 * X[1]
    return X


def hub(n: int, share: float) -> np.ndarray:
    """A Gram matrix (n + 1, n + 1): one point equally correlated with n others, which are orthogonal; share < 1."""
    G = np.eye(n + 1)
    G[0, 1:] = G[1:, 0] = share / np.sqrt(n)
    return G


def targets(kind: str, G: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """y (n,) of a named kind; "aligned": along the direction in which G is weakest."""
    n = len(G)
    y = rng.uniform(-1, 1, n)
    if kind == "aligned":
        y = np.linalg.eigh(G)[1][:, 0]
    elif kind == "out of reach":
        y = 5.0 * np.sign(y)
    elif kind == "one large":
        y[0] = 3.0
    elif kind == "zero":
        y = np.zeros(n)
    return y


@st.composite
def problems(draw: st.DrawFn, activations: list[str] | None = None) -> Problem:
    """A problem with 1 <= n <= 6 linearly independent rows, n <= d <= 8, or given by the Gram matrix of a hub."""
    rng = np.random.default_rng(draw(seeds, label="data seed"))
    geometry = draw(st.sampled_from((*GEOMETRIES, "hub")), label="geometry")
    activation = draw(st.sampled_from(activations or known_activations()), label="activation")
    kind = draw(st.sampled_from(TARGETS), label="targets")
    if geometry == "hub":
        G = hub(draw(st.integers(1, 24), label="points around the hub"), draw(st.floats(-0.9, 0.9), label="share"))
        return Problem.from_gram(G, targets(kind, G, rng), activation=activation, name=geometry)
    n = draw(st.integers(1, 6), label="n")
    d = draw(st.integers(n, 8), label="d")
    X = inputs(geometry, n, d, rng)
    return Problem(X, targets(kind, X @ X.T, rng), activation=activation, name=geometry)


def pre_activations(state: str, problem: Problem, m: int, rng: np.random.Generator) -> np.ndarray:
    """H (m, n) of a named kind: a theorem about every run must hold from any of them."""
    root = np.linalg.cholesky(problem.gram + 1e-12 * np.trace(problem.gram) * np.eye(problem.n))
    H = rng.standard_normal((m, problem.n)) @ root.T
    left, right = (max(-3.0, min(3.0, end)) for end in problem.activation.interval)
    if state == "tiny":
        H *= 0.01
    elif state == "saturated":
        H *= 3.0
    elif state == "on kinks":
        H = np.where(rng.random(H.shape) < 0.5, 0.0, H)
    elif state == "at the ends of I":
        H = np.where(rng.random(H.shape) < 0.5, left, right) + 1e-3 * H
    elif state == "all equal":
        H = np.repeat(H[:1], m, axis=0)
    elif state == "one neuron far away":
        H[0] *= 30.0
    return H


@st.composite
def flows(draw: st.DrawFn, activations: list[str] | None = None) -> dict[str, Any]:
    """Options of a short flow: a problem, a network in any state, of width 1 to 512, at a scale over five decades."""
    problem = draw(problems(activations), label="problem")
    rng = np.random.default_rng(draw(seeds, label="network seed"))
    m = draw(st.one_of(st.integers(1, 96), st.sampled_from((256, 512))), label="width")
    scale = 10.0 ** draw(st.integers(-1, 3), label="log10 scale")
    H = pre_activations(draw(st.sampled_from(STATES), label="state"), problem, m, rng)
    signs = scale * rng.choice([-1.0, 1.0], m)
    if m % 2 == 0 and draw(st.booleans(), label="antisymmetric"):
        H[m // 2 :], signs[m // 2 :] = H[: m // 2], -signs[: m // 2]
    # Long enough for the slowest linear mode to halve, in the units of the fastest; longer now and then.
    long = draw(st.sampled_from((1.0, 20.0)), label="how long")
    t_max = 20.0 * long / (scale**2 * float(np.trace(problem.gram)))
    return {"problem": problem, "network": Network(H, signs), "t_max": t_max}
