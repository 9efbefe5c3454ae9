"""What Hypothesis draws: data of several geometries, any activation and scale, adversarial initial states."""

from __future__ import annotations

from collections.abc import Callable
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
GRAPHS = ("star", "bipartite", "ring", "tree", "random graph")  # Gram matrices given by who is correlated with whom
STATES = ("gaussian", "tiny", "saturated", "on kinks", "at the ends of I", "all equal", "one neuron far away")
TARGETS = ("uniform", "aligned", "out of reach", "one large", "zero")
seeds = st.integers(0, 2**31 - 1)
Options = dict[str, Any]


def inputs(geometry: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """Inputs X (n, d) of one of GEOMETRIES; n <= d."""
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


def graph(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """The adjacency matrix (n, n) of one of GRAPHS: which points are correlated."""
    A = np.zeros((n, n))
    if kind == "star":
        A[0] = 1
    elif kind == "bipartite":
        part = rng.integers(1, max(2, n // 2 + 1))
        A[:part, part:] = 1
    elif kind == "ring":
        A[np.arange(n), np.arange(1, n + 1) % n] = 1
    elif kind == "tree":
        A[np.arange(1, n), [rng.integers(k) for k in range(1, n)]] = 1
    else:
        A = (rng.random((n, n)) < 2 / n).astype(float)
    A = np.maximum(A, A.T)
    np.fill_diagonal(A, 0)
    return A


def coupled(A: np.ndarray, share: float) -> np.ndarray:
    """The Gram matrix I + share A/||A|| of an adjacency matrix (n, n); |share| < 1."""
    return np.eye(len(A)) + share * A / max(float(np.max(np.abs(np.linalg.eigvalsh(A)))), 1e-300)


def tempered(G: np.ndarray, condition: float) -> np.ndarray:
    """The correlations of G (n, n), weakened until lambda_max <= condition lambda_min; G_aa = 1."""
    norms = np.sqrt(np.diagonal(G))
    G = G / np.outer(norms, norms)
    low, high = np.linalg.eigvalsh(G)[[0, -1]]
    G /= 1 + max(0.0, (high - condition * low) / (condition - 1))
    np.fill_diagonal(G, 1.0)
    return G


def targets(kind: str, G: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Targets y (n,) of one of TARGETS; "aligned": along the eigenvector of the least eigenvalue of G."""
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
    """A problem with 1 <= n <= 6 linearly independent rows, n <= d <= 8, or one point correlated with up to 24."""
    rng = np.random.default_rng(draw(seeds, label="data seed"))
    geometry = draw(st.sampled_from((*GEOMETRIES, "star")), label="geometry")
    activation = draw(st.sampled_from(activations or known_activations()), label="activation")
    kind = draw(st.sampled_from(TARGETS), label="targets")
    if geometry == "star":
        n = 1 + draw(st.integers(1, 24), label="points around the first")
        share = draw(st.integers(-9, 9), label="tenths of the largest share") / 10
        G = coupled(graph(geometry, n, rng), share)
        return Problem.from_gram(G, targets(kind, G, rng), activation=activation, name=geometry)
    n = draw(st.integers(1, 6), label="n")
    d = draw(st.integers(n, 8), label="d")
    X = inputs(geometry, n, d, rng)
    return Problem(X, targets(kind, X @ X.T, rng), activation=activation, name=geometry)


def pre_activations(state: str, problem: Problem, m: int, rng: np.random.Generator) -> np.ndarray:
    """Initial pre-activations H (m, n) of one of STATES; a theorem about every run must hold from any of them."""
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
    # In units of 1/(scale^2 trace G), the time constant of the fastest linear mode or less.
    long = draw(st.sampled_from((1.0, 20.0)), label="how long")
    t_max = 20.0 * long / (scale**2 * float(np.trace(problem.gram)))
    return {"problem": problem, "network": Network(H, signs), "t_max": t_max}


def many_points(
    rng: np.random.Generator, activations: list[str], *, most: int, condition: float = 19.9, size: float = 0.1
) -> Problem:
    """1 to `most` points, log-uniformly, of any geometry with G_aa = 1 and lambda_max <= condition lambda_min; ||y|| is
    at most `size`."""
    n = round(most ** rng.random())
    geometry = str(rng.choice((*GEOMETRIES, *GRAPHS)))
    if geometry in GRAPHS:
        share = rng.choice((-1, 1)) * (condition - 1) / (condition + 1)
        G = coupled(graph(geometry, n, rng), share)
    else:
        X = inputs(geometry, n, n + int(rng.integers(9)), rng)
        G = tempered(X @ X.T, condition)
    y = targets(str(rng.choice(TARGETS)), G, rng)
    y *= min(1.0, size / max(float(np.linalg.norm(y)), 1e-300))
    return Problem.from_gram(G, y, activation=str(rng.choice(activations)), name=geometry)


def draws_of_a_law(
    law: Callable[[Problem], Options],
    guess: Callable[[Options], float],
    activations: list[str],
    *,
    most: int = 256,
    among: int = 64,
    networks: int = 2,
) -> st.SearchStrategy[list[Options]]:
    """Options of flows from networks drawn as the theorems draw them, at the width, scale and time of `law`.

    Each draw is a list of options for `networks` networks on one problem. Of `among` problems of at most `most` points
    it is the one with the least guess(options), an estimate of how near to refuting it is; only that one is run.
    """

    def best(seed: int) -> list[Options]:
        rng = np.random.default_rng(seed)
        drawn = ({"problem": (p := many_points(rng, activations, most=most)), **law(p)} for _ in range(among))
        found = min(drawn, key=lambda options: guess({**options, "seed": int(rng.integers(2**31))}))
        return [{**found, "seed": int(one)} for one in rng.integers(2**31, size=networks)]

    return seeds.map(best)
