"""Figures 2 and 6: the test error of Experiment 2, with the quadratic embedding and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bounds.pictures.style import drawing, points, save, series
from reports.experiments import experiment_2
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner
from reports.figures.rows import at_end, curve_rows, end_rows, on_grid, write_rows

LABELS = {"plain": "shallow network", "quadratic": "with quadratic embedding"}


def draw_figure_2(figure: str, size: Size, runner: Runner, folder: Path) -> list[Path]:
    """The test error at the end against n, mean and standard deviation over the seeds."""
    width = size.widths[0]
    results = runner.results(experiment_2.cases(size, width))
    write_rows(folder / f"figure-{figure}.csv", end_rows(results), figure=figure, reduced=size.reduced)
    with drawing(1, 1, (5, 3.8)) as (picture, axes):
        axis = axes[0, 0]
        for k, model in enumerate(experiment_2.MODELS):
            ends = []
            for n in size.ns:
                runs = [r for r in results if r.ok and r.case.n == n and r.case.model == model]
                if runs:
                    ends.append((n, *at_end(runs, "test_mse")))
                    axis.plot([n] * len(runs), [r.test_mse[-1] for r in runs], ".", color=points(k)["color"], alpha=0.4)
            if ends:
                ns, mean, spread = np.array(ends).T
                axis.errorbar(ns, mean, spread, capsize=3, label=LABELS[model], **points(k))
        variances = [r.measures["y_variance"] for r in results if "y_variance" in r.measures]
        if variances:
            axis.axhline(float(np.mean(variances)), color="grey", lw=1, ls=":", label="variance of y: predict its mean")
        axis.set_ylim(bottom=0)
        axis.set_xticks(size.ns)
        axis.set_xlabel("number n of training points")
        axis.set_ylabel("test error, mean of (f − y)²")
        axis.legend()
        picture.suptitle(
            f"Figure {figure}: test error against n, m = {width}\n{size.words.strip()}".strip(), fontsize=10
        )
        return save(picture, folder / f"figure-{figure}")


def draw_figure_6(figure: str, size: Size, runner: Runner, folder: Path) -> list[Path]:
    """Training loss and test error along the run, for both widths."""
    results = [r for width in size.widths for r in runner.results(experiment_2.cases(size, width))]
    write_rows(folder / f"figure-{figure}.csv", curve_rows(results), figure=figure, reduced=size.reduced)
    shape = (len(size.ns), len(experiment_2.MODELS))
    with drawing(*shape, (7.5, 0.8 + 1.9 * shape[0]), sharex=True, sharey=True) as (picture, axes):
        for row, n in enumerate(size.ns):
            for column, model in enumerate(experiment_2.MODELS):
                axis = axes[row, column]
                for k, width in enumerate(size.widths):
                    chosen = [
                        r for r in results if r.ok and (r.case.n, r.case.model, r.case.width) == (n, model, width)
                    ]
                    if not chosen:
                        continue
                    for name, style in (("loss_per_point", "-"), ("test_mse", "--")):
                        source = "loss" if name == "loss_per_point" else name
                        times, mean, spread = on_grid(chosen, source, logarithm=True)
                        factor = 2 / n if source == "loss" else 1.0
                        colour = series(k)["color"]
                        what = "training" if source == "loss" else "test"
                        wide = {"linewidth": 4.0, "alpha": 0.5} if k == 0 else {}  # seen below the other
                        label = f"{what}, m = {width}"
                        axis.plot(times, factor * 10**mean, style, color=colour, label=label, **wide)
                        band = [factor * 10 ** (mean + sign * spread) for sign in (-1, 1)]
                        axis.fill_between(times, *band, color=colour, alpha=0.2, lw=0)
                axis.set_xscale("log")
                axis.set_yscale("log")
                axis.set_title(f"n = {n}, {LABELS[model]}")
                if column == 0:
                    axis.set_ylabel("mean of (f − y)²")
                if row == shape[0] - 1:
                    axis.set_xlabel("time")
        axes[0, 0].legend(loc="lower left", fontsize=7)
        picture.suptitle(f"Figure {figure}: training and test error{size.words}", fontsize=10)
        return save(picture, folder / f"figure-{figure}")
