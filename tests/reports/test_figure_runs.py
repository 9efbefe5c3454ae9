"""The runs and certificates behind the figures, and a cache that loses nothing that is finished."""

import contextlib
import errno
import json
import math
from dataclasses import replace

import numpy as np
import pytest

import bounds
import simulate
from bounds.cells import engines
from bounds.command_line import run
from reports.cli import main
from reports.experiments import cache as cached
from reports.experiments import experiment_1, experiment_2, experiment_3, runner
from reports.experiments.cache import Cache
from reports.experiments.case import FAILED, Case, result_of, run_case
from reports.experiments.certified import Certified, at_start, late_in_run, later
from reports.experiments.runner import Runner, Search, duration
from reports.figures.command import draw_figure
from tests.reports.tiny_figures import TINY, a_case, run_once, shrink

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    shrink(monkeypatch)


@pytest.fixture
def case() -> Case:
    return a_case()


def test_a_run_goes_on_after_an_interruption(tmp_path, case, monkeypatch):
    whole = result_of(case, run_case(case, tmp_path / "none.npz", None), {})
    store = Cache(tmp_path)

    def pressed(case, checkpoint, progress):
        def press(_time, _loss, step, _tau):
            if step == 7:
                raise KeyboardInterrupt

        return run_case(case, checkpoint, press)

    monkeypatch.setattr(runner, "run_case", pressed)
    with pytest.raises(simulate.Interrupted):
        Runner(store).results([case])
    assert store.file(case, "part.npz").exists()
    monkeypatch.setattr(runner, "run_case", run_case)
    (again,) = Runner(store).results([case])
    for name in ("time", "loss", "test_mse", "features"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    assert [f.name for f in tmp_path.glob("experiment*")] == [store.file(case).name]
    known = store.read(case)
    np.testing.assert_array_equal(known.features, whole.features)
    assert known.measures == whole.measures


def test_a_run_whose_process_was_killed_twice_is_not_tried_again(tmp_path, case):
    store = Cache(tmp_path)
    assert store.begin(case)
    assert store.begin(case)
    (result,) = Runner(store).results([case])
    assert result.status == FAILED
    assert "killed" in result.detail
    assert Runner(store, retry=True).results([case])[0].ok


def test_a_checkpoint_that_cannot_be_used_is_left_behind(tmp_path, case):
    store = Cache(tmp_path)
    store.file(case, "part.npz").write_bytes(b"nothing")
    assert Runner(store).results([case])[0].ok


def test_a_cache_of_another_version_is_told(tmp_path, case, monkeypatch, capsys):
    monkeypatch.setattr(cached, "FORMAT", 0)
    Runner(Cache(tmp_path / "cache")).results(experiment_2.cases(TINY[experiment_2], 16)[:1])
    monkeypatch.undo()
    shrink(monkeypatch)
    assert run(main, ["figure", "2", "--quick", "--out", str(tmp_path)]) == 2
    assert "of format 0; this version reads 1. Remove the file" in capsys.readouterr().err
    store = Cache(tmp_path)
    store.file(case).write_bytes(b"PK nothing")
    with pytest.raises(bounds.DataError, match=r"cached result .* cannot be read"):
        store.read(case)
    np.savez(store.file(case), allow_pickle=True, format=np.array([{}], dtype=object))
    with pytest.raises(bounds.DataError, match="format"):
        store.read(case)


def test_the_result_of_another_case_is_refused(tmp_path, case):
    store, other = Cache(tmp_path), replace(case, seed=77)
    Runner(store).results([case])
    store.file(case).rename(store.file(other))
    with pytest.raises(bounds.DataError, match="that of another case"):
        store.read(other)


def test_a_full_disk_loses_nothing_that_is_finished(tmp_path, monkeypatch, capsys):
    calls, write = [], cached.write_atomically

    def filling(path, content):
        calls.append(path)
        if len(calls) > 7:
            raise bounds.WriteError("the disk is full")
        write(path, content)

    monkeypatch.setattr(cached, "write_atomically", filling)
    assert run(main, ["figure", "2", "--quick", "--out", str(tmp_path)]) == 74
    kept = len([file for file in (tmp_path / "cache").glob("*.npz") if ".part." not in file.name])
    assert kept == 3  # of the fourth run, only its checkpoint
    monkeypatch.setattr(cached, "write_atomically", write)
    made = []
    monkeypatch.setattr(runner, "run_case", lambda *a: made.append(1) or run_case(*a))
    assert run(main, ["figure", "2", "--quick", "--out", str(tmp_path)]) == 0
    assert len(made) == 8 - kept

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runner, "run_case", full)
    with pytest.raises(bounds.WriteError, match="finished runs are kept"):
        draw_figure("3", tmp_path, quick=True)
    capsys.readouterr()


def test_progress_tells_the_time_that_is_left(tmp_path, case, monkeypatch):
    monkeypatch.setattr(runner, "EVERY", 0.0)
    lines = []
    cases = experiment_3.cases(TINY[experiment_3], 16, (5,))[:3]
    Runner(Cache(tmp_path), write=lines.append).results(cases)
    assert lines[0].startswith("[1/3] experiment-3 ours n=5 m=16 repeat 0: t=")
    assert any(" left" in line for line in lines)
    assert lines[-1] == ""
    assert [duration(s) for s in (5, 600, 7200)] == ["about 5 s", "about 10 min", "about 2.0 h"]


