"""The constants of random embeddings: Theorems 2 and 3, Lemma 4, Condition 1, Appendices B, C and H."""

from __future__ import annotations

from typing import Any

from bounds.constants.formula import constant
from bounds.numerics.arithmetic import Ops


@constant("(77), read without sqrt(2); larger than the proved kappa, hence safe")
def K1(o: Ops, l1: Any, l2: Any, interval: Any, slope: Any) -> Any:
    """Theorem 2: 9 l2/(l1 K_s |I|), which stands for kappa. With 9/sqrt(2) for 9 it is constants.kappa."""
    left, right = interval
    return 9 * l2 / (l1 * slope * (right - left))


@constant("(80)")
def scale_theorem_2(o: Ops, K1: Any, K: Any, y_norm: Any) -> Any:
    """Theorem 2: 8 K1(lambda_min, lambda_max of Gbar) ||y||/K^{3/2}, K = K(I, Gbar_min/2, 2 Gbar_max)."""
    return 8 * K1 * y_norm / (K * o.sqrt(K))


@constant("Appendix F, from Lemma 3 with delta/4")
def width_theorem_2(o: Ops, n: Any, delta: Any, K: Any) -> Any:
    """Theorem 2: eta~^0 > K with probability 1 - delta/4, given Condition 1."""
    return o.log(4 * n / delta) / (2 * K**2)


@constant("(83)")
def rate_theorem_2(o: Ops, scale: Any, lbar: Any, slope: Any, K: Any) -> Any:
    """Theorem 2: L^t <= L^0 exp(-rate t), lbar = lambda_min(Gbar), of which half is left: 2 (1/2) (1/2)^{2/3}."""
    return 2 ** (-o.number(2) / 3) * scale**2 * lbar * slope**2 * K


@constant("psi_2 norm of one random feature, (86) repaired (E12)")
def kap(o: Ops, sigma_zero: Any, lipschitz: Any, g: Any) -> Any:
    """||sigma(h)||_psi2 <= |sigma(0)|/sqrt(log 2) + Ls sqrt(8 g/3), h ~ N(0, g); g = ||x||^2/d for the first layer."""
    return sigma_zero / o.sqrt(o.log(o.number(2))) + lipschitz * o.sqrt(8 * g / 3)


@constant("Condition 1 by Lemma 4, repaired (R5)")
def D_lemma_4(o: Ops, n: Any, u: Any, kap: Any, delta: Any) -> Any:
    """||G - Gbar||_F <= u with probability 1 - delta if D is at least this, kap = max_a kap_a."""
    return (4 * kap**4 * n**2 / u**2 + 2 * kap**2 * n / u) * o.log(n * (n + 1) / delta)


@constant("lower tail of lambda_min(G) (R6)")
def D_moments(o: Ops, n: Any, fourth: Any, lbar: Any, delta: Any) -> Any:
    """lambda_min(G) >= lbar/2 with probability 1 - delta if D is at least this, fourth >= E ||phi||^4."""
    return 8 * fourth / lbar**2 * o.log(n / delta)


@constant("whitened lower tail (R6)")
def D_whitened(o: Ops, n: Any, v: Any, delta: Any) -> Any:
    """G >= Gbar/2 with probability 1 - delta if D is at least this, v = ||E (phi' Gbar^-1 phi) w w'||,
    w = Gbar^{-1/2} phi."""
    return 8 * v * o.log(n / delta)


@constant("whitened lower tail, |sigma| <= b (R6)")
def D_bounded(o: Ops, n: Any, b: Any, lbar: Any, delta: Any) -> Any:
    """G >= Gbar/2 with probability 1 - delta if D is at least this, for features bounded by b: D_whitened with its v
    replaced by the upper bound n b^2/lbar, lbar = lambda_min(Gbar)."""
    return 8 * n * b**2 / lbar * o.log(n / delta)


@constant("matrix Chernoff, |sigma| <= b (R6)")
def D_chernoff(o: Ops, n: Any, b: Any, lbar: Any, delta: Any) -> Any:
    """lambda_min(G) >= lbar/2 with probability 1 - delta if D is at least this."""
    return 2 * n * b**2 / ((1 - o.log(o.number(2))) * lbar) * o.log(n / delta)


@constant("Appendix H for ReLU (arc-cosine kernel)")
def kern_relu(o: Ops, a: Any, b: Any, rho: Any) -> Any:
    """E relu(u) relu(v), Var u = a, Var v = b, correlation rho: one step of Kern^(l) -> Kern^(l+1)."""
    angle = o.pi / 2 - o.asin(rho)
    return o.sqrt(a * b) * (o.sqrt(1 - rho**2) + (o.pi - angle) * rho) / (2 * o.pi)


@constant("Appendix H for ReLU, derivative")
def kern_step(o: Ops, rho: Any) -> Any:
    """E relu'(u) relu'(v) at correlation rho."""
    return o.number(1) / 4 + o.asin(rho) / (2 * o.pi)


@constant("Appendix B, (30)")
def xavier_step(o: Ops, step: Any, m: Any) -> Any:
    """A step of this size on W is a step `step` on the Xavier-scaled theta = W/sqrt(m): the factor m of (9)."""
    return m * step


@constant("Appendix C, (36)")
def r_abc(o: Ops, a_first: Any, a_middle: Any, a_last: Any, b_last: Any, c: Any) -> Any:
    """The parameter r of an abc-parametrisation; features are learned when it is 0. a_first = a_1, a_middle = min of
    a_2, ..., a_L, a_last = a_{L+1}."""
    return o.min(b_last, a_last + c) + a_last + c + o.min(2 * a_first, 2 * a_middle - 1)


@constant("Appendix C, (35) and (36)")
def r_abc_shifted(o: Ops, a_first: Any, a_middle: Any, a_last: Any, b_last: Any, c: Any, theta: Any) -> Any:
    """r after (a, b, c) -> (a + theta, b - theta, c - 2 theta): the same r for every theta. theta = 1/2 takes muP to
    the model, not the printed 1 (E16)."""
    first, middle, last = a_first + theta, a_middle + theta, a_last + theta
    lowered = c - 2 * theta
    return o.min(b_last - theta, last + lowered) + last + lowered + o.min(2 * first, 2 * middle - 1)
