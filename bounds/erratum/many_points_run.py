"""The network of E10, run at a size that can be run: one point coupled to N others, all of whose targets are 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bounds.erratum.flow import Array, Flow, rademacher

COUPLING, TARGET = 0.5, 0.1  # g; y_0
WIDTH, SCALE, SEED, TIME = 100, 2.0, 0, 30.0
TOLERANCE = 2e-3
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
    """Initial pre-activations h^0 (m, N + 1), whose rows are independent draws from N(0, G)."""
    h = rng.standard_normal((WIDTH, N + 1))
    h[:, 0] = COUPLING / math.sqrt(N) * h[:, 1:].sum(axis=1) + math.sqrt(1 - COUPLING**2) * h[:, 0]
    return h


@dataclass(frozen=True)
class Final:
    """What the run has come to at point 0 at the time TIME.

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


def final(flow: Flow, h: Array, tolerance: float = TOLERANCE) -> Final:
    """The state of point 0 at the time TIME, and how far it may still change.

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


def run(N: int, tolerance: float = TOLERANCE) -> Final:
    """The state of point 0 at the time TIME, in the network of seed SEED with N other points; tolerance: of the
    integrator, relative."""
    rng = np.random.default_rng(SEED)
    signs = rademacher(rng, WIDTH, SCALE)
    return final(network(N, signs), draw(N, rng), tolerance)
