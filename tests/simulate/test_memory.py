"""The peak memory of a large run, in a process of its own."""

import json
import subprocess
import sys

import pytest

import bounds
import simulate
from simulate.device import COPIES

SCRIPT = """
import json, sys
import numpy as np, torch, bounds, simulate
from bounds.data.datasets import load_builtin
from simulate.field.threads import run_on_threads

def status(name):
    with open("/proc/self/status") as lines:  # ru_maxrss would include the parent's memory at the fork
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))

n, m, k, options = json.loads(sys.argv[1]) if len(sys.argv) > 1 else (20, 100_000, 0, {})
problem = bounds.Problem(*load_builtin("experiment-1", n=n), last_layer=options.pop("last_layer", 0))
if k:
    options |= {"X_test": np.random.default_rng(0).standard_normal((k, problem.d)), "save_at": [0.01, 0.02, 0.05, 2.0]}
simulate.gradient_flow(problem, width=2000, t_max=0.2, max_steps=4)  # load code
run_on_threads(lambda thread: np.ones(1000).sum(), torch.get_num_threads())  # start threads
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as reset:
    reset.write("5")  # the high-water mark starts anew
simulate.gradient_flow(problem, width=m, t_max=2.0, max_steps=4, **options)
print((status("VmHWM") - before) / (m * (n + k) * 8))
"""

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def copies(n, m, k=0, **options):
    """Peak memory of a run, in copies of its m x (n + k) state, of which k for test points."""
    command = [sys.executable, "-c", SCRIPT, json.dumps([n, m, k, options])]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


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
def test_peak_with_a_trained_last_layer(monkeypatch):
    """A run takes no more than what it is refused for, and the greediest takes nearly that."""
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1000000")  # what is given back is not counted
    found = copies(20, 50_000, integrator="runge-kutta", last_layer=1.0)
    assert 25.0 < found <= COPIES["last layer"], found


@pytest.mark.parametrize(("options", "way"), [({}, "low_memory=True"), ({"low_memory": True}, "dtype='float32'")])
def test_too_large_is_said_before_anything_is_allocated(small, monkeypatch, options, way):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: 10**9)
    with pytest.raises(bounds.ArgumentError, match=rf"GB on cpu .*; 1 GB are available\. Use {way}.*a smaller width"):
        simulate.gradient_flow(small, width=10**8, **options)
    with pytest.raises(bounds.ArgumentError, match="GB on cpu"):
        simulate.gradient_descent(small, width=10**8, **options)
