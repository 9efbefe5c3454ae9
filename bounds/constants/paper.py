"""Lemmas 1-3, Theorem 1, (15), (16) and gradient descent: one function per constant, with its equation number."""

from __future__ import annotations

from typing import Any

from bounds.constants.formula import constant
from bounds.numerics.arithmetic import Ops


@constant("(56), exponent repaired (E5)")
def K(o: Ops, interval: Any, l1: Any, l2: Any) -> Any:
    """Lemma 3: a lower bound of half the mass that N(0, g) gives the middle third of I, for g in [l1, l2]."""
    left, right = interval
    edge = o.max(o.abs(left), o.abs(right))
    return (right - left) / (6 * o.sqrt(2 * o.pi * l2)) * o.exp(-edge * edge / (2 * l1))


@constant("(56), (71) as printed", proved=False)
def K_printed(o: Ops, interval: Any, l1: Any, l2: Any) -> Any:
    """Lemma 3 with the exponent as it stands in (71), max(|I_l|, |I_r|) / (G_min)^2; refuted (E5)."""
    left, right = interval
    edge = o.max(o.abs(left), o.abs(right))
    return (right - left) / (6 * o.sqrt(2 * o.pi * l2)) * o.exp(-edge / (l1 * l1))


@constant("(56), (71) read as the density of N(0, G^2)", proved=False)
def K_printed_squared(o: Ops, interval: Any, l1: Any, l2: Any) -> Any:
    """Lemma 3, the other reading of (71): max(|I_l|, |I_r|)^2 / (2 G_min^2); dimensionally wrong too (E5)."""
    left, right = interval
    edge = o.max(o.abs(left), o.abs(right))
    return (right - left) / (6 * o.sqrt(2 * o.pi * l2)) * o.exp(-edge * edge / (2 * l1 * l1))


