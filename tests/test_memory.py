"""The peak memory of a large run, in a process of its own."""

import subprocess
import sys

import pytest

SCRIPT = """
import numpy as np, bounds, simulate
from bounds.datasets import load_builtin

def peak():
    with open("/proc/self/status") as status:  # ru_maxrss would include the parent's memory at the fork
        return 1024 * next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

X, y = load_builtin("experiment-1", n=20)
problem = bounds.Problem(X, y)
simulate.gradient_flow(problem, width=2000, t_max=0.2)  # thread pools and code are loaded before the measurement
before, m = peak(), 100_000
simulate.gradient_flow(problem, width=m, t_max=2.0)
print((peak() - before) / (m * 20 * 8))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_peak_is_under_ten_copies_of_the_state():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    copies = float(done.stdout)
    assert 3 < copies < 10, copies
