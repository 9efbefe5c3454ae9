"""Hypothesis is derandomised, so that a failure is a failure everywhere; fixtures that many tests share."""

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

import bounds
from bounds.data.datasets import load_builtin

settings.register_profile(
    "tests",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("tests")


@pytest.fixture(scope="session")
def reference() -> dict[str, bounds.Problem]:
    """The reference problem (n=10, d=100, seed 0) for each activation."""
    X, y = load_builtin("reference")
    return {name: bounds.Problem(X, y, activation=name) for name in bounds.known_activations()}


@pytest.fixture
def small() -> bounds.Problem:
    """n=4, d=6: for tests that only need some problem."""
    rng = np.random.default_rng(1)
    return bounds.Problem(rng.standard_normal((4, 6)), rng.uniform(-1, 1, 4))
