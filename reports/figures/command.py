"""linrate figure: which figure is drawn by what, from which experiment, and how large."""

from __future__ import annotations

import time as clock
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bounds.cells.engines import Executor
from bounds.cells.options import executor_for_many, executor_of
from bounds.checks import check_width, choice, integer
from bounds.command_line import HOLDS
from bounds.data.files import check_writable
from bounds.errors import require, unknown_name
from reports.cell_options import add_cell_options
from reports.experiments import experiment_1, experiment_2, experiment_3
from reports.experiments.cache import Cache
from reports.experiments.case import REPEATS
from reports.experiments.open_choices import METHODS, Size
from reports.experiments.runner import Runner
from reports.figures import convergence, embedding, scalings

MOST_SEEDS = REPEATS  # beyond, the seeds of two sizes would meet
Draw = Callable[[str, Size, Runner, Path], list[Path]]
# Figure -> what draws it, and the experiment, which has a QUICK and a FULL size.
FIGURES: dict[str, tuple[Draw, Any]] = {
    "1": (convergence.draw, experiment_1),
    "2": (embedding.draw_figure_2, experiment_2),
    "3": (scalings.draw_figure_3, experiment_3),
    "4": (scalings.draw_features, experiment_3),
    "5": (convergence.draw, experiment_1),
    "6": (embedding.draw_figure_6, experiment_2),
    "7": (scalings.draw_features, experiment_3),
    "8": (scalings.draw_features, experiment_3),
}


def draw_figure(
    figure: str,
    folder: str | Path,
    *,
    quick: bool = False,
    width: int | None = None,
    seeds: int | None = None,
    method: str | None = None,
    dim: int | None = None,
    cache: str | Path | None = None,
    retry: bool = False,
    executor: Executor = None,
) -> list[Path]:
    """Draw a figure of section 4 into a folder: the paths of figure-K.csv, .png and .svg.

    figure: "1" to "8"; quick: a reduced size; width, seeds: m, and the number of repetitions, in place of those of the
    size; method: "flow" or "descent", by default that of the size; dim: D of the random features of figures 3, 4, 7
    and 8, by default m; cache: the folder of results, by default folder/cache; what is there already is not run again,
    apart from runs that failed, with `retry`; executor: where the runs are made, as in `bounds.cells.run_cells`, and
    with other processes the certificates too.

    Raises ArgumentError for an unknown figure or method, a number of seeds or features below one, or features of a
    figure that has none, DataError for a folder that
    cannot be written or a cache of another version, WriteError if the disk is full, AssumptionError where matplotlib is
    not installed.
    """
    if not isinstance(figure, str) or figure not in FIGURES:
        raise unknown_name("figure", figure, FIGURES)
    out = Path(folder)
    for kind in ("csv", "png", "svg"):
        check_writable(out / f"figure-{figure}.{kind}", "--out")
    draw, experiment = FIGURES[figure]
    if width is not None:
        width = check_width(width, "antisymmetric")
    if seeds is not None:
        seeds = integer("seeds", seeds, 1, MOST_SEEDS)
    if method is not None:
        choice("method", method, METHODS)
    if dim is not None:
        rule = "left out for figures 1, 2, 5 and 6, which have no random features"
        require(experiment is experiment_3, "dim", rule, dim)
        dim = integer("dim", dim, 1)
    whole: Size = experiment.QUICK if quick else experiment.FULL
    size = whole.changed(width=width, seeds=seeds, method=method, dim=dim)
    runner = Runner(Cache(out / "cache" if cache is None else cache), retry=retry, executor=executor)
    return [out / f"figure-{figure}.csv", *draw(figure, size, runner, out)]


def add_figure_command(commands: Any) -> None:
    """linrate figure"""
    parser = commands.add_parser(
        "figure",
        help="a figure of the paper with the data behind it: PNG, SVG and CSV",
        example="linrate figure 1 --out figures/ --quick",
    )
    parser.add_argument("figure", metavar="K", help="1 to 8, as in the paper")
    parser.add_argument("--out", metavar="DIR", default="figures", help="folder of the files (default figures)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="a reduced size: about a minute, a process for each core")
    size.add_argument("--full", action="store_true", help="the paper's size (default): minutes to hours, resumable")
    parser.add_argument("--width", type=int, help="m in place of that of the size; a second width is half of it")
    parser.add_argument("--seeds", type=int, help="the number of repetitions in place of that of the size")
    parser.add_argument("--method", choices=METHODS, help="flow or descent in place of that of the size")
    parser.add_argument("--dim", type=int, help="D of the random features of figures 3, 4, 7 and 8 (default m)")
    parser.add_argument("--cache", metavar="DIR", help="folder of finished runs (default: cache in that of the files)")
    parser.add_argument("--retry", action="store_true", help="try runs again that failed")
    add_cell_options(parser, resume=None)


def run_figure(options: Any) -> int:
    """Draw the figure and name its files. Returns the exit code."""
    began = clock.monotonic()
    paths = draw_figure(
        options.figure,
        options.out,
        quick=options.quick,
        width=options.width,
        seeds=options.seeds,
        method=options.method,
        dim=options.dim,
        cache=options.cache,
        retry=options.retry,
        executor=executor_for_many(options) if options.quick else executor_of(options),
    )
    for path in paths:
        print(f"{path}  {path.stat().st_size} bytes")
    print(f"figure {options.figure} in {clock.monotonic() - began:.1f} s")
    return HOLDS
