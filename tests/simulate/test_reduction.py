"""Two workers with half of the neurons each, whose partial sums meet in reduction.py alone, make one network."""

import itertools
import threading

import numpy as np
import pytest
import torch

import bounds
from simulate.checkpoint import Saver
from simulate.field import reduction
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.integrators import INTEGRATORS
from simulate.network import sample_network, scaling_of
from simulate.solve.loop import Loop
from simulate.solve.recorder import Recorder
from simulate.solve.runs import LoopOptions

WIDTH = 60


def run(problem, neurons, integrator, low_memory):
    """(observables, errors) of a run that holds only these neurons of the network."""
    network = sample_network(problem, width=WIDTH, scale=2.0, seed=0, X_test=np.ones((2, problem.d)))
    rows = np.concatenate([network.H.T, network.H_test.T])[None, :, neurons]
    cross = problem.embedding.gram(np.ones((2, problem.d)), problem.X)
    arrays = Arrays(torch.float64, torch.device("cpu"))
    signs = network.signs[None, neurons]
    flow = Flow(problem, signs, scaling_of("ours", WIDTH), arrays, cross=cross, low_memory=low_memory)
    flow.m = WIDTH
    h0 = arrays.put(rows)
    recorder = Recorder(flow, h0, (-0.5, 1.0))
    options = LoopOptions(2.0, 1e-4, 0.0, 200, np.array([0.3, 0.5]))
    with np.errstate(all="ignore"):
        Loop(flow, INTEGRATORS[integrator], h0, recorder, options, Saver(None, {}, resume=False)).integrate()
    return recorder.arrays(0), recorder.errors(0)


class AllReduce:
    """What several machines would put into reduction.py: each worker gets the sum or the maximum over both."""

    def __init__(self, workers):
        self.here, self.parts = threading.local(), [None] * workers
        self.barrier = threading.Barrier(workers, timeout=120)

    def __call__(self, array, combine):
        self.parts[self.here.rank] = array
        self.barrier.wait()
        whole = combine(np.stack(self.parts), axis=0)
        self.barrier.wait()
        return whole


@pytest.mark.parametrize(
    ("integrator", "activation"),
    [*itertools.product(["exponential", "runge-kutta"], ["tanh", "relu", "gelu"]), ("piecewise-linear", "relu")],
)
@pytest.mark.parametrize("low_memory", [False, True])
def test_two_halves_are_one_network(small, monkeypatch, integrator, low_memory, activation):
    problem = bounds.Problem(small.X, small.y, activation=activation)
    whole, whole_errors = run(problem, slice(None), integrator, low_memory)
    exchange, total, largest = AllReduce(2), reduction.total, reduction.largest
    monkeypatch.setattr(reduction, "total", lambda *partial: tuple(exchange(a, np.sum) for a in total(*partial)))
    monkeypatch.setattr(reduction, "largest", lambda partial: exchange(largest(partial), np.max))
    found = {}

    def work(rank):
        exchange.here.rank = rank
        found[rank] = run(problem, slice(rank * WIDTH // 2, (rank + 1) * WIDTH // 2), integrator, low_memory)

    workers = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(found) == {0, 1}
    tight = 1e-4 if activation == "relu" else 1e-9  # steps at kinks are chosen by rounding
    for name, values in whole.items():
        for observed, _ in found.values():
            np.testing.assert_allclose(observed[name], values, rtol=tight, atol=tight, err_msg=name)
    for name in () if activation == "relu" else whole_errors:
        np.testing.assert_allclose(found[0][1][name], whole_errors[name], rtol=1e-3, atol=1e-12, err_msg=name)
