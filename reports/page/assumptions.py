"""What the theorems assume, and whether it holds for a problem: the rows of a table of the report."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bounds import Problem
from bounds.dependence import most_parallel_rows
from bounds.rounding import rounded


def assumptions(problem: Problem) -> Iterator[dict[str, str]]:
    """What the theorems assume: name, whether it holds, and why."""

    def line(name: str, holds: bool | None, why: str) -> dict[str, str]:
        words = {True: ("holds", "yes"), False: ("refuted", "no"), None: ("undecided", "not certified")}
        state, word = words[holds]
        return {"name": name, "state": state, "word": word, "why": why}

    low, high = problem.spectrum.lmin
    if low > 0:
        yield line("lambda_min(G) > 0 (Theorem 1)", True, f"certified: lambda_min is at least {rounded(low, 'down')}")
    else:
        why, way = problem.dependence
        holds = False if problem.embedding_name == "identity" and problem.n > problem.d else None
        yield line("lambda_min(G) > 0 (Theorem 1)", holds, f"lambda_min lies in [{low:.3g}, {high:.3g}] ({why}). {way}")
    if problem.embedding is not None and problem.n > 1:
        a, b, cosine = most_parallel_rows(problem.X)
        yield line(
            "no two points parallel",
            True if cosine < 0.999 else None,
            f"rows {a} and {b}, counted from 0, are nearest to it: |cosine| {cosine:.6g}",
        )
    activation = problem.activation
    yield line("sigma Lipschitz (Assumption 2)", True, f"Ls = {rounded(float(activation.Ls.upper()), 'up')}")
    smooth = (
        f"sigma' has Lipschitz constant {rounded(float(activation.L2.upper()), 'up')}" if activation.smooth else "kink"
    )
    yield line("sigma in C^(1,1), for slopes, clipped and kernel", activation.smooth, smooth)
    yield line("y not zero", bool(np.any(problem.y)), f"||y|| = {rounded(float(problem.y_norm))}")
