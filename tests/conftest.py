"""Hypothesis is derandomised, so that a failure is a failure everywhere; fixtures that many tests share."""

import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.internal.conjecture import providers

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
# Hypothesis would also draw numbers that stand in the text of our modules, of those that are imported by then: what a
# test tries would depend on the tests before it and on every edit. It has no option for that; this set stays empty.
providers._get_local_constants = lambda: providers._local_constants


def pytest_runtest_setup(item):
    """The examples of a test depend on its name alone; `derandomize` takes them from its text, comments left out."""
    own = getattr(item.obj, "_hypothesis_internal_use_settings", None)
    if hasattr(item.obj, "hypothesis") and (own or settings.default).derandomize:
        seed(zlib.crc32(item.nodeid.encode()))(item.obj)


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
