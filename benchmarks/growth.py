"""How the time of a flow grows with the width and with the number of data points, and how long a small flow takes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import numpy as np

import bounds
import simulate
from bounds.data.datasets import load_builtin

Row = dict[str, object]


def seconds(n: int, m: int, *, d: int, t_max: float, rounds: int) -> float:
    """Median seconds of the first eight steps of a flow of Experiment 1, over `rounds` runs."""
    problem = bounds.Problem(*load_builtin("experiment-1", n=n, d=d))
    network = simulate.sample_network(problem, width=m, scale=1.0, seed=0)
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        simulate.gradient_flow(
            problem, network=network, t_max=t_max, loss_ratio=0, rtol=1e-3, save_at=[t_max], max_steps=8
        )
        found.append(time.perf_counter() - start)
    return statistics.median(found)


def exponent(sizes: Sequence[int], times: Sequence[float]) -> float:
    """The slope of log time against log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def rows(rounds: int = 3) -> list[Row]:
    """The fitted exponents with their targets, and the time of the small flow."""
    widths = (1_000, 10_000, 100_000, 1_000_000)
    counts = (25, 50, 100, 200, 400, 800)
    by_width = [seconds(20, m, d=20, t_max=20.0, rounds=rounds) for m in widths]
    by_count = [seconds(n, 4096, d=800, t_max=5.0, rounds=rounds) for n in counts]
    return [
        {
            "case": f"growth with m, {widths[0]} to {widths[-1]} at n=20",
            "exponent": exponent(widths, by_width),
            "target": 1.05,
        },
        {
            "case": f"growth with n, {counts[0]} to {counts[-1]} at m=4096",
            "exponent": exponent(counts, by_count),
            "target": 2.2,
        },
        small_row(),
    ]


def small_row(rounds: int = 51) -> Row:
    """One whole flow of the size of those that property tests run in large numbers: n=5, m=64, loss to 1e-8."""
    problem = bounds.Problem(*load_builtin("reference", n=5))
    found = []
    for seed in range(rounds):
        start = time.perf_counter()
        run = simulate.gradient_flow(problem, width=64, scale=10.0, seed=seed, t_max=1e3)
        found.append(time.perf_counter() - start)
        assert run.status is simulate.Status.LOSS_REACHED
    return {
        "case": "one whole flow, n=5 m=64, loss to 1e-8 (target: under 15 ms)",
        "ours_ms": 1e3 * statistics.median(found),
    }
