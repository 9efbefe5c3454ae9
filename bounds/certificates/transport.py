"""The envelope with the best mu at every s (methods/step_profile.py), for one network.

By duality, but for the finite choice of mu, it is the least mean square slope over all displacements of root mean
square at most sqrt(G_aa) s: an optimal transport of the pre-activations.
"""

from __future__ import annotations

import numpy as np

from bounds.activation.slope_envelope import mean_envelope
from bounds.methods import envelope
from bounds.methods.base import Profile
from bounds.methods.step_profile import StepProfile, envelope_profile
from bounds.problem import Problem

FACTORS = (0.25, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5, 4.0)  # the values of nu tried, times that of the envelope method


def a_posteriori(problem: Problem, H: np.ndarray) -> list[StepProfile | Profile]:
    """Profiles of the network H (m, n), each valid: the envelope method's parabola, and the step function if positive.

    The parabola may be the better one, because the step function loses a little to its grid of s.
    """
    single: list[StepProfile | Profile] = [envelope.a_posteriori(problem, H)]
    nus = [envelope.best_nu(problem) * factor for factor in FACTORS]
    A = np.array(
        [[mean_envelope(problem.activation, g, nu, H[:, a]) for a, g in enumerate(problem.gram_diagonal)] for nu in nus]
    )
    steps = envelope_profile(A, np.array(nus), float(problem.spectrum.lmin_floor))
    return single if steps is None else [*single, steps]
