"""A run has the fields of its trajectory by name and type; nothing is looked up by a string."""

from dataclasses import fields, replace

import numpy as np
import pytest

import bounds
from simulate import Trajectory, gradient_flow
from verify import Run

PROBLEM = bounds.Problem(np.eye(2), [0.5, -0.5])


@pytest.fixture(scope="module")
def trajectory():
    return gradient_flow(PROBLEM, width=8, scale=1.0, seed=0, t_max=1.0, rtol=1e-2)


def test_a_run_has_every_field_of_its_trajectory(trajectory):
    g = bounds.guarantee(PROBLEM)
    run = Run.of(trajectory, g)
    for field in fields(Trajectory):
        assert getattr(run, field.name) is getattr(trajectory, field.name)
    assert run.network is trajectory.initial
    assert run.guarantee is g
    assert run.error is trajectory.error
    assert "__getattr__" not in vars(Run)
    with pytest.raises(AttributeError):
        run.lost  # noqa: B018


def test_a_changed_run_keeps_its_guarantee(trajectory):
    g = bounds.guarantee(PROBLEM)
    changed = replace(Run.of(trajectory, g), loss=2 * trajectory.loss)
    assert changed.guarantee is g
    np.testing.assert_array_equal(changed.loss, 2 * trajectory.loss)
    assert changed.certificate.rate == Run.of(trajectory).certificate.rate


def test_anything_else_is_refused(trajectory):
    with pytest.raises(bounds.ArgumentError, match="trajectory"):
        Run.of(0.5)
    with pytest.raises(bounds.ArgumentError, match="guarantee"):
        Run.of(trajectory, "theorem-1")
    with pytest.raises(bounds.ArgumentError, match="guarantee"):
        replace(Run.of(trajectory), guarantee=0.5)
