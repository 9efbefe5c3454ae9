"""The peak memory of a large run, in a process of its own."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import bounds
import simulate
from simulate.device import COPIES
from tests.commands import ROOT, python_m

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


@LINUX
def test_peak_with_a_trained_last_layer():
    """A run takes no more than what it is refused for, and the greediest takes nearly that."""
    case = json.dumps([20, 50_000, 0, {"integrator": "runge-kutta", "last_layer": 1.0}])
    environment = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"}  # what is given back is not counted
    # The allocator reads it when the interpreter starts, so no forked process will do.
    command = [sys.executable, "-m", "tests.simulate.peak", case]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 25.0 < float(done.stdout) <= COPIES["last layer"], done.stdout


@pytest.mark.parametrize(("options", "way"), [({}, "low_memory=True"), ({"low_memory": True}, "dtype='float32'")])
def test_too_large_is_said_before_anything_is_allocated(small, monkeypatch, options, way):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: 10**9)
    with pytest.raises(bounds.ArgumentError, match=rf"GB on cpu .*; 1 GB are available\. Use {way}.*a smaller width"):
        simulate.gradient_flow(small, width=10**8, **options)
    with pytest.raises(bounds.ArgumentError, match="GB on cpu"):
        simulate.gradient_descent(small, width=10**8, **options)


def test_test_points_that_states_do_not_carry_need_memory_too(small, monkeypatch):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: 10**9)
    monkeypatch.setattr(simulate.setup, "sample_neurons", lambda *_, **__: pytest.fail("a network is drawn"))
    with pytest.raises(bounds.ArgumentError, match=r"needs 16\S* GB on cpu"):
        simulate.gradient_flow(small, width=10**6, X_test=np.tile(small.X[:1], (1000, 1)))
