"""How often the reported numbers keep their word: true error over reported error, and failures against delta.

Error: each run is compared with one of a far smaller tolerance; the worst true/reported of its save points is one
number. Where the reported error is right, that is at most 1. Delta: of networks at the width and scale that a guarantee
asks for, at most a share delta may miss its promised rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bounds import Problem, guarantee
from bounds.checks import check_seed, instance
from bounds.command_line import HOLDS, REFUTED
from bounds.data.datasets import load_builtin
from bounds.errors import require
from bounds.pictures.style import NOTES, add_plot_option, on_axes, picture_file, points, series
from bounds.text import paragraph
from bounds.versions import versions
from reports.kept_rows import checked_outputs, kept_rows
from simulate import gradient_flow
from verify.claims import CLAIMS
from verify.runs.regimes import regime_run
from verify.statistics import failure_rate
from verify.verdict import Verdict

# (activation, integrator) of the runs whose error is looked at.
METHODS = (
    ("tanh", "exponential"), ("tanh", "runge-kutta"), ("softplus", "exponential"), ("relu", "piecewise-linear"),
)  # fmt: skip
FINE = {"tanh": 1e-11, "softplus": 1e-11, "relu": 1e-6}  # tolerance of what a run is compared with
SURE = 10.0  # a save point counts if the reported error is this many times that of the finer run
LEVEL = 0.05  # of the intervals and of the band that are drawn
INIT = "antisymmetric"  # its widths are small enough to simulate for every delta
COLUMNS = (
    "kind", "data", "n", "activation", "integrator", "rtol", "seed", "true_error", "reported_error", "ratio", "delta",
    "width", "scale", "trials", "failures", "undecided", "rate_low", "rate_high",
)  # fmt: skip
SIZE = (9.5, 4.0)
END = 5.0  # the largest ratio that is always shown

Row = dict[str, Any]


@dataclass(frozen=True)
class CoverageOptions:
    """Options of `coverage_rows`: seeds for each method and tolerance; the tolerances; trials for each delta; deltas.

    Raises ArgumentError for an option out of its range.
    """

    seeds: int = 8
    rtols: Sequence[float] = (1e-2, 1e-3, 1e-4)
    trials: int = 60
    deltas: Sequence[float] = (0.5, 0.25, 0.1, 0.05)

    def __post_init__(self) -> None:
        for name in ("seeds", "trials"):
            require(check_seed(getattr(self, name), name) >= 1, name, "at least 1", getattr(self, name))


QUICK = CoverageOptions(seeds=2, rtols=(1e-2, 1e-3), trials=10, deltas=(0.5, 0.25))


def count(options: CoverageOptions) -> int:
    """How many runs and comparisons `coverage_rows` makes."""
    return len(METHODS) * len(options.rtols) * options.seeds + len(options.deltas) * options.trials


def coverage_rows(options: CoverageOptions | None = None) -> Iterator[Row]:
    """One row for each run whose error was checked, then one for each delta, with the columns COLUMNS and the versions.

    >>> rows = list(reports.coverage_rows(reports.CoverageOptions(seeds=1, rtols=(1e-2,), trials=2, deltas=(0.5,))))

    Raises ArgumentError where `options` are none.
    """
    chosen = CoverageOptions() if options is None else instance("options", options, CoverageOptions)
    for activation, integrator in METHODS:
        X, y = load_builtin("reference", n=5, d=30)
        problem = Problem(X, y, activation=activation, name="reference")
        for seed in range(chosen.seeds):
            times = np.linspace(0.5, 10.0, 12)
            options_of_run: dict[str, Any] = {
                "width": 40,
                "seed": seed,
                "t_max": 10.0,
                "save_at": times,
                "loss_ratio": 0.0,
            }
            options_of_run |= {"scale": 1.5, "integrator": integrator}
            exact = gradient_flow(problem, rtol=FINE[activation], **options_of_run)
            for rtol in chosen.rtols:
                run = gradient_flow(problem, rtol=rtol, **options_of_run)
                yield _error_row(problem, run, exact, rtol)
    for delta in chosen.deltas:
        yield from _delta_rows(delta, chosen.trials)


def _error_row(problem: Problem, run: Any, exact: Any, rtol: float) -> Row:
    """The save point with the worst true/reported error of the loss; without a ratio if none is known well enough."""
    true = np.abs(run.loss - exact.loss)
    known = run.error > SURE * exact.error
    with np.errstate(all="ignore"):
        ratios = np.where(known, true / run.error, -np.inf)
    worst = int(np.argmax(ratios))
    return {
        "kind": "error",
        "data": problem.name,
        "n": problem.n,
        "activation": problem.activation.name,
        "integrator": run.integrator,
        "rtol": rtol,
        "seed": run.seed,
        "true_error": float(true[worst]),
        "reported_error": float(run.error[worst]),
        "ratio": float(ratios[worst]) if known.any() else None,
        "width": run.width,
        "scale": run.scale,
        **versions(),
    }


def _delta_rows(delta: float, trials: int) -> Iterator[Row]:
    """The row of one delta; before it one row without a kind for each network, so that progress can be shown."""
    X, y = load_builtin("reference")
    problem = Problem(X, y, name="reference")
    g = guarantee(problem, delta, init=INIT)
    found = []
    for seed in range(trials):
        run = regime_run(problem, g, seed=seed, rtol=1e-2, loss_ratio=1e-4)
        found.append(CLAIMS["theorem-1"].verdict(run))
        if seed < trials - 1:
            yield {"kind": ""}
    failures, open_ones = found.count(Verdict.REFUTED), found.count(Verdict.UNDECIDED)
    rate = failure_rate(trials, failures, undecided=open_ones, delta=delta, alpha=LEVEL)
    yield {
        "kind": "delta",
        "data": problem.name,
        "n": problem.n,
        "activation": problem.activation.name,
        "delta": delta,
        "width": g.width,
        "scale": g.scale,
        "trials": trials,
        "failures": failures,
        "undecided": open_ones,
        "rate_low": rate.lower,
        "rate_high": rate.upper,
        **versions(),
    }


def draw_coverage(rows: Sequence[Row], axes: Any = None) -> Any:
    """Draw the share of runs below each true/reported error, and the failures against delta; returns the two axes.

    Left: the empirical distribution function of the worst true/reported error of each run (its PIT-ECDF), with a band
    that holds it at all ratios at once with probability 95% (Dvoretzky, Kiefer, Wolfowitz); below 1 the report is safe.
    Right: the failure rate with its exact 95% interval; below the diagonal the promise is kept. axes: two axes of
    matplotlib; None for those of a new figure.

        reports.draw_coverage(list(reports.coverage_rows()))

    Raises ArgumentError for no rows or wrong axes, AssumptionError where matplotlib is not installed.
    """
    errors = [row for row in rows if row["kind"] == "error" and row["ratio"] is not None]
    deltas = [row for row in rows if row["kind"] == "delta"]
    require(len(errors) + len(deltas) > 0, "rows", "rows of coverage_rows, at least one", len(rows))
    with on_axes(axes, 2, SIZE, "axes") as panels:
        left, right = panels
        groups = list(dict.fromkeys((row["activation"], row["integrator"]) for row in errors))
        for k, group in enumerate(groups):
            ratios = np.sort([row["ratio"] for row in errors if (row["activation"], row["integrator"]) == group])
            _distribution(left, np.maximum(ratios, 1e-6), f"{group[0]}, {group[1]} ({len(ratios)} runs)", k)
        left.axvline(1.0, color="black", lw=1.2)
        left.annotate("reported", (1.0, 0.02), xycoords=("data", "axes fraction"), xytext=(3, 0),
                      textcoords="offset points", **NOTES)  # fmt: skip
        left.set_xscale("log")
        left.set_xlim(right=max([END, *(2 * row["ratio"] for row in errors)]))
        left.set_ylim(0, 1.02)
        left.set_xlabel("true / reported error of the loss, worst of a run (no unit)")
        left.set_ylabel("share of the runs below it")
        left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
        at = [row["delta"] for row in deltas]
        middle = np.array([row["failures"] / row["trials"] for row in deltas])
        ends = np.array([[row["rate_low"], row["rate_high"]] for row in deltas]).reshape(-1, 2).T
        right.errorbar(at, middle, np.abs(ends - middle), capsize=3, **{**points(0), "linestyle": ""},
                       label=f"failures, {1 - LEVEL:.0%} interval")  # fmt: skip
        top = max([0.1, *at]) * 1.15
        right.plot([0, top], [0, top], color="black", lw=1.2, label="delta: what is allowed")
        right.fill_between([0, top], [0, top], [top, top], facecolor="#f7e3d7", zorder=0, label="more than is allowed")
        right.set(xlim=(0, top), ylim=(-0.02 * top, top))
        right.set_xlabel("delta that the guarantee allows (probability)")
        right.set_ylabel("networks that miss the promised rate (share)")
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    return panels


def _distribution(axis: Any, ratios: np.ndarray, label: str, k: int) -> None:
    """The empirical distribution function of the sorted ratios as steps, with its simultaneous band."""
    share = np.arange(1, len(ratios) + 1) / len(ratios)
    half = math.sqrt(math.log(2 / LEVEL) / (2 * len(ratios)))
    # From 0 at the smallest ratio to 1, which it keeps until the end of the picture.
    axis.step([ratios[0], *ratios, max(END, ratios[-1])], [0.0, *share, 1.0], where="post", label=label, **series(k))
    axis.fill_between(ratios, np.maximum(share - half, 0), np.minimum(share + half, 1), step="post",
                      color=series(k)["color"], alpha=0.12, lw=0)  # fmt: skip


def add_coverage_command(commands: Any) -> None:
    """linrate coverage"""
    parser = commands.add_parser(
        "coverage",
        help="how often reported errors and promised probabilities keep their word",
        example="linrate coverage --quick --out coverage.csv --plot coverage.png",
    )
    parser.add_argument("--quick", action="store_true", help="few runs, in some seconds")
    parser.add_argument("--seeds", type=int, help="runs for each integrator and tolerance (default 8)")
    parser.add_argument("--trials", type=int, help="networks for each delta (default 60)")
    parser.add_argument("--out", metavar="CSV", help="write the rows")
    add_plot_option(parser, "true over reported errors, and failures against delta")


def run_coverage(options: Any) -> int:
    """Count, write and draw; REFUTED if a failure rate is certainly above its delta."""
    out = checked_outputs(options)
    default = QUICK if options.quick else CoverageOptions()
    chosen = CoverageOptions(
        default.seeds if options.seeds is None else options.seeds,
        default.rtols,
        default.trials if options.trials is None else options.trials,
        default.deltas,
    )
    rows = kept_rows(
        coverage_rows(chosen),
        out,
        (*COLUMNS, *versions()),
        what="runs",
        total=count(chosen),
        words=lambda row: row.get("integrator", "networks at their guarantee"),
        written=lambda row: bool(row["kind"]),
    )
    if options.plot:
        with picture_file(options.plot, 2, SIZE) as axes:
            draw_coverage(rows, axes)
    ratios = [row["ratio"] for row in rows if row["kind"] == "error" and row["ratio"] is not None]
    within = sum(ratio <= 1 for ratio in ratios)
    for row in rows:
        if row["kind"] == "delta":
            words = f"{row['failures']} of {row['trials']} networks fail, rate in [{row['rate_low']:.3g},"
            print(f"delta {row['delta']:<5g} m={row['width']:<6} {words} {row['rate_high']:.3g}]")
    print(
        paragraph(
            f"The error of the loss was at most what was reported in {within} of {len(ratios)} runs"
            + (f"; the worst was {max(ratios):.3g} times it." if ratios else ".")
        )
    )
    refuted = any(row["kind"] == "delta" and row["rate_low"] > row["delta"] for row in rows)
    return REFUTED if refuted else HOLDS
