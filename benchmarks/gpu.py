"""Experiment 3 on a GPU: whole flows, and the vector field beside the matrix products that it consists of.

An evaluation can take no less time than its two products, 4 m n^2 flops, at the rate of one large square product in the
same dtype; nor can a flow take less than all of its evaluations. What else is in a step are the eigenvectors of the
kernel (three times) and the closed form of the residual (ten times), timed on both devices.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import torch

import bounds
import simulate
from benchmarks.fitted import problem, seconds
from simulate.device import DTYPES
from simulate.field.arrays import Arrays
from simulate.field.flow import Flow
from simulate.field.stages import Stages
from simulate.integrators.exponential.method import ResidualModel
from simulate.integrators.state import State
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


def small_parts_row(data: bounds.Problem, network: Network, arrays: Arrays, name: str) -> Row:
    """The eigenvectors of a kernel (ms), and the closed form of the residual along one step (other_ms)."""
    flow = Flow(data, network.signs[None], scaling_of("ours", network.width), arrays)
    h = arrays.put(np.ascontiguousarray(network.H.T)[None])
    evaluation = flow.evaluate(h)
    state = State.of(flow, h, evaluation, None)
    model, tau = ResidualModel(flow, state), 1 / state.eigenvalues[:, -1]
    device = arrays.device.partition(":")[0]
    return {
        "case": f"eigenvectors (ours) and closed form (other), n={data.n} on {name}",
        "ours_ms": 1e3 * seconds(lambda: State.of(flow, h, evaluation, None), 5, device),
        "other_ms": 1e3 * seconds(lambda: model.path(tau, evaluation.slope_gram, tau / 2), 9, device),
    }


@contextmanager
def counted_copies() -> Iterator[list[int]]:
    """While this lasts, the list grows by the size of each array that is brought from a GPU."""
    sizes: list[int] = []

    def fetch(arrays: Arrays, array: Any, fetch: Any = Arrays.fetch) -> np.ndarray:
        if isinstance(array, torch.Tensor):
            sizes.append(array.numel())
        found: np.ndarray = fetch(arrays, array)
        return found

    with mock.patch.object(Arrays, "fetch", fetch):
        yield sizes


def flow_row(
    data: bounds.Problem, network: Network, dtype: str, device: str, t_max: float, peak: float = np.nan
) -> tuple[Row, np.ndarray]:
    """The row of a whole flow to t_max at rtol 1e-2, and its losses at the start and ten further times, (11,).

    peak: the result of matrix_product_rate for this dtype."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    with counted_copies() as sizes:
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
            integrator="exponential",
        )
        took = time.perf_counter() - start
    steps = run.stats.steps + run.stats.rejected
    flops = 4 * network.width * data.n**2 * run.stats.evaluations
    row: Row = {
        "case": f"flow, {data.activation.name}, Experiment 3, n={data.n} m={network.width} {dtype} on {device},"
        f" t={t_max:g}",
        "ours_ms": 1e3 * took,
        "ours_evaluations": run.stats.evaluations,
        "attempts": steps,
        "loss": float(run.loss[-1]),
        "reported_error": float(run.error[-1]),
        "status": run.status.name,
    }
    if device == "cuda":
        state = data.n * network.width * np.dtype(dtype).itemsize
        row["copies"] = torch.cuda.max_memory_allocated() / state
        row["share_of_matmul_peak"] = flops / took / peak
        # The last of them is the network at the end, the first few are the start and the save points.
        row["brought_back"], row["largest_brought_back"] = len(sizes), sorted(sizes)[-2]
    return row, run.loss


def rows(t_max: float = 0.2) -> Iterator[Row]:
    """A smooth flow and its small parts; then, of ReLU, evaluations and flows at both widths in both dtypes, at the
    smaller width a flow on the CPU too."""
    data, smooth = problem(N), problem(N, "tanh")
    peaks = {dtype: matrix_product_rate(dtype) for dtype in DTYPES}
    network = sample_network(smooth, width=WIDTHS[0], scale=1.0, seed=0)
    for name in ("cuda", "cpu"):
        yield small_parts_row(smooth, network, Arrays("float64", name), name)
        yield flow_row(smooth, network, "float64", name, t_max, peaks["float64"])[0]
    for m in WIDTHS:
        network = sample_network(data, width=m, scale=1.0, seed=0)
        losses = {}
        for dtype, peak in peaks.items():
            yield evaluation_row(data, network, dtype, peak)
            row, losses[dtype] = flow_row(data, network, dtype, "cuda", t_max, peak)
            if dtype != "float64":
                row["apart_from_float64"] = float(np.max(np.abs(losses[dtype] / losses["float64"] - 1)))
            yield row
        if m == WIDTHS[0]:
            row, losses["cpu"] = flow_row(data, network, "float64", "cpu", t_max)
            row["apart_from_float64"] = float(np.max(np.abs(losses["cpu"] / losses["float64"] - 1)))
            yield row
