"""Experiment 3 on a GPU: whole flows, and the vector field beside the matrix products that it consists of.

An evaluation can take no less time than its two products, 4 m n^2 flops, at the rate of one large square product in the
same dtype.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch

import bounds
import simulate
from benchmarks.fitted import problem, seconds
from simulate.device import DTYPES
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.field.stages import Stages
from simulate.network import Network, sample_network, scaling_of

Row = dict[str, object]
N = 800  # data points
WIDTHS = (8192, 131072)


def matrix_product_rate(dtype: str, size: int = 8192) -> float:
    """The flops per second of a square matrix product on the GPU."""
    a, b = (torch.randn(size, size, dtype=getattr(torch, dtype), device="cuda") for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b, 7, "cuda")


def evaluation_row(data: bounds.Problem, network: Network, dtype: str, peak: float) -> Row:
    """One evaluation of the vector field inside a step: displacement, activation, and both sums over neurons.

    peak: the result of matrix_product_rate for this dtype.
    """
    m = network.width
    arrays = Arrays(dtype, "cuda")
    flow = Flow(data, network.signs[None], scaling_of("ours", m), arrays)
    h = arrays.put(np.ascontiguousarray(network.H.T)[None])
    stages = Stages(flow, h, None)
    weights = np.full((1, data.n), 1e-6)

    def evaluate() -> None:
        stages.evaluate([weights], last=True)

    evaluate()
    took = seconds(evaluate, 9, "cuda")
    return {
        "case": f"evaluation, Experiment 3, n={data.n} m={m} {dtype}",
        "ours_ms": 1e3 * took,
        "matmul_tflops": peak / 1e12,
        "share_of_matmul_peak": 4 * m * data.n**2 / took / peak,
        "card": torch.cuda.get_device_name(),
    }


def flow_row(data: bounds.Problem, network: Network, dtype: str, device: str, t_max: float) -> tuple[Row, np.ndarray]:
    """The row of a whole flow to t_max at rtol 1e-2, and its losses at the start and ten further times, (11,)."""
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
        state = data.n * network.width * np.dtype(dtype).itemsize
        row["copies"] = torch.cuda.max_memory_allocated() / state
    return row, run.loss


def rows(t_max: float = 0.2) -> Iterator[Row]:
    """Evaluations and flows at both widths in both dtypes; at the smaller width a flow on the CPU too."""
    data = problem(N)
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
