"""The figures: files, and what they say."""

import csv
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bounds
from bounds.command_line import run
from reports.cli import main
from reports.experiments import experiment_1, experiment_2, experiment_3, runner
from reports.experiments.cache import Cache
from reports.experiments.case import FAILED, Result
from reports.experiments.runner import Runner
from reports.figures.command import FIGURES, draw_figure
from reports.figures.rows import COLUMNS, on_grid
from tests.reports.tiny_figures import TINY, a_case, run_once, shrink

pytest.importorskip("matplotlib")


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    shrink(monkeypatch)
    monkeypatch.setattr(runner, "run_case", run_once)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("figures")


def test_there_are_eight():
    assert list(FIGURES) == [str(k) for k in range(1, 9)]


@pytest.mark.parametrize("figure", ["1", "2", "3", "6", "8"])  # 5, 4 and 7 are drawn by the same functions
def test_a_figure_is_three_files(figure, folder, capsys, monkeypatch):
    assert run(main, ["figure", figure, "--quick", "--out", str(folder)]) == 0
    picture, drawn, table = (folder / f"figure-{figure}.{kind}" for kind in ("png", "svg", "csv"))
    assert picture.read_bytes()[:4] == b"\x89PNG"
    text = drawn.read_text()
    assert f"Figure {figure}" in text
    assert "(reduced: d = " in text
    with table.open() as lines:
        rows = list(csv.DictReader(lines))
    assert tuple(rows[0]) == COLUMNS
    assert {row["reduced"] for row in rows} == {"True"}
    assert {row["figure"] for row in rows} == {figure}
    repeats = {row["data_seed"] for row in rows}
    assert len(repeats) >= 2
    if figure == "2":  # again: no run is made, and the files are the same
        before = [path.read_bytes() for path in (picture, drawn)]
        monkeypatch.setattr(runner, "run_case", None)
        draw_figure(figure, folder, quick=True)
        assert [path.read_bytes() for path in (picture, drawn)] == before
    capsys.readouterr()


def test_a_run_that_fails_is_a_row_with_its_error(tmp_path, monkeypatch):
    def failing(case, checkpoint, progress):
        if case.n == 4 and case.repeat == 1 and case.model == "plain":
            raise MemoryError("nothing is left")
        return run_once(case, checkpoint, progress)

    monkeypatch.setattr(runner, "run_case", failing)
    draw_figure("2", tmp_path, quick=True)
    with (tmp_path / "figure-2.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if row["status"] == FAILED]
    assert [(row["n"], row["detail"]) for row in rows] == [("4", "MemoryError: nothing is left")]
    monkeypatch.setattr(runner, "run_case", run_once)
    cases = experiment_2.cases(TINY[experiment_2], 16)
    assert [r.status for r in Runner(Cache(tmp_path / "cache")).results(cases)].count(FAILED) == 1
    assert all(r.ok for r in Runner(Cache(tmp_path / "cache"), retry=True).results(cases))


def test_bad_requests(tmp_path, capsys):
    assert run(main, ["figure", "9", "--out", str(tmp_path)]) == 2
    assert "unknown figure '9'" in capsys.readouterr().err
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "folder"):
        assert run(main, ["figure", "1", "--quick", "--out", str(out)]) == 2
        assert "cannot be written" in capsys.readouterr().err
    assert run(main, ["figure", "1", "--quick", "--full", "--out", str(tmp_path)]) == 2
    assert "not allowed with" in capsys.readouterr().err


def test_seeds_and_method_are_chosen(tmp_path, capsys):
    """One repetition by descent, in place of two by the flow: the table says so in every row."""
    command = ["figure", "2", "--quick", "--out", str(tmp_path), "--seeds", "1", "--method", "descent"]
    assert run(main, command) == 0
    table = pd.read_csv(tmp_path / "figure-2.csv")
    assert set(table.method) == {"descent"}
    assert len(set(table.data_seed % 1000)) == 1
    capsys.readouterr()
    assert run(main, [*command[:-4], "--seeds", "0"]) == 2
    assert "seeds" in capsys.readouterr().err


def test_the_size_says_what_was_changed():
    full = experiment_2.FULL
    assert full.changed() == full
    assert not full.reduced
    assert full.changed(seeds=1).words == f" (reduced: d = {full.d}, 1 seed)"
    assert full.changed(method="descent") == replace(full, method="descent")
    assert full.changed(width=100).widths == (100, 50)


def test_a_mean_over_runs_is_that_of_the_logarithms():
    times = np.concatenate([[0.0], np.geomspace(0.01, 10, 400)])
    results = [Result(a_case(), "LOSS_REACHED", time=times, loss=np.exp(-rate * times)) for rate in (1.0, 3.0)]
    grid, mean, spread = on_grid(results, "loss", logarithm=True)
    np.testing.assert_allclose(mean, -2 * grid / np.log(10), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(spread, np.sqrt(2) * grid / np.log(10), rtol=1e-3, atol=1e-6)


def test_another_number_of_random_features(tmp_path):
    before = experiment_3.cases(TINY[experiment_3], 16)
    assert experiment_3.cases(TINY[experiment_3].changed(dim=16), 16) == before  # D = m: the cache knows them
    other = experiment_3.cases(TINY[experiment_3].changed(dim=40), 16)
    assert all("dim=40" in case.embedding and case.width == 16 for case in other)
    assert len({case.key for case in [*before, *other]}) == 2 * len(before)
    paths = draw_figure("3", tmp_path, quick=True, seeds=1, dim=40)
    assert "m = 16, D = 40" in paths[2].read_text()
    with pytest.raises(bounds.ArgumentError, match="dim must be left out"):
        draw_figure("1", tmp_path, quick=True, dim=40)


def test_no_two_networks_share_a_seed():
    for module in (experiment_1, experiment_2, experiment_3):
        cases = [c for width in module.FULL.widths for c in module.cases(module.FULL, width)]
        assert len({c.key for c in cases}) == len(cases)
        seeds = {(c.n, c.width, c.repeat): c.seed for c in cases}
        assert len(set(seeds.values())) == len(seeds)
