"""The coordinate check: how loss, features and kernel change with the width, for the paper's scaling, NTK and MF.

Every network is trained by gradient flow for the same time. What does not depend on the width stays as the width grows;
what falls like a power of it is gone at infinite width: the features of the NTK scaling do not move there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds import AssumptionError, Problem, kernel_flow
from bounds.checks import check_scale, check_seed, check_time, check_width, instance, sequence
from bounds.command_line import HOLDS, add_problem_options, problem_from
from bounds.errors import LinrateError, require
from bounds.pictures.style import LAZY, add_plot_option, on_axes, picture_file, points
from bounds.text import paragraph, printable
from bounds.text_table import Column, TextTable
from bounds.versions import versions
from reports.kept_rows import checked_outputs, kept_rows
from simulate import Network, gradient_flow
from simulate.network import SCALINGS

LABELS = {"ours": "the paper's scaling", "ntk": "NTK", "mf": "mean field"}
MEASURES = {  # column -> title of its panel
    "loss_ratio": "loss at the end / at the start",
    "movement": "mean |h − h⁰| / √G(x, x)",
    "kernel_change": "‖Θ − Θ⁰‖ / ‖Θ⁰‖ (Frobenius)",
}
COLUMNS = (
    "scaling",
    "width",
    "seed",
    *MEASURES,
    "time",
    "scale",
    "data",
    "n",
    "d",
    "activation",
    "status",
    "dtype",
    "device",
)
SIZE = (10.0, 4.4)
RTOL = 1e-4
TABLE = TextTable(
    [
        Column("scaling", 20, "<"),
        Column("width", 7, number_format="d"),
        Column("loss ratio", 11),
        Column("movement", 10),
        Column("kernel change", 14),
    ]
)

Row = dict[str, Any]


@dataclass(frozen=True)
class ScalingOptions:
    """Options of `scaling_rows`: the widths, how many networks at each (seeds 0, 1, ...), their scale and final time.

    Raises ArgumentError for an option out of its range.
    """

    widths: Sequence[int] = (64, 128, 256, 512, 1024, 2048, 4096)
    seeds: int = 3
    scale: float = 1.0
    t_max: float = 10.0

    def __post_init__(self) -> None:
        widths = sequence("widths", self.widths, "numbers of neurons")
        require(len(widths) > 1, "widths", "at least two numbers of neurons", self.widths)
        object.__setattr__(self, "widths", tuple(check_width(width, "independent") for width in widths))
        object.__setattr__(self, "scale", check_scale(self.scale))
        object.__setattr__(self, "t_max", check_time("t_max", self.t_max))
        require(check_seed(self.seeds, "seeds") >= 1, "seeds", "at least 1", self.seeds)


QUICK = ScalingOptions(widths=(32, 64, 128, 256), seeds=2)


def tangent_kernel(problem: Problem, network: Network) -> np.ndarray:
    """Theta_ab / scale^2 = G_ab mean_i sigma'(h_i(x_a)) sigma'(h_i(x_b)) of one network, (n, n)."""
    slopes = problem.activation.value_and_slope(network.H)[1]
    kernel: np.ndarray = problem.gram * (slopes.T @ slopes / network.width)
    return kernel


def _change(before: np.ndarray, after: np.ndarray) -> float:
    """||after - before|| / ||before||, in the Frobenius norm."""
    size = float(np.linalg.norm(before))
    return float(np.linalg.norm(after - before)) / size if size > 0 else 0.0


def scaling_rows(problem: Problem, options: ScalingOptions | None = None) -> Iterator[Row]:
    """One row for each scaling, width and seed, with the columns COLUMNS and the versions.

    >>> X, y = bounds.data.datasets.load_builtin("reference")
    >>> rows = list(reports.scaling_rows(bounds.Problem(X, y), reports.ScalingOptions(widths=(32, 64), seeds=1)))

    Raises ArgumentError for a wrong argument, AssumptionError for a random embedding that was not drawn.
    """
    instance("problem", problem, Problem, "Use bounds.Problem(X, y).")
    chosen = ScalingOptions() if options is None else instance("options", options, ScalingOptions)
    if problem.random:
        raise AssumptionError("networks are simulated, so the embedding must be drawn. Give it a dimension: dim=4096.")
    if problem.last_layer:
        raise AssumptionError("the scalings are compared for a fixed last layer. Use last_layer=0.")
    size = np.sqrt(np.maximum(np.diagonal(problem.gram), 1e-300))
    for scaling in SCALINGS:
        for width in chosen.widths:
            for seed in range(chosen.seeds):
                run = gradient_flow(
                    problem, width=width, scale=chosen.scale, seed=seed, scaling=scaling, t_max=chosen.t_max,
                    loss_ratio=0.0, save_at=[0.0, chosen.t_max], rtol=RTOL,
                )  # fmt: skip
                before, after = (tangent_kernel(problem, network) for network in (run.initial, run.final))
                yield {
                    "scaling": scaling,
                    "width": width,
                    "seed": seed,
                    "loss_ratio": float(run.loss[-1] / run.loss[0]) if run.loss[0] > 0 else 0.0,
                    "movement": float(np.mean(run.movement[-1] / size)),
                    "kernel_change": _change(before, after),
                    "time": float(run.time[-1]),
                    "scale": chosen.scale,
                    "data": problem.name,
                    "n": problem.n,
                    "d": problem.d,
                    "activation": problem.activation.name,
                    "status": run.status.name,
                    "dtype": run.dtype,
                    "device": run.device,
                    **versions(),
                }


def means(rows: Sequence[Row], scaling: str, measure: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(widths, geometric means, spreads of log10) of a measure over the seeds, for one scaling."""
    widths = sorted({row["width"] for row in rows if row["scaling"] == scaling})
    logs = [
        np.log10([max(r[measure], 1e-300) for r in rows if (r["scaling"], r["width"]) == (scaling, width)])
        for width in widths
    ]
    return np.array(widths), 10 ** np.array([v.mean() for v in logs]), np.array([v.std() for v in logs])


