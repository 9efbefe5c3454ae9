"""The error reported at kinks beside the true one, on random problems whose flows are known exactly (minutes)."""

from __future__ import annotations

import time
from collections.abc import Iterator

from tests.simulate.kinked_problems import PROBLEMS, Row, compare, summary

# Name of a row -> the options of the flow. The exponential method gives up at tolerances much smaller.
CONTENDERS: dict[str, Row] = {
    "default": {},
    "exponential, rtol 1e-2": {"integrator": "exponential", "rtol": 1e-2, "max_steps": 4000},
}


def rows(names: tuple[str, ...] = tuple(CONTENDERS), problems: int = PROBLEMS) -> Iterator[Row]:
    """One row for each problem and contender, then one that sums up each contender."""
    for name in names:
        found = []
        for seed in range(problems):
            start = time.process_time()
            found.append({"integrator": name, **compare(seed, **CONTENDERS[name])})
            found[-1]["cpu_seconds"] = time.process_time() - start
            yield found[-1]
        yield {"integrator": name, "case": f"all {problems} problems", **summary(found)}
