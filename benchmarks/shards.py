"""One wide network on one and on two processes of one thread each, in turn: time, memory and what travels.

    python -m benchmarks shards

Where other users load the machine, seconds of processor time say more than those of the clock: what sharing costs is
what the two processes use up together beyond what one does. Some of that is the machine's: cores share their memory,
and perhaps more. So two processes that know nothing of each other, each with a network of half the width, run at the
same time, too: no way of sharing can be more efficient than these.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import simulate
from benchmarks.growth import Row
from bounds import Problem
from bounds.data.datasets import load_builtin
from simulate import processes

STEPS = 4  # of the flow that is timed; a first run of one step is taken off, and with it the draw and the start
SIZES = ((20, 1_000_000), (100, 100_000))  # (n, m)


def measure(n: int, m: int) -> dict[str, float]:
    """What this process needs for one evaluation of the flow, and for the draw."""
    problem = Problem(*load_builtin("experiment-1", n=n))

    def run(steps: int, width: int) -> dict[str, float]:
        others = processes.together()
        before = (others.received, others.exchanges) if others else (0, 0)
        wall, cpu = time.perf_counter(), time.process_time()
        flow = simulate.gradient_flow(
            problem, width=width, t_max=20.0, loss_ratio=0, rtol=1e-4, save_at=[20.0], max_steps=steps
        )
        found = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        found |= {"evaluations": flow.stats.evaluations, "steps": flow.stats.steps}
        if others:
            found |= {"received": others.received - before[0], "exchanges": others.exchanges - before[1]}
        return found

    run(1, 2**15)  # load code
    first, all_of_them = run(1, m), run(STEPS, m)
    rest = {name: all_of_them[name] - first[name] for name in all_of_them}
    return {
        "cpu_ms": 1e3 * rest["cpu"] / rest["evaluations"],
        "wall_ms": 1e3 * rest["wall"] / rest["evaluations"],
        "start_cpu_s": first["cpu"] - rest["cpu"] / rest["evaluations"] * first["evaluations"],
        "bytes_a_step": rest.get("received", 0) / rest["steps"],
        "exchanges_a_step": rest.get("exchanges", 0) / rest["steps"],
        "peak_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def on_processes(size: int, n: int, m: int, how: str = "shared") -> list[dict[str, float]]:
    """`measure` in each of so many processes that share the network, or, "apart", have one of their own each."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    world = {"WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1"}
    world |= {"MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.shards", str(n), str(m), how]
    started = [
        subprocess.Popen(command, env={**os.environ, **world, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True)
        for rank in range(size)
    ]
    told = [process.communicate()[0] for process in started]
    assert all(process.returncode == 0 for process in started)
    return [json.loads(text) for text in told]


def rows(rounds: int = 3) -> Iterator[Row]:
    """Three rows for each size: one process, two halves apart, two that share, with their efficiency; medians over the
    rounds."""
    for n, m in SIZES:
        found_in = [
            (on_processes(1, n, m), on_processes(2, n, m // 2, "apart"), on_processes(2, n, m)) for _ in range(rounds)
        ]
        for side, name in enumerate(("on 1 process", "as two halves apart, at once", "shared by 2 processes")):
            found = [of_round[side] for of_round in found_in]

            def middle(name: str, found: list[list[dict[str, float]]] = found) -> float:
                return statistics.median(max(process[name] for process in run) for run in found)

            row: Row = {"case": f"m={m} n={n} {name}"}
            row |= {name: middle(name) for name in found[0][0]}
            if side > 0:
                alone = [of_round[0][0] for of_round in found_in]
                row["efficiency_cpu"] = statistics.median(
                    one["cpu_ms"] / sum(process["cpu_ms"] for process in two)
                    for one, two in zip(alone, found, strict=True)
                )
                row["efficiency_wall"] = statistics.median(
                    one["wall_ms"] / (2 * max(process["wall_ms"] for process in two))
                    for one, two in zip(alone, found, strict=True)
                )
            if side == 2:
                row["target"] = 0.9
            yield row


if __name__ == "__main__":
    size, how = (int(sys.argv[1]), int(sys.argv[2])), sys.argv[3]
    with processes.shared():  # those that stay apart meet as well, so that they begin together
        told = measure(*size) if how == "shared" else None
    print(json.dumps(told or measure(*size)))
