"""Does the width of Theorem 1 depend on n when sigma is odd? For others it does (E10); for odd ones nobody knows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from bounds import Problem, guarantee
from simulate import gradient_flow
from verify.claims.base import Claim, Comparison
from verify.claims.rate import average_rate
from verify.run import Run

SIZES = (8, 64)
COUPLING, TARGET = 0.5, 0.1
DELTA, SEEDS = 0.5, (0, 1)  # a loose promise has the smallest width, where a failure would show first


def coupled(n: int) -> Problem:
    """Point 0 coupled to all others, as in E10: neither the spectrum nor the diagonal of G, nor ||y||, depends on n."""
    G = np.eye(n)
    G[0, 1:] = G[1:, 0] = COUPLING / math.sqrt(n - 1)
    y = np.zeros(n)
    y[0] = TARGET
    return Problem.from_gram(G, y, activation="tanh", name=f"coupled-{n}")


def check() -> list[Comparison]:
    """The constants that suffice for n = 8, and m growing as log(n/delta): the promised rate, for n = 64 too."""
    g = guarantee(coupled(SIZES[0]), DELTA, method="slopes")
    found = []
    for n in SIZES:
        width = math.ceil(g.width * math.log(n / DELTA) / math.log(SIZES[0] / DELTA))
        for seed in SEEDS:
            flow = gradient_flow(
                coupled(n), width=width, scale=g.scale, seed=seed, t_max=20 / g.rate, loss_ratio=1e-6, rtol=1e-3
            )
            tested = average_rate(Run(flow), f"average rate, n = {n}", "lower", g.rate, "slopes")
            found.append(replace(tested, method=f"m={width}, seed={seed}"))
    return found


CLAIM = Claim(
    id="width-free-of-n",
    title="for odd sigma the width of Theorem 1 grows with n as log(n/delta) only",
    latex=r"m \ge C (1 + \hat c^2) \log(n/\delta),\ C = C(I, G_{\min}, G_{\max}, \|y\|, L_s, K_s)",
    source="Theorem 1 as printed, for odd sigma",
    kind="with probability 1 - delta",
    hypotheses="E sigma(h) = 0; independent signs; refuted by E10 where E sigma(h) is not 0",
    whose="paper, as printed",
    proved=False,
    check=check,
)
