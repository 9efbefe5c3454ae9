"""Killed at any moment: nothing that was finished is lost, what is stopped gently can go on, no worker stays behind.

A handful of moments in the tests, 50 with LINRATE_FUZZ set, as `make fuzz` does.
"""

import contextlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bounds
import simulate
from bounds.data.datasets import load_builtin
from bounds.data.files import OURS, write_atomically
from tests.commands import started

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
MANY = bool(os.environ.get("LINRATE_FUZZ"))
DATA = ("--builtin", "experiment-1")  # drawn: those of scikit-learn would take each process three seconds to import
PATIENCE = 300  # seconds for what takes a few, on however slow a machine

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def moments(kind, few):
    """(signal, seed of the moment): each signal in turn; `few` of them in the tests, a third of 50 by make fuzz.

    The command of seed 1, the first that is ended gently, has an interpreter of its own; the others are forked from one
    that has imported what they need.
    """
    return [pytest.param(SIGNALS[k % 4], k, id=f"{kind}-{SIGNALS[k % 4].name}-{k}") for k in range(17 if MANY else few)]


def expected(signum):
    return -9 if signum == signal.SIGKILL else 128 + signum


def clean(folder, allowed):
    """Only a kill leaves a file of ours behind, and the next write removes it."""
    left = [entry.name for entry in os.scandir(folder) if OURS.fullmatch(entry.name)]
    assert len(left) <= allowed, left
    write_atomically(folder / "other", "")
    assert not [entry.name for entry in os.scandir(folder) if OURS.fullmatch(entry.name)]


@pytest.mark.parametrize(("signum", "seed"), moments("gaps", 2))
def test_gaps(tmp_path, signum, seed):
    """The stages that were announced are in the report, in whole rows."""
    rng = random.Random(seed)
    out = tmp_path / "gaps.csv"
    command = ["reports", "gaps", *DATA, "--n", 8, "--trials", "100000", "--out", out]
    with started(*command, told="stderr", fresh=seed == 1) as process:
        lines = [process.told.readline() for _ in range(rng.randint(1, 4))]
        time.sleep(rng.random())
        os.kill(process.pid, signum)
        process.wait(PATIENCE)
        rest = process.told.read()
    assert process.code == expected(signum), (lines, rest)
    told = [line for line in [*lines, *rest.splitlines()] if " rows" in line]
    rows = pd.read_csv(out)
    assert len(rows) >= sum(int(line.split()[-2]) for line in told)
    assert rows["commit"].notna().all()
    clean(tmp_path, allowed=int(signum == signal.SIGKILL))


FLOW = {"width": 30_000, "t_max": 3000.0, "loss_ratio": 0.0, "rtol": 1e-9}


@pytest.mark.parametrize(("signum", "seed"), moments("flow", 3))
def test_a_flow_with_checkpoints(tmp_path, signum, seed):
    """The file is there within seconds; what it holds is a beginning of the run; a gentle signal loses no step."""
    rng = random.Random(100 + seed)
    file = tmp_path / "run.npz"
    options = ["--width", 30_000, "--t-max", 3000, "--loss-ratio", 0, "--rtol", 1e-9, "--checkpoint", file]
    command = ["simulate", "flow", "--builtin", "experiment-1", *options]
    with started(*command, told="stderr", fresh=seed == 1) as process:
        until = time.monotonic() + PATIENCE
        while not file.exists() and process.code is None and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(rng.random() * 2)
        os.kill(process.pid, signum)
        process.wait(PATIENCE)
        told = process.told.read()
    assert process.code == expected(signum), told
    if signum != signal.SIGKILL:
        assert f"--resume {file}" in told
    clean(tmp_path, allowed=int(signum == signal.SIGKILL))
    # One step more, from the file and from the start, is the same step.
    problem = bounds.Problem(*load_builtin("experiment-1"))
    with np.load(file) as stored:
        times = stored["value.time"]
    steps: list[float] = []

    def press(at, *_):
        steps.append(at)
        raise KeyboardInterrupt

    with pytest.raises(simulate.Interrupted):
        simulate.gradient_flow(problem, **FLOW, checkpoint=file, resume=True, progress=press)
    with np.load(file) as stored:
        assert len(stored["value.time"]) in (len(times), len(times) + 1)
        np.testing.assert_array_equal(stored["value.time"][: len(times)], times)
    assert steps[0] >= times[-1]


def workers(controller):
    """The processes that it started and their names."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                status = (folder / "stat").read_text().rpartition(")")[2].split()
                if int(status[1]) == controller and status[0] != "Z":
                    found.append(int(folder.name))
    return found


def alive(pid):
    with contextlib.suppress(OSError):
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize(("signum", "seed"), moments("verify", 2))
def test_a_session_with_workers(tmp_path, signum, seed):
    """Rows of the tests that were told as finished are in the report; no worker outlives its controller by 5 s."""
    pytest.importorskip("xdist")
    rng = random.Random(200 + seed)
    report = tmp_path / "gaps.csv"
    options = ["--claims", "pl,rate,equation-14,theorem-1", *DATA, "--thorough", "--report", report]
    command = ["pytest", "verify/", "-n", "2", "-v", "-p", "no:cacheprovider", *options]
    with started(*command, "--counterexamples", tmp_path, told="stdout", fresh=seed == 1) as process:
        wanted, passed = rng.randint(1, 6), 0
        while passed < wanted and (line := process.told.readline()):
            passed += "PASSED" in line and "on_data" in line  # each of these has a row or more
        time.sleep(rng.random())
        pids = workers(process.pid)
        assert len(pids) >= 2
        os.kill(process.pid, signum)
        rest = process.told.read() if signum != signal.SIGKILL else ""
        process.wait(PATIENCE)
        ended = time.monotonic()
        while any(map(alive, pids)) and time.monotonic() < ended + PATIENCE:
            time.sleep(0.05)
        outlived = time.monotonic() - ended
    assert process.code == expected(signum), rest
    assert outlived < 5, outlived
    rows = pd.read_csv(report)
    assert len(rows) >= passed
    assert rows["commit"].notna().all()