def exponent(rows: Sequence[Row], scaling: str, measure: str) -> float:
    """p in measure ~ width^p, by least squares on the logarithms: 0 for what does not depend on the width."""
    widths, values, _ = means(rows, scaling, measure)
    return float(np.polyfit(np.log(widths), np.log(values), 1)[0]) if len(widths) > 1 else math.nan


def draw_scaling(rows: Sequence[Row], axes: Any = None, *, problem: Problem | None = None) -> Any:
    """Draw loss, movement and kernel change against the width, one line for each scaling; returns the three axes.

    Bars are one standard deviation of the logarithms over the seeds; the numbers in the legend are the exponents p of
    width^p. problem: if given, the lazy flow at infinite width is drawn beside the losses. axes: three axes of
    matplotlib; None for those of a new figure.

        reports.draw_scaling(list(reports.scaling_rows(problem)))

    Raises ArgumentError for no rows or wrong axes, AssumptionError where matplotlib is not installed.
    """
    require(len(rows) > 0, "rows", "rows of scaling_rows, at least one", len(rows))
    with on_axes(axes, 3, SIZE, "axes") as panels:
        for axis, (measure, title) in zip(panels, MEASURES.items(), strict=True):
            for k, scaling in enumerate(dict.fromkeys(row["scaling"] for row in rows)):
                widths, values, spread = means(rows, scaling, measure)
                bars = np.stack([values - values * 10**-spread, values * 10**spread - values])
                label = f"{LABELS[scaling]}: $m^{{{exponent(rows, scaling, measure):.2f}}}$"
                axis.errorbar(widths, values, bars, capsize=2, label=label, **points(k))
            axis.set_xscale("log", base=2)
            axis.set_yscale("log")
            low, high = axis.get_ylim()
            if high / low < 20:  # so that what hardly changes does not look as if it did
                axis.set_ylim(low / 4, high * 4)
            axis.set_xlabel("width m (neurons)")
            axis.set_title(title)
        if problem is not None:
            _draw_lazy(panels[0], problem, rows)
        for axis in panels:
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.17))
    return panels


def _draw_lazy(axis: Any, problem: Problem, rows: Sequence[Row]) -> None:
    """The loss of the lazy flow at infinite width, where it has a closed form."""
    try:
        flow = kernel_flow(problem, [0.0, max(row["time"] for row in rows)], scale=rows[0]["scale"])
    except LinrateError:
        return
    if flow.loss[0] > 0:
        axis.axhline(flow.loss[-1] / flow.loss[0], label="lazy flow, infinite width", **LAZY)


def add_scaling_command(commands: Any) -> None:
    """linrate scaling"""
    parser = commands.add_parser(
        "scaling",
        help="what moves how with the width: loss, features and kernel in three scalings",
        example="linrate scaling --quick --out scaling.csv --plot scaling.png",
    )
    add_problem_options(parser)
    d = ScalingOptions()
    parser.add_argument("--widths", type=int, nargs="+", metavar="M", help="the widths (default 64 to 4096)")
    parser.add_argument("--seeds", type=int, help=f"networks at each width (default {d.seeds})")
    parser.add_argument("--scale", type=float, default=d.scale, help="c hat (default 1, the paper's experiments)")
    parser.add_argument("--t-max", type=float, default=d.t_max, help="time at which all is measured (default 10)")
    parser.add_argument("--quick", action="store_true", help="widths 32 to 256, two networks at each")
    parser.add_argument("--out", metavar="CSV", help="write the rows")
    add_plot_option(parser, "the three measures against the width")


def run_scaling(options: Any) -> int:
    """Print the means over the seeds, write and draw the rows, and say what depends on the width."""
    out = checked_outputs(options)
    default = QUICK if options.quick else ScalingOptions()
    chosen = ScalingOptions(
        options.widths or default.widths, default.seeds if options.seeds is None else options.seeds, options.scale,
        options.t_max,
    )  # fmt: skip
    problem = problem_from(options)
    rows = kept_rows(
        scaling_rows(problem, chosen),
        out,
        (*COLUMNS, *versions()),
        what="networks",
        total=len(SCALINGS) * len(chosen.widths) * chosen.seeds,
        words=lambda row: f"{LABELS[row['scaling']]}, m = {row['width']}",
    )
    print(f"{printable(problem.name)}: n={problem.n} {problem.activation.name}, after time {chosen.t_max:g}")
    print(TABLE.head())
    for scaling in SCALINGS:
        found = [means(rows, scaling, measure)[1] for measure in MEASURES]
        for k, width in enumerate(sorted(set(chosen.widths))):
            print(TABLE.line([LABELS[scaling], width, *(values[k] for values in found)]))
    if options.plot:
        with picture_file(options.plot, 3, SIZE) as axes:
            draw_scaling(rows, axes, problem=problem)
    powers = ", ".join(f"m^{exponent(rows, s, 'movement'):.2f} in {LABELS[s]}" for s in SCALINGS)
    print()
    print(
        paragraph(f"The features move like {powers}: an exponent near 0 means that they still move at infinite width.")
    )
    return HOLDS
