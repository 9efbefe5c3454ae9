"""A grid in shares, as the tasks of a job array, and the listing of a directory of cells."""

import functools

import pytest

import reports
from bounds.command_line import run
from bounds.errors import ArgumentError, DataError
from reports.console import main

pytest.importorskip("pyarrow")
GRID = {"n": [2, 3], "d": 20, "width": 32, "scale": [1, 20], "method": "slopes", "t_max": 1}


def told(capsys, *arguments, code=0):
    assert run(main, list(arguments)) == code
    return capsys.readouterr()


def test_an_array_of_submitit(tmp_path, capsys):
    """The recipe of docs/cluster.md, with its executor that works in this process."""
    submitit = pytest.importorskip("submitit")
    directory, tasks = tmp_path / "cells", 3
    executor = submitit.AutoExecutor(folder=tmp_path / "logs", cluster="debug")
    jobs = executor.map_array(functools.partial(reports.sweep_share, GRID, directory, of=tasks), range(tasks - 1))
    assert [job.result() for job in jobs] == [0, 0]
    listing = told(capsys, "cells", str(directory), code=3).out  # a task is still to come
    assert "4 cells: 3 done, 0 failed, 1 missing" in listing
    assert "scale: [1, 20]" in listing
    assert reports.sweep_share(GRID, directory, 2, tasks) == 0
    assert "4 cells: 4 done, 0 failed, 0 missing" in told(capsys, "cells", str(directory)).out
    kept = reports.sweep(GRID, directory=directory)
    here = reports.sweep(GRID)
    assert kept.drop(columns="wall_seconds").equals(here.drop(columns="wall_seconds"))
    with pytest.raises(ArgumentError, match="share must be"):
        reports.sweep_share(GRID, directory, 3, 3)


def test_failures_are_listed_and_done_again(tmp_path, capsys):
    grid = {"builtin": "digits", "n": [400, 3], "d": 64, "width": 16, "method": "slopes", "t_max": 0.1}
    frame = reports.sweep(grid, directory=tmp_path)
    assert list(frame["status"]) == ["FAILED", *["TIME_REACHED"] * 4]
    listing = told(capsys, "cells", str(tmp_path), code=3).out
    assert "2 cells: 1 done, 1 failed, 0 missing" in listing
    assert "at most 360" in listing
    again = reports.sweep(grid, directory=tmp_path, retry=True)
    assert again.drop(columns="wall_seconds").equals(frame.drop(columns="wall_seconds"))


@pytest.mark.parametrize("grid", [3, None, [1], "no-such.yaml", {"widht": 3}, {"n": []}, {"n": 0}])
def test_what_is_no_grid(grid):
    with pytest.raises((ArgumentError, DataError)):
        reports.sweep(grid)


def test_a_directory_that_is_none(tmp_path, capsys):
    assert "does not exist" in told(capsys, "cells", str(tmp_path), code=2).err
    (tmp_path / "manifest.json").write_text("[]")
    assert "must hold an object" in told(capsys, "cells", str(tmp_path), code=2).err
