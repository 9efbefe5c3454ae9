"""Random small networks for the tests of certificates."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import bounds
from simulate import sample_network

SMOOTH = ("tanh", "sigmoid", "softplus", "gelu", "erf", "sin")


@st.composite
def networks(draw, smooth=True):
    """(problem, H, signs): n <= 4 points, m <= 40 neurons, any scale of weights and targets, singular G included."""
    n, m = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    seed = draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, draw(st.integers(1, 5)))) * draw(st.sampled_from([0.3, 1.0, 2.0]))
    y = rng.uniform(-1, 1, n) * draw(st.sampled_from([0.1, 1.0, 3.0]))
    activation = draw(st.sampled_from(SMOOTH if smooth else (*SMOOTH, "relu")))
    problem = bounds.Problem(X, y, activation=activation)
    network = sample_network(problem, width=m, scale=draw(st.sampled_from([0.5, 1.0, 3.0, 10.0])), seed=seed)
    return problem, np.ascontiguousarray(network.H), network.signs
