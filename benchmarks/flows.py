"""Whole flows at equal measured accuracy: linrate, the integrators of benchmarks/peers.py, and autograd descent.

Each contender runs at the loosest tolerance of a list, found by bisection, with which its loss has a relative error of
at most 1e-3 at all 20 save points. Then the two sides are timed in turn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

import bounds
import simulate
from benchmarks.descent_step import contenders
from benchmarks.peers import PEERS, Failed, Field, OutOfTime, Peer
from benchmarks.timing import duel
from bounds.data.datasets import load_builtin
from simulate.network import Network, sample_network

ACCURACY = 1e-3  # relative error of the loss that is allowed at every save point
# The tolerances tried are 10^-k. Those of the peers must be tight, for the loss falls to 1e-19 of its initial value.
OURS = (1, 1.5, 2, 2.5, 3, 3.5, 4)
THEIRS = (4, 6, 8, 9, 9.5, 10, 10.5, 11, 11.5, 12)
Row = dict[str, object]


@dataclass(frozen=True)
class Case:
    """One flow with its 20 save points."""

    name: str
    problem: bounds.Problem
    network: Network
    times: np.ndarray

    def ours(self, rtol: float) -> simulate.Trajectory:
        """A run with the default integrator of linrate."""
        return simulate.gradient_flow(
            self.problem, network=self.network, t_max=self.times[-1], loss_ratio=0, rtol=rtol, save_at=self.times
        )

    def peer(self, peer: Peer, rtol: float, seconds: float) -> tuple[np.ndarray, int]:
        """The losses at the save points, (20,), and the number of evaluations of the vector field.

        Raises OutOfTime after `seconds`.
        """
        field = Field(self.problem, self.network.signs, float(self.times[-1]), seconds)
        with torch.no_grad():
            losses = peer(field, torch.as_tensor(self.network.H).mT.contiguous(), self.times, rtol)
        return losses, field.calls


def experiment_1(n: int = 40, m: int = 8192, t_max: float = 2000.0) -> Case:
    """Experiment 1: tanh, d = 20, c hat = 1."""
    problem = bounds.Problem(*load_builtin("experiment-1", n=n))
    network = sample_network(problem, width=m, scale=1.0, seed=0)
    return Case(f"flow, Experiment 1, n={n} m={m} tanh, t={t_max:g}", problem, network, np.geomspace(1, t_max, 20))


def experiment_3(n: int = 600, m: int = 8192, D: int = 8192, t_max: float = 2.0) -> Case:
    """Experiment 3: ReLU on a drawn ReLU embedding."""
    X, y = load_builtin("experiment-3", n=n)
    problem = bounds.Problem(X, y, activation="relu", embedding=bounds.RandomFeatures(depth=1, activation="relu"))
    drawn = problem.draw(dim=D, seed=0)
    network = sample_network(drawn, width=m, scale=1.0, seed=0)
    return Case(f"flow, Experiment 3, n={n} m=D={m} ReLU, t={t_max:g}", drawn, network, np.linspace(0, t_max, 21)[1:])


def error(losses: np.ndarray, reference: np.ndarray) -> float:
    """The largest relative error of the loss over the save points."""
    return float(np.max(np.abs(losses / reference - 1)))


def loosest(
    losses: Callable[[float], np.ndarray], reference: np.ndarray, exponents: Sequence[float] = OURS
) -> float | None:
    """The loosest tolerance 10^-k that is accurate to ACCURACY, by bisection; None if none is.

    losses: tolerance -> losses at the save points. exponents: the values of k, from the loosest. Raises OutOfTime if a
    tolerance took too long and no looser one is accurate.
    """
    low, high = 0, len(exponents)
    late = None  # the timeout of the loosest tolerance known to be accurate enough, if it took too long
    while low < high:
        middle = (low + high) // 2
        try:
            accurate = error(losses(10.0 ** -exponents[middle]), reference) <= ACCURACY
        except OutOfTime as there:
            # Taken to be accurate, so that the looser and faster ones are tried.
            accurate, late = True, OutOfTime(f"at rtol 1e-{exponents[middle]:g} the peer was at {there.args[0]:.1%}")
        else:
            late = None if accurate else late
        if accurate:
            high = middle
        else:
            low = middle + 1
    if late is not None:
        raise late
    return 10.0 ** -exponents[low] if low < len(exponents) else None


def reference_of(case: Case) -> np.ndarray:
    """Our losses at a tolerance at which the reported error is at most a tenth of ACCURACY."""
    for rtol in (1e-5, 1e-6, 1e-7, 1e-8):
        run = case.ours(rtol)
        if float(np.max(run.error / run.loss)) <= ACCURACY / 10:
            return run.loss
    raise AssertionError(f"{case.name}: no reference to {ACCURACY / 10:g}")


def rows(case: Case, targets: dict[str, float], *, rounds: int = 5, limit: float = 80.0) -> Iterator[Row]:
    """One row for each peer. For a peer that needs more than `limit` seconds the ratio is a lower bound.

    targets: peer -> how many times faster linrate should be.
    """
    reference = reference_of(case)
    mine = loosest(lambda rtol: case.ours(rtol).loss, reference)
    if mine is None:
        raise AssertionError(f"{case.name}: our own flow does not reach {ACCURACY:g}")
    run = case.ours(mine)
    for name, peer in PEERS.items():
        row: Row = {"case": f"{case.name}: {name}", "target": targets[name], "ours_rtol": mine}
        row.update(ours_evaluations=run.stats.evaluations, ours_error=error(run.loss, reference))
        try:
            tolerance = loosest(lambda rtol, p=peer: case.peer(p, rtol, limit)[0], reference, THEIRS)  # type: ignore[misc]
        except OutOfTime as late:
            own = duel(lambda: case.ours(mine), lambda: None, rounds=rounds, calls=(1, 1))
            row.update(ours_ms=1e3 * own.ours, ours_cpu_ms=1e3 * own.ours_cpu)
            row.update(peer_ms=1e3 * limit, ratio=limit / own.ours)
            row["note"] = f"ratio is a lower bound: {late.args[0]} after {limit:g} s; looser ones are not accurate"
            yield row
            continue
        except Failed as failure:
            yield {**row, "note": f"the peer gives up: {failure.args[0]}"}
            continue
        if tolerance is None:
            row["note"] = f"the peer is not accurate to {ACCURACY:g} at any tolerance"
            yield row
            continue
        losses, evaluations = case.peer(peer, tolerance, limit)
        row.update(peer_rtol=tolerance, peer_evaluations=evaluations, peer_error=error(losses, reference))
        row.update(
            measured(lambda: case.ours(mine), lambda p=peer, t=tolerance: case.peer(p, t, math.inf), rounds=rounds)  # type: ignore[misc]
        )
        yield row


def descent_row(case: Case, target: float, *, steps: int = 50_000, timed: int = 200, rounds: int = 5) -> Row:
    """Our whole flow, and `steps` steps of autograd descent, of which `timed` are run; their time is scaled up."""
    reference = reference_of(case)
    mine = loosest(lambda rtol: case.ours(rtol).loss, reference)
    assert mine is not None
    n, m = case.problem.n, case.network.width
    _, autograd = contenders(n, m, case.problem.X, case.problem.activation.name)

    def some_steps() -> None:
        for _ in range(timed):
            autograd()

    found = measured(lambda: case.ours(mine), some_steps, rounds=rounds, times=steps / timed)
    return {"case": f"{case.name}: {steps} steps of autograd descent ({timed} timed)", "target": target, **found}


def measured(ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, times: float = 1.0) -> Row:
    """The timings of both sides, which take turns; the peer's time is multiplied by `times`."""
    return duel(ours, theirs, rounds=rounds, calls=(1, 1)).row(times)
