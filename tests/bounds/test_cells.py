"""Cells: the same rows wherever they are worked on, and each kept once, whoever is killed."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from argparse import Namespace
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from bounds.cells import Cell, Plan, Store, options, run_cells, store
from bounds.cells import run as running
from bounds.cells.store import list_cells
from bounds.errors import ArgumentError, AssumptionError, DataError, EngineError
from tests.cells_work import COLUMNS, deadly, draw

pytest.importorskip("pyarrow")
ROOT = Path(__file__).resolve().parents[2]


def plan(count=30, columns=COLUMNS):
    return Plan("test", tuple(Cell({"k": k}) for k in range(count)), columns, {"k": [0, count]})


def done(*args, **options):
    """The rows of all cells in the order of the plan, and how often each cell came."""
    found = list(run_cells(*args, **options))
    assert len({f.index for f in found}) == len(found)
    return [row for f in sorted(found, key=lambda f: f.index) for row in f.rows]


@pytest.fixture(scope="module")
def expected():
    return done(plan(), draw)


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def test_a_cell_is_its_definition():
    cell = Cell({"n": 3, "scale": 0.1, "method": ["a", "b"]})
    assert cell.key == Cell({"method": ["a", "b"], "scale": 0.1, "n": 3}).key
    assert cell.key != Cell({"n": 3, "scale": 0.1, "method": ["b", "a"]}).key
    assert cell.seed == Cell(dict(cell.definition)).seed
    assert 0 <= cell.seed < 2**60
    assert Cell({"n": 3, "seed": 7}).seed == 7
    assert Cell({"n": 3}).key == "215ddd5567ca2590efd4ea109b4e56cb"  # sha256sum of {"n":3}: the same in every version
    for wrong in ({"x": float("nan")}, {"x": object()}):
        with pytest.raises(ArgumentError, match="a cell must be defined by"):
            _ = Cell(wrong).key


def test_a_cell_that_raises_is_a_row(expected):
    assert len(expected) == 30
    assert [row["k"] for row in expected if row["error"]] == [13]
    assert expected[13]["error"] == "RuntimeError: unlucky"


def test_local_processes_give_the_same_rows(expected):
    assert done(plan(), draw, executor=2) == expected


def test_a_process_that_is_killed_costs_no_other_cell(tmp_path, expected):
    """k = 8 ends its process once, and is done again; k = 5 each time, and is a row with an error."""
    found = done(plan(), functools.partial(deadly, tmp_path), executor=2, directory=tmp_path / "cells")
    lost = {row["k"]: row["error"] for row in found if row["error"]}
    assert set(lost) == {5, 13}
    assert "killed, or out of memory" in lost[5]
    assert [row for row in found if row["k"] != 5] == [row for row in expected if row["k"] != 5]
    listing = list_cells(tmp_path / "cells")
    assert (listing.done, len(listing.errors)) == (30, 2)
    assert done(plan(), draw, directory=tmp_path / "cells", retry=True) == expected


def test_a_chunk_becomes_one_part(tmp_path, expected):
    assert done(plan(), draw, directory=tmp_path) == expected
    assert files(tmp_path) == ["manifest.json", "parts/part-00000.parquet"]
    frame = pd.read_parquet(tmp_path / "parts")
    assert list(frame["cell"]) == [row["cell"] for row in expected]
    assert list(frame["value"].dropna()) == [row["value"] for row in expected if row["value"] is not None]
    assert done(plan(), None, directory=tmp_path) == expected  # nothing is worked on again


def test_a_part_holds_100_to_1000_cells():
    sizes = [store.part_size(count) for count in (1, 100, 5000, 20_000, 100_000, 10**6)]
    assert sizes == [100, 100, 100, 200, 1000, 1000]


def test_what_is_finished_is_kept_at_once(tmp_path, expected, monkeypatch):
    monkeypatch.setattr(running, "QUICK", -1.0)  # every cell counts as a slow one
    run = run_cells(plan(), draw, directory=tmp_path)
    for _ in range(7):
        next(run)
    run.close()
    assert len(files(tmp_path)) == 8
    assert list_cells(tmp_path).done == 7
    assert done(plan(), draw, directory=tmp_path) == expected


def test_quick_cells_that_wait_for_their_chunk_are_kept_when_it_ends_early(tmp_path, expected):
    def pressed(cell):
        if cell.definition["k"] == 20:
            raise KeyboardInterrupt
        return draw(cell)

    told = []
    with pytest.raises(KeyboardInterrupt):
        told.extend(run_cells(plan(), pressed, directory=tmp_path))
    assert (len(told), list_cells(tmp_path).done) == (0, 20)
    assert done(plan(), draw, directory=tmp_path) == expected


def test_the_first_result_of_a_cell_is_kept(tmp_path, expected):
    kept = Store(tmp_path, plan())
    kept.add(3, [expected[3]])
    kept.add(3, [{**expected[3], "word": "second"}])
    assert dict(kept.finished()) == {3: [expected[3]]}
    assert len(files(tmp_path)) == 2


def test_a_file_that_was_cut_off_is_no_finished_cell(tmp_path, expected):
    kept = Store(tmp_path, plan())
    for index, text in ((2, ""), (3, '[{"cell": '), (4, "[]"), (5, json.dumps([expected[6]])), (6, "3")):
        (tmp_path / "cells" / f"{plan().keys[index]}.json").write_text(text)
    assert list(kept.finished()) == []
    assert done(plan(), draw, directory=tmp_path) == expected


def test_shares_fill_one_directory(tmp_path, expected):
    """Each of three processes that know nothing of each other; whoever comes last makes the part."""
    counts = [len(list(run_cells(plan(), draw, directory=tmp_path, share=(k, 3)))) for k in (2, 0, 1)]
    assert counts == [10, 10, 10]
    assert files(tmp_path) == ["manifest.json", "parts/part-00000.parquet"]
    assert done(plan(), None, directory=tmp_path) == expected
    with pytest.raises(ArgumentError, match="share must be"):
        list(run_cells(plan(), draw, share=(3, 3)))


def test_a_part_that_was_not_made_is_made_later(tmp_path, expected):
    kept = Store(tmp_path, plan())
    for index, row in enumerate(expected):
        kept.add(index, [row])
    assert done(plan(), None, directory=tmp_path) == expected
    assert files(tmp_path) == ["manifest.json", "parts/part-00000.parquet"]


def test_a_directory_of_something_else_is_refused(tmp_path, monkeypatch):
    done(plan(), draw, directory=tmp_path / "a")
    before = files(tmp_path)
    for other, message in (
        (plan(29), "cells 30, not 29"),
        (Plan("test", tuple(Cell({"k": k + 1}) for k in range(30)), COLUMNS, {}), "the cells of another grid"),
        (plan(columns={**COLUMNS, "k": float}), "rows with other columns"),
        (Plan("other", plan().cells, COLUMNS, {}), "kind 'test', not 'other'"),
    ):
        with pytest.raises(DataError, match=message):
            done(other, draw, directory=tmp_path / "a")
    monkeypatch.setattr(store, "versions", lambda: {"commit": "123"})
    with pytest.raises(DataError, match=r"commit .*, not '123'\. Name another directory"):
        done(plan(), draw, directory=tmp_path / "a")
    assert files(tmp_path) == before
    monkeypatch.undo()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="no cells of linrate"):
        done(plan(), draw, directory=tmp_path / "b")
    (tmp_path / "b" / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="must hold an object"):
        done(plan(), draw, directory=tmp_path / "b")


def test_a_part_that_cannot_be_read_names_the_way_out(tmp_path, expected):
    done(plan(), draw, directory=tmp_path)
    part = tmp_path / "parts" / "part-00000.parquet"
    content = part.read_bytes()
    for damage in (content[:-9], b"PAR1", content.replace(b"cell", b"bell")):
        part.write_bytes(damage)
        with pytest.raises(DataError, match="Remove it"):
            done(plan(), draw, directory=tmp_path)
    part.unlink()
    assert done(plan(), draw, directory=tmp_path) == expected


def test_rows_that_do_not_fit_their_columns_are_errors(tmp_path):
    def wrong(cell):
        yield {"k": "three"}

    (row, *_) = done(plan(3), wrong)
    assert "column 'k' must hold values of kind int that fit 64 bits. Found 'three'" in row["error"]
    (row, *_) = done(plan(3), lambda cell: [])
    assert "at least one row" in row["error"]
    with pytest.raises(ArgumentError, match="there twice"):
        Plan("test", (Cell({"k": 1}), Cell({"k": 1})), COLUMNS, {})


@pytest.mark.parametrize("executor", [0, -1, True, 2.5, "host:80", "tcp://", "tcp://host", ["x"]])
def test_an_executor_that_is_none(tmp_path, executor):
    pytest.importorskip("distributed")
    with pytest.raises(ArgumentError, match=r"executor must be|scheduler must be"):
        done(plan(), draw, executor=executor, directory=tmp_path / "cells")
    assert not (tmp_path / "cells").exists()


def test_work_that_cannot_travel():
    with pytest.raises(ArgumentError, match="a function of a module"):
        done(plan(), lambda cell: draw(cell), executor=2)


def test_without_pyarrow_or_dask_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(AssumptionError, match=r"pip install 'linrate\[parquet\]'"):
        done(plan(), draw, directory=tmp_path)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(AssumptionError, match=r"pip install 'linrate\[cluster\]'"):
        done(plan(), draw, executor="tcp://127.0.0.1:1")


def test_a_script_without_its_guard_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.cells_work import *\nfrom bounds.cells import *\n"
        "print(list(run_cells(Plan('t', (Cell({'k': 1}),), COLUMNS, {}), draw, executor=1)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=300)
    assert ended.stderr.strip().splitlines()[-1].startswith("bounds.errors.EngineError: no process could be started")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_killed_nothing_finished_is_lost_and_no_process_stays(tmp_path, expected):
    script = tmp_path / "script.py"
    script.write_text(
        "from tests.cells_work import *\nfrom bounds.cells import *\n"
        "if __name__ == '__main__':\n"
        "    cells = tuple(Cell({'k': k}) for k in range(30))\n"
        "    plan = Plan('test', cells, COLUMNS, {})\n"
        f"    for found in run_cells(plan, slow, executor=2, directory={str(tmp_path / 'cells')!r}):\n"
        "        print(found.index, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True)
    told = {int(process.stdout.readline()) for _ in range(5)}
    children = (Path("/proc") / str(process.pid) / "task" / str(process.pid) / "children").read_text().split()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    kept = {index for index, _ in Store(tmp_path / "cells", plan()).finished()}
    assert told <= kept
    until = time.monotonic() + 300
    while any((Path("/proc") / pid).exists() for pid in children) and time.monotonic() < until:
        time.sleep(0.1)
    assert not any((Path("/proc") / pid).exists() for pid in children)
    assert done(plan(), draw, directory=tmp_path / "cells") == expected


@pytest.mark.parametrize(("cores", "processes"), [(1, None), (4, 4), (64, 8)])
def test_much_work_goes_to_every_core(monkeypatch, cores, processes):
    monkeypatch.setattr(options, "usable_cores", lambda: cores)
    assert options.executor_for_many(Namespace(processes=None, scheduler=None)) == processes
    assert options.executor_for_many(Namespace(processes=3, scheduler=None)) == 3
    assert options.executor_for_many(Namespace(processes=None, scheduler="tcp://there:1")) == "tcp://there:1"


def test_the_error_of_an_engine_has_its_own_exit_code():
    assert EngineError("x").exit_code == 69


def test_processes_that_begin_together_share_a_directory(tmp_path):
    """As the tasks of a job array do: what another one has made of it so far is no directory of something else."""
    for k in range(10):
        together = threading.Barrier(4)

        def begin(_, k=k, together=together):
            together.wait()
            return Store(tmp_path / str(k), plan()).numbers

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(begin, range(4))) == [range(1)] * 4
    (tmp_path / "0" / "manifest.json").unlink()  # now it is one
    with pytest.raises(DataError, match="holds files, but no cells of linrate"):
        Store(tmp_path / "0", plan())
