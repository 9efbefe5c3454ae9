"""linrate doctor: what this machine has, how fast it is, what it can simulate, and the versions for a bug report."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import time as clock
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

import simulate
from bounds.cells.options import usable_cores
from bounds.command_line import HOLDS
from bounds.memory import available_memory, gigabytes
from bounds.progress import announce
from bounds.versions import UNKNOWN, versions
from simulate.memory import Run, largest, needed, threads_of

PATIENCE = 2.0  # seconds that another program may take to say what it is
FLOW_PATIENCE = 6.0  # seconds that the small flow may take; where its loops are not compiled yet it takes longer
LARGE, NEURONS, POINTS = 1024, 4096, 20  # sizes of the matrix products: LARGE squared, and a small Gram matrix
PRODUCT_SECONDS = 0.2  # for each product
SIZES = (10, 100, 1000)  # data points for which the largest width is told
WIDTHS = (10**4, 10**6)  # for which the time of a flow is estimated
FLOW = {"n": 20, "width": 1024, "loss_ratio": 0.1}  # the small flow: Experiment 1
# What is asked of other programs, and of the optional parts.
PROGRAMS = {"C compiler": ("cc", "gcc", "clang"), "Coq": ("coqc",), "git": ("git",)}
PACKAGES = ("scipy", "numba", "python-flint", "pandas", "matplotlib", "PyYAML", "pyarrow", "dask", "distributed")
MORE_PACKAGES = ("submitit", "pytest", "hypothesis")
# Run in a process of its own, which can be ended: the flow twice, for the first one loads the compiled loops.
SMALL_FLOW = """
import json, simulate
from bounds import Problem
from bounds.data.datasets import load_builtin
problem = Problem(*load_builtin("experiment-1", n={n}))
for _ in range(2):
    run = simulate.gradient_flow(problem, width={width}, loss_ratio={loss_ratio})
print(json.dumps([run.stats.seconds, run.stats.evaluations]))
"""


def machine() -> dict[str, Any]:
    """The processor, its cores, the memory, and the system."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "usable cores": usable_cores(),
        "threads": {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()},
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
        "memory available": available_memory(),
        "GPU": _gpus(),
        **{name: _program(*names) for name, names in PROGRAMS.items()},
    }


def packages() -> dict[str, str | None]:
    """The versions for a bug report; None for an optional part that is not installed."""
    found: dict[str, str | None] = dict(versions())
    for name in (*PACKAGES, *MORE_PACKAGES):
        found[name] = None
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def compiled_loops() -> dict[str, Any]:
    """The cache of numba: where it is, how many compiled functions it holds, and whether it can grow."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    folder = Path(chosen) if chosen else Path(simulate.__file__).parent
    count = sum(1 for _ in folder.rglob("*.nbi"))
    return {"folder": str(folder), "functions": count, "writable": os.access(folder, os.W_OK)}


def speed() -> dict[str, float]:
    """10^9 floating-point operations a second in matrix products, large and as small as those of a flow."""
    rng = np.random.default_rng(0)
    square, tall = rng.standard_normal((LARGE, LARGE)), rng.standard_normal((NEURONS, POINTS))
    found = {}
    for name, a, b in (("large", square, square), ("small", tall.T, tall)):
        found[f"{name} product, all threads"] = _rate(a, b)
        with threadpool_limits(1):
            found[f"{name} product, one thread"] = _rate(a, b)
    return found


def _rate(a: np.ndarray, b: np.ndarray) -> float:
    """Of the fastest of several products within PRODUCT_SECONDS."""
    best, until = np.inf, clock.perf_counter() + PRODUCT_SECONDS
    while clock.perf_counter() < until or best == np.inf:
        began = clock.perf_counter()
        a @ b
        best = min(best, clock.perf_counter() - began)
    return float(2e-9 * a.shape[0] * a.shape[1] * b.shape[1] / best)


def reach() -> dict[str, Any]:
    """What can be simulated here: the largest width for n data points, and how long a flow takes.

    The widths are those whose state fits into the memory that is available now, in float64, normally and with
    low_memory. The times are estimates: measured is one small flow, in seconds an evaluation of the right-hand side,
    and the time is proportional to the number of neurons.
    """
    memory = available_memory()
    widths = {}
    if memory is not None:
        widths = {
            str(n): {
                "width": _largest_width(n, memory, low_memory=False),
                "low memory": _largest_width(n, memory, low_memory=True),
            }
            for n in SIZES
        }
    found: dict[str, Any] = {"largest width": widths, "small flow": None, "estimated seconds": None}
    with contextlib.suppress(subprocess.SubprocessError, OSError, ValueError):
        command = [sys.executable, "-c", SMALL_FLOW.format(**FLOW)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=FLOW_PATIENCE, check=True)
        seconds, evaluations = json.loads(done.stdout)
        found["small flow"] = {**FLOW, "seconds": seconds, "evaluations": evaluations}
        found["estimated seconds"] = {str(m): seconds * m / FLOW["width"] for m in WIDTHS}
    return found


def _largest_width(n: int, there: int, *, low_memory: bool) -> int:
    """The largest width with which a flow on n data points needs at most `there` bytes; 0 if there is none."""
    threads = threads_of(there)
    run = Run(n=n, width=max(1, there // n), method="exponential", low_memory=low_memory, threads=threads)
    return largest(run, "width", lambda other: needed(other) <= there) or 0


def report() -> dict[str, Any]:
    """Everything, as values of JSON. Takes some 3 seconds of processor time, most of them to load code."""
    announce("looking for programs, GPUs and memory ...")
    found: dict[str, Any] = {"machine": machine()}
    announce(f"multiplying matrices for {4 * PRODUCT_SECONDS:.2g} s ...")
    found["speed in GFlop/s"] = speed()
    announce(f"following a small flow in a process of its own, for {FLOW_PATIENCE:g} s at most ...")
    return {**found, "simulation": reach(), "compiled loops": compiled_loops(), "versions": packages()}


def _processor() -> str:
    with contextlib.suppress(OSError), open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _told(*command: str) -> str | None:
    """What a program prints, None where it is missing or fails."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
        return done.stdout.strip() or None
    return None


