"""python -m tests.simulate.peak "[N, M, K, OPTIONS]": the peak memory of a flow, in copies of its M x (N + K) state."""

import json
import sys

import numpy as np
import torch

import bounds
import simulate
from bounds.data.datasets import load_builtin
from simulate.field.threads import run_on_threads


def status(name):
    """A line of /proc/self/status, in bytes; ru_maxrss would include the parent's memory at the fork."""
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def main(n, m, k, options):
    problem = bounds.Problem(*load_builtin("experiment-1", n=n), last_layer=options.pop("last_layer", 0))
    if k:
        options["X_test"] = np.random.default_rng(0).standard_normal((k, problem.d))
        options["save_at"] = [0.01, 0.02, 0.05, 2.0]
    simulate.gradient_flow(problem, width=2000, t_max=0.2, max_steps=4)  # load code
    run_on_threads(lambda thread: np.ones(1000).sum(), torch.get_num_threads())  # start threads
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the high-water mark starts anew
    simulate.gradient_flow(problem, width=m, t_max=2.0, max_steps=4, **options)
    print((status("VmHWM") - before) / (m * (n + k) * 8))


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
