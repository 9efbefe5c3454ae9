"""Does the width of Theorem 1 depend on n if sigma is odd? For others it does (E10); for odd ones that is open.

`SLOPES` has constants small enough to be simulated: a width that suffices for six points and does not for many.
`CLAIM` is about odd sigma and is tested twice: by `check` with the constants that are proved for 8 points, on the
geometry of E10, and by a search over geometries with the constants of `law`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from bounds import Activation, Problem, guarantee
from bounds.activation.gaussian import mean_value, slope_power
from bounds.numerics.arithmetic import float_down
from simulate import gradient_flow, sample_network
from simulate.field.sigmas import value_and_slope
from verify.claims.base import Claim, Comparison, NotApplicable, relative, require_flow, require_smooth
from verify.claims.draws import frequency
from verify.claims.rate import average_rate
from verify.run import Run
from verify.verdict import Verdict

SIZES = (8, 64)  # n whose proved constants are used, and n for which they are tested
COUPLING = 0.5  # of point 0 to the others
TARGET = 0.1  # y of point 0; the others are 0
RATIO = 20.0  # largest lambda_max/lambda_min
DELTA = 0.5  # a large delta has the smallest width, at which a failure would show first
SEEDS = (0, 1)


def coupled(n: int, coupling: float = COUPLING, activation: str = "tanh") -> Problem:
    """Point 0 coupled to all others, as in E10: neither the spectrum nor the diagonal of G, nor ||y||, depends on n."""
    G = np.eye(n)
    G[0, 1:] = G[1:, 0] = coupling / math.sqrt(n - 1)
    y = np.zeros(n)
    y[0] = TARGET
    return Problem.from_gram(G, y, activation=activation, name=f"coupled-{n}")


def check() -> list[Comparison]:
    """The rate promised for n = 8, for n = 8 and 64 at a width that grows as log(n/delta)."""
    g = guarantee(coupled(SIZES[0]), DELTA, method="slopes")
    found = []
    for n in SIZES:
        width = math.ceil(g.width * math.log(n / DELTA) / math.log(SIZES[0] / DELTA))
        for seed in SEEDS:
            flow = gradient_flow(
                coupled(n), width=width, scale=g.scale, seed=seed, t_max=20 / g.rate, loss_ratio=1e-6, rtol=1e-2
            )
            tested = average_rate(Run.of(flow), f"average rate, n = {n}", "lower", g.rate, "slopes")
            found.append(replace(tested, method=f"m={width}, seed={seed}"))
    return found


# The constants of `law`, which is tested by search.
FAILING = 0.05  # delta
NEURONS = 4  # m/log(n/delta)
KEPT = 0.2  # the share of E sigma'^2 that min_a q_a^2 must keep
TARGETS = 0.1  # largest ||y||
# Of `guess`: steps of descent, number of networks, and what is added to seeds so that no network is one that is run.
STEPS, GUESSED, OTHER = 30, 3, 2**32


def slope_square(problem: Problem) -> float:
    """E sigma'(h)^2 for G_aa = 1, rounded down."""
    return _slope_square(problem.activation)


@functools.cache
def _slope_square(activation: Activation) -> float:
    return float_down(slope_power(activation, arb(1), 2))


def law(problem: Problem) -> dict[str, Any]:
    """Options of a flow at the width NEURONS log(n/delta) and scale 1, for two time constants of the slowest mode."""
    width = math.ceil(NEURONS * math.log(problem.n / FAILING))
    slowest = float(problem.spectrum.lmin[0]) * slope_square(problem)
    return {"width": width, "scale": 1.0, "t_max": 2.0 / slowest, "rtol": 1e-2}


def guess(options: dict[str, Any]) -> float:
    """A cheap estimate of min_a,t q_a^2/E sigma'^2, the mean over GUESSED networks: by descent in large stable steps.

    options: of a flow, as `law` gives them, with problem and seed.
    """
    problem = options["problem"]
    width = options["width"]
    scale = options["scale"]
    drawn = sample_network(problem, width=GUESSED * width, scale=scale, seed=OTHER + options["seed"])
    H = drawn.H.reshape(GUESSED, width, -1)
    signs = drawn.signs.reshape(GUESSED, width, 1)
    act = problem.activation
    value, slope = value_and_slope(act, H)
    q2 = np.einsum("gia,gia->ga", slope, slope) / width  # (GUESSED, n)
    least = q2
    step = 1 / (scale**2 * float(problem.spectrum.lmax[1]) * np.max(q2))
    mean, steps = signs.transpose(0, 2, 1) / width, step * signs
    for _ in range(STEPS):
        residual = mean @ value - problem.y  # (GUESSED, 1, n)
        H = H - steps * ((slope * residual) @ problem.gram)
        value, slope = value_and_slope(act, H)
        least = np.minimum(least, np.einsum("gia,gia->ga", slope, slope) / width)
    return float(np.mean(np.min(least, axis=1))) / slope_square(problem)


