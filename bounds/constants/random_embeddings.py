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
    return 2 * fourth / ((1 - o.log(o.number(2))) * lbar**2) * o.log(n / delta)


@constant("whitened lower tail (R6)")
def D_whitened(o: Ops, n: Any, v: Any, delta: Any) -> Any:
    """G >= Gbar/2 with probability 1 - delta if D is at least this, v >= ||E (phi' Gbar^-1 phi) w w'||,
    w = Gbar^{-1/2} phi."""
    return 2 * v / (1 - o.log(o.number(2))) * o.log(n / delta)


@constant("matrix Chernoff, |sigma| <= b (R6)")
def D_chernoff(o: Ops, n: Any, b: Any, lbar: Any, delta: Any) -> Any:
    """As D_whitened with v <= n b^2/lbar."""
    return 2 * n * b**2 / ((1 - o.log(o.number(2))) * lbar) * o.log(n / delta)


@constant("one direction of the Laplace transform (R7)")
def survival(o: Ops, theta: Any, v: Any) -> Any:
    """E f^2 (1 - exp(-theta |w|^2))/|w|^2 is at least this, if E f^2 = 1 and E f^2 |w|^2 <= v."""
    return (1 - o.exp(-theta * v)) / v


@constant("variance of the whitened features, by parity (R8)")
def v_parity(o: Ops, n: Any, even: Any, odd: Any, even_u: Any, odd_u: Any) -> Any:
    """E f^2 |w|^2 is at most this; even and odd bound the root mean square gradients of the two parts of |w|^2, even_u
    and odd_u those of f^2."""
    return n + even * even_u / 2 + odd * odd_u


@constant("diagonal of G (R9)")
def diagonal_deviation(o: Ops, n: Any, D: Any, lipschitz: Any, g: Any, delta: Any) -> Any:
    """|sqrt(G_aa) - E sqrt(G_aa)| is at most this for all n points with probability 1 - delta, g = ||x_a||^2/d."""
    return lipschitz * o.sqrt(2 * g * o.log(2 * n / delta) / D)


@constant("randomised certificate of the embedding dimension (R10)")
def certificate_failure(o: Ops, n: Any, N: Any, least: Any, excess: Any) -> Any:
    """The probability, over N draws, that an estimate which passes the test at (1 + excess) least misleads."""
    return n * o.exp(-N * least * ((1 + excess) * o.log(1 + excess) - excess))


@constant("alignment of a residual with the tangent kernel (a conjecture is about it)")
def alignment(o: Ops, lmin_kernel: Any, chord: Any, residual: Any) -> Any:
    """sqrt(lambda_min(H)) ||H^{-1/2} r||/||r||, in (0, 1], chord = ||H^{-1/2} r||."""
    return o.sqrt(lmin_kernel) * chord / residual


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
