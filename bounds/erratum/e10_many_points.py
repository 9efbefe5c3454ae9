"""E10: the width of Theorem 1 cannot be independent of n when E sigma(h) is not 0 and sigma saturates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds import constants
from bounds.erratum.base import Claim, Demonstration, Erratum
from bounds.erratum.flow import Array, Flow, rademacher

COUPLING, WIDTH, SCALE, SEED, TIME = 0.5, 100, 2.0, 0, 30.0
TARGET = 0.1  # y_0; the other targets are 0
SIZES = (100, 1_000, 10_000)  # N
TOLERANCES = (2e-3, 1e-3)
MARGIN = 0.05


def network(N: int, signs: Array) -> Flow:
    """sigma = clip(u, 0, 1), y = (y_0, 0, ...), G = [[1, g/sqrt(N) 1'], [., I_N]], with eigenvalues 1 and 1 +- g."""
    k = COUPLING / math.sqrt(N)

    def gram(V: Array) -> Array:
        product = V + k * V[:, :1]
        product[:, 0] = V[:, 0] + k * V[:, 1:].sum(axis=1)
        return product

    y = np.zeros(N + 1)
    y[0] = TARGET
    return Flow(y, signs, gram, lambda u: np.clip(u, 0, 1), lambda u: ((u > 0) & (u < 1)).astype(float))


def draw(N: int, rng: np.random.Generator) -> Array:
    """h^0 with rows N(0, G), (m, N + 1)."""
    h = rng.standard_normal((WIDTH, N + 1))
    h[:, 0] = COUPLING / math.sqrt(N) * h[:, 1:].sum(axis=1) + math.sqrt(1 - COUPLING**2) * h[:, 0]
    return h


@dataclass(frozen=True)
class Final:
    """Point 0 at TIME.

    residual: r_0. active: neurons in (0, 1). gap: how far outside (0, 1) those are that r_0 would carry through it.
    drift: how far the other points can still move them. pull: how fast, against the speed c |r_0| with which r_0 holds
    the remaining ones on or beyond their kink.
    """

    residual: float
    active: int
    gap: float
    drift: float
    pull: float

    @property
    def stuck(self) -> bool:
        """r_0 is final: no neuron is active, none can come back, and those on a kink are held there."""
        return self.active == 0 and self.drift < self.gap and self.pull < SCALE * abs(self.residual)


def final(flow: Flow, h: Array, tolerance: float) -> Final:
    """The state at TIME.

    While no neuron is active at x_0 the other points evolve alone, r_a keeps its sign and all c_i sigma(h_ia) move the
    same way. So no neuron of point a moves by more than m |r_a|/c in all, nor by more than int c |r_a| <= |r_a|/(c q),
    q the share of neurons that stay active; and x_0 moves by g/sqrt(N) times the sum over a.
    """
    last = flow.run(h, [TIME], rtol=tolerance, method="RK23")[-1]
    r, inside = flow.residual(last), np.mean((last > MARGIN) & (last < 1 - MARGIN), axis=0)
    coupling = COUPLING / math.sqrt(h.shape[1] - 1)
    travel = np.abs(r) / (SCALE * np.maximum(inside, 1e-300))
    travel = np.where(travel <= MARGIN, travel, WIDTH * np.abs(r) / SCALE)
    moving = np.any(flow.slope(last) > 0, axis=0)[1:]
    x = last[:, 0]
    carried = np.where(flow.signs * r[0] < 0, -x, x - 1)  # -c_i r_0 > 0 carries a neuron up, from below 0
    held = np.where(flow.signs * r[0] < 0, x > MARGIN, x < 1 - MARGIN)
    return Final(
        residual=float(r[0]),
        active=round(inside[0] * WIDTH),
        gap=float(np.min(carried[~held], initial=math.inf)),
        drift=coupling * float(np.sum(travel[1:] * moving)),
        pull=coupling * SCALE * float(np.sum(np.abs(r[1:]) * moving)),
    )


def width_asked(N: int) -> float:
    """16 a^2 B^2 of the repaired Theorem 1 from below: a for I = (0, 1), B^2 >= (N + 1) Var clip(Z, 0, 1)."""
    K = constants.K((0, 1), 1, 1)
    a = arb(9) / 2 * (1 + COUPLING) / (1 - COUPLING) / (K * K.sqrt())
    z = np.linspace(-9, 9, 36001)
    weights = np.exp(-z * z / 2) / np.sum(np.exp(-z * z / 2))
    clipped = np.clip(z, 0, 1)
    variance = float(weights @ clipped**2 - (weights @ clipped) ** 2)
    return float(16 * a**2) * (N + 1) * variance


def _size(residual: float) -> str:
    return f"|r_0| < {MARGIN}" if abs(residual) < MARGIN else f"|r_0| = {abs(residual):.2f}"


def demonstrate() -> Demonstration:
    """The same m, c and constants for growing N: in the largest problem all neurons saturate at x_0."""
    found: dict[int, Final] = {}
    for N in SIZES:
        rng = np.random.default_rng(SEED)
        signs = rademacher(rng, WIDTH, SCALE)
        flow, h = network(N, signs), draw(N, rng)
        found[N] = final(flow, h, TOLERANCES[0])
    last, again = found[N], final(flow, h, TOLERANCES[1])
    L0 = flow.loss(h)
    error = 2 * abs(again.residual - last.residual) + 1e-9
    least = max(0.0, abs(again.residual) - error) if last.stuck and again.stuck else 0.0
    actual = (least**2 / 2, L0)
    promised = 0.0 if width_asked(N) <= WIDTH else L0
    converged = "; ".join(
        f"N = {size}: {found[size].active} active, {_size(found[size].residual)}" for size in SIZES[:-1]
    )
    return Demonstration(
        quantity=f"limit of L for N = {N}: at least r_0^2/2 when no neuron is active at x_0",
        printed=Claim(actual, "<=", (0.0, 0.0)),
        repaired=Claim(actual, "<=", (promised, promised)),
        evidence="numerical",
        note=(
            f"g = {COUPLING}, sigma = clip(u, 0, 1), m = {WIDTH}, c = {SCALE:.0f}, y = ({TARGET}, 0, ..., 0), seed"
            f" {SEED}, mean of signs {float(np.mean(signs)) / SCALE:.2f}. Neurons active at x_0 at t = {TIME:.0f}, of"
            f" {WIDTH}: {converged}; N = {N}: {again.active} active, r_0 = {again.residual:.3f}. That is final:"
            f" neurons that r_0 would carry through (0, 1) are {again.gap:.1f} away from it and the other points can"
            f" move them by less than {10 ** math.ceil(math.log10(again.drift)):g}; the others sit at or beyond their"
            f" kink, held by r_0. L^0 = {L0:.3g}. The repaired theorem asks for m >= {width_asked(N):.1e} there and"
            f" promises no more than L <= L^0 at m = {WIDTH}."
        ),
    )


ERRATUM = Erratum(
    id="E10",
    where="Theorem 1",
    title="the constants cannot be independent of n",
    printed=(
        "c_0, r and C do not depend on n: m >= C (1 + c^2) log(n/delta) is enough for L^t <= L^0 exp(-r c^2 "
        "lambda_min t)."
    ),
    fails=(
        "If E sigma(h) = mu is not 0, every output starts near c mu (mean of signs), so ||r^0|| grows as sqrt(N)."
        " With G = [[1, (g/sqrt(N)) 1'], [., I_N]], whose eigenvalues 1 - g, 1, 1 + g and diagonal do not depend "
        "on N, point 0 feels the sum of all residuals, a drive of order sqrt(N), and a saturating sigma leaves it"
        " without an active neuron."
    ),
    repaired=(
        "m >= 16 a^2 B^2 with B = ||mu|| sqrt(2 log(4/delta)) + sqrt(sum_a Var sigma(h_a)) + Ls sqrt(2 lambda_max"
        " log(2/delta)), which grows as sqrt(n); or antisymmetric pairs (f^0 = 0), for which the width grows as "
        "log n."
    ),
    proof=(
        "Repaired: docs/theory.md (initial output). That no C independent of n can do, a sketch: for clip, (1/m) "
        "sum_i c_i (sigma(h^t_ia) - sigma(h^0_ia)) = -(c^2/m) sum_i int r_a sigma'(h_ia) dt at each of the N "
        "points, up to the back-reaction of point 0, of order N^{-1/2}. Where these are fitted the left side is "
        "-c mu e on average, e the mean of signs, so neuron i of point 0 is driven by -sign(c_i) g sqrt(N) mu e. "
        "|e| >= 1/m unless e = 0, which has probability O(m^{-1/2}); with m = O(log N) the drive exceeds the "
        "range 2 sqrt(2 log m) + 1 of the initial states for large N, and all neurons of point 0 leave (0, 1)."
    ),
    consequence=(
        "With independent signs the width of Theorem 1 must grow faster than log n (numbers for m = 100 above; "
        "the asymptotics is a sketch). The theorem survives with m of order n, or with antisymmetric pairs. For "
        "odd sigma (mu = 0) this example says nothing, and whether C needs n there is open here."
    ),
    demonstrate=demonstrate,
)
