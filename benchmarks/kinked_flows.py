"""Flows of ReLU networks: the default integrator beside `exponential`, which knows no events, and the Dormand-Prince
pair, at measured accuracy. CPU seconds count, of one thread.

The reference is the exact flow, event by event (tests/simulate/filippov.py), where it can be had; else our own flow
at a tolerance 100 times smaller.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.integrate import solve_ivp

import bounds
import simulate
from benchmarks.peers import ATOL, Field, OutOfTime, dopri5, missing
from bounds.data.datasets import load_builtin
from simulate.network import Network, sample_network
from tests.simulate.filippov import follow

Row = dict[str, object]


@dataclass(frozen=True)
class Case:
    """A flow, its save points, and the error of the loss that is asked for.

    accuracy: relative to the loss at each save point; exact: whether the reference is the exact flow.
    """

    name: str
    problem: bounds.Problem
    network: Network
    times: np.ndarray
    accuracy: float
    exact: bool

    def ours(self, **options: Any) -> simulate.Trajectory:
        """A flow of ours to the last save point."""
        return simulate.gradient_flow(
            self.problem, network=self.network, t_max=self.times[-1], save_at=self.times, loss_ratio=0.0, **options
        )

    def reference(self) -> np.ndarray:
        """The losses at the save points."""
        if self.exact:
            p, network = self.problem, self.network
            return follow(p.gram, p.y, network.H, network.signs, p.activation.name, self.times).loss
        return self.ours(rtol=1e-5).loss


def gaussian(n: int, d: int, m: int, t_max: float, accuracy: float, *, exact: bool) -> Case:
    """Gaussian data with uniform labels, scale 1, ten save points."""
    rng = np.random.default_rng(0)
    problem = bounds.Problem(rng.standard_normal((n, d)), rng.uniform(-1, 1, n), activation="relu")
    network = sample_network(problem, width=m, scale=1.0, seed=0)
    name = f"flow, Gaussian data, n={n} d={d} m={m} ReLU, t={t_max:g}"
    return Case(name, problem, network, np.geomspace(t_max / 300, t_max, 10), accuracy, exact)


def fitted(n: int = 100, m: int = 1024, D: int = 8192, ratio: float = 1e-6) -> Case:
    """Experiment 3, small, on a drawn ReLU embedding until the loss is `ratio` of its start."""
    X, y = load_builtin("experiment-3", n=n)
    whole = bounds.Problem(X, y, activation="relu", embedding=bounds.RandomFeatures(depth=1, activation="relu"))
    problem = whole.draw(dim=D, seed=0)
    network = sample_network(problem, width=m, scale=1.0, seed=0)
    run = simulate.gradient_flow(problem, network=network, t_max=1e5, loss_ratio=ratio, save_at=[1e5])
    t_max = float(run.time[-1])
    name = f"flow, Experiment 3, n={n} m={m} D={D} ReLU, t={t_max:.4g}"
    return Case(name, problem, network, np.geomspace(t_max / 300, t_max, 10), 1e-4, exact=False)


def cases() -> Iterator[Case]:
    """The three flows that are timed."""
    yield gaussian(15, 30, 801, 30.0, 1e-4, exact=True)
    yield gaussian(40, 80, 4096, 100.0, 1e-3, exact=False)
    yield fitted()


def dormand_prince(field: Field, h0: torch.Tensor, times: np.ndarray, rtol: float) -> np.ndarray:
    """The same pair as dopri5, of scipy, which is always installed."""
    span, start = (0.0, float(times[-1])), h0.numpy().ravel()
    found = solve_ivp(field.flat, span, start, method="RK45", t_eval=times, rtol=rtol, atol=ATOL * rtol)
    return field.losses(found.y.T)


def rows(
    limit: float = 120.0, rtols: Sequence[float] = (0.1, 0.03, 0.01, 0.003), theirs: Sequence[float] = (1e-3, 1e-5)
) -> Iterator[Row]:
    """For each case: our default; `exponential` at each of the tolerances that it ends in `limit` seconds; the
    Dormand-Prince pair at each of `theirs`, whose ratio is a lower bound where it is not done by then.

    ratio: CPU seconds over those of the default, at the measured errors that the row tells.
    """
    for case in cases():
        reference = case.reference()

        def row(name: str, losses: np.ndarray, seconds: float, case: Case = case, exact: Any = reference) -> Row:
            apart = abs(losses / exact - 1)
            found: Row = {"case": f"{case.name}: {name}", "accuracy": case.accuracy, "true_error": float(apart.max())}
            return {**found, "cpu_seconds": seconds}

        case.ours()  # compiled, and in the caches
        case.ours(integrator="exponential", rtol=0.1, max_steps=2)
        start = time.process_time()
        run = case.ours()
        own = time.process_time() - start
        reported = float(np.max(run.error / run.loss))
        told = {"reported_error": reported, "steps": run.stats.steps, "ours_evaluations": run.stats.evaluations}
        yield {**row(f"default ({run.integrator})", run.loss, own), **told, "apart": int(np.max(run.other_side))}
        for rtol in rtols:
            name, start = f"exponential, rtol {rtol:g}", time.process_time()

            def stop(reached: float, *_: float, start: float = start, case: Case = case) -> None:
                if time.process_time() - start > limit:
                    raise TimeoutError(f"at {reached / case.times[-1]:.1%} of the time")

            try:
                run = case.ours(integrator="exponential", rtol=rtol, progress=stop)
            except TimeoutError as late:
                seconds = time.process_time() - start
                note = f"ratio is a lower bound: {late} after {limit:g} s"
                yield {"case": f"{case.name}: {name}", "cpu_seconds": seconds, "ratio": seconds / own, "note": note}
                break
            seconds = time.process_time() - start
            told = {"steps": run.stats.steps, "ours_evaluations": run.stats.evaluations, "ratio": seconds / own}
            told["reported_error"] = float(np.max(run.error / run.loss))
            yield {**row(name, run.loss, seconds), **told}
        peers = {"scipy RK45 (Dormand-Prince)": dormand_prince}
        if not missing():
            peers["torchdiffeq dopri5"] = dopri5
        for (peer, integrate), rtol in itertools.product(peers.items(), theirs):
            name, field = f"{peer}, rtol {rtol:g}", Field(case.problem, case.network.signs, case.times[-1], limit)
            h0, start = torch.as_tensor(case.network.H).mT.contiguous(), time.process_time()
            try:
                losses = integrate(field, h0, case.times, rtol)
            except OutOfTime as late:
                seconds = time.process_time() - start
                found = {"case": f"{case.name}: {name}", "cpu_seconds": seconds, "ratio": seconds / own}
                note = f"ratio is a lower bound: at {late.args[0]:.1%} of the time after {limit:g} s"
                yield {**found, "peer_evaluations": field.calls, "note": note}
                break
            seconds = time.process_time() - start
            yield {**row(name, losses, seconds), "peer_evaluations": field.calls, "ratio": seconds / own}