@constant("Lemma 1, (52) repaired (E1)")
def kappa(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1: (eta^t)^{3/2} >= (eta~^0)^{3/2} - kappa (sqrt(L^0) - sqrt(L^t)) / scale."""
    left, right = interval
    return 9 * lmax / (o.sqrt(2) * slope * lmin * (right - left))


@constant("(52)-(54) as printed", proved=False)
def kappa_printed(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1 with the factor of the printed chain (52)-(54), 9/2 for 9/sqrt(2); not proved (E1)."""
    left, right = interval
    return 9 * lmax / (2 * slope * lmin * (right - left))


@constant("Lemma 1, with |dh/dt| <= sqrt(G_aa) p")
def kappa_sharp(o: Ops, lmin: Any, gmax: Any, interval: Any, slope: Any) -> Any:
    """Lemma 1 with sqrt(G_max/lambda_min) in place of lambda_max/lambda_min."""
    left, right = interval
    return 9 * o.sqrt(gmax / lmin) / (o.sqrt(2) * slope * (right - left))


@constant("matrix Chernoff bound (S5)")
def width_kernel(o: Ops, largest: Any, n: Any, failure: Any, tau: Any, lmin_kernel: Any) -> Any:
    """lambda_min(H^0) >= (1 - tau) lambda_min(H^inf) with probability 1 - failure; largest bounds D_i G D_i."""
    entropy = tau + (1 - tau) * o.log(1 - tau)
    return largest * o.log(n / failure) / (lmin_kernel * entropy)


@constant("smooth Lemma 1")
def kappa_smooth(o: Ops, lmin: Any, gmax: Any, slope_lipschitz: Any) -> Any:
    """min_a q_a(t)^2 >= min_a q_a(0)^2 - kappa_smooth (sqrt(L^0) - sqrt(L^t)) / scale, for sigma in C^{1,1}."""
    return 2 * o.sqrt(2) * slope_lipschitz * o.sqrt(gmax / lmin)


@constant("initial output, vector form (repairs Lemma 2)")
def B(o: Ops, mean_norm: Any, variance_sum: Any, lipschitz: Any, lmax: Any, delta: Any) -> Any:
    """With probability 1 - delta, ||f^0|| <= scale B / sqrt(m), for independent signs."""
    return (
        mean_norm * o.sqrt(2 * o.log(4 / delta))
        + o.sqrt(variance_sum)
        + lipschitz * o.sqrt(2 * lmax * o.log(2 / delta))
    )


@constant("(15)")
def movement_least(o: Ops, output_change: Any, scale: Any, lipschitz: Any) -> Any:
    """(15): (1/m) sum_i |h_i^t(x) - h_i^s(x)| is at least this, output_change = |f^t(x) - f^s(x)|."""
    return output_change / (scale * lipschitz)


@constant("(16)")
def rate_everywhere(o: Ops, scale: Any, lmin: Any, slope: Any) -> Any:
    """(16): if |sigma'| >= K_s everywhere, L^t <= L^0 exp(-rate t) for every network."""
    return 2 * scale**2 * lmin * slope**2


@constant("Lemma 2, (65) as printed, absolute constant read as Hoeffding's", proved=False)
def width_lemma_2_printed(o: Ops, n: Any, delta: Any, scale: Any, lipschitz: Any, gmax: Any, y_norm: Any) -> Any:
    """Lemma 2: a width for L^0 <= ||y||^2 with probability 1 - delta; a factor n is missing (E2)."""
    return 2 * scale**2 * lipschitz**2 * gmax * o.log(2 * n / delta) / y_norm**2


@constant("Lemma 2, (62), (64), (66) repaired (E2-E4)")
def width_lemma_2(o: Ops, n: Any, delta: Any, scale: Any, V: Any, y_norm: Any) -> Any:
    """Lemma 2: L^0 <= ||y||^2 with probability 1 - delta; V = max_a min(sup sigma^2, mu_a^2 + Ls^2 G_aa)."""
    return 2 * scale**2 * n * V * o.log(2 * n / delta) / ((o.sqrt(o.number(2)) - 1) ** 2 * y_norm**2)


@constant("Lemma 3, (72)")
def width_lemma_3(o: Ops, n: Any, delta: Any, K: Any) -> Any:
    """Lemma 3: eta~^0 > K with probability 1 - delta."""
    return o.log(n / delta) / (2 * K**2)


@constant("(58) with (52) as printed", proved=False)
def scale_theorem_1_printed(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any, K: Any, y_norm: Any) -> Any:
    """Theorem 1: the least scale as printed, 2 kappa_printed ||y||/K^{3/2}, where L^0 <= ||y||^2."""
    left, right = interval
    return 9 * lmax * y_norm / (slope * lmin * (right - left) * K * o.sqrt(K))


@constant("(58) with (52) repaired (E1)")
def scale_theorem_1(o: Ops, lmin: Any, lmax: Any, interval: Any, slope: Any, K: Any, y_norm: Any) -> Any:
    """Theorem 1: the least scale, 2 kappa ||y||/K^{3/2}, where L^0 <= ||y||^2."""
    left, right = interval
    return 9 * o.sqrt(o.number(2)) * lmax * y_norm / (slope * lmin * (right - left) * K * o.sqrt(K))


@constant("(61)")
def rate_theorem_1(o: Ops, scale: Any, lmin: Any, slope: Any, K: Any) -> Any:
    """Theorem 1: L^t <= L^0 exp(-rate t) at that scale; half of K^{3/2} is left, and 2 (1/2)^{2/3} = 2^{1/3}."""
    return 2 ** (o.number(1) / 3) * scale**2 * lmin * slope**2 * K


@constant("markov (S1)")
def a_markov(o: Ops, lmin: Any, gmax: Any, slope: Any, xi: Any, eta: Any) -> Any:
    """critical scale / ||r^0|| of the method markov."""
    return 3 * o.sqrt(gmax / lmin) / (2 * slope * xi * eta * o.sqrt(eta))


@constant("chebyshev (S2)")
def a_chebyshev(o: Ops, lmin: Any, gmax: Any, slope: Any, xi: Any, eta: Any) -> Any:
    """critical scale / ||r^0|| of the method chebyshev."""
    return 4 / o.pi * o.sqrt(gmax / lmin) / (slope * xi * eta)


@constant("envelope (S3), mu_a = nu/G_aa")
def a_envelope(o: Ops, lmin: Any, nu: Any, A: Any) -> Any:
    """critical scale / ||r^0|| of the method envelope, A = min_a A_a."""
    return 4 * o.sqrt(nu) / (o.pi * o.sqrt(lmin) * A)


@constant("slopes (S4)")
def a_slopes(o: Ops, lmin: Any, gmax: Any, slope_lipschitz: Any, q: Any) -> Any:
    """critical scale / ||r^0|| of the method slopes, q = min_a q_a(0)."""
    return 2 * slope_lipschitz * o.sqrt(gmax) / (o.sqrt(lmin) * q**2)


@constant("kernel (S5)")
def a_kernel(o: Ops, lmin_kernel: Any, lmax: Any, gmax: Any, slope_lipschitz: Any) -> Any:
    """critical scale / ||r^0|| of the method kernel, lmin_kernel = lambda_min(Theta^0), Theta the tangent kernel."""
    return 2 * slope_lipschitz * o.sqrt(lmax * gmax) / lmin_kernel


@constant("a trained last layer")
def drift_last_layer(o: Ops, lmin: Any, mobility: Any, lipschitz: Any) -> Any:
    """What c rho(s) loses per unit of path length, where dc_i/dt = -mobility sum_a r_a sigma(h_ia)."""
    return o.sqrt(lmin * mobility) * lipschitz


@constant("a trained last layer, rho a straight line")
def scale_last_layer(o: Ops, a: Any, drift: Any, A: Any, residual: Any) -> Any:
    """The critical scale of a profile sqrt(A) (1 - s/s*), a that of a fixed last layer for a residual of norm one."""
    return (a * residual + o.sqrt((a * residual) ** 2 + 8 * drift * residual / A)) / 2


@constant("two-sided movement")
def path_least(o: Ops, residual: Any, scale: Any, lipschitz: Any, lmax: Any) -> Any:
    """The whole path of a run whose loss goes to zero is at least ||r^0||/(scale Ls sqrt(lambda_max))."""
    return residual / (scale * lipschitz * o.sqrt(lmax))


@constant("two-sided rate")
def rate_most(o: Ops, scale: Any, lipschitz: Any, lmax: Any) -> Any:
    """L^t >= L^0 exp(-rate_most t) for every network."""
    return 2 * scale**2 * lmax * lipschitz**2


@constant("gradient descent (9), sigma in C^{1,1}")
def descent_w(
    o: Ops, step: Any, scale: Any, lmax: Any, lipschitz: Any, slope_lipschitz: Any, gmax: Any, residual: Any
) -> Any:
    """If w < 1, ||r_{k+1}|| <= ||r_k|| - (1 - w) step P_k/||r_k||: descent keeps the share 1 - w of the decrease."""
    return step * scale / 2 * (scale * lmax * lipschitz**2 + slope_lipschitz * o.sqrt(gmax * lmax) * residual)


@constant("gradient descent (9), a trained last layer, sigma in C^{1,1}")
def descent_w_last_layer(
    o: Ops,
    step: Any,
    mean_c: Any,
    most_c: Any,
    lmax: Any,
    lipschitz: Any,
    slope_lipschitz: Any,
    gmax: Any,
    mobility: Any,
    lmax_values: Any,
    residual: Any,
) -> Any:
    """w of descent_w for a trained last layer: mean_c bounds the root mean square of the c_i, most_c their magnitudes,
    lmax_values = lambda_max(S), S_ab = (1/m) sum_i sigma(h_ia) sigma(h_ib), up to the step."""
    first_order = lmax * lipschitz**2 * mean_c**2 + mobility * lmax_values
    second_order = slope_lipschitz * most_c * o.sqrt(gmax * lmax) + lipschitz * o.sqrt(mobility * lmax)
    return step / 2 * (first_order + second_order * residual)


@constant("gradient descent (9), linear stability (E17)")
def step_stable(o: Ops, scale: Any, lmax_kernel: Any) -> Any:
    """The largest step for which descent follows the flow near its end, lmax_kernel = lambda_max(Theta)."""
    return 2 / (scale**2 * lmax_kernel)
