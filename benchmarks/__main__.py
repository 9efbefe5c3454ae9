"""The command `python -m benchmarks [part ...]`: a table on the terminal and in benchmarks/output/table.csv."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import torch

from benchmarks import cells, descent_step, fitted, flows, gpu, growth, kinked_flows, kinks_error, peers, shards
from benchmarks.instances import measure as instances
from bounds.csv_file import write_csv
from bounds.text_table import Column, fitted_table
from bounds.versions import versions
from tests.simulate.test_memory import peak

OUT = Path(__file__).resolve().parent / "output"
ROOT = OUT.parent.parent
Row = dict[str, object]


def flow_rows() -> Iterator[Row]:
    """Whole flows of linrate and of the peers; none if the extra `bench` is not installed."""
    if peers.missing():
        print(f"whole flows left out: pip install {' '.join(peers.missing())}", file=sys.stderr)
        return
    tanh = flows.experiment_1()
    # How many times faster than each peer linrate should be.
    targets = dict(zip(peers.PEERS, (60.0, 25.0, 20.0), strict=True))
    yield flows.descent_row(tanh, 500.0)
    yield from flows.rows(tanh, targets)


def on_gpu(rows: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """The rows that the function yields; none if there is no GPU."""
    if torch.cuda.is_available():
        yield from rows()
    else:
        print("left out: torch sees no GPU", file=sys.stderr)


def limits() -> list[Row]:
    """Two rows: wall time of a whole `pytest verify/` with its defaults, and peak memory of a flow."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pytest", "verify/", "-q"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    found, state, _ = peak(n=20, m=100_000)
    return [
        {"case": "pytest verify/ (target: under 180 s)", "ours_ms": 1e3 * seconds},
        {"case": "peak of a flow at m=1e5 n=20, state copies", "copies": found / state, "target": 6},
    ]


PARTS: dict[str, Callable[[], Iterable[Row]]] = {
    "cells": cells.rows,
    "descent": descent_step.rows,
    "flows": flow_rows,
    "growth": growth.rows,
    "gpu": lambda: on_gpu(gpu.rows),
    "fitted": lambda: fitted.rows("cpu", rtols=(0.1,), limit=1200.0, peer_limit=300.0),
    "gpu-fitted": lambda: on_gpu(lambda: fitted.rows("cuda")),
    "instances": instances.rows,
    "kinked-flows": kinked_flows.rows,
    "kinks-error": kinks_error.rows,
    "limits": limits,
    "shards": shards.rows,
}


def main() -> None:
    """Measure the parts named on the command line; print each row as it comes, then the table, and write it as CSV."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)} (default: all)")
    chosen = parser.parse_args().parts or list(PARTS)
    unknown = sorted(set(chosen) - set(PARTS))
    if unknown:
        parser.error(f"parts must be of {', '.join(PARTS)}. Found {', '.join(unknown)}.")
    rows: list[Row] = []
    for name in chosen:
        for row in PARTS[name]():
            rows.append({"part": name, **row})
            print(", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in row.items()), flush=True)
    names = list(dict.fromkeys(name for row in rows for name in row))  # in the order in which they first appear
    columns = [Column(name, number_format=".3g") for name in names]
    print(fitted_table(columns, [[row.get(name) for name in names] for row in rows]))
    origin = {"torch": torch.__version__, "threads": torch.get_num_threads(), **versions()}
    write_csv(OUT / "table.csv", [{**row, **origin} for row in rows], [*names, *origin])


if __name__ == "__main__":
    main()