def compare(run: Run) -> list[Comparison]:
    """min_a q_a^2, which the proof of Theorem 1 bounds from below along the flow, against KEPT E sigma'^2.

    NotApplicable unless the run meets the constants of `law`, which are free of n.
    """
    require_flow(run)
    require_smooth(run)
    problem, spectrum = run.problem, run.problem.spectrum
    ratio = float(spectrum.lmax[1]) / max(float(spectrum.lmin[0]), 1e-300)
    if run.seed is None or run.init != "independent":
        raise NotApplicable("stated for a network drawn with independent signs")
    if float(np.ptp(np.diagonal(problem.gram))) > 0 or problem.gram[0, 0] != 1 or ratio > RATIO:
        raise NotApplicable(f"its constants are for G_aa = 1 and lambda_max <= {RATIO} lambda_min")
    if float(np.linalg.norm(problem.y)) > 1.001 * TARGETS or run.scale < 1 or run.width < law(problem)["width"]:
        raise NotApplicable(f"its constants are for ||y|| <= {TARGETS}, scale >= 1 and m >= {NEURONS} log(n/delta)")
    floor = KEPT * slope_square(problem)
    q2 = run.mean_square_slope.min(axis=1)
    error = run.errors["mean_square_slope"].max(axis=1) + relative(q2)
    return [Comparison("min_a q_a^2", "lower", np.full(len(q2), floor), q2, error, run.time)]


CROWD, HUB, NETWORKS = 64, -0.9, 24  # n, coupling and number of networks of the example of SLOPES


def check_slopes() -> list[Comparison]:
    """How often min_a q_a^2 falls below its bound, for one point coupled to 63 others and the sigmoid."""
    problem = coupled(CROWD, HUB, "sigmoid")

    def fails(seed: int) -> bool:
        (kept,) = compare(Run.of(gradient_flow(problem, seed=seed, loss_ratio=0.0, max_steps=150, **law(problem))))
        return kept.verdict is Verdict.REFUTED

    return [frequency("P(min_a q_a^2 < E sigma'^2/5)", map(fails, range(NETWORKS)), f"n={CROWD}", FAILING)]


def compare_odd(run: Run) -> list[Comparison]:
    """`compare` for activations with E sigma(h) = 0."""
    if 0 not in mean_value(run.problem.activation, arb(1)):
        raise NotApplicable("E sigma(h) is not 0")
    return compare(run)


SLOPES = Claim(
    id="slopes-free-of-n",
    title="four neurons for each log(n/delta) keep a fifth of the mean square slope at every point, for every n",
    latex=r"m \ge 4 \log(n/\delta)"
    r" \Rightarrow P\Big(\min_{a,t} q_a(t)^2 \ge \tfrac15 E \sigma'(h_a)^2\Big) \ge 1 - \delta",
    source="what the proof of Theorem 1 keeps alive, with constants that are enough for six points",
    kind="with probability 1 - delta",
    hypotheses="G_aa = 1, lambda_max <= 20 lambda_min, ||y|| <= 0.1, scale 1, independent signs, any smooth sigma",
    whose="ours",
    proved=False,
    compare=compare,
    check=check_slopes,
    delta=FAILING,
    statistical=1,
)
CLAIM = Claim(
    id="width-free-of-n",
    title="for odd sigma the width of Theorem 1 grows with n as log(n/delta) only",
    latex=r"m \ge C (1 + \hat c^2) \log(n/\delta),\ C = C(I, G_{\min}, G_{\max}, \|y\|, L_s, K_s)",
    source="Theorem 1 as printed, for odd sigma",
    kind="with probability 1 - delta",
    hypotheses="E sigma(h) = 0; independent signs; refuted by E10 where E sigma(h) is not 0",
    whose="paper, as printed",
    proved=False,
    compare=compare_odd,
    check=check,
    delta=FAILING,
)
