"""python -m benchmarks: the table on the terminal and in benchmarks/output/table.csv."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from benchmarks import descent_step

OUT = Path(__file__).resolve().parent / "output"
ROOT = OUT.parent.parent


def verify_seconds() -> float:
    """Wall time of a whole default `pytest verify/`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "pytest", "verify/", "-q"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def peak_copies() -> float:
    """Peak memory of a flow at m = 1e5, n = 20, float64, in copies of the m x n state."""
    script = (ROOT / "tests" / "test_memory.py").read_text().split('"""')[3]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure, print, write."""
    frame = pd.DataFrame(descent_step.rows())
    limits = pd.DataFrame(
        [
            {"case": "pytest verify/, seconds (target: under 180)", "ours_ms": 1e3 * verify_seconds()},
            {"case": "peak of a flow at m=1e5 n=20, state copies (target: under 10)", "ratio": peak_copies()},
        ]
    )
    table = pd.concat([frame, limits], ignore_index=True)
    print(table.to_string(index=False, float_format="{:.3g}".format, na_rep=""))
    OUT.mkdir(exist_ok=True)
    table.to_csv(OUT / "table.csv", index=False)


if __name__ == "__main__":
    main()
