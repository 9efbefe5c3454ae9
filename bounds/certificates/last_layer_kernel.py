"""A certificate by the last layer's own kernel, where it is trained: nothing is asked of G, of the c_i or of sigma'.

P >= (kap/m) sum_i (sum_a r_a sigma(h_ia))^2 = kap r'S r with S = N'N, N_ia = sigma(h_ia)/sqrt(m). As the vector h_i
moves by at most sqrt(lambda_max) s in root mean square, so does N in Frobenius norm, times Ls, and

    c rho(s) = sqrt(kap) [sqrt(lambda_min(S^0)) - Ls sqrt(lambda_max) s]_+,

whatever c is. n > d is allowed without an embedding; the mobility kap must be large (from_torch).
"""

from __future__ import annotations

import numpy as np
from flint import arb

from bounds.activation.base import FUNCTION_ULPS, TINY
from bounds.errors import AssumptionError
from bounds.methods.base import ROOT, Profile
from bounds.neurons import Neurons, as_neurons
from bounds.numerics.spectrum import gamma, spectrum
from bounds.problem import Problem


def check(problem: Problem) -> None:
    """AssumptionError unless the last layer is trained; lambda_min(G) may be zero."""
    if not problem.last_layer:
        raise AssumptionError(
            "method 'last-layer' is about a last layer that is trained. Use Problem(..., last_layer=kap) for one of"
            " mobility kap, or method='best'."
        )


def profile(problem: Problem, H: np.ndarray | Neurons) -> Profile:
    """c rho(s) as a profile, of one network with pre-activations H (m, n)."""
    act, m = problem.activation, len(H)
    ls = float(act.Ls.upper())

    def sums(h: np.ndarray) -> np.ndarray:
        """(n, n + 2): of m S, of its diagonal, and of the squares of what N is not known to."""
        value = act.value(h)
        # sigma is known to FUNCTION_ULPS of itself and to the digits that an expression loses.
        unsure = FUNCTION_ULPS * 2.0**-53 * np.abs(value) + act.slack * ls * (1 + np.abs(h)) + TINY
        return np.column_stack([value.T @ value, np.square(value).sum(0), np.square(unsure).sum(0)])

    found = as_neurons(H).sum(sums) / m
    S, squares, unsure = found[:, :-2], found[:, -2], found[:, -1]
    norm, apart = float(np.sqrt(np.sum(squares))), float(np.sqrt(np.sum(unsure)))  # in Frobenius norm
    error = 1.01 * (2 * norm * apart + apart * apart + gamma(m + 4) * norm * norm)
    least = arb(max(spectrum((S + S.T) / 2, error).lmin[0], 0.0))
    fall = act.Ls * problem.spectrum.lmax_ceiling.sqrt()
    return Profile(arb(problem.last_layer) * least, least.sqrt() / fall, ROOT)
