"""How much slack each proof leaves: what a theorem asks for, compared with what is enough in simulation.

A width, a scale or a rate is *enough* if, in every one of the networks tried, the loss reaches 1e-6 of its initial
value and is below the promised L^0 exp(-rate t) at every save point before. The least width is found by bisection at
the promised scale. The least scale, a power of 2, is found by bisection at width 512; the rate promised there falls
as scale^2. The rate is measured at width 512 and the promised scale.

Beside it stands what is necessary, whatever the proof (bounds/necessary.py): a width and a scale that no network can do
without, and the rate that none can exceed; so the slack of a proof lies between required/enough and required/necessary.

A bisection finds a threshold only if success is monotone, and a finite number of networks makes it an estimate, not a
theorem. A network that has not reached the loss after MOST_STEPS steps of the integrator counts as a failure, so that
no slack is overstated.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import simulate
from bounds import Guarantee, Problem, guarantee, necessary_scale, necessary_width, possible_rate
from bounds.cells import Cell, Plan, Row, run_cells
from bounds.cells.engines import Executor
from bounds.cells.progress import CellProgress
from bounds.checks import INITS
from bounds.data.datasets import load_builtin
from bounds.errors import AssumptionError, require
from bounds.versions import COLUMNS as VERSIONS
from bounds.versions import versions
from simulate import Status

ACTIVATIONS = ("tanh", "softplus", "relu")
METHODS = ("slopes", "transport", "envelope", "chebyshev", "markov", "repaired", "printed")
TARGET = 1e-6  # a network counts as trained once its loss is this share of the initial loss
WIDTH = 2**9  # the width at which scales and rates are measured; no wider network is simulated
FINENESS = 2.0  # the scales tried are powers of this number
DEEPEST = 13  # number of powers tried below the promised scale: down to an 8000th of it
MOST_STEPS = 100  # steps of the integrator after which a run is given up
RTOL = 1e-2  # relative tolerance of a step; the slacks measured here are factors, so two digits are enough
DTYPE = "float64"
DEVICE = "cpu"  # networks of at most WIDTH neurons on ten data points gain nothing by a GPU
# Column -> the kind of its values.
KINDS: dict[str, type] = {
    **dict.fromkeys(("data", "activation", "method"), str),
    "proved": bool,
    "init": str,
    "delta": float,
    "quantity": str,
    **dict.fromkeys(("required", "sufficient", "slack"), float),
    "bracket": str,
    "width": int,
    **dict.fromkeys(("scale", "promised_rate"), float),
    **dict.fromkeys(("trials", "seed"), int),
    **dict.fromkeys((*VERSIONS, "dtype", "device"), str),
    "necessary": float,
    "detail": str,
}
COLUMNS = tuple(KINDS)


@dataclass(frozen=True, eq=False)
class Trial:
    """The networks by which one problem and one initialisation are tried, with seeds seed, ..., seed + trials - 1.

    trials: number of networks. slowest: the least promised rate / scale^2 of all methods, which sets the final time of
    the runs: by then a network that keeps even this promise has reached TARGET. tell: called with what is tried, in
    words, before each network.
    """

    problem: Problem
    init: str
    trials: int
    seed: int
    slowest: float
    tell: Callable[[str], None] | None = None

    @cache  # noqa: B019  (keeps each Trial alive, but a table makes only six)
    def rate(self, width: int, scale: float) -> float:
        """The least average rate log(L^0/L^t)/t over all save points before TARGET and all networks.

        It is 0 if one network does not reach TARGET.
        """
        least = math.inf
        for seed in range(self.seed, self.seed + self.trials):
            if self.tell is not None:
                self.tell(f"m = {width}, scale {scale:.3g}")
            run = simulate.gradient_flow(
                self.problem,
                width=width,
                scale=scale,
                init=self.init,
                seed=seed,
                rtol=RTOL,
                dtype=DTYPE,
                device=DEVICE,
                loss_ratio=TARGET,
                t_max=math.log(1 / TARGET) / (self.slowest * scale**2),
                max_steps=MOST_STEPS,
            )
            if run.status is not Status.LOSS_REACHED or len(run.time) < 2:
                return 0.0
            least = min(least, float(np.min(np.log(run.loss[0] / run.loss[1:]) / run.time[1:])))
        return least


def bisect(succeeds: Callable[[int], bool], low: int, high: int) -> tuple[int | None, str]:
    """The least integer from `low` to `high` that is found to succeed, and how it is bracketed.

    succeeds: taken to be monotone, false below a threshold and true above it. The bracket is "threshold" if the integer
    below fails, "at most" if even `low` succeeds, and "none", with None for the integer, if even `high` fails.
    """
    if not succeeds(high):
        return None, "none"
    if succeeds(low):
        return low, "at most"
    while high - low > 1:
        middle = (low + high) // 2
        if succeeds(middle):
            high = middle
        else:
            low = middle
    return high, "threshold"


def quantities(trial: Trial, g: Guarantee) -> Iterator[dict[str, Any]]:
    """Three rows of the table, for width, scale and rate: each required, sufficient and slack, as named in COLUMNS.

    width and scale: at which the quantity was measured; None for the one that was varied.
    """
    step = 2 if g.init == "antisymmetric" else 1  # antisymmetric neurons come in pairs
    widest = min(g.width, WIDTH) // step * step
    share = g.rate / g.scale**2  # the promised rate at scale s is share * s^2
    # The least width at the promised scale.
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
    # The least scale at the width `widest`, as a power of FINENESS.
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
    # The rate at the promised scale.
    measured = trial.rate(widest, g.scale)
    yield {
        "quantity": "rate",
        "required": g.rate,
        "sufficient": measured or None,  # 0: a network did not reach TARGET, so no rate was measured
        "slack": measured / g.rate if measured else None,
        "bracket": "measured" if measured else "none",
        "width": widest,
        "scale": g.scale,
    }


def necessary(problem: Problem, g: Guarantee, quantity: str) -> float:
    """What no proof can go below: a width and a scale; for the rate what it cannot exceed at the scale of g."""
    if quantity == "width":
        return necessary_width(problem, g.delta, init=g.init)
    if quantity == "scale":
        return necessary_scale(problem, init=g.init)
    return possible_rate(problem, g.scale)


def guarantees(problem: Problem, delta: float, init: str) -> dict[str, Guarantee]:
    """Method -> its guarantee, for the methods of METHODS that apply to the problem."""
    found = {}
    for method in METHODS:
        with contextlib.suppress(AssumptionError):
            found[method] = guarantee(problem, delta, method=method, init=init)
    return found


def slack_rows(
    *,
    trials: int = 3,
    seed: int = 0,
    delta: float = 0.05,
    activations: Sequence[str] = ACTIVATIONS,
    executor: Executor = None,
    directory: str | Path | None = None,
    retry: bool = False,
    progress: CellProgress | None = None,
) -> Iterator[tuple[int, list[Row]]]:
    """For each activation and initialisation, on the reference problem: its number, and one row with keys COLUMNS for
    each method and quantity, as soon as they are known.

    trials: number of networks for each width and scale tried. seed: seed of the first of them. delta: failure
    probability of the guarantees. executor, directory, retry, progress: as in `run_cells`. If one raises an error, its
    only row has it as its `detail`. Raises ArgumentError for trials < 1 or a negative seed, and what `run_cells`
    raises.
    """
    require(trials >= 1, "trials", "a positive integer", trials)
    require(seed >= 0, "seed", "a non-negative integer", seed)
    common = {"trials": trials, "seed": seed, "delta": delta}
    pairs = itertools.product(activations, INITS)
    cells = tuple(Cell({"activation": activation, "init": init, **common}) for activation, init in pairs)
    plan = Plan("slack", cells, KINDS, {"activation": tuple(activations), "init": INITS, **common})
    # Other processes cannot tell how far they are inside a cell.
    work = partial(cell_rows, inside=progress.inside) if progress is not None and executor is None else cell_rows
    run = run_cells(plan, work, executor=executor, directory=directory, retry=retry, progress=progress)
    for found in run:
        if found.error:
            found.rows[0]["detail"] = found.error
        yield found.index, [{name: row[name] for name in COLUMNS} for row in found.rows]


def cell_rows(cell: Cell, inside: Callable[[float, str], None] | None = None) -> Iterator[Row]:
    """The rows of one activation and one initialisation.

    inside: as CellProgress.inside, called before each network.
    """
    activation, init, trials, delta = (cell.definition[name] for name in ("activation", "init", "trials", "delta"))
    problem = Problem(*load_builtin("reference"), activation=activation, name="reference")
    asked = guarantees(problem, delta, init)
    slowest = min(g.rate / g.scale**2 for g in asked.values())
    done = 0

    def tell(tried: str) -> None:
        if inside is not None:
            # Each method has three quantities.
            inside(done / (3 * len(asked)), f"{activation}, {init}, {method}, {tried}")

    trial = Trial(problem, init, trials, cell.seed, slowest, tell)
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
            "seed": cell.seed,
            **versions(),
            "dtype": DTYPE,
            "device": DEVICE,
        }
        for found in quantities(trial, g):
            done += 1
            yield {**common, **found, "necessary": necessary(problem, g, found["quantity"])}
