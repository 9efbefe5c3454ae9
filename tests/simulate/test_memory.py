"""The peak memory of a large run, in a process of its own."""

import json
import sys

import pytest

import bounds
import simulate
from tests.commands import python_m

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def copies(n, m, k=0, **options):
    """Peak memory of a run, in copies of its m x (n + k) state, of which k for test points."""
    done = python_m("tests.simulate.peak", json.dumps([n, m, k, options]))
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@LINUX
@pytest.mark.parametrize(("options", "most"), [({}, 6.0), ({"low_memory": True}, 3.4)])
def test_peak_in_copies_of_the_state(options, most):
    """Six copies, or three with low_memory and a margin for block buffers, of 16 MB each."""
    found = copies(20, 100_000, **options)
    assert 2.9 < found <= most, found


@LINUX
def test_peak_with_many_test_points():
    """A small network whose states between steps are looked at on many test points."""
    found = copies(20, 10_000, 600)
    assert 2.9 < found <= 6.0, found


@pytest.mark.parametrize(("options", "way"), [({}, "low_memory=True"), ({"low_memory": True}, "dtype='float32'")])
def test_too_large_is_said_before_anything_is_allocated(small, monkeypatch, options, way):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: 10**9)
    with pytest.raises(bounds.ArgumentError, match=rf"GB on cpu .*; 1 GB are available\. Use {way}.*a smaller width"):
        simulate.gradient_flow(small, width=10**8, **options)
    with pytest.raises(bounds.ArgumentError, match="GB on cpu"):
        simulate.gradient_descent(small, width=10**8, **options)
