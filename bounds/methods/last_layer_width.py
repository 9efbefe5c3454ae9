"""Before the draw: the width at which a trained last layer's own kernel is half of its limit, and what follows.

S_ab = (1/m) sum_i sigma(h_ia) sigma(h_ib) is the Gram matrix of m random features of the inputs, so that the lower
tails of random embeddings (embedding_dim.py) say for which m it is at least half of its limit Sbar in the order of
matrices, but with a given probability. The profile is that of certificates/last_layer_kernel.py; the scale plays no
part.
"""

from __future__ import annotations

from flint import arb

from bounds.data.embeddings import Identity
from bounds.data.random_features import RandomFeatures
from bounds.errors import AssumptionError
from bounds.methods.base import ROOT, APriori, Profile
from bounds.methods.embedding_dim import least_dim_for_half
from bounds.problem import Problem


def a_priori(problem: Problem, failure: float) -> APriori:
    """c rho(s) = sqrt(kap) [sqrt(lambda_min(Sbar)/2) - Ls sqrt(lambda_max) s]_+ with probability 1 - failure, as a
    profile for scale 1.

    Raises AssumptionError unless the last layer is trained, the embedding is the identity and lambda_min(Sbar) > 0.
    """
    if not problem.last_layer:
        raise AssumptionError(
            "method 'last-layer' is about a last layer that is trained. Use Problem(..., last_layer=kap) for one of"
            " mobility kap, or method='best'."
        )
    if not isinstance(problem.embedding, Identity) or problem.gram_radius > 0 or problem.gram_range is not None:
        raise AssumptionError(
            "method 'last-layer' promises a width for the embedding 'identity' without biases. Found"
            f" {problem.embedding_name!r}. Use method='best', or bounds.certify for a network that is drawn."
        )
    values = Problem(problem.X, problem.y, embedding=RandomFeatures(1, problem.activation))
    values.require_positive_definite("last-layer")
    width = least_dim_for_half(values, failure)
    least = values.spectrum.lmin_floor / 2
    fall = problem.activation.Ls * problem.spectrum.lmax_ceiling.sqrt()
    return APriori(
        Profile(arb(problem.last_layer) * least, least.sqrt() / fall, ROOT),
        concentration=arb(width),
        choices={"lambda_min_values": least},
    )
