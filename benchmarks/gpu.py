"""Experiment 3 on a GPU: how near the vector field comes to the card's own matrix products, and whole flows, also
against autograd descent and torchdiffeq on the same card.

The floor of an evaluation is its two products, 4 m n^2 flops, at the rate of one large square product in that dtype.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

import bounds
import simulate
from benchmarks.descent_step import contenders, relu_features
from benchmarks.peers import Field, OutOfTime, dopri5
from bounds.datasets import load_builtin
from simulate.arrays import Arrays
from simulate.flow import Flow, Stages
from simulate.network import Network, sample_network, scaling_of
from simulate.setup import DTYPES

Row = dict[str, object]
N, D = 800, 8192
WIDTHS = (8192, 131072)


def seconds(work: Callable[[], object], rounds: int) -> float:
    """Median of so many calls, each waited for."""
    found = []
    for _ in range(rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def matrix_product_rate(dtype: str, size: int = 8192) -> float:
    """Flops per second of a square product on the card."""
    a, b = (torch.randn(size, size, dtype=DTYPES[dtype], device="cuda") for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b, 7)


def problem(n: int = N) -> bounds.Problem:
    """Experiment 3 with a drawn ReLU embedding."""
    X, y = load_builtin("experiment-3", n=n)
    whole = bounds.Problem(X, y, activation="relu", embedding=bounds.RandomFeatures(depth=1, activation="relu"))
    return whole.draw(dim=D, seed=0)


def evaluation_row(data: bounds.Problem, network: Network, dtype: str, peak: float) -> Row:
    """One evaluation of the vector field away from the start of a step: displacement, activation, both sums."""
    m = network.width
    arrays = Arrays(DTYPES[dtype], torch.device("cuda"))
    flow = Flow(data, network.signs[None], scaling_of("ours", m), arrays)
    h = arrays.put(np.ascontiguousarray(network.H.T)[None])
    stages = Stages(flow, h, None)
    weights = np.full((1, data.n), 1e-6)

    def evaluate() -> None:
        stages.evaluate([weights], last=True)

    evaluate()
    took = seconds(evaluate, 9)
    return {
        "case": f"evaluation, Experiment 3, n={data.n} m={m} {dtype}",
        "ours_ms": 1e3 * took,
        "matmul_tflops": peak / 1e12,
        "share_of_matmul_peak": 4 * m * data.n**2 / took / peak,
        "card": torch.cuda.get_device_name(),
    }


def flow_row(data: bounds.Problem, network: Network, dtype: str, device: str, t_max: float) -> tuple[Row, np.ndarray]:
    """A whole flow to t_max at rtol 1e-2, and its losses at ten times."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    run = simulate.gradient_flow(
        data,
        network=network,
        t_max=t_max,
        loss_ratio=0,
        rtol=1e-2,
        dtype=dtype,
        device=device,
        save_at=np.linspace(0, t_max, 11)[1:],
    )
    row: Row = {
        "case": f"flow, Experiment 3, n={data.n} m={network.width} {dtype} on {device}, t={t_max:g}",
        "ours_ms": 1e3 * (time.perf_counter() - start),
        "ours_evaluations": run.stats.evaluations,
        "loss": float(run.loss[-1]),
        "reported_error": float(run.error[-1]),
        "status": run.status.name,
    }
    if device == "cuda":
        state = data.n * network.width * DTYPES[dtype].itemsize
        row["copies"] = torch.cuda.max_memory_allocated() / state
    return row, run.loss


def rows(t_max: float = 0.2) -> Iterator[Row]:
    """Both widths in both dtypes; the narrow flow on the CPU too."""
    data = problem()
    peaks = {dtype: matrix_product_rate(dtype) for dtype in DTYPES}
    for m in WIDTHS:
        network = sample_network(data, width=m, scale=1.0, seed=0)
        losses = {}
        for dtype, peak in peaks.items():
            yield evaluation_row(data, network, dtype, peak)
            row, losses[dtype] = flow_row(data, network, dtype, "cuda", t_max)
            if dtype != "float64":
                row["apart_from_float64"] = float(np.max(np.abs(losses[dtype] / losses["float64"] - 1)))
            yield row
        if m == WIDTHS[0]:
            row, losses["cpu"] = flow_row(data, network, "float64", "cpu", t_max)
            row["apart_from_float64"] = float(np.max(np.abs(losses["cpu"] / losses["float64"] - 1)))
            yield row


def fitted_rows(n: int = 600, m: int = 8192, ratio: float = 1e-6, limit: float = 150.0) -> Iterator[Row]:
    """Loss to `ratio` of the initial: our flow, and what the peers need for as much on the card; `limit` seconds each.

    Autograd descent takes the largest stable step, 2/lambda_max(H); how many it needs our own descent tells, and the
    time of one is measured.
    """
    data = problem(n)
    network = sample_network(data, width=m, scale=1.0, seed=0)
    name = f"Experiment 3, n={n} m=D={m} ReLU float64, loss to {ratio:g}"
    options: dict[str, Any] = {"network": network, "loss_ratio": ratio, "device": "cuda"}
    ours = ended = None
    for rtol in (0.1, 0.01):
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
    _, autograd = contenders(n, m, relu_features(n, m), "relu", device="cuda")
    autograd()
    theirs = descent.stats.steps * seconds(autograd, 9)
    yield {"case": f"autograd descent, {name}", "peer_ms": 1e3 * theirs, "ratio": theirs / ours, "target": 200.0}
    start = time.perf_counter()
    field = Field(data, network.signs, ended, limit, "cuda")
    row = {"case": f"torchdiffeq dopri5 to t={ended:g}, {name}, rtol 1e-3", "target": 10.0}
    try:
        losses = dopri5(field, torch.tensor(np.ascontiguousarray(network.H.T), device="cuda"), np.array([ended]), 1e-3)
        row.update(loss=float(losses[0]))
    except OutOfTime as late:
        row["note"] = f"ratio is a lower bound: at {late.args[0]:.1%} of the time after {limit:g} s"
    took = time.perf_counter() - start
    yield {**row, "peer_ms": 1e3 * took, "peer_evaluations": field.calls, "ratio": took / ours}


def stop(limit: float) -> Callable[[float, float, int, float], None]:
    """A progress callback that ends a run after so many seconds, telling how far it came."""
    start = time.perf_counter()

    def progress(reached: float, loss: float, step: int, tau: float) -> None:
        if time.perf_counter() - start > limit:
            raise TimeoutError(f"at time {reached:g} after {step} steps, loss {loss:g}, next step {tau:g}")

    return progress
