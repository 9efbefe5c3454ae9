"""Flows near the scale that the conjecture on alignment asks for, drawn to refute it."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from bounds import Problem, certify
from simulate import Network
from verify.claims.aligned import alignment_of, tangent_kernel

ACTIVATIONS = ("tanh", "erf", "sigmoid", "softplus", "gelu", "silu", "sin")


@st.composite
def hard_flows(draw: st.DrawFn) -> dict[str, Any]:
    """Options of a flow near the conjectured critical scale: eigenvalues of G over up to three decades, the residual
    mostly along the fastest direction, few neurons in antisymmetric pairs."""
    rng = np.random.default_rng(draw(st.integers(0, 2**31 - 1), label="seed"))
    n, pairs = draw(st.integers(2, 5), label="n"), draw(st.integers(1, 16), label="pairs")
    condition = 10.0 ** draw(st.floats(0.5, 3.0), label="log10 condition")
    share = draw(st.sampled_from((0.5, 0.8, 0.95)), label="beta")
    mixed = 10.0 ** draw(st.floats(-3.0, -0.5), label="log10 of what is not along it")
    size = 10.0 ** draw(st.floats(-2.0, 1.0), label="log10 ||y||")
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0]
    G = (basis * np.geomspace(1, 1 / condition, n)) @ basis.T
    G = (G + G.T) / 2
    H = rng.standard_normal((pairs, n)) @ np.linalg.cholesky(G).T + draw(st.floats(-1.5, 1.5), label="shift")
    H = np.concatenate([H, H])
    activation = draw(st.sampled_from(ACTIVATIONS), label="activation")
    kernel = tangent_kernel(Problem.from_gram(G, np.ones(n), activation=activation), H)
    y = np.linalg.eigh(kernel)[1][:, -1] + mixed * rng.standard_normal(n)
    problem = Problem.from_gram(G, size * y / np.linalg.norm(y), activation=activation, name="aligned")
    signs = np.repeat([1.0, -1.0], pairs)
    critical = certify(problem, H, signs=signs, method="slopes").critical_scale
    scale = alignment_of(kernel, problem.y) * critical / share
    if not 1e-6 < scale < 1e9:  # a network of dead neurons: let the claim refuse it
        scale = 1.0
    rate = 2 * scale**2 * float(problem.spectrum.lmin_floor) * (1 - share)
    slopes = float(np.min(np.mean(problem.activation.slope(H) ** 2, axis=0)))
    fastest = scale**2 * float(np.linalg.eigvalsh(kernel)[-1])
    return {
        "problem": problem,
        "network": Network(H, scale * signs),
        "t_max": min(8 / max(rate * slopes, 1e-300), 3e4 / max(fastest, 1e-300)),
        "loss_ratio": 1e-8,
        "max_steps": 600,
    }
