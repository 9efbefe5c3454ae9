"""How much slack each proof leaves: what a theorem asks for against what is enough in simulation.

A width, a scale or a rate is *enough* if in every one of k networks the loss reaches 1e-6 of its initial value and, at
every save point on the way, is below the promised L^0 exp(-rate t). The least width is bisected at the promised scale,
the least scale at a fixed width (the promise being rate scale^2 there), the rate is measured. Both are found by
bisection, so they mean a threshold only as far as success is monotone; k networks make it an estimate, not a theorem.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import simulate
from bounds import Guarantee, Problem, guarantee
from bounds.cli import HOLDS, Parser
from bounds.datasets import load_builtin
from bounds.errors import AssumptionError, require
from bounds.files import check_writable, write_atomically
from bounds.guarantee import INITS
from simulate import Status
from verify.rows import versions

ACTIVATIONS = ("tanh", "softplus", "relu")
METHODS = ("slopes", "envelope", "chebyshev", "markov", "repaired", "printed")
TARGET = 1e-6  # of the initial loss
WIDEST = 2**12  # no wider network is simulated
LEAST_SCALE = 1e-6  # of the promised one: the bisection starts there
RESOLUTION = {"width": 1.1, "scale": 1.25}
COLUMNS = (
    "data", "activation", "method", "proved", "init", "delta", "quantity", "required", "sufficient", "slack", "bracket",
    "width", "scale", "promised_rate", "trials", "seed", "linrate", "commit", "python", "numpy", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Trial:
    """k networks of one width and scale, seeds seed, ..., seed + k - 1."""

    problem: Problem
    init: str
    trials: int
    seed: int

    def rates(self, width: int, scale: float, promised: float) -> Iterator[float]:
        """The least average rate on the way to TARGET, network by network; 0 where TARGET is not reached in time."""
        for seed in range(self.seed, self.seed + self.trials):
            run = simulate.gradient_flow(
                self.problem,
                width=width,
                scale=scale,
                init=self.init,
                seed=seed,
                rtol=1e-3,
                loss_ratio=TARGET,
                t_max=1.01 * math.log(1 / TARGET) / promised,
                max_steps=300,
            )
            reached = run.status is Status.LOSS_REACHED and len(run.time) > 1
            yield float(np.min(np.log(run.loss[0] / run.loss[1:]) / run.time[1:])) if reached else 0.0

    def enough(self, width: int, scale: float, promised: float) -> bool:
        """Every network keeps the promise."""
        return all(rate >= promised for rate in self.rates(width, scale, promised))


def bisect(succeeds: Callable[[float], bool], low: float, high: float, resolution: float) -> tuple[float | None, str]:
    """(the least value found to succeed, how it is bracketed), within a factor `resolution`; None if even high fails."""
    if not succeeds(high):
        return None, f"none up to {high:.6g}"
    if succeeds(low):
        return low, "at most"
    while high / low > resolution:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if succeeds(middle) else (middle, high)
    return high, f"within a factor {resolution:g}"


def paired(width: float, init: str) -> int:
    """The next whole width, even for pairs."""
    step = 2 if init == "antisymmetric" else 1
    return step * math.ceil(width / step)


def quantities(trial: Trial, g: Guarantee) -> Iterator[dict[str, Any]]:
    """Width, scale and rate: required, sufficient, slack, and where they were looked for."""
    widest = paired(min(g.width, WIDEST), g.init)
    width, bracket = bisect(
        lambda m: trial.enough(paired(m, g.init), g.scale, g.rate), 1.0, float(widest), RESOLUTION["width"]
    )
    found = None if width is None else paired(width, g.init)
    yield {
        "quantity": "width",
        "required": g.width,
        "sufficient": found,
        "slack": None if found is None else g.width / found,
        "bracket": bracket,
        "width": None,
        "scale": g.scale,
    }
    scale, bracket = bisect(
        lambda c: trial.enough(widest, c, g.rate * (c / g.scale) ** 2),
        LEAST_SCALE * g.scale,
        g.scale,
        RESOLUTION["scale"],
    )
    yield {
        "quantity": "scale",
        "required": g.scale,
        "sufficient": scale,
        "slack": None if scale is None else g.scale / scale,
        "bracket": bracket,
        "width": widest,
        "scale": None,
    }
    least = min(trial.rates(widest, g.scale, g.rate))
    yield {
        "quantity": "rate",
        "required": g.rate,
        "sufficient": least,
        "slack": least / g.rate,
        "bracket": "measured",
        "width": widest,
        "scale": g.scale,
    }


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
            for method in METHODS:
                try:
                    g = guarantee(problem, delta, method=method, init=init)
                except AssumptionError:
                    continue
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
                for found in quantities(Trial(problem, init, trials, seed), g):
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
    numbers = ("-" if row[k] is None else f"{row[k]:.4g}" for k in ("required", "sufficient", "slack"))
    required, enough, slack = numbers
    return f"{row['activation']:10} {method:10} {row['init']:13} {row['quantity']:8} {required:>10} {enough:>10} {slack:>9}"


def main(argv: Sequence[str]) -> int:
    """linrate slack"""
    parser = Parser(prog="linrate slack", example="linrate slack --trials 5 --out slack.csv")
    parser.add_argument("--trials", type=int, default=3, help="networks for each width and scale tried (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first network (default 0)")
    parser.add_argument("--out", metavar="CSV", default="slack.csv", help="the table (default slack.csv)")
    options = parser.parse_args(argv)
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
