"""Cells on a real Dask scheduler with two workers, which are killed: no finished cell is lost, none comes twice."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from operator import attrgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import reports
from bounds import Problem, guarantee
from bounds.cells import Cell, Plan, cluster, run_cells
from bounds.cells.store import list_cells
from bounds.data.datasets import load_builtin
from bounds.errors import ArgumentError, EngineError
from reports.certificates import CertificateOptions
from reports.experiments import experiment_2
from reports.experiments.cache import Cache
from reports.experiments.case import FAILED
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner
from reports.law import law_rows
from tests.cells_work import COLUMNS, draw, slow_at_the_end
from verify.claims import CLAIMS
from verify.runs.trials import probabilistic_trials

pytest.importorskip("distributed")
pytest.importorskip("pyarrow")
ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 300  # seconds for what takes a few, on however slow a machine
CELLS = Plan("test", tuple(Cell({"k": k}) for k in range(40)), COLUMNS, {"k": [0, 40]})


class Cluster:
    """A scheduler and workers as processes of their own, on free ports of this machine."""

    def __init__(self, folder):
        self.folder, self.processes = folder, []
        file = folder / "scheduler.json"
        self.scheduler = self.start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        until = time.monotonic() + PATIENCE
        while not (file.exists() and file.read_text().endswith("}")) and time.monotonic() < until:
            time.sleep(0.05)
        self.address = json.loads(file.read_text())["address"]

    def start(self, program, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{program}", *map(str, arguments), "--no-dashboard"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        with (self.folder / "log").open("a") as log:
            process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def worker(self):
        options = ["--no-nanny", "--nthreads", 1, "--death-timeout", 60, "--local-directory", self.folder]
        return self.start("dask_worker", self.address, *options)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    made = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        made.workers = [made.worker(), made.worker()]
        yield made
    finally:
        made.end()


def rows(found):
    """The rows in the order of the plan; no cell has come twice."""
    by_index = {f.index: f.rows for f in found}
    assert len(by_index) == len(found)
    return [row for index in sorted(by_index) for row in by_index[index]]


@pytest.fixture(scope="module")
def expected():
    return rows(list(run_cells(CELLS, draw)))


# The tests run in this order: the later ones leave fewer processes behind.


def test_a_cluster_gives_the_same_rows(dask, expected, tmp_path):
    assert rows(list(run_cells(CELLS, draw, executor=dask.address, directory=tmp_path))) == expected
    import distributed

    with distributed.Client(dask.address, set_as_default=False) as client:
        assert rows(list(run_cells(CELLS, draw, executor=client))) == expected
        assert client.status == "running"  # a client of the user is left open


GRID = {"n": [2, 3], "d": 20, "width": 32, "scale": [1, 20], "method": ["slopes", "printed"], "t_max": 10}


def test_reports_have_the_same_rows_here_in_processes_and_on_a_cluster(dask, tmp_path):
    """Apart from the seconds that they took; and a second time they are read, not computed."""
    frames = {
        name: reports.sweep(GRID, executor, tmp_path / name)
        for name, executor in (("here", None), ("processes", 2), ("cluster", dask.address))
    }
    assert len(frames["here"]) == 4 * 2 * 4
    for frame in frames.values():
        pd.testing.assert_frame_equal(
            frame.drop(columns="wall_seconds"), frames["here"].drop(columns="wall_seconds"), check_exact=True
        )
    kept = reports.sweep(GRID, None, tmp_path / "cluster")
    pd.testing.assert_frame_equal(kept, frames["cluster"], check_exact=True)
    problem = Problem(*load_builtin("experiment-1", n=2, d=20))
    options = CertificateOptions(width=16)
    laws = [
        sorted(
            (replace(row, seconds=0.0) for row in law_rows(problem, options, 3, executor=where)), key=attrgetter("seed")
        )
        for where in (None, dask.address)
    ]
    assert laws[0] == laws[1]
    assert all(row.certified for row in laws[0])


def test_trials_of_a_claim_are_the_same_on_a_cluster(dask):
    """The networks are so narrow that some of them break the promise."""
    problem = Problem([[1.0, 0.2], [0.1, -0.8]], [0.3, -0.2])
    narrow = replace(guarantee(problem, 0.05, method="slopes"), width=4, scale=1.0, delta=0.3)
    options = {"alpha": 0.3, "t_max": 2.0}
    here, there = (
        probabilistic_trials(CLAIMS["theorem-1"], problem, narrow, executor=executor, **options)
        for executor in (None, dask.address)
    )
    assert here.failures > 0
    assert {**here.row(CLAIMS["theorem-1"]), "wall_seconds": 0} == {**there.row(CLAIMS["theorem-1"]), "wall_seconds": 0}


def test_figures_are_the_same_on_a_cluster(dask, tmp_path):
    """The runs of an experiment, and one that fails."""
    cases = experiment_2.cases(Size((16, 8), (4, 5), 3, 1, 5, 50.0, 200, 1e-1, True), 16)
    cases.append(replace(cases[0], activation="none"))
    here, there = (
        Runner(Cache(tmp_path / str(k)), executor=where).results(cases) for k, where in enumerate((None, dask.address))
    )
    assert here[-1].status == there[-1].status == FAILED
    for ours, theirs in zip(here, there, strict=True):
        for name in ("time", "loss", "loss_error", "test_mse", "features"):
            np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
        assert (ours.status, ours.detail, ours.measures) == (theirs.status, theirs.detail, theirs.measures)


def test_other_versions_are_refused_before_any_work(dask, tmp_path, monkeypatch):
    ours = {**cluster.versions(), "commit": "another"}
    monkeypatch.setattr(cluster, "versions", lambda: ours)
    with pytest.raises(ArgumentError, match=r"worker tcp://.* has commit .*, but this process has another"):
        list(run_cells(CELLS, draw, executor=dask.address, directory=tmp_path / "cells"))
    assert not (tmp_path / "cells").exists()


def test_a_worker_that_came_later_with_another_version_is_refused(dask, monkeypatch, tmp_path):
    monkeypatch.setattr(cluster, "_check_workers", lambda client: None)
    ours = {**cluster.versions(), "numpy": "0.1"}
    monkeypatch.setattr(cluster, "versions", lambda: ours)
    with pytest.raises(EngineError, match=r"it has numpy .*, but the run has 0\.1"):
        list(run_cells(CELLS, draw, executor=dask.address, directory=tmp_path))
    assert list_cells(tmp_path).done == 0


def test_a_killed_worker_and_a_killed_scheduler_lose_nothing(dask, expected, tmp_path):
    """The work goes on with the other worker, and after the scheduler has gone from the directory."""
    run = run_cells(CELLS, slow_at_the_end, executor=dask.address, directory=tmp_path)
    found = [next(run) for _ in range(5)]
    dask.workers[0].kill()
    found += [next(run) for _ in range(15)]
    dask.scheduler.kill()
    with contextlib.closing(run), pytest.raises(EngineError, match=r"the scheduler tcp://.* has gone"):
        found += list(run)
    assert list_cells(tmp_path).done >= len(found) >= 20
    whole = list(run_cells(CELLS, draw, directory=tmp_path))
    assert rows(whole) == expected
    kept = {f.index: f.rows for f in whole}
    assert all(kept[f.index] == f.rows for f in found)
    assert len(list((tmp_path / "parts").iterdir())) == 1


def test_a_scheduler_that_is_not_there_is_told_before_any_work(dask, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(ArgumentError, match="cannot be reached"):
        list(run_cells(CELLS, draw, executor=dask.address, directory=tmp_path / "cells"))
    assert not (tmp_path / "cells").exists()
