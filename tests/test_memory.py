"""The peak memory of a large run, in a process of its own."""

import subprocess
import sys

SCRIPT = """
import resource, sys
import numpy as np, bounds, simulate
from bounds.datasets import load_builtin

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

X, y = load_builtin("experiment-1", n=20)
problem = bounds.Problem(X, y)
simulate.gradient_flow(problem, width=2000, t_max=0.2)  # thread pools and code are loaded before the measurement
before, m = peak(), 100_000
simulate.gradient_flow(problem, width=m, t_max=2.0)
print((peak() - before) / (m * 20 * 8))
"""


def test_peak_is_under_ten_copies_of_the_state():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    copies = float(done.stdout)
    assert 3 < copies < 10, copies
