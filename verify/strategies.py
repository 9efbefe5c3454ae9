"""Hypothesis draws small problems: data of several geometries, any activation, any scale, any initial state."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from bounds import Problem, known_activations
from simulate import Network

GEOMETRIES = ("gaussian", "nearly parallel", "clustered", "one huge row", "orthogonal")


def inputs(geometry: str, n: int, d: int, rng: np.random.Generator) -> np.ndarray:
    """X (n, d) of a named geometry."""
    X = rng.standard_normal((n, d))
    if geometry == "nearly parallel":
        X = X[:1] + 0.1 * X
    elif geometry == "clustered":
        X = X[rng.integers(0, max(1, n // 2), n)] + 0.3 * rng.standard_normal((n, d))
    elif geometry == "one huge row":
        X[0] *= 10
    elif geometry == "orthogonal":
        X = np.sqrt(d) * np.linalg.qr(X.T)[0].T
    return X


@st.composite
def problems(draw: st.DrawFn, activations: list[str] | None = None) -> Problem:
    """A problem with 1 <= n <= 5 linearly independent rows, n <= d <= 8."""
    n = draw(st.integers(1, 5), label="n")
    d = draw(st.integers(n, 8), label="d")
    geometry = draw(st.sampled_from(GEOMETRIES), label="geometry")
    rng = np.random.default_rng(draw(st.integers(0, 2**31 - 1), label="data seed"))
    X, y = inputs(geometry, n, d, rng), rng.uniform(-1, 1, n)
    activation = draw(st.sampled_from(activations or known_activations()), label="activation")
    return Problem(X, y, activation=activation, name=geometry)


@st.composite
def flows(draw: st.DrawFn, activations: list[str] | None = None) -> dict[str, Any]:
    """Options of a short flow: problem, and a network with Gaussian, saturated or tiny pre-activations."""
    problem = draw(problems(activations), label="problem")
    m = 2 * draw(st.integers(1, 48), label="half width")
    scale = 10.0 ** draw(st.integers(-1, 3), label="log10 scale")
    spread = draw(st.sampled_from((1.0, 0.01, 3.0)), label="spread of h0")
    rng = np.random.default_rng(draw(st.integers(0, 2**31 - 1), label="network seed"))
    root = np.linalg.cholesky(problem.gram + 1e-12 * np.trace(problem.gram) * np.eye(problem.n))
    H = spread * rng.standard_normal((m, problem.n)) @ root.T
    signs = scale * rng.choice([-1.0, 1.0], m)
    if draw(st.booleans(), label="antisymmetric"):
        H[m // 2 :], signs[m // 2 :] = H[: m // 2], -signs[: m // 2]
    # Long enough for the slowest linear mode to halve, in the units of the fastest.
    t_max = 20.0 / (scale**2 * float(np.trace(problem.gram)))
    return {"problem": problem, "network": Network(H, signs), "t_max": t_max}
