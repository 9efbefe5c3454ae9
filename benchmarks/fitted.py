"""Experiment 3 until the network fits the data: the loss falls to a millionth, in float64, on a CPU or a GPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

import bounds
import simulate
from benchmarks.descent_step import contenders, relu_features
from benchmarks.peers import PEERS, Failed, Field, OutOfTime, Peer, dopri5, missing
from bounds.data.datasets import load_builtin
from simulate.network import sample_network

Row = dict[str, object]
D = 8192  # width of the random embedding
RATIO = 1e-6  # the loss at the end, as a part of the initial loss


def seconds(work: Callable[[], object], rounds: int, device: str) -> float:
    """The median duration of `rounds` calls of `work`, each of which is finished on the device."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    found = []
    for _ in range(rounds):
        wait()
        start = time.perf_counter()
        work()
        wait()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def problem(n: int, activation: str = "relu") -> bounds.Problem:
    """Experiment 3 with a drawn ReLU embedding."""
    X, y = load_builtin("experiment-3", n=n)
    whole = bounds.Problem(X, y, activation=activation, embedding=bounds.RandomFeatures(depth=1, activation="relu"))
    return whole.draw(dim=D, seed=0)


def rows(
    device: str,
    rtols: Sequence[float] = (0.1, 0.01),
    limit: float = 150.0,
    *,
    peer_limit: float = 150.0,
    n: int = 600,
    m: int = 8192,
) -> Iterator[Row]:
    """The time that linrate's flow takes, and the time that the peers take to the same flow time on the same device.

    rtols: relative tolerances of our flow. limit, peer_limit: seconds after which a run of ours or of a peer is
    given up. n, m: data points and neurons. Autograd descent takes nearly the largest stable step, 2/lambda_max(H). The
    number of its steps is that of our own descent, and the time of one step is measured.
    """
    data = problem(n)
    network = sample_network(data, width=m, scale=1.0, seed=0)
    name = f"Experiment 3, n={n} m=D={m} ReLU float64, loss to {RATIO:g}, {device}"
    options: dict[str, Any] = {"network": network, "loss_ratio": RATIO, "device": device}
    ours = ended = None
    for rtol in rtols:
        row: Row = {"case": f"flow, {name}, rtol {rtol:g}"}
        start = time.perf_counter()
        try:
            run = simulate.gradient_flow(data, t_max=1e5, save_at=[1e5], rtol=rtol, progress=stop(limit), **options)
        except TimeoutError as late:
            yield {**row, "note": f"not done after {limit:g} s: {late}"}
            continue
        took = time.perf_counter() - start
        row.update(ours_ms=1e3 * took, status=run.status.name, ours_evaluations=run.stats.evaluations)
        row.update(steps=run.stats.steps, rejected=run.stats.rejected, time=float(run.time[-1]))
        yield {**row, "loss": float(run.loss[-1]), "reported_error": float(run.error[-1])}
        if ours is None or ended is None:
            ours, ended = took, float(run.time[-1])
    if ours is None or ended is None:
        return
    largest = simulate.gradient_flow(data, t_max=1e-9, save_at=[1e-9], **options).kernel_max_eig[0]
    descent = simulate.gradient_descent(
        data, step=1.9 / float(largest), steps=200_000, save_every=10**9, progress=stop(limit), **options
    )
    yield {
        "case": f"our descent, {name}",
        "ours_ms": 1e3 * descent.stats.seconds,
        "steps": descent.stats.steps,
        "loss": float(descent.loss[-1]),
        "status": descent.status.name,
    }
    _, autograd = contenders(n, m, relu_features(n, m), "relu", device=device)
    autograd()
    theirs = descent.stats.steps * seconds(autograd, 9, device)
    yield {"case": f"autograd descent, {name}", "peer_ms": 1e3 * theirs, "ratio": theirs / ours, "target": 200.0}
    # The other peers integrate vectors in the memory of the CPU only.
    peers: dict[str, Peer] = PEERS if device == "cpu" else {"torchdiffeq dopri5": dopri5}
    if missing():
        yield {"case": f"peers, {name}", "note": f"not installed: {', '.join(missing())}"}
        return
    for peer, integrate in peers.items():
        start = time.perf_counter()
        field = Field(data, network.signs, ended, peer_limit, device)
        row = {"case": f"{peer} to t={ended:g}, {name}, rtol 1e-3", "target": 10.0}
        state = torch.tensor(np.ascontiguousarray(network.H.T), device=device)
        try:
            row["loss"] = float(integrate(field, state, np.array([ended / 2, ended]), 1e-3)[-1])
        except OutOfTime as late:
            row["note"] = f"ratio is a lower bound: at {late.args[0]:.1%} of the time after {peer_limit:g} s"
        except Failed as failure:
            yield {**row, "note": f"it fails after {field.calls} evaluations: {failure.args[0]}"}
            continue
        took = time.perf_counter() - start
        yield {**row, "peer_ms": 1e3 * took, "peer_evaluations": field.calls, "ratio": took / ours}


def stop(limit: float) -> Callable[[float, float, int, float], None]:
    """A progress callback that raises TimeoutError after `limit` seconds; its message says how far the run came."""
    start = time.perf_counter()

    def progress(reached: float, loss: float, step: int, tau: float) -> None:
        if time.perf_counter() - start > limit:
            raise TimeoutError(f"at time {reached:g} after {step} steps, loss {loss:g}, next step {tau:g}")

    return progress
