"""A problem of two points, a network of three neurons, its certificates, and what each of these must satisfy."""

from __future__ import annotations

import math

import numpy as np
from flint import arb

import bounds
from bounds.methods import METHODS, SLOW_CERTIFICATES

WITH_CERTIFICATES = [name for name, method in METHODS.items() if method.a_posteriori is not None]
ALL = [*WITH_CERTIFICATES, *SLOW_CERTIFICATES, "best"]

GRAM = np.array([[0.52, 0.15], [0.15, 0.505]])
Y = np.array([0.5, -0.3])
H = np.array([[0.3, 0.1], [-0.2, 0.4], [0.1, -0.1]])
SIGNS = np.array([1.0, -1.0, 1.0])


def certify(method, *, y=Y, gram=GRAM, h=H, signs=SIGNS, activation="tanh"):
    return bounds.certify(bounds.Problem.from_gram(gram, y, activation=activation), h, signs=signs, method=method)


def assert_sane(c):
    """Every field is a number, and what is not certified claims nothing."""
    for number in (c.rate, c.critical_scale, c.beta, c.path_length):
        assert isinstance(number, float)
        assert number >= 0  # false for NaN
    for value in c.constants.values():
        assert not (value.is_nan() if isinstance(value, arb) else math.isnan(value))
    assert c.holds == (c.rate > 0)
    assert c.reason
    if c.holds:
        assert c.beta < 1
        assert math.isfinite(c.path_length)
        assert math.isfinite(c.critical_scale)
    else:
        assert math.isinf(c.path_length)
