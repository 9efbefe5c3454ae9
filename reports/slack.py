"""How much slack each proof leaves: what a theorem asks for against what is enough in simulation.

A width, a scale or a rate is *enough* if in every one of k networks the loss reaches 1e-6 of its initial value and, at
every save point on the way, is below the promised L^0 exp(-rate t). The least width is bisected at the promised scale,
the least scale, a power of 2, at width 512 (where the promised rate falls as scale^2); the rate is measured there. A
bisection finds a threshold only as far as success is monotone, and k networks make it an estimate, not a theorem. A
network that has not got there in MOST_STEPS steps of the integrator counts as a failure: no slack is overstated.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import simulate
from bounds import Guarantee, Problem, guarantee
from bounds.checks import INITS
from bounds.command_line import HOLDS
from bounds.data.datasets import load_builtin
from bounds.data.files import check_writable, write_atomically
from bounds.errors import AssumptionError, require
from simulate import Status
from verify.report_rows import versions

ACTIVATIONS = ("tanh", "softplus", "relu")
METHODS = ("slopes", "envelope", "chebyshev", "markov", "repaired", "printed")
TARGET = 1e-6  # of the initial loss
WIDTH = 2**9  # at which scales and rates are looked at; no wider network is simulated
FINENESS = 2.0  # scales tried are powers of it
DEEPEST = 13  # how many of these powers below the promised scale are tried: a factor 8000
MOST_STEPS = 100
COLUMNS = (
    "data", "activation", "method", "proved", "init", "delta", "quantity", "required", "sufficient", "slack", "bracket",
    "width", "scale", "promised_rate", "trials", "seed", "linrate", "commit", "python", "numpy", "torch",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Trial:
    """k networks of one problem and initialisation, seeds seed, ..., seed + k - 1.

    slowest: the least promised rate / scale^2 of all methods; no network is followed longer than it would need.
    """

    problem: Problem
    init: str
    trials: int
    seed: int
    slowest: float

    @cache  # noqa: B019  (a table has six of them)
    def rate(self, width: int, scale: float) -> float:
        """The least average rate on the way to TARGET, of all networks; 0 where one does not get there."""
        least = math.inf
        for seed in range(self.seed, self.seed + self.trials):
            run = simulate.gradient_flow(
                self.problem,
                width=width,
                scale=scale,
                init=self.init,
                seed=seed,
                rtol=1e-2,
                loss_ratio=TARGET,
                t_max=math.log(1 / TARGET) / (self.slowest * scale**2),
                max_steps=MOST_STEPS,
            )
            if run.status is not Status.LOSS_REACHED or len(run.time) < 2:
                return 0.0
            least = min(least, float(np.min(np.log(run.loss[0] / run.loss[1:]) / run.time[1:])))
        return least


def bisect(succeeds: Callable[[int], bool], low: int, high: int) -> tuple[int | None, str]:
    """(the least integer from low to high found to succeed, how it is bracketed); None if even `high` fails."""
    if not succeeds(high):
        return None, "none"
    if succeeds(low):
        return low, "at most"
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if succeeds(middle) else (middle, high)
    return high, "threshold"


def quantities(trial: Trial, g: Guarantee) -> Iterator[dict[str, Any]]:
    """Width, scale and rate: required, sufficient, slack, and where they were looked for."""
    step = 2 if g.init == "antisymmetric" else 1
    widest = min(g.width, WIDTH) // step * step
    share = g.rate / g.scale**2
    units, bracket = bisect(lambda k: trial.rate(step * k, g.scale) >= g.rate, 1, widest // step)
    width = None if units is None else step * units
    yield {
        "quantity": "width",
        "required": g.width,
        "sufficient": width,
        "slack": None if width is None else g.width / width,
        "bracket": bracket,
        "width": None,
        "scale": g.scale,
    }
    top = math.floor(math.log(g.scale, FINENESS))
    power, bracket = bisect(
        lambda k: trial.rate(widest, FINENESS**k) >= share * FINENESS ** (2 * k), top - DEEPEST, top
    )
    scale = None if power is None else FINENESS**power
    yield {
        "quantity": "scale",
        "required": g.scale,
        "sufficient": scale,
        "slack": None if scale is None else g.scale / scale,
        "bracket": bracket,
        "width": widest,
        "scale": None,
    }
    measured = trial.rate(widest, g.scale)
    yield {
        "quantity": "rate",
        "required": g.rate,
        "sufficient": measured or None,  # 0: some network did not get there in MOST_STEPS, so nothing was measured
        "slack": measured / g.rate if measured else None,
        "bracket": "measured" if measured else "none",
        "width": widest,
        "scale": g.scale,
    }


def guarantees(problem: Problem, delta: float, init: str) -> dict[str, Guarantee]:
    """By method, where it applies."""
    found = {}
    for method in METHODS:
        with contextlib.suppress(AssumptionError):
            found[method] = guarantee(problem, delta, method=method, init=init)
    return found


def slack_rows(*, trials: int = 3, seed: int = 0, delta: float = 0.05) -> Iterator[dict[str, Any]]:
    """A row for each activation, method, initialisation and quantity, on the reference problem.

    trials: networks for each width and scale tried; seed: of the first. Raises ArgumentError for trials < 1 or a
    negative seed.
    """
    require(trials >= 1, "trials", "a positive integer", trials)
    require(seed >= 0, "seed", "a non-negative integer", seed)
    for activation in ACTIVATIONS:
        problem = Problem(*load_builtin("reference"), activation=activation, name="reference")
        for init in INITS:
            asked = guarantees(problem, delta, init)
            slowest = min(g.rate / g.scale**2 for g in asked.values())
            trial = Trial(problem, init, trials, seed, slowest)
            for method, g in asked.items():
                common = {
                    "data": problem.name,
                    "activation": activation,
                    "method": method,
                    "proved": g.proved,
                    "init": init,
                    "delta": delta,
                    "promised_rate": g.rate,
                    "trials": trials,
                    "seed": seed,
                    **versions(),
                }
                for found in quantities(trial, g):
                    yield {**common, **found}


def to_csv(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as CSV text."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if row[k] is None else row[k] for k in COLUMNS} for row in rows)
    return stream.getvalue()


def line(row: dict[str, Any] | None = None) -> str:
    """A row of the table on the terminal, its head for None."""
    if row is None:
        return (
            f"{'activation':10} {'method':10} {'init':13} {'quantity':8} {'required':>10} {'enough':>10} {'slack':>9}"
        )
    method = row["method"] if row["proved"] else f"({row['method']})"
    required, enough, slack = ("-" if row[k] is None else f"{row[k]:.4g}" for k in ("required", "sufficient", "slack"))
    more = " or more" if row["bracket"] == "at most" else ""
    name = f"{row['activation']:10} {method:10} {row['init']:13} {row['quantity']:8}"
    return f"{name} {required:>10} {enough:>10} {slack:>9}{more}"


def add_slack_command(commands: Any) -> None:
    """linrate slack"""
    parser = commands.add_parser(
        "slack",
        help="what each proof asks for against what is enough in simulation",
        example="linrate slack --trials 5 --out slack.csv",
    )
    parser.add_argument("--trials", type=int, default=3, help="networks for each width and scale tried (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first network (default 0)")
    parser.add_argument("--out", metavar="CSV", default="slack.csv", help="the table (default slack.csv)")


def run_slack(options: Any) -> int:
    """Print the table and write it as CSV."""
    out: Path = check_writable(options.out, "--out")
    print("what each proof asks for on the reference problem (n = 10, d = 100), and what is enough in")
    print(f"{options.trials} networks; methods in brackets are not proved")
    rows: list[dict[str, Any]] = []
    for row in slack_rows(trials=options.trials, seed=options.seed):
        if not rows:
            print(line())
        rows.append(row)
        print(line(row), flush=True)
    write_atomically(out, to_csv(rows))
    print(f"{len(rows)} rows written to {out}")
    return HOLDS
