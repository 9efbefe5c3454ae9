"""The runs on the data of a session: each is made once, and every claim is tested on it."""

from __future__ import annotations

from typing import Any

import pytest

from bounds import Guarantee, Problem
from bounds.checks import INITS
from verify.run import Run
from verify.runs.regimes import paper_guarantee, plain_run, regime_run, simulable_guarantee

# The run outside every guarantee: at the scale 1 of the paper's experiments.
PAPER: dict[str, Any] = {"width": 1024, "scale": 1.0, "seed": 0, "t_max": 100.0, "init": "independent"}


class DataRuns:
    """runs(problem, kind, init=None, **options): the run of that kind on a problem, made at the first call.

    kind "regime": at the width and scale of the best guarantee; "lemma-1": at those of the paper's own method,
    repaired; "paper": at the paper's scale 1, outside every guarantee.
    init: one of INITS; None for the first that can be simulated (kind "paper": independent signs).
    options: t_max and loss_ratio, if they differ from those of the kind.
    """

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Run] = {}

    def __call__(self, problem: Problem, kind: str, *, init: str | None = None, **options: float) -> Run:
        key = (problem.name, kind, init, *sorted(options.items()))
        if key not in self._made:
            self._made[key] = _make(problem, kind, init, options)
        return self._made[key]


def _make(problem: Problem, kind: str, init: str | None, options: dict[str, float]) -> Run:
    if kind == "paper":
        signs = {} if init is None else {"init": init}
        return plain_run(problem, **{**PAPER, **signs, **options})
    g: Guarantee | None
    if kind == "regime":
        g = simulable_guarantee(problem, inits=INITS if init is None else (init,))
    else:
        g = paper_guarantee(problem)
    if g is None:
        pytest.skip("no network of the required width can be simulated")
    return regime_run(problem, g, seed=0, **options)
