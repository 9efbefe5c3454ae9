"""Figures 3, 4, 7 and 8: the three scalings of Experiment 3; their test errors, and the features they learn."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bounds.pictures.style import CERTIFIED, COLOURS, drawing, points, save, series
from reports.experiments import experiment_3
from reports.experiments.case import Result
from reports.experiments.certified import Certified, late_in_run
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner, Search
from reports.figures.rows import (
    at_end,
    certified_row,
    curve_rows,
    end_rows,
    mean_label,
    neuron_rows,
    on_grid,
    write_rows,
)

LABELS = {"ours": "the paper's scaling", "ntk": "NTK", "mf": "mean field"}
SHOWN_FROM = 1e-3  # the first time that is shown, as a part of the last
LARGEST_FURTHER = 2**17  # entries of H up to which a run is followed beyond its end, for a certificate
PLACES = {"7": 1, "4": 2, "8": 3}  # which of the last three n of the size: 400, 600 and 800 in the paper


def draw_figure_3(figure: str, size: Size, runner: Runner, folder: Path) -> list[Path]:
    """The test error at the end against n; and the share of dead neurons, of which the flow itself leaves few."""
    width = size.widths[0]
    results = runner.results(experiment_3.cases(size, width))
    write_rows(folder / f"figure-{figure}.csv", end_rows(results), figure=figure, reduced=size.reduced)
    with drawing(1, 2, (8, 3.8), sharex=True, width_ratios=(2, 1)) as (picture, axes):
        for axis, name in zip(axes[0], ("test_mse", "dead"), strict=True):
            for k, model in enumerate(experiment_3.MODELS):
                ends = []
                for n in size.ns:
                    runs = [r for r in results if r.ok and r.case.n == n and r.case.model == model]
                    if runs:
                        ends.append((n, *at_end(runs, name)))
                if ends:
                    ns, mean, spread = np.array(ends).T
                    shifted = ns + (k - 1) * 0.01 * (max(size.ns) - min(size.ns))  # bars do not hide each other
                    axis.errorbar(shifted, mean, spread, capsize=3, label=LABELS[model], **points(k))
            axis.set_xlabel("number n of training points")
            axis.set_xticks(size.ns)
            axis.set_ylim(bottom=0)
        axes[0, 0].set_ylabel("test error, mean of (f − y)²")
        axes[0, 1].set_ylabel("share of dead neurons at the end")
        axes[0, 0].legend()
        words = size.words.strip()
        picture.suptitle(f"Figure {figure}: test error against n, {_sizes(size)}\n{words}".strip(), fontsize=10)
        return save(picture, folder / f"figure-{figure}")


def _sizes(size: Size) -> str:
    """m and D in words."""
    width = size.widths[0]
    return f"m = D = {width}" if size.dim in (None, width) else f"m = {width}, D = {size.dim}"


def draw_features(figure: str, size: Size, runner: Runner, folder: Path) -> list[Path]:
    """Figures 4, 7, 8: loss and test error along the run; h_i at a training and a test point, before and after."""
    width, n = size.widths[0], size.ns[PLACES[figure] - len(PLACES) - 1]
    cases = experiment_3.cases(size, width, (n,))
    firsts = {model: next(case for case in cases if case.model == model) for model in experiment_3.MODELS}
    late = {}
    if width * n <= LARGEST_FURTHER:
        late = {model: Search(case, "late", partial(late_in_run, case)) for model, case in firsts.items()}
    results = runner.results(cases, list(late.values()))
    rows = [*curve_rows(results), *end_rows(results)]
    rows += [row for r in results if r.case.repeat == 0 and r.ok for row in neuron_rows(r)]
    certified = {
        model: _certified(runner, results[cases.index(case)], late.get(model)) for model, case in firsts.items()
    }
    rows += [certified_row(case, certified[model]) for model, case in firsts.items()]
    write_rows(folder / f"figure-{figure}.csv", rows, figure=figure, reduced=size.reduced)
    with drawing(2, 3, (9, 6.3)) as (picture, axes):
        for column, model in enumerate(experiment_3.MODELS):
            runs = [r for r in results if r.ok and r.case.model == model]
            if runs:
                _losses(axes[0, column], runs, column, n)
                _scatter(axes[1, column], runs[0], column)
            axes[0, column].set_title(LABELS[model])
            if certified[model].rate > 0:
                _certified_curve(axes[0, column], certified[model], n)
        lows, highs = zip(*(axis.get_ylim() for axis in axes[0]), strict=True)
        last = max(axis.get_xlim()[1] for axis in axes[0])
        for axis in axes[0]:
            axis.set(ylim=(min(lows), max(highs)), xscale="log")
            axis.set_xlim(SHOWN_FROM * last, last)
        farthest = max((float(np.max(np.abs(r.features))) for r in results if r.features.size), default=1.0)
        for axis in axes[1]:
            axis.set(xlim=(-1.08 * farthest, 1.08 * farthest), ylim=(-1.08 * farthest, 1.08 * farthest))
            axis.set_box_aspect(1)
        axes[0, 0].set_ylabel("mean of (f − y)²")
        axes[1, 0].set_ylabel("h at a test point")
        # Lines of the first column, and that of a certificate from wherever there is one.
        lines: dict[str, Any] = {}
        for axis in axes[0]:
            for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
                lines.setdefault(label, handle)
        picture.legend(list(lines.values()), list(lines), loc="outside lower center", ncols=3)
        axes[1, 0].legend(loc="upper left", markerscale=2, frameon=True, edgecolor="none")
        picture.suptitle(f"Figure {figure}: n = {n}, {_sizes(size)}{size.words}", fontsize=10)
        return save(picture, folder / f"figure-{figure}")


def _losses(axis: Any, runs: list[Result], k: int, n: int) -> None:
    """Training loss solid, test error dashed: mean and one standard deviation of the logarithms."""
    colour = series(k)["color"]
    for name, style, factor, label in (("loss", "-", 2 / n, "training"), ("test_mse", "--", 1.0, "test")):
        times, mean, spread = on_grid(runs, name, logarithm=True)
        axis.plot(times, factor * 10**mean, style, color=colour, label=mean_label(label, runs))
        band = [factor * 10 ** (mean + sign * spread) for sign in (-1, 1)]
        axis.fill_between(times, *band, color=colour, alpha=0.2, lw=0)
    axis.set_yscale("log")
    axis.set_xlabel("time")


def _certified(runner: Runner, run: Result, late: Search | None) -> Certified:
    """From the end of the run on, if a formula certifies that; else from a later state, which takes further runs."""
    rate = run.measures.get("certified_rate", 0.0)
    if rate > 0:
        return Certified("formula", float(run.time[-1]), float(run.loss[-1]), rate)
    if late is None:
        return Certified("formula", reason="the end of the run is not certified, and later states take too long")
    return runner.certified(late)


def _certified_curve(axis: Any, certified: Certified, n: int) -> None:
    """From the state that is certified on, dotted; the state itself is a dot."""
    times = np.linspace(certified.time, 2 * certified.time, 50)
    bound = [2 / n * certified.curve(time) for time in times]
    axis.plot(times, bound, label="certified for the flow from the dot on", **CERTIFIED)
    axis.plot([certified.time], [2 / n * certified.loss], "o", color="black", markersize=5)


def _scatter(axis: Any, run: Result, k: int) -> None:
    """Each neuron a dot, coloured after the run and grey before it; the grey ones, which are nearer to zero, on top."""
    before, after = run.features[:2], run.features[2:]
    axis.plot(*after, ".", color=COLOURS[k], markersize=3, label="after", alpha=0.7)
    axis.plot(*before, ".", color="#999999", markersize=2, label="before", alpha=0.7)
    axis.axhline(0, color="black", lw=0.5)
    axis.axvline(0, color="black", lw=0.5)
    axis.set_xlabel("h at a training point")
