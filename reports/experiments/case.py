"""A case: one run of an experiment as plain data, how it is run, and what is kept of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from bounds import Certificate, Problem, certify
from bounds.data.datasets import load_builtin, load_test
from bounds.data.embeddings import get_embedding
from bounds.errors import LinrateError
from simulate import Trajectory, gradient_descent, gradient_flow
from simulate.network import in_papers_scaling

FIRST_SAVE = 1e-5  # the first time to record after the start, as a part of t_max
LARGEST_CERTIFIED = 2**23  # entries of H at the end of a run that are given to `certify`
CLOCK_ROUNDING = 8 * np.finfo(float).eps  # relative, at most, of the clock of another scaling times a rate
REPEATS = 1000  # seeds of data sets of one size begin at a multiple of this
FAILED = "FAILED"  # the status of a run that ended with an error, or was killed


@dataclass(frozen=True)
class Case:
    """Everything that one run depends on.

    experiment, model: its names in tables and legends; data, n, d, data_seed, test: the built-in set and the number of
    test points; activation, embedding: as on the command line; width, scaling, init, scale, seed: the network; method:
    "flow" or "descent"; step, loss, steps: of descent, as in gradient_descent; rtol: of the flow; t_max, loss_ratio:
    where it stops, and until when times are recorded; saves: how many.
    """

    experiment: str
    model: str
    data: str
    n: int
    d: int
    data_seed: int
    test: int
    activation: str
    embedding: str
    width: int
    seed: int
    scaling: str = "ours"
    init: str = "independent"
    scale: float = 1.0
    method: str = "flow"
    step: float | str = "residual"
    loss: str = "sum"
    steps: int = 100_000
    rtol: float = 1e-3
    t_max: float = 50_000.0
    loss_ratio: float = 1e-8
    saves: int = 80

    @property
    def key(self) -> str:
        """A name for this case and no other: 16 hexadecimal digits."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """The case in a few words, for progress and errors."""
        return f"{self.experiment} {self.model} n={self.n} m={self.width} repeat {self.repeat}"

    @property
    def repeat(self) -> int:
        """The number of the repetition, from 0."""
        return self.data_seed % REPEATS

    @property
    def cost(self) -> float:
        """A rough measure of how long it takes, for the time that is left."""
        return float(self.width) * self.n * (self.n + self.test + 20)

    def problem(self) -> Problem:
        """The training set with its activation and embedding, which is drawn."""
        X, y = load_builtin(self.data, n=self.n, d=self.d, seed=self.data_seed)
        return Problem(X, y, activation=self.activation, embedding=get_embedding(self.embedding), name=self.data)


CASE_COLUMNS = tuple(f.name for f in fields(Case))


@dataclass(frozen=True)
class Result:
    """What is kept of a run.

    status: the name of a simulate.Status, or FAILED with the error in `detail`; seconds: of wall clock; time, loss,
    loss_error (T,): as in Trajectory; test_mse, test_wrong (T,): the mean square error and the share of wrong signs on
    the test points, empty without; features (4, m): h_i at the first training point and the first test point before,
    and the same after; measures: see `measures_of`; origin: the versions, dtype and device.
    """

    case: Case
    status: str
    detail: str = ""
    seconds: float = 0.0
    time: np.ndarray = field(default_factory=lambda: np.empty(0))
    loss: np.ndarray = field(default_factory=lambda: np.empty(0))
    loss_error: np.ndarray = field(default_factory=lambda: np.empty(0))
    test_mse: np.ndarray = field(default_factory=lambda: np.empty(0))
    test_wrong: np.ndarray = field(default_factory=lambda: np.empty(0))
    features: np.ndarray = field(default_factory=lambda: np.empty((4, 0)))
    measures: dict[str, float] = field(default_factory=dict)
    origin: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether there is a run to show: it did not fail, and did not diverge."""
        return self.status not in (FAILED, "DIVERGED") and len(self.time) > 1


Progress = Callable[[float, float, int, float], None]


