"""Is the error that is reported at kinks an error? Random problems with their exact flows: all of them are compared by
`python -m benchmarks kinks-error`, some by tests/simulate/test_kinks_error.py."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import bounds
import simulate
from simulate.network import sample_network
from tests.simulate.filippov import PIECES, follow

Row = dict[str, Any]
PROBLEMS = 100


def gaussian(
    n: int, d: int, m: int, act: str = "relu", seed: int = 41, scale: float = 1.0
) -> tuple[bounds.Problem, simulate.Network]:
    """Gaussian data in d dimensions, divided by sqrt(d), with m neurons."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    gram = X @ X.T / d
    y = rng.uniform(-0.5, 0.5, n)
    H = rng.standard_normal((m, d)) @ X.T / math.sqrt(d)
    problem = bounds.Problem.from_gram((gram + gram.T) / 2, y, activation=act)
    return problem, simulate.Network(H, scale * rng.choice([-1, 1], m))


def problem_of(seed: int) -> tuple[bounds.Problem, simulate.Network, np.ndarray]:
    """A random problem with its network and save points: n up to 30, m up to 500, any scale, short and long."""
    rng = np.random.default_rng([14, seed])
    n = int(rng.integers(1, 31))
    activation = list(PIECES)[seed % len(PIECES)]
    problem = bounds.Problem(
        rng.standard_normal((n, n + int(rng.integers(1, 30)))),
        rng.uniform(-1, 1, n) * rng.choice([0.3, 1.0, 3.0]),
        activation=activation,
    )
    scale = float(rng.choice([1.0, 3.0, 10.0]))
    init = str(rng.choice(["independent", "antisymmetric"]))
    network = sample_network(problem, width=2 * int(rng.integers(1, 251)), scale=scale, seed=seed, init=init)
    t_max = float(rng.choice([1.0, 10.0, 100.0])) / scale**2
    return problem, network, t_max * np.array([0.01, 0.1, 0.3, 1.0])


def compare(seed: int, **options: Any) -> Row:
    """One problem: true_error and reported_error of the loss, relative to it, at the save point where their ratio is
    largest.

    options: of gradient_flow. events, sliding: of the exact flow, sliding neurons at most; apart: neurons that took
    another side in the coarse run, at most; unique_until: until when the exact flow is known to be the only one.
    """
    problem, network, times = problem_of(seed)
    run = simulate.gradient_flow(problem, network=network, t_max=times[-1], save_at=times, loss_ratio=0.0, **options)
    row: Row = {
        "case": f"seed {seed}, {problem.activation.name}, n={problem.n} m={network.width} scale={network.scale:g}",
        "status": run.status.name,
        "ours_evaluations": run.stats.evaluations,
        "steps": run.stats.steps,
    }
    exact = follow(problem.gram, problem.y, network.H, network.signs, problem.activation.name, times)
    row.update(events=exact.events, sliding=int(exact.sliding.max()), unique_until=exact.unique_until)
    if len(run.time) != len(times):
        return row
    apart, reported = abs(run.loss - exact.loss), run.error
    ratios = np.divide(apart, reported, out=np.where(apart > 0, np.inf, 0.0), where=reported > 0)
    worst = int(np.argmax(ratios))
    size = max(float(exact.loss[worst]), np.finfo(float).tiny)
    row.update(ratio=float(ratios[worst]), true_error=float(apart[worst] / size))
    row.update(reported_error=float(reported[worst] / size))
    return {**row, "apart": 0 if run.other_side is None else int(run.other_side.max())}


def summary(rows: list[Row]) -> Row:
    """Of the problems that were followed to the end: which part is within the reported error, and the largest ratio;
    first without those in which a bifurcation is told, then with them."""
    done = [row for row in rows if "ratio" in row]
    plain = [row for row in done if not row["apart"]]
    found: Row = {"problems": len(rows), "not_done": len(rows) - len(done), "bifurcations": len(done) - len(plain)}
    for name, part in (("", plain), ("_with_bifurcations", done)):
        ratios = np.array([row["ratio"] for row in part])
        if len(ratios):
            found[f"within_1{name}"] = float(np.mean(ratios <= 1))
            found[f"largest{name}"], found[f"median{name}"] = float(ratios.max()), float(np.median(ratios))
    return found
