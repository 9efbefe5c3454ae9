"""E10: the width of Theorem 1 cannot be independent of n when E sigma(h) is not 0 and sigma saturates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from flint import arb

from bounds import constants
from bounds.activation.gaussian import gaussian_probability
from bounds.erratum import many_points_run
from bounds.erratum.base import Claim, Demonstration, Erratum, enclose
from bounds.erratum.many_points_run import COUPLING, TARGET
from bounds.numerics.arithmetic import ceil_int

INTERVAL = (0, 1)  # of clip(u, 0, 1), where its slope is 1
INNER = (0.25, 0.75)
SIZES = (100, 10_000)  # N of the networks that are run
LARGEST = 2000  # of the exponents of ten that are tried for N


def mean_output() -> arb:
    """mu = E clip(Z, 0, 1) = density(0) - density(1) + P(Z > 1)."""
    density = (1 - (-arb(1) / 2).exp()) / (2 * arb.pi()).sqrt()
    return density + gaussian_probability(1, math.inf, arb(1))


@dataclass(frozen=True)
class Failure:
    """The example of the proof at N = 10^exponent other points.

    log_ratio: a lower bound of log(P(L does not tend to 0)/delta); log_most: of log(1/delta), the most it can be.
    push: how far the neurons of point 0 are certainly carried, over how far they must be; more than 1 is needed.
    signs: the largest mean of the signs, divided by c, that is followed; at most 1/2 is needed.
    """

    exponent: int
    width: arb
    log_ratio: arb
    log_most: arb
    push: arb
    signs: arb

    @property
    def refutes(self) -> bool:
        """Whether certainly more than a share delta of all draws fails to converge, as the theorem forbids."""
        return bool(self.push > 1) and bool(self.signs < 0.5) and bool(self.log_ratio > 0)


def failure(exponent: int, scale_constant: arb, width_constant: arb) -> Failure:
    """The lower bounds of "Why the width must grow with n" in docs/theory.md, for c_0 = scale_constant and
    C = width_constant (at least 16): the least scale and the least width that such a theorem allows, delta = n^{-s}."""
    N = arb(10) ** exponent
    n, mu, inner = N + 1, mean_output(), gaussian_probability(*INNER, arb(1))
    scale = (scale_constant * (1 + COUPLING) / (1 - COUPLING)).max(arb(1))
    power = 4 / mu**2 + 2  # s
    log_most = power * n.log()
    width = width_constant * (1 + scale**2) * (n.log() + log_most)
    width = arb(ceil_int(width))
    least = (2 / mu) * (n.log() / width).sqrt()  # e_0
    most = least + 2 / width  # the mean of the signs lies between, on the event that is followed
    divergence = most**2 / 2 + most**4 / 9  # at least sum_k e^(2k)/(2k (2k - 1)), for e <= 1/2
    log_signs = -width * divergence - (width + 1).log()
    missed = 1 / n + 2 * width / n**2 + width * (-N * inner**2 / 2).exp()
    speed = scale * (2 * scale + TARGET)  # of any neuron at any other point
    time = least * mu / (4 * speed)
    drive = COUPLING * N.sqrt() * scale * least * mu * inner / 8
    push = time * scale * (drive - scale - TARGET) / (2 * n.log().sqrt() + 1)
    return Failure(exponent, width, log_signs + (1 - missed).log() + log_most, log_most, push, most)


def first_failure(scale_constant: arb, width_constant: arb) -> Failure:
    """The least power of ten for N that refutes these constants."""
    tried = (failure(exponent, scale_constant, width_constant) for exponent in range(1, LARGEST))
    return next(found for found in tried if found.refutes)


def printed_constants() -> tuple[arb, arb]:
    """(c_0, C) of Theorem 1 for clip, G_aa = 1, ||y|| = 0.1: (58) as printed; C covers Lemma 3 and Lemma 2 as printed,
    log(2n/delta) being at most 2 log(n/delta)."""
    K = constants.K_printed(INTERVAL, 1, 1)
    return constants.scale_theorem_1_printed(1, 1, INTERVAL, 1, K, TARGET), 1 / (2 * K**2) + 4 / arb(TARGET) ** 2


def width_asked(N: float) -> float:
    """16 a^2 B^2 of the repaired Theorem 1 from below: a for I = (0, 1), B^2 >= (N + 1) Var clip(Z, 0, 1)."""
    K = constants.K(INTERVAL, 1, 1)
    a = arb(9) / 2 * (1 + COUPLING) / (1 - COUPLING) / (K * K.sqrt())
    z = np.linspace(-9, 9, 36001)
    weights = np.exp(-z * z / 2) / np.sum(np.exp(-z * z / 2))
    clipped = np.clip(z, 0, 1)
    variance = float(weights @ clipped**2 - (weights @ clipped) ** 2)
    return float(16 * a**2) * (N + 1) * variance


def demonstrate() -> Demonstration:
    """The printed constants at the N from which they fail, and a network with the same geometry that is run."""
    scale_constant, width_constant = printed_constants()
    found = first_failure(scale_constant, width_constant)
    larger = first_failure(1000 * scale_constant, 1000 * width_constant)
    asked = width_asked(10.0**found.exponent)
    most = enclose(found.log_most)[1]
    promised = 0.0 if asked <= found.width else most
    runs = {N: many_points_run.run(N) for N in SIZES}
    shown = "; ".join(f"N = {N}: {end.active} active, r_0 = {end.residual:.3f}" for N, end in runs.items())
    return Demonstration(
        quantity=f"log(P(L does not tend to 0)/delta) at n = 1e{found.exponent} + 1, to be at most 0",
        printed=Claim((enclose(found.log_ratio)[0], most), "<=", (0.0, 0.0)),
        repaired=Claim((enclose(found.log_ratio)[0], most), "<=", (promised, promised)),
        evidence="enclosed",
        note=(
            f"g = {COUPLING}, sigma = clip(u, 0, 1), y = ({TARGET}, 0, ..., 0), delta = n^(-s), s ="
            f" {float(4 / mean_output() ** 2 + 2):.1f}. With the constants of (58), Lemma 2 and Lemma 3 as printed, c_0"
            f" = {float(scale_constant):.3g} and C = {float(width_constant):.3g}, the least scale and the least width"
            f" allowed, m = {float(found.width):.2e}, fail; with both constants a thousand times as large they fail"
            f" from n = 1e{larger.exponent} on. The repaired theorem asks for m >= {asked:.1e} and promises nothing at"
            f" that m. Small networks of the same geometry, run to t = {many_points_run.TIME:.0f} with m ="
            f" {many_points_run.WIDTH}, c = {many_points_run.SCALE:.0f}, seed {many_points_run.SEED}: neurons in (0,"
            f" 1) at x_0: {shown}."
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
        "Repaired: docs/theory.md (initial output). That no c_0, r, C independent of n can do: docs/theory.md (why "
        "the width must grow with n). In short: take sigma = clip, the least scale and width allowed, and delta = "
        "n^{-s}, so that m is of order log n. A mean of signs e >= e_0, with m e_0^2 = 4 log(n)/mu^2, has more than "
        "the probability 2 delta, and given it all N outputs start above c e mu/2 with probability 1 - 1/n. During "
        "a time T that does not depend on N they stay above c e mu/4, and point 0 is driven by g sqrt(N) times "
        "their mean against its own residual of order c: for large N each of its neurons leaves (0, 1), towards 1 "
        "where c_i < 0 and towards 0 where c_i > 0. From then on point 0 does not act on the others, their "
        "residuals keep their sign, and the drive never turns: r_0 < -y_0 for ever."
    ),
    consequence=(
        "Theorem 1 is false as printed, whatever its constants: with independent signs the width must grow faster than "
        "log(n/delta) (shown for delta = n^{-s}; a fixed delta is not settled here). It survives with m of order n, or "
        "with antisymmetric pairs. For odd sigma (mu = 0) this example says nothing, and whether C needs n there is "
        "open here."
    ),
    grade="proved",
    demonstrate=demonstrate,
)