def test_what_is_certified_bounds_the_flow():
    """At the start, from a later state, and from a late state of a ReLU run: the flow from there stays below."""
    smooth = experiment_1.cases(replace(TINY[experiment_1], ns=(3,), d=6), 64)[0]
    relu = experiment_3.cases(replace(TINY[experiment_3], d=8), 64, (4,))[0]
    relu = replace(relu, steps=20_000, t_max=5000.0)
    descending = replace(relu, method="descent")
    for case, found in (
        (smooth, at_start(smooth)),
        (smooth, later(smooth, ("slopes",), 500.0)),
        (relu, late_in_run(relu)),
        (descending, late_in_run(descending)),
    ):
        assert found.rate > 0, found
        until = found.time + 2 / found.rate
        drawn = {"width": case.width, "seed": case.seed}
        start, begins = drawn, 0.0
        if case is descending:  # the flow begins at that state of the descent
            first = simulate.gradient_descent(case.problem(), **drawn, step=case.step, steps=1).loss[0]
            reached = 10.0 ** math.ceil(math.log10(found.loss / first))
            descent = simulate.gradient_descent(
                case.problem(), **drawn, step=case.step, steps=case.steps, loss_ratio=reached, save_at=[0.0]
            )
            assert descent.loss[-1] == found.loss
            start, begins = {"network": descent.final}, found.time
        flow = simulate.gradient_flow(
            case.problem(),
            **start,
            t_max=until - begins,
            loss_ratio=0.0,
            rtol=1e-3,
            save_at=np.linspace(0, until - begins, 40),
        )
        time = begins + flow.time
        after = time > found.time + 0.05 * (found.time - begins) + 1e-9
        bound = np.array([found.curve(t) for t in time[after]])
        assert np.all(flow.loss[after] <= 1.1 * bound)


def test_a_certificate_is_searched_once(tmp_path):
    case = experiment_1.cases(TINY[experiment_1], 16)[0]
    found = Certified("shadowing", 0.0, 0.25, 0.125)
    searches = []

    def find():
        searches.append(1)
        return found

    first, second = (Runner(Cache(tmp_path)).certified(Search(case, "at-start", find)) for _ in range(2))
    assert first == second
    assert replace(first, origin={}) == found
    assert "linrate" in first.origin
    assert len(searches) == 1
    failed = Search(case, "late", lambda: Certified("formula", reason="no"))
    assert Runner(Cache(tmp_path)).certified(failed).reason == "no"
    other = replace(case, width=8)
    of_another = Search(other, "at-start", lambda: Certified("other"))
    assert Runner(Cache(tmp_path)).certified(of_another).method == "other"


def test_other_processes_search_the_certificates_beside_the_runs(tmp_path, case, monkeypatch):
    """The longest runs come first; a search that fails there fails again where its certificate is asked for."""
    began = []

    @contextlib.contextmanager
    def opened(executor):
        def engine(work, items):
            began.extend(items)
            return engines._here(work, items)

        yield engine

    monkeypatch.setattr(runner, "open_engine", opened)
    monkeypatch.setattr(runner, "run_case", run_once)
    found = Certified("shadowing", 0.0, 0.25, 0.125)
    searched = []

    def find():
        searched.append(1)
        return found

    def fail():
        raise bounds.ArgumentError("no certificate")

    good, bad = Search(case, "good", find), Search(case, "bad", fail)
    cases = experiment_3.cases(TINY[experiment_3], 16, (4, 6))
    results = Runner(Cache(tmp_path), executor=2).results(cases, [good, bad])
    assert [result.case for result in results] == cases
    assert began[:2] == [good, bad]
    assert [item.n for item in began[2:]] == [6] * 6 + [4] * 6
    assert searched == [1]
    again = Runner(Cache(tmp_path), executor=2)
    assert replace(again.certified(good), origin={}) == found
    assert searched == [1]
    with pytest.raises(bounds.ArgumentError, match="no certificate"):
        again.certified(bad)
    began.clear()
    again.results(cases, [good])
    Runner(Cache(tmp_path)).results(cases, [bad])  # in this process it is searched when it is asked for
    assert began == []


@pytest.mark.parametrize("damage", ["{", "[]", '"format": 2', '"rate": -1.0', '"rate": NaN', '"origin": []', '"n": 7'])
def test_a_damaged_certificate_is_refused(tmp_path, damage):
    case = experiment_1.cases(TINY[experiment_1], 16)[0]
    kept = Cache(tmp_path)
    kept.certified(case, "at-start", lambda: Certified("shadowing", 0.0, 0.25, 0.125))
    path = kept.file(case, "at-start.json")
    whole = json.loads(path.read_text())
    if ":" in damage:
        ((name, value),) = json.loads(f"{{{damage}}}").items()
        (whole["case"] if name == "n" else whole)[name] = value
        path.write_text(json.dumps(whole))
    else:
        path.write_text(damage)
    with pytest.raises(bounds.DataError, match="cached certificate"):
        kept.certified(case, "at-start", lambda: Certified("shadowing"))