def _program(*names: str) -> str | None:
    """The first line that the first of these programs prints about its version."""
    for name in names:
        if shutil.which(name) and (told := _told(name, "--version")):
            return told.splitlines()[0]
    return None


def _gpus() -> list[str]:
    """The GPUs that the driver names, and whether this torch can use them."""
    told = _told("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    if told is None:
        return []
    import torch

    usable = "" if torch.cuda.is_available() else f" (torch {torch.__version__} cannot use it)"
    return [f"{line.strip()}{usable}" for line in told.splitlines()]


def text(found: dict[str, Any]) -> str:
    """The report for a terminal."""
    here, reached, loops = found["machine"], found["simulation"], found["compiled loops"]
    memory = here["memory available"]
    threads = ", ".join(f"{name} {count}" for name, count in here["threads"].items()) or "none loaded"
    lines = [
        "this machine",
        f"  system     {here['system']}",
        f"  processor  {here['processor']}, {here['usable cores']} of {here['cores']} cores usable",
        f"  threads    {threads}; OMP_NUM_THREADS {here['OMP_NUM_THREADS'] or 'not set'}",
        f"  memory     {UNKNOWN if memory is None else gigabytes(memory)} available",
        f"  GPU        {'; '.join(here['GPU']) or 'none'}",
        *(f"  {name:10} {here[name] or 'not found'}" for name in PROGRAMS),
        f"  loops      {loops['functions']} compiled functions in {loops['folder']}"
        + ("" if loops["writable"] else ", which is write-protected: set NUMBA_CACHE_DIR to a folder of yours"),
        "matrix products, in GFlop/s",
        *(f"  {name:27} {rate:8.3g}" for name, rate in found["speed in GFlop/s"].items()),
        "what it can simulate",
    ]
    for n, width in reached["largest width"].items():
        lines.append(f"  n = {n:5} up to m = {width['width']:.2g}, with --low-memory {width['low memory']:.2g}")
    small, estimated = reached["small flow"], reached["estimated seconds"]
    if small is None:
        lines.append(f"  a small flow did not end in {FLOW_PATIENCE:g} s: the first one compiles for about a minute,")
        lines.append("  and a machine with other work takes longer")
    else:
        lines.append(
            f"  a flow of n = {small['n']}, m = {small['width']} until the loss is {small['loss_ratio']:g} of the first"
            f" took {small['seconds']:.2g} s"
        )
        lines += [f"  one of m = {int(m):.0e} takes about {seconds:.2g} s" for m, seconds in estimated.items()]
    lines.append("versions")
    lines += [f"  {name:12} {version or 'not installed'}" for name, version in found["versions"].items()]
    return "\n".join(lines)


def add_doctor_command(commands: Any) -> None:
    """linrate doctor"""
    parser = commands.add_parser(
        "doctor",
        help="what this machine has and can simulate, and the versions for a bug report",
        example="linrate doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="the same as JSON")


def run_doctor(options: Any) -> int:
    """Print the report. Returns the exit code."""
    found = report()
    print(json.dumps(found, indent=1) if options.json else text(found))
    return HOLDS
