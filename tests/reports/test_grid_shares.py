"""A grid in shares, as the tasks of a job array, and the listing of a directory of cells."""

import functools

import pytest

import reports
from bounds.command_line import run
from bounds.errors import ArgumentError, DataError, EngineError
from reports import cli
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


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--processes", "0"], "--processes must be a positive integer"),
        (["--scheduler", "here"], "must be an address such as tcp://127.0.0.1:8786"),
        (["--scheduler", "tcp://127.0.0.1:1"], "cannot be reached"),
        (["--scheduler", "tcp://127.0.0.1:1", "--processes", "2"], "not allowed with"),
    ],
)
def test_where_no_work_can_be_done(tmp_path, capsys, monkeypatch, options, words):
    pytest.importorskip("distributed")
    pytest.importorskip("yaml")
    monkeypatch.setattr("bounds.cells.cluster.PATIENCE", 0.5)
    (tmp_path / "grid.yaml").write_text("n: 2\nd: 5\nwidth: 8")
    command = ["gaps", "--grid", str(tmp_path / "grid.yaml"), "--out", str(tmp_path / "gaps.csv"), *options]
    assert words in told(capsys, *command, code=2).err
    assert [file.name for file in tmp_path.iterdir()] == ["grid.yaml"]


def test_options_of_cells_where_there_are_none(capsys):
    for option in (["--processes", "2"], ["--resume", "x"], ["--retry"], ["--scheduler", "tcp://a:1"]):
        assert "is for a --grid. Leave it out" in told(capsys, "gaps", *option, code=2).err
        assert "is for --trials. Leave it out" in told(capsys, "certificates", *option, code=2).err


def test_a_scheduler_that_goes_has_its_own_exit_code_and_names_the_way_on(tmp_path, capsys, monkeypatch):
    pytest.importorskip("yaml")

    def gone(grid, **options):
        options["directory"].mkdir()
        raise EngineError("the scheduler tcp://a:1 has gone.")
        yield

    monkeypatch.setattr(cli, "grid_rows", gone)
    (tmp_path / "grid.yaml").write_text("n: 2\nd: 5\nwidth: 8")
    shown = told(capsys, "gaps", "--grid", str(tmp_path / "grid.yaml"), "--resume", str(tmp_path / "kept"), code=69).err
    assert f"go on with --resume {tmp_path / 'kept'}" in shown
    assert shown.rstrip().endswith("error: the scheduler tcp://a:1 has gone.")
