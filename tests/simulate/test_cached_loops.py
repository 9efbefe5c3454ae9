"""A process that compiles the loops and one that finds them on disk compute the same numbers, bit for bit."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

ROOT = Path(__file__).resolve().parents[2]
LOOPS = """
import hashlib
import numpy as np
from simulate.field.sigmas import ROWS
from simulate.integrators.exponential.path_length import MOMENTS
from simulate.integrators.exponential.residual import along_path

rng, found = np.random.default_rng(0), hashlib.sha256()
for n in (1, 2, 5):
    basis = np.linalg.qr(rng.standard_normal((n, n)))[0][None]
    changes = [0.1 * (a + a.T)[None] for a in rng.standard_normal((2, n, n))]
    results = np.zeros((1, MOMENTS, n)), np.zeros((3, 1, n)), np.zeros((1, n)), np.zeros((3, 1))
    along_path(
        np.sort(rng.uniform(0.1, 3.0, (1, n))), basis, rng.standard_normal((1, n)), changes[0], np.array([0.3]),
        changes[1], np.array([0.4]), np.array([0.7]), np.array([-1.0]), *results,
    )
    for array in results:
        found.update(array.tobytes())
u = rng.uniform(-9, 9, 1000)
for row in ROWS.values():
    results = np.empty_like(u), np.empty_like(u)
    row(u, *results, len(u))
    for array in results:
        found.update(array.tobytes())
print(found.hexdigest())
"""


def test_loops_that_were_compiled_here_and_loops_from_disk_agree(tmp_path):
    """Where the inner loops were not inlined, one that is compiled twice, by itself and beside its caller, had other
    roundings in the process that compiled both than in those that loaded the caller alone."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", LOOPS]
    runs = [subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True) for _ in range(2)]
    assert all(run.returncode == 0 for run in runs), runs[0].stderr + runs[1].stderr
    assert any((tmp_path / "cache").rglob("*.nbc"))
    assert runs[0].stdout == runs[1].stdout != ""


@pytest.mark.parametrize("name", ["events", "follow", "held", "kernel_changes", "panels", "search", "sweep"])
def test_inner_loops_leave_no_choice_to_the_compiler(name):
    """To compile the loops of the piecewise linear method twice takes a minute. The reason why both agree is tested:
    where sums may be reordered or fused, an inner loop is a part of its caller, or apart from it and just the sum."""
    module = importlib.import_module(f"simulate.integrators.piecewise_linear.{name}")
    loops = [loop for loop in vars(module).values() if isinstance(loop, Dispatcher)]
    assert loops
    for loop in loops:
        options = loop.targetoptions
        if options.get("no_cpython_wrapper") and options["fastmath"]:
            assert options.get("forceinline") or "apart" in loop.py_func.__code__.co_names, loop