def run_case(case: Case, checkpoint: Path | None, progress: Progress | None) -> Trajectory:
    """Run it; it goes on from the file `checkpoint` if that exists."""
    problem = case.problem()
    options: dict[str, Any] = {
        name: getattr(case, name) for name in ("width", "scaling", "init", "scale", "seed", "loss", "loss_ratio")
    }
    options["save_at"] = np.concatenate([[0.0], np.geomspace(FIRST_SAVE * case.t_max, case.t_max, case.saves)])
    if case.test:
        options["X_test"] = load_test(case.data, k=case.test, d=case.d, seed=case.data_seed)[0]
    options["progress"] = progress
    if checkpoint is not None:
        options |= {"checkpoint": checkpoint, "resume": checkpoint.exists()}
    if case.method == "flow":
        return gradient_flow(problem, t_max=case.t_max, rtol=case.rtol, **options)
    return gradient_descent(problem, step=case.step, steps=case.steps, **options)


def result_of(case: Case, run: Trajectory, origin: dict[str, str]) -> Result:
    """What is kept of the run of a case."""
    known = int(np.argmin(np.append(np.isfinite(run.loss), False)))  # the rows before the first that is not finite
    mse = wrong = np.empty(0)
    features = np.empty((4, 0))
    if run.test_output is not None:
        y_test = load_test(case.data, k=case.test, d=case.d, seed=case.data_seed)[1]
        mse = np.mean(np.square(run.test_output - y_test), axis=1)[:known]
        wrong = np.mean(np.sign(run.test_output) != np.sign(y_test), axis=1)[:known]
        ends = (run.initial, run.final)
        features = np.stack([h[:, 0] for net in ends for h in (net.H, net.H_test) if h is not None])
        features = np.nan_to_num(features, posinf=0.0, neginf=0.0)
    return Result(
        case=case,
        status=run.status.name,
        detail=run.detail,
        seconds=run.stats.seconds,
        time=run.time[:known],
        loss=run.loss[:known],
        loss_error=np.nan_to_num(run.error[:known], posinf=1e300),
        test_mse=mse,
        test_wrong=wrong,
        features=features,
        measures=measures_of(run),
        origin={**origin, "dtype": run.dtype, "device": run.device},
    )


def certified_end(run: Trajectory) -> tuple[Certificate, float]:
    """(certificate, rate): what a formula certifies of the flow from the state at the end, and its rate in the time of
    the run. A network in another row of Table 1 is one of the paper's scaling, with other signs and another time."""
    network, clock = in_papers_scaling(run.final, run.scaling)
    found = certify(run.problem, network.H, signs=network.signs)
    # Rounded down, with the clock, unless that is 1. The signs of the other network are what sqrt(m) c rounds to.
    return found, found.rate if clock == 1 else clock * found.rate * (1 - CLOCK_ROUNDING)


def measures_of(run: Trajectory) -> dict[str, float]:
    """Numbers about the whole run, those that are finite.

    steps_taken; dead: the share of neurons whose slope is zero at every data point at the end; moved: the mean of
    |h - h^0| over that of |h^0|; spread_before, spread_after: the root mean square of h; directions_before,
    directions_after: the participation ratio (sum lambda)^2 / sum lambda^2 of the second moments of h over the neurons;
    y_variance; certified_rate: of the certificate that a formula gives for the flow from the state at the end, 0 if it
    gives none.
    """
    before, after = run.initial.H, run.final.H
    found = {"steps_taken": float(run.stats.steps), "y_variance": float(np.var(run.problem.y))}
    if np.isfinite(after).all():
        slope = run.problem.activation.value_and_slope(after)[1]
        found["dead"] = float(np.mean(np.all(slope == 0, axis=1)))
        found["moved"] = float(np.mean(np.abs(after - before)) / max(np.mean(np.abs(before)), 1e-300))
        if after.size <= LARGEST_CERTIFIED:
            with contextlib.suppress(LinrateError):
                found["certified_rate"] = certified_end(run)[1]
        for name, h in (("before", before), ("after", after)):
            values = np.linalg.eigvalsh(h.T @ h / len(h))
            found[f"spread_{name}"] = float(np.sqrt(np.mean(np.square(h))))
            found[f"directions_{name}"] = float(values.sum() ** 2 / max(np.square(values).sum(), 1e-300))
    return {name: value for name, value in found.items() if np.isfinite(value)}
