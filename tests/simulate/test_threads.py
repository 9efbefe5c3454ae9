"""Threads that share a pass: each part is done once, failures arrive, and a process ends cleanly after them."""

import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
import torch

import simulate
from bounds.data.datasets import load_builtin
from bounds.problem import Problem
from simulate.field.chunks import map_chunks
from simulate.field.kernels import moments
from simulate.field.threads import run_on_threads
from simulate.field.work_queue import work_queue


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_each_part_is_done_once(four_threads):
    rng = np.random.default_rng(0)
    h, h0 = rng.standard_normal((2, 2, 3, 4000))
    chunks = np.array([[start, start + 40] for start in range(0, 4000, 40)])
    for _ in range(50):
        (sums, maxima), queue = np.full((2, 100, 2, 2, 3), np.nan), work_queue(100, 4)
        run_on_threads(lambda thread, q=queue, s=sums, x=maxima: moments(h, h0, chunks, q, thread, s, x), 4)
        assert sums[:, 0].sum(0) == pytest.approx(np.abs(h - h0).sum(2))
        assert np.array_equal(maxima[:, 0].max(0), np.abs(h - h0).max(2))
    assert map_chunks(lambda lo, hi: (lo, hi), [(k, k + 1) for k in range(9)]) == [(k, k + 1) for k in range(9)]


def test_a_thread_that_comes_late_is_not_waited_for(four_threads):
    release, begun = threading.Event(), []
    holding = threading.Thread(target=lambda: run_on_threads(lambda thread: release.wait() if thread else None, 4))
    holding.start()  # takes all workers
    time.sleep(0.1)
    in_vain = threading.Timer(20.0, release.set)  # lets this fail rather than hang
    in_vain.start()
    started = time.perf_counter()
    run_on_threads(begun.append, 4)
    waited = time.perf_counter() - started
    in_vain.cancel()
    release.set()
    holding.join()
    assert waited < 10.0
    assert begun == [0]


def test_failures_arrive(four_threads):
    def fails(lo: int, hi: int) -> int:
        if lo == 5:
            raise ValueError("part 5")
        return lo

    for _ in range(20):
        with pytest.raises(ValueError, match="part 5"):
            map_chunks(fails, [(k, k + 1) for k in range(8)])


def test_the_number_of_threads_changes_no_digit(four_threads):
    problem = Problem(*load_builtin("experiment-1", n=20))
    runs = []
    for threads in (1, 2, 4):
        torch.set_num_threads(threads)
        runs.append(simulate.gradient_flow(problem, width=16384, scale=1.0, seed=0, t_max=3.0, loss_ratio=0))
    for run in runs[1:]:
        assert np.array_equal(run.loss, runs[0].loss)
        assert np.array_equal(run.errors["loss"], runs[0].errors["loss"])


def test_the_number_of_threads_changes_no_event(four_threads):
    """ReLU, each neuron from kink to kink: the chunks are summed in order, whoever followed their neurons."""
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((5, 8)), rng.uniform(-1, 1, 5), activation="relu")
    runs = []
    for threads in (1, 4):
        torch.set_num_threads(threads)
        options = {"width": 2**14, "scale": 3.0, "t_max": 0.5, "rtol": 0.1, "save_at": [0.2, 0.5]}
        runs.append(simulate.gradient_flow(problem, loss_ratio=0, **options))
    one, four = runs
    assert one.integrator == "piecewise-linear"
    for name in ("loss", "output", "kernel_min_eig", "movement_max", "other_side", "sliding"):
        assert np.array_equal(getattr(four, name), getattr(one, name)), name
    assert np.array_equal(four.errors["loss"], one.errors["loss"])
    assert np.array_equal(four.final.H, one.final.H)


def test_idle_threads_hold_no_arrays(four_threads):
    array = np.ones(1000)
    gone = weakref.ref(array)
    run_on_threads(lambda thread, a=array: float(a.sum()), 4)
    del array
    deadline = time.perf_counter() + 5.0
    while gone() is not None and time.perf_counter() < deadline:
        time.sleep(0.01)  # those that come late let go of it a little later
    assert gone() is None


def test_a_process_ends_after_its_threads():
    script = """
import time
from simulate.field import threads
threads.run_on_threads(lambda thread: None, 2)
threads._tasks.put(lambda: (time.sleep(0.3), print("done", flush=True)))
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "done\n"), ended.stderr
