"""python -m benchmarks [part ...]: the table on the terminal and in benchmarks/output/table.csv."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pandas as pd
import torch

from benchmarks import descent_step, fitted, flows, gpu, growth, peers

OUT = Path(__file__).resolve().parent / "output"
ROOT = OUT.parent.parent
Row = dict[str, object]


def flow_rows() -> Iterator[Row]:
    """Whole flows against the peers; none where the extra `bench` is not installed."""
    if peers.missing():
        print(f"whole flows left out: pip install {' '.join(peers.missing())}", file=sys.stderr)
        return
    tanh = flows.experiment_1()
    targets = dict(zip(peers.PEERS, (60.0, 25.0, 20.0), strict=True))
    yield flows.descent_row(tanh, 500.0)
    yield from flows.rows(tanh, targets)


def on_gpu(rows: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """Those rows, where there is a GPU."""
    if torch.cuda.is_available():
        yield from rows()
    else:
        print("left out: torch sees no GPU", file=sys.stderr)


def limits() -> list[Row]:
    """Wall time of a whole default `pytest verify/`, and the peak memory of a flow."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pytest", "verify/", "-q"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    script = (ROOT / "tests" / "test_memory.py").read_text().split('"""')[3]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return [
        {"case": "pytest verify/ (target: under 180 s)", "ours_ms": 1e3 * seconds},
        {"case": "peak of a flow at m=1e5 n=20, state copies", "copies": float(done.stdout), "target": 6},
    ]


PARTS: dict[str, Callable[[], Iterable[Row]]] = {
    "descent": descent_step.rows,
    "flows": flow_rows,
    "growth": growth.rows,
    "gpu": lambda: on_gpu(gpu.rows),
    "fitted": lambda: fitted.rows("cpu", rtols=(0.1,), limit=1200.0, peer_limit=300.0),
    "gpu-fitted": lambda: on_gpu(lambda: fitted.rows("cuda")),
    "limits": limits,
}


def main() -> None:
    """Measure, print, write."""
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
    table = pd.DataFrame(rows)
    table["torch"], table["threads"] = torch.__version__, torch.get_num_threads()
    print(table.to_string(index=False, float_format="{:.3g}".format, na_rep=""))
    OUT.mkdir(exist_ok=True)
    table.to_csv(OUT / "table.csv", index=False)


if __name__ == "__main__":
    main()
