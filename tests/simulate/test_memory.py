"""The memory that a run is said to need: at least the peak that is measured, in a process of its own, and not far above
it; and what is too large is refused with ways out that do fit."""

import dataclasses
import json
import math
import re
import sys

import numpy as np
import pytest

import bounds
import simulate
from simulate.memory import CODE, Run, needed
from tests.commands import python_m
from tests.simulate.peak import run

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
GB = 10**9


def peak(**case):
    """(the peak memory of a run, its state, what it is said to need), in bytes."""
    done = python_m("tests.simulate.peak", json.dumps(case))
    assert done.returncode == 0, done.stderr
    return tuple(int(size) for size in done.stdout.split())


@LINUX
@pytest.mark.parametrize(
    ("case", "copies"),
    [
        ({"n": 20, "m": 200_000}, 6.0),
        ({"n": 20, "m": 200_000, "low_memory": True}, 3.6),
        ({"n": 20, "m": 200_000, "dtype": "float32"}, 9.5),
        ({"n": 20, "m": 200_000, "descent": True}, 3.6),
        ({"n": 20, "m": 100_000, "integrator": "runge-kutta"}, 11.5),
        ({"n": 20, "m": 100_000, "last_layer": 1.0}, 21.0),
        ({"n": 20, "m": 50_000, "activation": "relu", "saves": 15}, 45.0),
    ],
    ids=lambda case: ", ".join(f"{k}={v}" for k, v in case.items() if k not in "nm") if isinstance(case, dict) else "",
)
def test_peaks_of_large_states(case, copies):
    """No more than is said, and nearly that; what is said is so many copies of the state at most."""
    found, state, said = peak(**case)
    assert found <= said <= 1.3 * found + 2 * CODE, (found / state, said / state)
    assert said <= copies * state + 2 * CODE


@LINUX
@pytest.mark.parametrize(
    "case",
    [
        {"n": 700, "m": 100},
        {"n": 400, "m": 100, "last_layer": 1.0},
        {"n": 700, "m": 100, "descent": True},
        {"n": 20, "m": 40_000, "low_memory": True},
        {"n": 300, "m": 3000, "low_memory": True},
        {"n": 400, "m": 40, "seeds": [1, 2, 3, 4]},
        {"n": 10, "m": 20_000, "k": 400},
        {"n": 20, "m": 100_000, "dtype": "float32", "checkpoint": "checkpoint.npz"},
    ],
    ids=str,
)
def test_peaks_of_what_is_not_the_state(case, tmp_path):
    """Matrices as large as the data, one for each chunk and run; copies of chunks; test points; checkpoints."""
    if "checkpoint" in case:
        case = case | {"checkpoint": str(tmp_path / case["checkpoint"])}
    found, _, said = peak(**case)
    assert found <= said <= 3 * found + 2 * CODE, (found / 1e6, said / 1e6)


def refusal(call, available, monkeypatch):
    """The sentence that refuses it where so much is available; nothing is drawn before."""
    monkeypatch.setattr("simulate.device.available_memory", lambda device: available)
    with monkeypatch.context() as patch:
        patch.setattr(simulate.setup, "sample_neurons", lambda *_, **__: pytest.fail("a network is drawn"))
        with pytest.raises(bounds.ArgumentError, match="GB are available") as refused:
            call()
    return str(refused.value)


@pytest.mark.parametrize("flow", [simulate.gradient_flow, simulate.gradient_descent])
def test_too_large_is_said_before_anything_is_allocated(small, monkeypatch, flow):
    found = refusal(lambda: flow(small, width=10**8), GB, monkeypatch)
    assert re.search(r"4e\+08 pre-activations needs \S+ GB on cpu .*; 1 GB are available\. Use a smaller width", found)
    assert "low_memory" not in found  # which would not do


@pytest.mark.parametrize(
    ("case", "available"),
    [
        ({"n": 20, "m": 100_000}, 0.09),
        ({"n": 20, "m": 100_000}, 0.07),
        ({"n": 20, "m": 100_000, "low_memory": True}, 0.05),
        ({"n": 4, "m": 1000, "k": 1000}, 0.07),
        ({"n": 4, "m": 4000, "seeds": [*range(500)]}, 0.1),
        ({"n": 100, "m": 64, "descent": True, "steps": 1_000_000}, 0.9),
        ({"n": 800, "m": 2}, 0.1),
    ],
    ids=["wide", "wider", "low memory", "test points", "seeds", "save points", "data points"],
)
def test_the_ways_out_fit(case, available, monkeypatch):
    """Each of them, taken as it is written, is accepted with the memory that was not enough; then the run begins."""
    available = int(available * GB)
    found = refusal(lambda: run(**case), available, monkeypatch)
    ways = found.partition(" Use ")[2].removesuffix(".").split(", or ")
    assert ways, found

    class Accepted(Exception):
        pass

    def accept(*_, **__):
        raise Accepted

    monkeypatch.setattr(simulate.setup, "sample_neurons", accept)
    for way in ways:
        count = int(re.search(r"\d+$|\d+ |0$", f"{way.replace('float32', '')} 0").group())
        changes = {"low_memory": True} if "low_memory" in way else {}
        changes |= {"dtype": "float32"} if "float32" in way else {}
        changes |= {"m": count} if "width" in way else {}
        changes |= {"k": count} if "test points" in way else {}
        changes |= {"seeds": list(range(count))} if "seeds" in way else {}
        changes |= {"save_every": math.ceil(case["steps"] / count)} if "save points" in way else {}
        changes |= {"n": count} if "data points" in way else {}
        assert changes, way
        with pytest.raises(Accepted):
            run(**case | changes)


def test_small_runs_are_not_asked_for(small, monkeypatch):
    monkeypatch.setattr("simulate.device.available_memory", lambda device: pytest.fail("memory is asked for"))
    simulate.gradient_flow(small, width=64, max_steps=2)


def test_every_run_and_chunk_has_matrices_of_its_own():
    """Eight runs need their matrices eight times; so do those of later seeds their results, and threads their sums."""
    one = Run(n=100, width=40, method="exponential")
    for change in ({"seeds": 8}, {"threads": 8}, {"seeds": 1000}, {"saves": 10_000}):
        assert needed(dataclasses.replace(one, **change)) > needed(one) + 7 * 8 * 100**2, change


def test_test_points_that_states_do_not_carry_need_memory_too(small, monkeypatch):
    X_test = np.tile(small.X[:1], (1000, 1))
    found = refusal(lambda: simulate.gradient_flow(small, width=10**6, X_test=X_test), GB, monkeypatch)
    assert re.search(r"needs (16|2\d)\S* GB on cpu", found)
