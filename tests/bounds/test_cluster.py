"""Cells on a real Dask scheduler with two workers, which are killed: no finished cell is lost, none comes twice."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bounds.cells import Cell, Plan, cluster, run_cells
from bounds.cells.store import list_cells
from bounds.errors import ArgumentError, EngineError
from tests.cells_work import COLUMNS, draw, slow

pytest.importorskip("distributed")
pytest.importorskip("pyarrow")
ROOT = Path(__file__).resolve().parents[2]
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
    run = run_cells(CELLS, slow, executor=dask.address, directory=tmp_path)
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
