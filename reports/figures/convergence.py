"""Figures 1 and 5: the training loss of Experiment 1 against time, with what is certified of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bounds import guarantee
from bounds.errors import LinrateError
from bounds.pictures.style import CERTIFIED, drawing, save, series
from bounds.rounding import rounded
from reports.experiments import experiment_1
from reports.experiments.case import Case, Result
from reports.experiments.certified import Certified, at_start, later
from reports.experiments.open_choices import Size
from reports.experiments.runner import Runner, Search
from reports.figures.rows import Row, certified_row, curve_rows, mean_label, on_grid, write_rows

LATEST = 20_000.0  # time until which a certificate is looked for
SEARCHED = (20, 40)  # the numbers of points for which it is looked for: beyond, none is found before the loss is lost


def draw(figure: str, size: Size, runner: Runner, folder: Path) -> list[Path]:
    """Figure 1 has the first width of the size, Figure 5 the second."""
    width = size.widths[0 if figure == "1" else 1]
    cases = experiment_1.cases(size, width)
    searches = list(_searches(cases, size))
    results = runner.results(cases, searches)
    found = [(search.case, runner.certified(search)) for search in searches]
    rows = [*curve_rows(results), *(certified_row(case, c) for case, c in found)]
    rows += [_a_priori_row(case) for case in cases if case.n == size.ns[0] and case.repeat == 0]
    write_rows(folder / f"figure-{figure}.csv", rows, figure=figure, reduced=size.reduced)
    with drawing(1, 2, (9, 4.4), sharey=True) as (picture, axes):
        left, right = axes[0]
        for k, n in enumerate(size.ns):
            runs = [r for r in results if r.case.n == n and r.ok]
            if runs:
                _curves(axes[0], runs, k, n)
        _show_certificates(axes[0], found, size)
        left.set_yscale("log")
        ends = [float(r.time[-1]) for r in results if r.ok and r.case.n == size.ns[0]]
        left.set_xlim(0, 3 * max(ends, default=1.0))
        left.set_ylim(bottom=_floor(results))
        right.set_xscale("log")
        right.set_xlim(left=0.1)
        left.set_ylabel("training loss  L = ½ ‖f − y‖²")
        left.set_title("linear time: a straight line is a linear rate")
        right.set_title("logarithmic time, to the end")
        for axis in axes[0]:
            axis.set_xlabel("time of gradient flow  (steps × δ of descent)")
        right.set_xlim(right=1.1 * max((float(r.time[-1]) for r in results if r.ok), default=10.0))
        picture.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        picture.suptitle(
            f"Figure {figure}: random labels fitted by a shallow tanh network, m = {width}{size.words}", fontsize=10
        )
        return save(picture, folder / f"figure-{figure}")


def _curves(axes: Any, runs: list[Result], k: int, n: int) -> None:
    """Each run as a thin line, their geometric mean as a thick one, in a band of one standard deviation."""
    times, mean, spread = on_grid(runs, "loss", logarithm=True)
    for axis in axes:
        for run in runs:
            axis.plot(run.time[1:], run.loss[1:], color=series(k)["color"], linewidth=0.5, alpha=0.6)
        axis.fill_between(
            times, 10 ** (mean - spread), 10 ** (mean + spread), color=series(k)["color"], alpha=0.2, lw=0
        )
        axis.plot(times, 10**mean, label=mean_label(f"n = {n}", runs), **series(k))


def _searches(cases: list[Case], size: Size) -> Iterator[Search]:
    """At the start where the theorem's assumptions hold, and where a formula takes over later; of the first seed."""
    for case in cases:
        if case.repeat == 0 and case.n in SEARCHED:
            if case.n <= case.d:
                yield Search(case, "at-start", partial(at_start, case))
            latest = min(size.t_max, LATEST)
            yield Search(case, f"kernel-{latest:g}", partial(later, case, ("kernel",), latest))


def _show_certificates(axes: Any, found: list[tuple[Case, Certified]], size: Size) -> None:
    labels = {
        "shadowing": "certified from the start: one run, n = {n}",
        "kernel": "the same run, certified from the dot on",
    }
    for case, c in found:
        if c.rate <= 0:
            continue
        times = c.time + np.linspace(0, 40 / c.rate, 400)
        for axis in axes:
            told = axis.get_legend_handles_labels()[1]
            label = labels[c.method].format(n=case.n)
            axis.plot(times, [c.curve(t) for t in times], label=None if label in told else label, **_line(c))
            if c.time > 0:
                colour = series(size.ns.index(case.n))["color"]
                axis.plot([c.time], [c.loss], "o", color=colour, markeredgecolor="black", markersize=6, zorder=5)


def _line(c: Certified) -> dict[str, Any]:
    return CERTIFIED if c.method == "shadowing" else {**CERTIFIED, "linestyle": (0, (1, 1.5))}


def _floor(results: list[Result]) -> float:
    return 0.3 * min((float(r.loss[-1]) for r in results if r.ok), default=1e-10)


def _a_priori_row(case: Case) -> Row:
    """What Theorem 1, repaired and sharpened, asks for here: far more than the experiment has, hence no curve."""
    try:
        g = guarantee(case.problem(), 0.05)
    except LinrateError as error:
        return certified_row(case, Certified("a priori", reason=str(error)))
    words = (
        f"{g.method}: asks for scale >= {rounded(g.scale, 'up')} and width >= {g.width};"
        f" the experiment has scale {case.scale:g}"
    )
    return certified_row(case, Certified("a priori", reason=words))
