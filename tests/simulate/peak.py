"""python -m tests.simulate.peak "{...}": the peak memory of a run in bytes, that of its state, and what it is said to
need. The names are n, m, k, activation, last_layer, descent, saves, and arguments of the run itself."""

import json
import sys

import numpy as np
import torch

import bounds
import simulate
from simulate import memory
from simulate.field.threads import run_on_threads


def status(name):
    """A line of /proc/self/status, in bytes; ru_maxrss would include the parent's memory at the fork."""
    with open("/proc/self/status") as lines:
        return 1024 * next(int(line.split()[1]) for line in lines if line.startswith(name))


def run(n, m, k=0, activation="tanh", last_layer=0, descent=False, saves=0, **options):
    """A step or two on Gaussian data."""
    rng = np.random.default_rng(0)
    problem = bounds.Problem(
        rng.standard_normal((n, n + 5)) / np.sqrt(n + 5), rng.uniform(-1, 1, n), activation, last_layer=last_layer
    )
    if k:
        options["X_test"] = rng.standard_normal((k, problem.d))
    if saves:
        options["save_at"] = np.linspace(0.001, 0.25, saves)
    if descent:
        simulate.gradient_descent(problem, width=m, **{"steps": 2, "step": 0.01} | options)
    else:
        simulate.gradient_flow(problem, width=m, **{"max_steps": 1, "t_max": 0.3} | options)


def main(case):
    asked = []
    simulate.setup.require_memory = lambda run, device: asked.append(memory.needed(run))
    for width in (64, 6000):  # load code
        run(**case | {"n": min(case["n"], 8), "m": width})
    run_on_threads(lambda thread: np.ones(1000).sum(), torch.get_num_threads())  # start threads
    asked.clear()
    before = status("VmRSS")
    with open("/proc/self/clear_refs", "w") as reset:
        reset.write("5")  # the high-water mark starts anew
    run(**case)
    size = 4 if case.get("dtype") == "float32" else 8
    print(status("VmHWM") - before, case["m"] * (case["n"] + case.get("k", 0)) * size, max(asked))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
